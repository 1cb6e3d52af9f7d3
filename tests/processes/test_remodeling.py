"""The living matrix: its balance, its time step, its state, and where a scenario plants the cells that keep it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.support.catalogue import bare, shipped
from tests.support.tissues import respond, tissue_of
from tme_abm.biology import Biology
from tme_abm.core.units import MINUTES_PER_DAY
from tme_abm.observe.snapshot import snapshot
from tme_abm.processes import Remodeling
from tme_abm.scenario import load
from tme_abm.simulation import Simulation
from tme_abm.tissue import Controls, Tissue

LAID, CUT = 2.0, 0.7  # volume [µm³/min]
SMALL = {
    "lattice.shape": [40, 40], "lattice.margin": "30 um", "tumor.cells": 200, "clock.dt": "20 min",
    "stroma.secretion": {"CXCL12": "0 pM/min"}, "stroma.cells": {"fibroblast": "165 /mm^2"},
    "stroma.ring": {"width": "45 um", "cells": {"myCAF": "2000 /mm^2", "iCAF": "400 /mm^2"}},
}  # fmt: skip


@cache
def builders() -> Biology:
    """A biology in which fibroblasts do nothing but lay matrix down and cut it."""
    return bare(shipped(), {("fibroblast", "deposition"): LAID, ("fibroblast", "proteolysis"): CUT})


def with_matrix(start: float, *, spacing: float = 15.0, mmp: float = 0.0) -> Tissue:
    """One fibroblast in the middle of a patch."""
    tissue = tissue_of(builders(), [("fibroblast", (4, 4))], shape=(9, 9), spacing=spacing, levels={"MMP": mmp})
    tissue.matrix[:], tissue.matrix_lives = start, True
    return tissue


@cache
def walled() -> Simulation:
    model = Simulation(load("hot", SMALL), rng=1, wells=2)
    for _ in range(30):
        model.step()
    return model


@pytest.mark.parametrize("start", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("mmp", [0.0, 20.0])
def test_each_site_follows_its_equation(start: float, mmp: float) -> None:
    tissue, dt, steps = with_matrix(start, mmp=mmp), 30.0, 48
    for _ in range(steps):
        Remodeling(builders())(tissue, dt)
    volume, digested = 9 * 15.0**3, 86.4e-3 * mmp / MINUTES_PER_DAY
    laid, cut = LAID / volume, CUT / volume + digested
    expected, fine = start, 0.25
    for _ in range(round(steps * dt / fine)):  # the equation by small steps, a scheme of its own
        middle = expected + 0.5 * fine * (laid * (1 - expected) - cut * expected)
        expected += fine * (laid * (1 - middle) - cut * middle)
    around = tissue.matrix.reshape(9, 9)[3:6, 3:6]
    np.testing.assert_allclose(around, expected, rtol=1e-6)
    assert tissue.matrix[0] == pytest.approx(start * np.exp(-digested * steps * dt), rel=1e-9)


def test_a_cell_lays_down_its_volume_whatever_the_spacing() -> None:
    """The mass balance: what is gained in a short time is the volume that a cell makes in it."""
    for spacing in (10.0, 15.0, 30.0):
        tissue = with_matrix(0.0, spacing=spacing)
        Remodeling(builders())(tissue, 1.0)
        assert tissue.matrix.sum() * spacing**3 == pytest.approx(LAID, rel=0.01)


def test_halving_the_step_changes_nothing() -> None:
    whole, halves = with_matrix(0.4, mmp=5.0), with_matrix(0.4, mmp=5.0)
    Remodeling(builders())(whole, 600.0)
    for _ in range(2):
        Remodeling(builders())(halves, 300.0)
    np.testing.assert_allclose(whole.matrix, halves.matrix, rtol=1e-12)


def test_a_dose_of_protease_digests_and_its_inhibitor_stops_it() -> None:
    tissue = with_matrix(0.8)
    tissue.controls.held["MMP"] = 100.0
    Remodeling(builders())(tissue, 1440.0)
    assert tissue.matrix[0] == pytest.approx(0.8 * np.exp(-8.64), rel=1e-3)
    stopped = with_matrix(0.8)
    stopped.controls = Controls.none(len(builders().cells), len(builders().receptors))
    stopped.controls.held["MMP"], stopped.controls.free["MMP"] = 100.0, 0.0
    Remodeling(builders())(stopped, 1440.0)
    assert stopped.matrix[0] == 0.8


def test_healthy_stroma_keeps_its_matrix() -> None:
    """Where fibroblasts are alone, loose stroma stands still at a matrix of 0.2, however many they are."""
    biology = shipped()
    for step in (2, 4):
        cells = [("fibroblast", (y, x)) for y in range(0, 12, step) for x in range(0, 12, step)]
        tissue = respond(tissue_of(biology, cells, shape=(12, 12)), biology)
        tissue.matrix[:], tissue.matrix_lives = 0.2, True
        Remodeling(biology)(tissue, 100 * MINUTES_PER_DAY)
        np.testing.assert_allclose(tissue.matrix, 0.2, rtol=1e-9)


def test_tgfb_makes_the_builder_build() -> None:
    biology = shipped()
    grown = []
    for level in (0.0, 0.07, 7.0):
        tissue = respond(tissue_of(biology, [("myCAF", (4, 4))], shape=(9, 9), levels={"TGFB": level}), biology)
        tissue.matrix_lives = True
        Remodeling(biology)(tissue, MINUTES_PER_DAY)
        grown.append(float(tissue.matrix.sum()))
    assert grown[1] == pytest.approx((grown[0] + grown[2]) / 2, rel=0.03)
    assert grown[2] > 5 * grown[0]


def test_a_fixed_matrix_stays_and_takes_no_room_in_the_state() -> None:
    model = Simulation(load("hot", {key: SMALL[key] for key in list(SMALL)[:4]}), rng=1)
    before = model.tissue.matrix.copy()
    for _ in range(5):
        model.step()
    np.testing.assert_array_equal(model.tissue.matrix, before)
    assert "grounds/matrix" not in model.state()
    assert "matrix" not in snapshot(model)
    assert "MMP" not in model.tissue.fields


def test_it_resumes_and_branches_bit_for_bit() -> None:
    model = walled()
    state = model.state()
    twin = Simulation.from_state(model.scenario, 1, state, wells=2)
    np.testing.assert_array_equal(twin.tissue.matrix, model.tissue.matrix)
    assert not np.array_equal(twin.tissue.matrix, Simulation(model.scenario, rng=1, wells=2).tissue.matrix)
    for each in (model, twin):
        each.step()
    for name, values in model.state().items():
        np.testing.assert_array_equal(values, twin.state()[name], err_msg=name)
    single = Simulation(load("hot", SMALL), rng=1)
    single.step()
    branched = Simulation.branched(load("hot", SMALL), 1, single.state())
    np.testing.assert_array_equal(branched.tissue.matrix, single.tissue.matrix)


def test_a_snapshot_holds_the_living_matrix() -> None:
    model = walled()
    size = model.tissue.lattice.n_sites_per_well
    picture = snapshot(model, 1)["matrix"]
    np.testing.assert_array_equal(picture.ravel(), model.tissue.matrix[size:].astype(np.float32))
    assert np.ptp(picture) > 0.05


def test_the_stroma_is_planted_around_the_tumor_at_its_densities() -> None:
    big = {**SMALL, "lattice.shape": [120, 120], "tumor.cells": 2000, "lattice.margin": "250 um"}
    model = Simulation(load("hot", big), rng=3, wells=2)
    tissue, biology = model.tissue, model.biology
    away = tissue.lattice.distance_from_center() - model.scenario.tumor_radius
    counts = {}
    for name in ("tumor", "fibroblast", "myCAF", "iCAF"):
        counts[name] = away[tissue.cells.site[tissue.cells.kind == biology.cell_index[name]]]
    assert len(counts["tumor"]) == 2 * 2000
    assert all((counts[name] > 0).all() for name in ("fibroblast", "myCAF", "iCAF"))
    # The ring is measured from site to site, the radius is that of a perfect disk: a site is the difference.
    assert counts["myCAF"].max() < 45 + 16
    assert counts["fibroblast"].min() > 45 - 16
    beyond, ring = ((away > 45).sum(), ((away > 0) & (away <= 45)).sum())
    for name, density, sites in (("fibroblast", 165e-6, beyond), ("myCAF", 2000e-6, ring), ("iCAF", 400e-6, ring)):
        mean = density * tissue.lattice.site_area * sites
        assert abs(len(counts[name]) - mean) < 5 * np.sqrt(mean) + 0.1 * mean, name


def test_planting_stroma_moves_no_other_cell() -> None:
    with_stroma = Simulation(load("hot", SMALL), rng=5).tissue
    without = Simulation(load("hot", {key: SMALL[key] for key in list(SMALL)[:4]}), rng=5).tissue
    others = np.isin(with_stroma.cells.key, without.cells.key)
    assert others.sum() == len(without.cells)
    assert len(with_stroma.cells) > len(without.cells)
    by_key = dict(zip(without.cells.key.tolist(), without.cells.site.tolist(), strict=True))
    mine = zip(with_stroma.cells.key[others].tolist(), with_stroma.cells.site[others].tolist(), strict=True)
    assert all(by_key[key] == site for key, site in mine)


def test_what_stroma_makes_has_a_field_only_with_it() -> None:
    assert "MMP" in walled().tissue.fields
