"""How far a study is, seen from outside: while it runs, after it was killed, on the machine or on another.

Only files are read, and nothing is written. What runs.csv does not know yet is asked of the runs themselves.
"""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..core import files
from ..core.errors import InputError
from ..runs.results import MANIFEST, SERIES
from .directory import DONE, FAILED, FAILURES, PENDING, SESSION, TIMINGS
from .results import StudyResults, read_study

__all__ = ["BEGUN", "StudyStatus", "mean_seconds", "reached", "study_status"]

BEGUN = "begun"  # begun and not ended: under way, or interrupted
_TAIL = 4096


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """What `status` tells.

    counts: runs by scenario and what they are (done, failed, begun, pending). states: of the runs that are done, by
    scenario. at_work: on which machine a batch works on it now, "" if none does. seconds_left: None if unknown.
    """

    directory: Path
    name: str
    title: str
    runs: int
    counts: dict[str, dict[str, int]]
    states: dict[str, dict[str, int]]
    failures: dict[str, str]
    begun: dict[str, float]
    at_work: str
    workers: int
    seconds_left: float | None

    def total(self, what: str) -> int:
        """Over all scenarios."""
        return sum(one[what] for one in self.counts.values())

    @property
    def finished(self) -> bool:
        """Is there nothing left to do, but perhaps to try failed runs again?"""
        return self.total(DONE) + self.total(FAILED) == self.runs

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "directory": str(self.directory),
            "name": self.name,
            "title": self.title,
            "runs": self.runs,
            **{what: self.total(what) for what in (DONE, FAILED, BEGUN, PENDING)},
            "scenarios": self.counts,
            "states": self.states,
            "failures": self.failures,
            "begun_runs": self.begun,
            "at_work": self.at_work,
            "workers": self.workers,
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left, 1),
        }


def study_status(directory: Path) -> StudyStatus:
    """How far the study in a directory is. Raises InputError where there is none."""
    results = read_study(directory)
    failed = _failures(directory)
    counts = {name: dict.fromkeys((DONE, FAILED, BEGUN, PENDING), 0) for name in results.scenarios}
    states: dict[str, dict[str, int]] = {name: {} for name in results.scenarios}
    begun: dict[str, float] = {}
    elapsed: list[float] = []
    for row in results.runs:
        place = row["directory"].relative_to(directory).as_posix()
        what = row["status"]
        if what != DONE:
            what, day, a_day = _look(row["directory"])
            what = FAILED if place in failed and what != DONE else what
            if what == BEGUN:
                begun[place] = day
                elapsed += [a_day] if a_day else []
        else:
            states[row["scenario"]][row["state"]] = states[row["scenario"]].get(row["state"], 0) + 1
        counts[row["scenario"]][what] += 1
    session = _session(directory)
    at_work = _at_work(directory, session)
    workers = int(session.get("workers", 0)) if at_work else 0
    return StudyStatus(
        directory=directory,
        name=results.name,
        title=results.title,
        runs=len(results.runs),
        counts=counts,
        states=states,
        failures=failed,
        begun=begun,
        at_work=at_work,
        workers=workers,
        seconds_left=_left(results, counts, begun, elapsed, int(session.get("workers", 0)) or 1),
    )


def reached(directory: Path) -> float:
    """The day up to which a run is on disk, 0 if it has not begun."""
    try:
        with (directory / SERIES).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            return float(file.read().decode(errors="replace").splitlines()[-1].split(",", 1)[0])
    except (OSError, ValueError, IndexError):
        return 0.0


def mean_seconds(directory: Path) -> dict[str, float]:
    """The mean length of the finished runs of a study on the clock of the wall, by scenario."""
    spent: dict[str, list[float]] = {}
    try:
        with (directory / TIMINGS).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                spent.setdefault(row["scenario"], []).append(float(row["wall_seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: sum(one) / len(one) for name, one in spent.items()}


def _look(directory: Path) -> tuple[str, float, float]:
    """Whether a run is done or begun, the day it has reached, and seconds a day if that can be told."""
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
        if manifest["status"] == "done":
            return DONE, float(manifest["days"]), 0.0
        day = reached(directory)
        since = (datetime.now(UTC) - datetime.fromisoformat(manifest["started"])).total_seconds()
        return BEGUN, day, since / day if day > 0 and not manifest.get("resumed") else 0.0
    except (OSError, ValueError, KeyError, TypeError):
        return PENDING, 0.0, 0.0


def _left(
    results: StudyResults,
    counts: dict[str, dict[str, int]],
    begun: dict[str, float],
    elapsed: list[float],
    workers: int,
) -> float | None:
    """Seconds until the end, if those who work on it are as many as now (or as they were)."""
    known = mean_seconds(results.directory)
    if not known and elapsed:
        known = dict.fromkeys(results.scenarios, _mean(elapsed) * results.days)
    if not known:
        return None
    typical = _mean(known.values())
    left = sum(
        (one[BEGUN] + one[PENDING]) * known.get(name, typical) for name, one in counts.items()
    ) - sum(known.get(place.split("/")[1], typical) * min(1.0, day / results.days) for place, day in begun.items())
    return max(0.0, left / workers)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _failures(directory: Path) -> dict[str, str]:
    try:
        return {name: str(error) for name, error in files.read_json(directory / FAILURES).items()}
    except InputError:
        return {}


def _session(directory: Path) -> dict[str, Any]:
    try:
        return files.read_json(directory / SESSION)
    except InputError:
        return {}


def _at_work(directory: Path, session: dict[str, Any]) -> str:
    host = str(session.get("host", ""))
    if files.is_locked(directory):
        return host or platform.node()
    # A lock of another machine may not be seen from here; its note is all there is to go by.
    return host if session.get("id") and host != platform.node() else ""
