"""Time courses: what grows, who comes, the verdict's densities, what calls whom, what is dissolved.

They are drawn as SVG, written as text: some kilobytes and a millisecond each, sharp at any size. Drawing them with a
plotting library takes longer than a step of the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tme_abm.observe.metrics import describe
from tme_abm.observe.state import criteria
from tme_abm.report.style.numbers import compact
from tme_abm.report.style.palette import DEAD, INK, MUTED, STATES, cell_color, rgb
from tme_abm.report.style.svg import Scale, decades, nice_above, text, ticks

from .colorings import View
from .frame import Frame, History

__all__ = ["Line", "chart", "courses"]

_WIDTH, _HEIGHT = 348, 98
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 24, 18
_POINTS = 160  # of a line; more cannot be told apart
_PALE = 150.0  # brightness above which a line gets a darker edge to stay visible on white
_DECADES = 4
_TICKS = 4.5
_SHORTEST = 0.2  # days on the axis
_AHEAD = 1.25

# Molecules whose course tells the story, with line colors of the Okabe-Ito set; the one overlaid comes on top.
_FOLLOWED = {"IFNG": "#0072B2", "CXCL10": "#D55E00", "TGFB": "#009E73", "CCL2": "#CC79A7"}

# Receptors that call effectors and suppressors, in colors of the cells they call.
_CALLED = {"CXCR3": ("CD8", ""), "CCR2": ("M-MDSC", "5 2"), "CXCR2": ("PMN-MDSC", ""), "CCR4": ("Treg", "")}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve: values (n,) over the days (n,) of the chart, NaN where there is none."""

    label: str
    values: NDArray[np.float64]
    color: str
    dashes: str = ""


def courses(frame: Frame, history: History, view: View) -> str:
    """The charts as HTML."""
    days, cut = np.array(history.days), criteria().per_mm2
    end = min(frame.days, nice_above(max(_SHORTEST, _AHEAD * frame.day)))  # room ahead, so that the beginning is seen
    effectors, suppressors = cell_color("CD8"), cell_color("Treg")
    leukocytes = [name for name in frame.counts if f"{name} core" in frame.measures]
    molecules = {name: color for name, color in _FOLLOWED.items() if name in frame.fields}
    if view.field in frame.fields and view.field not in molecules:
        molecules.pop("CCL2", None)
        molecules[view.field] = INK

    def metric(name: str, *, unit: bool = False) -> str:
        found = describe(name, frame.cell_names)
        return found.unit.removeprefix("cells") if unit else found.title

    def draw(title: str, unit: str, *lines: tuple[str, str, str, str], **more: Any) -> str:
        drawn = [Line(label=label, values=history[name], color=color, dashes=d) for label, name, color, d in lines]
        common: dict[str, Any] = {"width": _WIDTH, "height": _HEIGHT, "end": end, "marks": frame.treated}
        return f"<div class='tme-course'>{chart(title, unit, days, drawn, **common, **more)}</div>"

    return "".join((
        draw(
            metric("tumor cells"), "",
            ("living", "tumor cells", "#B4694E", ""),
            ("dead", "dead tumor cells", DEAD, "4 2"),
        ),
        draw(
            "Leukocytes", "colors as in the legend",
            *((name, f"{name} cells", cell_color(name), "") for name in leukocytes),
            named=False,
        ),
        draw(
            "CD8 density", f"{metric('CD8 core', unit=True)}, cut at {cut:.0f}",
            ("core", "CD8 core", STATES["hot"], ""),
            ("margin", "CD8 margin", STATES["excluded"], "5 2"),
            level=cut,
        ),
        draw(
            "Called from blood", "/vessel/day",
            ("effectors", "effectors called", effectors, ""),
            ("suppressors", "suppressors called", suppressors, "5 2"),
            log=True,
        ),
        draw(
            "Receptors that call", "held",
            *(
                (name, f"called by {name}", cell_color(cell), dashes)
                for name, (cell, dashes) in _CALLED.items() if f"called by {name}" in frame.measures
            ),
        ),
        draw(
            "Mean in the core", metric("IFNG core", unit=True),
            *((name, f"{name} core", color, "") for name, color in molecules.items()),
            log=True,
        ),
    ))  # fmt: skip


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
    marks: Mapping[float, str] | None = None,
) -> str:
    """SVG of `lines` over `days`, up to day `end`.

    level: a value to mark by a dotted line. log: logarithmic axis, at most four decades. named: lines are named in the
    heading; otherwise the page has a legend of its own. marks: days to mark by an upright line, and what was done.
    """
    chosen = np.unique(np.linspace(0, len(days) - 1, min(len(days), _POINTS)).round().astype(int))
    values = [line.values[chosen] for line in lines]
    low, high = _range(np.concatenate([*values, np.zeros(0)]), level, log=log)
    right, bottom = width - _RIGHT, height - _BOTTOM
    x = Scale(0.0, max(end, float(days[-1]) if len(days) else 0.0, 1e-9), _LEFT, right)
    linear = Scale(math.log(low), math.log(high), bottom, _TOP) if log else Scale(low, high, bottom, _TOP)

    def y(value: float) -> float:
        return linear(math.log(max(value, low)) if log else value)

    parts = [
        f'<svg class="tme-chart" viewBox="0 0 {width} {height}" width="100%" role="img" '
        f'aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">',
        _heading(title, unit, lines if named else (), right),
    ]
    for tick in decades(low, high) if log else ticks(low, high, _TICKS):
        parts.append(f'<path class="grid" d="M{_LEFT} {y(tick):.1f}H{right}"/>')
        parts.append(text(_LEFT - 5, y(tick) + 3.5, compact(tick), "tick", "end"))
    days_at = ticks(0.0, end, _TICKS)
    parts += [text(x(tick), height - 4, f"{tick:g}" + ("" if tick else " d"), "tick") for tick in days_at]
    parts.append(f'<path class="axis" d="M{_LEFT} {bottom}H{right}"/>')
    if level is not None and low <= level <= high:
        parts.append(f'<path class="level" d="M{_LEFT} {y(level):.1f}H{right}"/>')
    for day, what in (marks or {}).items():
        at = x(day)
        drawing = f"M{at:.1f} {_TOP - 5}V{bottom}M{at - 3:.1f} {_TOP - 8}h6l-3 5z"
        parts.append(f'<path class="mark" d="{drawing}"><title>{escape(what)}</title></path>')
    for line, found in zip(lines, values, strict=True):
        path = _path([(x(day), y(value)) for day, value in zip(days[chosen].tolist(), found.tolist(), strict=True)])
        if path:
            dashed = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
            pale = _brightness(line.color) > _PALE
            for color, stroke in ((MUTED, 3.0), (line.color, 1.6)) if pale else ((line.color, 1.9),):
                parts.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{stroke}"{dashed}/>')
    return "".join(parts) + "</svg>"


def _range(values: NDArray[np.float64], level: float | None, *, log: bool) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if log:
        positive = finite[finite > 0]
        if not positive.size:
            return 1e-3, 1.0
        top = 10.0 ** math.ceil(math.log10(float(positive.max())) + 0.02)
        bottom = 10.0 ** math.floor(math.log10(float(positive.min())))
        return max(bottom, top / 10**_DECADES), top
    return 0.0, max([*finite.tolist(), level or 0.0]) * 1.08 or 1.0


def _heading(title: str, unit: str, lines: Sequence[Line], right: int) -> str:
    unit = f' <tspan class="unit">{escape(unit)}</tspan>' if unit else ""
    names = "".join(f'<tspan dx="7" fill="{_readable(line.color)}">{escape(line.label)}</tspan>' for line in lines)
    title = f'<text class="heading" x="2" y="12">{escape(title)}{unit}</text>'
    return f'{title}<text class="names" x="{right}" y="12">{names}</text>'


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Strokes through the finite points, lifted over gaps; a lone point is a short dash."""
    parts, drawing = [], False
    for x, y in points:
        if math.isfinite(y):
            parts.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}")
        drawing = math.isfinite(y)
    return "".join(parts) + ("h2" if len(parts) == 1 else "")


def _brightness(color: str) -> float:
    red, green, blue = rgb(color)
    return 0.3 * red + 0.59 * green + 0.11 * blue


def _readable(color: str) -> str:
    """The color of a label: that of its line, darkened where it could not be read on white."""
    if _brightness(color) <= _PALE:
        return color
    return "#" + "".join(f"{round(part * 0.62):02X}" for part in rgb(color))
