"""Pictures of a sensitivity analysis: tornado plots, indices with their intervals, maps of the states.

Written by hand as SVG, so that text stays text. Direction and state are told by color and again by position or number;
colors are the palette's, safe for color-blind eyes, and a map grows darker with its number, also in print.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ...studies.sensitivity.analysis import Side, StateMap
from ...studies.sensitivity.ends import Change
from ...studies.sensitivity.outcomes import Index
from ..style.numbers import significant
from ..style.palette import INK, LINES, STATES, cell_color, rgb
from ..style.svg import Scale, limits, svg, text, tick_texts, ticks

__all__ = ["Mark", "dots", "heatmap", "heatmap_color", "tornado"]

UP, DOWN = LINES[:2]
PAPER = "#FBFCFC"
LETTER = 6.6  # width of a letter of 12.5 pixels
LONGEST = 32  # letters of a parameter's name, or of its ends

WIDTH, TOP = 560.0, 6.0
NAMES, NUMBERS = 214.0, 90.0  # room for names on the left, for numbers on the right
ROW = 38.0
_DARK = 0.21  # from this luminance down white text has a contrast of 4 to 1 or more


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One index in a row of dots: a disc, or else a ring."""

    index: Index
    filled: bool


def tornado(changes: Sequence[Change], names: Sequence[tuple[str, str]], *, probability: bool, says: str) -> Markup:
    """A bar a parameter from zero to the change of the outcome, with its interval, and the outcome at both ends.

    `names` has the name and the unit of each parameter.
    """
    numbers = [0.0, *(one.change for one in changes)]
    numbers += [end for one in changes for end in one.interval or ()]
    low, high = limits([*numbers, *_padded(numbers)])
    at = Scale(low, high, NAMES, WIDTH - NUMBERS)
    bottom = TOP + ROW * len(changes)
    parts = _grid(low, high, at, bottom)
    for row, (one, (name, unit)) in enumerate(zip(changes, names, strict=True)):
        y = TOP + ROW * (row + 0.5)
        ends = _short(f"{one.low_end} → {one.high_end} {unit}".rstrip())
        parts += [text(NAMES - 14, y - 2, _short(name), "name", "end"), text(NAMES - 14, y + 12, ends, "small", "end")]
        start, width = min(at(0), at(one.change)), abs(at(one.change) - at(0))
        color = UP if one.change >= 0 else DOWN
        parts.append(f'<rect x="{start:.1f}" y="{y - 9:.1f}" width="{width:.1f}" height="18" fill="{color}"/>')
        if one.interval is not None:
            parts.append(_whisker(at(one.interval[0]), at(one.interval[1]), y))
        said = f"{_value(one.at_low, probability)} → {_value(one.at_high, probability)}"
        parts.append(text(WIDTH - NUMBERS + 10, y + 4, said, "value", "start"))
    parts.append(f'<path class="zero" d="M{at(0):.1f} {TOP - 4:.0f}V{bottom:.1f}"/>')
    return svg(WIDTH, bottom + 22, parts, kind="plot", says=says)


def dots(rows: Sequence[tuple[str, Sequence[Mark]]], *, span: tuple[float, float] | None, says: str) -> Markup:
    """Indices as dots with their intervals, a row a parameter; the axis holds at least `span`."""
    numbers = [0.0, *(span or ())]
    for _, marks in rows:
        for mark in marks:
            numbers += [mark.index.value, *(end for end in (mark.index.low, mark.index.high) if end is not None)]
    numbers = [value for value in numbers if math.isfinite(value)]
    low, high = limits([*numbers, *(() if span else _padded(numbers))])
    at = Scale(low, high, NAMES, WIDTH - 20)
    bottom = TOP + 30.0 * len(rows)
    parts = _grid(low, high, at, bottom)
    parts.append(f'<path class="zero" d="M{at(0):.1f} {TOP - 4:.0f}V{bottom:.1f}"/>')
    for row, (name, marks) in enumerate(rows):
        y = TOP + 30.0 * (row + 0.5)
        parts.append(text(NAMES - 14, y + 4, _short(name), "name", "end"))
        for place, mark in enumerate(marks):
            parts += _dot(mark, at, y + 9.0 * (place - (len(marks) - 1) / 2))
    return svg(WIDTH, bottom + 22, parts, kind="plot", says=says)


def heatmap(
    found: StateMap, outcome: str, names: tuple[str, str], *, span: tuple[float, float], probability: bool
) -> Markup:
    """One outcome over two parameters (named x, y): a cell a combination, with its mean and the number of its runs.

    Cells darken from one end of `span` to the other; low values are to the left and at the bottom.
    """
    values = found.means[outcome]
    rows, columns = values.shape
    left = 30.0 + LETTER * max((len(label) for label in _labels(found.y)), default=0) if found.y else 16.0
    wide = (WIDTH - left - 14) / columns
    tall = min(wide, 330.0 / rows) if rows > 1 else 56.0
    bottom = TOP + tall * rows
    parts = []
    for row in range(rows):
        for column in range(columns):
            x, y = left + wide * column, bottom - tall * (row + 1)
            value, runs = float(values[row, column]), int(found.runs[row, column])
            share = (value - span[0]) / (span[1] - span[0]) if span[1] > span[0] else 0.0
            shown = _value(value, probability), str(runs)
            parts += _cell(shown, share, heatmap_color(outcome), x, y, wide, tall)
    parts += _across(found.x, left, wide, bottom)
    parts.append(text(left + wide * columns / 2, bottom + 38, names[0], "axis"))
    if found.y is not None:
        parts += _up(found.y, left, tall, bottom)
        middle = TOP + tall * rows / 2
        turned = f'transform="rotate(-90 12 {middle:.1f})"'
        parts.append(text(12, middle, names[1], "axis").replace("<text ", f"<text {turned} ", 1))
    return svg(WIDTH, bottom + 46, parts, kind="plot map", says=f"{outcome} over {names[0]} and {names[1]}")


def heatmap_color(outcome: str) -> str:
    """The darkest color of an outcome's map."""
    state = outcome.removeprefix("P(").removesuffix(")")
    return STATES[state] if state != outcome and state in STATES else cell_color("CD8")


def _cell(
    shown: tuple[str, str], share: float, color: str, x: float, y: float, wide: float, tall: float
) -> list[str]:  # fmt: skip
    """A cell with its mean and the number of its runs; crossed out if there is none (`share` is not a number)."""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
    if not math.isfinite(share):
        corner = f"M{x:.1f} {y:.1f}l{wide:.1f} {tall:.1f}m0 {-tall:.1f}l{-wide:.1f} {tall:.1f}"
        return [f'<rect class="cell none" {box}/>', f'<path class="cross" d="{corner}"/>']
    filled, dark = _shade(color, share)
    suffix = " dark" if dark else ""
    middle, center = x + wide / 2, y + tall / 2
    parts = [f'<rect class="cell" {box} fill="{filled}"/>']
    if tall < 34:
        return [*parts, text(middle, center + 4, shown[0], f"on{suffix}")]
    parts.append(text(middle, center + 1, shown[0], f"on{suffix}"))
    return [*parts, text(middle, center + 15, shown[1], f"runs{suffix}")]


def _shade(color: str, share: float) -> tuple[str, bool]:
    """A color between paper and `color`, and whether text on it should be white."""
    part = min(max(share, 0.0), 1.0)
    mixed = [round(a + (b - a) * part) for a, b in zip(rgb(PAPER), rgb(color), strict=True)]
    light = [value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in mixed]
    luminance = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
    return "#{:02X}{:02X}{:02X}".format(*mixed), luminance < _DARK


def _across(side: Side, left: float, wide: float, bottom: float) -> list[str]:
    """Names of the columns below their middles, or of the cuts below the lines."""
    shift = 0.5 if side.labels else 0.0
    return [text(left + wide * (k + shift), bottom + 17, label, "tick") for k, label in enumerate(_labels(side))]


def _up(side: Side, left: float, tall: float, bottom: float) -> list[str]:
    shift = 0.5 if side.labels else 0.0
    places = enumerate(_labels(side))
    return [text(left - 6, bottom - tall * (k + shift) + 4, label, "tick", "end") for k, label in places]


def _labels(side: Side | None) -> list[str]:
    if side is None:
        return []
    return list(side.labels) or [significant(edge) for edge in side.edges]


def _dot(mark: Mark, at: Scale, y: float) -> list[str]:
    if not math.isfinite(mark.index.value):
        return []
    color, fill = (UP, UP) if mark.filled else (INK, "#fff")
    parts = []
    if mark.index.low is not None and mark.index.high is not None:
        line = f'd="M{at(mark.index.low):.1f} {y:.1f}H{at(mark.index.high):.1f}"'
        parts.append(f'<path {line} stroke="{color}" stroke-width="2" fill="none"/>')
    place = f'cx="{at(mark.index.value):.1f}" cy="{y:.1f}"'
    return [*parts, f'<circle {place} r="4" fill="{fill}" stroke="{color}" stroke-width="2"/>']


def _grid(low: float, high: float, at: Scale, bottom: float) -> list[str]:
    places = ticks(low, high, 5)
    texts, power = tick_texts(places)
    parts = []
    for place, label in zip(places, texts, strict=True):
        parts.append(f'<path class="grid" d="M{at(place):.1f} {TOP:.0f}V{bottom:.1f}"/>')
        parts.append(text(at(place), bottom + 15, label, "tick"))
    return [*parts, text(NAMES - 14, bottom + 15, power, "tick", "end")] if power else parts


def _whisker(start: float, end: float, y: float) -> str:
    path = f"M{start:.1f} {y:.1f}H{end:.1f}M{start:.1f} {y - 4:.1f}v8M{end:.1f} {y - 4:.1f}v8"
    return f'<path class="halo" d="{path}"/><path class="whisker" d="{path}"/>'


def _padded(numbers: Sequence[float]) -> tuple[float, float]:
    low, high = min(numbers), max(numbers)
    pad = (high - low) * 0.04
    return (low - pad if low < 0 else low), (high + pad if high > 0 else high)


def _value(value: float, probability: bool) -> str:
    """Two decimals of a probability, three digits of anything else."""
    if probability:
        return f"{value:.2f}" if 0.005 <= value < 0.995 else f"{value:.0f}"
    return significant(value)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
