"""The command `levels` on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.report.test_levels import BUDGET, FOUND
from tests.support.toy import Run
from tme_abm.cli.levels import budget_tables, cells_table, idle_table

SMALL = ("--set", "lattice.shape=[32, 32]", "--set", "lattice.margin=30 um", "--set", "tumor.cells=150")


def lines(made: Table, width: int = 160) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(made)
    return [line.rstrip() for line in captured.get().splitlines() if line.strip()]


def test_a_budget_has_a_line_a_signal() -> None:
    (made,) = budget_tables(BUDGET, width=160)
    said = lines(made)
    assert said[0].strip() == "CD8 attack in hot"
    assert said[3].split() == ["NO", "↓", "0.3", "/h", "10", "nM^2", "5", "pM", "(4–6", "pM)", "0.77", "+60", "%"]


def test_a_narrow_screen_has_a_table_for_each_place() -> None:
    parts = dict.fromkeys(("core", "margin"), BUDGET.pulls[0].parts["core"])
    pull = BUDGET.pulls[0].model_copy(update={"parts": parts})
    both = BUDGET.model_copy(update={"value": {"core": 0.01, "margin": 0.02}, "pulls": (pull,)})
    for width, count, ranges in ((160, 1, True), (100, 2, True), (80, 2, False)):
        tables = [lines(made, width) for made in budget_tables(both, width=width)]
        assert len(tables) == count
        assert all(len(said) == 4 for said in tables)  # no cell is broken into two lines
        assert all(("(4–6 pM)" in said[3]) == ranges for said in tables)
        assert ["core" in said[1] for said in tables] == [True, False][:count]


def test_idle_rules_are_listed_with_their_reason() -> None:
    (head, _, line) = lines(idle_table(FOUND))
    assert head.split()[:3] == ["cell", "idle", "rule"]
    assert "IL2 ↓ attack" in line
    assert "cold" in line
    assert "Waits for a dose" in line
    assert lines(cells_table(FOUND))[2].split() == ["CD8", "4", "2", "1", "1"]


def test_budgets_and_page_are_written(tme: Run, tmp_path: Path) -> None:
    code, out, err = tme("levels", "hot", *SMALL, "--days", "0.05,0.1", "--behavior", "CD8 attack", "--out", "here")
    assert (code, err.strip()) == (0, "1 of 1  hot")
    assert "PD1 occupancy" in out
    assert "without it" in out
    assert "idle" not in out
    assert out.splitlines()[-1] == "here/levels.html"
    assert {file.name for file in (tmp_path / "here").iterdir()} == {"levels.json", "levels.html"}
    found = json.loads((tmp_path / "here/levels.json").read_text(encoding="utf-8"))
    assert (found["days"], found["tumors"]) == ([0.05, 0.1], ["hot"])


def test_a_tumor_that_is_not_there_is_said_to_be_missing(tme: Run) -> None:
    code, _, err = tme("levels", "hot", *SMALL, "--set", "tumor.cells=0", "--days", "0.02", "--quiet")
    assert code == 0
    assert "hot: no tumor, or too few or too scattered cells for one" in err


def test_levels_are_recorded(tme: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tme_abm.levels.survey.RECORD", tmp_path / "record.json")
    (tmp_path / "small.toml").write_text(
        'extends = "hot"\n[lattice]\nshape = [32, 32]\nmargin = "30 um"\n[tumor]\ncells = 150\n', encoding="utf-8"
    )
    monkeypatch.setattr("tme_abm.levels.survey.SHIPPED", ("small.toml",))
    assert tme("levels", "--days", "0.05", "--record", "--quiet")[0] == 0
    kept = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert kept["command"] == "tme-abm levels small --seed 1 --days 0.05 --record"
    assert "small" in kept["molecules"]["OXYGEN"]


def test_a_record_that_cannot_be_written_is_refused_before_any_run(
    tme: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("tme_abm.levels.survey.RECORD", tmp_path / "file" / "record.json")
    code, out, err = tme("levels", "--record")
    assert (code, out) == (2, "")
    assert err.strip().endswith(f"cannot be a directory: {tmp_path / 'file'} is a file.")


@pytest.mark.parametrize("arguments", [("levels", "hot"), ("verify",), ("claims",), ("reproduce",)])
def test_results_that_have_no_place_are_refused_before_any_run(
    tme: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    code, out, err = tme(*arguments, "--out", "file")
    assert (code, out, err) == (2, "", "error: file: cannot be a directory: file is a file.\n")


def test_without_a_behavior_idle_rules_are_shown(tme: Run) -> None:
    code, out, _ = tme("levels", "hot", *SMALL, "--days", "0.05")
    assert code == 0
    assert "idle rule" in out
    assert "absent: no TKI (tumor division, tumor apoptosis)" in out
    assert " rules are idle in hot" in out
    assert out.splitlines()[-1] == "results/levels/levels.html"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--behavior", "CD9 attack"), "no cell 'CD9'"),
        (("--behavior", "CD8 atack"), "Did you mean 'attack'?"),
        (("--days", "three"), "--days: 'three' is not a list of days"),
        (("--record", "--set", "tumor.cells=9"), "--set: the record is of tumors as they are shipped"),
        (("--days", "5,3"), "--days: should be rising numbers of days"),
        (("--days", "nan"), "--days: should be rising numbers of days"),
        (("--days", "1,inf"), "--days: should be rising numbers of days"),
        (("--behavior", "attack"), "--behavior: 'attack' is not a cell and a behavior, such as 'CD8 attack'"),
        (("--record",), "--record: the record is of all shipped tumors (hot, base, cold, excluded), so name none"),
        (("--jobs", "0"), "--jobs"),
    ],
)
def test_what_it_does_not_know_it_refuses(tme: Run, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = tme("levels", "hot", *arguments)
    assert (code, out) == (2, "")
    assert message in err
