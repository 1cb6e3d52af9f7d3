"""A full grid taken apart: how much of the variance of its points goes with each parameter.

When every level of one parameter meets every combination of the others, the means over all of them divide the variance
exactly, as an analysis of variance does: S1 is the variance of the level means, ST what is lost when the outcome is
averaged over the parameter. They are the Sobol indices of the grid itself, every level weighted alike; of what lies
between or beyond the levels they know nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .axes import Axis
from .indices import Index, Indices
from .outcomes import Outcome

__all__ = ["factorial", "is_grid", "lines"]


def is_grid(axes: Sequence[Axis]) -> bool:
    """Does every combination of levels occur exactly once?"""
    if not axes:
        return False
    places = np.column_stack([axis.index() for axis in axes])
    combinations = math.prod(int(levels) + 1 for levels in places.max(axis=0))
    return len(places) == combinations == len(np.unique(places, axis=0))


def lines(axes: Sequence[Axis], key: str) -> NDArray[np.int64]:
    """The points along one parameter, for each combination of the others: (combinations, levels)."""
    shape = [int(axis.index().max()) + 1 for axis in axes]
    table = np.empty(shape, dtype=np.int64)
    table[tuple(axis.index() for axis in axes)] = np.arange(len(axes[0].position))
    along = next(k for k, axis in enumerate(axes) if axis.key == key)
    return np.moveaxis(table, along, -1).reshape(-1, shape[along])


def factorial(found: Outcome, axes: Sequence[Axis]) -> Indices:
    """S1 and ST of each parameter over the levels of a full grid."""
    means = found.means
    planned = len(means)
    used = int(np.isfinite(means).sum())
    if used < planned:
        note = f"{planned - used} of {planned} points have no result, and a grid with holes cannot be taken apart"
        return Indices(by_parameter={}, used=used, planned=planned, note=note, refused=True)
    total = float(means.var())
    made = {}
    for axis in axes:
        along = means[lines(axes, axis.key)]
        alone, without = float(along.mean(axis=0).var()), float(along.mean(axis=1).var())
        made[axis.key] = {
            "S1": Index(value=alone / total, low=None, high=None),
            "ST": Index(value=1 - without / total, low=None, high=None),
        }
    return Indices(by_parameter=made, used=used, planned=planned)
