"""Cells that are added to an empty dish, the fields that a run gets for them, and what is done to it while it runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.models import AIR, assert_sound, dish, in_dish, ran, rows_of, same, sensed, treat
from tme_abm.biology import load_catalogue
from tme_abm.biology.schema import TraitEntry
from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.processes import expression_column
from tme_abm.scenario import intervention

TUMOR = {"do": "add", "cell": "tumor", "count": 20}


def added(model: TumorModel, cell: str) -> set[tuple[int, int]]:
    """Key and site of the cells of a kind."""
    rows = rows_of(model, cell)
    return set(zip(model.tissue.cells.key[rows].tolist(), model.tissue.cells.site[rows].tolist(), strict=True))


# ------------------------------------------------------------------- added cells


def test_cells_are_added_in_their_box_in_their_number_and_state() -> None:
    box = {"x": ["28 um", "140 um"], "y": ["0 um", "42 um"]}
    model = in_dish(
        AIR,
        {"do": "add", "cell": "CD8", "count": 20, "activation": 0.75, "exhaustion": 0.25, **box},
        {"do": "add", "cell": "TAM", "density": "1000 /mm^2", "polarization": 1.0},
        {"do": "add", "cell": "tumor", "count": 24, **box},
        seed=2,
    )
    cells, rows = model.tissue.cells, {cell: rows_of(model, cell) for cell in ("CD8", "tumor", "TAM")}
    assert {cell: len(mine) for cell, mine in rows.items()} == {
        "CD8": 20, "tumor": 24, "TAM": round(1e-3 * model.tissue.lattice.site_area * 240)
    }  # fmt: skip
    for cell in ("CD8", "tumor"):
        y, x = np.unravel_index(cells.site[rows[cell]], (12, 20))
        assert (x.min(), x.max(), y.min(), y.max()) == (2, 9, 0, 2)
    assert set(cells.activation[rows["CD8"]]) == {0.75}
    assert set(cells.exhaustion[rows["CD8"]]) == {0.25}
    assert set(cells.activation[rows["TAM"]]) == {0.0}
    assert set(cells.polarization[rows["TAM"]]) == {1.0}
    assert np.ptp(cells.phase[rows["tumor"]]) > 0.5
    assert (cells[expression_column("MHC1")][rows["tumor"]] > 0).all()
    assert_sound(model)


def test_sites_and_identities_hang_on_the_seed_and_the_item_alone() -> None:
    items = [{"do": "add", "cell": cell, "count": 15} for cell in ("CD8", "CD8", "Treg")]
    both, fewer = in_dish(*items, seed=4), in_dish(items[0], seed=4)
    more = in_dish(AIR, {"do": "neutralize", "molecule": "IL2", "fraction": 1}, *items, seed=4)
    assert added(both, "CD8") == added(more, "CD8")
    assert added(both, "Treg") == added(more, "Treg")
    assert added(fewer, "CD8") < added(both, "CD8")
    assert added(fewer, "CD8") != added(in_dish(items[0], seed=5), "CD8")
    assert added(both, "CD8") != added(in_dish(items[0] | {"count": 30}, seed=4), "CD8")


def test_added_cells_spread_evenly_and_without_regard_to_those_of_other_kinds() -> None:
    """Binomial: each half gets 60 of 120 cells; hypergeometric: of 80 sites of 240, the other kind takes 27."""
    model = in_dish({"do": "add", "cell": "CD8", "count": 120}, seed=8, **{"lattice.shape": [40, 40]})
    for place in np.unravel_index(model.tissue.cells.site, (40, 40)):
        assert abs((place < 20).sum() - 60) < 5 * np.sqrt(30)
    model = in_dish(*({"do": "add", "cell": cell, "count": 80} for cell in ("tumor", "CD8")), seed=2)
    shared = {site for _, site in added(model, "tumor")} & {site for _, site in added(model, "CD8")}
    assert abs(len(shared) - 80 / 3) < 5 * np.sqrt(80 / 3 * 2 / 3 * 160 / 239)


def test_cells_are_added_in_the_step_that_holds_their_time() -> None:
    model = in_dish(AIR, {"do": "add", "cell": "CD8", "count": 7, "start": "25 min", "activation": 1.0})
    assert [len(model.tissue.cells), *(len(ran(model, 1).tissue.cells) for _ in range(3))] == [0, 0, 0, 7]
    assert set(model.tissue.cells.born.tolist()) == {20.0}
    assert (model.tissue.cells.activation > 0.5).all()
    assert_sound(model)


def test_cells_show_what_their_rules_ask_in_the_medium_whenever_they_come() -> None:
    shown = ran(dish(AIR, TUMOR, TUMOR | {"start": "20 min"}), 3).tissue.cells[expression_column("MHC1")]
    assert len(shown) >= 40
    np.testing.assert_allclose(shown, shown.max(), rtol=0.02)
    # Planted ones are asked in the medium too, not in an airless dish.
    held, background = in_dish(TUMOR, AIR | {"level": "49.8 uM"}), in_dish(TUMOR)
    for contact in held.biology.contacts:
        column = expression_column(contact.name)
        np.testing.assert_allclose(held.tissue.cells[column], background.tissue.cells[column], rtol=1e-6)


def test_added_cells_take_free_sites_and_too_many_are_refused() -> None:
    crowd = {"do": "add", "cell": "CD8", "count": 230}
    model = in_dish(crowd, {"do": "add", "cell": "NK", "count": 10})
    assert len(np.unique(model.tissue.cells.site)) == 240
    with pytest.raises(InputError, match=r"protocol\.1: no room for 11 NK: 10 sites are free in the box"):
        in_dish(crowd, {"do": "add", "cell": "NK", "count": 11})
    late = in_dish(crowd, {"do": "add", "cell": "NK", "count": 11, "start": "10 min"})
    with pytest.raises(InputError, match=r"protocol\.1: no room for 11 NK"):
        ran(late, 2)


@pytest.mark.parametrize("start", ["0 h", "20 min"])
def test_every_well_gets_its_cells_and_its_medium(start: str) -> None:
    medium = {"do": "hold", "molecule": "IL2", "level": "0 nM", "to": "1 nM"}
    cells = {"do": "add", "cell": "CD8", "count": 11, "start": start, "x": ["0 um", "150 um"]}
    model, first = (ran(in_dish(AIR, medium, cells, wells=wells), 3) for wells in (3, 1))
    lattice = model.tissue.lattice
    well = lattice.well_of(model.tissue.cells.site)
    assert np.bincount(well[model.tissue.cells.born <= 20]).tolist() == [11, 11, 11]
    np.testing.assert_allclose(model.tissue.controls.held["IL2"], np.tile(first.tissue.controls.held["IL2"], 3))
    # Wells are replicates, and the first does not know of the others.
    places = [set((model.tissue.cells.site[well == w] % lattice.n_sites_per_well).tolist()) for w in range(3)]
    assert places[0] != places[1] != places[2]
    assert places[0] == set(first.tissue.cells.site.tolist())


# ------------------------------------------------------------------- fields


def test_a_molecule_has_a_field_where_it_is_made_and_sensed() -> None:
    alone = in_dish(AIR, TUMOR).tissue.fields
    with_killers = in_dish(AIR, TUMOR, {"do": "add", "cell": "CD8", "count": 5, "start": "6 h"}).tissue.fields
    assert "IFNG" not in alone  # sensed, and made by nobody
    assert {"IFNG", "CXCL10"} <= set(with_killers)
    known = load_catalogue()
    asked = set(in_dish(AIR, TUMOR, **{"record.molecules": list(known.diffusing)}).tissue.fields)
    assert set(alone) == asked & _sensed_by("tumor")
    assert asked <= {name for name in known.diffusing if "tumor" in known.producers[name]}
    assert len(alone.concentration) < len(asked) < len(known.diffusing)


def _sensed_by(cell: str) -> set[str]:
    """Diffusing molecules that rules and scales of a cell name, and ligands of its receptors."""
    catalogue = load_catalogue()
    said = {rule.signal for rule in catalogue.rules if cell in rule.cell}
    said |= {b.scaled_by.signal for b in catalogue.cells[cell].behaviors.values() if b.scaled_by is not None}
    ligands = {ligand for name in catalogue.cells[cell].receptors for ligand in catalogue.receptors[name].ligands}
    return ligands | {signal.removeprefix("exposure to ") for signal in said}


@pytest.mark.parametrize(("when", "made"), [({"start": "1 h"}, True), ({"stop": "1 h"}, True), ({}, False)])
def test_what_is_clamped_to_zero_all_the_time_is_not_made(when: dict[str, str], made: bool) -> None:
    off = {"do": "fix", "behavior": "secretion TGFB", "value": "0 molecules/cell/min"}
    assert ("TGFB" in in_dish(AIR, TUMOR, off | when).tissue.fields) == made


def test_a_dose_has_a_field_and_a_medium_needs_none() -> None:
    dose = {"do": "dose", "route": "bath", "molecule": "IFNG", "rate": "1 pM/min"}
    assert "IFNG" in in_dish(AIR, TUMOR, dose).tissue.fields
    medium = in_dish(AIR, TUMOR, {"do": "hold", "molecule": "IFNG", "level": "1 nM"})
    assert "IFNG" not in medium.tissue.fields
    np.testing.assert_allclose(sensed(ran(medium, 1), "IFNG"), 1.0)


def test_what_cells_can_become_counts_as_present() -> None:
    turning, tam = (in_dish(AIR, {"do": "add", "cell": cell, "count": 5}) for cell in ("M-MDSC", "TAM"))
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

    def value(number: float) -> float | str:
        return number if catalogue.traits[trait].kind == "number" else f"{number} molecules/cell/min"

    clamp = {"do": "fix", "behavior": f"secretion {molecule}", "value": "900 molecules/cell/min", "cells": [cell]}
    setting = {"do": "set trait", "trait": trait, "value": value(trait_top(catalogue.traits[trait]))}
    silent: dict[str, Any] = {f"tumor.traits.{trait}": value(0.0), "record.molecules": [molecule]}
    for item in (clamp, setting):
        model = ran(in_dish(AIR, {"do": "add", "cell": cell, "count": 9}, item, **silent), 1)
        assert model.tissue.fields[molecule].sum() > 0, item


def trait_top(trait: TraitEntry) -> float:
    """The upper bound of a trait."""
    bounds = trait.bounds(trait.kind)
    assert bounds is not None
    return bounds[1]


# ------------------------------------------------------------------- intervening


def test_before_the_first_step_an_added_cell_or_a_medium_is_planted_and_repeats() -> None:
    model = in_dish(TUMOR)
    assert "OXYGEN" in model.tissue.fields
    model.intervene(intervention(AIR))
    model.intervene(intervention({"do": "add", "cell": "CD8", "count": 10}))
    assert "OXYGEN" not in model.tissue.fields
    assert len(rows_of(model, "CD8")) == 10
    assert same(ran(model.scenario, 3).state(), ran(model, 3).state())


def test_later_what_needs_a_new_field_is_refused() -> None:
    model = ran(in_dish(AIR, TUMOR), 1)
    before = model.scenario
    dose = {"do": "dose", "route": "bath", "molecule": "IFNG", "rate": "1 pM/min"}
    for item, why in (
        ({"do": "add", "cell": "CD8", "count": 10}, r"no CD8 could be here, so there is no field of .*IFNG.*of a new"),
        (dose, r"in this run there is no field of IFNG; give 'dose' in the protocol"),
        ({"do": "infuse", "cell": "CD8", "count": 10}, r"the blood offers no CD8 to this tissue at rest"),
    ):
        with pytest.raises(InputError, match=why):
            model.intervene(intervention(item))
    assert model.scenario is before
    model.intervene(intervention({"do": "add", "cell": "tumor", "count": 5}))
    assert len(rows_of(ran(model, 1), "tumor")) >= 25


# ------------------------------------------------------------------- emptiness


def test_nobody_is_there_but_what_is_said() -> None:
    empty = ran(dish(), 3)
    assert len(empty.tissue.cells) == len(list(empty.tissue.fields)) == 0
    assert_sound(empty)
    model = ran(dish(AIR, {"do": "add", "cell": "TAM", "count": 5}), 6)
    assert {model.biology.cells[kind] for kind in model.tissue.cells.kind[model.tissue.living]} <= {"TAM"}
    assert_sound(model)
    assert treat(model).tissue.controls.held.keys() == {"OXYGEN"}
