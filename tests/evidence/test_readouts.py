"""Readouts: how they are said, and what they read in tissues whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.models import BARE
from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.evidence.places import depths, sites_of
from tme_abm.evidence.readouts import FORMS, readout
from tme_abm.evidence.watch import Watch, _first_below
from tme_abm.model import TumorModel
from tme_abm.scenario import assembled

CATALOGUE = load_catalogue()
STILL = [
    {"do": "fix", "behavior": behavior, "value": value, "cells": ["tumor", "CD8"]}
    for behavior, value in (("division", "0 /min"), ("apoptosis", "0 /min"))
]


def dish(*items: dict[str, object], wells: int = 3, molecules: tuple[str, ...] = ()) -> TumorModel:
    scenario = assembled(
        {
            "name": "dish",
            "lattice": {"shape": [12, 12], "spacing": "15 um", "margin": "0 um"},
            **BARE,
            "record": {"every": "2 h", "snapshots": "1 day", "molecules": list(molecules)},
            "protocol": [{"do": "hold", "molecule": "OXYGEN", "level": "50 uM"}, *items],
        },
        name="dish",
    )
    return TumorModel(scenario, rng=1, wells=wells)


def read(model: TumorModel, text: str, steps: int = 0) -> np.ndarray:
    found = readout(text, CATALOGUE)
    watch = Watch(model, paths=found.paths)
    for _ in range(steps):
        model.step()
        watch.look()
    return found.read(watch)


TUMOR = {"do": "add", "cell": "tumor", "count": 9}
CD8 = {"do": "add", "cell": "CD8", "count": 6, "activation": 0.5}


def test_cells_are_counted_well_by_well() -> None:
    model = dish(TUMOR, CD8)
    assert read(model, "count of tumor").tolist() == [9, 9, 9]
    assert read(model, "count of tumor+CD8").tolist() == [15, 15, 15]
    assert read(model, "density of CD8") == pytest.approx([6 / 0.18**2] * 3)
    assert read(model, "ratio of CD8 to tumor") == pytest.approx([2 / 3] * 3)
    assert np.isnan(read(model, "ratio of CD8 to NK")).all()


def test_states_are_means_over_living_cells() -> None:
    model = dish(TUMOR, CD8)
    assert read(model, "activation of CD8") == pytest.approx([0.5] * 3)
    assert read(model, "share of CD8 with activation above 0.4").tolist() == [1, 1, 1]
    assert read(model, "share of CD8 with activation below 0.4").tolist() == [0, 0, 0]
    assert np.isnan(read(model, "activation of NK")).all()


def test_a_dead_cell_is_not_read() -> None:
    model = dish(CD8)
    cells = model.tissue.cells
    first = np.flatnonzero(model.tissue.lattice.well_of(cells.site) == 0)
    cells.activation[first[1:]] = 0.0
    cells.fate[first[1:]] = 1
    assert read(model, "activation of CD8") == pytest.approx([0.5] * 3)
    assert read(model, "count of CD8").tolist() == [1, 6, 6]


def test_levels_include_the_medium() -> None:
    model = dish(TUMOR, {"do": "hold", "molecule": "IL6", "level": "2 nM"})
    model.step()
    assert (read(model, "level of IL6") >= 2.0).all()
    assert (read(model, "level of IL6 at tumor") >= 2.0).all()


def test_a_gradient_is_read_where_the_cells_are() -> None:
    here = {"do": "add", "cell": "CD8", "count": 4, "x": ["0 um", "45 um"]}
    model = dish(here, {"do": "hold", "molecule": "CXCL10", "level": "0 nM", "to": "1 nM"})
    model.step()
    assert (read(model, "level of CXCL10 at CD8") < read(model, "level of CXCL10")).all()


def test_divisions_are_births_per_cell_and_day() -> None:
    growing = {"do": "fix", "behavior": "division", "value": "1 /day", "cells": ["tumor"]}
    model = dish({"do": "add", "cell": "tumor", "count": 20}, growing, STILL[1])
    before = read(model, "count of tumor")
    rate = read(model, "divisions of tumor", steps=72)
    after = read(model, "count of tumor")
    born = after - before
    days = (before + after) / 2 * 0.5
    assert rate == pytest.approx(born / days, rel=0.15)


def test_deaths_are_all_deaths_and_apoptosis_one_kind() -> None:
    model = dish({"do": "add", "cell": "tumor", "count": 40}, *STILL, {"do": "deplete", "cells": ["tumor"],
                                                                    "rate": "2 /day"})
    watch = Watch(model)
    for _ in range(36):
        model.step()
        watch.look()
    lost = 40 - readout("count of tumor", CATALOGUE).read(watch)
    assert (lost > 5).all()
    days = watch.cell_days(["tumor"])
    assert readout("deaths of tumor", CATALOGUE).read(watch) == pytest.approx(lost / days)
    assert readout("apoptosis of tumor", CATALOGUE).read(watch).tolist() == [0, 0, 0]


def test_drift_is_the_way_along_x_of_those_that_stay() -> None:
    model = dish({"do": "add", "cell": "CD8", "count": 5, "x": ["0 um", "60 um"], "y": ["0 um", "90 um"]})
    watch = Watch(model, paths=True)
    lattice, cells = model.tissue.lattice, model.tissue.cells
    # One hour, in which everybody goes three sites to the right and one down.
    for shift in (1, 1, 1, lattice.shape[1]):
        cells.site[:] += shift
        watch.look()
    model.tissue.clock.step = 6
    assert readout("drift of CD8", CATALOGUE).read(watch) == pytest.approx([45.0] * 3)
    assert readout("index of CD8", CATALOGUE).read(watch) == pytest.approx([45.0 / 60.0] * 3)
    assert readout("motility of CD8", CATALOGUE).read(watch) == pytest.approx([0.0] * 3, abs=1e-9)


def test_the_reach_of_a_source_is_its_diffusion_length() -> None:
    # Around a point source in a layer the level falls like K0(r / L): faster than exp(-r / L) at first.
    depot = {"do": "dose", "route": "depot", "molecule": "TNF", "rate": "1000 molecules/min", "radius": "1 um",
             "place": ["90 um", "90 um"]}
    reach = read(dish(depot, molecules=("TNF",), wells=2), "reach of TNF", steps=36)
    assert (reach > 15).all()
    assert (reach < 90).all()


def test_behaviors_and_receptors_are_read_by_name() -> None:
    half = CATALOGUE.receptors["CXCR3"].ligands["CXCL10"].value
    model = dish(CD8, {"do": "hold", "molecule": "CXCL10", "level": half})
    model.step()
    assert read(model, "occupancy of CXCR3 on CD8") == pytest.approx([0.5] * 3, abs=0.02)
    assert (read(model, "behavior speed of CD8") > 0).all()


def test_the_first_kill_is_at_the_end_where_there_was_none() -> None:
    assert read(dish(TUMOR), "hours to first kill of tumor", steps=6) == pytest.approx([1.0] * 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("number of tumor", "count of CELL"),
        ("count of tumour", "Did you mean 'tumor'"),
        ("level of CXCL99", "no diffusing molecule"),
        ("expression IL6 of tumor", "no expressed molecule"),
        ("occupancy of CXCR33 on CD8", "Did you mean 'CXCR3'"),
        ("kills of tumor by CD9", "Did you mean 'CD8'"),
        ("measure CD8 cores", "Did you mean 'CD8 core'"),
        ("behavior divison of CD8", "Did you mean 'division'"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        readout(text, CATALOGUE)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "unit"),
    [("division", "/min"), ("speed", "µm/min"), ("persistence", "min"), ("lethal damage", ""),
     ("secretion IFNG", "molecules/cell/min"), ("expression PDL1", "")],
)  # fmt: skip
def test_a_behavior_has_the_unit_of_its_kind(name: str, unit: str) -> None:
    assert readout(f"behavior {name} of CD8", CATALOGUE).unit == unit


def test_a_metric_has_the_unit_and_the_molecule_of_the_registry() -> None:
    assert readout("measure CD8 core", CATALOGUE).unit == "cells/mm²"
    assert readout("measure TNF core", CATALOGUE).molecules == ("TNF",)
    assert readout("measure CD8 core", CATALOGUE).molecules == ()


def test_all_forms_are_listed_where_none_fits() -> None:
    with pytest.raises(InputError) as refused:
        readout("weight of tumor", CATALOGUE)
    assert all(form in str(refused.value) for form in FORMS)


# ------------------------------------------------------------------ places of a tumor


BLOCK = {"do": "add", "cell": "tumor", "count": 400, "x": ["150 um", "450 um"], "y": ["150 um", "450 um"]}
"""A packed square of tumor, 300 um wide, in the middle of 600 um of tissue."""


def block(*items: dict[str, object], **medium: object) -> TumorModel:
    scenario = assembled(
        {
            "name": "block",
            "lattice": {"shape": [40, 40], "spacing": "15 um", "margin": "0 um"},
            **BARE,
            "protocol": [{"do": "hold", "molecule": "OXYGEN", "level": "50 uM", **medium}, BLOCK, *items],
        },
        name="block",
    )
    return TumorModel(scenario, rng=1, wells=2)


def test_a_place_has_its_own_density() -> None:
    model = block({"do": "add", "cell": "CD8", "count": 60})
    inside, outside = read(model, "density of CD8 in tumor"), read(model, "density of CD8 in stroma")
    assert 0.09 * inside + 0.27 * outside == pytest.approx([60] * 2, rel=0.05)
    assert read(model, "density of CD8 in tumor over stroma") == pytest.approx(inside / outside)
    assert read(model, "density of tumor in core") == pytest.approx([1e6 / 15**2] * 2)
    assert read(model, "share of tumor among CD8+tumor in core").min() > 0.8


def test_fields_lie_at_the_border_of_the_tumor() -> None:
    # Centered on the middles of the square's sides and 480 um wide, they leave out only the corners of the tissue.
    corner = {"do": "add", "cell": "CD8", "count": 9, "x": ["0 um", "45 um"], "y": ["0 um", "45 um"]}
    side = {"do": "add", "cell": "CD8", "count": 9, "x": ["0 um", "45 um"], "y": ["280 um", "325 um"]}
    assert read(block(corner), "density of CD8 in border").tolist() == [0, 0]
    assert (read(block(side), "density of CD8 in border stroma") > 0).all()
    assert read(block(side), "density of CD8 in border tumor").tolist() == [0, 0]
    edge = sites_of(block().tissue, 0, "edge")
    assert 60 < edge.sum() < 90  # four sides of 20 sites, corners rounded
    assert not (edge & sites_of(block().tissue, 0, "tumor")).any()


def test_without_a_tumor_a_place_in_it_has_nothing_to_read() -> None:
    model = dish(CD8)
    assert np.isnan(read(model, "density of CD8 in core")).all()
    assert np.isnan(read(model, "density of CD8 in border")).all()
    assert np.isnan(read(model, "median level of OXYGEN in tumor")).all()


def test_a_level_is_read_in_a_place_and_by_depth() -> None:
    model = block(level="30 uM", to="90 uM")
    assert read(model, "median level of OXYGEN in tumor") == pytest.approx([60_000] * 2, rel=0.03)
    assert read(model, "median level of OXYGEN in tumor over stroma") == pytest.approx([1.0] * 2, rel=0.1)
    depth = depths(model.tissue, 1)
    assert depth.max() == pytest.approx(150, abs=15)
    assert (depth[~sites_of(model.tissue, 1, "tumor")] == 0).all()
    falling = 60_000 - 100 * depth  # 100 nM lost in each um
    assert _first_below(falling, depth, 50_000, 15.0) == pytest.approx(100, abs=8)
    assert _first_below(falling, depth, 40_000, 15.0) == depth.max()
    assert _first_below(falling, depth, 70_000, 15.0) == 0.0
    assert np.isnan(_first_below(falling, np.zeros_like(depth), 50_000, 15.0))


def test_kills_while_engaged_are_per_day_of_engagement() -> None:
    model = dish({**TUMOR, "count": 100}, {**CD8, "count": 30, "activation": 1.0})
    texts = ("kills of tumor by CD8 while engaged", "kills of tumor by CD8", "share of CD8 with binding above 0")
    found = [readout(text, CATALOGUE) for text in texts]
    watch, bound = Watch(model), []
    for _ in range(72):
        model.step()
        watch.look()
        bound.append(found[2].read(watch).mean())
    engaged, alive = found[0].read(watch).mean(), found[1].read(watch).mean()
    assert alive > 0
    assert engaged == pytest.approx(alive / np.mean(bound), rel=0.15)


def test_a_path_is_as_fast_as_the_cell_walks() -> None:
    model = dish(CD8)
    share = read(model, "path speed of CD8", 60) / read(model, "behavior speed of CD8")
    assert ((share > 0.5) & (share < 1)).all()  # seen once a step, a path is shorter than it was
    still = {"do": "fix", "behavior": "speed", "value": "0 um/min", "cells": ["CD8"]}
    assert read(dish(CD8, still), "path speed of CD8", 6).tolist() == [0, 0, 0]


def test_a_free_path_is_that_of_living_cells_without_a_target() -> None:
    model = dish({**CD8, "x": ["0 um", "60 um"]}, wells=2)
    watch = Watch(model, paths=True)
    lattice, cells = model.tissue.lattice, model.tissue.cells
    first, second = (np.flatnonzero(lattice.well_of(cells.site) == well) for well in range(2))
    # In well 0 two walk while four are bound, then one of them holds a target and one dies; in well 1 none is free.
    cells.partner[np.r_[first[2:], second]] = 1
    for step in range(3):
        cells.site[first[:2]] += 1
        cells.site[first[2:]] += lattice.shape[1] if step == 1 else 0  # pushed while bound
        watch.look()
    cells.partner[first[0]] = 1
    cells.fate[first[1]] = 1
    cells.site[first[0]] += 1
    watch.look()
    free = readout("path speed of free CD8", CATALOGUE).read(watch)
    assert free[0] == pytest.approx(15.0 / model.tissue.clock.dt)
    assert np.isnan(free[1])
    watch.begin()
    assert np.isnan(readout("path speed of free CD8", CATALOGUE).read(watch)).all()


def test_a_killer_is_as_fast_while_free_as_one_without_targets() -> None:
    many = {**CD8, "count": 30, "activation": 1.0}
    speed = [{"do": "fix", "behavior": "speed", "value": "4 um/min", "cells": ["CD8"]}]
    among, alone = dish({**TUMOR, "count": 100}, many, *speed), dish(many, *speed)
    free = read(among, "path speed of free CD8", 72).mean() / read(alone, "path speed of free CD8", 72).mean()
    assert free == pytest.approx(1, abs=0.25)
    again = dish({**TUMOR, "count": 100}, many, *speed)
    assert read(again, "path speed of CD8", 72).mean() < 0.5 * read(alone, "path speed of CD8", 72).mean()
