"""Small tumors give the numbers that they gave when `regression.json` was written.

A change that means to keep the numbers is held to them here; one that means to move them writes the file anew, with
`python -m tests.model.test_regression`, and says why in its commit.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tme_abm.model import TumorModel
from tme_abm.scenario import load

STORED = Path(__file__).with_name("regression.json")
SHAPES = {"cold": [48, 48], "hot": [48, 48], "excluded": [48, 48], "nodule": [14, 14, 14]}
WAITING = "hot, fields wait"
STEPS = 24


def numbers(name: str) -> dict[str, float]:
    """Cells of each kind, the mean of every column over the cells and of every field over the sites [nM]."""
    tumor, changes = name.partition(",")[0], {"lattice.margin": "30 um", "tumor.cells": 200}
    # Fields that are solved in every step keep more of the digits.
    solved = {} if name == WAITING else {"fields.lag": 0.0}
    scenario = load(tumor, {"lattice.shape": SHAPES[tumor], **changes, **solved})
    model = TumorModel(scenario, rng=1)
    for _ in range(STEPS):
        model.step()
    cells, fields = model.tissue.cells, model.tissue.fields
    kinds = np.bincount(cells.kind, minlength=len(model.biology.cells))
    found = {f"cells/{kind}": float(number) for kind, number in zip(model.biology.cells, kinds, strict=True)}
    found |= {f"fields/{molecule}": float(fields[molecule].mean(dtype=np.float64)) for molecule in fields}
    columns = sorted(set(cells.columns) - {"key", "kind", "site", "partner"})
    found |= {f"columns/{column}": float(cells[column].mean(dtype=np.float64)) for column in columns}
    return dict(sorted(found.items()))


@pytest.mark.parametrize("name", [*SHAPES, WAITING])
def test_numbers_are_those_stored(name: str) -> None:
    # Processors may round the last digits of a transform differently; a change of the model is larger.
    assert numbers(name) == pytest.approx(json.loads(STORED.read_text())[name], rel=1e-6)


if __name__ == "__main__":
    STORED.write_text(json.dumps({name: numbers(name) for name in [*SHAPES, WAITING]}, indent=1) + "\n")
