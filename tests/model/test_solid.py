"""Three dimensions: densities are those of sections, sizes are volumes, and the nodule is base in another shape."""

from __future__ import annotations

import numpy as np
import pytest

from tme_abm.model import TumorModel
from tme_abm.observe.compartments import compartments
from tme_abm.observe.metrics import measure
from tme_abm.scenario import changed, load


def test_a_density_in_a_volume_is_that_of_its_sections() -> None:
    small = {"lattice.shape": [22, 21, 20], "lattice.margin": "50 um", "tumor.cells": 900, "immune.TAM": "400 /mm^2"}
    scenario = changed(load("nodule"), small)
    model = TumorModel(scenario, rng=3)
    model.run_until(0.25)
    found, (core, _) = measure(model), compartments(model.tissue)
    cells, lattice = model.tissue.cells, model.tissue.lattice
    inside = core[cells.site] & model.tissue.living & (cells.kind == model.biology.cell_index["TAM"])
    sections = core.reshape(lattice.shape)
    area = sections.sum(axis=(1, 2)) * (lattice.spacing / 1000) ** 2  # mm2 of core in every section
    counts = np.bincount(cells.site[inside] // (21 * 20), minlength=22)
    assert inside.sum() > 3
    assert found["TAM core"] == pytest.approx(counts.sum() / area.sum())
    assert found["core volume"] == pytest.approx(core.sum() * (lattice.spacing / 1000) ** 3)
    assert "core area" not in found
    assert "core volume" not in measure(TumorModel(load("base"), rng=1))


def test_the_nodule_is_base_in_another_shape() -> None:
    base, nodule = load("base"), load("nodule")
    tables = {key.partition(".")[0] for key, _, _ in nodule.differences(base)}
    assert tables == {"lattice", "clock", "tumor", "growth"}
    assert nodule.tumor.traits == base.tumor.traits
