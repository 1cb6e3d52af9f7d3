"""From an assay to the scenarios of its arms, and what its dose is."""

from __future__ import annotations

from typing import Any

import pytest

from tme_abm.core.errors import InputError
from tme_abm.core.units import parse
from tme_abm.evidence.assays import Assay
from tme_abm.evidence.dishes import arm_scenario, dishes, doses, scaled_arms, wells_of

IL6 = {"do": "hold", "molecule": "IL6", "level": "1 nM"}
OFF = {"do": "inhibit", "pathway": "STAT3"}


def assay(**changes: Any) -> Assay:
    table: dict[str, Any] = {
        "id": "made-up",
        "title": "t",
        "claims": ["A-IL6-02"],
        "dish": "culture",
        "duration": "1 h",
        "cells": [{"cell": "tumor", "count": 5}, {"cell": "CD8", "count": 4, "scales": True}],
        "arms": {"control": [], "treated": [IL6], "blocked": [IL6, OFF]},
        "expect": [{"readout": "count of tumor", "arm": "treated", "direction": "up"}],
    }
    return Assay.model_validate(table | changes)


def test_a_culture_has_the_cells_of_the_assay_and_nothing_else() -> None:
    scenario = arm_scenario(assay(), "treated", days=1, record=["IL6"])
    assert scenario.tumor.cells == 0
    assert not any(scenario.immune.values())
    assert not any(pool.cells for pool in scenario.blood.values())
    assert scenario.vessels.density == 0
    done = [(item.do, getattr(item, "molecule", None)) for item in scenario.protocol]
    assert done == [("hold", "OXYGEN"), ("add", None), ("add", None), ("hold", "IL6")]


def test_a_tumor_dish_is_a_shipped_scenario_made_small() -> None:
    tested = assay(dish="tumor", cells=[], arm_changes={"treated": {"extends": "hot", "lattice.shape": [50, 50]}})
    control, treated = (arm_scenario(tested, arm, days=3) for arm in ("control", "treated"))
    assert control.immune
    assert control.blood["CD8"].cells < 1000
    assert control.clock.days == treated.clock.days == 3
    assert treated.lattice.shape == (50, 50)
    assert treated.tumor.traits["antigenicity"] > control.tumor.traits["antigenicity"]


def test_a_change_inside_a_table_keeps_the_rest_of_the_table() -> None:
    scenario = arm_scenario(assay(dish="patch", dish_changes={"blood": {"NK": {"cells": 0}}}), "control", days=1)
    assert (scenario.blood["NK"].cells, scenario.blood["CD8"].cells) == (0, 62)


def test_wells_come_from_the_dish_unless_the_assay_says_otherwise() -> None:
    assert wells_of(assay()) == dishes()["culture"].wells
    assert wells_of(assay(dish_changes={"wells": 3})) == 3


def test_the_dose_is_what_differs_between_arms() -> None:
    assert doses(assay()) == ("IL6",)
    same = {"control": [IL6], "treated": [IL6, OFF]}
    assert doses(assay(arms=same)) == ()
    low, high = {**IL6, "level": "0.1 nM"}, {**IL6, "level": "1 nM"}
    assert doses(assay(arms={"control": [low], "treated": [high]})) == ("IL6",)
    assert doses(assay(dose=[])) == ()


def test_a_dose_is_multiplied_in_the_arms_that_have_it() -> None:
    found = scaled_arms(assay(), 0.5)
    assert found is not None
    half, changed = found
    assert changed == ("treated", "blocked")
    assert half.arms["treated"][0]["level"] == "0.5 nM"
    assert half.cells == assay().cells
    assert parse(half.arms["blocked"][0]["level"], "concentration") == pytest.approx(0.5)


def test_a_gradient_is_multiplied_at_both_ends() -> None:
    gradient = {"do": "hold", "molecule": "CXCL10", "level": "0.2 nM", "to": "1e-1 uM"}
    found = scaled_arms(assay(arms={"control": [], "treated": [gradient]}), 2.0)
    assert found is not None
    (item,) = found[0].arms["treated"]
    assert (item["level"], item["to"]) == ("0.4 nM", "0.2 uM")


def test_without_a_molecule_the_marked_cells_are_the_dose() -> None:
    found = scaled_arms(assay(arms={"control": [], "treated": [OFF]}), 2.0)
    assert found is not None
    double, changed = found
    assert changed == ("control", "treated")
    assert [cell["count"] for cell in double.cells] == [5, 8]


def test_an_assay_may_have_no_dose() -> None:
    undosed = assay(arms={"control": [], "treated": [OFF]}, cells=[{"cell": "tumor", "count": 5}])
    assert scaled_arms(undosed, 2.0) is None


def test_an_unknown_dish_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'culture'"):
        arm_scenario(assay(dish="cultures"), "control", days=1)


def test_what_a_scenario_cannot_have_is_refused_with_the_assay_named() -> None:
    with pytest.raises(InputError, match="made-up"):
        arm_scenario(assay(cells=[{"cell": "CD9", "count": 4}]), "control", days=1)
