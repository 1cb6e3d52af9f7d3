from __future__ import annotations

import pytest

from tme_abm.model import TumorModel
from tme_abm.scenario import Scenario, changed, load

SMALL = {"lattice.shape": [40, 44], "lattice.margin": "100 um", "tumor.cells": 60, "clock.days": 1}


@pytest.fixture(scope="session")
def small() -> Scenario:
    """A small tumor with some of every leukocyte."""
    base = load("base")
    return changed(base, {**SMALL, **{f"immune.{cell}": "60 /mm^2" for cell in base.immune}})


@pytest.fixture
def model(small: Scenario) -> TumorModel:
    return TumorModel(small, rng=1)
