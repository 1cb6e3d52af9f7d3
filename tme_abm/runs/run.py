"""Simulate a scenario into a directory, and go on after any interruption.

`run` begins, `resume` goes on. Both take the same steps and write at the same ones, so a run that was killed and
resumed ends in the same bytes as one that was not, and a run that is made longer is the same as one that was longer
from the start. A run is resumed only with the same scenario, seed and model. `run_all` simulates many runs, each in a
process of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import files, parallel
from ..core.errors import InputError
from ..core.parallel import Workers, report
from ..scenario import Scenario, load
from .directory import RunDirectory
from .fingerprint import versions
from .results import MANIFEST, RESOLVED, SERIES, read_manifest, read_series
from .simulator import Simulator, or_tumor
from .walk import Callback, Walk, new_manifest, steps_until

__all__ = [
    "Outcome",
    "RunResult",
    "Task",
    "Tell",
    "begun_with",
    "changed_since",
    "check_seed",
    "checked_days",
    "is_finished",
    "result_of",
    "result_of_task",
    "resume",
    "run",
    "run_all",
]

logger = logging.getLogger(__name__)

LONGEST = 100_000  # days: further than a lifetime
SEEDS = 2**64  # a draw is hashed from a word of 64 bits


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A finished run: where it is, and its last row."""

    directory: Path
    scenario: str
    seed: int
    days: float
    steps: int
    measures: dict[str, float]
    state: str
    wall_seconds: float
    resumed_from: int | None = None


def run(
    scenario: Scenario,
    *,
    out: Path,
    seed: int = 1,
    days: float | None = None,
    command: str = "",
    overwrite: bool = False,
    progress: Callback | None = None,
    simulator: Simulator | None = None,
) -> RunResult:
    """Simulate `scenario` for `days` (by default its own) into the directory `out`; 0 days are the tissue at the start.

    Raises:
        InputError: the scenario, seed, length or directory cannot be used, or the disk cannot be written.
        RunFailed: the simulation failed.
    """
    simulator = or_tumor(simulator)
    check_seed(seed)
    RunDirectory.check_free(out, overwrite=overwrite)
    days = checked_days(scenario.clock.days if days is None else days, or_none=True)
    model = simulator.start(scenario, seed)  # before anything is written: it may refuse the scenario
    manifest = new_manifest(scenario, seed=seed, days=days, command=command, simulator=simulator)
    directory = RunDirectory.create(out, manifest=manifest, resolved=scenario.resolved_toml(), overwrite=overwrite)
    with directory.locked():
        Walk(scenario, directory, simulator, progress).go(model, step=0)
    return result_of(out, simulator)


def resume(
    out: Path,
    *,
    scenario: Scenario | None = None,
    seed: int | None = None,
    days: float | None = None,
    progress: Callback | None = None,
    simulator: Simulator | None = None,
) -> RunResult:
    """Go on with the run in `out`, from its last undamaged checkpoint to its end or to a later `days`.

    A finished run is only read. `scenario` and `seed`, if given, must be those of the run.

    Raises:
        InputError: `out` is not a run, has another scenario, seed or model, or is longer than `days`.
        RunFailed: the simulation failed.
    """
    simulator = or_tumor(simulator)
    directory = RunDirectory.open(out)
    manifest = directory.manifest
    if scenario is not None and scenario.hash != manifest["scenario_hash"]:
        raise InputError(
            f"holds a run of another scenario ({manifest['scenario']}, {manifest['scenario_hash'][:8]}), "
            f"not of the one asked for ({scenario.hash[:8]})",
            file=out,
        )
    stored = begun_with(directory, simulator)
    if seed is not None and seed != manifest["seed"]:
        raise InputError(f"holds a run with seed {manifest['seed']}, not {seed}", file=out)
    days = checked_days(manifest["days"] if days is None else days, or_none=True)
    if days < manifest["days"]:
        raise InputError(f"the run is of {manifest['days']:g} days and cannot end at {days:g}", file=out)
    with directory.locked():
        if is_finished(out, scenario=stored, seed=manifest["seed"], days=days, simulator=simulator):
            return result_of(out, simulator)
        if manifest.get("versions") != versions():
            logger.warning("%s was begun with other versions; the last digits may differ", out)
        checkpoint = directory.restore()
        if checkpoint is None:
            if manifest.get("branched_from"):
                raise InputError("has lost the state it branched from; branch again with --overwrite", file=out)
            logger.warning("%s: no checkpoint to go on from; starting at day 0", out)
            model, step = simulator.start(stored, manifest["seed"]), 0
        else:
            model, step = simulator.resume(stored, manifest["seed"], checkpoint.arrays), checkpoint.step
        directory.update_manifest(
            days=days,
            steps=steps_until(days, stored.clock.dt),
            status="running",
            error=None,
            resumed=int(manifest.get("resumed", 0)) + 1,
        )
        Walk(stored, directory, simulator, progress).go(model, step=step)
    return result_of(out, simulator, resumed_from=step)


def begun_with(directory: RunDirectory, simulator: Simulator) -> Scenario:
    """The scenario of a run, to go on with it. Raises InputError if it was begun with another version of the model."""
    # The fingerprint first: a catalogue that has changed since may no longer have the names in the stored scenario.
    if simulator.fingerprint() != directory.manifest.get("model"):
        raise changed_since(directory.path)
    scenario = load(directory.path / RESOLVED)
    if scenario.hash != directory.manifest["scenario_hash"]:
        raise changed_since(directory.path)
    return scenario


def is_finished(out: Path, *, scenario: Scenario, seed: int, days: float, simulator: Simulator | None = None) -> bool:
    """Whether `out` holds this run, done and undamaged."""
    expected = {
        "status": "done",
        "scenario_hash": scenario.hash,
        "model": or_tumor(simulator).fingerprint(),
        "seed": seed,
        "days": days,
    }
    try:
        manifest = read_manifest(out)
        series = (out / SERIES).read_bytes()
    except (InputError, OSError):
        return False
    found = {key: manifest.get(key) for key in expected}
    return found == expected and files.sha256(series) == manifest.get("series_sha256")


def result_of(out: Path, simulator: Simulator | None = None, *, resumed_from: int | None = None) -> RunResult:
    """The result of a finished run, read from its directory."""
    manifest = read_manifest(out)
    measures = read_series(out).last()
    return RunResult(
        directory=out,
        scenario=manifest["scenario"],
        seed=manifest["seed"],
        days=manifest["days"],
        steps=manifest["steps"],
        measures=measures,
        state=or_tumor(simulator).classify(measures),
        wall_seconds=manifest["wall_seconds"],
        resumed_from=resumed_from,
    )


def changed_since(out: Path) -> InputError:
    """The InputError that the run in `out` was begun with another version of the model."""
    return InputError(
        "was begun with another version of the model or its biology, and going on would mix the two; "
        "begin it again (--overwrite, or another --out)",
        file=out,
    )


def checked_days(days: float, *, or_none: bool = False) -> float:
    """The length of a run. Raises InputError if `days` is not positive (with `or_none`, 0 is no error), or more than a
    run could ever reach."""
    if not (0 < days <= LONGEST or (or_none and days == 0)):
        lasts = f"a positive number of days{' (or 0, to be planted only)' if or_none else ''}, at most {LONGEST:,}"
        raise InputError(f"a run lasts {lasts}, not {days:g}", place="days")
    return float(days)


def check_seed(seed: int) -> None:
    """Raises InputError if `seed` is too large or negative."""
    if not 0 <= seed < SEEDS:
        raise InputError(f"a seed lies between 0 and {SEEDS - 1}, not at {seed}", place="seed")


# ---------------------------------------------------------------- many runs


Outcome = parallel.Outcome[RunResult]
Tell = Callable[[Sequence[float], int], None]
"""Called with the day that each run has reached (−1: not begun) and the number of runs that have ended."""

_NOT_BEGUN = -1.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """One run to be simulated: its scenario, seed, length, directory and model."""

    scenario: Scenario
    seed: int
    days: float
    out: Path
    command: str
    simulator: Simulator
    overwrite: bool = False


def run_all(tasks: Sequence[Task], *, jobs: int, tell: Tell | None = None) -> list[Outcome]:
    """The outcome of every task, in the order of the tasks; `jobs` processes work at a time."""
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


def result_of_task(task: Task, progress: Callback) -> RunResult:
    """The result of a task: its run is read if it is finished, else resumed, else begun."""
    same: dict[str, Any] = {"seed": task.seed, "days": task.days, "simulator": task.simulator}
    if is_finished(task.out, scenario=task.scenario, **same):
        return result_of(task.out, task.simulator)
    if (task.out / MANIFEST).exists() and not task.overwrite:
        return resume(task.out, scenario=task.scenario, progress=progress, **same)
    return run(
        task.scenario, out=task.out, command=task.command, overwrite=task.overwrite, progress=progress, **same
    )
