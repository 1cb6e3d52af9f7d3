"""Time courses as SVG, written as text: some kilobytes and a millisecond each, sharp at any size.

Drawing them with a plotting library takes longer than a step of the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from tme_abm.report.style.numbers import compact
from tme_abm.report.style.palette import INK, MUTED, rgb
from tme_abm.report.style.svg import decades, ticks

__all__ = ["Line", "chart"]

_POINTS = 160  # of a line; more cannot be told apart
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 24, 18
_GRID = "#E4E7EB"
_PALE = 150.0  # brightness above which a line gets a darker edge to stay visible on white
_DECADES = 4
_TICKS = 4.5


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve: values (n,) over the days (n,) of the chart, NaN where there is none."""

    label: str
    values: NDArray[np.float64]
    color: str
    dashes: str = ""


def chart(
    title: str,
    unit: str,
    days: NDArray[np.float64],
    lines: Sequence[Line],
    *,
    width: int,
    height: int,
    end: float,
    level: float | None = None,
    log: bool = False,
    named: bool = True,
    marks: Sequence[float] = (),
) -> str:
    """SVG of `lines` over `days`, up to day `end`.

    level: a value to mark by a dotted line. log: logarithmic axis, at most four decades. named: lines are named in the
    heading; otherwise the page has a legend of its own. marks: days to mark by an upright line.
    """
    chosen = np.unique(np.linspace(0, len(days) - 1, min(len(days), _POINTS)).round().astype(int))
    values = [line.values[chosen] for line in lines]
    finite = np.concatenate([v[np.isfinite(v)] for v in values]) if values else np.zeros(0)
    low, high = _range(finite, level, log=log)
    right, bottom = width - _RIGHT, height - _BOTTOM
    end = max(end, float(days[-1]) if len(days) else 0.0, 1e-9)

    def x(day: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return _LEFT + (right - _LEFT) * np.asarray(day) / end

    def y(value: NDArray[np.float64] | float) -> NDArray[np.float64]:
        number = np.asarray(value, dtype=float)
        share = (number - low) / (high - low)
        if log:
            share = np.log(np.maximum(number, low) / low) / math.log(high / low)
        return np.asarray(bottom - (bottom - _TOP) * share)

    parts = [
        f'<svg class="tme-chart" viewBox="0 0 {width} {height}" width="100%" role="img" '
        f'aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">',
        _heading(title, unit, lines if named else (), right),
    ]
    for tick in decades(low, high) if log else ticks(low, high, _TICKS):
        at = float(y(tick))
        parts.append(f'<path d="M{_LEFT} {at:.1f}H{right}" stroke="{_GRID}"/>')
        parts.append(_text(_LEFT - 5, at + 3.5, compact(tick), "end"))
    parts += [
        _text(float(x(tick)), height - 4, f"{tick:g}" + (" d" if tick == 0 else ""), "middle")
        for tick in ticks(0.0, end, _TICKS)
    ]
    parts.append(f'<path d="M{_LEFT} {bottom}H{right}" stroke="#9AA5B1"/>')
    if level is not None and low <= level <= high:
        at = float(y(level))
        parts.append(f'<path d="M{_LEFT} {at:.1f}H{right}" stroke="{INK}" stroke-dasharray="2 3"/>')
    for day in marks:
        at = float(x(day))
        parts.append(
            f'<path class="mark" d="M{at:.1f} {_TOP - 5}V{bottom}M{at - 3:.1f} {_TOP - 8}h6l-3 5z" stroke="{MUTED}" '
            f'fill="{MUTED}" stroke-width="0.8"><title>something was begun on day {day:.2f}</title></path>'
        )
    for line, found in zip(lines, values, strict=True):
        path = _path(x(days[chosen]), y(found))
        if path:
            edge = _brightness(line.color) > _PALE
            dashed = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
            if edge:
                parts.append(f'<path d="{path}" fill="none" stroke="{MUTED}" stroke-width="3"{dashed}/>')
            stroke = 1.6 if edge else 1.9
            parts.append(f'<path d="{path}" fill="none" stroke="{line.color}" stroke-width="{stroke}"{dashed}/>')
    return "".join(parts) + "</svg>"


def _range(finite: NDArray[np.float64], level: float | None, *, log: bool) -> tuple[float, float]:
    if log:
        positive = finite[finite > 0]
        if not positive.size:
            return 1e-3, 1.0
        top = 10.0 ** math.ceil(math.log10(float(positive.max())) + 0.02)
        bottom = 10.0 ** math.floor(math.log10(float(positive.min())))
        return max(bottom, top / 10**_DECADES), top
    top = float(finite.max()) if finite.size else 0.0
    if level is not None:
        top = max(top, level)
    return 0.0, top * 1.08 or 1.0


def _heading(title: str, unit: str, lines: Sequence[Line], right: int) -> str:
    unit = f' <tspan fill="{MUTED}" font-weight="400">{escape(unit)}</tspan>' if unit else ""
    names = "".join(
        f'<tspan dx="7" fill="{_readable(line.color)}" font-weight="600">{escape(line.label)}</tspan>' for line in lines
    )
    return (
        f'<text x="2" y="12" fill="{INK}" font-weight="600" font-size="11.5">{escape(title)}{unit}</text>'
        f'<text x="{right}" y="12" text-anchor="end" font-size="10.5">{names}</text>'
    )


def _path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Strokes through the finite points, lifted over gaps; a lone point is a short dash."""
    known = np.isfinite(y)
    parts, drawing = [], False
    for one_x, one_y, here in zip(x.tolist(), y.tolist(), known.tolist(), strict=True):
        if here:
            parts.append(f"{'L' if drawing else 'M'}{one_x:.1f} {one_y:.1f}")
        drawing = here
    return "".join(parts) + ("h2" if len(parts) == 1 else "")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{MUTED}" font-size="10">{escape(text)}</text>'


def _brightness(color: str) -> float:
    red, green, blue = rgb(color)
    return 0.3 * red + 0.59 * green + 0.11 * blue


def _readable(color: str) -> str:
    """The color of a label: that of its line, darkened where it could not be read on white."""
    if _brightness(color) <= _PALE:
        return color
    return "#" + "".join(f"{round(part * 0.62):02X}" for part in rgb(color))
