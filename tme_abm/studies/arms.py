"""A comparison of what a study has run: some of its scenarios and design points side by side, without running anything.

Every run of a study with the same seed met the same chances (common random numbers), so its arms are compared in pairs
as those of `compare` are. An arm is a scenario at a design point. The user chooses points, or parameters by which the
arms differ while all others stay as they are at one point.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compare.compare import claim_directory
from ..compare.comparison import Comparison, Run, conclude
from ..compare.finished import labeled_scenario
from ..core.errors import InputError
from ..runs.results import read_manifest
from ..runs.simulator import Simulator, or_tumor
from .parameters import Parameter, value_text
from .results import StudyResults, check_known
from .sensitivity.axes import Axes, axes

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["MOST", "StudyArms", "choose", "compare_study"]

MOST = 8  # more arms than this cannot be told apart in the figures of a report
_NAMED = 2  # with more parameters than this an arm is called by the number of its point


@dataclass(frozen=True, kw_only=True)
class StudyArms:
    """The arms compared: label -> (scenario, point); `held`: parameters that are the same in all, with their values."""

    arms: Mapping[str, tuple[str, int]]
    held: Mapping[str, str]


def choose(
    study: StudyResults, *, scenarios: Sequence[str] = (), points: Sequence[int] = (), by: Sequence[str] = ()
) -> StudyArms:
    """The arms asked for: `points` alone, or all that differ from one of them in the parameters `by` only.

    Without `points`, `by` holds the other parameters where the design has its middle.

    Raises:
        InputError: unknown names, too many arms, or fewer than two.
    """
    check_known(scenarios, study.scenarios, "the study has no scenario")
    for point in points:
        if not 0 <= point < study.points:
            raise InputError(f"the study has the points 0 to {study.points - 1}, not {point}", place="--point")
    swept = axes(study)
    used = tuple(dict.fromkeys(scenarios)) or study.scenarios
    chosen = _along(swept, points, by) if by else list(dict.fromkeys(points)) or list(range(study.points))
    count = len(used) * len(chosen)
    if count > MOST:
        raise InputError(_too_many(study, used, len(chosen), swept, by), file=study.directory)
    if count < 2:
        raise InputError("this is one arm, and a comparison needs two or more", file=study.directory)
    places = np.ptp(swept.position[chosen], axis=0)
    differing = [one for one, place in zip(swept.parameters, places, strict=True) if place > 0]
    held = {one.key: one for one in study.parameters if one.key not in {other.key for other in differing}}
    return StudyArms(
        arms={
            _label(study, scenario, point, differing, many=len(used) > 1): (scenario, point)
            for scenario in used
            for point in chosen
        },
        held={key: f"{value_text(study.design[key][chosen[0]])} {one.unit}".rstrip() for key, one in held.items()},
    )


def _along(swept: Axes, points: Sequence[int], by: Sequence[str]) -> list[int]:
    """The points that differ from the base point in the parameters `by` only, in the order of their values."""
    keys = [one.key for one in swept.parameters]
    check_known(by, keys, "the study does not vary", place="--by")
    if len(points) > 1:
        raise InputError("with --by, name one point only: that where the other parameters are held", place="--point")
    free = [k for k, key in enumerate(keys) if key in by]
    rest = [k for k, key in enumerate(keys) if key not in by]
    families: dict[tuple[float, ...], list[int]] = {}
    for point, place in enumerate(swept.position):
        families.setdefault(tuple(place[rest].tolist()), []).append(point)
    if points:
        family = next(family for family in families.values() if points[0] in family)
    else:
        middle = min(families, key=lambda place: (len(families[place]) < 2, sum(abs(x - 0.5) for x in place)))
        family = families[middle]
    if len(family) < 2:
        raise InputError(
            "no two points of this design differ only in "
            f"{' and '.join(by)}; compare single points (--point), or ask what the whole design says: sensitivity",
            place="--by",
        )
    return sorted(family, key=lambda point: swept.position[point, free].tolist())


def _label(study: StudyResults, scenario: str, point: int, differing: Sequence[Parameter], *, many: bool) -> str:
    if not differing:
        return scenario
    names = [one.name for one in differing]
    clear = len(differing) <= _NAMED and len(set(names)) == len(names)
    parts = [f"{one.name} {value_text(study.design[one.key][point])}" for one in differing]
    where = ", ".join(parts) if clear else f"point {point}"
    return f"{scenario} · {where}" if many else where


def _too_many(study: StudyResults, used: Sequence[str], chosen: int, swept: Axes, by: Sequence[str]) -> str:
    scenarios = f"{len(used)} scenarios × " if len(used) > 1 else ""
    keys = ", ".join(one.key for one in swept.parameters)
    ways = [f"points by their numbers in design.csv (--point N, again for each; 0 to {study.points - 1})"]
    if len(by) != 1:
        ways.append(f"one parameter by which the arms differ (--by KEY, one of: {keys})")
    if len(used) > 1:
        ways.append(f"scenarios by their names ({', '.join(used)})")
    return (
        f"{scenarios}{chosen} design points would be {len(used) * chosen} arms, and a comparison shows at most {MOST}. "
        f"Choose {', or '.join(ways)}"
    )


def compare_study(
    study: StudyResults, chosen: StudyArms, *, out: Path, command: str = "", simulator: Simulator | None = None
) -> Comparison:
    """Compare the finished runs of the arms and write what was found to `out`; the runs stay where they are.

    A run that is missing is listed under `failures` and left out of the statistics, with its pairs.

    Raises:
        InputError: an arm without any finished run, runs that do not belong to the study, or a directory in the way.
    """
    began = time.monotonic()
    scenarios: list[Scenario] = []
    models: set[str] = set()
    runs: list[Run] = []
    for label, (name, point) in chosen.arms.items():
        mine = [row for row in study.runs if (row["scenario"], row["point"]) == (name, point)]
        done = [row for row in mine if row["status"] == "done"]
        if not done:
            raise InputError(f"no run of '{label}' is finished; finish the study with batch", file=study.directory)
        scenario = labeled_scenario(done[0]["directory"], label)
        scenarios.append(scenario)
        models |= {_model(row, scenario) for row in done}
        for row in mine:
            error = "" if row["status"] == "done" else row["error"] or "not finished yet"
            runs.append(Run(scenario=label, seed=row["seed"], directory=row["directory"], error=error))
    if len(models) > 1:
        raise InputError("holds runs of several versions of the model, which cannot be compared", file=study.directory)
    claim_directory(out)
    return conclude(
        scenarios,
        runs,
        out=out,
        days=study.days,
        simulator=or_tumor(simulator),
        command=command,
        began=began,
        extra={"study": _about(study, chosen)},
    )


def _model(row: Mapping[str, Any], scenario: Scenario) -> str:
    """The fingerprint of the model of a run. Raises InputError if the run is not the one that its row names."""
    manifest = read_manifest(row["directory"])
    if manifest["status"] != "done" or manifest["scenario_hash"] != scenario.hash or manifest["seed"] != row["seed"]:
        raise InputError("is not the run that the study's table names; write it anew with batch", file=row["directory"])
    return str(manifest.get("model"))


def _about(study: StudyResults, chosen: StudyArms) -> dict[str, Any]:
    return {
        "name": study.name,
        "title": study.title,
        "directory": str(study.directory),
        "arms": {
            label: {
                "scenario": scenario,
                "point": point,
                "parameters": {key: column[point] for key, column in study.design.items()},
            }
            for label, (scenario, point) in chosen.arms.items()
        },
        "held": dict(chosen.held),
    }
