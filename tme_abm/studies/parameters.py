"""A swept parameter: a key of the scenario, and the values it takes.

A value is kept twice: as the number that tables and figures show, in one unit for the whole parameter, and as the
setting that the scenario reads. What is drawn from a range is rounded to the digits that are shown, so that the table
says exactly what ran; keys that take whole numbers get whole numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, StrictFloat, StrictInt, StrictStr

from ..core.errors import InputError
from ..core.toml import Frozen, validated
from ..core.units import KINDS, parse

__all__ = ["Level", "Parameter", "number_text", "read_parameter"]

DIGITS = 6

_NUMBER = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)


class _Range(Frozen):
    low: StrictInt | StrictFloat | StrictStr = Field(alias="from")
    high: StrictInt | StrictFloat | StrictStr = Field(alias="to")
    levels: StrictInt | None = Field(default=None, ge=2)
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a parameter: as it is `shown` (a number in the parameter's unit, or a text), and as it is set."""

    shown: float | str
    setting: Any

    @property
    def text(self) -> str:
        """As a table holds it."""
        return self.shown if isinstance(self.shown, str) else number_text(self.shown)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A key with its values: `values` where they are listed or are the levels of a range, and the ends of a range."""

    key: str
    unit: str
    scale: str = "linear"
    low: float | None = None
    high: float | None = None
    values: tuple[Level, ...] = ()
    whole: bool = False

    @property
    def ranged(self) -> bool:
        """Was it given by its two ends?"""
        return self.low is not None

    def at(self, position: float) -> Level:
        """The value at a position between the ends, 0 to 1."""
        if self.low is None or self.high is None:
            raise ValueError(f"{self.key} has no range")
        if self.scale == "log":
            value = self.low * math.exp(position * math.log(self.high / self.low))
        else:
            value = self.low + position * (self.high - self.low)
        value = float(round(value)) if self.whole else float(f"{value:.{DIGITS}g}")
        return self._level(min(max(value, self.low), self.high))

    def _level(self, value: float) -> Level:
        if self.whole:
            return Level(value, int(value))
        return Level(value, f"{number_text(value)} {self.unit}" if self.unit else value)

    def described(self) -> dict[str, Any]:
        """The entry in study.json."""
        return {
            "key": self.key,
            "unit": self.unit,
            "scale": self.scale,
            "low": self.low,
            "high": self.high,
            "values": [level.shown for level in self.values],
        }


def number_text(value: float) -> str:
    """The shortest digits that read back to the same number; whole numbers without a point."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def read_parameter(key: str, given: object, *, whole: bool, ranges: bool, grid: bool, file: Path) -> Parameter:
    """The parameter that a study file describes.

    `whole`: the key takes whole numbers. `ranges`: the design draws from ranges, else from lists; a `grid` takes both.

    Raises:
        InputError: not a list or a range, or one that does not suit the design.
    """
    place = f'parameters."{key}"'
    if isinstance(given, list) and (grid or not ranges):
        return _listed(key, given, grid, file, place)
    if isinstance(given, dict) and (grid or ranges):
        return _ranged(key, validated(_Range, given, file=file, place=place), whole, grid, file, place)
    wanted = [
        'a list of values, such as [0.2, 0.5]' if grid or not ranges else "",
        'a range, such as { from = "50 /mm^2", to = "200 /mm^2" }' if grid or ranges else "",
    ]
    raise InputError(f"this design needs {' or '.join(filter(None, wanted))} here", file=file, place=place)


def _listed(key: str, given: Sequence[Any], grid: bool, file: Path, place: str) -> Parameter:
    if not given:
        raise InputError("has no values", file=file, place=place)
    numbers, unit = _numbers(given)
    shown: list[float | str] = [_plain(value) for value in given] if numbers is None else list(numbers)
    for index, value in enumerate(shown):
        if grid and value in shown[:index]:
            raise InputError(f"the value {_plain(given[index])} stands there twice", file=file, place=place)
    values = tuple(Level(one, setting) for one, setting in zip(shown, given, strict=True))
    return Parameter(key=key, unit=unit, values=values)


def _ranged(key: str, given: _Range, whole: bool, grid: bool, file: Path, place: str) -> Parameter:
    if grid and given.levels is None:
        raise InputError("a grid needs to know how many values (levels = 4)", file=file, place=place)
    if not grid and given.levels is not None:
        raise InputError("levels is for a grid; this design draws its own values", file=file, place=place)
    numbers, unit = _numbers([given.low, given.high])
    if numbers is None:
        raise InputError(
            f"from {given.low!r} to {given.high!r} is no range of numbers in one kind of unit", file=file, place=place
        )
    low, high = numbers
    if not low < high:
        raise InputError(f"should rise: {given.low!r} is not below {given.high!r}", file=file, place=place)
    if given.scale == "log" and low <= 0:
        raise InputError("a logarithmic range lies above 0", file=file, place=place)
    if whole and not (low.is_integer() and high.is_integer()):
        raise InputError("takes whole numbers, and the ends are none", file=file, place=place)
    ends = Parameter(key=key, unit=unit, scale=given.scale, low=low, high=high, whole=whole)
    if given.levels is None:
        return ends
    levels = [ends.at(float(position)) for position in np.linspace(0.0, 1.0, given.levels)]
    distinct = tuple({level.shown: level for level in levels}.values())
    return Parameter(key=key, unit=unit, scale=given.scale, low=low, high=high, values=distinct, whole=whole)


def _numbers(given: Sequence[Any]) -> tuple[tuple[float, ...] | None, str]:
    """The numbers in the unit of the first one; None where these are no numbers of one kind."""
    found: list[tuple[float, str]] = []
    for value in given:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None, ""
        match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
        if isinstance(value, str) and match is None:
            return None, ""
        found.append((float(match[1].replace("_", "")), match[2]) if match else (float(value), ""))
    if not all(math.isfinite(number) for number, _ in found):
        return None, ""
    unit = found[0][1]
    if all(one == unit for _, one in found):
        return tuple(number for number, _ in found), unit
    factors = _factors([one for _, one in found])
    if factors is None:
        return None, ""
    return tuple(float(f"{number * factor:.12g}") for (number, _), factor in zip(found, factors, strict=True)), unit


def _factors(units: Sequence[str]) -> list[float] | None:
    """What each unit is in the first; None where they are not of one kind."""
    for kind in KINDS:
        try:
            return [parse(f"1 {unit}", kind) / parse(f"1 {units[0]}", kind) for unit in units]
        except InputError:
            continue
    return None


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return str(value)
