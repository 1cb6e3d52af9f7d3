from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench.made_up import JOB, LARGE, SMALL, measured
from tme_abm.bench import suite
from tme_abm.bench.cases import Case, plan
from tme_abm.bench.measure import NotMeasured
from tme_abm.core.errors import InputError

NAME = "2D 1k × 10"


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_child(case: Case, **_: Any) -> dict[str, Any]:
        if case == LARGE:
            raise error
        return measured(case)

    monkeypatch.setattr(suite, "in_child", in_child)


def test_a_case_that_fails_is_told_in_a_sentence_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(NotMeasured("it did not end within 60 s and was stopped"), monkeypatch)
    said: list[str] = []
    found, skipped, interrupted = suite.run_cases([LARGE, SMALL], seconds=None, tell=said.append)
    assert [one["name"] for one in found] == [NAME]
    assert skipped == ["2D 100k × 40 was not measured: it did not end within 60 s and was stopped"]
    assert said[1] == skipped[0]
    assert not interrupted


def test_what_was_measured_before_an_interruption_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(KeyboardInterrupt(), monkeypatch)
    found, skipped, interrupted = suite.run_cases([SMALL, LARGE, JOB], seconds=None, tell=lambda _: None)
    assert [one["name"] for one in found] == [NAME]
    assert skipped == [f"{one.name} was not measured: interrupted" for one in (LARGE, JOB)]
    assert interrupted


def test_a_quick_benchmark_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(AssertionError("must not begin"), monkeypatch)
    found, skipped, _ = suite.run_cases([LARGE], seconds=0.0, tell=lambda _: None)
    assert (found, len(skipped)) == ([], 1)
    assert "were over" in skipped[0]


def test_the_whole_result_is_strict_json_and_names_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(NotMeasured("why"), monkeypatch)
    result = suite.benchmark([SMALL, LARGE], quick=False, tell=lambda _: None)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert "cores, " in result["machine"]
    assert [len(result[what]) for what in ("cases", "skipped")] == [1, 1]


def test_growth_is_the_exponent_over_large_tissues() -> None:
    cases = [one for one in plan(quick=False) if one.fields < 40]
    found = [measured(one, cell_us=9.0 if one.cells < 10_000 else one.cells**0.25) for one in cases]
    assert suite.growth(found) == pytest.approx({"10": 1.25, "20": 1.25})
    assert suite.growth(found[:4]) == {}


# ------------------------------------------------------------------ the check


def test_a_ratio_is_held_against_the_best(tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    first, second = (suite.ratios([measured(one, cell_us=us) for one in (SMALL, JOB)]) for us in (2.0, 3.0))
    assert first == {f"{NAME}, cell-step": 1000, f"{NAME}, field with uptake": 20, f"{NAME}, field without uptake": 5}
    suite.record(second, {}, "second", path)
    suite.record(first, suite.read_best(path), "first", path)
    suite.record(second, suite.read_best(path), "third", path)  # nothing lower
    best = suite.read_best(path)
    assert [label for _, label in best.values()] == ["first", "second", "second"]
    assert suite.worse({**second, "new, cell-step": 1e9}, best, allowed=1.6) == {}
    assert list(suite.worse(second, best, allowed=1.4).values()) == [
        "2D 1k × 10, cell-step: costs 1500 times the reference kernel, 1.50 times the best (1000 in 'first'); "
        "1.4 times are allowed"
    ]


def test_a_slower_machine_is_no_regression() -> None:
    fast, slow = measured(SMALL), measured(SMALL, cell_us=20.0, kernel_ns=20.0)
    slow["costs"] = {what: 10 * cost for what, cost in fast["costs"].items()}
    assert suite.ratios([slow]) == suite.ratios([fast])


@pytest.mark.parametrize("one", ["5", "[5]", '["a", "b"]', '[0, "b"]', '[NaN, "b"]', "[1, 2]", None])
def test_a_damaged_file_is_refused(tmp_path: Path, one: str | None) -> None:
    path = tmp_path / "best.json"
    path.write_text(f'{{"x": {one}}}' if one else "[]")
    with pytest.raises(InputError, match=r"should have a ratio|not a JSON"):
        suite.read_best(path)


def test_the_shipped_ratios_cover_the_quick_cases() -> None:
    tissues = {f"{one.name}, cell-step" for one in plan(quick=True) if one.mix == "tumor"}
    assert tissues <= set(suite.read_best(suite.BEST))
