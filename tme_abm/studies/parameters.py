"""A swept parameter: what is varied, and between which ends or over which values.

A value is kept twice: as the number that tables and figures show, in one unit for the whole parameter, and as the
setting that a scenario or the catalogue reads. A value from a range is rounded to the digits that are shown, so that a
table says exactly what ran; keys that take whole numbers get whole numbers. A position between the ends runs from 0
to 1 along the scale of the parameter: on a logarithmic scale equal steps are equal factors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Level", "Parameter", "number_text", "value_text"]


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a parameter: as it is `shown` (a number in the parameter's unit, or a text), and as it is set."""

    shown: float | str
    setting: Any

    @property
    def text(self) -> str:
        """The value as a table holds it."""
        return self.shown if isinstance(self.shown, str) else number_text(self.shown)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A swept key. `low` and `high` are the ends of a range, None without one.

    `values` are the values of a list or the levels of a range; empty where values are drawn. `settings` are the values
    of a list as the file gives them. `digits`: to how many a value from the range is rounded.
    """

    key: str
    unit: str = ""
    scale: str = "linear"
    low: float | None = None
    high: float | None = None
    values: tuple[float | str, ...] = ()
    settings: tuple[Any, ...] = ()
    whole: bool = False
    digits: int = 6

    @property
    def name(self) -> str:
        """The key without the sections it stands in."""
        return self.key.rpartition(".")[2].replace("_", " ")

    @property
    def ranged(self) -> bool:
        """Whether the parameter has two ends."""
        return self.low is not None

    @property
    def ordered(self) -> bool:
        """Whether the values are numbers."""
        return not any(isinstance(value, str) for value in self.values)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the range. Raises ValueError if there is none."""
        if self.low is None or self.high is None:
            raise ValueError(f"{self.key} has no range")
        return self.low, self.high

    @property
    def levels(self) -> tuple[Level, ...]:
        """The values with their settings."""
        if self.settings:
            return tuple(map(Level, self.values, self.settings))
        return tuple(self._level(float(value)) for value in self.values)

    def at(self, position: float) -> float:
        """The value at a position between the ends, 0 to 1."""
        low, high = self.ends
        return float(low * (high / low) ** position) if self.scale == "log" else low + position * (high - low)

    def position(self, values: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Where values lie between the ends, 0 to 1."""
        low, high = self.ends
        if self.scale == "log":
            return np.asarray(np.log(np.asarray(values) / low) / (math.log(high / low) or 1.0))
        return np.asarray((np.asarray(values) - low) / ((high - low) or 1.0))

    def level(self, position: float) -> Level:
        """The value at a position, rounded, and never past an end."""
        value = self.at(position)
        value = float(round(value)) if self.whole else float(f"{value:.{self.digits}g}")
        low, high = self.ends
        return self._level(min(max(value, low), high))

    def _level(self, value: float) -> Level:
        if self.whole:
            return Level(value, int(value))
        return Level(value, f"{number_text(value)} {self.unit}" if self.unit else value)

    def described(self) -> dict[str, Any]:
        """The entry in study.json."""
        kept = {name: getattr(self, name) for name in ("key", "unit", "scale", "low", "high")}
        return {**kept, "values": list(self.values)}


def number_text(value: float) -> str:
    """The shortest digits that read back to the same number; whole numbers without a point."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def value_text(value: float | str) -> str:
    """A value as axes and tables show it, without its unit."""
    return value if isinstance(value, str) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.6g}"
