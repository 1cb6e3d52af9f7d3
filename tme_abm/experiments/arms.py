"""Arms: several ways in which the same tissues go on, side by side; and a comparison of runs that are there already.

An arms file names the arms and what each does from the branching on. Every arm goes on from every checkpoint given,
one a seed, so that the twins of a seed share their past and a difference between arms is one of pairs. What has
been walked is used again. Runs that were made one by one are compared in the same way, by scenario and seed, without
simulating anything.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputError
from .arms_file import Arm, read_arms
from .branch import BranchPoint, branch_scenario, prepare
from .compare import Comparison, check_jobs, claim_directory, conclude, cores
from .pool import Outcome, Task, Tell, run_all
from .results import CHECKPOINTS, MANIFEST, RESOLVED, read_manifest
from .run import changed_since, checked_days, result_of
from .simulator import Simulator, TumorSimulator
from .summary import run_directory

if TYPE_CHECKING:
    from ..scenario import Scenario

__all__ = ["compare_arms", "compare_runs", "read_arms"]

_SEED_DIRECTORY = re.compile(r"seed_\d+")


def compare_arms(
    points: Sequence[BranchPoint],
    arms: Sequence[Arm],
    *,
    out: Path,
    days: float | None = None,
    jobs: int | None = None,
    command: str = "",
    overwrite: bool = False,
    tell: Tell | None = None,
    simulator: Simulator | None = None,
) -> Comparison:
    """Let every arm go on from every point and write what was found to `out`, as `compare` does for scenarios.

    `days` is by default the longest the arms ask for.

    Raises:
        InputError: points that do not belong together, an arm that changes the past, or a directory in the way.
    """
    simulator = simulator or TumorSimulator()
    began = time.monotonic()
    check_jobs(jobs)
    points = sorted(points, key=lambda point: point.seed)
    _check_points(points)
    scenarios = [_scenario_of(arm, points[0]) for arm in arms]
    length = checked_days(max(scenario.clock.days for scenario in scenarios) if days is None else days)
    tasks = [
        (point, Task(
            scenario=scenario,
            seed=point.seed,
            days=length,
            out=run_directory(out, scenario.name, point.seed),
            command=command,
            simulator=simulator,
        ))
        for point in points
        for scenario in scenarios
    ]  # fmt: skip
    wanted = [(point, task) for point, task in tasks if not _is_there(point, task, overwrite=overwrite)]
    claim_directory(out)
    for point, task in wanted:
        prepare(
            point, task.scenario, out=task.out, days=length, command=command, overwrite=True, simulator=simulator
        )
    outcomes = run_all([task for _, task in tasks], jobs=jobs or cores(), tell=tell)
    return conclude(
        scenarios,
        [point.seed for point in points],
        {(task.scenario.name, task.seed): outcome for (_, task), outcome in zip(tasks, outcomes, strict=True)},
        out=out,
        days=length,
        simulator=simulator,
        extra={
            "command": command,
            "jobs": jobs or cores(),
            "wall_seconds": round(time.monotonic() - began, 3),
            "branched": {"days": [points[0].day], "from": [str(point.run.path) for point in points]},
        },
    )


def _scenario_of(arm: Arm, point: BranchPoint) -> Scenario:
    try:
        return branch_scenario(point, settings=arm.settings, protocol=arm.protocol, origin=arm.origin)
    except InputError as error:
        raise InputError(
            error.what, file=arm.origin, place=error.place, allowed=error.allowed, word=error.word
        ) from error


def _check_points(points: Sequence[BranchPoint]) -> None:
    """Refuse checkpoints of different days or scenarios, and two of one seed."""
    if not points:
        raise InputError("name the runs that the arms branch off from")
    first, seeds = points[0], Counter(point.seed for point in points)
    for point in points:
        if point.scenario.hash != first.scenario.hash:
            raise InputError(
                f"is a run of another scenario ('{point.scenario.name}') than {first.run.path} "
                f"('{first.scenario.name}'); the arms of a comparison branch off from one",
                file=point.run.path,
            )
        if point.checkpoint.step != first.checkpoint.step:
            raise InputError(
                f"branches at day {point.day:g} and {first.run.path} at day {first.day:g}; choose one day with --at",
                file=point.run.path,
            )
        if seeds[point.seed] > 1:
            both = " and ".join(str(one.run.path) for one in points if one.seed == point.seed)
            raise InputError(f"{both} have the same seed, {point.seed}: they are the same tissue")


def _is_there(point: BranchPoint, task: Task, *, overwrite: bool) -> bool:
    """Whether this very branch has been begun and can be gone on with; another run in its place is refused."""
    if not (task.out / MANIFEST).exists():
        return False
    found = read_manifest(task.out)
    same = (
        found["scenario_hash"] == task.scenario.hash
        and found["seed"] == task.seed
        and found.get("model") == task.simulator.fingerprint()
        and found["days"] <= task.days
        and point.is_of(found)
    )
    if not same and not overwrite:
        raise InputError(
            f"holds another run of '{found['scenario']}' (another branching, other values, another version of the "
            "model, or more days); replace it with --overwrite, or choose another directory with --out",
            file=task.out,
        )
    # A branch without any state was stopped while it was laid out.
    return same and any((task.out / CHECKPOINTS).glob("step_*.json"))


def compare_runs(
    directories: Sequence[Path], *, out: Path, command: str = "", simulator: Simulator | None = None
) -> Comparison:
    """Compare finished runs, by scenario and seed, and write what was found to `out`.

    Arms are called like their scenarios, or like the directories of their runs where two scenarios share a name.

    Raises:
        InputError: runs that are not finished, or that cannot be paired.
    """
    from ..scenario import load

    simulator = simulator or TumorSimulator()
    began = time.monotonic()
    manifests = {directory: read_manifest(directory) for directory in directories}
    _check_runs(manifests)
    labels = _labels(manifests)
    by_run: dict[tuple[str, int], Outcome] = {}
    scenarios: dict[str, Scenario] = {}
    for directory, manifest in manifests.items():
        label, key = labels[directory], (labels[directory], manifest["seed"])
        if key in by_run:
            twin = next(one for one, found in manifests.items() if (labels[one], found["seed"]) == key)
            raise InputError(f"is a run of '{label}' with seed {key[1]}, and so is {twin}", file=directory)
        if label not in scenarios:
            scenario = load(str(directory / RESOLVED))
            if scenario.hash != manifest["scenario_hash"]:
                raise changed_since(directory)
            # Only what it is called here is another; its text and its hash, which are known now, are those that ran.
            scenarios[label] = scenario.model_copy(update={"name": label})
        by_run[key] = Outcome(result=result_of(directory, simulator))
    seeds = sorted({seed for _, seed in by_run})
    for label in scenarios:
        absent = [seed for seed in seeds if (label, seed) not in by_run]
        if absent:
            raise InputError(
                f"there is no run of '{label}' with seed {absent[0]}; runs are compared seed by seed, so every arm "
                "needs the same seeds"
            )
    if len(scenarios) < 2:
        raise InputError(f"these are all runs of '{next(iter(scenarios))}'; a comparison needs two arms or more")
    claim_directory(out)
    branched = _branched(manifests)
    return conclude(
        list(scenarios.values()),
        seeds,
        by_run,
        out=out,
        days=next(iter(manifests.values()))["days"],
        simulator=simulator,
        extra={
            "command": command,
            "jobs": 0,
            "wall_seconds": round(time.monotonic() - began, 3),
            **({"branched": branched} if branched else {}),
        },
    )


def _check_runs(manifests: Mapping[Path, Mapping[str, Any]]) -> None:
    first = next(iter(manifests))
    for directory, manifest in manifests.items():
        if manifest["status"] != "done":
            raise InputError("is a run that has not ended; go on with it by run --resume", file=directory)
        if manifest["days"] != manifests[first]["days"]:
            raise InputError(
                f"ends at day {manifest['days']:g} and {first} at day {manifests[first]['days']:g}; make the shorter "
                "one longer with run --resume DIR --days D",
                file=directory,
            )
        if manifest.get("model") != manifests[first].get("model"):
            raise InputError(f"was simulated with another version of the model than {first}", file=directory)


def _labels(manifests: Mapping[Path, Mapping[str, Any]]) -> dict[Path, str]:
    """What the arm of every run is called."""
    hashes: dict[str, set[str]] = {}
    for manifest in manifests.values():
        hashes.setdefault(manifest["scenario"], set()).add(manifest["scenario_hash"])
    found = {}
    for directory, manifest in manifests.items():
        place = directory.resolve()
        own = place.parent.name if _SEED_DIRECTORY.fullmatch(place.name) else place.name
        found[directory] = manifest["scenario"] if len(hashes[manifest["scenario"]]) == 1 else own
    arms: dict[str, str] = {}
    for directory, label in found.items():
        if arms.setdefault(label, manifests[directory]["scenario_hash"]) != manifests[directory]["scenario_hash"]:
            raise InputError(
                f"holds another scenario than the other runs of '{label}', and they could not be told apart; "
                "branch with --set name=NAME, or give the directories different names",
                file=directory,
            )
    return found


def _branched(manifests: Mapping[Path, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Where the runs of each seed parted, None if none is a branch; runs that share no past are refused."""
    origins = {path: found["branched_from"] for path, found in manifests.items() if found.get("branched_from")}
    if not origins:
        return None
    for seed in {found["seed"] for found in manifests.values()}:
        pasts = [
            {found["scenario_hash"], (found.get("branched_from") or {}).get("scenario_hash")}
            for found in manifests.values()
            if found["seed"] == seed
        ]
        if not set.intersection(*pasts) - {None}:
            raise InputError(
                f"the runs with seed {seed} have no past in common: compare branches of one run with each other, "
                "or with that run"
            )
    return {
        "days": sorted({origin["time_day"] for origin in origins.values()}),
        "from": sorted({origin["directory"] for origin in origins.values()}),
    }
