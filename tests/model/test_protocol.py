"""Each primitive of a protocol does what it says, while it is in force and where it is meant, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from tests.model.test_model import TINY, assert_sound, ran, same
from tme_abm.kernels.units import MOLECULES_PER_NM_UM3
from tme_abm.model import TumorModel
from tme_abm.processes import Response, Senses, expression_column
from tme_abm.scenario import load
from tme_abm.tissue import ALIVE

EXACT = {"fields.precision": "float64", "fields.tolerance": 1e-9}


def model_with(*protocol: dict[str, Any], seed: int = 2, **overrides: Any) -> TumorModel:
    return TumorModel(load("hot", TINY | EXACT | overrides | {"protocol": list(protocol)}), rng=seed)


def occupancy(model: TumorModel, receptor: str, cell: str) -> np.ndarray:
    """Mean occupancy of a receptor on every cell of a kind, under the controls now in force."""
    kind = model.biology.cell_index[cell]
    rows = np.flatnonzero(model.tissue.cells.kind == kind)
    senses = Senses(model.biology, model.tissue)
    return senses.occupied(model.biology.receptor_index[receptor], kind, model.tissue.cells.site[rows], rows)


def treat(model: TumorModel) -> None:
    """Set the controls of the present step."""
    model.processes["treatment"](model.tissue, model.clock.dt)


def test_block_by_a_fraction_only_while_it_lasts_and_only_on_its_cells() -> None:
    model = model_with(
        {"do": "block", "receptor": "PD1", "fraction": 0.75, "cells": ["CD8"], "start": "20 min", "stop": "40 min"}
    )
    untouched = model_with()
    for step in range(6):
        treat(model)
        treat(untouched)
        share = 0.25 if 2 <= step < 4 else 1.0
        np.testing.assert_allclose(occupancy(model, "PD1", "CD8"), share * occupancy(untouched, "PD1", "CD8"))
        np.testing.assert_allclose(occupancy(model, "PD1", "Th1"), occupancy(untouched, "PD1", "Th1"))
        model.clock.step += 1
        untouched.clock.step += 1
    assert (occupancy(model, "PD1", "CD8") > 0).any()


def test_block_by_an_inhibitor_competes_with_the_ligand() -> None:
    model = model_with({"do": "block", "receptor": "CXCR3", "inhibitor": "30 nM", "ki": "10 nM", "start": "0 h"})
    model.tissue.fields["CXCL10"].fill(2.0)
    model.tissue.fields["CXCL9"].fill(5.0)
    treat(model)
    dissociation = dict(model.biology.receptors[model.biology.receptor_index["CXCR3"]].ligands)
    bound = 2.0 / dissociation["CXCL10"] + 5.0 / dissociation["CXCL9"]
    np.testing.assert_allclose(occupancy(model, "CXCR3", "CD8"), bound / (1 + bound + 3.0))


def test_neutralizing_hides_a_molecule_and_leaves_it_there() -> None:
    model = model_with({"do": "neutralize", "molecule": "IFNG", "fraction": 0.9, "start": "0 h"})
    model.tissue.fields["IFNG"].fill(0.5)
    treat(model)
    sites = np.arange(10)
    np.testing.assert_allclose(Senses(model.biology, model.tissue).level("IFNG", sites, None), 0.05)
    np.testing.assert_allclose(Senses(model.biology, model.tissue).level("TNF", sites, None), 0.0)
    assert (model.tissue.fields["IFNG"] == 0.5).all()


def test_two_antibodies_leave_the_product_of_what_each_leaves() -> None:
    half = {"do": "neutralize", "molecule": "IFNG", "fraction": 0.5, "start": "0 h"}
    model = model_with(half, half)
    treat(model)
    assert model.tissue.controls.free == {"IFNG": 0.25}


def test_knocking_out_a_receptor_blinds() -> None:
    model = model_with({"do": "knock out", "product": "CXCR3", "cells": ["CD8"], "start": "0 h"})
    model.tissue.fields["CXCL10"].fill(5.0)
    treat(model)
    assert not occupancy(model, "CXCR3", "CD8").any()
    assert (occupancy(model, "CXCR3", "NK") > 0.5).all()


def test_knocking_out_a_molecule_ends_its_secretion() -> None:
    everywhere = {"do": "knock out", "product": "IFNG", "start": "0 h"}
    without, only_cd8, normal = (
        model_with(*protocol) for protocol in ([everywhere], [everywhere | {"cells": ["CD8"]}], [])
    )
    for model in (without, only_cd8, normal):
        model.tissue.cells.activation = 1.0
        model.step()
    assert not without.tissue.fields["IFNG"].any()
    assert 0 < only_cd8.tissue.fields["IFNG"].sum() < normal.tissue.fields["IFNG"].sum()


def test_knocking_out_a_surface_molecule_lets_it_fade_on_its_cells_only() -> None:
    model = model_with({"do": "knock out", "product": "PDL1", "cells": ["tumor"], "start": "0 h"})
    column = expression_column("PDL1")
    tumor = model.tissue.cells.kind == model.biology.cell_index["tumor"]
    before = model.tissue.cells[column].copy()
    treat(model)
    model.processes["responding"](model.tissue, 10.0)
    model.processes["expression"](model.tissue, 10.0)
    turnover = model.biology.contacts[model.biology.contact_index["PDL1"]].turnover
    np.testing.assert_allclose(model.tissue.cells[column][tumor], before[tumor] * np.exp(-turnover * 10.0))
    assert (before[tumor] > 0).all()
    others = model.tissue.cells.kind == model.biology.cell_index["TAM"]
    assert (model.tissue.cells[column][others] > 0.9 * before[others]).all()


def _gain(dose: dict[str, Any], molecule: str) -> tuple[TumorModel, np.ndarray]:
    """How much more there is after one step [nM], against an arm without the dose."""
    given, control = model_with(dose), model_with(dose | {"start": "1 day"})
    given.step()
    control.step()
    return given, given.tissue.fields[molecule] - control.tissue.fields[molecule]


def _after_decay(model: TumorModel, molecule: str) -> tuple[float, float]:
    """Bounds of what is left of one unit made evenly over a step, by decay and uptake."""
    known = model.biology.molecules[model.biology.molecule_index[molecule]]
    return 1.0 / (1.0 + known.decay * 10.0) * 0.6, 1.0


def test_a_bath_dose_adds_its_rate_everywhere() -> None:
    model, gain = _gain({"do": "dose", "route": "bath", "molecule": "IL12", "rate": "2 pM/min", "start": "0 h"}, "IL12")
    low, high = _after_decay(model, "IL12")
    assert (gain >= 2e-3 * 10 * low).all()
    assert (gain <= 2e-3 * 10 * high).all()


def test_a_depot_releases_its_molecules_at_its_place() -> None:
    dose = {"do": "dose", "route": "depot", "molecule": "IL12", "rate": "90000 molecules/cell/min", "start": "0 h"}
    model, gain = _gain(dose | {"place": ["100 um", "300 um"], "radius": "20 um"}, "IL12")
    low, high = _after_decay(model, "IL12")
    molecules = gain.sum() * model.tissue.lattice.site_volume * MOLECULES_PER_NM_UM3
    assert low < molecules / (90000 * 10) < high
    # A place is (x, y), an array index (y, x).
    top = np.array(np.unravel_index(np.argmax(gain), gain.shape))
    assert np.abs((top + 0.5) * 15.0 - [300.0, 100.0]).max() <= 20.0


def test_a_dose_in_the_blood_comes_out_of_the_vessels() -> None:
    dose = {"do": "dose", "route": "vessels", "molecule": "IL12", "level": "3 nM", "exchange": "50 /min"}
    model, gain = _gain(dose | {"start": "0 h"}, "IL12")
    at_vessels = gain.ravel()[model.tissue.vessels]
    assert len(at_vessels) > 20
    assert (at_vessels > 0.8 * 3.0).all()
    assert (gain.ravel() <= 3.0 * (1 + 1e-6)).all()
    assert gain.min() < 0.5 * at_vessels.min()


def test_depletion_kills_at_its_rate_and_only_the_named() -> None:
    """Binomial, false-alarm rate 1e-6."""
    model = model_with({"do": "deplete", "cells": ["tumor"], "rate": "0.05 /min", "start": "10 min", "stop": "20 min"})
    cells = model.tissue.cells
    model.step()
    assert "depletion of tumor" not in model.tissue.ledger
    living = int(((cells.fate == ALIVE) & (cells.kind == model.biology.cell_index["tumor"])).sum())
    model.step()
    dead = model.tissue.ledger["depletion of tumor"].item()
    assert stats.binomtest(int(dead), living, 1 - np.exp(-0.5)).pvalue > 1e-6
    model.step()
    assert model.tissue.ledger["depletion of tumor"] == dead
    assert {event for event in model.tissue.ledger if event.startswith("depletion")} == {"depletion of tumor"}


def test_an_infusion_fills_its_pool_once() -> None:
    dose = {"do": "infuse", "cell": "CD8", "count": 500, "start": "20 min"}
    model, control = model_with(dose), model_with()
    pool = model.biology.pool[model.biology.cell_index["CD8"]]
    for step in range(5):
        before, without = model.tissue.pools[pool], control.tissue.pools[pool]
        treat(model)
        treat(control)
        gained = model.tissue.pools[pool] - before - (control.tissue.pools[pool] - without)
        assert gained == (500 if step == 2 else 0)
        model.clock.step += 1
        control.clock.step += 1


def test_an_infused_crowd_enters_the_tissue() -> None:
    dose = {"do": "infuse", "cell": "CD8", "count": 5_000_000, "start": "0 h"}
    arrived = [model.tissue.ledger.get("arrival of CD8", 0.0) for model in (_ran(model_with(dose)), _ran(model_with()))]
    assert arrived[0] > 3 * arrived[1] + 30


def _ran(model: TumorModel, steps: int = 6) -> TumorModel:
    for _ in range(steps):
        model.step()
    return model


def test_a_trait_is_set_and_set_back() -> None:
    model = model_with({"do": "set trait", "trait": "antigenicity", "value": 0.0, "start": "20 min", "stop": "40 min"})
    planted = model.biology.traits["antigenicity"]
    kind = model.biology.cell_index["tumor"]
    visible = []
    for _ in range(6):
        model.step()
        response = Response(model.biology, model.tissue)
        rows = np.flatnonzero(model.tissue.living & (model.tissue.cells.kind == kind))
        visible.append(float(np.max(response.of_rows(kind, "antigen visibility", rows))))
    assert planted > 0
    assert [level > 0 for level in visible] == [True, True, False, False, True, True]
    assert model.biology.traits["antigenicity"] == planted
    assert_sound(model)


def test_a_resumed_run_is_treated_the_same() -> None:
    """In the middle of a changed trait, after an infusion and a depletion."""
    protocol = [
        {"do": "set trait", "trait": "antigenicity", "value": 0.2, "start": "10 min", "stop": "80 min"},
        {"do": "infuse", "cell": "CD8", "count": 900, "start": "30 min"},
        {"do": "deplete", "cells": ["TAM"], "rate": "0.01 /min", "start": "20 min", "stop": "60 min"},
        {"do": "dose", "route": "bath", "molecule": "IL2", "rate": "1 pM/min", "start": "40 min"},
    ]
    scenario = load("hot", TINY | {"protocol": protocol})
    undisturbed = ran(scenario, 10)
    resumed = TumorModel.from_state(scenario, 1, ran(scenario, 4).state())
    _ran(resumed, 6)
    assert same(undisturbed.state(), resumed.state())


def test_what_has_ended_leaves_no_trace_in_the_controls() -> None:
    protocol = [
        {"do": "block", "receptor": "PD1", "fraction": 0.5, "start": "0 h", "stop": "10 min"},
        {"do": "neutralize", "molecule": "IFNG", "fraction": 0.5, "start": "0 h", "stop": "10 min"},
        {"do": "knock out", "product": "IFNG", "start": "0 h", "stop": "10 min"},
        {"do": "dose", "route": "bath", "molecule": "IL2", "rate": "1 pM/min", "start": "0 h", "stop": "10 min"},
    ]
    model = model_with(*protocol)
    treat(model)
    assert model.tissue.controls.free
    assert model.tissue.controls.silenced
    model.clock.step = 1
    treat(model)
    controls = model.tissue.controls
    assert [controls.free, controls.silenced, controls.bath, controls.blood, controls.depots] == [{}, set(), {}, {}, []]
    assert (controls.free_receptor == 1).all()
    assert not controls.inhibition.any()
