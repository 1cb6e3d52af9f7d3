"""Small models: a piece of the hot tumor, and a dish that holds only what is put into it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tme_abm.model import TumorModel
from tme_abm.processes import Senses
from tme_abm.scenario import Scenario, load
from tme_abm.tissue import ALIVE, APOPTOTIC, EMPTY, NECROTIC

State = dict[str, np.ndarray]

BARE: dict[str, Any] = {
    "clock": {"dt": "10 min", "days": 1},
    "tumor": {"cells": 0},
    "vessels": {"density": "0 /mm^2", "in_tumor": 0},
    "stroma": {"matrix": 0, "matrix_in_tumor": 0},
    "growth": {"push": "30 um"},
    "fields": {"precision": "float64", "tolerance": 0.001},
    "record": {"every": "2 h", "snapshots": "1 day"},
}
"""A dish in which there is nothing; a lattice and a name make it a scenario."""

TINY: dict[str, Any] = {
    "lattice.margin": "30 um",
    "lattice.shape": [32, 32],
    "tumor.cells": 150,
    "clock.days": 2,
    "immune.CD8": "300 /mm^2",
    "immune.NK": "200 /mm^2",
    "vessels.density": "300 /mm^2",
}
_EXACT = {"fields.precision": "float64", "fields.tolerance": 1e-9}
_DISH: dict[str, Any] = {
    "lattice.shape": [12, 20],
    "lattice.margin": "0 um",
    "clock.days": 1,
    "tumor.cells": 0,
    "vessels.density": "0 /mm^2",
    "stroma.secretion": {},
    "immune": dict.fromkeys(load("base").immune, "0 /mm^2"),
    "blood": {pool: {"cells": 0, "renewal": "0 /day"} for pool in load("base").blood},
}
AIR = {"do": "hold", "molecule": "OXYGEN", "level": "45 uM"}


def tumor(*protocol: dict[str, Any], seed: int = 2, **overrides: Any) -> TumorModel:
    """A tiny hot tumor with exact fields, under a protocol."""
    return TumorModel(load("hot", TINY | _EXACT | overrides | {"protocol": list(protocol)}), rng=seed)


def dish(*protocol: dict[str, Any], **overrides: Any) -> Scenario:
    """No vessels, blood, stroma or cells, but what the protocol brings."""
    return load("base", _DISH | overrides | {"protocol": list(protocol)})


def in_dish(*protocol: dict[str, Any], seed: int = 1, wells: int = 1, **overrides: Any) -> TumorModel:
    """The model of a dish."""
    return TumorModel(dish(*protocol, **overrides), rng=seed, wells=wells)


def ran(model: TumorModel | Scenario, steps: int, seed: int = 1) -> TumorModel:
    """A model, or that of a scenario, after some steps."""
    model = TumorModel(model, rng=seed) if isinstance(model, Scenario) else model
    for _ in range(steps):
        model.step()
    return model


def treat(model: TumorModel) -> TumorModel:
    """Set the controls of the present step."""
    model.processes["treatment"](model.tissue, model.clock.dt)
    return model


def rows_of(model: TumorModel, cell: str) -> np.ndarray:
    """The living cells of a kind."""
    return np.flatnonzero((model.tissue.cells.kind == model.biology.cell_index[cell]) & model.tissue.living)


def sensed(model: TumorModel, molecule: str, cell: str = "tumor") -> np.ndarray:
    """The level of a molecule that cells of a kind sense, under the controls in force."""
    return Senses(model.biology, model.tissue).level(molecule, model.tissue.cells.site[rows_of(model, cell)], None)


def occupancy(model: TumorModel, receptor: str, cell: str) -> np.ndarray:
    """Mean occupancy of a receptor on every cell of a kind, under the controls in force."""
    rows, senses = rows_of(model, cell), Senses(model.biology, model.tissue)
    index = model.biology.receptor_index[receptor]
    return senses.occupied(index, model.biology.cell_index[cell], model.tissue.cells.site[rows], rows)


def same(one: State, other: State) -> bool:
    """All arrays, bit for bit."""
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes() for name in one
    )


def assert_sound(model: TumorModel) -> None:
    """Everything that must hold between two steps."""
    tissue, cells = model.tissue, model.tissue.cells
    occupant = tissue.lattice.occupant
    np.testing.assert_array_equal(occupant[tissue.layer, cells.site], np.arange(len(cells)))
    assert (occupant[:, :-1] != EMPTY).sum() == len(cells)
    assert len(np.unique(cells.key)) == len(cells)
    assert (cells.key != 0).all()
    assert set(np.unique(cells.fate)) <= {ALIVE, APOPTOTIC, NECROTIC}
    for score in ("activation", "exhaustion", "polarization", "binding"):
        assert ((cells[score] >= 0) & (cells[score] <= 1)).all(), score
    for column in cells.columns:
        values = cells[column]
        assert np.isfinite(values).all(), column
        if column not in ("heading", "born"):
            assert (values >= 0).all(), column
    assert (cells.born <= tissue.clock.time).all()
    assert (cells.heading < len(tissue.lattice.step_lengths)).all()
    # Who is bound lives, and remembers how well it sees its partner.
    np.testing.assert_array_equal(cells.partner != 0, cells.binding > 0)
    assert (cells.fate[cells.partner != 0] == ALIVE).all()
    for name in tissue.fields:
        field = tissue.fields[name]
        assert field.shape == tissue.lattice.field_shape
        assert field.dtype == np.dtype(model.scenario.fields.precision)
        assert np.isfinite(field).all(), name
        assert (field >= 0).all(), name
        waiting = tissue.fields.pace[tissue.fields.row[name], :, 0] > 0
        assert not tissue.fields.source[name].reshape(len(waiting), -1)[~waiting].any(), name
    assert all((level >= 0).all() for level in tissue.pools.values())
    assert all((number >= 0).all() for number in tissue.ledger.values())
