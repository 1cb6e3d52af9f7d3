"""The charts of a comparison: replicates on a line, courses over time, who is in the tissue.

Bands are the 95 % interval of the mean over replicates at each recorded time, as the comparison computed it. Every
chart is a function of its arguments alone and gives the same bytes for the same results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...compare.comparison import Comparison, Course, Tumor
from ...observe.metrics import PER_MM2, describe, headlines
from ...observe.state import criteria
from ..style.figure import GRID, as_svg, style
from ..style.numbers import plain, unit_for
from ..style.palette import INK, MUTED, STATES, cell_color, dashes, scenario_colors
from .verdicts import verdict

__all__ = ["Chart", "composition", "courses", "strips"]

_ROOM = 3  # how far above the mean a chart shows a band: that of two replicates can be wider than anything measured


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart and what a screen reader says about it."""

    title: str
    svg: bytes


# ------------------------------------------------------------------ replicates on a line


def strips(comparison: Comparison) -> dict[str, bytes]:
    """scenario -> SVG of the replicates' CD8 densities against the threshold, all on one axis."""
    values = {
        name: {
            where: [v for v in tumor.metrics[f"CD8 {where}"].values if math.isfinite(v)]
            for where in ("core", "margin")
            if f"CD8 {where}" in tumor.metrics
        }
        for name, tumor in comparison.tumors.items()
    }
    right = 1.06 * max([criteria().per_mm2, *(v for rows in values.values() for row in rows.values() for v in row)])
    return {
        name: _strip(rows, right=right, color=STATES.get(verdict(comparison.tumors[name].states)[0], STATES["none"]))
        for name, rows in values.items()
        if any(rows.values())
    }


def _strip(rows: Mapping[str, Sequence[float]], *, right: float, color: str) -> bytes:
    """SVG of replicate values as dots on a line, a row a label, axis from 0 to `right`."""
    with style():
        drawn = Figure(figsize=(3.5, 0.42 * len(rows) + 0.42))
        axes = drawn.add_axes((0.19, 0.36, 0.77, 0.60))
        for y, values in enumerate(rows.values()):
            axes.plot([0, right], [y, y], color=GRID, linewidth=5, solid_capstyle="butt", zorder=1)
            axes.plot([criteria().per_mm2] * 2, [y - 0.42, y + 0.42], color=INK, linewidth=1.4, zorder=2)
            axes.plot(
                values, [y] * len(values), "o", color=color, alpha=0.65, markersize=6, mew=0, zorder=3, clip_on=False
            )
        axes.set(xlim=(0, right), ylim=(len(rows) - 0.45, -0.55))
        _name_rows(axes, list(rows))
        return as_svg(drawn)


# ------------------------------------------------------------------ courses over time


def courses(comparison: Comparison) -> list[Chart]:
    """The headline metrics over time, one small chart each, leaving out what nobody recorded."""
    made = []
    recorded = dict.fromkeys(metric for tumor in comparison.tumors.values() for metric in tumor.courses)
    for metric in headlines(recorded):
        shown = {
            name: course
            for name, tumor in comparison.tumors.items()
            if (course := tumor.courses.get(metric)) is not None and np.isfinite(course.mean).any()
        }
        if shown:
            title = describe(metric, comparison.cells).title
            made.append(Chart(title=title, svg=_time_course(comparison, metric, shown)))
    return made


def _time_course(comparison: Comparison, metric: str, shown: Mapping[str, Course]) -> bytes:
    """SVG of one metric over time: means with bands, a dotted line at the threshold, an upright line at a parting."""
    what, colors = describe(metric, comparison.cells), scenario_colors(comparison.names)
    unit = unit_for(what.unit, [float(v) for course in shown.values() for v in course.mean])
    with style():
        drawn = Figure(figsize=(3.75, 2.35))
        axes = drawn.add_axes((0.15, 0.17, 0.80, 0.68))
        top = lowest = 0.0
        for name, course in shown.items():
            mean, low, high = (side * unit.factor for side in (course.mean, course.low, course.high))
            pattern = dashes(comparison.names.index(name))
            axes.fill_between(course.days, low, high, color=colors[name], alpha=0.20, linewidth=0)
            axes.plot(
                course.days, mean, color=colors[name], linewidth=1.8, linestyle=(0, pattern) if pattern else "-"
            )
            highest = float(np.nanmax(mean, initial=0.0))
            top = max(top, highest, min(float(np.nanmax(high, initial=0.0)), _ROOM * highest))
            lowest = min(lowest, float(np.nanmin(mean, initial=0.0)))
        if metric in {"CD8 core", "CD8 margin"} and top > criteria().per_mm2 / 5:
            axes.axhline(criteria().per_mm2, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        for day in comparison.partings:
            axes.axvline(day, color=INK, linewidth=1, linestyle=(0, (5, 2)))
        axes.set_ylim(lowest, top * 1.06 or 1.0)
        axes.set_xlim(0, max(float(course.days[-1]) for course in shown.values()) or 1.0)
        axes.set_title(what.title + (f"  [{unit.name}]" if unit.name else ""))
        axes.set_xlabel("day", labelpad=1)
        axes.yaxis.set_major_formatter(lambda value, _: plain(value))
        axes.grid(axis="y", color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        return as_svg(drawn)


# ------------------------------------------------------------------ who is in the tissue


def composition(comparison: Comparison) -> list[Chart]:
    """Densities of the immune cells in core and margin, at the start and at the end, stacked."""
    made = []
    for where in ("core", "margin"):
        measured = {metric for tumor in comparison.tumors.values() for metric in tumor.metrics}
        cells = [cell for cell in comparison.cells if f"{cell} {where}" in measured]
        bars = {
            f"{name}, {label}": parts
            for name, tumor in comparison.tumors.items()
            for label, index in (("start", 0), ("end", -1))
            if any((parts := {cell: _mean_at(tumor, f"{cell} {where}", index) for cell in cells}).values())
        }
        if bars:
            title = f"Immune cells in the tumor {where}"
            made.append(Chart(title=title, svg=_stacks(bars, title=title)))
    return made


def _mean_at(tumor: Tumor, metric: str, index: int) -> float:
    """Mean of a metric at the first (0) or last (-1) recorded time, 0 where nothing was recorded."""
    course = tumor.courses.get(metric)
    value = float(course.mean[index]) if course is not None and len(course.mean) else 0.0
    return value if math.isfinite(value) else 0.0


def _stacks(bars: Mapping[str, Mapping[str, float]], *, title: str) -> bytes:
    """SVG of stacked horizontal bars of densities, a bar a label, a part a cell type."""
    with style():
        height = 0.34 * len(bars) + 0.75
        drawn = Figure(figsize=(5.6, height))
        axes = drawn.add_axes((0.27, 0.45 / height, 0.70, (height - 0.75) / height))
        for y, parts in enumerate(bars.values()):
            left = 0.0
            for cell, value in parts.items():
                axes.barh(y, value, left=left, height=0.72, color=cell_color(cell), edgecolor="white", linewidth=0.6)
                left += value
        axes.set(ylim=(len(bars) - 0.4, -0.6), xlabel=PER_MM2, title=title)
        _name_rows(axes, list(bars))
        return as_svg(drawn)


def _name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Names of rows in place of an axis, and plain numbers below."""
    axes.set_yticks(range(len(labels)), labels, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: plain(value))
