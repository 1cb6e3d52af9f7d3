"""The tables of a benchmark, for a terminal and as Markdown; both from the same sections.

Everything is read from the JSON of a benchmark. Costs are processor time, of all threads, unless it says wall: on a
machine that does other things too, wall time measures those as well. What peers need was measured elsewhere, and says
so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Section", "largest", "machine_line", "markdown", "sections", "solver_means", "tissues"]

_BRIEF_NOTES = 2  # what the columns mean, and what is in the first case: the others differ in size only

Result = Mapping[str, Any]
Case = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table with its title and what is to be said about it."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


def machine_line(result: Result) -> str:
    """The machine, the versions and how busy it was, in one line."""
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
    """All that there is to say, in the order of interest."""
    made = [
        _costs(result),
        _processes(result),
        _growth(result),
        _jobs(result),
        _units(result),
        _targets(result),
        Section(title="Skipped", notes=tuple(one["why"] for one in result["skipped"])),
    ]
    return [one for one in made if one.rows or one.notes]


def markdown(result: Result, *, brief: bool = False) -> str:
    """The sections as Markdown, the machine first; in `brief` only the costs, the jobs and the exponents."""
    parts = [f"*{machine_line(result)}*"]
    chosen = [_costs(result), _jobs(result), _growth(result)] if brief else sections(result)
    for section in chosen:
        if brief and not section.rows:
            continue
        parts.append(f"**{section.title}**")
        if section.rows:
            lines = [section.columns, ("---",) * len(section.columns), *section.rows]
            parts.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
        parts += section.notes[:_BRIEF_NOTES] if brief else section.notes
    return "\n\n".join(parts) + "\n"


def solver_means(case: Case) -> dict[str, float]:
    """Mean processor time [ns] of a voxel and field solved alone: "consumed" where cells take it up, "free" elsewhere.

    Fields in which nothing is and nothing happens are left out: they cost nothing.
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
                _figures(step["wall"]["median"] * 1e3),
                _range(step["cpu"], 1e3),
                _range(one["cell_step_us"]["cpu"]),
                _range(one["voxel_field_ns"]["cpu"]),
                _figures(one["voxel_field_ns"]["wall"]["median"]),
                *(_figures(means[kind]) if kind in means else "–" for kind in ("consumed", "free")),
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
    """Where the time goes, in the case with the most fields at each size."""
    shown = largest(result)
    if not shown:
        return Section(title="Where the time goes")
    names = list(shown[0]["processes"])
    rows = []
    for name in names:
        cells = []
        for one in shown:
            spent, whole = one["processes"][name]["cpu"]["median"], one["step_seconds"]["cpu"]["median"]
            cells.append(f"{_figures(spent * 1e3)} ({spent / whole:.0%})")
        rows.append((name, *cells))
    columns = ("process [ms (share of the step)]", *(one["case"]["name"] for one in shown))
    return Section(title="Where the time goes", columns=columns, rows=tuple(rows))


def _growth(result: Result) -> Section:
    rows = [
        (
            "all but transport, with cells" if one["of"] == "cells" else "transport, with sites",
            str(one["fields"]),
            f"{one['slope']:.2f}",
            f"{one['last']:.2f}",
            f"{one['sizes'][0]:,.0f} – {one['sizes'][-1]:,.0f}",
        )
        for one in result["scaling"]
        if one["clock"] == "cpu"
    ]
    return Section(
        title="How cost grows",
        columns=("cost", "fields", "exponent, all sizes", "exponent, two largest", "sizes"),
        rows=tuple(rows),
        notes=("1 is linear. Small tissues pay for calls, not for cells, which flatters the exponent over all sizes.",)
        if rows
        else (),
    )


def _jobs(result: Result) -> Section:
    peer = result["peers"]["physicell"]
    rows = []
    for one in result["cases"]:
        if "seconds_per_day" not in one:
            continue
        wall = one["seconds_per_day"]["wall"]
        theirs = peer["seconds_per_day"].get(str(one["case"]["cells"]))
        rows.append(
            (
                f"{one['case']['cells']:,}",
                str(one["rules"]),
                _lattice(one),
                f"{one['cells']['start']:,} – {one['cells']['end']:,}",
                f"{wall:.2f}",
                f"{one['seconds_per_day']['cpu']:.2f}",
                f"{theirs[0]:,.0f} – {theirs[1]:,.0f}" if theirs else "–",
                f"{theirs[0] / wall:,.0f} – {theirs[1] / wall:,.0f} ×" if theirs else "–",
                f"{one['peak_gib'] * 1024:,.0f} MiB",
            )
        )
    if not rows:
        return Section(title="The peers' job")
    first = next(one for one in result["cases"] if "seconds_per_day" in one)
    part = first["steps"] * first["dt_min"] / (24 * 60)
    length = "all of it" if part > 0.999 else f"{part:.0%} of it, the rest in proportion"
    return Section(
        title="The peers' job: seconds for a simulated day",
        columns=(
            "cells", "rules", "sites", "start – end", "wall [s]", "processor [s]", f"{peer['name']} [s]", "faster",
            "peak memory",
        ),
        rows=tuple(rows),
        notes=(
            f"Ours, {_content(first)} Simulated of the day: {length}. With few rules and wide sites: as peers had it; "
            "20,000 cells would be two a site there.",
            f"{peer['name']}: {peer['job']}; {' – '.join(peer['threads'])}; {peer['memory_mb']} MB; "
            f"{result['peers']['how']}. The programs differ: {peer['differs']}.",
        ),
    )


def _lattice(one: Case) -> str:
    return " × ".join(str(side) for side in one["case"]["shape"]) + f" of {one['spacing_um']:g} µm"


def _units(result: Result) -> Section:
    """Costs of the smallest pieces of work beside those of peers."""
    hal, objects = result["peers"]["hal"], result["peers"]["mesa"]
    live = result["baselines"]["mesa objects"]
    biggest = [one for one in largest(result) if len(one["case"]["shape"]) == 2][-1:]
    rows: list[tuple[str, ...]] = []
    for one in biggest:
        name = one["case"]["name"]
        rows += [
            ("a cell-step of all core biology", f"{one['cell_step_us']['cpu']['median']:.2f} µs", f"here, {name}"),
            ("a voxel and field, one step", f"{one['voxel_field_ns']['cpu']['median']:.1f} ns", f"here, {name}"),
            ("a voxel, one pass of the reference kernel", f"{one['reference_ns']['median']:.2f} ns", "here, numpy"),
            ("a cell-step, in voxels of that kernel", f"{one['ratios']['cell step']:,.0f}", f"here, {name}"),
            ("a voxel and field, in voxels of that kernel", f"{one['ratios']['voxel field']:.1f}", f"here, {name}"),
        ]
    if live:
        which = f"here, {live['agents']:,} agents of Mesa {live['mesa']}"
        rows.append(("a random move of a plain Mesa object, nothing else", f"{live['cpu_us']:.2f} µs", which))
    rows += [
        ("a random move of a plain Mesa object, nothing else", f"{_pair(objects['move_us'])} µs", "elsewhere"),
        (f"a cell-step of a small model in {hal['name']}", f"{_pair(hal['cell_step_us'])} µs", "elsewhere"),
        (
            f"a voxel and field, one step by {hal['substeps']} explicit substeps, {hal['name']}",
            f"{_pair(hal['voxel_field_ns'])} ns",
            "elsewhere",
        ),
    ]
    return Section(
        title="What the smallest pieces of work cost",
        columns=("work", "cost", "where"),
        rows=tuple(rows),
        notes=(f"Elsewhere: {result['peers']['how']}.",),
    )


def _targets(result: Result) -> Section:
    """What was aimed at and what was reached, in the largest cases that ran."""
    aims = result["peers"]["targets"]
    rows: list[tuple[str, ...]] = []
    peer = result["peers"]["physicell"]["seconds_per_day"]
    for one in result["cases"]:
        cells = str(one["case"]["cells"])
        if "seconds_per_day" in one and cells in aims["job_faster"]:
            reached = peer[cells][0] / one["seconds_per_day"]["wall"]
            aim = aims["job_faster"][cells]
            what = f"the job with {int(cells):,} cells, {one['rules']} rules, faster than PhysiCell"
            rows.append((what, f"≥ {aim:g} ×", f"{reached:,.0f} ×", _met(reached >= aim)))
    for one in largest(result):
        name, means = one["case"]["name"], solver_means(one)
        cost, aim = one["cell_step_us"]["cpu"]["median"], aims["cell_step_us"]
        rows.append((f"a cell-step, {name}", f"≤ {aim:g} µs", f"{cost:.2f} µs", _met(cost <= aim)))
        for kind, said in (("consumed", "with uptake"), ("free", "without uptake")):
            if kind in means:
                aim = aims["voxel_field_ns"][kind]
                what = f"a voxel·field {said}, {name}"
                alone, together = means[kind], one["together"][kind]["wall_ns"]
                rows.append((f"{what}: alone, one thread", f"≤ {aim:g} ns", f"{alone:.1f} ns", _met(alone <= aim)))
                spent = f"{together:.1f} ns"
                rows.append((f"{what}: all of them, wall", f"≤ {aim:g} ns", spent, _met(together <= aim)))
    for one in result["scaling"]:
        if one["clock"] == "cpu" and len(one["sizes"]) > 2:
            steepest = max(one["slope"], one["last"])
            what = f"exponent in {'cells' if one['of'] == 'cells' else 'sites'}, {one['fields']} fields"
            rows.append((what, f"≤ {aims['exponent']:g}", f"{steepest:.2f}", _met(steepest <= aims["exponent"])))
    if result["cases"]:
        most = max(result["cases"], key=lambda one: float(one["peak_gib"]))
        rows.append(
            (
                f"memory, {most['case']['name']}",
                f"< {aims['memory_gib']:g} GiB",
                f"{most['peak_gib']:.2f} GiB",
                _met(most["peak_gib"] < aims["memory_gib"]),
            )
        )
    return Section(title="Targets", columns=("what", "target", "measured", ""), rows=tuple(rows))


def tissues(result: Result) -> list[Case]:
    """The cases that are whole tumors, in the order in which they ran."""
    return [one for one in result["cases"] if one["case"]["mix"] == "tumor"]


def largest(result: Result) -> list[Case]:
    """At each size the case with the most fields, planes before solids."""
    best: dict[tuple[int, int], Case] = {}
    for one in tissues(result):
        key = (len(one["case"]["shape"]), one["case"]["cells"])
        if key not in best or len(one["fields"]) > len(best[key]["fields"]):
            best[key] = one
    return [best[key] for key in sorted(best)]


def _met(met: bool) -> str:
    return "met" if met else "missed"


def _range(spread: Mapping[str, float], factor: float = 1.0) -> str:
    low, high = (_figures(spread[end] * factor) for end in ("low", "high"))
    return f"{_figures(spread['median'] * factor)} ({low}–{high})"


def _figures(value: float) -> str:
    """Three figures."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _pair(values: Sequence[float] | Iterable[float]) -> str:
    return "–".join(f"{value:g}" for value in values)
