"""The swept parameters of a study as coordinates: where each design point lies between the ends of each parameter.

A parameter whose values are words has no order: its coordinate counts the values and serves to tell them apart only.
Parameters that never change are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..design import INDICES
from ..parameters import Parameter

if TYPE_CHECKING:
    from ..results import StudyResults

__all__ = ["Axes", "axes"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FEW = 8  # this many different values are levels; more, or one a point that nobody listed, are a sample of a range


@dataclass(frozen=True, kw_only=True)
class Axes:
    """The parameters that vary, and the `position` (points, parameters) of each design point between their ends.

    Here `low` and `high` of an ordered parameter are always known, and `values` are the different values of the study
    in order if they are few, empty for a sample of a range. `kind` and `samples` are those of the design.
    """

    parameters: tuple[Parameter, ...]
    position: Floats
    kind: str
    samples: int

    @property
    def points(self) -> int:
        """The number of design points."""
        return len(self.position)

    @property
    def method(self) -> str:
        """How indices are computed: "morris", "sobol indices", "grid" for any full grid, "" for none."""
        return self.kind if self.kind in INDICES else "grid" if self.is_grid else ""

    @property
    def pairing(self) -> str:
        """How the ends of a parameter are compared: "grid", "morris" or "sample"."""
        return "morris" if self.kind == "morris" else "grid" if self.is_grid else "sample"

    @cached_property
    def independent(self) -> Indices:
        """The independent points: all; of a Saltelli arrangement the first and the last of each block."""
        points = np.arange(self.points)
        if self.method != "sobol indices":
            return points
        return points[np.isin(points % self.block, (0, self.block - 1))]

    def number(self, key: str) -> int:
        """The column of a parameter."""
        return [one.key for one in self.parameters].index(key)

    def level(self, number: int) -> Indices:
        """The number of the value that one parameter has at each point, (points,), in order of the values."""
        places = np.unique(self.position[:, number])
        return np.searchsorted(places, self.position[:, number]).astype(np.int64)

    @cached_property
    def is_grid(self) -> bool:
        """Whether every combination of the values occurs exactly once."""
        if not self.parameters:
            return False
        levels = np.column_stack([self.level(k) for k in range(len(self.parameters))])
        combinations = math.prod(int(highest) + 1 for highest in levels.max(axis=0))
        return self.points == combinations == len(np.unique(levels, axis=0))

    def lines(self, number: int) -> Indices:
        """The points of a grid along one parameter, for each combination of the others: (combinations, levels)."""
        levels = [self.level(k) for k in range(len(self.parameters))]
        shape = [int(one.max()) + 1 for one in levels]
        table = np.empty(shape, dtype=np.int64)
        table[tuple(levels)] = np.arange(self.points)
        return np.moveaxis(table, number, -1).reshape(-1, shape[number])

    def trajectories(self) -> Indices:
        """The points of each Morris trajectory (trajectories, parameters + 1).

        Raises:
            InputError: the points are not trajectories.
        """
        size = len(self.parameters) + 1
        if self.points % size:
            raise InputError(
                f"{self.points} points do not divide into trajectories of {size} points", place="design.csv"
            )
        found = np.arange(self.points).reshape(-1, size)
        moves = np.diff(self.position[found], axis=1) != 0
        if not ((moves.sum(axis=1) == 1) & (moves.sum(axis=2) == 1).all(axis=1, keepdims=True)).all():
            raise InputError(
                "a step of a trajectory changes no parameter or more than one; a range of whole numbers may be too "
                "narrow for its four levels",
                place="design.csv",
            )
        return found.astype(np.int64)

    @cached_property
    def block(self) -> int:
        """Points for each base sample of Sobol indices: parameters + 2, or 2 (parameters + 1) with the second order.

        Raises:
            InputError: the number of points does not fit the number of samples.
        """
        count = len(self.parameters)
        for block in (count + 2, 2 * count + 2):
            if self.points == self.samples * block:
                return block
        raise InputError(
            f"{self.points} points do not belong to {self.samples} base samples of {count} parameters that vary",
            place="design.csv",
        )


def axes(study: StudyResults) -> Axes:
    """The parameters of a study that take more than one value."""
    placed = [_placed(parameter, study.design[parameter.key]) for parameter in study.parameters]
    vary = [(parameter, position) for parameter, position in placed if np.unique(position).size > 1]
    return Axes(
        parameters=tuple(parameter for parameter, _ in vary),
        position=np.column_stack([position for _, position in vary]) if vary else np.empty((study.points, 0)),
        kind=study.kind,
        samples=study.samples,
    )


def _placed(parameter: Parameter, column: list[float | str]) -> tuple[Parameter, Floats]:
    numbers = [value for value in column if not isinstance(value, str)]
    if len(numbers) < len(column):
        used = [word for word in dict.fromkeys([*parameter.values, *column]) if word in column]
        position = np.array([used.index(value) for value in column]) / max(len(used) - 1, 1)
        return replace(parameter, unit="", scale="linear", low=0.0, high=1.0, values=tuple(used)), position
    levels = tuple(sorted(set(numbers)))
    ends = replace(
        parameter,
        low=min(numbers) if parameter.low is None else parameter.low,
        high=max(numbers) if parameter.high is None else parameter.high,
        values=levels if len(levels) <= FEW and (parameter.values or len(levels) < len(column)) else (),
    )
    return ends, ends.position(np.array(numbers, dtype=np.float64))
