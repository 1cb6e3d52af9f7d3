"""What lasts: every intervention does what it says, while it is in force and where it is meant, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.support.models import AIR, assert_sound, dish, in_dish, occupancy, ran, rows_of, same, sensed, treat, tumor
from tme_abm.biology import load_catalogue
from tme_abm.core.units import MOLECULES_PER_NM_UM3
from tme_abm.model import TumorModel
from tme_abm.processes import Exposure, Responding, Response, Senses, exposure_column, expression_column
from tme_abm.scenario import load
from tme_abm.tissue import ALIVE, Controls

IN_FORCE = {
    "free_receptor": {"do": "block", "receptor": "PD1", "fraction": 0.75, "cells": ["CD8"]},
    "inhibition": {"do": "block", "receptor": "PD1", "inhibitor": "3 nM", "ki": "1 nM"},
    "signaling": {"do": "inhibit", "pathway": "STAT3"},
    "free": {"do": "neutralize", "molecule": "IFNG", "fraction": 0.5},
    "held": {"do": "hold", "molecule": "IL2", "level": "1 nM"},
    "bath": {"do": "dose", "route": "bath", "molecule": "IL2", "rate": "1 pM/min"},
    "blood": {"do": "dose", "route": "vessels", "molecule": "IL2", "level": "1 nM", "exchange": "1 /min"},
    "depots": {"do": "dose", "route": "depot", "molecule": "IL2", "rate": "9 /min", "place": ["9 um", "9 um"]}
    | {"radius": "9 um"},
    "fixed": {"do": "fix", "behavior": "speed", "value": "0 um/min", "cells": ["NK"]},
    "silenced": {"do": "knock out", "product": "IFNG"},
}


@pytest.mark.parametrize(("control", "item"), IN_FORCE.items(), ids=IN_FORCE)
def test_one_control_is_set_from_start_to_stop(control: str, item: dict[str, Any]) -> None:
    model = tumor(item | {"start": "10 min", "stop": "20 min"})
    usual = vars(Controls.none(len(model.biology.cells), len(model.biology.receptors)))
    changed = []
    for step in range(3):
        model.clock.step = step
        found = vars(treat(model).tissue.controls)
        changed.append({name for name, value in usual.items() if np.any(found[name] != value)})
    assert changed == [set(), {control}, set()]


# ------------------------------------------------------------------- receptors


def test_a_blocked_share_of_receptors_is_lost_on_its_cells() -> None:
    model, untouched = treat(tumor(IN_FORCE["free_receptor"])), treat(tumor())
    np.testing.assert_allclose(occupancy(model, "PD1", "CD8"), 0.25 * occupancy(untouched, "PD1", "CD8"))
    np.testing.assert_allclose(occupancy(model, "PD1", "Th1"), occupancy(untouched, "PD1", "Th1"))
    assert (occupancy(model, "PD1", "CD8") > 0).any()


def test_block_by_an_inhibitor_competes_with_the_ligand() -> None:
    model = tumor({"do": "block", "receptor": "CXCR3", "inhibitor": "30 nM", "ki": "10 nM"})
    model.tissue.fields["CXCL10"].fill(2.0)
    model.tissue.fields["CXCL9"].fill(5.0)
    dissociation = dict(model.biology.receptors[model.biology.receptor_index["CXCR3"]].ligands)
    bound = 2.0 / dissociation["CXCL10"] + 5.0 / dissociation["CXCL9"]
    np.testing.assert_allclose(occupancy(treat(model), "CXCR3", "CD8"), bound / (1 + bound + 3.0))


def test_knocking_out_a_receptor_blinds() -> None:
    model = tumor({"do": "knock out", "product": "CXCR3", "cells": ["CD8"]})
    model.tissue.fields["CXCL10"].fill(5.0)
    assert not occupancy(treat(model), "CXCR3", "CD8").any()
    assert (occupancy(model, "CXCR3", "NK") > 0.5).all()


# ------------------------------------------------------------------- molecules


def test_neutralizing_hides_a_molecule_and_leaves_it_there() -> None:
    antibody = {"do": "neutralize", "molecule": "IFNG", "fraction": 0.9}
    model = tumor(antibody)
    model.tissue.fields["IFNG"].fill(0.5)
    np.testing.assert_allclose(sensed(treat(model), "IFNG"), 0.05)
    np.testing.assert_allclose(sensed(model, "TNF"), 0.0)
    assert (model.tissue.fields["IFNG"] == 0.5).all()
    # Two antibodies leave the product of what each leaves.
    assert treat(tumor(antibody, antibody)).tissue.controls.free == {"IFNG": pytest.approx(0.01)}


def test_media_add_up_on_top_of_what_cells_made_and_an_antibody_takes_its_share() -> None:
    held = {"do": "hold", "molecule": "IL2", "level": "3 nM"}
    model = tumor(held, held | {"level": "1 nM"}, {"do": "neutralize", "molecule": "IL2", "fraction": 0.75})
    model.tissue.fields["IL2"].fill(2.0)
    np.testing.assert_allclose(sensed(treat(model), "IL2"), 0.25 * (2.0 + 4.0))
    assert (model.tissue.fields["IL2"] == 2.0).all()


def test_an_antibody_binds_what_cells_show() -> None:
    """A CD8 cell among tumor cells feels their PD-L1, as far as it is free."""
    antibody = {"do": "neutralize", "molecule": "PDL1", "fraction": 0.75}
    cells = [{"do": "add", "cell": cell, "count": 60, "x": ["0 um", "150 um"]} for cell in ("tumor", "CD8")]
    free, bound = (occupancy(treat(in_dish(*items, *cells)), "PD1", "CD8") for items in ([], [antibody]))
    assert free.max() > 0.01
    np.testing.assert_allclose(bound / (1 - bound), 0.25 * free / (1 - free))


def test_a_medium_occupies_receptors_and_is_remembered() -> None:
    medium = {"do": "hold", "molecule": "CXCL10", "level": "2 nM"}
    short = {"do": "hold", "molecule": "IL2", "level": "1 nM", "stop": "2 h"}
    model = treat(in_dish(medium, short, {"do": "add", "cell": "CD8", "count": 20}, seed=3))
    assert "CXCL10" not in model.tissue.fields
    receptor = model.biology.receptor_index["CXCR3"]
    bound = 2.0 / dict(model.biology.receptors[receptor].ligands)["CXCL10"]
    np.testing.assert_allclose(occupancy(model, "CXCR3", "CD8"), bound / (1 + bound))
    grid = Senses(model.biology, model.tissue).occupancy_grid(receptor, model.biology.cell_index["CD8"])
    np.testing.assert_allclose(grid, bound / (1 + bound))
    memory = next(s.memory for s in model.biology.signals if s.kind == "exposure" and s.name == "IL2")
    Responding(model.biology)(model.tissue, 30.0)
    Exposure(model.biology)(model.tissue, 30.0)
    remembered = model.tissue.cells[exposure_column("IL2", memory)][rows_of(model, "CD8")]
    np.testing.assert_allclose(remembered, 1 - np.exp(-30.0 / memory))


@pytest.mark.parametrize(
    ("axis", "shape"), [(None, [12, 20]), ("y", [12, 20]), ("y", [7, 12, 20]), ("z", [7, 12, 20])]
)
def test_a_gradient_is_linear_from_wall_to_wall_along_x_unless_it_is_said(axis: str | None, shape: list[int]) -> None:
    item = {"do": "hold", "molecule": "IL2", "level": "1 nM", "to": "5 nM"} | ({"axis": axis} if axis else {})
    model = treat(in_dish(item, **{"lattice.shape": shape}))
    place = -1 - "xyz".index(axis or "x")
    levels = np.moveaxis(model.tissue.controls.held["IL2"].reshape(shape), place, 0)
    expected = 1.0 + 4.0 * (np.arange(shape[place]) + 0.5) / shape[place]
    np.testing.assert_allclose(levels.reshape(shape[place], -1), np.tile(expected, (levels[0].size, 1)).T)


def test_leukocytes_climb_a_held_gradient_and_not_a_uniform_medium() -> None:
    """Displacement along x [sites] of 480 CD8 cells in 2 h, by 5 standard errors."""

    def places(model: TumorModel) -> dict[int, int]:
        return dict(zip(model.tissue.cells.key.tolist(), model.tissue.cells.site.tolist(), strict=True))

    def drift(level: str, to: str) -> tuple[float, float]:
        medium = {"do": "hold", "molecule": "CXCL10", "level": level, "to": to}
        cells = {"do": "add", "cell": "CD8", "count": 60}
        model = in_dish(AIR, medium, cells, seed=5, wells=8, **{"lattice.shape": [30, 40]})
        start = places(model)
        end = places(ran(model, 12))
        moved = np.array([end[key] % 40 - start[key] % 40 for key in start.keys() & end.keys()])
        return moved.mean(), 5 * moved.std() / np.sqrt(len(moved))

    up, down, flat = drift("0 nM", "4 nM"), drift("4 nM", "0 nM"), drift("1 nM", "1 nM")
    assert up[0] > up[1]
    assert down[0] < -down[1]
    assert abs(flat[0]) < flat[1]


def test_a_medium_takes_the_place_of_the_background_only_if_it_is_there_from_the_start() -> None:
    cells = {"do": "add", "cell": "tumor", "count": 20}
    from_start, later = in_dish(cells, AIR), in_dish(cells, AIR | {"start": "10 min"})
    assert "OXYGEN" not in from_start.tissue.fields
    background = next(m.background for m in later.biology.molecules if m.name == "OXYGEN")
    np.testing.assert_allclose(later.tissue.fields["OXYGEN"], background)
    np.testing.assert_allclose(sensed(treat(from_start), "OXYGEN"), 45_000.0)
    assert not in_dish(cells, AIR, **{"vessels.density": "500 /mm^2"}).tissue.fields["OXYGEN"].any()


def _gain(route: str, **dose: Any) -> tuple[TumorModel, np.ndarray, float]:
    """The model after a step with a dose of IL-12, how much more there is than without [nM], and the least share left.

    By decay and uptake, some of what is made evenly over a step is lost.
    """
    table = {"do": "dose", "route": route, "molecule": "IL12", **dose}
    given, control = ran(tumor(table), 1), ran(tumor(table | {"start": "1 day"}), 1)
    known = given.biology.molecules[given.biology.molecule_index["IL12"]]
    return given, given.tissue.fields["IL12"] - control.tissue.fields["IL12"], 0.6 / (1.0 + known.decay * 10.0)


def test_a_bath_dose_adds_its_rate_everywhere() -> None:
    _, gain, least = _gain("bath", rate="2 pM/min")
    assert 2e-3 * 10 * least <= gain.min() <= gain.max() <= 2e-3 * 10


def test_a_depot_releases_its_molecules_at_its_place() -> None:
    place = {"place": ["100 um", "300 um"], "radius": "20 um"}
    model, gain, least = _gain("depot", rate="90000 molecules/cell/min", **place)
    molecules = gain.sum() * model.tissue.lattice.site_volume * MOLECULES_PER_NM_UM3
    assert least < molecules / (90000 * 10) < 1
    # A place is (x, y), an array index (y, x).
    top = np.array(np.unravel_index(np.argmax(gain), gain.shape))
    assert np.abs((top + 0.5) * model.tissue.lattice.spacing - [300.0, 100.0]).max() <= 20.0


def test_a_dose_in_the_blood_comes_out_of_the_vessels() -> None:
    model, gain, _ = _gain("vessels", level="3 nM", exchange="50 /min")
    at_vessels = gain.ravel()[model.tissue.vessels]
    assert len(at_vessels) > 20
    assert (at_vessels > 0.8 * 3.0).all()
    assert gain.max() <= 3.0 * (1 + 1e-6)
    assert gain.min() < 0.5 * at_vessels.min()


# ------------------------------------------------------------------- responses


def test_inhibiting_a_pathway_takes_its_share_of_the_drive_of_its_rules() -> None:
    """Half of the drive is the drive of half the signal, at Hill power 1; other cells and other rules keep theirs."""
    catalogue = load_catalogue()
    rule = next(
        r
        for r in catalogue.rules
        if r.pathway and "CD8" in r.cell and r.signal in catalogue.diffusing and r.behavior == "attack"
    )
    pathway = rule.pathway[0]
    medium = {"do": "hold", "molecule": rule.signal, "level": "1 nM"}
    drug = {"do": "inhibit", "pathway": pathway, "fraction": 0.6, "cells": ["CD8"]}
    cells = {"do": "add", "cell": "CD8", "count": 4, "activation": 1.0}
    with_drug, free = (treat(in_dish(medium, *item, cells)) for item in ((drug,), ()))
    kind = free.biology.cell_index["CD8"]

    def value(model: TumorModel) -> np.ndarray:
        return Response(model.biology, model.tissue).of_rows(kind, rule.behavior, rows_of(model, "CD8"))

    assert with_drug.tissue.controls.signaling == {(kind, pathway): pytest.approx(0.4)}
    found, usual = value(with_drug), value(free)
    assert not np.allclose(found, usual)
    # The same as a biology in which those terms have 40 % of their drive to begin with.
    free.biology = _with_weaker_terms(free, pathway, 0.4)
    np.testing.assert_allclose(found, value(free))


def _with_weaker_terms(model: TumorModel, pathway: str, left: float) -> Any:
    def weaker(terms: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            replace(term, half_max=term.half_max * left ** (-1 / term.hill)) if pathway in term.pathway else term
            for term in terms
        )

    programs = tuple(replace(p, ups=weaker(p.ups), downs=weaker(p.downs)) for p in model.biology.programs)
    return replace(model.biology, programs=programs)


def test_a_clamped_behavior_holds_its_value_in_its_cells_while_it_lasts() -> None:
    model = tumor(
        {"do": "fix", "behavior": "apoptosis", "value": "0.02 /min", "cells": ["CD8"], "stop": "10 min"},
        {"do": "fix", "behavior": "extravasation", "value": "0.5 /min", "cells": ["NK"]},
        {"do": "fix", "behavior": "infiltration", "value": 0.25},
    )
    free = ran(tumor(), 1)
    response, index = Response(model.biology, ran(model, 1).tissue), model.biology.cell_index
    vessels = model.tissue.vessels
    assert response.of_rows(index["CD8"], "apoptosis", rows_of(model, "CD8")) == 0.02
    assert set(np.ravel(response.at_sites(index["NK"], "extravasation", vessels))) == {0.5}
    for cell in load("base").immune:
        assert (response.at_sites(index[cell], "infiltration", vessels) == 0.25).all()
    # A fifth of some hundred cells, where else hardly one dies.
    assert model.tissue.ledger["apoptosis of CD8"] > free.tissue.ledger.get("apoptosis of CD8", 0) + 1
    model.step()
    values = Response(model.biology, model.tissue).of_rows(index["CD8"], "apoptosis", rows_of(model, "CD8"))
    assert np.max(values) < 0.01
    assert_sound(model)


def test_clamped_secretion_is_what_is_secreted() -> None:
    clamp = {"do": "fix", "behavior": "secretion IL10", "value": "600 molecules/cell/min", "cells": ["Treg"]}
    model = in_dish(AIR, {"do": "add", "cell": "Treg", "count": 10}, clamp, **{"record.molecules": ["IL10"]})
    made = ran(model, 1).tissue.fields["IL10"].sum() * model.tissue.lattice.site_volume * MOLECULES_PER_NM_UM3
    assert 0.5 * 60_000 < made <= 60_000 * 1.01


def test_no_division_where_it_is_clamped_to_zero() -> None:
    cells = {"do": "add", "cell": "tumor", "count": 60}
    stop = {"do": "fix", "behavior": "division", "value": "0 /min", "cells": ["tumor"]}
    counts = [len(ran(dish(AIR, cells, *item), 72).tissue.cells) for item in ((), (stop,))]
    assert counts[0] > 65
    assert counts[1] == 60


def test_knocking_out_a_molecule_ends_its_secretion_even_if_clamped() -> None:
    everywhere = {"do": "knock out", "product": "IFNG"}
    clamp = {"do": "fix", "behavior": "secretion IFNG", "value": "100 molecules/cell/min", "cells": ["CD8", "NK"]}
    arms = [tumor(everywhere), tumor(everywhere | {"cells": ["CD8"]}), tumor()]
    for model in arms:
        model.tissue.cells.activation = 1.0
    none, some, all_of_it = (ran(model, 1).tissue.fields["IFNG"].sum() for model in arms)
    assert none == 0 < some < all_of_it
    clamped = treat(tumor(everywhere | {"cells": ["CD8"]}, clamp))
    response, index = Response(clamped.biology, clamped.tissue), clamped.biology.cell_index
    assert response.of_rows(index["CD8"], "secretion IFNG", rows_of(clamped, "CD8")) == 0.0
    assert response.of_rows(index["NK"], "secretion IFNG", rows_of(clamped, "NK")) == 100.0


def test_knocking_out_a_surface_molecule_lets_it_fade_on_its_cells_only() -> None:
    model = tumor({"do": "knock out", "product": "PDL1", "cells": ["tumor"]})
    column = model.tissue.cells[expression_column("PDL1")]
    before = column.copy()
    treat(model)
    model.processes["responding"](model.tissue, 10.0)
    model.processes["expression"](model.tissue, 10.0)
    turnover = model.biology.contacts[model.biology.contact_index["PDL1"]].turnover
    mine, others = rows_of(model, "tumor"), rows_of(model, "TAM")
    np.testing.assert_allclose(column[mine], before[mine] * np.exp(-turnover * 10.0))
    assert (before[mine] > 0).all()
    assert (column[others] > 0.9 * before[others]).all()


def test_a_trait_is_set_and_set_back() -> None:
    model = tumor({"do": "set trait", "trait": "antigenicity", "value": 0.0, "start": "20 min", "stop": "40 min"})
    planted = model.biology.traits["antigenicity"]
    kind = model.biology.cell_index["tumor"]
    visible = []
    for _ in range(6):
        response = Response(ran(model, 1).biology, model.tissue)
        visible.append(np.max(response.of_rows(kind, "antigen visibility", rows_of(model, "tumor"))) > 0)
    assert planted > 0
    assert visible == [True, True, False, False, True, True]
    assert model.biology.traits["antigenicity"] == planted
    assert_sound(model)


# ------------------------------------------------------------------- cells and blood


def test_depletion_kills_at_its_rate_and_only_the_named() -> None:
    """Binomial, false-alarm rate 1e-6."""
    model = tumor({"do": "deplete", "cells": ["tumor"], "rate": "0.05 /min", "start": "10 min", "stop": "20 min"})
    ledger = model.tissue.ledger
    living = len(rows_of(ran(model, 1), "tumor"))
    assert "depletion of tumor" not in ledger
    dead = ran(model, 1).tissue.ledger["depletion of tumor"].item()
    assert stats.binomtest(int(dead), living, 1 - np.exp(-0.5)).pvalue > 1e-6
    assert ran(model, 1).tissue.ledger["depletion of tumor"] == dead
    assert {event for event in ledger if event.startswith("depletion")} == {"depletion of tumor"}


def test_an_infusion_fills_its_pool_once_and_enters_the_tissue() -> None:
    dose = {"do": "infuse", "cell": "CD8", "count": 500, "start": "20 min"}
    model = tumor(dose)
    pool = model.biology.pool[model.biology.cell_index["CD8"]]
    gained = []
    for step in range(5):
        model.clock.step, before = step, model.tissue.pools[pool]
        gained.append((treat(model).tissue.pools[pool] - before).item())
    assert gained == [0, 0, 500, 0, 0]
    crowd = dose | {"count": 5_000_000, "start": "0 h"}
    arrived = [ran(tumor(*items), 6).tissue.ledger.get("arrival of CD8", 0.0) for items in ([crowd], [])]
    assert arrived[0] > 3 * arrived[1] + 30


# ------------------------------------------------------------------- all of it again


def test_a_resumed_run_is_treated_the_same() -> None:
    """In the middle of a changed trait, after an infusion and a depletion, between cells that are added."""
    protocol = [
        {"do": "set trait", "trait": "antigenicity", "value": 0.2, "start": "10 min", "stop": "80 min"},
        {"do": "infuse", "cell": "CD8", "count": 900, "start": "30 min"},
        {"do": "deplete", "cells": ["TAM"], "rate": "0.01 /min", "start": "20 min", "stop": "60 min"},
        {"do": "dose", "route": "bath", "molecule": "IL2", "rate": "1 pM/min", "start": "40 min"},
        *({"do": "add", "cell": "CD8", "count": 9, "start": f"{at} min"} for at in (0, 15, 60, 90)),
    ]
    scenario = tumor(*protocol).scenario
    undisturbed = ran(scenario, 12)
    resumed = TumorModel.from_state(scenario, 1, ran(scenario, 5).state())
    assert same(undisturbed.state(), ran(resumed, 7).state())
    added = rows_of(undisturbed, "CD8")
    assert np.isin([0.0, 10.0, 60.0, 90.0], undisturbed.tissue.cells.born[added]).all()
    assert (undisturbed.tissue.cells.fate == ALIVE).any()
