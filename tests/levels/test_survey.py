"""Tumors are looked at, side by side, and their levels are kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.models import TINY
from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.levels.results import PLACES, Levels
from tme_abm.levels.survey import Record, asked_for, record, shipped, survey, write_levels
from tme_abm.levels.visit import Task, ruled, visited
from tme_abm.observe.compartments import compartments
from tme_abm.processes import Response
from tme_abm.scenario import Scenario, changed, load
from tme_abm.simulation import Simulation

DAYS = (0.1, 0.2)
ASKED = (("CD8", "attack"), ("endothelium", "adhesion"))


def tiny(name: str = "hot", **changes: object) -> Scenario:
    return load(name, TINY | {"immune.Treg": "200 /mm^2"} | changes)


@pytest.fixture(scope="module")
def found() -> Levels:
    bare = changed(tiny("cold"), {"immune.Treg": "0 /mm^2", "immune.Th1": "200 /mm^2", "blood.Treg.cells": 0})
    return survey([tiny(), bare], seed=3, days=DAYS, behaviors=ASKED)


def test_every_rule_of_every_cell_is_looked_at(found: Levels) -> None:
    biology = tiny().biology()
    expected = [
        (cell, behavior, str(biology.signals[term.signal]))
        for cell in biology.cells
        for behavior, program in ruled(biology, cell).items()
        for term in program.terms
    ]
    assert [(rule.cell, rule.behavior, rule.signal) for rule in found.rules] == expected
    assert all(tuple(rule.tumors) == ("hot", "cold") for rule in found.rules)
    catalogue = load_catalogue()
    assert sum(rule.effect != "scales" for rule in found.rules) == sum(len(rule.cell) for rule in catalogue.rules)


def test_ranges_are_those_of_the_cells_where_they_are_asked() -> None:
    scenario = tiny()
    visit, model = visited(Task(scenario, 3, (0.1,))), Simulation(scenario, rng=3)
    model.run_until(0.1)
    response, biology = Response(model.biology, model.tissue), model.biology
    checked = set()
    for rule in visit.rules:
        kind, behavior = biology.cell_index[rule.cell], rule.behavior
        sites, rows = response.asked(kind, behavior)
        signal = biology.signal_index[rule.signal]
        program = ruled(biology, rule.cell)[behavior]
        number = 1 + next(n for n, term in enumerate(program.terms) if term.half_max == rule.tumors["hot"].half_max
                          and term.signal == signal)
        values = response.taken_apart(program, sites, rows)[1]
        change = 0.0
        for place, mask in zip(PLACES, compartments(model.tissue), strict=True):
            here = mask[sites]
            level = response.senses(signal, kind, sites, rows)[here]
            one = rule.tumors["hot"].levels.get(place)
            assert (one is None) == (not len(level))
            if one is not None:
                assert one.count == len(level)
                ends = (one.low, one.median, one.high)
                np.testing.assert_allclose(ends, np.quantile(level, (0.05, 0.5, 0.95)), rtol=1e-3, atol=1e-12)
                near = (level >= rule.tumors["hot"].half_max / 10) & (level <= rule.tumors["hot"].half_max * 10)
                assert rule.tumors["hot"].reach >= near.mean() - 1e-3
                checked.add((rows is None, behavior == "clearance"))
                mean = values[:, here].mean(axis=1)
                change = max(change, mean[number] / mean[0] - 1 if mean[0] else mean[number] and np.inf, key=abs)
        found = rule.tumors["hot"].change
        assert (np.inf if found is None else found) == pytest.approx(change, rel=1e-2, abs=1e-6), rule
    assert {(True, False), (False, False)} <= checked


def test_what_is_not_there_is_absent_and_not_idle(found: Levels) -> None:
    said = {(rule.cell, rule.behavior, rule.signal): rule for rule in found.rules}
    drug = said["tumor", "division", "TKI"]
    assert (drug.status, drug.missing) == ("absent", "no TKI")
    for behavior, missing in (("division", "no Treg"), ("extravasation", "no Treg in the blood")):
        treg = [rule for rule in found.rules if (rule.cell, rule.behavior) == ("Treg", behavior)]
        assert {rule.tumors["cold"].absent for rule in treg} == {missing}
        assert not all(rule.tumors["hot"].absent for rule in treg)
    touched = [rule for rule in found.rules if rule.signal == "contact with Treg"]
    assert touched
    assert all(rule.tumors["cold"].absent == "no Treg" for rule in touched)
    assert not any(rule.tumors["hot"].absent for rule in touched)
    assert "Treg" not in {name for name, tumors in found.densities.items() if max(tumors["cold"].get("core", (0, 0)))}


def test_a_note_may_say_why_a_rule_waits(tmp_path: Path) -> None:
    (tmp_path / "pack.toml").write_text(
        """
        [[rule]]
        cell = "NK"
        signal = "IL18"
        effect = "increases"
        behavior = "speed"
        towards = "9 um/min"
        half_max = "1 nM"
        basis = "assumed"
        note = "As IL-2. Waits for a dose of IL-18; awaited by nobody."
        """,
        encoding="utf-8",
    )
    visit = visited(Task(load("hot", TINY, packs=[tmp_path / "pack.toml"]), 3, (0.0,)))
    said = {(rule.cell, rule.behavior, rule.signal): rule.waits for rule in visit.rules}
    assert said["NK", "speed", "IL18"] == "Waits for a dose of IL-18"
    assert said["CD8", "attack", "NO"] == ""


def test_a_budget_has_the_mean_of_the_engine(found: Levels) -> None:
    budget = next(one for one in found.budgets if (one.tumor, one.cell) == ("hot", "CD8"))
    model = Simulation(tiny(), rng=3)
    values = []
    for number, day in enumerate(DAYS):
        model.run_until(day)
        response, kind = Response(model.biology, model.tissue), model.biology.cell_index["CD8"]
        sites, rows = response.asked(kind, "attack")
        mine = rows[compartments(model.tissue)[1][sites]]
        values.append(np.broadcast_to(response.of_rows(kind, "attack", mine), len(mine)))
        assert budget.by_day["margin"][number] == pytest.approx(values[-1].mean())
    assert budget.value["margin"] == pytest.approx(np.concatenate(values).mean())
    assert budget.cells["margin"] == sum(map(len, values))


def test_what_matters_most_comes_first(found: Levels) -> None:
    for budget in found.budgets:
        losses = [
            max(abs(part.without - budget.value[place]) for place, part in pull.parts.items()) for pull in budget.pulls
        ]
        assert losses == sorted(losses, reverse=True)
        assert losses[0] > 0
    assert {one.cell for one in found.budgets} == {"CD8", "endothelium"}


def test_densities_and_levels_are_those_of_the_tissue(found: Levels) -> None:
    model = Simulation(tiny(), rng=3)
    levels, densities = [], []
    for day in DAYS:
        model.run_until(day)
        tissue, core = model.tissue, compartments(model.tissue)[0]
        levels.append(tissue.fields["TGFB"].ravel()[core])
        cells = core[tissue.cells.site[(tissue.cells.kind == model.biology.cell_index["CD8"]) & tissue.living]]
        densities.append(cells.sum() / (core.sum() * tissue.lattice.site_area))
    one = found.molecules["TGFB"]["hot"]["core"]
    np.testing.assert_allclose((one.low, one.high), np.quantile(np.concatenate(levels), (0.01, 0.99)), rtol=1e-3)
    assert found.densities["CD8"]["hot"]["core"] == pytest.approx((min(densities), max(densities)))


def test_a_survey_is_read_back_unchanged(found: Levels, tmp_path: Path) -> None:
    write_levels(found, tmp_path / "levels.json")
    said = json.loads((tmp_path / "levels.json").read_text(encoding="utf-8"))["rules"]
    assert {rule["status"] for rule in said} == {"in reach", "idle", "absent"}
    assert Levels.model_validate_json((tmp_path / "levels.json").read_bytes()) == found


def test_the_record_keeps_ranges(found: Levels, tmp_path: Path) -> None:
    record(found, tmp_path / "record.json")
    kept = Record.model_validate_json((tmp_path / "record.json").read_bytes())
    high = [places[place].high for places in found.molecules["TGFB"].values() for place in places]
    assert kept.top("TGFB") == max(high)
    dense = [ends[1] for places in found.densities["CD8"].values() for ends in places.values()]
    assert kept.top("CD8") == pytest.approx(1e6 * max(dense), rel=1e-2)
    assert kept.top("TKI") is None


def test_the_shipped_record_is_of_the_shipped_catalogue() -> None:
    catalogue = load_catalogue()
    assert set(shipped().molecules) <= set(catalogue.diffusing)
    assert set(shipped().densities) <= set(catalogue.placed)
    assert {"hot", "cold", "excluded"} <= set(shipped().molecules["OXYGEN"])
    assert (shipped().top("CD8") or 0) > 100


def test_a_behavior_is_named_by_cell_and_verb() -> None:
    biology = tiny().biology()
    assert asked_for("CD8 secretion IFNG", biology) == ("CD8", "secretion IFNG")
    with pytest.raises(InputError, match=r"no cell 'CD9'.*Did you mean 'CD8'"):
        asked_for("CD9 attack", biology)
    with pytest.raises(InputError, match=r"no behavior 'atack' of CD8.*Did you mean 'attack'"):
        asked_for("CD8 atack", biology)
    with pytest.raises(InputError, match="no signal acts on 'persistence' of CD8, which is always"):
        asked_for("CD8 persistence", biology)


def test_days_rise_and_tumors_differ() -> None:
    with pytest.raises(InputError, match="rising"):
        survey([tiny()], days=(2.0, 1.0))
    with pytest.raises(InputError, match="two of the tumors are called 'hot'"):
        survey([tiny(), tiny()], days=DAYS)
