"""A model with wells is its replicates side by side: each is what it would be in a model of its own, to the bit."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.model.test_model import SHAPES
from tests.support.models import TINY, assert_sound, same
from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.observe.compartments import compartments
from tme_abm.observe.metrics import measure, measure_wells
from tme_abm.observe.snapshot import snapshot
from tme_abm.scenario import Scenario, load
from tme_abm.tissue import APOPTOTIC

SMALL = TINY | {"lattice.shape": [24, 24], "tumor.cells": 80}
DOSE = {"do": "dose", "route": "depot", "molecule": "IL2", "rate": "1e5 molecules/min"}
DOSE |= {"place": ["100 um", "100 um"], "radius": "30 um"}
INFUSION = {"do": "infuse", "cell": "CD8", "count": 500, "start": "20 min"}


@cache
def small(*shape: int) -> Scenario:
    return load("hot", SMALL | {"lattice.shape": list(shape or (24, 24))})


def well_state(model: TumorModel, well: int) -> dict[str, np.ndarray]:
    """Everything of one well, in an order that does not hang on the others."""
    tissue, lattice = model.tissue, model.tissue.lattice
    rows = np.flatnonzero(lattice.well_of(tissue.cells.site) == well)
    rows = rows[np.argsort(tissue.cells.key[rows])]
    found: dict[str, Any] = {f"cells/{name}": tissue.cells[name][rows] for name in tissue.cells.columns}
    found |= {name: tissue.fields[name].reshape(lattice.wells, *lattice.shape)[well] for name in tissue.fields}
    found |= {f"pools/{name}": level[well] for name, level in tissue.pools.items()}
    # An event that has happened in another well alone has the entry zero here.
    found |= {f"ledger/{event}": number[well] for event, number in tissue.ledger.items() if number[well]}
    return {name: np.array(values) for name, values in found.items()}


def differing(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    unequal = {name for name in one.keys() & other.keys() if one[name].tobytes() != other[name].tobytes()}
    return sorted(unequal | (one.keys() ^ other.keys()))


@pytest.mark.parametrize(("shape", "steps"), [((24, 24), 50), ((10, 11, 12), 12)], ids=["2D", "3D"])
def test_a_well_does_not_feel_the_others(shape: tuple[int, ...], steps: int) -> None:
    """Against a model of one well, while most cells of a well in between are killed and its molecules multiplied."""
    one, three = TumorModel(small(*shape), rng=5), TumorModel(small(*shape), rng=5, wells=3)
    untouched = TumorModel(small(*shape), rng=5, wells=3)
    cells, lattice = three.tissue.cells, three.tissue.lattice
    rows = np.flatnonzero(lattice.well_of(cells.site) == 1)
    cells.fate[rows[::2]] = APOPTOTIC
    for name in three.tissue.fields:
        three.tissue.fields[name][1] *= 20.0
    three.tissue.pools["CD8"][1] *= 10.0
    for step in range(steps):
        for model in (one, three, untouched):
            model.step()
        assert not differing(well_state(one, 0), well_state(three, 0)), step
        assert not differing(well_state(untouched, 2), well_state(three, 2)), step
    assert_sound(three)
    assert differing(well_state(untouched, 1), well_state(three, 1))
    assert differing(well_state(three, 0), well_state(three, 2)), "wells are replicates, not copies"
    for event in ("birth of tumor", "hits by CD8"):
        assert three.tissue.ledger[event][0] > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_each_well_is_planted_like_a_scenario_of_its_own(shape: list[int]) -> None:
    model, more = (TumorModel(small(*shape), rng=2, wells=wells) for wells in (3, 5))
    lattice, tissue = model.tissue.lattice, model.tissue
    tumor = tissue.cells.site[np.isin(tissue.cells.kind, tissue.tumor_kinds)]
    assert np.bincount(lattice.well_of(tumor)).tolist() == [80] * 3
    center = np.array(lattice.shape) * lattice.spacing / 2
    for well in range(3):
        at = lattice.coordinates(tumor[lattice.well_of(tumor) == well])
        assert np.abs(at.mean(axis=0) - center).max() < 0.5 * lattice.spacing
        assert not differing(well_state(model, well), well_state(more, well))
        assert well in lattice.well_of(tissue.vessels)
    immune = [well_state(model, well)["cells/site"] % lattice.n_sites_per_well for well in range(3)]
    assert immune[0].tolist() != immune[1].tolist()
    assert all(level.shape == (3,) and np.ptp(level) == 0 for level in tissue.pools.values())


def test_a_model_with_wells_goes_on_from_its_state() -> None:
    model = TumorModel(small(), rng=4, wells=2)
    for _ in range(4):
        model.step()
    again = TumorModel.from_state(small(), 4, model.state(), wells=2)
    for _ in range(4):
        model.step()
        again.step()
    assert same(model.state(), again.state())
    with pytest.raises(ValueError, match="has the shape"):
        TumorModel.from_state(small(), 4, model.state())


def test_treatment_reaches_every_well_alike() -> None:
    scenario = load("hot", SMALL | {"protocol": [DOSE, INFUSION], "fields.precision": "float64"})
    one, three = TumorModel(scenario, rng=3), TumorModel(scenario, rng=3, wells=3)
    for model in (one, three):
        for _ in range(2):
            model.step()
        model.processes["treatment"](model.tissue, model.clock.dt)
    _, sites, rate = one.tissue.controls.depots[0]
    everywhere = three.tissue.controls.depots[0][1]
    np.testing.assert_array_equal(everywhere.reshape(3, -1), sites + np.arange(3)[:, None] * 24 * 24)
    assert three.tissue.controls.depots[0][2] == rate
    assert (three.tissue.pools["CD8"] > 1000).all()
    assert not differing(well_state(one, 0), well_state(three, 0))
    dosed = three.tissue.fields["IL2"].reshape(3, -1)[:, sites]
    np.testing.assert_allclose(dosed[1:].mean(axis=1), dosed[0].mean(), rtol=0.2)


def test_metrics_and_pictures_are_those_of_a_well() -> None:
    one, three = TumorModel(small(), rng=6), TumorModel(small(), rng=6, wells=3)
    for _ in range(12):
        one.step()
        three.step()
    wells = measure_wells(three)
    assert len(wells) == 3
    np.testing.assert_equal(wells[0], measure(one))
    np.testing.assert_equal(measure(three), measure(one))
    np.testing.assert_equal(wells[2], measure(three, 2))
    assert wells[1] != wells[2]
    cells = three.tissue.cells
    living = int(((cells.fate == 0) & np.isin(cells.kind, three.tissue.tumor_kinds)).sum())
    assert sum(well["tumor cells"] for well in wells) == living
    core = compartments(three.tissue, 2)[0].reshape(24, 24)
    assert wells[2]["OXYGEN core"] == pytest.approx(three.tissue.fields["OXYGEN"][2][core].mean(dtype=float))
    assert sum(well["kills"] for well in wells) == three.tissue.ledger["cytotoxicity of tumor"].sum() > 0
    np.testing.assert_equal(snapshot(three), snapshot(one))
    assert snapshot(three, 2)["tissue_kind"].shape == (24, 24)
    assert (snapshot(three, 2)["tissue_kind"] != snapshot(one)["tissue_kind"]).any()
    assert (snapshot(three, 2)["core"] == core).all()
    three.tissue.request_removal(np.flatnonzero(three.tissue.lattice.well_of(cells.site) == 0))
    three.tissue.settle()
    assert measure(three)["core area"] == measure(three)["tumor cells"] == 0
    np.testing.assert_equal(measure(three, 2), wells[2])


@pytest.mark.parametrize("well", [-1, 2])
def test_a_well_that_is_not_there_is_refused(well: int) -> None:
    model = TumorModel(small(), rng=1, wells=2)
    for look in (measure, snapshot):
        with pytest.raises(InputError, match=rf"no well {well}: the model has 2, numbered from 0"):
            look(model, well)


def test_a_model_has_a_well() -> None:
    with pytest.raises(InputError, match="at least one well, not 0"):
        TumorModel(small(), rng=1, wells=0)


def test_agents_stand_in_their_well() -> None:
    model = TumorModel(small(), rng=1, wells=2)
    positions = model.agents.get("pos")
    assert max(max(at) for at in positions) < 24
    assert len(set(positions)) < len(positions)
    agent = next(iter(model.agents))
    assert agent.pos == positions[0]
