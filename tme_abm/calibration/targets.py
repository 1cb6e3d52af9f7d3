"""The free numbers of a calibration and its targets, as `calibration.toml` lists them.

A *knob* is a free parameter: numbers of the catalogue that move together between two ends, both inside the range
of their sources. Only numbers that say of themselves that they are fitted can be knobs. A *goal* is a band for a
metric of a scenario on a day. The loss of a set of values is zero when every goal is met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib import resources
from importlib.resources.abc import Traversable
from math import inf, isfinite, log
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StrictStr

from ..biology.catalogue import Catalogue, Entry
from ..biology.loader import load_catalogue
from ..biology.parameter import Number, StringList
from ..core.errors import InputError
from ..core.toml import Frozen, read_toml, validated
from ..core.units import parse, split
from ..observe.metrics import find_metric
from ..studies.parameters import Parameter

__all__ = ["Calibration", "Floats", "Goal", "Knob", "Measured", "Setting", "read_calibration"]

FILE = "calibration.toml"

Floats = NDArray[np.float64]
Setting = str | float
Measured = Mapping[str, Callable[[float], Mapping[str, float]]]
"""By scenario: a day to what was measured on it."""


class _Free(Frozen):
    name: StrictStr
    places: StringList
    range: tuple[Number, Number]
    scale: Literal["log", "linear"]


class _Target(Frozen):
    scenario: StrictStr
    metric: StringList
    day: float = Field(gt=0)
    low: Number | None = None
    high: Number | None = None
    weight: float = Field(default=1.0, gt=0)
    over: StrictStr = ""
    required: bool = True
    source: StrictStr


class _Document(Frozen):
    worst: float = Field(gt=1)
    free: tuple[_Free, ...]
    target: tuple[_Target, ...]


@dataclass(frozen=True, kw_only=True)
class Knob(Parameter):
    """A free parameter: numbers at `places` of the catalogue that move together, `shipped` as the catalogue has it.

    `key` is its name; its ends are numbers in `unit`, the unit the catalogue writes.
    """

    places: tuple[str, ...]
    shipped: Setting
    digits: int = 3  # more would claim a precision that no fit to these bands has

    @property
    def start(self) -> float:
        """The position of the shipped value between the ends, 0 to 1."""
        return float(self.position(_split(self.shipped)[0]))

    def setting(self, position: float) -> Setting:
        """The value at a position from 0 to 1, as the catalogue would write it."""
        if abs(position - self.start) < 1e-9:
            return self.shipped
        setting: Setting = self.level(position).setting
        return setting


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A band for a metric (several are added up), in the unit in which it is measured; a ratio with `over`."""

    scenario: str
    metrics: tuple[str, ...]
    day: float
    low: float
    high: float
    weight: float
    over: str
    required: bool
    source: str
    unit: str

    @property
    def label(self) -> str:
        """The goal without its band."""
        who = f"{self.scenario} / {self.over}" if self.over else self.scenario
        return f"{who}: {' + '.join(self.metrics)}, day {self.day:g}"

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The scenarios that have to be run for it."""
        return (self.scenario, self.over) if self.over else (self.scenario,)

    def value(self, measured: Measured) -> float:
        """The value reached; NaN if nothing could be measured. Raises InputError for an unknown metric."""
        value = self._sum(measured[self.scenario](self.day))
        if not self.over:
            return value
        below = self._sum(measured[self.over](self.day))
        return value / below if below > 0 else np.nan

    def inside(self, value: float) -> bool:
        """Whether a value meets the goal."""
        return self.low <= value <= self.high

    def _sum(self, row: Mapping[str, float]) -> float:
        for metric in self.metrics:
            if row and metric not in row:
                raise InputError(f"no metric '{metric}'", file=FILE, place=self.label, allowed=row, word=metric)
        return sum(row.get(metric, np.nan) for metric in self.metrics)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The knobs, the goals, and the factor beyond which a miss counts no more."""

    knobs: tuple[Knob, ...]
    goals: tuple[Goal, ...]
    worst: float

    @property
    def start(self) -> Floats:
        """Position (n_knobs,) of the shipped values."""
        return np.array([knob.start for knob in self.knobs])

    def settings(self, position: Sequence[float] | Floats) -> tuple[Setting, ...]:
        """The value of each knob at a position (n_knobs,)."""
        return tuple(knob.setting(float(where)) for knob, where in zip(self.knobs, position, strict=True))

    def changes(self, settings: Sequence[Setting]) -> dict[str, Setting]:
        """Every place of the catalogue that is set, and to what."""
        return {place: value for knob, value in zip(self.knobs, settings, strict=True) for place in knob.places}

    def required_met(self, values: Floats) -> list[bool]:
        """Whether each required goal is met by `values` (n_goals,)."""
        pairs = zip(self.goals, values, strict=True)
        return [goal.inside(float(value)) for goal, value in pairs if goal.required]

    def misses(self, values: Floats) -> Floats:
        """The distance of `values` (n_goals, …) from their bands, as logarithms of a factor; 0 inside."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        low = np.array([goal.low for goal in self.goals]).reshape(shape)
        high = np.array([goal.high for goal in self.goals]).reshape(shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            missed = np.maximum(np.where(low > 0, np.log(low / values), 0.0), np.log(values / high))
        # Nothing to measure, or nothing left of what should be there, is as bad as it gets.
        return np.clip(np.where(np.isnan(values), np.inf, missed), 0.0, log(self.worst))

    def loss(self, values: Floats) -> float:
        """Weighted mean over the goals of the squared miss, averaged over replicates; `values` (n_goals, n)."""
        weight = np.array([goal.weight for goal in self.goals])
        return float(np.average((self.misses(values) ** 2).mean(axis=1), weights=weight))

    def until(self, days: float | None) -> Calibration:
        """The calibration without the goals of later days. Raises InputError if none is left."""
        goals = tuple(goal for goal in self.goals if days is None or goal.day <= days)
        if not goals:
            first = min(goal.day for goal in self.goals)
            raise InputError(f"the first target is of day {first:g}; {days:g} days reach none", place="days")
        return replace(self, goals=goals)


def read_calibration(source: Path | Traversable | None = None, catalogue: Catalogue | None = None) -> Calibration:
    """The calibration in the file `source`, by default the shipped one. Raises InputError if it is not valid."""
    catalogue = catalogue or load_catalogue()
    source = source or resources.files(__package__).joinpath(FILE)
    name = source.name
    document = validated(_Document, read_toml(source, name=name), file=name)
    entries = {entry.place: entry for entry in catalogue.entries() if not entry.parameter.is_trait}
    return Calibration(
        knobs=tuple(_knob(free, entries, name) for free in document.free),
        goals=tuple(_goal(target, catalogue, name) for target in document.target),
        worst=document.worst,
    )


def _knob(free: _Free, entries: Mapping[str, Entry], file: str) -> Knob:
    def refused(what: str) -> InputError:
        return InputError(what, file=file, place=f"free '{free.name}'")

    found: list[str] = []
    for pattern in free.places:
        matching = [place for place in entries if place == pattern or fnmatchcase(place, pattern)]
        if not matching:
            raise refused(f"the catalogue has no number '{pattern}'; `sources` lists them")
        found += [place for place in matching if place not in found]
    for place in found:
        if entries[place].parameter.basis != "fitted":
            basis = entries[place].parameter.basis
            raise refused(f"'{place}' has basis '{basis}'; only fitted numbers may be calibrated")
    shipped = entries[found[0]].parameter.value
    number, unit = _split(shipped)
    low, high = (_number_in(unit, end, entries[found[0]].kind, file, f"free '{free.name}'") for end in free.range)
    if not low <= number <= high or low >= high or (free.scale == "log" and low <= 0):
        raise refused(f"the range must hold the shipped value, {shipped}, and rise; on a log scale from above zero")
    for place in found:
        entry = entries[place]
        if entry.parameter.value != shipped:
            raise refused(f"'{place}' is {entry.parameter.value}, but '{found[0]}' is {shipped}; they move together")
        bounds = entry.parameter.bounds(entry.kind)
        if bounds is None:
            raise refused(f"'{place}' has no range to stay in")
        one = parse(f"1 {unit}", entry.kind)
        if low * one < bounds[0] * (1 - 1e-9) or high * one > bounds[1] * (1 + 1e-9):
            raise refused(f"the range leaves that of '{place}', {entry.parameter.range}")
    return Knob(
        key=free.name, places=tuple(found), unit=unit, low=low, high=high, scale=free.scale, shipped=shipped
    )


def _goal(target: _Target, catalogue: Catalogue, file: str) -> Goal:
    place = f"target {target.scenario} {' + '.join(target.metric)}"
    try:
        units = {find_metric(metric, catalogue).quantity for metric in target.metric}
    except InputError as error:
        raise error.replace(file=file, place=place) from error
    if len(units) != 1:
        raise InputError("metrics of different units cannot be added", file=file, place=place)
    kind, unit = ("number", "") if target.over else units.pop()
    low, high = (
        default if end is None else _number_in(unit, end, kind, file, place)
        for end, default in ((target.low, 0.0), (target.high, inf))
    )
    if low >= high or not (low > 0 or isfinite(high)):
        raise InputError("the band must have an end, and rise", file=file, place=place)
    same = target.model_dump(include={"scenario", "day", "weight", "over", "required", "source"})
    return Goal(**same, metrics=target.metric, low=low, high=high, unit=unit)


def _split(value: Setting) -> tuple[float, str]:
    """The number and the unit of a value that the catalogue has accepted."""
    if not isinstance(value, str):
        return float(value), ""
    found = split(value)
    assert found is not None
    return found


def _number_in(unit: str, value: Setting, kind: str, file: str, place: str) -> float:
    """A quantity in `unit`; exactly the number that is written if it is written in that unit."""
    parsed = parse(value, kind, file=file, place=place)
    number, own = _split(value)
    return number if own == unit else parsed / parse(f"1 {unit}", kind)
