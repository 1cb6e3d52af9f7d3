"""The tables of a benchmark, for a terminal and as Markdown, from the same sections.

All values come from the JSON of a benchmark. Costs are processor time of all threads unless they say wall: on a busy
machine wall time includes other programs. The figures of a peer were measured elsewhere, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.units import MINUTES_PER_DAY
from ..style.numbers import DASH, short

__all__ = ["Section", "largest", "machine_line", "markdown", "sections", "solver_means", "tissues"]

_BRIEF_NOTES = 2  # the meaning of the columns, and the contents of the first case: the others differ in size only

Result = Mapping[str, Any]
Case = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table with its title and its notes."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


def machine_line(result: Result) -> str:
    """The machine, the versions and the load, in one line."""
    machine = result["machine"]
    versions = machine["versions"]
    memory = f", {machine['memory_gib']:.0f} GiB" if machine["memory_gib"] else ""
    load = " to ".join(f"{one[0]:.1f}" for one in (result["load_before"], result["load_after"]) if one)
    return (
        f"{machine['cpu']}, {machine['cores']} cores{memory}, {machine['system']}; Python {versions['python']}, "
        f"numpy {versions['numpy']}, scipy {versions['scipy']}; {result['date']}"
        + (f"; load average {load}" if load else "")
    )


def sections(result: Result) -> list[Section]:
    """All tables with their notes."""
    skipped = Section(title="Skipped", notes=tuple(one["why"] for one in result["skipped"]))
    made = [_costs(result), _processes(result), _jobs(result), skipped]
    return [one for one in made if one.rows or one.notes]


def markdown(result: Result, *, brief: bool = False) -> str:
    """The sections as Markdown, the machine first; if `brief`, only the costs and the jobs."""
    parts = [f"*{machine_line(result)}*"]
    for section in (_costs(result), _jobs(result)) if brief else sections(result):
        if brief and not section.rows:
            continue
        parts.append(f"**{section.title}**")
        if section.rows:
            lines = [section.columns, ("---",) * len(section.columns), *section.rows]
            parts.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
        parts += section.notes[:_BRIEF_NOTES] if brief else section.notes
    return "\n\n".join(parts) + "\n"


def tissues(result: Result) -> list[Case]:
    """The cases that are tumors, not jobs, in the order in which they ran."""
    return [one for one in result["cases"] if one["case"]["mix"] == "tumor"]


def largest(result: Result) -> list[Case]:
    """The case with the most fields at each size, 2D before 3D."""
    best: dict[tuple[int, int], Case] = {}
    for one in sorted(tissues(result), key=lambda one: len(one["fields"])):
        best[len(one["case"]["shape"]), one["case"]["cells"]] = one
    return [best[key] for key in sorted(best)]


def solver_means(case: Case) -> dict[str, float]:
    """The mean processor time [ns per voxel] of a field solved alone: "consumed" if cells take it up, else "free".

    Empty fields without sources are left out: they cost nothing.
    """
    found = {}
    for kind, consumed in (("consumed", True), ("free", False)):
        costs = [one["cpu_ns"] for one in case["solvers"] if one["consumed"] is consumed and not one["idle"]]
        if costs:
            found[kind] = sum(costs) / len(costs)
    return found


def _costs(result: Result) -> Section:
    columns = (
        "case", "cells", "sites", "fields", "step, wall [ms]", "step [ms]", "µs per cell-step", "ns per voxel·field",
        "wall [ns]", "with uptake", "without", "peak memory [GiB]",
    )  # fmt: skip
    rows = []
    for one in tissues(result):
        step, means = one["step_seconds"], solver_means(one)
        rows.append(
            (
                one["case"]["name"],
                f"{one['cells']['median']:,.0f}",
                " × ".join(str(side) for side in one["case"]["shape"]),
                str(len(one["fields"])),
                short(step["wall"]["median"] * 1e3),
                _range(step["cpu"], 1e3),
                _range(one["cell_step_us"]["cpu"]),
                _range(one["voxel_field_ns"]["cpu"]),
                short(one["voxel_field_ns"]["wall"]["median"]),
                *(short(means.get(kind)) for kind in ("consumed", "free")),
                f"{one['peak_gib']:.2f}",
            )
        )
    notes = (
        "Median over the steps counted (quartiles). A cell-step is everything in a step but transport, over the cells; "
        "a voxel·field is transport over sites and fields, as processor time of all threads and as wall time. With "
        "uptake, without: fields solved one by one, by one thread, mean.",
        *dict.fromkeys(_content(one) for one in largest(result)),
    )
    return Section(title="What a step costs", columns=columns, rows=tuple(rows), notes=notes if rows else ())


def _content(one: Case) -> str:
    consumed = sum(solver["consumed"] for solver in one["solvers"])
    idle = sum(solver["idle"] for solver in one["solvers"])
    still = f", {idle} of them empty" if idle else ""
    return (
        f"{one['case']['name']}: {', '.join(f'{number:,} {name}' for name, number in one['types'].items())}; "
        f"{one['rules']} rules; {len(one['fields'])} fields{still}, {consumed} taken up by cells; "
        f"{one['density']:.2f} cells a site; {one['steps']} steps of {one['dt_min']:g} min counted, "
        f"{one['precision']}; up to {one['threads']} thread{'s' * (one['threads'] > 1)} for the fields."
    )


def _processes(result: Result) -> Section:
    """The time by process, in the case with the most fields at each size."""
    shown = largest(result)
    rows = []
    for name in shown[0]["processes"] if shown else ():
        spent = [(one["processes"][name]["cpu"]["median"], one["step_seconds"]["cpu"]["median"]) for one in shown]
        rows.append((name, *(f"{short(part * 1e3)} ({part / whole:.0%})" for part, whole in spent)))
    columns = ("process [ms (share of the step)]", *(one["case"]["name"] for one in shown))
    return Section(title="Where the time goes", columns=columns, rows=tuple(rows))


def _jobs(result: Result) -> Section:
    """The seconds for the job of a peer, beside those of the peer."""
    peer = result["peers"]["physicell"]
    jobs = [one for one in result["cases"] if "seconds_per_day" in one]
    if not jobs:
        return Section(title="The peers' job")
    rows = []
    for one in jobs:
        wall, cpu = one["seconds_per_day"]["wall"], one["seconds_per_day"]["cpu"]
        theirs = peer["seconds_per_day"].get(str(one["case"]["cells"]))
        rows.append(
            (
                f"{one['case']['cells']:,}",
                str(one["rules"]),
                " × ".join(str(side) for side in one["case"]["shape"]) + f" of {one['spacing_um']:g} µm",
                f"{one['cells']['start']:,} – {one['cells']['end']:,}",
                f"{wall:.2f}",
                f"{cpu:.2f}",
                f"{theirs[0]:,.0f} – {theirs[1]:,.0f}" if theirs else DASH,
                f"{theirs[0] / wall:,.0f} – {theirs[1] / wall:,.0f} ×" if theirs else DASH,
                f"{one['peak_gib'] * 1024:,.0f} MiB",
            )
        )
    part = jobs[0]["steps"] * jobs[0]["dt_min"] / MINUTES_PER_DAY
    length = "all of it" if part > 0.999 else f"{part:.0%} of it, the rest in proportion"
    return Section(
        title="The peers' job: seconds for a simulated day",
        columns=(
            "cells", "rules", "sites", "start – end", "wall [s]", "processor [s]", f"{peer['name']} [s]", "faster",
            "peak memory",
        ),
        rows=tuple(rows),
        notes=(
            f"Ours, {_content(jobs[0])} Simulated of the day: {length}. "
            "With few rules and wide sites: as peers had it; 20,000 cells would be two a site there.",
            f"{peer['name']}: {peer['job']}; {' – '.join(peer['threads'])}; {peer['memory_mb']} MB; "
            f"{result['peers']['how']}. The programs differ: {peer['differs']}.",
        ),
    )  # fmt: skip


def _range(spread: Mapping[str, float], factor: float = 1.0) -> str:
    low, high = (short(spread[end] * factor) for end in ("low", "high"))
    return f"{short(spread['median'] * factor)} ({low}–{high})"
