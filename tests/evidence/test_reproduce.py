"""Published experiments run from end to end, on toys: small tissues, some hours, made-up publications."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tme_abm.core.errors import InputError
from tme_abm.evidence.published import Experiment
from tme_abm.evidence.reproduce import planned, read_reproduction, reproduce, write_reproduction
from tme_abm.evidence.results import Reproduction

KEYS = ("id", "verdict", "value", "ci95", "published", "criterion", "scenarios", "seeds", "reason")
SMALL = {"lattice.shape": [40, 40], "lattice.margin": "60 um", "tumor.cells": 150, "clock.dt": "20 min"}
NO_CD8 = {"do": "deplete", "cells": ["CD8"], "rate": "30 /day"}
FEWER = {"readout": "count of CD8", "take": "ratio", "arms": ["no CD8", "untreated"], "most": 0.5, "below": 1.0}


def toy(name: str = "IV-01", **changes: Any) -> Experiment:
    table: dict[str, Any] = {
        "id": name,
        "title": "CD8 cells are removed",
        "done": "an antibody against CD8",
        "measured": "CD8 cells",
        "published": "they are gone",
        "source": "Nobody 2001",
        "doi": ["10.1000/1"],
        "confidence": "A",
        "criterion": "at most half of the twin, interval below 1",
        "tumors": ["hot"],
        "dish_changes": SMALL,
        "duration": "4 h",
        "seeds": 2,
        "arms": {"untreated": [], "no CD8": [NO_CD8]},
        "expect": [FEWER],
    }
    return Experiment.model_validate(table | changes)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reproduction, list[str], Path]:
    out, told = tmp_path_factory.mktemp("out"), []
    unposed = toy("IV-02", unposed="no such cell is modeled", tumors=[], arms={}, expect=[], dish_changes={})
    worlds = [{**FEWER, "world": "lost"}, {**FEWER, "most": None, "below": None, "least": 0.9, "world": "kept"}]
    more = toy("IV-03", expect=worlds, duration="2 h")
    broken = toy("IV-04", arms={"untreated": [], "no CD8": [{**NO_CD8, "cells": ["CD9"]}]})
    wrong = toy("IV-05", expect=[{**FEWER, "most": None, "below": None, "above": 1.0}])
    experiments = [toy(), unposed, more, broken, wrong]
    return reproduce(experiments, out=out, tell=lambda label, *_: told.append(label)), told, out


def test_every_outcome_comes_with_its_figures_or_reason(found: tuple[Reproduction, list[str], Path]) -> None:
    one, unposed, more, broken, wrong = found[0].experiments
    assert (one.verdict, one.reason, one.scenarios, one.seeds) == ("reproduced", "", ("hot",), (1, 2))
    assert one.value is not None
    assert one.value < 0.5
    assert one.what == "hot: count of CD8: no CD8 over untreated"
    assert one.levels["hot"]["untreated"]["tumor cells"] is not None
    assert (unposed.verdict, unposed.value, unposed.seeds) == ("not reproduced", None, ())
    assert unposed.reason == "no such cell is modeled"
    assert more.verdict == "no verdict"
    assert more.reason.startswith("hot: lost (count of CD8: no CD8 over untreated 0.")
    assert broken.verdict == "not reproduced"
    assert broken.reason.startswith("did not run")
    assert "Did you mean" in broken.reason
    assert wrong.verdict == "opposite"
    assert "wanted interval above 1" in wrong.reason
    assert found[0].counts() == {"reproduced": 1, "not reproduced": 2, "opposite": 1, "no verdict": 1}


def test_a_run_that_several_ask_for_is_made_once(found: tuple[Reproduction, list[str], Path]) -> None:
    labels = ["hot, untreated, seed 1", "hot, untreated, seed 2", "hot, no CD8, seed 1", "hot, no CD8, seed 2"]
    assert sorted(found[1]) == sorted(labels)
    assert len(list((found[2] / "runs").iterdir())) == 4


def test_stored_runs_are_used_again_until_more_is_asked(
    found: tuple[Reproduction, list[str], Path], tmp_path: Path
) -> None:
    for file in (found[2] / "runs").iterdir():
        (tmp_path / "runs").mkdir(exist_ok=True)
        (tmp_path / "runs" / file.name).write_bytes(file.read_bytes())
    told: list[str] = []

    def again(*experiments: Experiment, **more: Any) -> Reproduction:
        told.clear()
        return reproduce(experiments, out=tmp_path, tell=lambda label, *_: told.append(label), **more)

    assert again(toy()).experiments[0] == found[0].experiments[0]
    assert told == []
    other = {"readout": "count of tumor", "arms": ["untreated"], "least": 100}
    asking = again(toy(expect=[FEWER, other]))
    assert asking.experiments[0].expect[0] == found[0].experiments[0].expect[0]
    assert sorted(told) == ["hot, untreated, seed 1", "hot, untreated, seed 2"]
    last = {"readout": "count of Treg", "arms": ["untreated"], "least": 0}
    again(toy(arms={"untreated": []}, expect=[last]))
    assert len(told) == 2
    again(toy(expect=[FEWER, other]))
    assert told == []  # what was read before has been kept
    again(toy(), seed=2)
    assert sorted(told) == ["hot, no CD8, seed 3", "hot, untreated, seed 3"]
    (damaged, *_) = sorted((tmp_path / "runs").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-30])
    again(toy(), seed=1, replicates=3)
    assert len(told) == 1


def test_several_at_a_time_give_the_same(found: tuple[Reproduction, list[str], Path]) -> None:
    assert reproduce([toy()], jobs=2).experiments[0] == found[0].experiments[0]


def test_a_dish_gives_a_value_for_each_well() -> None:
    dish = {"tumors": [], "dish": "culture", "cells": [{"cell": "CD8", "count": 20}]}
    changes = {"dish_changes": {"wells": 3, "lattice.shape": [10, 10]}}
    result = reproduce([toy(**dish, **changes)]).experiments[0]
    assert result.scenarios == ("culture",)
    assert len(result.expect[0].arms["untreated"]) == 6
    assert result.levels == {}


def test_readings_at_several_times_are_averaged() -> None:
    at = {"arms": ["untreated"], "take": "value", "readout": "count of tumor", "least": 0}
    one = toy(
        seeds=2,
        arms={"untreated": []},
        expect=[{**at, "at": [t]} for t in ("1 h", "4 h")] + [{**at, "at": ["1 h", "4 h"]}],
    )
    early, late, both = (held.value for held in reproduce([one]).experiments[0].expect)
    assert early is not None
    assert late is not None
    assert both == pytest.approx((early + late) / 2)


def test_the_value_is_that_of_the_tumor_in_which_the_bounds_fail() -> None:
    seen = {"readout": "expression MHC1 of tumor", "arms": ["untreated"], "least": 0.8}
    one = toy(tumors=["hot", "cold", "excluded"], arms={"untreated": []}, expect=[seen], duration="20 min")
    result = reproduce([one]).experiments[0]
    assert [held.holds for held in result.expect] == [True, False, True]
    assert result.value == result.expect[1].value
    assert result.what.startswith("cold: ")


def test_what_is_recorded_does_not_make_another_run() -> None:
    plans = [
        planned(toy(dish_changes={**SMALL, **more}), [1])
        for more in ({}, {"record.every": "4 h"}, {"clock.dt": "10 min"})
    ]
    first, recorded, finer = ([run.key for run in plan.values()] for plan in plans)
    assert first == recorded
    assert not set(first) & set(finer)


def test_a_trial_is_cut_off(tmp_path: Path) -> None:
    one = toy(duration="3 d", seeds=2)
    assert [run.scenario.clock.days for run in planned(one, [1], cut=0.1).values()] == pytest.approx([0.1, 0.1])
    assert reproduce([one], cut=0.1, out=tmp_path).cut == 0.1


def test_results_are_written_and_read_back_unchanged(
    found: tuple[Reproduction, list[str], Path], tmp_path: Path
) -> None:
    file = tmp_path / "reproduce.json"
    write_reproduction(found[0], file)
    assert read_reproduction(file) == found[0]
    for one in json.loads(file.read_text(encoding="utf-8"))["experiments"]:
        assert set(KEYS) <= set(one)
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="not the results of published experiments"):
        read_reproduction(file)
