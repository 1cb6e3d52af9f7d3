"""Many runs, `jobs` at a time, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import parallel
from ..core.parallel import Workers, report
from .results import MANIFEST
from .run import RunResult, is_finished, result_of, resume, run
from .simulator import Simulator
from .walk import Progress

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["Outcome", "Task", "Tell", "result_of_task", "run_all"]

_NOT_BEGUN = -1.0

Outcome = parallel.Outcome[RunResult]

Tell = Callable[[Sequence[float], int], None]
"""Called with the days each run has reached (−1: not begun) and the number of runs that have ended."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One run that is wanted: begun, gone on with or only read, whichever is needed."""

    scenario: Scenario
    seed: int
    days: float
    out: Path
    command: str
    simulator: Simulator
    overwrite: bool = False


def run_all(tasks: Sequence[Task], *, jobs: int, tell: Tell | None = None) -> list[Outcome]:
    """Every task's outcome, in the order of the tasks; `jobs` processes at a time."""
    named = {str(task.out): task for task in tasks}
    days = dict.fromkeys(named, _NOT_BEGUN)
    outcomes: dict[str, Outcome] = {}

    def look(_: Collection[str]) -> None:
        if tell is not None:
            tell(list(days.values()), len(outcomes))

    with Workers(jobs) as workers:
        for outcome in workers.do(_perform, named.items(), look=look, heard=days.__setitem__):
            outcomes[outcome.name] = outcome
    return [outcomes[name] for name in named]


def _perform(task: Task) -> RunResult:
    return result_of_task(task, lambda now: report(now.day))


def result_of_task(task: Task, progress: Callable[[Progress], None]) -> RunResult:
    """Begin the run, go on with it or only read it, whichever is needed."""
    if is_finished(task.out, scenario=task.scenario, seed=task.seed, days=task.days, simulator=task.simulator):
        return result_of(task.out, task.simulator)
    if (task.out / MANIFEST).exists() and not task.overwrite:
        return resume(
            task.out,
            scenario=task.scenario,
            seed=task.seed,
            days=task.days,
            progress=progress,
            simulator=task.simulator,
        )
    return run(
        task.scenario,
        seed=task.seed,
        days=task.days,
        out=task.out,
        command=task.command,
        overwrite=task.overwrite,
        progress=progress,
        simulator=task.simulator,
    )
