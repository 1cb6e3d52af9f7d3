from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.studies.small import contents, study_file
from tests.support.toy import Run, ToySimulator, simulate_with
from tme_abm.core.parallel import Here


@pytest.fixture
def tme(tme: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line in a directory with a study file, without worker processes."""
    monkeypatch.setattr("os.fsync", lambda handle: None)  # it is for power cuts, and slow
    monkeypatch.setattr("tme_abm.studies.batch.Workers", lambda jobs: Here())
    study_file(tmp_path)
    return tme


def test_a_batch_ends_with_a_table_and_the_directory(tme: Run, tmp_path: Path) -> None:
    code, out, err = tme("batch", "small.toml")
    assert code == 0
    assert "small: 3 points, 2 seeds, day 0.5" in out
    assert re.search(r"^ hot +6 +0 ", out, re.MULTILINE)
    assert out.splitlines()[-1] == "results/small"
    assert "12 of 12 runs done" in err
    assert (tmp_path / "results/small/runs.csv").exists()
    code, out, err = tme("batch", "results/small", "--quiet")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "results/small"
    assert "12 of 12 runs were done already" in tme("batch", "small.toml")[2]


def test_a_dry_run_shows_the_plan_and_writes_nothing(tme: Run, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, out, _ = tme("batch", "small.toml", "--dry-run", "--jobs", "3", "--out", "a/b")
    assert code == 0
    assert "runs       3 points × 2 scenarios × 2 seeds = 12 runs\n" in out
    assert "design     grid: 3 points\n           tumor.traits.antigenicity: 0.2, 0.5, 0.8\n" in out
    assert "directory  a/b\n" in out
    assert re.search(r"time       about \d+ s with 3 processes \(\d+ s of one\)\n", out)
    assert re.search(r"disk       about [\d.]+ kB; .* are free\n", out)
    assert "estimated from a pilot" in out
    assert sorted(tmp_path.rglob("*")) == before
    tme("batch", "small.toml")
    shutil.rmtree(tmp_path / "results/small/runs/hot/point_00000/seed_002")
    tme("batch", "small.toml", "--quiet")
    out = tme("batch", "small.toml", "--dry-run")[1]
    assert "= 12 runs, 0 of them left" in out
    assert "estimated from the 12 runs of this study that are done" in out


def test_failed_runs_are_told_and_tried_again(tme: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    simulate_with(monkeypatch, ToySimulator(fails_at=20, fails_for="cold"))
    code, out, err = tme("batch", "small.toml", "--out", "a")
    assert code == 1
    assert re.search(r"^ cold +0 +6 ", out, re.MULTILINE)
    assert "error: runs/cold/point_00000/seed_001: ZeroDivisionError: no cells left to divide by" in err
    assert "6 of 12 runs failed; try them again with: batch a --retry-failed" in err
    code, out, _ = tme("status", "a")
    assert code == 0
    assert "small: 6 of 12 runs done" in out
    assert "failed: runs/cold/point_00000/seed_001: ZeroDivisionError" in out
    assert "batch a --retry-failed" in out
    simulate_with(monkeypatch, ToySimulator())
    assert tme("batch", "a", "--retry-failed")[0] == 0
    assert tme("batch", "small.toml", "--out", "b")[0] == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_interrupted_batch_says_how_to_go_on(tme: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Here):
        def wait(self, seconds: float) -> list[object]:  # type: ignore[override]
            raise KeyboardInterrupt

    monkeypatch.setattr("tme_abm.studies.batch.Workers", lambda jobs: Interrupted())
    code, out, err = tme("batch", "small.toml", "--out", "a")
    assert (code, out) == (130, "")
    assert "interrupted; nothing that is finished is lost. Go on with: batch a" in err
    code, out, _ = tme("status", "a")
    assert "small: 0 of 12 runs done" in out
    assert "no process works on it; go on with: batch a" in out


def test_status_for_programs(tme: Run) -> None:
    tme("batch", "small.toml", "--out", "a")
    code, out, err = tme("status", "a", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["runs"], found["done"], found["failed"], found["pending"]) == (12, 12, 0, 0)
    assert found["scenarios"]["hot"]["done"] == 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["batch", "smal"], r"no study 'smal', by name or as a file"),
        (["batch", "smal.toml"], r"smal.toml: no such file"),
        (["batch", "small.toml", "--days", "-1"], r"days: .* positive number of days, .* not -1"),
        (["batch", "small.toml", "--scheduler", "here"], r"--scheduler: 'here' is not an address. Allowed: local"),
        (["batch", "small.toml", "--out", "small.toml"], r"small.toml: is a file, and a study needs a directory"),
        (["status", "nowhere"], r"nowhere: there is no such directory"),
        (["status", "."], r"is not the directory of a study"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(tme: Run, arguments: list[str], told: str) -> None:
    code, out, err = tme(*arguments)
    assert (code, out) == (2, "")
    assert re.search(told, err)
    assert err.count("\n") == 1


def test_days_are_those_of_the_command_line(tme: Run, tmp_path: Path) -> None:
    assert tme("batch", "small.toml", "--days", "0.25", "--out", "a")[0] == 0
    assert json.loads((tmp_path / "a/study.json").read_text())["days"] == 0.25
    code, _, err = tme("batch", "small.toml", "--out", "a")
    assert code == 2
    assert "What differs: the study: days was 0.25, is 0.5" in err


def test_parquet_on_request(tme: Run, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert tme("batch", "small.toml", "--out", "a", "--parquet")[0] == 0
    assert (tmp_path / "a/runs.parquet").exists()
    assert (tmp_path / "a/series.parquet").exists()
