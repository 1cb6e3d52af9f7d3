"""The picture of a benchmark: cost of a step and memory over size, cost per unit, and where the time goes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from .bench import largest, machine_line, solver_means, tissues
from .style.figure import style
from .style.palette import MUTED

__all__ = ["picture"]

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195")
_OTHERS = "#C8CED6"

Case = Mapping[str, Any]
Cases = Sequence[Case]


def picture(result: Mapping[str, Any], form: str) -> bytes:
    """The picture as "png" or "svg"."""
    plane = [one for one in tissues(result) if len(one["case"]["shape"]) == 2]
    targets = result["peers"]["targets"]
    with style(axes_titlesize=10.0, legend_frameon=False):
        figure = Figure(figsize=(13.0, 7.6))
        axes = figure.subplots(2, 3)
        # By hand: letting matplotlib look for a layout takes longer than all the rest.
        figure.subplots_adjust(left=0.05, right=0.98, bottom=0.14, top=0.91, wspace=0.24, hspace=0.36)
        _over_size(axes[0, 0], plane, _cells, _milliseconds("cell_seconds"), "All but transport, a step", "cells", "ms")
        _over_size(axes[0, 1], plane, _voxels, _milliseconds("transport_seconds"), "Transport, a step", "sites", "ms")
        _over_size(axes[0, 2], plane, _cells, _memory, "Peak memory", "cells", "GiB", legend="center left")
        _target(axes[0, 2], targets["memory_gib"])
        _over_size(
            axes[1, 0], plane, _cells, _cell_step, "A cell-step", "cells", "µs", linear=False, legend="upper right"
        )
        _target(axes[1, 0], targets["cell_step_us"])
        _solvers(axes[1, 1], largest(result), targets["voxel_field_ns"])
        _shares(axes[1, 2], largest(result))
        figure.suptitle(machine_line(result), x=0.012, y=0.985, ha="left", fontsize=8.0, color=MUTED)
        file = io.BytesIO()
        figure.savefig(file, format=form, dpi=150, metadata={"Date": None} if form == "svg" else {"Software": None})
    return file.getvalue()


def _cells(one: Case) -> float:
    return float(one["cells"]["median"])


def _voxels(one: Case) -> float:
    return float(one["voxels"])


def _memory(one: Case) -> float:
    return float(one["peak_gib"])


def _cell_step(one: Case) -> float:
    return float(one["cell_step_us"]["cpu"]["median"])


def _milliseconds(what: str) -> Callable[[Case], float]:
    return lambda one: float(one[what]["cpu"]["median"]) * 1e3


def _over_size(
    axes: Axes,
    cases: Cases,
    size: Callable[[Case], float],
    cost: Callable[[Case], float],
    title: str,
    along: str,
    unit: str,
    *,
    linear: bool = True,
    legend: Literal["upper left", "upper right", "center left"] = "upper left",
) -> None:
    """Cost over size, both logarithmic, a line for each number of fields; `linear` adds one of slope one."""
    groups: dict[int, list[Case]] = {}
    for one in sorted(cases, key=lambda one: (one["case"]["fields"], size(one))):
        groups.setdefault(one["case"]["fields"], []).append(one)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for color, (fields, group) in zip(_COLORS, groups.items(), strict=False):
        x, y = [size(one) for one in group], [cost(one) for one in group]
        axes.plot(x, y, color=color, marker="o", markersize=4, label=f"{fields} fields")
    if linear and cases:
        ends = [size(min(cases, key=size)), size(max(cases, key=size))]
        top = max(cost(one) for one in cases if size(one) >= ends[1] * 0.99)
        low = min(cost(one) for one in cases)
        begin = max(ends[0], ends[1] * low / top)  # not below what was measured
        line = [top * begin / ends[1], top]
        axes.plot([begin, ends[1]], line, color=MUTED, linewidth=1.0, linestyle=":", label="linear")
    for axis, marks in ((axes.xaxis, (1.0,)), (axes.yaxis, (1.0, 3.0))):
        axis.set_major_locator(LogLocator(subs=marks))
        axis.set_major_formatter(FuncFormatter(_plain))
        axis.set_minor_formatter(NullFormatter())
    axes.set_title(title)
    axes.set_xlabel(along)
    axes.set_ylabel(unit)
    if groups:
        axes.legend(loc=legend, fontsize=8)


def _target(axes: Axes, level: float) -> None:
    """A dashed line at what is aimed at."""
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, level * 0.7), max(high, level * 1.4))
    axes.axhline(level, color=MUTED, linewidth=1.0, linestyle="--")
    axes.annotate(
        f"target {level:g}", (0.0, level), xycoords=("axes fraction", "data"), xytext=(4, 3),
        textcoords="offset points", ha="left", color=MUTED, fontsize=8,
    )  # fmt: skip


def _solvers(axes: Axes, cases: Cases, targets: Mapping[str, float]) -> None:
    """Cost of a voxel of one field, with and without uptake, by case."""
    width = 0.38
    for offset, color, kind, label in (
        (-width / 2, _COLORS[1], "consumed", "taken up by cells"),
        (width / 2, _COLORS[0], "free", "not taken up"),
    ):
        shown = [(index, solver_means(one).get(kind)) for index, one in enumerate(cases)]
        places = [index + offset for index, cost in shown if cost is not None]
        heights = [cost for _, cost in shown if cost is not None]
        axes.bar(places, heights, width=width, color=color, label=f"{label} (target {targets[kind]:g})")
        axes.axhline(targets[kind], color=color, linewidth=1.0, linestyle="--")
        for place, height in zip(places, heights, strict=True):
            axes.annotate(
                f"{height:.0f}", (place, height), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=8
            )
    axes.set_xticks(range(len(cases)), [one["case"]["name"].replace(" × ", "\n× ") for one in cases])
    axes.set_title("A voxel of a field, solved alone")
    axes.set_ylabel("ns")
    axes.legend(loc="upper right", fontsize=8)


def _shares(axes: Axes, cases: Cases) -> None:
    """Where the time of a step goes, one bar a case; processes that nowhere matter are added up."""
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


def _plain(value: float, _: object = None) -> str:
    """1000000 as 1M, 0.01 as 0.01."""
    for unit, sign in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{sign}"
    return f"{value:g}"
