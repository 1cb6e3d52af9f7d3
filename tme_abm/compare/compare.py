"""Scenarios side by side: the same seeds in each, the same days, and what differs with how much certainty.

Every (scenario, seed) is a run of its own in `runs/NAME/seed_NNN`. Scenarios share their seeds, and
randomness is addressed, so replicate k of one scenario meets the same chances as replicate k of another:
differences are taken in pairs. Runs that are there already are used again; those that were interrupted go
on. What is found is written to `comparison.json` (final metrics, states, contrasts) and `time_courses.json`
(means and bands over time).
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import files
from ..core.errors import InputError
from ..core.parallel import cores
from ..runs.pool import Task, Tell, run_all
from ..runs.results import MANIFEST, read_manifest
from ..runs.run import check_seed
from ..runs.simulator import Simulator, TumorSimulator
from ..runs.versions import versions
from .summary import SCHEMA, ByRun, contrasts, differences, inside, run_directory, summary, time_courses

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["COMPARISON", "Comparison", "check_jobs", "claim_directory", "compare", "conclude", "is_of_task"]

COMPARISON = "comparison.json"
TIME_COURSES = "time_courses.json"
RUNS = "runs"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What `comparison.json` holds, where it is, and which runs failed."""

    directory: Path
    content: Mapping[str, Any]

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Runs without a result: scenario, seed, error, directory."""
        return list(self.content["failures"])

    @property
    def finished(self) -> int:
        """How many runs there are results of."""
        return len(self.content["scenarios"]) * len(self.content["seeds"]) - len(self.failures)


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
    """Run every scenario with seeds `seed` … `seed + replicates − 1` and write what was found to `out`.

    `days` is by default the longest the scenarios ask for. `extra` is added to comparison.json. A run that
    fails is listed under `failures` and left out of the statistics.

    Raises:
        InputError: equal names, impossible numbers, or a directory that holds something else.
    """
    simulator = simulator or TumorSimulator()
    _check(scenarios, replicates, jobs)
    length = max(scenario.clock.days for scenario in scenarios) if days is None else days
    if not 0 < length < math.inf:
        raise InputError(f"a comparison lasts a positive number of days, not {length:g}", place="days")
    seeds = list(range(seed, seed + replicates))
    for number in (seeds[0], seeds[-1]):
        check_seed(number)
    began = time.monotonic()
    tasks = [
        Task(
            scenario=scenario,
            seed=number,
            days=float(length),
            out=run_directory(out, scenario.name, number),
            command=command,
            simulator=simulator,
            overwrite=overwrite,
        )
        for number in seeds  # seed by seed: an interrupted comparison has whole pairs
        for scenario in scenarios
    ]
    tasks = [_checked(task) for task in tasks]
    claim_directory(out)
    outcomes = run_all(tasks, jobs=jobs or cores(), tell=tell)
    by_run = {(task.scenario.name, task.seed): outcome for task, outcome in zip(tasks, outcomes, strict=True)}
    more = {"command": command, "jobs": jobs or cores(), "wall_seconds": round(time.monotonic() - began, 3)}
    return conclude(
        scenarios, seeds, by_run, out=out, days=float(length), simulator=simulator, extra={**more, **(extra or {})}
    )


def conclude(
    scenarios: Sequence[Scenario],
    seeds: Sequence[int],
    by_run: ByRun,
    *,
    out: Path,
    days: float,
    simulator: Simulator,
    extra: Mapping[str, Any],
) -> Comparison:
    """Write to `out` what the runs of all `scenarios` and `seeds`, wherever they are, say side by side."""
    summaries = {
        scenario.name: summary(scenario, seeds, by_run, out=out, days=days, simulator=simulator)
        for scenario in scenarios
    }
    content = {
        "schema": SCHEMA,
        "scenarios": summaries,
        "contrasts": contrasts(summaries),
        "differences": differences(scenarios),
        "days": days,
        "seeds": list(seeds),
        "failures": [
            {
                "scenario": name,
                "seed": seed,
                "error": outcome.error,
                "directory": inside(run_directory(out, name, seed), out),
            }
            for (name, seed), outcome in by_run.items()
            if outcome.error is not None
        ],
        "hashes": {scenario.name: scenario.hash for scenario in scenarios},
        "versions": versions(),
        **extra,
    }
    files.write_json(out / TIME_COURSES, time_courses(scenarios, seeds, by_run))
    files.write_json(out / COMPARISON, content)
    return Comparison(directory=out, content=content)


def _check(scenarios: Sequence[Scenario], replicates: int, jobs: int | None) -> None:
    if not scenarios:
        raise InputError("nothing to compare: name a scenario")
    twice = [name for name, count in Counter(scenario.name for scenario in scenarios).items() if count > 1]
    if twice:
        raise InputError(
            f"two scenarios are called '{twice[0]}', and their results could not be told apart; "
            f'give one another name (name = "..." at the top of its file)'
        )
    if replicates < 1:
        raise InputError(f"a comparison needs at least one replicate, not {replicates}", place="replicates")
    check_jobs(jobs)


def check_jobs(jobs: int | None) -> None:
    """Refuse a number of processes that is none."""
    if jobs is not None and jobs < 1:
        raise InputError(f"at least one process is needed, not {jobs}", place="jobs")


def _checked(task: Task) -> Task:
    """Refuse to touch a run that is not the one wanted, before any is begun; replace it only if told to."""
    if not (task.out / MANIFEST).exists():
        return task
    found = read_manifest(task.out)
    same = is_of_task(found, task)
    if not same and not task.overwrite:
        raise InputError(
            f"holds another run of '{found['scenario']}' (other values, another version of the model, or "
            "more days); replace it with --overwrite, or choose another directory with --out",
            file=task.out,
        )
    return replace(task, overwrite=False) if same else task


def is_of_task(manifest: Mapping[str, Any], task: Task) -> bool:
    """Whether a run is the one wanted or its beginning: same scenario, seed and model, and no more days."""
    return (
        manifest["scenario_hash"] == task.scenario.hash
        and manifest["seed"] == task.seed
        and manifest.get("model") == task.simulator.fingerprint()
        and bool(manifest["days"] <= task.days)
    )


def claim_directory(out: Path) -> None:
    """Make `out` the directory of a comparison, or refuse if it holds something else or cannot be written."""
    with files.disk_errors(out, "use the directory"):
        if out.exists() and not out.is_dir():
            raise InputError("is a file, and a comparison needs a directory", file=out)
        there = {item.name for item in out.iterdir()} if out.exists() else set()
    if there and not there & {RUNS, COMPARISON}:
        raise InputError("the directory is not empty and holds no comparison; choose another with --out", file=out)
    with files.disk_errors(out, "create the directory"):
        (out / RUNS).mkdir(parents=True, exist_ok=True)
    probe = out / ".writable"
    files.write_bytes(probe, b"")  # better to learn now than after an hour that nothing can be written
    probe.unlink(missing_ok=True)
