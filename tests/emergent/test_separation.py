"""The first days of the shipped tumors in small: hot and cold part ways early, and a knock-out closes the gap.

Seeds are fixed, so the outcome is too; the margin of one and a half is half of what days 2 to 3 show at full size.
"""

from __future__ import annotations

import pytest

from tme_abm.model import TumorModel
from tme_abm.observe.metrics import measure
from tme_abm.scenario import load

SMALL = {"lattice.shape": [90, 90], "tumor.cells": 500}
NO_IFNG = {"protocol": [{"do": "knock out", "product": "IFNG"}]}
DAY = 2.5


@pytest.fixture(scope="module")
def core() -> dict[str, float]:
    """CD8 density of the core by arm."""
    found = {}
    for arm, name, overrides in (("hot", "hot", {}), ("cold", "cold", {}), ("hot without IFNG", "hot", NO_IFNG)):
        model = TumorModel(load(name, SMALL | overrides), rng=1)
        model.run_until(DAY)
        found[arm] = measure(model)["CD8 core"]
    return found


def test_more_cd8_cells_reach_the_core_of_the_hot_tumor(core: dict[str, float]) -> None:
    assert core["hot"] > 1.5 * core["cold"]


def test_not_without_interferon(core: dict[str, float]) -> None:
    assert core["hot"] > 1.5 * core["hot without IFNG"]
