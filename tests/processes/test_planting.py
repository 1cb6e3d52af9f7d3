"""Where vessels are planted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.models import TINY
from tme_abm.scenario import load
from tme_abm.simulation import Simulation


@pytest.mark.parametrize("shape", [[64, 64], [60, 52], [16, 16, 16]])
def test_vessels_supply_all_tissue_and_each_site_alike(shape: list[int]) -> None:
    changes = {"lattice.shape": shape, "tumor.cells": 60, "vessels.density": "400 /mm^2", "vessels.in_tumor": 0.0}
    wells = 40
    tissue = Simulation(load("base", TINY | changes), rng=3, wells=wells).tissue
    lattice = tissue.lattice
    planted = np.bincount(tissue.vessels, minlength=lattice.n_sites).reshape(wells, *lattice.shape)
    tumor = np.bincount(tissue.cells.site[tissue.cells.kind == tissue.tumor_kinds[0]], minlength=lattice.n_sites)
    assert not (planted.ravel() * tumor).any(), "none where the scenario wants none"
    chance = 400e-6 * lattice.site_area
    # A corner of half the sides has in every well what is expected of it: by chance the ratio below would be one.
    half = [slice(0, side // 2) for side in shape]
    free = 1 - tumor.reshape(planted.shape)
    corner = (slice(None), *half)
    found, expected = (part[corner].sum(axis=tuple(range(1, planted.ndim))) for part in (planted, free * chance))
    assert np.std(found - expected) < 0.5 * np.sqrt(expected.mean())
    # Over the wells each site is as likely as every other: no place of a patch is preferred.
    often = planted.sum(axis=0)[free.all(axis=0)]
    assert often.mean() == pytest.approx(wells * chance, rel=0.02)
    assert often.var() == pytest.approx(wells * chance * (1 - chance), rel=0.12)
