"""Double-edged swords: what a swept dose does along its range, and where help turns into harm.

A curve is the change of an assay's first readout against the arm of the same curve without the dose, well by well, in
percent of it. A reversal is counted only between two doses whose 95 % intervals leave out zero on opposite sides.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..compare.statistics import Estimate, mean_interval, paired_difference
from ..core.errors import InputError
from ..core.units import KINDS, parse
from ..evidence.results import Reading, Sweep
from .claims_words import percent
from .style.numbers import MINUS
from .style.palette import dashes, scenario_colors
from .style.svg import Scale, limits, svg, text, tick_texts, ticks

__all__ = ["Axis", "Crossing", "Curve", "Point", "axis_of", "curves", "sweep_plot"]

LEFT, RIGHT, TOP, BOTTOM = 62.0, 500.0, 12.0, 250.0  # of the plotting area, in pixels
INSET = 16.0
WIDE = 20.0  # largest over smallest dose from which on an axis is logarithmic


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Where the swept values lie: `places` in the order of the values, `texts` beside their ticks.

    counted : whether the values are quantities of one kind, and not just words in a row
    none : index of the value that is zero, or None
    logarithmic : places are decades, and nothing stands a step to the left of the smallest dose
    """

    places: tuple[float, ...]
    texts: tuple[str, ...]
    unit: str
    counted: bool
    none: int | None
    logarithmic: bool


@dataclass(frozen=True, kw_only=True)
class Point:
    """A swept value, its place on the axis, and the change it made, in % of the zero-dose arm."""

    text: str
    place: float
    change: Estimate

    @property
    def mean(self) -> float:
        """The change itself."""
        return self.change.mean or 0.0

    @property
    def sign(self) -> int:
        """1 or −1 for a change whose interval leaves out zero, else 0."""
        if self.change.low is None or self.change.high is None:
            return 0
        return (self.change.low > 0) - (self.change.high < 0)


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A place on the axis where a curve changes its sign, and the dose in words."""

    place: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One curve of a sweep with the places where it clearly changes its sign."""

    name: str
    points: tuple[Point, ...]
    crossings: tuple[Crossing, ...]

    @property
    def story(self) -> str:
        """What happens along the curve, in words."""
        clear = [point for point in self.points if point.sign]
        if not clear:
            return "no dose makes a clear difference"
        if not self.crossings:
            top = max(clear, key=lambda point: abs(point.mean))
            return f"{percent(top.mean / 100)} at {top.text}, no reversal"
        ends = sorted((min(clear, key=lambda p: p.mean), max(clear, key=lambda p: p.mean)), key=lambda p: p.place)
        turns = " and ".join(crossing.text for crossing in self.crossings)
        return " and ".join(f"{percent(end.mean / 100)} at {end.text}" for end in ends) + f"; it turns {turns}"


def axis_of(sweep: Sweep) -> Axis:
    """The axis that suits the swept values: logarithmic for doses, in a row for what are not quantities."""
    values = sweep.values
    found = _amounts(values)
    if found is None:
        row = tuple(float(index) for index in range(len(values)))
        return Axis(places=row, texts=values, unit="", counted=False, none=None, logarithmic=False)
    amounts, unit = found
    none = next((index for index, amount in enumerate(amounts) if not amount), None)
    positive = sorted(amount for amount in amounts if amount > 0)
    logarithmic = len(positive) > 1 and min(amounts) >= 0 and positive[-1] >= WIDE * positive[0]
    places = amounts
    if logarithmic:
        decades = [math.log10(amount) for amount in positive]
        gap = max(0.5, min(b - a for a, b in itertools.pairwise(decades)))
        places = tuple(math.log10(amount) if amount else decades[0] - gap for amount in amounts)
    texts = tuple(f"{amount:,.6g}".replace("-", MINUS) for amount in amounts)
    return Axis(places=places, texts=texts, unit=unit, counted=True, none=none, logarithmic=logarithmic)


def curves(sweep: Sweep, reading: Reading) -> tuple[Curve, ...]:
    """The change of a readout along each curve, well by well against the curve's own arm without the dose."""
    axis = axis_of(sweep)
    made = []
    for name, arms in sweep.curves.items():
        base = reading.arms.get(arms[axis.none or 0], ())
        level = mean_interval(base).mean
        if not level:
            continue
        points = [
            Point(text=value, place=place, change=_times(paired_difference(reading.arms[arm], base), 100 / abs(level)))
            for place, value, arm in sorted(zip(axis.places, sweep.values, arms, strict=True))
            if arm in reading.arms
        ]
        points = [point for point in points if point.change.mean is not None]
        if len(points) > 1:
            made.append(Curve(name=name, points=tuple(points), crossings=tuple(_crossings(points, axis))))
    return tuple(made)


def sweep_plot(found: Sequence[Curve], sweep: Sweep, readout: str) -> Markup:
    """The change along a swept quantity: one line a curve with its 95 % band, rings where it crosses zero."""
    axis = axis_of(sweep)
    changes = [point.change for curve in found for point in curve.points]
    low, high = limits([0.0, *(end for c in changes for end in (c.mean, c.low, c.high) if end is not None)])
    margin = (high - low) * 0.03
    across = Scale(min(axis.places), max(axis.places), LEFT + INSET, RIGHT - INSET)
    up = Scale(low - margin, high + margin, BOTTOM, TOP)
    parts = []
    places = ticks(low, high, 5)
    for place, number in zip(places, tick_texts(places)[0], strict=True):
        parts.append(f'<path class="grid" d="M{LEFT:.0f} {up(place):.1f}H{RIGHT:.0f}"/>')
        parts.append(text(LEFT - 7, up(place) + 4, number, "tick", "end"))
    parts.append(f'<path class="zero" d="M{LEFT:.0f} {up(0):.1f}H{RIGHT:.0f}"/>')
    parts += _below(sweep, axis, across)
    colors = scenario_colors([curve.name for curve in found])
    for index, curve in enumerate(found):
        parts += _drawn(curve, across, up, color=colors[curve.name], dash=dashes(index))
    name = text(0, 0, f"change of {readout}, %", "name")
    parts.append(f'<g transform="translate(14 {(TOP + BOTTOM) / 2:.0f}) rotate(-90)">{name}</g>')
    return svg(RIGHT + 8, BOTTOM + 44, parts, kind="sweep", says=f"change of {readout} over {sweep.name}")


def _drawn(curve: Curve, across: Scale, up: Scale, *, color: str, dash: tuple[float, ...]) -> Iterable[str]:
    places = [(across(point.place), point) for point in curve.points]
    there = [f"{x:.1f} {up(p.change.high):.1f}" for x, p in places if p.change.high is not None]
    back = [f"{x:.1f} {up(p.change.low):.1f}" for x, p in reversed(places) if p.change.low is not None]
    if len(there) > 1:
        yield f'<path class="ribbon" fill="{color}" d="M{"L".join((*there, *back))}Z"/>'
    dashed = f' stroke-dasharray="{" ".join(f"{part:g}" for part in dash)}"' if dash else ""
    line = "L".join(f"{x:.1f} {up(point.mean):.1f}" for x, point in places)
    yield f'<path class="curve" stroke="{color}"{dashed} d="M{line}"/>'
    dots = "".join(f"M{x:.1f} {up(point.mean):.1f}h0" for x, point in places)
    yield f'<path class="dots" stroke="{color}" d="{dots}"/>'
    for crossing in curve.crossings:
        yield f'<circle class="crossing" stroke="{color}" cx="{across(crossing.place):.1f}" cy="{up(0):.1f}" r="6"/>'


def _below(sweep: Sweep, axis: Axis, across: Scale) -> Iterable[str]:
    """The axis of the swept values; broken between nothing and the smallest dose where it is logarithmic."""
    left, right = across(min(axis.places)) - INSET, across(max(axis.places)) + INSET
    yield f'<path class="rule" d="M{left:.1f} {BOTTOM:.1f}H{right:.1f}"/>'
    for place, words in zip(axis.places, axis.texts, strict=True):
        yield f'<path class="rule" d="M{across(place):.1f} {BOTTOM:.1f}v5"/>'
        yield text(across(place), BOTTOM + 18, words, "tick")
    if axis.logarithmic and axis.none is not None:
        first, second = sorted(axis.places)[:2]
        gap = across((first + second) / 2)
        yield f'<path class="gap" d="M{gap - 3:.1f} {BOTTOM:.1f}h6"/>'
        yield f'<path class="rule" d="M{gap - 6:.1f} {BOTTOM + 5:.1f}l6 -10M{gap:.1f} {BOTTOM + 5:.1f}l6 -10"/>'
    name = f"{sweep.name}, {axis.unit}" if axis.unit else sweep.name
    yield text((left + right) / 2, BOTTOM + 37, name, "name")


def _amounts(values: Sequence[str]) -> tuple[tuple[float, ...], str] | None:
    """Swept values as different numbers in the unit of the largest; None if they are not quantities of one kind."""
    for kind in KINDS:
        try:
            numbers = [parse(value, kind) for value in values]
        except InputError:
            continue
        if len(set(numbers)) < len(numbers):
            return None
        largest = values[max(range(len(values)), key=lambda index: abs(numbers[index]))]
        found = re.fullmatch(r"\s*[-+\d._]+(?:[eE][-+]?\d+)?\s*(.*?)\s*", largest)
        unit = found[1] if found else ""
        one = parse(f"1 {unit}" if unit else 1.0, kind)
        return tuple(number / one for number in numbers), unit.replace("um", "µm").replace("uM", "µM")
    return None


def _crossings(points: Sequence[Point], axis: Axis) -> Iterable[Crossing]:
    """Where a curve goes from clearly on one side of zero to clearly on the other."""
    clear = [index for index, point in enumerate(points) if point.sign]
    for before, after in itertools.pairwise(clear):
        sign = points[after].sign
        if points[before].sign == sign:
            continue
        a, b = next((a, b) for a, b in itertools.pairwise(points[before:]) if a.mean * sign <= 0 < b.mean * sign)
        place = a.place + (b.place - a.place) * a.mean / (a.mean - b.mean)
        dose = f"near {10**place if axis.logarithmic else place:.2g} {axis.unit}".rstrip()
        yield Crossing(place=place, text=dose if axis.counted else f"between {a.text} and {b.text}")


def _times(estimate: Estimate, factor: float) -> Estimate:
    mean, low, high = (None if end is None else end * factor for end in (estimate.mean, estimate.low, estimate.high))
    return Estimate(mean=mean, low=low, high=high, n=estimate.n)

