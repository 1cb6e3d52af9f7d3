"""Plans and states of studies as the lines and tables that the command line prints."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ..report.style.numbers import duration, listed, plural, size
from .terminal import table

if TYPE_CHECKING:
    from rich.table import Table

    from ..studies.estimate import Estimate
    from ..studies.parameters import Parameter
    from ..studies.status import StudyStatus
    from ..studies.study import Study

__all__ = ["SHOWN_ERRORS", "outcome_table", "plan_lines", "status_lines", "status_table"]

SHOWN_METRICS, SHOWN_VALUES, SHOWN_ERRORS = 6, 8, 10
STATES = ("hot", "cold", "excluded")


def plan_lines(plan: Study, directory: Path, cost: Estimate, *, processes: int, free: int) -> list[str]:
    """What would be run, and what it would cost."""
    lines = [f"study      {plan.name}" + (f": {plan.title}" if plan.title else ""), f"directory  {directory}"]
    lines.append(f"scenarios  {', '.join(plan.scenarios)}")
    if plan.settings:
        lines.append("set        " + ", ".join(f"{key} = {value}" for key, value in plan.settings.items()))
    drawn = f", seed {plan.design.seed}" if plan.design.samples else ""
    lines.append(f"design     {plan.design.kind}{drawn}: {plural(len(plan.points), 'point')}")
    lines += [f"           {_parameter(parameter)}" for parameter in plan.parameters]
    lines.append(f"seeds      {listed([str(seed) for seed in plan.seeds], SHOWN_VALUES)}")
    lines.append(f"days       {plan.days:g}")
    lines.append(f"metrics    {listed(list(plan.metrics), SHOWN_METRICS)}")
    factors = {"point": plan.points, "scenario": plan.scenarios, "seed": plan.seeds}
    product = " × ".join(plural(len(them), one) for one, them in factors.items())
    lines.append(
        f"runs       {product} = {plural(len(plan.runs), 'run')}"
        + (f", {cost.runs} of them left" if cost.runs < len(plan.runs) else "")
    )
    lines += [f"note       {one}" for one in plan.notes]
    busy = min(processes, max(1, cost.runs))
    lines.append(
        f"time       about {duration(cost.seconds / busy)} with {busy} processes ({duration(cost.seconds)} of one)"
    )
    lines.append(f"disk       about {size(cost.size)}; {size(free)} are free")
    lines.append(f"           reckoned from {cost.basis}")
    if cost.size > free:
        lines.append("note       the disk is too small for this study")
    return lines


def status_table(found: StudyStatus) -> Table:
    """One line a scenario: its runs by what they are, and the states of those that are done."""
    rows = [
        (
            name,
            *(str(one[what]) for what in ("done", "failed", "begun", "pending")),
            *(str(found.states[name].get(state, 0)) for state in STATES),
        )
        for name, one in found.counts.items()
    ]
    return table(
        ("scenario", "done", "failed", "begun", "not begun", *STATES),
        rows,
        title=f"{found.name}: {found.total('done')} of {found.runs} runs done",
    )


def status_lines(found: StudyStatus) -> list[str]:
    """Who works on it, how long it takes yet, what failed."""
    lines = []
    if found.finished:
        lines.append("finished")
    elif found.at_work:
        lines.append(f"at work on {found.at_work}: {found.workers} runs at a time")
    else:
        lines.append(f"nobody works on it; go on with: batch {found.directory}")
    if found.seconds_left is not None and not found.finished:
        lines.append(f"about {duration(found.seconds_left)} left")
    for place, error in list(found.failures.items())[:SHOWN_ERRORS]:
        lines.append(f"failed: {place}: {error}")
    if len(found.failures) > SHOWN_ERRORS:
        lines.append(f"failed: {len(found.failures) - SHOWN_ERRORS} more, see failures.json")
    if found.failures:
        lines.append(f"try failed runs again with: batch {found.directory} --retry-failed")
    return lines


def outcome_table(directory: Path) -> Table:
    """One line a scenario, at the end of a batch."""
    from ..studies.results import read_study

    results = read_study(directory)
    rows = []
    for name in results.scenarios:
        mine = [row for row in results.runs if row["scenario"] == name]
        status, states = Counter(row["status"] for row in mine), Counter(row["state"] for row in mine)
        other = status["done"] - sum(states[state] for state in STATES)
        rows.append(
            (name, str(status["done"]), str(status["failed"]), *(str(states[state]) for state in STATES), str(other))
        )
    extent = f"{plural(results.points, 'point')}, {plural(len(results.seeds), 'seed')}, day {results.days:g}"
    return table(("scenario", "done", "failed", *STATES, "other"), rows, title=f"{results.name}: {extent}")


def _parameter(parameter: Parameter) -> str:
    if parameter.ranged and not parameter.values:
        scale = ", on a logarithmic scale" if parameter.scale == "log" else ""
        ends = f"from {parameter.low:g} to {parameter.high:g} {parameter.unit}".rstrip()
        return f"{parameter.key}: {ends}{scale}"
    unit = f" {parameter.unit}" if parameter.unit else ""
    return f"{parameter.key}: {listed([level.text for level in parameter.levels], SHOWN_VALUES)}{unit}"
