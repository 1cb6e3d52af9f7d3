"""Small tissues and small scenarios for checks: cells at chosen sites, and few behaviors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..biology import Biology, compile, load_catalogue
from ..core import draws
from ..processes import Process, Responding, planting
from ..scenario import Scenario, load
from ..tissue import Fields, Lattice, Tissue
from .lattices import SPACING

__all__ = ["bare", "culture", "shipped", "small", "step", "tissue_of"]


@cache
def shipped() -> Biology:
    """The compiled catalogue, with the default traits of a tumor."""
    return compile(load_catalogue())


def bare(values: Mapping[tuple[str, str], float]) -> Biology:
    """The compiled catalogue without rules; every behavior is zero except those given by (cell, behavior)."""
    biology = shipped()
    base = np.zeros_like(biology.base)
    for (cell, behavior), value in values.items():
        base[biology.cell_index[cell], biology.behavior_index[behavior]] = value
    return replace(biology, base=base, programs=(), signals=())


def tissue_of(
    biology: Biology,
    cells: Sequence[tuple[str, NDArray[np.integer]]],
    *,
    shape: tuple[int, ...],
    dt: float,
    seed: int = 1,
    molecules: Sequence[str] = (),
) -> Tissue:
    """A tissue with nothing but cells of some types at some sites, and empty fields of `molecules`."""
    lattice = Lattice(shape, SPACING)
    fields = Fields(molecules, lattice.field_shape, np.float64)
    tissue = planting.bare(biology, lattice, seed=seed, dt=dt, fields=fields, push=0.0)
    for name, sites in cells:
        number = np.arange(len(tissue.cells), len(tissue.cells) + len(sites), dtype=np.uint64)
        keys = draws.bits(seed, "placement", 0, number)
        tissue.cells.append(len(sites), key=keys, site=sites, kind=biology.cell_index[name])
    tissue.reindex()
    Responding(biology)(tissue, dt)
    return tissue


def step(tissue: Tissue, biology: Biology, processes: Sequence[Process]) -> None:
    """Take one step of some processes."""
    for process in (Responding(biology), *processes):
        process(tissue, tissue.clock.dt)
    tissue.settle()
    tissue.clock.step += 1


def small(name: str, *, days: float, **changes: Any) -> Scenario:
    """A shipped scenario on 60 × 60 sites with 200 tumor cells and a seventh of its blood; `changes` by dotted key."""
    whole = load(name)
    blood = {f"blood.{pool}.cells": round(one.cells * 0.14) for pool, one in whole.blood.items()}
    return load(
        name,
        {
            "lattice.shape": [60, 60], "lattice.margin": "0 um", "tumor.cells": 200, "clock.days": days,
            **blood, **changes,
        },
    )  # fmt: skip


def culture(shape: tuple[int, ...], *, days: float, protocol: Sequence[Mapping[str, Any]], **changes: Any) -> Scenario:
    """A dish with the oxygen of normal tissue, without vessels, blood, matrix and tumor; `protocol` adds the cells."""
    oxygen = {"do": "hold", "molecule": "OXYGEN", "level": "49.8 uM"}
    empty = {f"immune.{cell}": "0 /mm^2" for cell in load("base").immune}
    bloodless = {f"blood.{pool}.cells": 0 for pool in load("base").blood}
    return load(
        "base",
        {
            "lattice.shape": list(shape), "lattice.margin": "0 um", "tumor.cells": 0, "clock.days": days,
            "vessels.density": "0 /mm^2", "stroma.matrix": 0.0, "stroma.matrix_in_tumor": 0.0,
            "protocol": [oxygen, *protocol], **empty, **bloodless, **changes,
        },
    )  # fmt: skip
