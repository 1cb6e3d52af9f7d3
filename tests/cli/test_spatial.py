"""The command `spatial`: its table, files, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tme_abm.cli import main
from tme_abm.runs.run import run
from tme_abm.scenario import load

Says = tuple[int, str, str]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("spatial") / "hot"
    small = {"lattice.shape": [48, 48], "lattice.margin": "100 um", "tumor.cells": 300, "immune.CD8": "400 /mm^2"}
    run(load("hot", small), out=out, seed=3, days=0.125)
    return out


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Says:
    code = main(["spatial", *map(str, arguments)])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return code, said.out, said.err


def test_one_run_is_measured_in_its_directory(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, directory)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("hot, seed 3, day 0.125, ")
    assert lines[-1] == str(directory / "spatial" / "spatial.html")
    (share,) = (line for line in lines if line.strip().startswith("Immune share"))
    assert share.rstrip().endswith("74 TNBC sections")
    assert "[" in share
    assert "nan" not in out
    (section,) = json.loads((directory / "spatial" / "spatial.json").read_text(encoding="utf-8"))["sections"]
    assert section["scenario"] == "hot"


def test_several_stand_side_by_side(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = call(capsys, directory, directory, "--at", "0", "--at", "0.125")
    assert code == 0
    assert out.splitlines()[-1] == "results/spatial-hot/spatial.html"
    assert out.splitlines()[2].split("%")[0].count("day 0") == 1
    code, out, _ = call(capsys, directory, "--at", "0", "--out", "here")
    assert out.splitlines()[-1] == "here/spatial.html"
    assert {file.name for file in Path("here").iterdir()} == {"spatial.html", "spatial.json"}


def test_what_is_no_run_or_no_day_is_refused(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capsys, tmp_path)
    assert (code, out) == (2, "")
    assert "is not the directory of a run" in err
    code, _, err = call(capsys, directory, "--at", "7")
    assert code == 2
    assert "no snapshot of day 7; it has those of 0, 0.125" in err
    assert call(capsys, directory, "--at", "nan")[0] == 2
    assert call(capsys, directory / "missing")[0] == 2
    code, _, err = call(capsys, directory, "--out", directory / "series.csv")
    assert code == 2
    assert "cannot be a directory" in err
    assert not (tmp_path / "spatial").exists()
