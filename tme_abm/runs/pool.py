"""Many runs on all cores, each in a process of its own kind.

Processes are spawned, not forked, and use one thread each for linear algebra: with as many processes as
cores more threads only get in each other's way. A run that fails hands back a sentence and the rest go on.
A process that dies takes the whole executor with it; then those that were under way are tried again one at
a time, so that the one to blame is known and the others lose nothing (they go on from their checkpoints).
When the parent is interrupted or dies, the workers end within a second.
"""

from __future__ import annotations

import logging
import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputError
from .results import MANIFEST
from .run import RunResult, is_finished, result_of, resume, run
from .simulator import Simulator
from .walk import Progress, RunFailed
from .workers import end_with_parent, single_threaded

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["Outcome", "Task", "result_of_task", "run_all"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_NOT_BEGUN = -1.0
_DIED = "its process died; the system may have ended it for lack of memory"

Tell = Callable[[Sequence[float], int], None]
"""Told the days each run has reached (−1: not begun) and how many have ended."""


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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a task: a result, or one sentence on why there is none."""

    result: RunResult | None = None
    error: str | None = None


def run_all(tasks: Sequence[Task], *, jobs: int, tell: Tell | None = None) -> list[Outcome]:
    """Every task's outcome, in the order of the tasks; `jobs` processes at a time."""
    context = multiprocessing.get_context("spawn")
    board = context.RawArray("d", [_NOT_BEGUN] * len(tasks))
    batch = _Batch(tasks=tasks, context=context, board=board, outcomes={}, tell=tell)
    with single_threaded():
        waiting = list(range(len(tasks)))
        while waiting:
            lost = batch.round(waiting, jobs)
            suspects = [index for index in lost if board[index] > _NOT_BEGUN] or lost[:1]
            for index in suspects:
                board[index] = _NOT_BEGUN
                if batch.round([index], 1):
                    batch.outcomes[index] = Outcome(error=_DIED)
            waiting = [index for index in waiting if index not in batch.outcomes]
    return [batch.outcomes[index] for index in range(len(tasks))]


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """The tasks, what has become of them, and the board on which running ones say how far they are."""

    tasks: Sequence[Task]
    context: Any
    board: Any
    outcomes: dict[int, Outcome]
    tell: Tell | None

    def round(self, which: Sequence[int], workers: int) -> list[int]:
        """Run `which` tasks; note the outcomes and give back those that were lost when a process died."""
        others = set(multiprocessing.active_children())
        executor = ProcessPoolExecutor(
            max_workers=min(workers, len(which)),
            mp_context=self.context,
            initializer=_prepare,
            initargs=(self.board,),
        )
        try:
            lost = self._collect(executor, which)
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.kill()  # nothing is lost: a run is whole on disk at every moment
            raise
        executor.shutdown()
        return lost

    def _collect(self, executor: ProcessPoolExecutor, which: Sequence[int]) -> list[int]:
        lost: list[int] = []
        futures: dict[Future[Outcome], int] = {}
        for index in which:
            try:
                futures[executor.submit(_perform, index, self.tasks[index])] = index
            except BrokenProcessPool:
                lost.append(index)
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    self.outcomes[futures[future]] = future.result()
                except BrokenProcessPool:
                    lost.append(futures[future])
            if self.tell is not None:
                self.tell(list(self.board), len(self.outcomes))
        return sorted(lost)


def _perform(index: int, task: Task) -> Outcome:
    """In a worker: bring one task to its end."""

    def progress(now: Progress) -> None:
        board[index] = now.day

    (board,) = _boards
    board[index] = 0.0
    try:
        return Outcome(result=result_of_task(task, progress))
    except (InputError, RunFailed) as error:
        return Outcome(error=str(error))
    except Exception as error:  # noqa: BLE001 - one broken run must not take the others along
        logger.debug("%s", traceback.format_exc())
        return Outcome(error=f"{type(error).__name__}: {error}")


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


_boards: list[Any] = []  # in a worker: the one board its pool shares; a run's own slot tells how far it is


def _prepare(board: Any) -> None:
    """In a worker, first: leave Ctrl-C to the parent, and end when the parent does."""
    _boards[:] = [board]
    end_with_parent()
