"""What a study will cost, before it runs: time and disk.

If runs of this very study are done, they are the measure. Else a pilot is: of every scenario the design point in the
middle is started and stepped for about a second, and what it would write is measured, all in memory. Other points are
reckoned from that by their number of steps and sites. A tumor that grows costs more with time, so this is a first
guess, and the plan says so.
"""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import files
from ..core.units import MINUTES_PER_DAY
from ..runs.simulator import Simulator
from ..runs.walk import steps_until
from .directory import DONE
from .results import read_study
from .status import mean_seconds
from .study import Study

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["Estimate", "estimate", "free_bytes"]

PILOT_SECONDS, PILOT_STEPS = 1.0, 200
NOTES = 1600  # bytes of a run's manifest and of the note on its checkpoint
SAMPLED_RUNS = 20  # whose size is measured, where many are done


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds of one process and bytes on disk for what is left, and what that rests on."""

    runs: int
    seconds: float
    size: float
    basis: str


def estimate(study: Study, out: Path, simulator: Simulator) -> Estimate:
    """What is left of a study in `out`, which need not exist. Nothing is written."""
    done = _done(out)
    left = [run for run in study.runs if run.directory not in done]
    known = mean_seconds(out) if done else {}
    if set(known) >= set(study.scenarios):
        paths = sorted(done.values())[:: max(1, len(done) // SAMPLED_RUNS)]
        size = sum(_size(path) for path in paths) / len(paths)
        return Estimate(
            runs=len(left),
            seconds=sum(known[run.scenario] for run in left),
            size=size * len(left),
            basis=f"the {len(done)} runs of this study that are done",
        )
    pilots = {name: _pilot(study, name, simulator) for name in study.scenarios}
    seconds = size = 0.0
    cases: dict[tuple[str, int], tuple[float, float]] = {}
    for run in left:
        if (run.scenario, run.point) not in cases:
            scenario = study.scenario(run.scenario, run.point)
            cases[run.scenario, run.point] = pilots[run.scenario].of(scenario, study.days)
        a_run = cases[run.scenario, run.point]
        seconds, size = seconds + a_run[0], size + a_run[1]
    steps = " and ".join(f"{pilot.steps} of {name}" for name, pilot in pilots.items())
    return Estimate(
        runs=len(left),
        seconds=seconds,
        size=size,
        basis=f"a pilot (the first steps, measured now: {steps}); a growing tumor takes longer",
    )


def free_bytes(out: Path) -> int:
    """Room on the disk that `out` is or will be on."""
    place = out.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


@dataclass(frozen=True, kw_only=True)
class _Pilot:
    """What was measured of one scenario at one point."""

    sites: int
    steps: int
    start: float
    a_step: float
    row: float
    row_of_study: float
    picture: float
    checkpoint: float

    def of(self, scenario: Scenario, days: float) -> tuple[float, float]:
        """Seconds and bytes of a run."""
        ratio = math.prod(scenario.lattice.shape) / self.sites
        seconds = self.start + steps_until(days, scenario.clock.dt) * self.a_step * ratio
        minutes = days * MINUTES_PER_DAY
        rows = minutes // scenario.record.every + 2
        pictures = minutes // scenario.record.snapshots + 2
        size = rows * (self.row + self.row_of_study) + pictures * self.picture * ratio + self.checkpoint * ratio
        return seconds, size + len(scenario.resolved_toml()) + NOTES


def _pilot(study: Study, name: str, simulator: Simulator) -> _Pilot:
    scenario = study.scenario(name, len(study.points) // 2)
    began = time.perf_counter()
    model = simulator.start(scenario, study.seeds[0])
    model.step()  # the first one may prepare things that later ones find ready
    start, steps = time.perf_counter() - began, 0
    began = time.perf_counter()
    while steps < PILOT_STEPS and time.perf_counter() - began < PILOT_SECONDS:
        model.step()
        steps += 1
    a_step = (time.perf_counter() - began) / steps
    began = time.perf_counter()
    measures = simulator.measure(model)
    every = max(1.0, scenario.record.every / scenario.clock.dt)
    return _Pilot(
        sites=math.prod(scenario.lattice.shape),
        steps=steps,
        start=start,
        a_step=a_step + (time.perf_counter() - began) / every,
        row=sum(_line(metric, value) for metric, value in measures.items()),
        row_of_study=sum(_line(metric, value) + len(f"12,{name},1,") for metric, value in measures.items()
                         if metric in study.metrics),
        picture=len(files.npz_bytes(simulator.snapshot(model))),
        checkpoint=len(files.npz_bytes(model.state())),
    )


def _line(metric: str, value: float) -> int:
    return len(f"0.08333333333333333,{metric},{value!r}\n")


def _done(out: Path) -> dict[str, Path]:
    if not (out / "study.json").is_file():
        return {}
    return {
        row["directory"].relative_to(out).as_posix(): row["directory"]
        for row in read_study(out).runs
        if row["status"] == DONE
    }


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
