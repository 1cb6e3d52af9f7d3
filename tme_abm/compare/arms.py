"""Arms: several ways in which the same tissues go on, side by side.

An arms file lists the arms and what each changes after the branching. Every arm continues every given checkpoint, one
for each seed. The runs of a seed then share their past, and arms are compared in pairs. Branches that were simulated
before are used again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, Strict, field_validator

from ..core.errors import InputError
from ..core.parallel import processes
from ..core.toml import Frozen, dotted, read_toml, validated
from ..runs.branch import BranchPoint, branch_scenario, prepare, read_protocol
from ..runs.results import CHECKPOINTS
from ..runs.run import Task, Tell, checked_days
from ..runs.simulator import Simulator
from .compare import claim_directory, is_begun, simulate, tasks_of
from .comparison import Comparison

if TYPE_CHECKING:
    from ..scenario import Scenario

__all__ = ["Arm", "compare_arms", "read_arms"]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to go on: the values that are set, the interventions that are added, and where both are written."""

    settings: dict[str, object]
    protocol: list[dict[str, Any]]
    origin: str

    def scenario(self, point: BranchPoint) -> Scenario:
        """The scenario after the branching. Raises InputError if the arm changes the past."""
        try:
            return branch_scenario(point, settings=self.settings, protocol=self.protocol, origin=self.origin)
        except InputError as error:
            raise error.at(file=self.origin) from error


class _ArmTable(Frozen):
    title: str = ""
    description: str = ""
    settings: dict[str, Any] = Field(default_factory=dict, alias="set")
    protocol: list[dict[str, Any]] | str = Field(default_factory=list)


class _ArmsTable(Frozen):
    arms: dict[str, _ArmTable] = Field(min_length=1)
    days: Annotated[float, Strict()] | None = None

    @field_validator("arms", mode="before")
    @classmethod
    def _some(cls, given: object) -> object:
        if not given or not isinstance(given, Mapping):
            raise InputError("names no arm; each is a table [arms.NAME]")
        return given


def read_arms(file: Path) -> tuple[list[Arm], float | None]:
    """The arms of a file, and the day on which they end if the file states it.

    The file has tables `[arms.NAME]` with `set`, `protocol` (tables, or a file of them), `title` and `description`.
    Raises InputError if the file is not of this form.
    """
    table = validated(_ArmsTable, {"arms": {}, **read_toml(file)}, file=file)
    arms = []
    for name, one in table.arms.items():
        origin, protocol = f"{file}: arms.{name}", one.protocol
        if isinstance(protocol, str):
            origin, protocol = str(file.parent / protocol), read_protocol(file.parent / protocol)
        settings = {**dotted(one.settings), "title": one.title, "description": one.description, "name": name}
        arms.append(Arm(settings=settings, protocol=protocol, origin=origin))
    return arms, table.days


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
    """Simulate every arm from every point and write the comparison to `out`.

    `days` is by default the largest number of days of the arms.

    Raises:
        InputError: the points do not belong together, an arm changes the past, or `out` holds something else.
    """
    began = time.monotonic()
    jobs = processes(jobs)
    by_seed = {point.seed: point for point in sorted(points, key=lambda point: point.seed)}
    _check_points(points)
    scenarios = [arm.scenario(next(iter(by_seed.values()))) for arm in arms]
    length = checked_days(max(scenario.clock.days for scenario in scenarios) if days is None else days)
    tasks = tasks_of(scenarios, list(by_seed), out=out, days=length, command=command, simulator=simulator)
    new = [task for task in tasks if not _is_begun(by_seed[task.seed], task, overwrite=overwrite)]
    claim_directory(out)
    for task in new:
        prepare(
            by_seed[task.seed], task.scenario, out=task.out, days=length, command=command, overwrite=True,
            simulator=task.simulator,
        )  # fmt: skip
    branched = {"days": [points[0].day], "from": [str(point.run.path) for point in by_seed.values()]}
    return simulate(
        scenarios, tasks, out=out, jobs=jobs, tell=tell, began=began, extra={"branched": branched}
    )


def _check_points(points: Sequence[BranchPoint]) -> None:
    """Raises InputError if the checkpoints differ in their day or scenario, or two have the same seed."""
    if not points:
        raise InputError("name the runs that the arms branch off from")
    points = sorted(points, key=lambda point: point.seed)
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


def _is_begun(point: BranchPoint, task: Task, *, overwrite: bool) -> bool:
    """Whether this branch has been begun and can be continued."""
    # A branch without any state was stopped while it was laid out.
    return is_begun(task, overwrite=overwrite, point=point) and any((task.out / CHECKPOINTS).glob("step_*.json"))
