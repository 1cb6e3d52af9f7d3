from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.made_up import measured
from tests.support.toy import Run
from tme_abm.bench import suite
from tme_abm.bench.cases import Case

SIZES = ("--cells", "1k", "--fields", "10", "--best", "best/b.json")


@pytest.fixture
def bench(tme: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with made-up costs of a cell, one after the other."""

    def call(*arguments: str, cell_us: tuple[float | BaseException, ...] = (2.0,)) -> tuple[int, str, str]:
        costs = iter(cell_us)

        def in_child(case: Case, **_: Any) -> dict[str, Any]:
            cost = next(costs)
            if isinstance(cost, BaseException):
                raise cost
            return measured(case, cell_us=cost)

        monkeypatch.setattr(suite, "in_child", in_child)
        return tme("bench", *arguments)

    return call


def test_the_tables_go_to_stdout(bench: Run) -> None:
    code, out, err = bench(*SIZES)
    assert code == 0
    assert "**What a step costs**\n\n| case " in out
    assert "| 2D 1k × 10 | " in out
    assert "1,000 cells" in err
    assert json.loads(bench(*SIZES, "--json")[1])["cases"][0]["name"] == "2D 1k × 10"
    assert bench(*SIZES, "--quiet")[2] == ""


def test_a_regression_is_an_exit_code_and_a_sentence(bench: Run, tmp_path: Path) -> None:
    code, _, err = bench(*SIZES, "--check")
    assert (code, "nothing to compare with" in err) == (2, True)
    assert bench(*SIZES, "--record", "first")[0] == 0
    code, _, err = bench(*SIZES, "--check", cell_us=(2.5,))
    assert (code, err.splitlines()[-1]) == (0, "check: 3 ratios compared, 0 worse than 1.5 times the best")
    before = (tmp_path / "best" / "b.json").read_text()
    code, _, err = bench(*SIZES, "--check", "--record", "second", cell_us=(9.0, 4.0))
    assert code == 1
    assert "cell-step: costs 2000 times the reference kernel, 2.00 times the best (1000 in 'first')" in err
    assert (tmp_path / "best" / "b.json").read_text() == before
    assert bench(*SIZES, "--check", "--allowed", "3", cell_us=(4.0,))[0] == 0


def test_what_was_slow_once_is_measured_again(bench: Run) -> None:
    bench(*SIZES, "--record", "first")
    code, _, err = bench(*SIZES, "--check", cell_us=(4.0, 2.0))
    assert (code, "once more" in err) == (0, True)


def test_what_was_never_recorded_cannot_be_checked(bench: Run) -> None:
    bench(*SIZES, "--record", "first")
    code, _, err = bench("--cells", "2k", "--fields", "10", "--best", "best/b.json", "--check")
    assert code == 2
    assert "no case of this benchmark is recorded" in err


def test_an_interrupted_benchmark_shows_what_it_has_and_is_not_recorded(bench: Run, tmp_path: Path) -> None:
    sizes = ("--cells", "1k,2k", *SIZES[2:])
    code, out, _ = bench(*sizes, "--record", "first", cell_us=(2.0, KeyboardInterrupt()))
    assert code == 130
    assert "| 2D 1k × 10 | " in out
    assert not (tmp_path / "best" / "b.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cells", "few"], "'few' is not a number of cells or fields"),
        (["--fields", "10,"], "'' is not a number of cells or fields"),
        (["--record", " "], "--record: needs a label"),
        (["--record", "first", "--best", "a file/b.json"], "a file: cannot be a directory"),
        (["--check", "--allowed", "1"], "--allowed: should be above 1"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_runs(
    bench: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "a file").touch()
    code, out, err = bench(*arguments)
    assert (code, out) == (2, "")
    assert message in err
