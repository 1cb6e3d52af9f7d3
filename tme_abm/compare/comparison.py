"""A comparison: the results of arms side by side, and their differences with intervals.

`conclude` computes it from the runs of every arm and seed and writes it, `read_comparison` reads it back.
`comparison.json` holds states, final metrics, contrasts and where the runs are; `time_courses.json` holds means and
bands over time. Values are in the order of the seeds. A run without a result leaves a gap in its place (NaN, in the
files null), so that pairs stay pairs.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core import files
from ..core.errors import InputError
from ..observe.state import STATES
from ..runs.fingerprint import versions
from ..runs.results import Series, list_snapshots, read_series
from ..runs.simulator import Simulator
from .statistics import mean_interval, paired_correlation, paired_difference

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = [
    "COMPARISON", "Comparison", "Contrast", "Course", "Interval", "Run", "Summary", "Tumor",
    "conclude", "contrasts", "read_comparison", "run_directory",
]  # fmt: skip

SCHEMA = 1
COMPARISON = "comparison.json"
TIME_COURSES = "time_courses.json"
RUNS = "runs"
SIDES = ("mean", "low", "high")  # of a course
EARLY_DAY = 5.0  # states are reported here too, on the way to the last day

Interval = tuple[float, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One metric of one arm at the last day: mean over the runs, 95 % interval (None without one), value by seed."""

    mean: float
    ci95: Interval | None
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """The summary of the values of all runs; what is not finite counts as missing."""
        found = mean_interval(values)
        kept = tuple(value if math.isfinite(value) else math.nan for value in values)
        return cls(mean=_number(found.mean), ci95=found.interval, values=kept)


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """The paired difference a − b in one metric at the last day."""

    a: str
    b: str
    metric: str
    difference: float
    ci95: Interval | None
    paired_correlation: float | None


@dataclass(frozen=True, kw_only=True)
class Course:
    """One metric of one arm over time: days, mean and 95 % band, each (n,), NaN where it cannot be computed."""

    days: Floats
    mean: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, days: Floats, table: Floats) -> Course:
        """The course of `table` (runs, n)."""
        bands = [mean_interval(column) for column in table.T]
        sides = {side: np.array([_number(getattr(one, side)) for one in bands]) for side in SIDES}
        return cls(days=days, **sides)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of an arm: its directory, and why it has no result ("" if it has one)."""

    scenario: str
    seed: int
    directory: Path
    error: str = ""

    @property
    def finished(self) -> bool:
        """Whether the run has a result."""
        return not self.error

    @property
    def status(self) -> str:
        """"done" or "failed"."""
        return "done" if self.finished else "failed"

    @cached_property
    def snapshots(self) -> dict[float, Path]:
        """The files of the pictures of the tissue, by day."""
        return dict(list_snapshots(self.directory))


@dataclass(frozen=True, kw_only=True)
class Tumor:
    """One arm. `states_by_day` holds the state of each run on the last day and possibly earlier, "" if unknown."""

    name: str
    title: str
    description: str
    hash: str
    resolved: str
    states_by_day: Mapping[float, tuple[str, ...]]
    metrics: Mapping[str, Summary]
    courses: Mapping[str, Course]
    runs: tuple[Run, ...]
    packs: Mapping[str, str] = field(default_factory=dict)

    @property
    def states(self) -> Counter[str]:
        """The number of runs that ended in each state."""
        return Counter(filter(None, list(self.states_by_day.values())[-1]))

    @property
    def earlier(self) -> dict[float, Counter[str]]:
        """The number of runs in each state on earlier days."""
        return {day: Counter(filter(None, found)) for day, found in list(self.states_by_day.items())[:-1]}

    @property
    def replicates(self) -> int:
        """The number of runs with a result."""
        return sum(run.finished for run in self.runs)

    @property
    def failed(self) -> int:
        """The number of runs without a result."""
        return len(self.runs) - self.replicates

    @property
    def unclassified(self) -> int:
        """The number of runs that ended without a state: tumor cells too few, or without a core."""
        return sum(count for state, count in self.states.items() if state not in STATES)

    def content(self, directory: Path) -> dict[str, Any]:
        """The entry of the arm in the comparison.json of `directory`."""
        return {
            "state": {state: self.states[state] for state in STATES},
            "unclassified": self.unclassified,
            "failed": self.failed,
            "states": {f"{day:g}": [state or None for state in found] for day, found in self.states_by_day.items()},
            "metrics": files.plain(self.metrics),
            "runs": [
                {
                    "seed": run.seed,
                    "directory": _inside(run.directory, directory),
                    "status": run.status,
                    "error": run.error or None,
                }
                for run in self.runs
            ],
            "title": self.title,
            "description": self.description,
            "hash": self.hash,
            **({"packs": dict(self.packs)} if self.packs else {}),
            "resolved": self.resolved,
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The results of a comparison. `differences`: values in which scenarios differ, by pair. `extra`: its origin."""

    directory: Path
    tumors: Mapping[str, Tumor]
    contrasts: tuple[Contrast, ...]
    differences: tuple[Mapping[str, str], ...]
    days: float
    seeds: tuple[int, ...]
    versions: Mapping[str, str]
    extra: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The arms, in the order they were given."""
        return tuple(self.tumors)

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, seed by seed."""
        return tuple(itertools.chain.from_iterable(zip(*(one.runs for one in self.tumors.values()), strict=True)))

    @property
    def failures(self) -> tuple[Run, ...]:
        """The runs without a result."""
        return tuple(run for run in self.runs if not run.finished)

    @property
    def partings(self) -> tuple[float, ...]:
        """The days on which the arms branched from one tissue; empty if they did not."""
        return tuple(float(day) for day in self.extra.get("branched", {}).get("days", ()))

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The cell types that were counted, in the order they were recorded."""
        metrics = [metric for tumor in self.tumors.values() for metric in tumor.metrics]
        counts = (m for m in metrics if m.endswith(" cells") and not m.startswith("dead "))
        return tuple(dict.fromkeys(metric.removesuffix(" cells") for metric in counts))

    @cached_property
    def content(self) -> dict[str, Any]:
        """The content of comparison.json."""
        return {
            "schema": SCHEMA,
            "scenarios": {name: tumor.content(self.directory) for name, tumor in self.tumors.items()},
            "contrasts": files.plain(self.contrasts),
            "differences": list(self.differences),
            "days": self.days,
            "seeds": list(self.seeds),
            "failures": [
                {
                    "scenario": run.scenario,
                    "seed": run.seed,
                    "error": run.error,
                    "directory": _inside(run.directory, self.directory),
                }
                for run in self.failures
            ],
            "hashes": {name: tumor.hash for name, tumor in self.tumors.items()},
            "versions": dict(self.versions),
            **self.extra,
        }

    def write(self) -> None:
        """Write both files. Raises InputError if the disk refuses."""
        courses: dict[str, Any] = {
            name: {
                "days": next((course.days for course in tumor.courses.values()), []),
                "metrics": {
                    metric: {side: getattr(course, side) for side in SIDES} for metric, course in tumor.courses.items()
                },
            }
            for name, tumor in self.tumors.items()
        }
        files.write_json(self.directory / TIME_COURSES, {"schema": SCHEMA, "scenarios": files.plain(courses)})
        files.write_json(self.directory / COMPARISON, self.content)


# ---------------------------------------------------------------- from runs to a comparison


def conclude(
    scenarios: Sequence[Scenario],
    runs: Sequence[Run],
    *,
    out: Path,
    days: float,
    simulator: Simulator,
    command: str,
    began: float,
    jobs: int = 0,
    extra: Mapping[str, Any] | None = None,
) -> Comparison:
    """Compare `scenarios` by their `runs`, which have the same seeds in the same order, and write the result to `out`.

    `began` is the time.monotonic() at which the work began; `extra` is added to comparison.json.
    """
    tumors = {
        one.name: _tumor(one, [run for run in runs if run.scenario == one.name], days, simulator) for one in scenarios
    }
    found = Comparison(
        directory=out,
        tumors=tumors,
        contrasts=contrasts(tumors),
        differences=tuple(
            {"a": a.name, "b": b.name, "key": key, "a_value": mine, "b_value": theirs}
            for a, b in itertools.combinations(scenarios, 2)
            for key, mine, theirs in a.differences(b)
        ),
        days=days,
        seeds=tuple(dict.fromkeys(run.seed for run in runs)),
        versions=versions(),
        extra={
            "command": command,
            "jobs": jobs,
            "wall_seconds": round(time.monotonic() - began, 3),
            **(extra or {}),
        },
    )
    found.write()
    return found


def run_directory(out: Path, name: str, seed: int) -> Path:
    """The directory of a run of a comparison in `out`."""
    return out / RUNS / name / f"seed_{seed:03d}"


def _tumor(scenario: Scenario, runs: Sequence[Run], days: float, simulator: Simulator) -> Tumor:
    series = [read_series(run.directory) if run.finished else None for run in runs]
    last = [{} if one is None else one.last() for one in series]
    states = {days: tuple(simulator.classify(row) if row else "" for row in last)}
    if days > EARLY_DAY:
        early = [None if one is None else one.row(EARLY_DAY) for one in series]
        states = {EARLY_DAY: tuple(simulator.classify(row) if row else "" for row in early)} | states
    names = dict.fromkeys(name for row in last for name in row)
    return Tumor(
        name=scenario.name,
        title=scenario.title,
        description=scenario.description,
        hash=scenario.hash,
        packs=scenario.pack_hashes,
        resolved=scenario.resolved_toml(),
        states_by_day=states,
        metrics={name: Summary.of([row.get(name, math.nan) for row in last]) for name in names},
        courses=_courses([one for one in series if one is not None]),
        runs=tuple(runs),
    )


def _courses(series: Sequence[Series]) -> dict[str, Course]:
    courses = {}
    for name in dict.fromkeys(name for one in series for name in one.metrics):
        days = series[0].times
        table = np.array([one.metrics.get(name, np.full(days.size, np.nan)) for one in series])
        courses[name] = Course.of(days, table)
    return courses


def contrasts(tumors: Mapping[str, Tumor]) -> tuple[Contrast, ...]:
    """a − b for every pair of arms and every metric that both have."""
    found = []
    for a, b in itertools.combinations(tumors.values(), 2):
        for metric in (name for name in a.metrics if name in b.metrics):
            pair = a.metrics[metric].values, b.metrics[metric].values
            difference = paired_difference(*pair)
            found.append(
                Contrast(
                    a=a.name,
                    b=b.name,
                    metric=metric,
                    difference=_number(difference.mean),
                    ci95=difference.interval,
                    paired_correlation=paired_correlation(*pair),
                )
            )
    return tuple(found)


def _inside(path: Path, directory: Path) -> str:
    """A path relative to `directory`, so that the whole can be moved."""
    return Path(os.path.relpath(path, directory)).as_posix()


# ---------------------------------------------------------------- from the files to a comparison


def read_comparison(directory: Path) -> Comparison:
    """The comparison in a directory. Raises InputError if `directory` holds no comparison."""
    source = directory / COMPARISON
    raw = files.read_json(source)
    try:
        if raw["schema"] != SCHEMA:
            raise InputError(f"was written in format {raw['schema']}; this version reads {SCHEMA}", file=source)
        courses = files.read_json(directory / TIME_COURSES)["scenarios"]
        known = {"schema", "scenarios", "contrasts", "differences", "days", "seeds", "failures", "hashes", "versions"}
        return Comparison(
            directory=directory,
            tumors={name: _read_tumor(directory, name, one, courses[name]) for name, one in raw["scenarios"].items()},
            contrasts=tuple(
                Contrast(**one | {"difference": _number(one["difference"]), "ci95": _interval(one["ci95"])})
                for one in raw["contrasts"]
            ),
            differences=tuple(raw["differences"]),
            days=raw["days"],
            seeds=tuple(raw["seeds"]),
            versions=raw["versions"],
            extra={key: value for key, value in raw.items() if key not in known},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"is not a comparison ({type(error).__name__}: {error})", file=source) from error


def _read_tumor(directory: Path, name: str, entry: Mapping[str, Any], timed: Mapping[str, Any]) -> Tumor:
    days = np.array(timed["days"], dtype=np.float64)
    return Tumor(
        name=name,
        **{key: entry[key] for key in ("title", "description", "hash", "resolved")},
        packs=entry.get("packs", {}),
        states_by_day={float(day): tuple(one or "" for one in found) for day, found in entry["states"].items()},
        metrics={
            metric: Summary(
                mean=_number(one["mean"]), ci95=_interval(one["ci95"]), values=tuple(map(_number, one["values"]))
            )
            for metric, one in entry["metrics"].items()
        },
        courses={
            metric: Course(days=days, **{side: np.array(one[side], dtype=np.float64) for side in SIDES})
            for metric, one in timed["metrics"].items()
        },
        runs=tuple(
            Run(scenario=name, seed=one["seed"], directory=directory / one["directory"], error=one["error"] or "")
            for one in entry["runs"]
        ),
    )


def _interval(raw: Sequence[float] | None) -> Interval | None:
    return None if raw is None else (raw[0], raw[1])


def _number(raw: float | None) -> float:
    return math.nan if raw is None else float(raw)
