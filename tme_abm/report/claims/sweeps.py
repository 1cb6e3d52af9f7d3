"""Swept doses: the effect of a dose along its range, and where help turns into harm.

A curve is the change of a readout against the arm of the same curve without the dose, well by well, in percent of it.
A reversal is counted only between two doses whose 95 % intervals exclude zero on opposite sides.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from ...compare.statistics import mean_interval, paired_difference
from ...core.errors import InputError
from ...core.units import KINDS, parse, split
from ...evidence.assays import Sweep
from ...evidence.results import AssayResult, Reading
from ..style.numbers import MINUS, percent

__all__ = ["Axis", "Curve", "Point", "SweptDose", "swept_dose"]

_WIDE = 20.0  # largest over smallest dose from which on an axis is logarithmic


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The places of swept values on an axis, in the order of the values, and the texts beside their ticks.

    counted : whether the values are quantities of one kind, not words
    none : the index of the value that is zero, or None
    logarithmic : whether places are decades; zero is then a step to the left of the smallest dose
    """

    places: tuple[float, ...]
    texts: tuple[str, ...]
    unit: str = ""
    counted: bool = False
    none: int | None = None
    logarithmic: bool = False


@dataclass(frozen=True, kw_only=True)
class Point:
    """A swept value, its place on the axis, and its change with the interval, in % of the arm without the dose."""

    text: str
    place: float
    mean: float
    low: float | None
    high: float | None

    @property
    def sign(self) -> int:
        """1 or −1 if the interval of the change excludes zero, else 0."""
        return 0 if self.low is None or self.high is None else (self.low > 0) - (self.high < 0)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One curve of a sweep. `crossings`: where it clearly changes its sign, as places on the axis and in words."""

    name: str
    points: tuple[Point, ...]
    crossings: tuple[tuple[float, str], ...]

    @property
    def story(self) -> str:
        """The course of the curve in words."""
        clear = [point for point in self.points if point.sign]
        if not clear:
            return "no dose makes a clear difference"
        if not self.crossings:
            top = max(clear, key=lambda point: abs(point.mean))
            return f"{percent(top.mean / 100)} at {top.text}, no reversal"
        ends = sorted((min(clear, key=lambda p: p.mean), max(clear, key=lambda p: p.mean)), key=lambda p: p.place)
        turns = " and ".join(dose for _, dose in self.crossings)
        return " and ".join(f"{percent(end.mean / 100)} at {end.text}" for end in ends) + f"; it turns {turns}"


@dataclass(frozen=True, kw_only=True)
class SweptDose:
    """The change of the first readout of an assay along the dose that it sweeps, one curve for each condition."""

    result: AssayResult
    claims: tuple[str, ...]
    name: str
    readout: str
    axis: Axis
    curves: tuple[Curve, ...]


def swept_dose(assay: AssayResult, asked: Container[str]) -> SweptDose | None:
    """The curves of an assay that sweeps a dose, with those of its claims that are `asked`; None for other assays."""
    reading = assay.reading_of(assay.judged[0]) if assay.judged else None
    if assay.sweep is None or reading is None:
        return None
    axis = _axis_of(assay.sweep.values)
    found = _curves(assay.sweep, reading, axis)
    if not found:
        return None
    return SweptDose(
        result=assay,
        claims=tuple(claim for claim in assay.claims if claim in asked),
        name=assay.sweep.name,
        readout=reading.readout,
        axis=axis,
        curves=found,
    )


def _axis_of(values: tuple[str, ...]) -> Axis:
    """The axis of swept values: logarithmic for doses of a wide range, evenly spaced for words."""
    found = _amounts(values)
    if found is None:
        return Axis(places=tuple(float(index) for index in range(len(values))), texts=values)
    amounts, unit = found
    none = next((index for index, amount in enumerate(amounts) if not amount), None)
    positive = sorted(amount for amount in amounts if amount > 0)
    logarithmic = len(positive) > 1 and min(amounts) >= 0 and positive[-1] >= _WIDE * positive[0]
    places = amounts
    if logarithmic:
        decades = [math.log10(amount) for amount in positive]
        gap = max(0.5, min(b - a for a, b in itertools.pairwise(decades)))
        places = tuple(math.log10(amount) if amount else decades[0] - gap for amount in amounts)
    texts = tuple(f"{amount:,.6g}".replace("-", MINUS) for amount in amounts)
    return Axis(places=places, texts=texts, unit=unit, counted=True, none=none, logarithmic=logarithmic)


def _curves(sweep: Sweep, reading: Reading, axis: Axis) -> tuple[Curve, ...]:
    """The change of a readout along each curve, well by well against the curve's own arm without the dose."""
    made = []
    for name, arms in sweep.curves.items():
        base = reading.arms.get(arms[axis.none or 0], ())
        level = mean_interval(base).mean
        if not level:
            continue
        points = []
        for place, value, arm in sorted(zip(axis.places, sweep.values, arms, strict=True)):
            found = paired_difference(reading.arms[arm], base) if arm in reading.arms else None
            if found is not None and found.mean is not None:
                mean, low, high = (
                    None if end is None else end * (100 / abs(level)) for end in (found.mean, found.low, found.high)
                )
                points.append(Point(text=value, place=place, mean=mean or 0.0, low=low, high=high))
        if len(points) > 1:
            made.append(Curve(name=name, points=tuple(points), crossings=tuple(_crossings(points, axis))))
    return tuple(made)


def _amounts(values: Sequence[str]) -> tuple[tuple[float, ...], str] | None:
    """Swept values as numbers in the unit of the largest; None if they are not different quantities of one kind."""
    for kind in KINDS:
        try:
            numbers = [parse(value, kind) for value in values]
        except InputError:
            continue
        if len(set(numbers)) < len(numbers):
            return None
        largest = split(values[max(range(len(values)), key=lambda index: abs(numbers[index]))])
        unit = largest[1] if largest else ""
        one = parse(f"1 {unit}" if unit else 1.0, kind)
        return tuple(number / one for number in numbers), unit.replace("um", "µm").replace("uM", "µM")
    return None


def _crossings(points: Sequence[Point], axis: Axis) -> Iterable[tuple[float, str]]:
    """Where a curve goes from clearly on one side of zero to clearly on the other: place, and dose in words."""
    clear = [index for index, point in enumerate(points) if point.sign]
    for before, after in itertools.pairwise(clear):
        sign = points[after].sign
        if points[before].sign == sign:
            continue
        a, b = next((a, b) for a, b in itertools.pairwise(points[before:]) if a.mean * sign <= 0 < b.mean * sign)
        place = a.place + (b.place - a.place) * a.mean / (a.mean - b.mean)
        dose = f"near {10**place if axis.logarithmic else place:.2g} {axis.unit}".rstrip()
        yield place, dose if axis.counted else f"between {a.text} and {b.text}"
