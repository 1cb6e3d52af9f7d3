"""What a set of finished runs says: states, final metrics, contrasts, time courses.

Everything here is made from results and from nothing else, and comes out as plain values for JSON. Lists are
in the order of the seeds; a run that failed leaves None in its place, so that pairs stay pairs.
"""

from __future__ import annotations

import itertools
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..runs.pool import Outcome
from ..runs.results import read_series
from ..runs.run import RunResult
from ..runs.simulator import Simulator
from .statistics import mean_interval, paired_correlation, paired_difference

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["STATES", "ByRun", "contrasts", "differences", "inside", "run_directory", "summary", "time_courses"]

SCHEMA = 1
STATES = ("hot", "cold", "excluded")
EARLY_DAY = 5.0  # states are reported here too, on the way to the last day

ByRun = Mapping[tuple[str, int], Outcome]


def summary(
    scenario: Scenario, seeds: Sequence[int], by_run: ByRun, *, out: Path, days: float, simulator: Simulator
) -> dict[str, Any]:
    """One scenario's entry: states, metrics at the last day, and its runs; lists are in the order of the
    seeds."""
    outcomes = [by_run[scenario.name, seed] for seed in seeds]
    results = [outcome.result for outcome in outcomes]
    last = [None if result is None else result.state for result in results]
    states = {f"{days:g}": last}
    if days > EARLY_DAY:
        states = {f"{EARLY_DAY:g}": [_state_at(result, EARLY_DAY, simulator) for result in results]} | states
    names = dict.fromkeys(name for result in results if result is not None for name in result.measures)
    counts = Counter(state for state in last if state is not None)
    return {
        "state": {state: counts[state] for state in STATES},
        "unclassified": sum(count for state, count in counts.items() if state not in STATES),
        "failed": sum(result is None for result in results),
        "states": states,
        "metrics": {name: _metric([_value(result, name) for result in results]) for name in names},
        "runs": [
            {
                "seed": seed,
                "directory": inside(_place(outcome, run_directory(out, scenario.name, seed)), out),
                "status": "failed" if outcome.result is None else "done",
                "error": outcome.error,
            }
            for seed, outcome in zip(seeds, outcomes, strict=True)
        ],
        "title": scenario.title,
        "description": scenario.description,
        "hash": scenario.hash,
        "resolved": scenario.resolved_toml(),
    }


def _place(outcome: Outcome, planned: Path) -> Path:
    return planned if outcome.result is None else outcome.result.directory


def _state_at(result: RunResult | None, day: float, simulator: Simulator) -> str | None:
    row = None if result is None else read_series(result.directory).row(day)
    return None if row is None else simulator.classify(row)


def _value(result: RunResult | None, metric: str) -> float | None:
    value = None if result is None else result.measures.get(metric)
    return value if value is not None and math.isfinite(value) else None


def _metric(values: list[float | None]) -> dict[str, Any]:
    estimate = mean_interval(values)
    return {"mean": estimate.mean, "ci95": estimate.interval, "values": values}


def contrasts(summaries: Mapping[str, Any]) -> list[dict[str, Any]]:
    """a − b for every pair of scenarios and every metric both have."""
    found = []
    for a, b in itertools.combinations(summaries, 2):
        theirs = summaries[b]["metrics"]
        for metric, mine in summaries[a]["metrics"].items():
            if metric in theirs:
                pair = mine["values"], theirs[metric]["values"]
                difference = paired_difference(*pair)
                found.append(
                    {
                        "a": a,
                        "b": b,
                        "metric": metric,
                        "difference": difference.mean,
                        "ci95": difference.interval,
                        "paired_correlation": paired_correlation(*pair),
                    }
                )
    return found


def differences(scenarios: Sequence[Scenario]) -> list[dict[str, str]]:
    """What every pair of scenarios differs in: dotted key, and both values as text."""
    return [
        {"a": a.name, "b": b.name, "key": key, "a_value": mine, "b_value": theirs}
        for a, b in itertools.combinations(scenarios, 2)
        for key, mine, theirs in a.differences(b)
    ]


def time_courses(scenarios: Sequence[Scenario], seeds: Sequence[int], by_run: ByRun) -> dict[str, Any]:
    """Per scenario the times and per metric the mean and its 95 % band at each of them."""
    courses: dict[str, Any] = {}
    for scenario in scenarios:
        results = [by_run[scenario.name, seed].result for seed in seeds]
        series = [read_series(result.directory) for result in results if result is not None]
        times = series[0].times if series else np.empty(0)
        metrics: dict[str, dict[str, list[float | None]]] = {}
        for name in dict.fromkeys(name for one in series for name in one.metrics):
            table = np.array([one.metrics.get(name, np.full(times.size, np.nan)) for one in series])
            bands = [mean_interval(column) for column in table.T]
            metrics[name] = {
                "mean": [band.mean for band in bands],
                "low": [band.low for band in bands],
                "high": [band.high for band in bands],
            }
        courses[scenario.name] = {"days": times.tolist(), "metrics": metrics}
    return {"schema": SCHEMA, "scenarios": courses}


def run_directory(out: Path, name: str, seed: int) -> Path:
    """Where a comparison in `out` keeps one of its runs."""
    return out / "runs" / name / f"seed_{seed:03d}"


def inside(path: Path, directory: Path) -> str:
    """A path as it is written in a file of `directory`, so that the whole can be moved."""
    if path.is_relative_to(directory):
        return path.relative_to(directory).as_posix()
    return Path(os.path.relpath(path, directory)).as_posix()
