from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.made_up import result
from tme_abm.bench.cases import Case
from tme_abm.bench.history import HISTORY, better, check_label, compare, read_history, record, sentences
from tme_abm.core.errors import InputError

SMALL = Case(cells=1000, fields=10, shape=(48, 48))
OTHER = Case(cells=2000, fields=10, shape=(68, 68))
JOB = Case(cells=500, fields=10, shape=(50, 50), mix="job", days=1.0)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.json"
    record(result([SMALL, JOB], cell_us=2.0), "first", path)
    record(result([SMALL], cell_us=3.0), "second", path)
    return path


def test_entries_are_appended_with_what_they_come_from(history: Path) -> None:
    first, second = read_history(history)
    assert (first["label"], second["label"]) == ("first", "second")
    assert (first["version"], first["machine"], first["load"]) == ("1.2.3", "Abacus 9000, 2 cores", [0.1, 0.2, 0.3])
    assert first["ratios"] == {"2D 1k × 10": {"cell step": 1000.0, "voxel field": 10.0}}  # jobs are not compared


def test_a_ratio_is_held_against_the_best_of_the_history(history: Path) -> None:
    entries = read_history(history)
    fine = compare(result([SMALL], cell_us=2.9), entries)
    assert not any(one.worse(1.5) for one in fine)
    slow = compare(result([SMALL], cell_us=3.1), entries)
    assert [(one.quantity, one.worse(1.5)) for one in slow] == [("cell step", True), ("voxel field", False)]
    assert sentences(slow, allowed=1.5) == [
        "2D 1k × 10: a cell step costs 1550 times the reference kernel, 1.55 times the best (1000 in 'first'); "
        "1.5 times are allowed"
    ]


def test_a_slower_machine_is_no_regression(history: Path) -> None:
    slower = result([SMALL], cell_us=20.0, voxel_ns=200.0, kernel_ns=20.0)
    assert not any(one.worse(1.01) for one in compare(slower, read_history(history)))


def test_what_the_history_does_not_know_is_said(history: Path) -> None:
    found = compare(result([OTHER]), read_history(history))
    assert not any(one.worse(1.5) for one in found)
    assert sentences(found, allowed=1.5) == ["not in the history, so not compared: 2D 2k × 10"]


def test_of_two_measurements_the_better_counts(history: Path) -> None:
    entries = read_history(history)
    first = compare(result([SMALL, OTHER], cell_us=8.0), entries)
    second = compare(result([SMALL], cell_us=2.1), entries)
    kept = better(first, second)
    assert [(one.case, one.now) for one in kept if one.quantity == "cell step"] == [
        ("2D 1k × 10", 1050.0),
        ("2D 2k × 10", 4000.0),
    ]
    assert not any(one.worse(1.5) for one in kept)


@pytest.mark.parametrize(("label", "why"), [("first", "has an entry 'first' already"), (" ", "needs a label")])
def test_a_label_is_new_and_says_something(history: Path, label: str, why: str) -> None:
    before = history.read_bytes()
    with pytest.raises(InputError, match=why):
        check_label(label, history)
    with pytest.raises(InputError, match=why):
        record(result([SMALL]), label, history)
    assert history.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[]", "not a JSON object"),
        ('{"schema": 7, "entries": []}', "not a history of benchmarks of schema 1"),
        ('{"schema": 1, "entries": [5]}', "entries.0: should have a label, and ratios above zero"),
        ('{"schema": 1, "entries": [{"label": "a", "ratios": {"x": {"cell step": 0}}}]}', "ratios above zero"),
        ('{"schema": 1, "entries": [{"label": "a", "ratios": {"x": 5}}]}', "ratios above zero"),
    ],
)
def test_a_damaged_history_is_refused(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "history.json"
    path.write_text(content)
    with pytest.raises(InputError, match=why):
        read_history(path)


def test_the_shipped_history_is_sound_and_knows_the_quick_cases() -> None:
    entries = read_history(HISTORY)
    assert json.loads(HISTORY.read_text())["schema"] == 1
    assert {"2D 1k × 10", "2D 10k × 40", "3D 28k × 10"} <= set(entries[-1]["ratios"])
