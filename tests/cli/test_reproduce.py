"""The command `reproduce` on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from tests.report.test_reproduce import FOUND
from tests.support.toy import Run
from tme_abm.cli.reproduce import reproduced_table, tally_line


def lines(width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(reproduced_table(FOUND, width=width))
    return [line.rstrip() for line in captured.get().splitlines() if line.strip()]


def test_a_line_says_verdict_and_figure() -> None:
    said = lines(160)
    assert [line.split()[0] for line in said[2:]] == ["IV-02", "IV-05", "IV-13"]
    assert "not reproduced" in said[2]
    assert "1.06 [0.83, 1.28]" in said[2]
    assert "control of the tumor" in said[2]
    assert "control of the tumor" not in "\n".join(lines(100))


def test_the_tally_names_all_outcomes() -> None:
    assert tally_line(FOUND) == "0 of 3 reproduced, 2 not reproduced, 1 no verdict"


def test_results_page_and_table_are_written(tme: Run, tmp_path: Path) -> None:
    code, out, err = tme("reproduce", "--id", "IV-18", "--replicates", "2", "--out", "here")
    assert code == 0, err
    assert out.splitlines()[-1] == "here/reproduce.html"
    assert {file.name for file in (tmp_path / "here").iterdir()} >= {"reproduce.json", "reproduce.html", "reproduce.md"}
    (one,) = json.loads((tmp_path / "here/reproduce.json").read_text(encoding="utf-8"))["experiments"]
    assert (one["id"], one["verdict"]) == ("IV-18", "reproduced")


def test_what_it_does_not_know_it_refuses(tme: Run) -> None:
    code, out, err = tme("reproduce", "--id", "IV-99")
    assert (code, out) == (2, "")
    assert "--id: no experiment 'IV-99'" in err
    assert tme("reproduce", "--replicates", "1")[0] == 2
    said = tme("reproduce", "--help")[1]
    assert "--replicates" in said
    assert "--days" not in said  # for trials
