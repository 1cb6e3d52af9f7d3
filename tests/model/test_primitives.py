"""Media, inhibited pathways, clamped behaviors and added cells: what they do, while they last, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.model.test_model import assert_sound, ran, same
from tests.model.test_protocol import model_with, occupancy, treat
from tme_abm.biology import load_catalogue
from tme_abm.biology.schema import TraitEntry
from tme_abm.core.errors import InputError
from tme_abm.kernels.units import MOLECULES_PER_NM_UM3
from tme_abm.model import TumorModel
from tme_abm.processes import Exposure, Response, Senses, exposure_column, expression_column
from tme_abm.scenario import Scenario, intervention, load
from tme_abm.scenario.vocabulary import vocabulary
from tme_abm.tissue import ALIVE

POOLS = tuple(load("base").blood)
IMMUNE = tuple(load("base").immune)
DISH: dict[str, Any] = {
    "lattice.shape": [12, 20],
    "lattice.margin": "0 um",
    "clock.days": 1,
    "tumor.cells": 0,
    "vessels.density": "0 /mm^2",
    "stroma.secretion": {},
    "immune": dict.fromkeys(IMMUNE, "0 /mm^2"),
    "blood": {pool: {"cells": 0, "renewal": "0 /day"} for pool in POOLS},
}
AIR = {"do": "hold", "molecule": "OXYGEN", "level": "45 uM"}


def dish(*protocol: dict[str, Any], **overrides: Any) -> Scenario:
    return load("base", DISH | overrides | {"protocol": list(protocol)})


def rows_of(model: TumorModel, cell: str) -> np.ndarray:
    return np.flatnonzero((model.tissue.cells.kind == model.biology.cell_index[cell]) & model.tissue.living)


def sensed(model: TumorModel, molecule: str, cell: str = "tumor") -> np.ndarray:
    return Senses(model.biology, model.tissue).level(molecule, model.tissue.cells.site[rows_of(model, cell)], None)


# ------------------------------------------------------------------- media


def test_a_medium_adds_to_what_cells_made_and_goes_when_it_ends() -> None:
    model = model_with({"do": "hold", "molecule": "IL2", "level": "3 nM", "start": "10 min", "stop": "20 min"})
    model.tissue.fields["IL2"].fill(0.5)
    seen = []
    for _ in range(3):
        treat(model)
        seen.append(sensed(model, "IL2"))
        model.clock.step += 1
    for levels, expected in zip(seen, (0.5, 3.5, 0.5), strict=True):
        np.testing.assert_allclose(levels, expected)
    assert (model.tissue.fields["IL2"] == 0.5).all()


def test_two_media_add_up_and_an_antibody_takes_its_share_of_them() -> None:
    held = {"do": "hold", "molecule": "IL2", "level": "3 nM"}
    model = model_with(held, held | {"level": "1 nM"}, {"do": "neutralize", "molecule": "IL2", "fraction": 0.75})
    model.tissue.fields["IL2"].fill(2.0)
    treat(model)
    np.testing.assert_allclose(sensed(model, "IL2"), 0.25 * (2.0 + 4.0))


def test_a_medium_occupies_receptors_and_is_remembered() -> None:
    model = TumorModel(
        dish(
            {"do": "hold", "molecule": "CXCL10", "level": "2 nM"},
            {"do": "hold", "molecule": "IL2", "level": "1 nM", "stop": "2 h"},
            {"do": "add", "cell": "CD8", "count": 20},
        ),
        rng=3,
    )
    assert "CXCL10" not in model.tissue.fields
    treat(model)
    constants = dict(model.biology.receptors[model.biology.receptor_index["CXCR3"]].ligands)
    bound = 2.0 / constants["CXCL10"]
    np.testing.assert_allclose(occupancy(model, "CXCR3", "CD8"), bound / (1 + bound))
    senses = Senses(model.biology, model.tissue)
    grid = senses.occupancy_grid(model.biology.receptor_index["CXCR3"], model.biology.cell_index["CD8"])
    np.testing.assert_allclose(grid, bound / (1 + bound))
    memory = next(s.memory for s in model.biology.signals if s.kind == "exposure" and s.name == "IL2")
    Exposure(model.biology)(model.tissue, 30.0)
    np.testing.assert_allclose(
        model.tissue.cells[exposure_column("IL2", memory)][rows_of(model, "CD8")], 1 - np.exp(-30.0 / memory)
    )


@pytest.mark.parametrize(("axis", "shape"), [("x", [12, 20]), ("y", [12, 20]), ("y", [7, 12, 20]), ("z", [7, 12, 20])])
def test_a_gradient_is_linear_from_wall_to_wall(axis: str, shape: list[int]) -> None:
    item = {"do": "hold", "molecule": "IL2", "level": "1 nM", "to": "5 nM", "axis": axis}
    model = TumorModel(dish(item, **{"lattice.shape": shape}), rng=1)
    treat(model)
    place = -1 - "xyz".index(axis)
    levels = np.moveaxis(model.tissue.controls.held["IL2"].reshape(shape), place, 0)
    length = shape[place]
    expected = 1.0 + 4.0 * (np.arange(length) + 0.5) / length
    np.testing.assert_allclose(levels.reshape(length, -1), np.repeat(expected[:, None], levels[0].size, axis=1))


def test_a_gradient_runs_along_x_unless_it_is_said() -> None:
    (item,) = dish({"do": "hold", "molecule": "IL2", "level": "1 nM", "to": "0 nM"}).protocol
    assert item.model_dump()["axis"] == "x"


def test_leukocytes_climb_a_held_gradient_and_not_a_uniform_medium() -> None:
    """Displacement along x [sites] of 480 CD8 cells in 2 h, by 5 standard errors."""

    def drift(level: str, to: str) -> np.ndarray:
        medium = {"do": "hold", "molecule": "CXCL10", "level": level, "to": to}
        scenario = dish(AIR, medium, {"do": "add", "cell": "CD8", "count": 60}, **{"lattice.shape": [30, 40]})
        model = TumorModel(scenario, rng=5, wells=8)
        start = dict(zip(*_places(model), strict=True))
        for _ in range(12):
            model.step()
        end = dict(zip(*_places(model), strict=True))
        return np.array([end[key] % 40 - start[key] % 40 for key in start.keys() & end.keys()])

    up, down, flat = drift("0 nM", "4 nM"), drift("4 nM", "0 nM"), drift("1 nM", "1 nM")
    error = [each.std() / np.sqrt(len(each)) for each in (up, down, flat)]
    assert up.mean() > 5 * error[0]
    assert down.mean() < -5 * error[1]
    assert abs(flat.mean()) < 5 * error[2]


def _places(model: TumorModel) -> tuple[list[int], list[int]]:
    return model.tissue.cells.key.tolist(), model.tissue.cells.site.tolist()


def test_a_medium_takes_the_place_of_the_background_only_if_it_is_there_from_the_start() -> None:
    cells = {"do": "add", "cell": "tumor", "count": 20}
    from_start, later = TumorModel(dish(cells, AIR), rng=1), TumorModel(dish(cells, AIR | {"start": "10 min"}), rng=1)
    assert "OXYGEN" not in from_start.tissue.fields
    background = next(m.background for m in later.biology.molecules if m.name == "OXYGEN")
    np.testing.assert_allclose(later.tissue.fields["OXYGEN"], background)
    treat(from_start)
    np.testing.assert_allclose(sensed(from_start, "OXYGEN"), 45_000.0)
    with_vessels = TumorModel(dish(cells, AIR, **{"vessels.density": "500 /mm^2"}), rng=1)
    assert not with_vessels.tissue.fields["OXYGEN"].any()


def test_planted_cells_breathe_the_medium() -> None:
    """What rules ask of contact molecules at the start is asked in the medium, not in an airless dish."""
    cells = {"do": "add", "cell": "tumor", "count": 20}
    scenario = dish(cells, AIR | {"level": "49.8 uM"})
    held, background = TumorModel(scenario, rng=1), TumorModel(dish(cells), rng=1)
    for contact in held.biology.contacts:
        column = expression_column(contact.name)
        np.testing.assert_allclose(held.tissue.cells[column], background.tissue.cells[column], rtol=1e-6)


# ------------------------------------------------------------------- pathways


def test_inhibiting_a_pathway_takes_its_share_of_the_drive_of_its_rules() -> None:
    """Half of the drive is the drive of half the signal, at Hill power 1; other cells and other rules keep theirs."""
    catalogue = load_catalogue()
    rule = next(
        r for r in catalogue.rules if r.pathway and "CD8" in r.cell and r.signal in catalogue.vocabulary.diffusing
    )
    pathway, kind_of = rule.pathway[0], rule.behavior
    protocol = [
        {"do": "hold", "molecule": rule.signal, "level": "1 nM"},
        {"do": "inhibit", "pathway": pathway, "fraction": 0.6, "cells": ["CD8"], "start": "10 min", "stop": "20 min"},
        {"do": "add", "cell": "CD8", "count": 4},
    ]
    model = TumorModel(dish(*protocol), rng=1)
    kind = model.biology.cell_index["CD8"]
    values = []
    for step in range(3):
        model.clock.step = step
        treat(model)
        values.append(Response(model.biology, model.tissue).of_rows(kind, kind_of, rows_of(model, "CD8")))
        assert model.tissue.controls.signaling == ({} if step != 1 else {(kind, pathway): pytest.approx(0.4)})
    np.testing.assert_array_equal(values[0], values[2])
    assert not np.allclose(values[0], values[1])
    # The same as a biology in which those terms have 40 % of their drive to begin with.
    weakened = _with_weaker_terms(model, pathway, 0.4)
    model.clock.step = 0
    treat(model)
    expected = Response(weakened, model.tissue).of_rows(kind, kind_of, rows_of(model, "CD8"))
    np.testing.assert_allclose(values[1], expected)


def _with_weaker_terms(model: TumorModel, pathway: str, left: float) -> Any:
    def weaker(terms: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            replace(term, half_max=term.half_max * left ** (-1 / term.hill)) if pathway in term.pathway else term
            for term in terms
        )

    programs = tuple(replace(p, ups=weaker(p.ups), downs=weaker(p.downs)) for p in model.biology.programs)
    return replace(model.biology, programs=programs)


# ------------------------------------------------------------------- clamps


def test_a_clamped_behavior_holds_its_value_in_its_cells_while_it_lasts() -> None:
    model = model_with(
        {"do": "fix", "behavior": "apoptosis", "value": "0.02 /min", "cells": ["CD8"], "stop": "10 min"},
        {"do": "fix", "behavior": "extravasation", "value": "0.5 /min", "cells": ["NK"]},
        {"do": "fix", "behavior": "infiltration", "value": 0.25},
    )
    free = model_with()
    for each in (model, free):
        each.step()
    response = Response(model.biology, model.tissue)
    index = model.biology.cell_index
    assert response.of_rows(index["CD8"], "apoptosis", rows_of(model, "CD8")) == 0.02
    assert response.at_sites(index["NK"], "extravasation", model.tissue.vessels).tolist() == [0.5] * len(
        model.tissue.vessels
    )
    for cell in IMMUNE:
        assert (response.at_sites(index[cell], "infiltration", model.tissue.vessels) == 0.25).all()
    # A fifth of some hundred cells, where else hardly one dies.
    assert model.tissue.ledger["apoptosis of CD8"] > free.tissue.ledger.get("apoptosis of CD8", 0) + 1
    model.step()
    values = Response(model.biology, model.tissue).of_rows(index["CD8"], "apoptosis", rows_of(model, "CD8"))
    assert np.max(values) < 0.01
    assert_sound(model)


def test_clamped_secretion_is_what_is_secreted() -> None:
    scenario = dish(
        AIR,
        {"do": "add", "cell": "Treg", "count": 10},
        {"do": "fix", "behavior": "secretion IL10", "value": "600 molecules/cell/min", "cells": ["Treg"]},
        **{"record.molecules": ["IL10"]},
    )
    model = TumorModel(scenario, rng=1)
    model.step()
    made = model.tissue.fields["IL10"].sum() * model.tissue.lattice.site_volume * MOLECULES_PER_NM_UM3
    assert 0.5 * 60_000 < made <= 60_000 * 1.01


def test_no_division_where_it_is_clamped_to_zero() -> None:
    cells = {"do": "add", "cell": "tumor", "count": 60}
    stop = {"do": "fix", "behavior": "division", "value": "0 /min", "cells": ["tumor"]}
    counts = [len(ran(dish(AIR, cells, *item), 72).tissue.cells) for item in ((), (stop,))]
    assert counts[0] > 65
    assert counts[1] == 60


def test_a_knocked_out_product_is_not_made_even_if_clamped() -> None:
    model = model_with(
        {"do": "knock out", "product": "IFNG", "cells": ["CD8"]},
        {"do": "fix", "behavior": "secretion IFNG", "value": "100 molecules/cell/min", "cells": ["CD8", "NK"]},
    )
    treat(model)
    response, index = Response(model.biology, model.tissue), model.biology.cell_index
    assert response.of_rows(index["CD8"], "secretion IFNG", rows_of(model, "CD8")) == 0.0
    assert response.of_rows(index["NK"], "secretion IFNG", rows_of(model, "NK")) == 100.0


# ------------------------------------------------------------------- added cells


def added(model: TumorModel, cell: str) -> set[tuple[int, int]]:
    rows = rows_of(model, cell)
    return set(zip(model.tissue.cells.key[rows].tolist(), model.tissue.cells.site[rows].tolist(), strict=True))


def test_cells_are_added_in_their_box_in_their_number_and_state() -> None:
    box = {"x": ["30 um", "150 um"], "y": ["0 um", "45 um"]}
    scenario = dish(
        AIR,
        {"do": "add", "cell": "CD8", "count": 20, "activation": 0.75, "exhaustion": 0.25, **box},
        {"do": "add", "cell": "TAM", "density": "1000 /mm^2", "polarization": 1.0},
        {"do": "add", "cell": "tumor", "count": 24, **box},
    )
    model = TumorModel(scenario, rng=2)
    cells = model.tissue.cells
    for cell, count in (("CD8", 20), ("tumor", 24), ("TAM", round(1e-3 * 15**2 * 240))):
        assert len(rows_of(model, cell)) == count
    for cell in ("CD8", "tumor"):
        y, x = np.unravel_index(cells.site[rows_of(model, cell)], (12, 20))
        assert (x.min(), x.max(), y.min(), y.max()) == (2, 9, 0, 2)
    assert set(cells.activation[rows_of(model, "CD8")]) == {0.75}
    assert set(cells.exhaustion[rows_of(model, "CD8")]) == {0.25}
    assert set(cells.activation[rows_of(model, "TAM")]) == {0.0}
    assert set(cells.polarization[rows_of(model, "TAM")]) == {1.0}
    assert np.ptp(cells.phase[rows_of(model, "tumor")]) > 0.5
    assert (cells[expression_column("MHC1")][rows_of(model, "tumor")] > 0).all()
    assert len(np.unique(cells.key)) == len(cells)
    assert_sound(model)


def test_sites_and_identities_hang_on_the_seed_and_the_item_alone() -> None:
    items = [{"do": "add", "cell": cell, "count": 15} for cell in ("CD8", "CD8", "Treg")]
    both = TumorModel(dish(*items), rng=4)
    more = TumorModel(dish(AIR, {"do": "neutralize", "molecule": "IL2", "fraction": 1}, *items), rng=4)
    fewer = TumorModel(dish(items[0]), rng=4)
    assert added(both, "CD8") == added(more, "CD8")
    assert added(both, "Treg") == added(more, "Treg")
    assert added(fewer, "CD8") < added(both, "CD8")
    assert added(fewer, "CD8") != added(TumorModel(dish(items[0]), rng=5), "CD8")
    assert added(both, "CD8") != added(TumorModel(dish(items[0] | {"count": 30}), rng=4), "CD8")


def test_cells_of_two_kinds_do_not_stand_on_the_same_sites_for_their_seed() -> None:
    """Hypergeometric: of 80 sites of 240, the other kind takes 27 by chance, 5 standard deviations at most more."""
    model = TumorModel(dish(*({"do": "add", "cell": cell, "count": 80} for cell in ("tumor", "CD8"))), rng=2)
    shared = {site for _, site in added(model, "tumor")} & {site for _, site in added(model, "CD8")}
    assert abs(len(shared) - 80 / 3) < 5 * np.sqrt(80 / 3 * 2 / 3 * 160 / 239)


def test_added_cells_spread_evenly_over_the_box() -> None:
    """Binomial: each half of the box gets 60 of 120 cells, 5 standard deviations at most away."""
    model = TumorModel(dish({"do": "add", "cell": "CD8", "count": 120}, **{"lattice.shape": [40, 40]}), rng=8)
    y, x = np.unravel_index(model.tissue.cells.site, (40, 40))
    for place in (x, y):
        assert abs((place < 20).sum() - 60) < 5 * np.sqrt(30)


def test_cells_are_added_in_the_step_that_holds_their_time() -> None:
    scenario = dish(AIR, {"do": "add", "cell": "CD8", "count": 7, "start": "25 min", "activation": 1.0})
    model = TumorModel(scenario, rng=1)
    counts = []
    for _ in range(4):
        counts.append(len(model.tissue.cells))
        model.step()
    assert counts == [0, 0, 0, 7]
    assert set(model.tissue.cells.born.tolist()) == {20.0}
    assert (model.tissue.cells.activation > 0.5).all()
    assert_sound(model)


def test_cells_that_come_later_show_what_their_rules_ask_as_planted_ones_do() -> None:
    tumor = {"do": "add", "cell": "tumor", "count": 20}
    model = ran(dish(AIR, tumor, tumor | {"start": "20 min"}), 3)
    shown = model.tissue.cells[expression_column("MHC1")]
    assert len(shown) >= 40
    np.testing.assert_allclose(shown, shown.max(), rtol=0.02)


def test_a_resumed_run_adds_its_cells_too() -> None:
    protocol = [AIR, *({"do": "add", "cell": "CD8", "count": 9, "start": f"{at} min"} for at in (0, 15, 60, 100))]
    scenario = dish(*protocol)
    undisturbed = ran(scenario, 12)
    resumed = TumorModel.from_state(scenario, 1, ran(scenario, 5).state())
    for _ in range(7):
        resumed.step()
    assert same(undisturbed.state(), resumed.state())
    assert len(undisturbed.tissue.cells) >= 30


def test_added_cells_take_free_sites_and_too_many_are_refused() -> None:
    crowd = {"do": "add", "cell": "CD8", "count": 230}
    model = TumorModel(dish(crowd, {"do": "add", "cell": "NK", "count": 10}), rng=1)
    assert len(np.unique(model.tissue.cells.site)) == 240
    with pytest.raises(InputError, match=r"protocol\.1: no room for 11 NK: 10 sites are free in the box"):
        TumorModel(dish(crowd, {"do": "add", "cell": "NK", "count": 11}), rng=1)


@pytest.mark.parametrize("start", ["0 h", "20 min"])
def test_every_well_gets_its_cells_and_its_medium(start: str) -> None:
    scenario = dish(
        AIR,
        {"do": "hold", "molecule": "IL2", "level": "0 nM", "to": "1 nM"},
        {"do": "add", "cell": "CD8", "count": 11, "start": start, "x": ["0 um", "150 um"]},
    )
    model = TumorModel(scenario, rng=1, wells=3)
    for _ in range(3):
        model.step()
    lattice = model.tissue.lattice
    first = TumorModel(scenario, rng=1)
    for _ in range(3):
        first.step()
    well = lattice.well_of(model.tissue.cells.site)
    assert np.bincount(well[model.tissue.cells.born <= 20]).tolist() == [11, 11, 11]
    np.testing.assert_allclose(model.tissue.controls.held["IL2"], np.tile(first.tissue.controls.held["IL2"], 3))
    # Wells are replicates, and the first does not know of the others.
    places = [set((model.tissue.cells.site[well == w] % lattice.n_sites_per_well).tolist()) for w in range(3)]
    assert places[0] != places[1] != places[2]
    assert places[0] == set(first.tissue.cells.site.tolist())


# ------------------------------------------------------------------- fields


def test_a_molecule_has_a_field_where_it_is_made_and_sensed() -> None:
    tumor = {"do": "add", "cell": "tumor", "count": 20}
    alone = TumorModel(dish(AIR, tumor), rng=1)
    with_killers = TumorModel(dish(AIR, tumor, {"do": "add", "cell": "CD8", "count": 5, "start": "6 h"}), rng=1)
    assert "IFNG" not in alone.tissue.fields  # sensed, and made by nobody
    assert {"IFNG", "CXCL10"} <= set(with_killers.tissue.fields)
    known = vocabulary()
    asked = TumorModel(dish(AIR, tumor, **{"record.molecules": list(known.diffusing)}), rng=1)
    sensed, made = _sensed_by("tumor"), {name for name in known.diffusing if "tumor" in known.producers[name]}
    assert set(alone.tissue.fields) == set(asked.tissue.fields) & sensed
    assert set(asked.tissue.fields) <= made
    assert len(alone.tissue.fields.concentration) < len(asked.tissue.fields.concentration) < len(known.diffusing)


def _sensed_by(cell: str) -> set[str]:
    """Diffusing molecules that rules and scales of a cell name, and ligands of its receptors."""
    catalogue = load_catalogue()
    said = {rule.signal for rule in catalogue.rules if cell in rule.cell}
    said |= {b.scaled_by.signal for b in catalogue.cells[cell].behaviors.values() if b.scaled_by is not None}
    ligands = {ligand for name in catalogue.cells[cell].receptors for ligand in catalogue.receptors[name].ligands}
    return ligands | {signal.removeprefix("exposure to ") for signal in said}


def test_what_is_clamped_to_zero_from_the_start_is_not_made() -> None:
    tumor = {"do": "add", "cell": "tumor", "count": 20}
    off = {"do": "fix", "behavior": "secretion TGFB", "value": "0 molecules/cell/min"}
    assert "TGFB" in TumorModel(dish(AIR, tumor, off | {"start": "1 h"}), rng=1).tissue.fields
    assert "TGFB" in TumorModel(dish(AIR, tumor, off | {"stop": "1 h"}), rng=1).tissue.fields
    assert "TGFB" not in TumorModel(dish(AIR, tumor, off), rng=1).tissue.fields


def test_a_dose_has_a_field_and_a_medium_needs_none() -> None:
    tumor = {"do": "add", "cell": "tumor", "count": 20}
    dose = {"do": "dose", "route": "bath", "molecule": "IFNG", "rate": "1 pM/min"}
    assert "IFNG" in TumorModel(dish(AIR, tumor, dose), rng=1).tissue.fields
    medium = TumorModel(dish(AIR, tumor, {"do": "hold", "molecule": "IFNG", "level": "1 nM"}), rng=1)
    assert "IFNG" not in medium.tissue.fields
    medium.step()
    np.testing.assert_allclose(sensed(medium, "IFNG"), 1.0)


def test_what_cells_can_become_and_a_trait_that_is_set_count_as_present() -> None:
    turning = TumorModel(dish(AIR, {"do": "add", "cell": "M-MDSC", "count": 5}), rng=1)
    tam = TumorModel(dish(AIR, {"do": "add", "cell": "TAM", "count": 5}), rng=1)
    assert set(tam.tissue.fields) <= set(turning.tissue.fields)


def _may_be_zero(trait: TraitEntry) -> bool:
    low = trait.bounds(trait.kind)
    return low is not None and low[0] <= 0


def test_a_silent_trait_can_be_set_or_clamped_later() -> None:
    """The base of a behavior that a trait gives is no reason to forget the behavior when the trait is zero."""
    catalogue = load_catalogue()
    trait, cell, molecule = next(
        (base.trait, name, what.removeprefix("secretion "))
        for name, entry in catalogue.cells.items()
        for what, base in entry.behaviors.items()
        if what.startswith("secretion ") and base.trait is not None and _may_be_zero(catalogue.traits[base.trait])
    )
    silent = {f"tumor.traits.{trait}": 0 if catalogue.traits[trait].kind == "number" else "0 molecules/cell/min"}
    clamp = {"do": "fix", "behavior": f"secretion {molecule}", "value": "900 molecules/cell/min", "cells": [cell]}
    record = {"record.molecules": [molecule]}
    model = TumorModel(dish(AIR, {"do": "add", "cell": cell, "count": 9}, clamp, **silent, **record), rng=1)
    model.step()
    assert model.tissue.fields[molecule].sum() > 0


# ------------------------------------------------------------------- intervening


def test_before_the_first_step_an_added_cell_or_a_medium_is_planted_and_repeats() -> None:
    model = TumorModel(dish({"do": "add", "cell": "tumor", "count": 20}), rng=1)
    assert "OXYGEN" in model.tissue.fields
    model.intervene(intervention(AIR))
    model.intervene(intervention({"do": "add", "cell": "CD8", "count": 10}))
    assert "OXYGEN" not in model.tissue.fields
    assert len(rows_of(model, "CD8")) == 10
    assert same(ran(model.scenario, 3).state(), _stepped(model, 3).state())


def _stepped(model: TumorModel, steps: int) -> TumorModel:
    for _ in range(steps):
        model.step()
    return model


def test_later_what_needs_a_new_field_is_refused() -> None:
    model = _stepped(TumorModel(dish(AIR, {"do": "add", "cell": "tumor", "count": 20}), rng=1), 1)
    before = model.scenario
    killers = intervention({"do": "add", "cell": "CD8", "count": 10})
    with pytest.raises(InputError, match=r"no CD8 could be here, so there is no field of .*IFNG.*of a new one"):
        model.intervene(killers)
    dose = intervention({"do": "dose", "route": "bath", "molecule": "IFNG", "rate": "1 pM/min"})
    with pytest.raises(InputError, match=r"in this run there is no field of IFNG; give 'dose' in the protocol"):
        model.intervene(dose)
    with pytest.raises(InputError, match=r"the blood offers no CD8 to this tissue at rest"):
        model.intervene(intervention({"do": "infuse", "cell": "CD8", "count": 10}))
    assert model.scenario is before
    model.intervene(intervention({"do": "add", "cell": "tumor", "count": 5}))
    model.step()
    assert len(rows_of(model, "tumor")) >= 25


# ------------------------------------------------------------------- emptiness


def test_an_empty_dish_runs() -> None:
    model = ran(dish(), 3)
    assert len(model.tissue.cells) == 0
    assert list(model.tissue.fields) == []
    assert_sound(model)


def test_nobody_is_there_but_what_is_said() -> None:
    model = ran(dish(AIR, {"do": "add", "cell": "TAM", "count": 5}), 6)
    kinds = {model.biology.cells[kind] for kind in model.tissue.cells.kind[model.tissue.cells.fate == ALIVE]}
    assert kinds <= {"TAM"}
    assert_sound(model)
