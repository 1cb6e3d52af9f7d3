"""State maps: what became of the tumor in each part of the plane of two parameters.

Where both parameters take few values a cell of the map is a combination of them; where they were sampled, the range is
cut into equal parts (on the scale of the parameter). All runs that fall into a cell count alike, whatever the other
parameters were; how many there are is told, and a cell without a run stays empty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .axes import Axis, value_text
from .outcomes import Outcome

__all__ = ["Side", "StateMap", "state_map"]

Floats = NDArray[np.float64]

RUNS_A_CELL = 6  # points that a cell should hold on average, before the map gets finer
COARSEST, FINEST = 3, 8


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a map: the parameter, and what each row or column stands for.

    `labels` name the levels; of a range that was cut they are empty, and `edges` (parts + 1) are the values at the
    cuts.
    """

    key: str
    unit: str
    scale: str
    labels: tuple[str, ...]
    edges: tuple[float, ...]

    @property
    def parts(self) -> int:
        """How many rows or columns there are."""
        return len(self.labels) or len(self.edges) - 1


@dataclass(frozen=True, kw_only=True)
class StateMap:
    """Means of outcomes in the cells (rows of `y`, columns of `x`), NaN where no run is; `runs` that count there."""

    scenario: str
    x: Side
    y: Side | None
    runs: NDArray[np.int64]
    values: dict[str, Floats]


def state_map(found: Sequence[Outcome], x: Axis, y: Axis | None) -> StateMap:
    """The map of some outcomes of one scenario over two parameters, or along one."""
    side_x, column = _side(x)
    side_y, row = (None, np.zeros(len(column), dtype=np.int64)) if y is None else _side(y)
    shape = (1 if side_y is None else side_y.parts, side_x.parts)
    cell = row * shape[1] + column
    means, runs = {}, np.zeros(shape, dtype=np.int64)
    for one in found:
        there = np.isfinite(one.values)
        count = np.bincount(cell, weights=there.sum(axis=1), minlength=shape[0] * shape[1]).reshape(shape)
        total = np.bincount(cell, weights=np.where(there, one.values, 0).sum(axis=1), minlength=count.size)
        means[one.name] = np.where(count > 0, total.reshape(shape) / np.maximum(count, 1), np.nan)
        runs = np.maximum(runs, count.astype(np.int64))
    return StateMap(scenario=found[0].scenario, x=side_x, y=side_y, runs=runs, values=means)


def _side(axis: Axis) -> tuple[Side, NDArray[np.int64]]:
    """One side, and in which part of it each point lies."""
    if axis.levels:
        labels = tuple(value_text(level) for level in axis.levels)
        return Side(key=axis.key, unit=axis.unit, scale=axis.scale, labels=labels, edges=()), axis.index()
    points = len(np.unique(axis.position))
    parts = min(max(math.isqrt(points // RUNS_A_CELL), COARSEST), FINEST)
    edges = tuple(axis.at(k / parts) for k in range(parts + 1))
    part = np.minimum((axis.position * parts).astype(np.int64), parts - 1)
    return Side(key=axis.key, unit=axis.unit, scale=axis.scale, labels=(), edges=edges), part
