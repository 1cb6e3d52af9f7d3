"""Branching: simulate one tissue further in several ways, so that treated and untreated twins share their past.

A branch begins with a state that another run has kept, under a scenario that differs only in what acts from then on:
interventions, tumor traits, blood, secretion of the stroma, what is recorded. What made the tissue (lattice, planting,
vessels) and earlier interventions cannot be changed. Draws are addressed by seed, step and cell, so twins have the same
chances until they differ for a reason; a branch without any change is the same as its run.

On disk a branch is a run that was interrupted where it branched: it holds the shared past, and `resume` goes on with it
as with any other run.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputError
from ..core.toml import read_toml
from ..core.units import MINUTES_PER_DAY, show
from .directory import Checkpoint, RunDirectory
from .run import RunResult, begun_with, checked_days, result_of
from .simulator import Simulator, or_tumor
from .walk import Callback, Walk, new_manifest, steps_until

if TYPE_CHECKING:
    from ..scenario import Intervention, Scenario

__all__ = ["BranchPoint", "branch", "branch_point", "branch_scenario", "prepare", "read_protocol"]

logger = logging.getLogger(__name__)

MAY_CHANGE = (
    "protocol",
    "tumor.traits",
    "blood",
    "stroma.secretion",
    "growth",
    "clock.days",
    "record",
    "name",
    "title",
    "description",
)
_REASONS = {
    "lattice": "the cells that are there stand on this lattice",
    "clock.dt": "time is counted in steps, and chances are drawn by the number of the step",
    "tumor.cells": "the tumor is planted already",
    "immune": "the starting leukocytes are planted already; an intervention can 'add' or 'deplete' cells",
    "vessels": "the vessels are planted already",
    "stroma.matrix": "the matrix is laid down already",
    "stroma.cells": "the cells of the stroma are planted already",
    "stroma.ring": "the cells of the stroma are planted already",
    "fields": "twins are computed alike",
}
_OTHER_REASON = "the tissue that is there was made with it"
_MINUTES = 1e-6  # times nearer than this are the same


@dataclass(frozen=True, kw_only=True)
class BranchPoint:
    """Where a branch begins: a run, its scenario and seed, and one of its states."""

    run: RunDirectory
    scenario: Scenario
    seed: int
    checkpoint: Checkpoint

    @property
    def time(self) -> float:
        """Minutes since the start of the run."""
        return self.checkpoint.step * self.scenario.clock.dt

    @property
    def day(self) -> float:
        """Days since the start of the run."""
        return self.checkpoint.day

    def note(self) -> dict[str, Any]:
        """The entry `branched_from` in the manifest of a branch."""
        return {
            "directory": str(self.run.path.resolve()),
            "scenario_hash": self.scenario.hash,
            "step": self.checkpoint.step,
            "time_day": self.checkpoint.day,
            "state_sha256": self.checkpoint.sha256,
        }

    def is_of(self, manifest: Mapping[str, Any]) -> bool:
        """Whether the run of `manifest` branched from this state."""
        mine, theirs = self.note(), manifest.get("branched_from") or {}
        return all(theirs.get(key) == mine[key] for key in ("scenario_hash", "step", "state_sha256"))


def branch_point(directory: Path, *, at: float | None = None, simulator: Simulator | None = None) -> BranchPoint:
    """The last state that the run in `directory` has kept, or that of day `at`.

    Raises InputError if `directory` is not a run, has another version of the model, or has kept no such state.
    """
    run = RunDirectory.open(directory)
    scenario = begun_with(run, or_tumor(simulator))
    kept, dt = run.kept(), scenario.clock.dt
    step = None if at is None else steps_until(at, dt)
    if step is not None and step not in kept:
        days = [f"{step * dt / MINUTES_PER_DAY:g}" for step in kept]
        raise InputError(
            f"keeps no state of day {at:g} to branch from, only of "
            + (f"{'day' if len(days) == 1 else 'days'} {', '.join(days)}" if days else "none")
            + '; a run keeps more with --set record.checkpoints="1 day"',
            file=directory,
        )
    if step == 0 or (step is None and kept == [0]):
        raise InputError(
            f"is at its start, which has no past to share; begin a run of the changed scenario with --seed "
            f"{run.manifest['seed']}, and it shares the draws",
            file=directory,
        )
    checkpoint = run.recall(step)
    if checkpoint is None:
        raise InputError("has no state to branch from: it was stopped before its first checkpoint", file=directory)
    return BranchPoint(run=run, scenario=scenario, seed=run.manifest["seed"], checkpoint=checkpoint)


def read_protocol(file: Path) -> list[dict[str, Any]]:
    """The interventions in a file of `[[protocol]]` tables. Raises InputError if it has none or holds anything else."""
    table = read_toml(file)
    for key in table:
        if key != "protocol":
            raise InputError("a file of interventions holds [[protocol]] tables only", file=file, place=key,
                             allowed=("protocol",), word=key)
    items = table.get("protocol")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise InputError("holds no intervention; each is a table under [[protocol]]", file=file)
    return items


def branch_scenario(
    point: BranchPoint,
    *,
    settings: Mapping[str, object] | Sequence[str] = (),
    protocol: Sequence[Mapping[str, Any]] = (),
    origin: str = "--protocol",
) -> Scenario:
    """The scenario of the run with `settings` and further interventions, which begin at the branching by default.

    Raises InputError if the scenario is invalid or changes what a branch cannot change.
    """
    from ..scenario import changed, extended

    scenario = changed(point.scenario, settings)
    if protocol:
        now = f"{point.time!r} min"
        scenario = extended(scenario, [{"start": now} | dict(item) for item in protocol], origin)
    _check(point, scenario)
    return scenario


def _check(point: BranchPoint, scenario: Scenario) -> None:
    """Raises InputError if `scenario` differs from that of the run in what a branch cannot change."""
    for key, here, there in scenario.differences(point.scenario):
        if not _within(key, MAY_CHANGE):
            reason = next((text for start, text in _REASONS.items() if key.startswith(start)), _OTHER_REASON)
            raise InputError(
                f"cannot change from {there or 'nothing'} to {here or 'nothing'} at the branch: {reason}",
                file=point.run.path,
                place=key,
                allowed=MAY_CHANGE[:-3],
            )
    _check_protocol(point, scenario.protocol)


def prepare(
    point: BranchPoint,
    scenario: Scenario,
    *,
    out: Path,
    days: float | None = None,
    command: str = "",
    overwrite: bool = False,
    simulator: Simulator | None = None,
) -> tuple[RunDirectory, Any]:
    """Make `out` the directory of a branch that was interrupted where it begins; also return its model there.

    Raises InputError if the scenario changes what a branch cannot change, the branch would end before it begins, or
    the directory cannot be used.
    """
    simulator = or_tumor(simulator)
    _check(point, scenario)
    RunDirectory.check_free(out, overwrite=overwrite)
    days = checked_days(scenario.clock.days if days is None else days)
    step = point.checkpoint.step
    if steps_until(days, scenario.clock.dt) <= step:
        raise InputError(
            f"branches at day {point.day:g} and would end at day {days:g}; give a later end with --days",
            file=point.run.path,
        )
    model = simulator.branch(scenario, point.seed, point.checkpoint.arrays)
    state = model.state()
    new = sorted(
        name.removeprefix("fields/")
        for name in state.keys() - point.checkpoint.arrays.keys()
        if name.startswith("fields/")
    )
    if new:
        logger.warning("%s had no field until day %g and starts from its background", ", ".join(new), point.day)

    def past(directory: RunDirectory) -> None:
        directory.inherit(point.run)
        directory.add_checkpoint(step, point.day, state)

    manifest = new_manifest(scenario, seed=point.seed, days=days, command=command, simulator=simulator)
    directory = RunDirectory.create(
        out,
        manifest={**manifest, "branched_from": point.note()},
        resolved=scenario.resolved_toml(),
        overwrite=overwrite,
        past=past,
    )
    return directory, model


def branch(
    point: BranchPoint,
    scenario: Scenario,
    *,
    out: Path,
    days: float | None = None,
    command: str = "",
    overwrite: bool = False,
    progress: Callback | None = None,
    simulator: Simulator | None = None,
) -> RunResult:
    """Simulate the branch of `point` under `scenario` until `days` (by default its own) into the directory `out`.

    Raises:
        InputError: see `prepare`.
        RunFailed: the simulation failed.
    """
    simulator = or_tumor(simulator)
    directory, model = prepare(
        point, scenario, out=out, days=days, command=command, overwrite=overwrite, simulator=simulator
    )
    with directory.locked():
        Walk(scenario, directory, simulator, progress).go(model, step=point.checkpoint.step)
    return result_of(out, simulator)


def _within(key: str, tables: Sequence[str]) -> bool:
    return any(key == table or key.startswith(f"{table}.") for table in tables)


def _check_protocol(point: BranchPoint, protocol: Sequence[Intervention]) -> None:
    """Raises InputError if the interventions before the branching are not those of the run, in their order."""
    done, asked = _past(point.scenario.protocol, point.time), _past(protocol, point.time)
    if [item for _, item in done] == [item for _, item in asked]:
        return
    for number, item in asked:
        if item not in [other for _, other in done]:
            raise InputError(
                f"'{item.do}' starts at {show(item.start, 'time')}, and what happened before the branching at day "
                f"{point.day:g} is not changed by a branch; start it there or later (what is added without a start "
                "begins there)",
                file=point.run.path,
                place=f"protocol.{number}",
            )
    number, item = next(((n, one) for n, one in done if one not in [other for _, other in asked]), done[0])
    raise InputError(
        f"'{item.do}' has acted since {show(item.start, 'time')}, before the branching at day {point.day:g}; a branch "
        "may end it (stop) but not take it back or move it in the list",
        file=point.run.path,
        place=f"protocol.{number}",
    )


def _past(protocol: Sequence[Intervention], time: float) -> list[tuple[int, Intervention]]:
    """The interventions that began before `time` [min], with their numbers; those that still act have no end."""
    begun = [(number, item) for number, item in enumerate(protocol) if item.start < time - _MINUTES]
    return [(number, item.model_copy(update=_open_end(item, time))) for number, item in begun]


def _open_end(item: Intervention, time: float) -> dict[str, None]:
    stop = getattr(item, "stop", None)
    return {"stop": None} if stop is not None and stop >= time - _MINUTES else {}
