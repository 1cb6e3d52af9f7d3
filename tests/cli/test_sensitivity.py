"""`sensitivity` and `compare --from` from arguments to exit code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import qmc

from tests.support.studies import made_up, parameter, sampled
from tme_abm.cli import main
from tme_abm.studies import results
from tme_abm.studies.results import StudyResults

PARAMETERS = [parameter("tumor.traits.antigenicity", 0.1, 0.9), parameter("vessels.density", 30, 300, unit="/mm^2")]


def study(**more: object) -> StudyResults:
    points = np.asarray(qmc.LatinHypercube(2, seed=2).random(40))
    return made_up(points, lambda x, seed: 600 * x[0] + 3 * seed, parameters=PARAMETERS, **more)  # type: ignore[arg-type]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> dict[str, StudyResults]:
    """What is read from a directory of this name."""
    shelf: dict[str, StudyResults] = {}
    monkeypatch.setattr(results, "read_study", lambda directory: shelf[directory.name])
    return shelf


def test_tables_to_stdout_and_files_in_the_study(
    reads: dict[str, StudyResults], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reads["mine"] = study()
    assert main(["sensitivity", str(tmp_path / "mine")]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "CD8 core in hot" in said.out
    assert said.out.rstrip().endswith("mine/sensitivity/report.html")
    row = next(line for line in said.out.splitlines() if line.strip().startswith("tumor.traits.antigenicity"))
    assert "<0.37 → >0.63" in row
    assert sorted(path.name for path in (tmp_path / "mine/sensitivity").iterdir()) == [
        "report.html", "sensitivity.csv", "sensitivity.json",
    ]  # fmt: skip
    assert json.loads((tmp_path / "mine/sensitivity/sensitivity.json").read_text())["method"] == "regression"


def test_metric_map_and_out_are_heeded(
    reads: dict[str, StudyResults], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reads["mine"] = study()
    keys = ["vessels.density", "tumor.traits.antigenicity"]
    out = tmp_path / "elsewhere"
    assert main(["sensitivity", "mine", "--metric", "tumor cells", "--map", *keys, "--out", str(out)]) == 0
    assert "tumor cells in hot" in capsys.readouterr().out
    kept = json.loads((out / "sensitivity.json").read_text())
    assert {one["outcome"] for one in kept["analyses"]} == {"tumor cells"}
    assert [kept["maps"][0][side]["key"] for side in "xy"] == keys


def test_refused_indices_are_an_error_after_the_rest_was_told(
    reads: dict[str, StudyResults], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("SALib")
    reads["mine"] = made_up(
        sampled("sobol indices", 2, 16), lambda x, seed: 600 * x[0], parameters=PARAMETERS, kind="sobol indices",
        samples=16, missing=[(3, 1)],
    )  # fmt: skip
    assert main(["sensitivity", "mine", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "no Sobol indices: 1 of 128 values are missing" in said.err
    assert "report.html" in said.out


def test_unknown_words_and_other_directories_are_input_errors(
    reads: dict[str, StudyResults], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reads["mine"] = study()
    assert main(["sensitivity", "mine", "--metric", "CD8 cor"]) == 2
    assert "Did you mean 'CD8 core'" in capsys.readouterr().err
    assert main(["compare", "--from", "mine", "--by", "vessel.density"]) == 2
    assert "Did you mean 'vessels.density'" in capsys.readouterr().err
    assert main(["compare", "--from", "mine"]) == 2
    assert "40 design points would be 40 arms" in capsys.readouterr().err


def test_a_directory_that_is_no_study_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["sensitivity"], ["compare", "--from"]):
        assert main([*command, str(tmp_path)]) == 2
        assert "is not the directory of a study" in capsys.readouterr().err


def test_options_that_mean_nothing_with_a_study_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    given = {
        "--replicates": "2", "--days": "1", "--jobs": "1", "--seed": "3", "--set": "clock.dt=5 min", "--swap": "hot",
        "--into": "cold", "--arms": "arms.toml", "--at": "1", "--overwrite": "",
    }  # fmt: skip
    for option, value in given.items():
        assert main(["compare", "--from", "mine", option, *filter(None, [value])]) == 2
        assert f"{option}: the runs of a study are compared as they are" in capsys.readouterr().err
    assert main(["compare", "hot", "cold", "--by", "clock.dt"]) == 2
    assert "--by: chooses arms of a study" in capsys.readouterr().err
    assert main(["compare", "hot", "cold", "--point", "3"]) == 2
    assert "--point: chooses arms of a study" in capsys.readouterr().err
