"""The tables of a benchmark as Markdown, from the values that `bench.suite.benchmark` returns.

Costs are processor time unless they say wall: on a busy machine wall time includes other programs. The figures of a
peer were measured in other runs, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..style.numbers import DASH, short

__all__ = ["markdown"]

Result = Mapping[str, Any]
Case = Mapping[str, Any]


def markdown(result: Result) -> str:
    """The costs, the time by process and the peers' job, each with its notes; and what was not measured."""
    tissues = [one for one in result["cases"] if one["mix"] == "tumor"]
    jobs = [one for one in result["cases"] if one["mix"] != "tumor"]
    parts = [f"*{result['machine']}; {result['date']}*"]
    if tissues:
        parts += ["**What a step costs**", *_costs(tissues, result["growth"])]
        parts += ["**Where the time of a step goes**", _processes(tissues)]
    if jobs:
        parts += ["**The peers' job: seconds for a simulated day**", *_jobs(jobs, result["peers"])]
    if result["skipped"]:
        parts += ["**Not measured**", *result["skipped"]]
    return "\n\n".join(parts) + "\n"


def _costs(tissues: Sequence[Case], growth: Mapping[str, float]) -> list[str]:
    columns = (
        "case", "cells", "sites", "step, wall [ms]", "step [ms]", "cell-step [µs]", "field with uptake [ns]",
        "field without uptake [ns]", "peak memory [GiB]",
    )  # fmt: skip
    rows = [
        (
            one["name"],
            f"{one['cells']:,.0f}",
            _sites(one),
            short(one["wall_ms"]),
            _with_ratio(one["cpu_ms"], one, "step"),
            *(
                _with_ratio(one["costs"][what] / unit, one, what) if what in one["costs"] else DASH
                for what, unit in (("cell-step", 1e3), ("field with uptake", 1.0), ("field without uptake", 1.0))
            ),
            f"{one['peak_gib']:.2f}",
        )
        for one in tissues
    ]
    kernel = [one["kernel_ns"] for one in tissues]
    notes = [
        "Means over consecutive steps, as processor time unless they say wall. A cell-step is everything in a step but "
        "transport, over the cells; a field is transport, over the sites and fields of its kind. In parentheses: the "
        f"same in units of the reference kernel, a pass of the five-point stencil, which took {min(kernel):.2f} to "
        f"{max(kernel):.2f} ns a site between these steps; for a step, the number of such passes over all its fields.",
    ]
    if growth:
        powers = ", ".join(f"{power:.2f} ({fields} fields)" for fields, power in growth.items())
        notes.append(f"The cost of all cells grows with this power of their number, from 10k cells on: {powers}.")
    return [_table(columns, rows), *notes]


def _processes(tissues: Sequence[Case]) -> str:
    """The time by process, in the case with the most fields at each size."""
    largest = {(len(one["shape"]), one["planned_cells"]): one for one in tissues}.values()  # the last of each size
    rows = []
    for name in tissues[0]["processes_ms"]:
        spent = [(one["processes_ms"][name], one["cpu_ms"]) for one in largest]
        rows.append((name, *(f"{short(part)} ({part / whole:.0%})" for part, whole in spent)))
    return _table(("process [ms] (share)", *(one["name"] for one in largest)), rows)


def _jobs(jobs: Sequence[Case], peers: Result) -> list[str]:
    """The seconds for the job of a peer, beside those of the peer."""
    peer = peers["physicell"]
    rows = []
    for one in jobs:
        ours, theirs = one["seconds_per_day"], peer["seconds_per_day"][str(one["planned_cells"])]
        rows.append(
            (
                f"{one['planned_cells']:,}",
                f"{one['rules']}",
                f"{_sites(one)} of {one['spacing_um']:g} µm",
                f"{ours:.2f}",
                f"{ours * one['cpu_ms'] / one['wall_ms']:.2f}",
                " – ".join(f"{value:,.0f}" for value in theirs),
                " – ".join(f"{value / ours:,.0f}" for value in theirs),
                f"{one['peak_gib'] * 1024:,.0f} MiB",
            )
        )
    columns = (
        "cells",
        "rules",
        "sites",
        "wall [s]",
        "processor [s]",
        f"{peer['name']} [s]",
        "times faster",
        "peak memory",
    )
    return [
        _table(columns, rows),
        f"From {jobs[0]['steps']} steps of the day. With 13 rules and wide sites: as the peer had it; 20,000 cells "
        f"would be two a site there. {peer['name']}: {peer['job']}; {peer['memory_mb']} MB; {peers['how']}. The "
        f"programs differ: {peer['differs']}.",
    ]


def _sites(one: Case) -> str:
    return " × ".join(str(side) for side in one["shape"])


def _with_ratio(value: float, one: Case, what: str) -> str:
    return f"{short(value)} ({short(one['costs'][what] / one['kernel_ns'])})"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded so that it can be read as text too."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    rule = [f":{'-' * (widths[0] - 1)}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    padded = (
        [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        for line in (columns, rule, *rows)
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)
