"""Arms: several ways in which the same tissues go on, side by side.

An arms file names the arms and what each does from the branching on. Every arm goes on from every checkpoint given,
one a seed, so that the twins of a seed share their past and a difference between arms is one of pairs. What has
been walked is used again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import InputError
from ..core.parallel import cores
from ..runs.branch import BranchPoint, branch_scenario, prepare
from ..runs.pool import Task, Tell, run_all
from ..runs.results import CHECKPOINTS, MANIFEST, read_manifest
from ..runs.run import checked_days
from ..runs.simulator import Simulator, TumorSimulator
from .arms_file import Arm, read_arms
from .compare import Comparison, check_jobs, claim_directory, conclude, is_of_task
from .summary import run_directory

if TYPE_CHECKING:
    from ..scenario import Scenario

__all__ = ["compare_arms", "read_arms"]


def compare_arms(
    points: Sequence[BranchPoint],
    arms: Sequence[Arm],
    *,
    out: Path,
    days: float | None = None,
    jobs: int | None = None,
    command: str = "",
    overwrite: bool = False,
    tell: Tell | None = None,
    simulator: Simulator | None = None,
) -> Comparison:
    """Let every arm go on from every point and write what was found to `out`, as `compare` does for scenarios.

    `days` is by default the longest the arms ask for.

    Raises:
        InputError: points that do not belong together, an arm that changes the past, or a directory in the way.
    """
    simulator = simulator or TumorSimulator()
    began = time.monotonic()
    check_jobs(jobs)
    points = sorted(points, key=lambda point: point.seed)
    _check_points(points)
    scenarios = [_scenario_of(arm, points[0]) for arm in arms]
    length = checked_days(max(scenario.clock.days for scenario in scenarios) if days is None else days)
    tasks = [
        (point, Task(
            scenario=scenario,
            seed=point.seed,
            days=length,
            out=run_directory(out, scenario.name, point.seed),
            command=command,
            simulator=simulator,
        ))
        for point in points
        for scenario in scenarios
    ]  # fmt: skip
    wanted = [(point, task) for point, task in tasks if not _is_there(point, task, overwrite=overwrite)]
    claim_directory(out)
    for point, task in wanted:
        prepare(
            point, task.scenario, out=task.out, days=length, command=command, overwrite=True, simulator=simulator
        )
    outcomes = run_all([task for _, task in tasks], jobs=jobs or cores(), tell=tell)
    return conclude(
        scenarios,
        [point.seed for point in points],
        {(task.scenario.name, task.seed): outcome for (_, task), outcome in zip(tasks, outcomes, strict=True)},
        out=out,
        days=length,
        simulator=simulator,
        extra={
            "command": command,
            "jobs": jobs or cores(),
            "wall_seconds": round(time.monotonic() - began, 3),
            "branched": {"days": [points[0].day], "from": [str(point.run.path) for point in points]},
        },
    )


def _scenario_of(arm: Arm, point: BranchPoint) -> Scenario:
    try:
        return branch_scenario(point, settings=arm.settings, protocol=arm.protocol, origin=arm.origin)
    except InputError as error:
        raise error.at(file=arm.origin) from error


def _check_points(points: Sequence[BranchPoint]) -> None:
    """Refuse checkpoints of different days or scenarios, and two of one seed."""
    if not points:
        raise InputError("name the runs that the arms branch off from")
    first, seeds = points[0], Counter(point.seed for point in points)
    for point in points:
        if point.scenario.hash != first.scenario.hash:
            raise InputError(
                f"is a run of another scenario ('{point.scenario.name}') than {first.run.path} "
                f"('{first.scenario.name}'); the arms of a comparison branch off from one",
                file=point.run.path,
            )
        if point.checkpoint.step != first.checkpoint.step:
            raise InputError(
                f"branches at day {point.day:g} and {first.run.path} at day {first.day:g}; choose one day with --at",
                file=point.run.path,
            )
        if seeds[point.seed] > 1:
            both = " and ".join(str(one.run.path) for one in points if one.seed == point.seed)
            raise InputError(f"{both} have the same seed, {point.seed}: they are the same tissue")


def _is_there(point: BranchPoint, task: Task, *, overwrite: bool) -> bool:
    """Whether this very branch has been begun and can be gone on with; another run in its place is refused."""
    if not (task.out / MANIFEST).exists():
        return False
    found = read_manifest(task.out)
    same = is_of_task(found, task) and point.is_of(found)
    if not same and not overwrite:
        raise InputError(
            f"holds another run of '{found['scenario']}' (another branching, other values, another version of the "
            "model, or more days); replace it with --overwrite, or choose another directory with --out",
            file=task.out,
        )
    # A branch without any state was stopped while it was laid out.
    return same and any((task.out / CHECKPOINTS).glob("step_*.json"))
