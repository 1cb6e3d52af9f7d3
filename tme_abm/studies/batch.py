"""A batch performs a study: runs that are done are read, begun runs go on, missing runs begin.

Everything is made from the run directories and the list of failures. So a batch may be killed at any moment: the next
one reads them and does the rest, with the same result to the byte.
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
import uuid
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..core import files, parallel
from ..core.errors import InputError
from ..core.parallel import Executor, Workers, processes
from ..runs.results import MANIFEST, read_manifest
from ..runs.run import Task, is_finished
from ..runs.simulator import Simulator, or_tumor
from ..runs.walk import now
from .directory import RUNS, SESSION, check_place, locked, prepare
from .perform import Ended, Order, perform
from .study import Study
from .tables import Tables

__all__ = ["BatchProgress", "Outcome", "Tell", "run_study"]

logger = logging.getLogger(__name__)

TRIES = 3  # of a run whose result cannot be read back
LEFT_QUICK = 2.0  # seconds that writing the series may take when a batch is interrupted


@dataclass(frozen=True, kw_only=True)
class BatchProgress:
    """The progress of a batch: numbers of runs, and the directories of those under way."""

    total: int
    done: int
    failed: int
    under_way: tuple[Path, ...]


Tell = Callable[[BatchProgress], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a batch: the numbers of runs, of those done and done before it began, and the failed with why."""

    runs: int
    done: int
    found: int
    failed: dict[str, str]


def run_study(
    study: Study,
    *,
    out: Path,
    jobs: int | None = None,
    executor: Executor | None = None,
    simulator: Simulator | None = None,
    retry_failed: bool = False,
    command: str = "",
    tell: Tell | None = None,
) -> Outcome:
    """Perform the runs of a study that are left in the directory `out`, by default on all processors of this machine.

    Raises:
        InputError: the directory cannot be used or holds something else, or the disk refuses.
    """
    simulator = or_tumor(simulator)
    executor = executor or Workers(processes(jobs))
    out = out.resolve()
    fingerprint = simulator.fingerprint()
    check_place(out, study, fingerprint)
    with files.disk_errors(out, "create the directory"):
        out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        begun = check_place(out, study, fingerprint)  # another batch may have been here in between
        prepare(out, study, fingerprint, begun=begun)
        return _Batch(study, out, simulator, command, tell).go(executor, retry_failed)


class _Batch:
    """The work on one study from its beginning to its end or interruption."""

    def __init__(self, study: Study, out: Path, simulator: Simulator, command: str, tell: Tell | None) -> None:
        self.study, self.out, self.simulator, self.command, self.tell = study, out, simulator, command, tell
        self.fingerprint = simulator.fingerprint()
        self.tables = Tables(study, out, simulator)
        self.session = uuid.uuid4().hex
        self.workers = 0
        self.waiting: deque[int] = deque()
        self.unreadable: Counter[int] = Counter()

    def go(self, executor: Executor, retry_failed: bool) -> Outcome:
        self.tables.read_failures()
        if retry_failed and self.tables.failed:
            self.tables.failed.clear()
            self.tables.write_failures()
        self._look()
        found = len(self.tables.done)
        self.tables.refresh(now=True)
        if self.waiting:
            try:
                with executor:
                    try:
                        self._note_session(executor.capacity())
                        self._work(executor)
                    finally:  # before anything else, so that workers of a cluster end at once
                        with suppress(InputError):
                            self._note_session(0)
            except BaseException:
                self._interrupted()
                raise
            self.tables.refresh(now=True)
        files.sync_directory(self.out)
        runs = self.study.runs
        failed = {runs[index].directory: self.tables.failed[index] for index in sorted(self.tables.failed)}
        return Outcome(runs=len(runs), done=len(self.tables.done), found=found, failed=failed)

    def _look(self) -> None:
        """Sort the runs into those that are done and those that wait; damaged runs are repeated."""
        for stage in (self.out / RUNS).glob("*/*/.*.part"):  # a run that was about to begin when its process died
            shutil.rmtree(stage, ignore_errors=True)
        for index in self.study.in_order_of_work:
            if self._is_done(index):
                self.tables.note_done(index)
            elif index not in self.tables.failed:
                self.waiting.append(index)

    def _is_done(self, index: int) -> bool:
        run = self.study.runs[index]
        directory = self.out / run.directory
        if not directory.exists():
            return False
        try:
            manifest = read_manifest(directory)
        except InputError:
            logger.warning("%s: its %s is damaged or gone; the run is begun again", run.directory, MANIFEST)
            with files.disk_errors(directory, "remove the damaged run"):
                shutil.rmtree(directory)
            return False
        if manifest["status"] != "done":
            return False
        scenario = self.study.scenario(run.scenario, run.point)
        if is_finished(directory, scenario=scenario, seed=run.seed, days=self.study.days, simulator=self.simulator):
            return True
        logger.warning("%s: its series is not the one that was written; the run is repeated", run.directory)
        return False

    def _work(self, executor: Executor) -> None:
        indices = {run.directory: index for index, run in enumerate(self.study.runs)}
        while self.waiting:
            for outcome in executor.do(perform, self._orders(), look=self._refresh):
                self._note(indices[outcome.name], outcome)

    def _orders(self) -> Iterator[tuple[str, Order]]:
        """The runs that wait, each made ready when its turn comes."""
        while self.waiting:
            run = self.study.runs[self.waiting.popleft()]
            task = Task(
                scenario=self.study.scenario(run.scenario, run.point),
                seed=run.seed,
                days=self.study.days,
                out=self.out / run.directory,
                command=self.command,
                simulator=self.simulator,
            )
            yield run.directory, Order(task=task, study=self.out, session=self.session, fingerprint=self.fingerprint)

    def _refresh(self, under_way: Collection[str]) -> None:
        self.tables.refresh()
        if self.tell is not None:
            self.tell(
                BatchProgress(
                    total=len(self.study.runs),
                    done=len(self.tables.done),
                    failed=len(self.tables.failed),
                    under_way=tuple(self.out / directory for directory in under_way),
                )
            )

    def _note(self, index: int, outcome: parallel.Outcome[Ended]) -> None:
        ended = outcome.result or Ended()
        if outcome.error is not None:
            self.tables.note_failed(index, outcome.error.replace(f"{self.out}{os.sep}", ""))
        elif ended.stop:
            raise InputError(f"{ended.stop} Nothing that is finished is lost; mend this, and the same command goes on")
        elif not ended.left and self._is_done(index):
            self.tables.note_done(index, ended.host)
        elif ended.left and files.read_json(self.out / SESSION).get("id") != self.session:
            raise InputError("another batch has taken over this study", file=self.out)
        else:
            self.unreadable[index] += not ended.left
            if self.unreadable[index] < TRIES:
                self.waiting.append(index)
            else:
                self.tables.note_failed(index, "its result cannot be read back")

    def _note_session(self, workers: int) -> None:
        """Write which session works here, if any, so that workers of an earlier session end."""
        self.workers = workers or self.workers
        note = {
            "id": self.session if workers else "",
            "host": platform.node(),
            "workers": self.workers,
            "since": now(),
            "command": self.command,
        }
        files.write_json(self.out / SESSION, note)

    def _interrupted(self) -> None:
        """Write readable tables within seconds. An error here is not raised: the first error matters more."""
        with suppress(InputError):
            if self.tables.seconds < LEFT_QUICK:
                self.tables.refresh(now=True)
            else:
                self.tables.write_runs()
