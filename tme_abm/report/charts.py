"""The charts of a comparison: replicates on a line, courses over time, who is in the tissue.

Bands are the 95 % interval of the mean over replicates at each recorded time, as the comparison computed it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..compare.comparison import Comparison, Course, Tumor
from ..observe.metrics import PER_MM2, describe, headlines
from .figures import Band, stacks, strip, time_course
from .slides import slides
from .style.numbers import unit_for
from .style.palette import STATES, cell_color, dashes, scenario_colors

__all__ = ["Chart", "composition", "courses", "strips"]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart and what a screen reader says about it."""

    title: str
    svg: bytes


def strips(comparison: Comparison) -> dict[str, bytes]:
    """scenario -> SVG of the replicates' CD8 densities against the threshold, all on one axis."""
    metrics = {"core": "CD8 core", "margin": "CD8 margin"}
    threshold = slides().threshold
    values = {
        name: {
            label: [v for v in comparison.tumors[name].metrics[metric].values if math.isfinite(v)]
            for label, metric in metrics.items()
            if metric in comparison.tumors[name].metrics
        }
        for name in comparison.names
    }
    largest = max((max(v, default=0.0) for rows in values.values() for v in rows.values()), default=0.0)
    right = max(largest, threshold) * 1.06
    found = {}
    for name, rows in values.items():
        if any(rows.values()):
            counts = comparison.tumors[name].states
            state = max(counts, key=lambda key: counts[key]) if counts else "none"
            color = STATES.get(state, STATES["none"])
            found[name] = strip([(label, dots, threshold) for label, dots in rows.items()], right=right, color=color)
    return found


def courses(comparison: Comparison) -> list[Chart]:
    """The main metrics over time, one small chart each, leaving out what nobody recorded."""
    colors = scenario_colors(comparison.names)
    made = []
    recorded = dict.fromkeys(metric for tumor in comparison.tumors.values() for metric in tumor.courses)
    for metric in headlines(recorded):
        what = describe(metric, comparison.cells)
        bands = []
        for index, name in enumerate(comparison.names):
            course = comparison.tumors[name].courses.get(metric)
            if course is not None and np.isfinite(course.mean).any():
                bands.append((name, course, colors[name], dashes(index)))
        if not bands:
            continue
        unit = unit_for(what.unit, [float(v) for _, course, _, _ in bands for v in course.mean])
        scaled = [_band(*band, factor=unit.factor) for band in bands]
        level = slides().threshold if metric in {"CD8 core", "CD8 margin"} else None
        svg = time_course(what.title, unit.name, scaled, level=level, days=comparison.partings)
        made.append(Chart(title=what.title, svg=svg))
    return made


def composition(comparison: Comparison) -> list[Chart]:
    """Densities of the immune cells in core and margin, at the start and at the end, stacked."""
    made = []
    for where in ("core", "margin"):
        cells = [cell for cell in comparison.cells if any(f"{cell} {where}" in comparison.tumors[n].metrics for n in comparison.names)]  # fmt: skip # noqa: E501
        bars = []
        for name in comparison.names:
            for label, index in (("start", 0), ("end", -1)):
                parts = {cell: _mean_at(comparison.tumors[name], f"{cell} {where}", index) for cell in cells}
                if any(parts.values()):
                    bars.append((f"{name}, {label}", parts))
        if bars:
            title = f"Immune cells in the tumor {where}"
            colors = {cell: cell_color(cell) for cell in cells}
            made.append(Chart(title=title, svg=stacks(bars, colors, unit=PER_MM2, title=title)))
    return made


def _mean_at(tumor: Tumor, metric: str, index: int) -> float:
    """Mean of a metric at the first (0) or last (-1) recorded time, 0 where nothing was recorded."""
    course = tumor.courses.get(metric)
    value = float(course.mean[index]) if course is not None and len(course.mean) else 0.0
    return value if math.isfinite(value) else 0.0


def _band(name: str, course: Course, color: str, dash: tuple[float, ...], *, factor: float) -> Band:
    return Band(
        label=name,
        days=course.days,
        mean=course.mean * factor,
        low=course.low * factor,
        high=course.high * factor,
        color=color,
        dashes=dash,
    )
