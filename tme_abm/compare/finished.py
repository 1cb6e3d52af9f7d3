"""A comparison of finished runs that were made one by one, by scenario and seed; nothing is simulated."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputError
from ..runs.results import RESOLVED, read_manifest
from ..runs.run import changed_since
from ..runs.simulator import Simulator, or_tumor
from .compare import claim_directory
from .comparison import Comparison, Run, conclude

if TYPE_CHECKING:
    from ..scenario import Scenario

__all__ = ["compare_runs", "labeled_scenario"]

_SEED_DIRECTORY = re.compile(r"seed_\d+")


def compare_runs(
    directories: Sequence[Path], *, out: Path, command: str = "", simulator: Simulator | None = None
) -> Comparison:
    """Compare finished runs, by scenario and seed, and write the comparison to `out`.

    Arms have the names of their scenarios, or of the directories of their runs if two scenarios have the same name.

    Raises:
        InputError: a run is not finished, or the runs cannot be paired.
    """
    began = time.monotonic()
    manifests = {directory: read_manifest(directory) for directory in directories}
    _check_runs(manifests)
    labels = _labels(manifests)
    runs: dict[tuple[str, int], Run] = {}
    scenarios: dict[str, Scenario] = {}
    for directory, manifest in manifests.items():
        label, seed = labels[directory], manifest["seed"]
        if (label, seed) in runs:
            twin = runs[label, seed].directory
            raise InputError(f"is a run of '{label}' with seed {seed}, and so is {twin}", file=directory)
        runs[label, seed] = Run(scenario=label, seed=seed, directory=directory)
        if label not in scenarios:
            scenarios[label] = labeled_scenario(directory, label)
    seeds = sorted({seed for _, seed in runs})
    for label in scenarios:
        absent = [seed for seed in seeds if (label, seed) not in runs]
        if absent:
            raise InputError(
                f"there is no run of '{label}' with seed {absent[0]}; runs are compared seed by seed, so every arm "
                "needs the same seeds"
            )
    if len(scenarios) < 2:
        raise InputError(f"these are all runs of '{next(iter(scenarios))}'; a comparison needs two arms or more")
    branched = _branched(manifests)
    claim_directory(out)
    return conclude(
        list(scenarios.values()),
        [runs[label, seed] for seed in seeds for label in scenarios],
        out=out,
        days=next(iter(manifests.values()))["days"],
        simulator=or_tumor(simulator),
        command=command,
        began=began,
        extra={"branched": branched} if branched else None,
    )


def labeled_scenario(directory: Path, label: str) -> Scenario:
    """The scenario of a run, named `label`. Raises InputError if the file is not the scenario that ran."""
    from ..scenario import load

    scenario = load(str(directory / RESOLVED))
    if scenario.hash != read_manifest(directory)["scenario_hash"]:
        raise changed_since(directory)
    # Only the name differs here; the text and the hash, which are computed by now, are those of the run.
    return scenario.model_copy(update={"name": label})


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
    """The name of the arm of every run."""
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
    """Where the runs of each seed parted, None if no run is a branch. Raises InputError for runs without common past.
    """
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
