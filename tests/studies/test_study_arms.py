"""Arms of a study side by side: which are chosen, that nothing runs again, and that pairs are pairs."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.studies import made_up, parameter, sampled
from tests.support.toy import ToySimulator, results
from tme_abm.compare.compare import compare
from tme_abm.compare.statistics import paired_correlation, paired_difference
from tme_abm.core.errors import InputError
from tme_abm.scenario import load
from tme_abm.studies.arms import choose, compare_study
from tme_abm.studies.batch import run_study
from tme_abm.studies.results import StudyResults, read_study
from tme_abm.studies.study import load_study

PARAMETERS = [parameter("tumor.traits.antigenicity", 0.2, 0.8), parameter("vessels.density", 50, 150, unit="/mm^2")]
GRID = np.array(list(itertools.product((0.0, 0.5, 1.0), (0.0, 0.5, 1.0))))

TEXT = """
title = "Three antigens"
scenarios = ["hot", "cold"]
days = 0.5
replicates = 3
metrics = ["CD8 core", "tumor cells"]
[set]
"record.every" = "2 h"
"record.snapshots" = "8 h"
[parameters]
"tumor.traits.antigenicity" = [0.2, 0.5, 0.8]
"""


def grid(scenarios: tuple[str, ...] = ("hot",)) -> StudyResults:
    return made_up(GRID, lambda x, seed: 100.0, parameters=PARAMETERS, kind="grid", scenarios=scenarios)


def test_arms_along_a_parameter_hold_the_others_in_the_middle() -> None:
    found = choose(grid(), by=["tumor.traits.antigenicity"])
    assert found.arms == {
        "antigenicity 0.2": ("hot", 1), "antigenicity 0.5": ("hot", 4), "antigenicity 0.8": ("hot", 7),
    }  # fmt: skip
    assert found.held == {"vessels.density": "100 /mm^2"}


def test_arms_along_a_parameter_hold_the_others_where_the_point_is() -> None:
    found = choose(grid(("hot", "cold")), by=["vessels.density"], points=[6])
    assert found.arms["hot · density 50"] == ("hot", 6)
    assert found.arms["cold · density 150"] == ("cold", 8)
    assert list(found.arms)[:3] == ["hot · density 50", "hot · density 100", "hot · density 150"]
    assert found.held == {"tumor.traits.antigenicity": "0.8"}


def test_points_and_scenarios_can_be_named() -> None:
    found = choose(grid(("hot", "cold")), scenarios=["cold"], points=[0, 8])
    assert found.arms == {
        "antigenicity 0.2, density 50": ("cold", 0), "antigenicity 0.8, density 150": ("cold", 8),
    }  # fmt: skip
    assert found.held == {}


def test_a_study_without_parameters_compares_its_scenarios() -> None:
    study = made_up(np.empty((1, 0)), lambda x, seed: 100.0, scenarios=("hot", "cold"), kind="grid")
    assert choose(study).arms == {"hot": ("hot", 0), "cold": ("cold", 0)}


def test_too_many_arms_say_how_to_choose() -> None:
    with pytest.raises(InputError) as told:
        choose(grid(("hot", "cold")))
    text = str(told.value)
    assert "2 scenarios × 9 design points would be 18 arms, and a comparison shows at most 8" in text
    assert "--point N" in text
    assert "--by KEY, one of: tumor.traits.antigenicity, vessels.density" in text


def test_what_cannot_be_chosen_is_told() -> None:
    with pytest.raises(InputError, match=r"Did you mean 'vessels\.density'"):
        choose(grid(), by=["vessel.density"])
    with pytest.raises(InputError, match="points 0 to 8, not 9"):
        choose(grid(), points=[9])
    with pytest.raises(InputError, match="no scenario 'warm'"):
        choose(grid(), scenarios=["warm"])
    with pytest.raises(InputError, match="one point only"):
        choose(grid(), points=[1, 2], by=["vessels.density"])
    with pytest.raises(InputError, match="needs two or more"):
        choose(grid(), points=[3])


def test_a_sample_has_no_points_that_differ_in_one_parameter_only() -> None:
    rng = np.random.default_rng(1)
    study = made_up(rng.random((9, 2)), lambda x, seed: 1.0, parameters=PARAMETERS)
    with pytest.raises(InputError, match="no two points of this design differ only in"):
        choose(study, by=["vessels.density"])


def test_trajectories_have_such_points() -> None:
    pytest.importorskip("SALib")
    study = made_up(sampled("morris", 2, 4), lambda x, seed: 1.0, parameters=PARAMETERS, kind="morris", samples=4)
    found = choose(study, by=["vessels.density"])
    assert len(found.arms) == 2


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the toy, finished."""
    place = tmp_path_factory.mktemp("study")
    (place / "antigens.toml").write_text(TEXT)
    plan = load_study(place / "antigens.toml", simulator=ToySimulator())
    run_study(plan, out=place / "out", jobs=1, simulator=ToySimulator())
    return place / "out"


def test_a_comparison_of_a_study_runs_nothing_and_says_the_same_as_compare(ran: Path, tmp_path: Path) -> None:
    before = results(ran / "runs")
    study = read_study(ran)
    chosen = choose(study, scenarios=["hot"], points=[0, 2])
    # A model that fails at its first step would tell if anything ran.
    found = compare_study(study, chosen, out=tmp_path / "arms", simulator=ToySimulator(fails_at=1)).content
    assert results(ran / "runs") == before
    labels = ["antigenicity 0.2", "antigenicity 0.8"]
    assert list(found["scenarios"]) == labels
    settings = {"record.every": "2 h", "record.snapshots": "8 h"}
    twins = [load("hot", settings | {"tumor.traits.antigenicity": a, "name": f"a{a}"}) for a in ("0.2", "0.8")]
    fresh = compare(twins, out=tmp_path / "fresh", replicates=3, days=0.5, jobs=1, simulator=ToySimulator()).content
    for label, name in zip(labels, ("a0.2", "a0.8"), strict=True):
        assert found["scenarios"][label]["metrics"] == fresh["scenarios"][name]["metrics"]
        assert found["scenarios"][label]["state"] == fresh["scenarios"][name]["state"]
    contrast = next(one for one in found["contrasts"] if one["metric"] == "CD8 core")
    a, b = (study.table("CD8 core", "hot")[point] for point in (0, 2))
    assert contrast["difference"] == pytest.approx(paired_difference(a, b).mean)
    assert contrast["paired_correlation"] == pytest.approx(paired_correlation(a, b))
    assert [one["key"] for one in found["differences"]] == ["tumor.traits.antigenicity"]
    for one in found["scenarios"][labels[0]]["runs"]:
        assert (tmp_path / "arms" / one["directory"] / "manifest.json").is_file()


def test_a_missing_run_is_a_failure_and_its_pair_is_left_out(ran: Path, tmp_path: Path) -> None:
    study = read_study(ran)
    for row in study.runs:
        if (row["scenario"], row["point"], row["seed"]) == ("hot", 0, 2):
            row.update(status="failed", error="the fields blew up", state="")
    found = compare_study(study, choose(study, scenarios=["hot"]), out=tmp_path / "arms", simulator=ToySimulator())
    assert [(one.scenario, one.seed, one.error) for one in found.failures] == [
        ("antigenicity 0.2", 2, "the fields blew up")
    ]
    values = found.content["scenarios"]["antigenicity 0.2"]["metrics"]["CD8 core"]["values"]
    assert [value is None for value in values] == [False, True, False]
    kept = json.loads((tmp_path / "arms/comparison.json").read_text())
    assert kept["study"]["arms"]["antigenicity 0.8"] == {
        "scenario": "hot", "point": 2, "parameters": {"tumor.traits.antigenicity": 0.8},
    }  # fmt: skip


def test_an_arm_without_a_run_and_a_run_of_something_else_are_refused(ran: Path, tmp_path: Path) -> None:
    study = read_study(ran)
    chosen = choose(study, scenarios=["hot"])
    rows = {(row["scenario"], row["point"], row["seed"]): row for row in study.runs}
    rows["hot", 0, 1]["directory"] = rows["hot", 0, 2]["directory"]
    with pytest.raises(InputError, match="not the run that the study's table names"):
        compare_study(study, chosen, out=tmp_path / "a", simulator=ToySimulator())
    for seed in (1, 2, 3):
        rows["hot", 1, seed]["status"] = "pending"
    rows["hot", 0, 1]["directory"] = rows["hot", 0, 1]["directory"].with_name("seed_001")
    with pytest.raises(InputError, match=r"no run of 'antigenicity 0\.5' is finished"):
        compare_study(study, chosen, out=tmp_path / "a", simulator=ToySimulator())
