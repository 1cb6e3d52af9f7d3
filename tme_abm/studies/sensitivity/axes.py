"""The swept parameters as coordinates: where each design point lies between the low and the high end of each.

A coordinate runs from 0 to 1 along the scale of its parameter, so that on a logarithmic scale equal steps are equal
factors. A parameter whose values are words has no order: its coordinate counts the values and serves to tell them
apart only. Parameters that never change are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..results import StudyParameter, StudyResults

__all__ = ["Axis", "axes", "value_text"]

Floats = NDArray[np.float64]

FEW = 8  # so many different values are levels; more, or one a point that nobody listed, are a sample of a range


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One parameter: `position` (points,) between 0 and 1, and the values behind it."""

    key: str
    unit: str
    scale: str
    position: Floats
    ordered: bool
    low: float
    high: float
    levels: tuple[float | str, ...]
    """The different values in order, if they are few; empty for a sample of a range."""

    @property
    def name(self) -> str:
        """The key without the sections it stands in."""
        return self.key.rpartition(".")[2].replace("_", " ")

    def at(self, position: float) -> float:
        """The value at a position (of an ordered parameter)."""
        if self.scale == "log":
            return float(self.low * (self.high / self.low) ** position)
        return self.low + (self.high - self.low) * position

    def index(self) -> NDArray[np.int64]:
        """Which of the levels each point has, (points,)."""
        places = np.unique(self.position)
        return np.searchsorted(places, self.position).astype(np.int64)


def axes(study: StudyResults) -> tuple[Axis, ...]:
    """The parameters of a study that take more than one value."""
    found = (_axis(parameter, study.design[parameter.key]) for parameter in study.parameters)
    return tuple(axis for axis in found if np.unique(axis.position).size > 1)


def value_text(value: float | str) -> str:
    """A value as axes and tables show it, without its unit."""
    return value if isinstance(value, str) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.6g}"


def _axis(parameter: StudyParameter, column: list[float | str]) -> Axis:
    numbers = [value for value in column if not isinstance(value, str)]
    if len(numbers) < len(column):
        words = tuple(dict.fromkeys([*parameter.values, *column]))
        used = tuple(word for word in words if word in set(column))
        position = np.array([used.index(value) for value in column]) / max(len(used) - 1, 1)
        return Axis(
            key=parameter.key, unit="", scale="linear", position=position, ordered=False, low=0.0, high=1.0, levels=used
        )
    low = min(numbers) if parameter.low is None else parameter.low
    high = max(numbers) if parameter.high is None else parameter.high
    values = np.array(numbers, dtype=np.float64)
    if parameter.scale == "log":
        position = np.log(values / low) / (math.log(high / low) or 1.0)
    else:
        position = (values - low) / ((high - low) or 1.0)
    levels = tuple(sorted(set(numbers)))
    return Axis(
        key=parameter.key,
        unit=parameter.unit,
        scale=parameter.scale,
        position=position,
        ordered=True,
        low=low,
        high=high,
        levels=levels if len(levels) <= FEW and (parameter.values or len(levels) < len(column)) else (),
    )
