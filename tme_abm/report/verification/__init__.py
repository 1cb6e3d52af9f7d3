"""The checks against theory as one HTML file: what was required, what was measured, and pictures.

The file needs no other file, and nothing is judged here: bounds, figures and pictures come from the report. In pictures
dots are measurements, dashes are theory, lines are the rest.
"""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path

import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import LogLocator, NullFormatter

from ...core.files import write_bytes
from ...runs.fingerprint import versions
from ...verification.check import Bound, Curve, Figure, Plot
from ...verification.running import Report
from ..style.figure import GRID, as_svg, style
from ..style.numbers import MINUS, duration, power_of_ten, raised, split_power
from ..style.page import data_address, page
from ..style.palette import INK, LINES

__all__ = ["allowed", "measured", "picture", "render", "write_verification"]

_COLORS = (*LINES, "#6B4E16", "#444444")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_SHORT = 50.0  # span of a logarithmic axis that has room for plain numbers


def write_verification(report: Report, path: Path) -> None:
    """Write the report as one HTML file. Raises InputError if it cannot be written."""
    write_bytes(path, render(report).encode())


def render(report: Report) -> str:
    """The report as HTML text."""
    content = {
        "report": report,
        "counts": report.counts(),
        "topics": [(topic, list(group)) for topic, group in groupby(report.checks, key=lambda one: one.check.topic)],
        "figures": sum(len(one.figures) for one in report.checks),
        "amiss": [one for one in report.checks if one.verdict != "holds"],
        "versions": versions(),
        "took": duration(report.seconds),
    }
    filters = {"cited": _cited, "measured": measured, "allowed": allowed, "drawn": _drawn, "gauge": _gauge}
    return page("verification/page.html.j2", content, filters)


def measured(figure: Figure) -> str:
    """The figure with its unit."""
    return f"{_number(figure.value)} {figure.bound.unit}".rstrip()


def allowed(bound: Bound) -> str:
    """The bound in words: the expected value with its tolerance, or the edges."""
    low, high = _number(bound.low), _number(bound.high)
    if bound.expected is not None:
        text = f"{_number(bound.expected)} ± {_number(bound.high - bound.expected)}"
    elif not math.isfinite(bound.low):
        text = f"≤ {high}"
    else:
        text = f"{low} to {high}" if math.isfinite(bound.high) else f"≥ {low}"
    return f"{text} {bound.unit}".rstrip()


def _number(value: float) -> str:
    """`value` with four digits, and a power of ten if it is very small or large."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "∞"
    power = split_power(value)
    return f"{value / 10.0**power:.4g}".replace("-", MINUS) + power_of_ten(power)


def _cited(source: str) -> Markup:
    """A source, with a link if it is a DOI or has one in brackets."""
    head, found, rest = source.partition("doi:")
    if not found:
        return escape(source)
    number = rest.rstrip(")")
    tail = rest[len(number) :]
    return Markup('{}<a href="https://doi.org/{}">doi:{}</a>{}').format(head, number, number, tail)


def _gauge(figure: Figure) -> Markup:
    """A bar that shows how much of its tolerance a figure uses."""
    strain = figure.strain
    said = f"{100 * strain:.0f} % of the tolerance" if strain < 10 else "far beyond the tolerance"
    return Markup(
        '<svg class="gauge {}" width="72" height="10" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="room" width="72" height="10"/><rect class="used" width="{:.1f}" height="10"/></svg>'
    ).format("within" if figure.holds else "beyond", said, said, max(72 * min(strain, 1.0), 1.0))


def _drawn(plot: Plot) -> Markup:
    """The plot as an image inside the page."""
    said = f"{plot.title}: {plot.y} over {plot.x}; " + ", ".join(one.label for one in plot.curves)
    return Markup('<img src="{}" alt="{}">').format(data_address(picture(plot)), said)


def picture(plot: Plot) -> bytes:
    """The plot as SVG; the same plot gives the same bytes."""
    with style(svg_hashsalt="verification"):
        drawing = Drawing(figsize=(5.6, 2.9))
        axes = drawing.add_axes((0.14, 0.165, 0.52, 0.72))
        scales = {f"{axis}scale": "log" if axis in plot.log else "linear" for axis in "xy"}
        axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y, **scales)
        number = 0
        for one in plot.curves:
            _draw(axes, one, number)
            number += one.kind != "dashes"
        _plain_ticks(axes, plot)
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        if not plot.log:
            axes.ticklabel_format(axis="both", style="plain", useOffset=False)
        axes.legend(
            loc="upper left", bbox_to_anchor=(1.02, 1.02), frameon=False, fontsize=8, borderaxespad=0, handlelength=1.8
        )
        return as_svg(drawing)


def _plain_ticks(axes: Axes, plot: Plot) -> None:
    """Labels logarithmic axes in plain text: short ones at the points along x and at 1, 2 and 5 along y, long ones at
    powers of ten.
    """
    for name in plot.log:
        axis = axes.xaxis if name == "x" else axes.yaxis
        axis.set_major_formatter(lambda value, _: f"10{raised(round(math.log10(value)))}")
        axis.set_minor_formatter(NullFormatter())
    x = np.unique(np.concatenate([one.x for one in plot.curves if one.kind != "dashes"]))
    if "x" in plot.log and len(x) <= 6:
        axes.set_xticks(x, [f"{place:.3g}" for place in x])
        axes.set_xticks([], minor=True)
    low, high = axes.get_ylim()
    if "y" in plot.log and high < _SHORT * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
        axes.yaxis.set_minor_formatter(NullFormatter())


def _draw(axes: Axes, one: Curve, number: int) -> None:
    color, marker = _COLORS[number % len(_COLORS)], _MARKERS[number % len(_MARKERS)]
    if one.kind == "dots":
        size = 5.0 if len(one.x) < 40 else 2.2
        axes.plot(one.x, one.y, marker, color=color, markersize=size, mew=0.9, fillstyle="none", label=one.label)
    elif one.kind == "dashes":
        axes.plot(one.x, one.y, color=INK, linewidth=1.2, linestyle=(0, (4, 2)), label=one.label, zorder=1.5)
    else:
        axes.plot(one.x, one.y, color=color, linewidth=1.5, label=one.label)
