"""Results as the short tables that the command line prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..compare.comparison import STATES
from ..observe.metrics import describe
from ..report.style.numbers import DASH, short
from .terminal import table

if TYPE_CHECKING:
    from rich.table import Table

    from ..runs.run import RunResult

__all__ = ["comparison_table", "run_table", "swap_table"]

SHOWN = ("CD8 core", "CD8 margin", "tumor cells", "Treg:CD8", "kills per engaged day")
"""The metrics of a comparison in the terminal; the report has the others."""


def run_table(result: RunResult) -> Table:
    """The last row of a run: counts by cell, and the densities the state is read from."""
    measures = result.measures
    cells = [name.removesuffix(" cells") for name in measures if name.endswith(" cells")]
    rows = [
        (
            cell,
            short(measures[f"{cell} cells"]),
            short(measures.get(f"{cell} core")) if f"{cell} core" in measures else "",
            short(measures.get(f"{cell} margin")) if f"{cell} margin" in measures else "",
        )
        for cell in cells
    ]
    return table(
        ("cell", "living", "core /mm²", "margin /mm²"),
        rows,
        title=f"{result.scenario}, seed {result.seed}, day {result.days:g}: "
        + (result.state if result.state in STATES else "too few tumor cells to tell hot from cold"),
    )


def comparison_table(content: Mapping[str, Any]) -> Table:
    """One line a scenario: states, and the main metrics with their 95 % intervals."""
    scenarios = content["scenarios"]
    shown = [metric for metric in SHOWN if any(metric in one["metrics"] for one in scenarios.values())]
    rows = [
        (name, *_states(one), *(_with_interval(one["metrics"].get(metric)) for metric in shown))
        for name, one in scenarios.items()
    ]
    replicates = len(content["seeds"])
    return table(
        ("scenario", *STATES, "other", *(describe(metric, {"CD8"}).heading for metric in shown)),
        rows,
        title=f"day {content['days']:g}, replicates: {replicates}, mean [95 % interval]",
    )


def swap_table(content: Mapping[str, Any]) -> Table:
    """One line a variant: states, median core CD8 and tumor size."""
    swap = content["swap"]
    names = [(swap["into"], f"{swap['into']} as it is")]
    names += [(one["name"], f"with {one['group']} of {swap['from']}") for one in swap["variants"]]
    names += [(swap["from"], f"{swap['from']} as it is")]
    rows = [
        (
            label,
            *_states(content["scenarios"][name]),
            short(_median(content["scenarios"][name], "CD8 core")),
            short(_median(content["scenarios"][name], "tumor cells")),
        )
        for name, label in names
    ]
    return table(
        (swap["into"], *STATES, "other", "median CD8 core /mm²", "median tumor cells"),
        rows,
        title=f"{swap['into']} with traits of {swap['from']}, day {content['days']:g}",
    )


def _states(one: Mapping[str, Any]) -> tuple[str, ...]:
    other = [f"{one['unclassified']} too small"] * bool(one["unclassified"])
    other += [f"{one['failed']} failed"] * bool(one["failed"])
    return (*(str(one["state"][state]) for state in STATES), ", ".join(other))


def _with_interval(metric: Mapping[str, Any] | None) -> str:
    if metric is None:
        return DASH
    interval = metric["ci95"]
    if interval is None:
        return short(metric["mean"])
    return f"{short(metric['mean'])} [{short(interval[0])}, {short(interval[1])}]"


def _median(one: Mapping[str, Any], metric: str) -> float | None:
    values = sorted(value for value in one["metrics"].get(metric, {"values": []})["values"] if value is not None)
    if not values:
        return None
    middle = len(values) // 2
    return float(values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2)
