"""The progress of a study and the cost of what is left: while it runs, after it was killed, from any machine.

Only files are read, and nothing is written. What runs.csv does not know yet is read from the runs themselves.

The cost of what is left is estimated from the runs of this very study that are done. Without any, a pilot is made: of
every scenario the design point in the middle is started and stepped for about a second, and what it would write is
measured, all in memory. Other points are estimated from that by their number of steps and sites. A tumor that grows
costs more with time, so this is a first guess, and the plan says so.
"""

from __future__ import annotations

import csv
import json
import math
import platform
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ..core import files
from ..core.errors import InputError
from ..core.units import MINUTES_PER_DAY
from ..runs.directory import SNAPSHOT_EFFORT
from ..runs.results import MANIFEST, SERIES
from ..runs.simulator import Simulator
from ..runs.walk import steps_until
from .directory import DONE, FAILED, FAILURES, PENDING, SESSION, SUMMARY, TIMINGS
from .results import StudyResults, read_study
from .study import Study

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["BEGUN", "Estimate", "StudyStatus", "estimate", "free_bytes", "mean_seconds", "reached", "study_status"]

BEGUN = "begun"  # begun and not ended: under way, or interrupted
_TAIL = 4096

PILOT_SECONDS, PILOT_STEPS = 1.0, 200
NOTES = 1600  # bytes of a run's manifest and of the note on its checkpoint
SAMPLED_RUNS = 20  # whose size is measured, where many are done


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """The progress of a study.

    scenarios: numbers of runs by scenario and status (done, failed, begun, pending). states: of the runs that are done,
    by scenario. begun_runs: the day each has reached. at_work: the machine on which a batch works on the study now, ""
    if none does. seconds_left: None if unknown.
    """

    directory: Path
    name: str
    title: str
    runs: int
    scenarios: dict[str, dict[str, int]]
    states: dict[str, dict[str, int]]
    failures: dict[str, str]
    begun_runs: dict[str, float]
    at_work: str
    workers: int
    seconds_left: float | None

    def total(self, what: str) -> int:
        """The number of runs with this status, over all scenarios."""
        return sum(one[what] for one in self.scenarios.values())

    @property
    def finished(self) -> bool:
        """Whether every run is done or has failed."""
        return self.total(DONE) + self.total(FAILED) == self.runs

    def to_json(self) -> dict[str, Any]:
        """The status as plain values, with the totals over all scenarios."""
        return {
            **asdict(self),
            "directory": str(self.directory),
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left, 1),
            **{what: self.total(what) for what in (DONE, FAILED, BEGUN, PENDING)},
        }


def study_status(directory: Path) -> StudyStatus:
    """The progress of a study. Raises InputError if `directory` is not the directory of a study."""
    results = read_study(directory)
    failed = {name: str(error) for name, error in _note(directory / FAILURES).items()}
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
    session = _note(directory / SESSION)
    at_work = _at_work(directory, session)
    workers = int(session.get("workers", 0)) if at_work else 0
    return StudyStatus(
        directory=directory,
        name=results.name,
        title=results.title,
        runs=len(results.runs),
        scenarios=counts,
        states=states,
        failures=failed,
        begun_runs=begun,
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
    """The mean duration of the finished runs of a study in seconds, by scenario."""
    spent: dict[str, list[float]] = {}
    try:
        with (directory / TIMINGS).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                spent.setdefault(row["scenario"], []).append(float(row["wall_seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: fmean(one) for name, one in spent.items()}


def _look(directory: Path) -> tuple[str, float, float]:
    """The status of a run (done, begun, pending), the day it has reached, and seconds a day (0 if unknown)."""
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
    """Seconds until the end with `workers` processes, None if unknown."""
    known = mean_seconds(results.directory)
    if not known and elapsed:
        known = dict.fromkeys(results.scenarios, fmean(elapsed) * results.days)
    if not known:
        return None
    typical = fmean(known.values())
    left = sum(
        (one[BEGUN] + one[PENDING]) * known.get(name, typical) for name, one in counts.items()
    ) - sum(known.get(place.split("/")[1], typical) * min(1.0, day / results.days) for place, day in begun.items())
    return max(0.0, left / workers)


def _note(path: Path) -> dict[str, Any]:
    """A file of notes, empty if it is missing or damaged."""
    try:
        return files.read_json(path)
    except InputError:
        return {}


def _at_work(directory: Path, session: dict[str, Any]) -> str:
    host = str(session.get("host", ""))
    if files.is_locked(directory):
        return host or platform.node()
    # A lock of another machine may not be seen from here; its note is all there is to go by.
    return host if session.get("id") and host != platform.node() else ""


# ---------------------------------------------------------------- what is left


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The cost of the runs that are left: seconds of one process and bytes on disk. `basis` is what it rests on."""

    runs: int
    seconds: float
    size: float
    basis: str


def estimate(study: Study, out: Path, simulator: Simulator) -> Estimate:
    """The cost of what is left of a study in `out`, which need not exist. Nothing is written."""
    there = read_study(out).runs if (out / SUMMARY).is_file() else []
    done = {row["directory"].relative_to(out).as_posix(): row["directory"] for row in there if row["status"] == DONE}
    left = [run for run in study.runs if run.directory not in done]
    known = mean_seconds(out) if done else {}
    if set(known) >= set(study.scenarios):
        paths = sorted(done.values())[:: max(1, len(done) // SAMPLED_RUNS)]
        size = sum(_size(path) for path in paths) / len(paths)
        return Estimate(
            runs=len(left),
            seconds=sum(known[run.scenario] for run in left),
            size=size * len(left),
            basis=f"the {len(done)} runs of this study that are done",
        )
    pilots = {name: _pilot(study, name, simulator) for name in study.scenarios}
    counts = Counter((run.scenario, run.point) for run in left)  # all seeds of a point cost the same
    costs = [(pilots[name][1](study.scenario(name, point)), count) for (name, point), count in counts.items()]
    steps = " and ".join(f"{steps} of {name}" for name, (steps, _) in pilots.items())
    return Estimate(
        runs=len(left),
        seconds=sum(seconds * count for (seconds, _), count in costs),
        size=sum(size * count for (_, size), count in costs),
        basis=f"a pilot (the first steps, measured now: {steps}); a growing tumor takes longer",
    )


def free_bytes(out: Path) -> int:
    """The number of free bytes on the disk of `out`, which need not exist."""
    place = out.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _pilot(study: Study, name: str, simulator: Simulator) -> tuple[int, Callable[[Scenario], tuple[float, float]]]:
    """The steps made in a scenario, and a function from a resolved scenario to the seconds and bytes of a run."""
    scenario = study.scenario(name, len(study.points) // 2)
    began = time.perf_counter()
    model = simulator.start(scenario, study.seeds[0])
    model.step()  # the first one may prepare things that later ones find ready
    start, steps = time.perf_counter() - began, 0
    began = time.perf_counter()
    while steps < PILOT_STEPS and time.perf_counter() - began < PILOT_SECONDS:
        model.step()
        steps += 1
    a_step = (time.perf_counter() - began) / steps
    began = time.perf_counter()
    measures = simulator.measure(model)
    a_step += (time.perf_counter() - began) / max(1.0, scenario.record.every / scenario.clock.dt)
    lines = {metric: len(f"0.08333333333333333,{metric},{value!r}\n") for metric, value in measures.items()}
    a_row = sum(lines.values()) + sum(lines[one] + len(f"12,{name},1,") for one in study.metrics if one in lines)
    a_picture = len(files.npz_bytes(simulator.snapshot(model), effort=SNAPSHOT_EFFORT))
    checkpoint = len(files.npz_bytes(model.state()))
    sites, minutes = math.prod(scenario.lattice.shape), study.days * MINUTES_PER_DAY

    def cost(of: Scenario) -> tuple[float, float]:
        ratio = math.prod(of.lattice.shape) / sites
        seconds = start + steps_until(study.days, of.clock.dt) * a_step * ratio
        rows, pictures = minutes // of.record.every + 2, minutes // of.record.snapshots + 2
        size = rows * a_row + (pictures * a_picture + checkpoint) * ratio
        return seconds, size + len(of.resolved_toml()) + NOTES

    return steps, cost


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
