"""Scenarios side by side: the same seeds in each, the same days.

Every (scenario, seed) is a run in `runs/NAME/seed_NNN`. Scenarios share their seeds, and random numbers are addressed,
so replicate k of one scenario has the same random numbers as replicate k of another, and differences are taken in
pairs. Runs that exist already are used again; those that were interrupted are continued.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import files
from ..core.errors import InputError
from ..core.parallel import processes
from ..runs.results import MANIFEST, read_manifest
from ..runs.run import Task, Tell, check_seed, checked_days, run_all
from ..runs.simulator import Simulator, or_tumor
from .comparison import COMPARISON, RUNS, Comparison, Run, conclude, run_directory

if TYPE_CHECKING:
    from ..runs.branch import BranchPoint
    from ..scenario.schema import Scenario

__all__ = ["check_names", "claim_directory", "compare", "is_begun", "simulate", "tasks_of"]


def compare(
    scenarios: Sequence[Scenario],
    *,
    out: Path,
    replicates: int = 4,
    days: float | None = None,
    seed: int = 1,
    jobs: int | None = None,
    command: str = "",
    overwrite: bool = False,
    tell: Tell | None = None,
    simulator: Simulator | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Comparison:
    """Run every scenario with seeds `seed` … `seed + replicates − 1` and write the comparison to `out`.

    `days` is by default the largest number of days of the scenarios. `extra` is added to comparison.json. A run that
    fails is listed under `failures` and left out of the statistics.

    Raises:
        InputError: two scenarios have the same name, a number is not valid, or `out` holds something else.
    """
    if not scenarios:
        raise InputError("nothing to compare: name a scenario")
    check_names(scenarios)
    if replicates < 1:
        raise InputError(f"a comparison needs at least one replicate, not {replicates}", place="replicates")
    jobs = processes(jobs)
    length = checked_days(max(scenario.clock.days for scenario in scenarios) if days is None else days)
    seeds = range(seed, seed + replicates)
    for number in (seeds[0], seeds[-1]):
        check_seed(number)
    began = time.monotonic()
    tasks = tasks_of(scenarios, seeds, out=out, days=length, command=command, simulator=simulator)
    tasks = [replace(task, overwrite=not is_begun(task, overwrite=overwrite) and overwrite) for task in tasks]
    claim_directory(out)
    return simulate(scenarios, tasks, out=out, jobs=jobs, tell=tell, began=began, extra=extra)


def tasks_of(
    scenarios: Sequence[Scenario],
    seeds: Sequence[int],
    *,
    out: Path,
    days: float,
    command: str,
    simulator: Simulator | None,
) -> list[Task]:
    """A task for every scenario and seed, seed by seed: an interrupted comparison has whole pairs."""
    return [
        Task(
            scenario=scenario,
            seed=seed,
            days=days,
            out=run_directory(out, scenario.name, seed),
            command=command,
            simulator=or_tumor(simulator),
        )
        for seed in seeds
        for scenario in scenarios
    ]


def simulate(
    scenarios: Sequence[Scenario],
    tasks: Sequence[Task],
    *,
    out: Path,
    jobs: int,
    tell: Tell | None,
    began: float,
    extra: Mapping[str, Any] | None,
) -> Comparison:
    """Bring the tasks to their ends and compare the scenarios; `began` and `extra` are those of `conclude`."""
    outcomes = run_all(tasks, jobs=jobs, tell=tell)
    runs = [
        Run(scenario=task.scenario.name, seed=task.seed, directory=task.out, error=outcome.error or "")
        for task, outcome in zip(tasks, outcomes, strict=True)
    ]
    first = tasks[0]
    return conclude(
        scenarios, runs, out=out, days=first.days, simulator=first.simulator, command=first.command, began=began,
        jobs=jobs, extra=extra,
    )  # fmt: skip


def check_names(scenarios: Sequence[Scenario]) -> None:
    """Raises InputError if two scenarios have the same name."""
    for name, count in Counter(scenario.name for scenario in scenarios).items():
        if count > 1:
            raise InputError(
                f"two scenarios are called '{name}', and their results could not be told apart; "
                f'give one another name (name = "..." at the top of its file)'
            )


def is_begun(task: Task, *, overwrite: bool, point: BranchPoint | None = None) -> bool:
    """Whether the directory of a task holds its run or the beginning of it: same scenario, seed, model, no more days.

    A branch must have branched off from `point`.

    Raises:
        InputError: the directory holds another run, and `overwrite` is not given.
    """
    if not (task.out / MANIFEST).exists():
        return False
    found = read_manifest(task.out)
    same = (
        found["scenario_hash"] == task.scenario.hash
        and found["seed"] == task.seed
        and found.get("model") == task.simulator.fingerprint()
        and found["days"] <= task.days
        and (point is None or point.is_of(found))
    )
    if not same and not overwrite:
        branching = "" if point is None else "another branching, "
        raise InputError(
            f"holds another run of '{found['scenario']}' ({branching}other values, another version of the model, or "
            "more days); replace it with --overwrite, or choose another directory with --out",
            file=task.out,
        )
    return bool(same)


def claim_directory(out: Path) -> None:
    """Make `out` the directory of a comparison. Raises InputError if it holds something else or cannot be written."""
    files.check_holds(out, (RUNS, COMPARISON), "comparison")
    with files.disk_errors(out, "create the directory"):
        (out / RUNS).mkdir(parents=True, exist_ok=True)
    probe = out / ".writable"
    files.write_bytes(probe, b"")  # fails now, and not after an hour, if nothing can be written
    probe.unlink(missing_ok=True)
