"""The picture of a benchmark: cost of a step and memory over size, cost per unit, and time by process."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from ...bench.cases import short_count
from ..style.figure import style
from ..style.palette import LINES, MUTED
from . import largest, machine_line, tissues

__all__ = ["picture"]

_COLORS = (*LINES, "#7A5195")
_OTHERS = "#C8CED6"

Case = Mapping[str, Any]
Value = Callable[[Case], float]


def picture(result: Mapping[str, Any], form: str) -> bytes:
    """The picture as "png" or "svg"."""
    plane = [one for one in tissues(result) if len(one["case"]["shape"]) == 2]
    with style(axes_titlesize=10.0, legend_frameon=False):
        figure = Figure(figsize=(13.0, 7.6))
        grid = figure.add_gridspec(2, 6)
        # A layout by matplotlib takes longer than all the rest.
        figure.subplots_adjust(left=0.05, right=0.98, bottom=0.14, top=0.91, wspace=0.9, hspace=0.36)
        for number, (title, along, size, unit, cost) in enumerate(_OVER_SIZE):
            axes = figure.add_subplot(grid[number // 3, 2 * (number % 3) : 2 * (number % 3) + 2])
            axes.set(title=title, xlabel=along, ylabel=unit, xscale="log", yscale="log")
            _over_size(axes, [(one["case"]["fields"], size(one), cost(one)) for one in plane], linear=number < 3)
        _shares(figure.add_subplot(grid[1, 3:]), largest(result))
        figure.suptitle(machine_line(result), x=0.012, y=0.985, ha="left", fontsize=8.0, color=MUTED)
        file = io.BytesIO()
        figure.savefig(file, format=form, dpi=150, metadata={"Date": None} if form == "svg" else {"Software": None})
    return file.getvalue()


def _cpu(what: str, factor: float = 1.0) -> Value:
    return lambda one: float(one[what]["cpu"]["median"]) * factor


def _cells(one: Case) -> float:
    return float(one["cells"]["median"])


_OVER_SIZE: tuple[tuple[str, str, Value, str, Value], ...] = (
    ("All but transport, a step", "cells", _cells, "ms", _cpu("cell_seconds", 1e3)),
    ("Transport, a step", "sites", lambda one: float(one["voxels"]), "ms", _cpu("transport_seconds", 1e3)),
    ("Peak memory", "cells", _cells, "GiB", lambda one: float(one["peak_gib"])),
    ("A cell-step", "cells", _cells, "µs", _cpu("cell_step_us")),
)


def _over_size(axes: Axes, points: Sequence[tuple[int, float, float]], *, linear: bool) -> None:
    """Draws points (fields, size, cost), one line for each number of fields; `linear` adds a line of slope one."""
    for color, fields in zip(_COLORS, sorted({fields for fields, _, _ in points}), strict=False):
        x, y = zip(*sorted((size, cost) for count, size, cost in points if count == fields), strict=True)
        axes.plot(x, y, color=color, marker="o", markersize=4, label=f"{fields} fields")
    if linear and len({size for _, size, _ in points}) > 1:
        _, ends, costs = zip(*points, strict=True)
        top = max(cost for _, size, cost in points if size >= max(ends) * 0.99)
        begin = max(min(ends), max(ends) * min(costs) / top)  # not below what was measured
        line = [top * begin / max(ends), top]
        axes.plot([begin, max(ends)], line, color=MUTED, linewidth=1.0, linestyle=":", label="linear")
    for axis, marks in ((axes.xaxis, (1.0,)), (axes.yaxis, (1.0, 3.0))):
        axis.set_major_locator(LogLocator(subs=marks))
        axis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
        axis.set_minor_formatter(NullFormatter())
    if points:
        axes.legend(fontsize=8)


def _shares(axes: Axes, cases: Sequence[Case]) -> None:
    """Draws the time of a step by process, one bar a case; the smaller processes are added up."""
    shown = list(reversed(cases))  # barh begins at the bottom
    if not shown:
        return
    spent = {name: [one["processes"][name]["cpu"]["median"] for one in shown] for name in shown[0]["processes"]}
    whole = [sum(values) for values in zip(*spent.values(), strict=True)]
    share = {name: [part / all_ for part, all_ in zip(values, whole, strict=True)] for name, values in spent.items()}
    leading = sorted(share, key=lambda name: -max(share[name]))[: len(_COLORS)]
    rest = [1.0 - sum(share[name][index] for name in leading) for index in range(len(shown))]
    bars = [(name, share[name], color) for name, color in zip(leading, _COLORS, strict=False)]
    left = [0.0] * len(shown)
    for name, values, color in [*bars, ("others", rest, _OTHERS)]:
        axes.barh([one["case"]["name"] for one in shown], values, left=left, color=color, label=name, height=0.62)
        left = [before + more for before, more in zip(left, values, strict=True)]
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title("Where the time of a step goes")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.1), ncols=4, fontsize=8)

