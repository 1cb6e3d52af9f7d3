"""The pictures of the checks: dots for what was measured, dashes for what theory says, lines for the rest."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..verification.check import Curve, Plot
from .style.figure import GRID, as_svg, style
from .style.palette import INK, MUTED

__all__ = ["picture"]

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B4E16", "#444444")
_SHORT = 50.0  # span of a logarithmic axis that has room for plain numbers
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def picture(plot: Plot) -> bytes:
    """The plot as SVG; the same plot gives the same bytes."""
    with style(svg_hashsalt="verification"):
        drawing = Figure(figsize=(5.6, 2.9))
        axes = drawing.add_axes((0.14, 0.165, 0.52, 0.72))
        if "x" in plot.log:
            axes.set_xscale("log")
        if "y" in plot.log:
            axes.set_yscale("log")
        measured = 0
        for one in plot.curves:
            _draw(axes, one, measured)
            measured += one.kind != "dashes"
        _plain_ticks(axes, plot)
        axes.set_title(plot.title)
        axes.set_xlabel(plot.x)
        axes.set_ylabel(plot.y)
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        if not plot.log:
            axes.ticklabel_format(axis="both", style="plain", useOffset=False)
        axes.legend(
            loc="upper left", bbox_to_anchor=(1.02, 1.02), frameon=False, fontsize=8, borderaxespad=0, handlelength=1.8
        )
        return as_svg(drawing)


def _plain_ticks(axes: Axes, plot: Plot) -> None:
    """On short logarithmic axes plain numbers: along x where the points are, along y at 1, 2 and 5."""
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
    x, y = np.array(one.x), np.array(one.y)
    color = MUTED if one.kind == "dashes" else _COLORS[number % len(_COLORS)]
    if one.kind == "dots":
        marker = _MARKERS[number % len(_MARKERS)]
        size = 5.0 if len(x) < 40 else 2.2
        axes.plot(x, y, marker, color=color, markersize=size, mew=0.9, fillstyle="none", label=one.label)
    elif one.kind == "dashes":
        axes.plot(x, y, color=INK, linewidth=1.2, linestyle=(0, (4, 2)), label=one.label, zorder=1.5)
    else:
        axes.plot(x, y, color=color, linewidth=1.5, label=one.label)
