"""Running checks, on several processors if asked, and what came out of all of them."""

from __future__ import annotations

import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from ..runs.versions import versions
from ..runs.workers import end_with_parent, single_threaded
from .check import Check, Found, Judged, judge
from .registry import all_checks
from .works import Works

__all__ = ["SCHEMA", "Report", "Tell", "run_check", "run_checks"]

SCHEMA = "tme_abm/verification/1"

Tell = Callable[[Judged, int, int], None]
"""Told each check as it ends, how many have ended, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run of checks found."""

    checks: tuple[Judged, ...]
    quick: bool
    command: str
    seconds: float

    def counts(self) -> dict[str, int]:
        """Number of checks by verdict, those that did not occur left out."""
        verdicts = [one.verdict for one in self.checks]
        order = ("holds", "fails", "did not run")
        return {verdict: verdicts.count(verdict) for verdict in order if verdict in verdicts}

    @property
    def holds(self) -> bool:
        """Whether every check does."""
        return all(one.verdict == "holds" for one in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The whole as JSON has it."""
        return {
            "schema": SCHEMA,
            "command": self.command,
            "quick": self.quick,
            "versions": versions(),
            "machine": {"system": platform.system(), "processor": platform.machine(), "processors": os.cpu_count()},
            "seconds": round(self.seconds, 2),
            "counts": self.counts(),
            "checks": [one.to_json() for one in self.checks],
        }


def run_check(one: Check, works: Works | None = None) -> Judged:
    """Measure and judge; a check that raises did not run, and says why. `seconds` are of one processor."""
    begun = time.process_time()
    try:
        found = one.measure(Works() if works is None else works)
    except Exception as error:  # noqa: BLE001 - one check that cannot run must not hide the others
        return Judged(check=one, seconds=time.process_time() - begun, error=f"{type(error).__name__}: {error}")
    return judge(one, found, time.process_time() - begun)


def run_checks(
    checks: Sequence[Check], *, jobs: int, quick: bool = False, command: str = "", tell: Tell | None = None
) -> Report:
    """All of `checks`, `jobs` at a time, told as they end and reported in their order."""
    begun = time.monotonic()
    done: dict[str, Judged] = {}

    def note(result: Judged) -> None:
        done[result.check.name] = result
        if tell is not None:
            tell(result, len(done), len(checks))

    if jobs <= 1 or len(checks) == 1:
        for one in checks:
            note(run_check(one))
    else:
        _side_by_side(checks, min(jobs, len(checks)), note)
    return Report(
        checks=tuple(done[one.name] for one in checks), quick=quick, command=command, seconds=time.monotonic() - begun
    )


def _by_name(name: str) -> tuple[tuple[float, ...], tuple[Any, ...], float, str | None]:
    """In a worker: what it measured, without the check, whose functions cannot be sent."""
    result = run_check(all_checks()[name])
    return tuple(figure.value for figure in result.figures), result.plots, result.seconds, result.error


def _side_by_side(checks: Sequence[Check], jobs: int, note: Callable[[Judged], None]) -> None:
    context = multiprocessing.get_context("spawn")
    with (
        single_threaded(),
        ProcessPoolExecutor(jobs, mp_context=context, initializer=end_with_parent) as pool,
    ):
        # The long ones first, so that none is left alone at the end.
        ordered = sorted(checks, key=lambda one: one.quick)
        waiting = {pool.submit(_by_name, one.name): one for one in ordered}
        try:
            while waiting:
                ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    one = waiting.pop(future)
                    try:
                        values, plots, seconds, error = future.result()
                    except BrokenProcessPool:
                        note(Judged(check=one, error="its process died; the system may have ended it for lack of "
                                                     "memory"))
                        continue
                    if error is not None:
                        note(Judged(check=one, seconds=seconds, error=error))
                        continue
                    figures = {bound.figure: value for bound, value in zip(one.bounds, values, strict=True)}
                    note(judge(one, Found(figures=figures, plots=plots), seconds))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
