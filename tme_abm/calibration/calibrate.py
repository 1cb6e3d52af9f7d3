"""Calibration: find values of the free parameters with which the shipped scenarios meet their targets.

`targets` reads the free parameters and the targets, `search` proposes values, and `trials` evaluates them. The
search begins at the shipped values and follows from its seed; every evaluation is kept, so the same command given
again goes on where it stopped. At the end the best values meet seeds they were not chosen by, for what was chosen
among many flatters itself on its own seeds. Nothing is written into the catalogue: `calibrated.toml` is a proposal,
for people to copy with a note of what was fitted to what.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core import files
from ..core.errors import InputError
from ..core.parallel import processes
from ..runs.run import check_seed
from .search import Search
from .targets import Calibration, read_calibration
from .trials import Evaluation, Simulate, Trials, Watch, tuned

__all__ = ["CALIBRATED", "Calibrated", "calibrate"]

logger = logging.getLogger(__name__)

CALIBRATED = "calibrated.toml"


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """The shipped values, the best that were found, and the best on new seeds; after a check only the first."""

    calibration: Calibration
    shipped: Evaluation
    best: Evaluation | None = None
    renewed: Evaluation | None = None

    @property
    def met(self) -> bool:
        """Whether the shipped values meet every required target."""
        return all(self.calibration.required_met(self.shipped.medians))


def calibrate(
    *,
    out: Path,
    budget: int = 60,
    replicates: int = 2,
    days: float | None = None,
    shape: int = 120,
    jobs: int | None = None,
    seed: int = 1,
    check: bool = False,
    command: str = "",
    overwrite: bool = False,
    watch: Watch | None = None,
    tell: Callable[[str], None] = logger.info,
    simulate: Simulate | None = None,
    calibration: Calibration | None = None,
) -> Calibrated:
    """Search with `budget` evaluations, or only evaluate the shipped values (`check`), in the directory `out`.

    Runs last `days`, by default until the last target; targets of later days are left out. `shape`: sites along each
    side of the lattice. `simulate` makes a simulator of changes to the catalogue, by default the tumor model.

    Raises:
        InputError: impossible numbers, or a directory that holds something else.
        RunFailed: not one run came to its end.
    """
    jobs = processes(jobs)
    for name, number in (("budget", budget), ("replicates", replicates)):
        if number < 1:
            raise InputError(f"at least one is needed, not {number}", place=name)
    for number in (seed, seed + 2 * replicates - 1):  # the best values are tried on as many new seeds
        check_seed(number)
    calibration = (calibration or read_calibration()).until(days)
    trials = Trials(
        out=out,
        calibration=calibration,
        days=float(max(goal.day for goal in calibration.goals) if days is None else days),
        shape=shape,
        seeds=tuple(range(seed, seed + replicates)),
        jobs=jobs,
        command=command,
        watch=watch,
        simulate=simulate or tuned,
    )
    trials.open(overwrite=overwrite)
    if check:
        shipped = trials.evaluate([calibration.settings(calibration.start)])[0]
        return Calibrated(calibration=calibration, shipped=shipped)

    done = _search(trials, budget, seed, tell)
    best = _best(done)
    tell("the best values on new seeds")
    renewed = trials.renewed(best.settings)
    files.write_bytes(out / CALIBRATED, _proposal(calibration, done[0], best, renewed, command).encode())
    return Calibrated(calibration=calibration, shipped=done[0], best=best, renewed=renewed)


def _search(trials: Trials, budget: int, seed: int, tell: Callable[[str], None]) -> list[Evaluation]:
    """Every evaluation, the shipped values first."""
    calibration = trials.calibration
    search = Search(calibration.start, seed=seed, loss=lambda outcomes: calibration.loss(outcomes[:, np.newaxis]))
    points = np.vstack([calibration.start, search.ask()])[:budget]
    done: list[Evaluation] = []
    while True:
        generation = trials.evaluate([calibration.settings(point) for point in points])
        done += generation
        best = _best(done).loss
        tell(f"{len(done)} of {budget} evaluations: loss {best:.4f}, of the shipped values {done[0].loss:.4f}")
        if len(done) >= budget or best <= 0.0:
            return done
        losses = np.array([evaluation.loss for evaluation in generation])
        search.tell(points, losses, np.array([evaluation.medians for evaluation in generation]))
        points = search.ask()[: budget - len(done)]


def _best(done: list[Evaluation]) -> Evaluation:
    """The first of those with the least loss: the shipped values, if nothing is better."""
    return min(done, key=lambda evaluation: evaluation.loss)


def _proposal(
    calibration: Calibration, shipped: Evaluation, best: Evaluation, renewed: Evaluation, command: str
) -> str:
    """The best values as TOML, by the place in the catalogue they are for."""
    lines = [
        f"# Found by: {command or 'calibrate'}",
        f"# Loss {best.loss:.4f}, on new seeds {renewed.loss:.4f}; of the shipped values {shipped.loss:.4f}.",
        "# A proposal: copy what you accept into the catalogue, with a note of what it was fitted to.",
    ]
    for knob, setting in zip(calibration.knobs, best.settings, strict=True):
        lines += ["", f"# {knob.key}; shipped: {knob.shipped}"]
        lines += [
            f"{json.dumps(place, ensure_ascii=False)} = {json.dumps(setting, ensure_ascii=False)}"
            for place in knob.places
        ]
    return "\n".join(lines) + "\n"
