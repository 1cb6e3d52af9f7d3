from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.bench.made_up import measured
from tme_abm.bench import suite
from tme_abm.bench.cases import Case
from tme_abm.bench.measure import NotMeasured
from tme_abm.core.errors import InputError

SMALL = Case(cells=1000, fields=10, shape=(48, 48))
LARGE = Case(cells=100_000, fields=40, shape=(480, 480))


@pytest.fixture(autouse=True)
def _nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "in_child", lambda case, _: measured(case))


def run(cases: list[Case], *, deadline: float | None = None) -> tuple[list[Any], list[Any], list[str]]:
    said: list[str] = []
    return *suite.run_cases(cases, deadline=deadline, tell=said.append), said


def test_what_does_not_fit_in_memory_is_skipped_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "memory_gib", lambda *_: 0.3)
    found, skipped, said = run([SMALL, LARGE])
    assert [one["case"]["name"] for one in found] == ["2D 1k × 10"]
    assert skipped[0]["case"] == "2D 100k × 40"
    assert skipped[0]["why"].startswith("2D 100k × 40 was skipped: it is expected to need ")
    assert skipped[0]["why"].endswith("GiB of memory and 0.3 GiB are free")
    assert said[-1] == skipped[0]["why"]


def test_what_does_not_fit_in_time_is_skipped_with_a_sentence() -> None:
    found, skipped, _ = run([SMALL, LARGE], deadline=time.monotonic() + 25)
    assert len(found) == 1
    assert "s are left of the 60 s of a quick benchmark" in skipped[0]["why"]
    assert run([LARGE], deadline=None)[1] == []


def test_without_knowledge_of_the_memory_a_case_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "memory_gib", lambda *_: None)
    assert len(run([LARGE])[0]) == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NotMeasured("it did not end within 60 s and was stopped"), "it did not end within 60 s and was stopped"),
        (InputError("can have 2 to 43 fields, not 50", place="2D"), "2D: can have 2 to 43 fields, not 50."),
    ],
)
def test_a_case_that_fails_is_told_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fails(case: Case, _: float) -> dict[str, Any]:
        if case == SMALL:
            raise error
        return measured(case)

    monkeypatch.setattr(suite, "in_child", fails)
    found, skipped, _ = run([SMALL, LARGE])
    assert [one["case"]["name"] for one in found] == [LARGE.name]
    assert skipped == [{"case": SMALL.name, "why": f"{SMALL.name} was not measured: {sentence}"}]


def test_what_was_measured_before_an_interruption_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(case: Case, _: float) -> dict[str, Any]:
        if case == LARGE:
            raise KeyboardInterrupt
        return measured(case)

    monkeypatch.setattr(suite, "in_child", interrupted)
    found, skipped, _ = run([SMALL, LARGE, Case(cells=5, fields=10, shape=(9, 9))])
    assert [one["case"]["name"] for one in found] == [SMALL.name]
    assert [one["why"] for one in skipped] == [
        f"{name} was not measured: the benchmark was interrupted" for name in ("2D 100k × 40", "2D 5 × 10")
    ]


def test_needs_grow_with_cells_and_fields() -> None:
    small, large = suite.expected_needs(SMALL), suite.expected_needs(LARGE)
    assert small["seconds"] < large["seconds"] < 60
    assert small["gib"] < large["gib"] < 1


def test_the_largest_case_is_expected_to_fit_in_twelve_gib() -> None:
    most = Case(cells=1_000_000, fields=40, shape=(1500, 1500))
    assert 3 < suite.expected_needs(most)["gib"] < 12


def test_the_whole_result_is_strict_json_and_names_the_machine() -> None:
    result = suite.benchmark([SMALL, LARGE], quick=False, command="bench", tell=lambda _: None)
    kept = json.loads(json.dumps(result, allow_nan=False))
    assert set(kept) == {
        "schema", "date", "command", "quick", "machine", "load_before", "load_after", "seconds", "interrupted",
        "cases", "skipped", "peers",
    }  # fmt: skip
    assert kept["machine"]["cpu"]
    assert set(kept["machine"]["versions"]) >= {"numpy", "scipy", "python", "tme_abm", "mesa"}
    assert [one["case"]["name"] for one in kept["cases"]] == [SMALL.name, LARGE.name]


def test_slow_cases_are_measured_once_more() -> None:
    first = {"cases": [measured(SMALL, cell_us=9.0), measured(LARGE, cell_us=9.0)]}
    again = suite.remeasured(first, [SMALL.name], tell=lambda _: None)
    assert [(one["case"]["name"], one["ratios"]["cell step"]) for one in again["cases"]] == [(SMALL.name, 1000.0)]
