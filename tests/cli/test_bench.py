from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.made_up import result
from tests.support.toy import Run
from tme_abm.bench.cases import Case

ENDING: dict[str, Any] = {}  # what differs in how the benchmark ended


@pytest.fixture
def bench(tme: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with made-up costs."""

    def call(*arguments: str, cell_us: float = 2.0, again_us: float | None = None) -> tuple[int, str, str]:
        def benchmark(cases: list[Case], **_: Any) -> dict[str, Any]:
            return {**result(cases, cell_us=cell_us), **ENDING}

        def remeasured(before: dict[str, Any], names: list[str], **_: Any) -> dict[str, Any]:
            cases = [Case.from_json(one["case"]) for one in before["cases"] if one["case"]["name"] in names]
            return result(cases, cell_us=cell_us if again_us is None else again_us)

        monkeypatch.setattr("tme_abm.bench.suite.benchmark", benchmark)
        monkeypatch.setattr("tme_abm.report.bench.picture.picture", lambda _, form: form.encode())
        monkeypatch.setattr("tme_abm.bench.suite.remeasured", remeasured)
        return tme("bench", *arguments)

    return call


SIZES = ("--cells", "1k", "--fields", "10")


def test_it_writes_tables_pictures_and_json(bench: Run, tmp_path: Path) -> None:
    code, out, _ = bench(*SIZES, "--out", "b")
    assert code == 0
    assert out.startswith("Abacus 9000")
    assert "What a step costs" in out
    assert out.splitlines()[-1] == "b/bench.json"
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "bench.json",
        "bench.md",
        "bench.png",
        "bench.svg",
    ]
    assert (tmp_path / "b/bench.svg").read_text() == "svg"
    assert [one["case"]["name"] for one in json.loads((tmp_path / "b/bench.json").read_text())["cases"]] == [
        "2D 1k × 10"
    ]


def test_json_goes_to_stdout(bench: Run) -> None:
    _, out, _ = bench(*SIZES, "--json")
    assert json.loads(out)["schema"] == 1


def test_the_table_of_an_earlier_benchmark_needs_no_other(bench: Run, tmp_path: Path) -> None:
    bench(*SIZES, "--out", "b")
    code, out, _ = bench("--table", "--out", "b", cell_us=77.0)
    assert code == 0
    whole = (tmp_path / "b/bench.md").read_text().splitlines()
    assert 5 < len(out.splitlines()) < len(whole)
    assert set(out.splitlines()) <= set(whole)
    assert "| 2D 1k × 10 | 1,000 |" in out
    assert bench("--table", "--out", "c")[0] == 2


def test_a_regression_is_an_exit_code_and_a_sentence(bench: Run, tmp_path: Path) -> None:
    kept = ("--history", "h.json")
    code, _, err = bench(*SIZES, *kept, "--check")
    assert (code, "nothing to compare with" in err) == (2, True)
    assert bench(*SIZES, *kept, "--record", "first")[0] == 0
    code, out, err = bench(*SIZES, *kept, "--check", cell_us=2.5)
    assert (code, out.splitlines()[-1]) == (0, "check: 2 ratios compared, 0 worse than 1.5 times the best")
    code, out, err = bench(*SIZES, *kept, "--check", "--record", "second", cell_us=4.0)
    assert code == 1
    assert "2D 1k × 10: a cell step costs 2000 times the reference kernel, 2.00 times the best (1000 in 'first')" in err
    assert [one["label"] for one in json.loads((tmp_path / "h.json").read_text())["entries"]] == ["first"]
    assert bench(*SIZES, *kept, "--check", "--allowed", "3", cell_us=4.0)[0] == 0


def test_an_interrupted_benchmark_keeps_what_it_has_and_is_not_recorded(
    bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENDING, "interrupted", True)
    code, _, _ = bench(*SIZES, "--out", "b", "--history", "h.json", "--record", "first")
    assert code == 130
    assert (tmp_path / "b/bench.json").is_file()
    assert not (tmp_path / "h.json").exists()


def test_what_was_slow_once_is_measured_again(bench: Run) -> None:
    kept = ("--history", "h.json")
    bench(*SIZES, *kept, "--record", "first")
    code, _, err = bench(*SIZES, *kept, "--check", cell_us=4.0, again_us=2.0)
    assert code == 0
    assert "once more" in err
    code, _, err = bench(*SIZES, *kept, "--check", cell_us=4.0, again_us=9.0)
    assert code == 1
    assert "2.00 times the best" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cells", "few"], "'few' is not a number of cells or fields"),
        (["--fields", "10,"], "'' is not a number of cells or fields"),
        (["--record", " "], "needs a label"),
        (["--check", "--allowed", "1"], "--allowed: should be above 1"),
        (["--out", "file"], "file: cannot make the directory"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_runs(
    bench: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = bench(*arguments)
    assert (code, out) == (2, "")
    assert message in err
