"""The way of a run from one step to the last, and what is written where on it.

Rows, pictures and checkpoints are written between steps. Whether one is due depends on the number of the step alone, so
a run that was killed and resumed writes the same bytes as one that was not; how often the series is flushed and a
checkpoint taken by the clock on the wall changes nothing in the results.

`Walk` steps a model and writes; `Logbook` keeps the same rows and pictures of a model that someone else steps.
"""

from __future__ import annotations

import logging
import math
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import files
from ..core.errors import InputError, TmeError, sentence
from ..core.units import MINUTES_PER_DAY
from .directory import RunDirectory
from .fingerprint import versions
from .results import LOG, SERIES
from .simulator import Simulator

if TYPE_CHECKING:
    from ..model import TumorModel
    from ..scenario import Scenario

__all__ = ["Callback", "Logbook", "Progress", "RunFailed", "Schedule", "Walk", "new_manifest", "now", "steps_until"]

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0  # at most this much work is lost when a slow run is killed
FLUSH_SECONDS = 5.0  # how old the series on disk may be while a run is being watched


_ROUNDING = 1e-9  # in steps: 0.1 + 0.2 must still count as 0.3


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Every `every` minutes, seen at steps of `dt` minutes; step 0 is always due."""

    every: float
    dt: float

    def due(self, step: int) -> bool:
        """Is this the first step at or past a multiple of the interval?"""
        return step == 0 or self._passed(step) > self._passed(step - 1)

    def _passed(self, step: int) -> int:
        return math.floor((step + _ROUNDING) * self.dt / self.every)


def steps_until(days: float, dt: float) -> int:
    """The number of steps of `dt` minutes that reaches `days`."""
    return math.ceil(days * MINUTES_PER_DAY / dt - _ROUNDING)


class RunFailed(TmeError):
    """The simulation itself broke; the directory holds what was reached and the full trace."""

    def __init__(self, what: str, directory: Path) -> None:
        super().__init__(what, directory)
        self.what = what
        self.directory = directory

    @property
    def log(self) -> Path:
        """Where the trace is."""
        return self.directory / LOG

    def __str__(self) -> str:
        return f"{self.what} (full trace in {self.log})"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: told after every step."""

    step: int
    steps: int
    day: float
    days: float
    measures: dict[str, float]
    steps_per_second: float


Callback = Callable[[Progress], None]


def now() -> str:
    """The time of day, for the manifest only."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_manifest(
    scenario: Scenario, *, seed: int, days: float, command: str, simulator: Simulator
) -> dict[str, Any]:
    """The manifest of a run that begins."""
    manifest = {
        "scenario": scenario.name,
        "title": scenario.title,
        "scenario_hash": scenario.hash,
        "model": simulator.fingerprint(),
        "seed": seed,
        "days": days,
        "steps": steps_until(days, scenario.clock.dt),
        "command": command,
        "status": "running",
        "error": None,
        "started": now(),
        "finished": None,
        "wall_seconds": 0.0,
        "resumed": 0,
        "versions": versions(),
    }
    if scenario.packs:
        manifest["packs"] = scenario.pack_hashes
    if scenario.slide is not None:  # what became of the measured cells that the tissue starts from
        from ..scenario.slide.section import report

        manifest["slide"] = report(scenario.slide, scenario.lattice, scenario.catalogue)
    return manifest


class Walk:
    """The way from a step to the last one, with what is written where."""

    def __init__(
        self, scenario: Scenario, directory: RunDirectory, simulator: Simulator, progress: Callback | None
    ) -> None:
        self.dt = scenario.clock.dt
        self.rows = Schedule(every=scenario.record.every, dt=self.dt)
        self.pictures = Schedule(every=scenario.record.snapshots, dt=self.dt)
        self.days_passed = Schedule(every=MINUTES_PER_DAY, dt=self.dt)
        kept = scenario.record.checkpoints
        self.branchings = None if kept is None else Schedule(every=kept, dt=self.dt)
        self.directory = directory
        directory.keeps = self._is_kept
        self.simulator = simulator
        self.progress = progress
        self.measures: dict[str, float] = {}

    def go(self, model: Any, *, step: int) -> None:
        """Walk to the end, and leave a trace if the simulation breaks on the way."""
        began = time.monotonic()
        spent = float(self.directory.manifest["wall_seconds"])
        with _logged(self.directory.path / LOG):
            try:
                self._walk(model, step, began)
            except InputError as error:
                self._mark_failed(error, spent + time.monotonic() - began)
                raise
            except Exception as error:
                _append(self.directory.path / LOG, traceback.format_exc())
                self._mark_failed(error, spent + time.monotonic() - began)
                raise RunFailed(sentence(error), self.directory.path) from error
        series = (self.directory.path / SERIES).read_bytes()
        self.directory.update_manifest(
            status="done",
            finished=now(),
            wall_seconds=round(spent + time.monotonic() - began, 3),
            series_sha256=files.sha256(series),
        )
        self.directory.settle()

    def _walk(self, model: Any, step: int, began: float) -> None:
        steps, first = int(self.directory.manifest["steps"]), step
        saved = flushed = began
        if step == 0:
            self._write(model, step)
            self.directory.flush()
        self.measures = self.measures or self.simulator.measure(model)
        self._tell(step, steps, 0.0)
        while step < steps:
            model.step()
            step += 1
            self._write(model, step)
            clock = time.monotonic()
            due = self.days_passed.due(step) or self._is_kept(step)
            if step < steps and (due or clock - saved > CHECKPOINT_SECONDS):
                self.directory.add_checkpoint(step, self._day(step), model.state())
                saved = flushed = time.monotonic()
            elif clock - flushed > FLUSH_SECONDS:
                self.directory.flush()
                flushed = time.monotonic()
            self._tell(step, steps, (step - first) / max(clock - began, 1e-9))
        # The last checkpoint first: a row or picture that is only here because the run ends is not part of it, so that
        # a longer run made from this one is the same as one that was longer from the start.
        self.directory.add_checkpoint(step, self._day(step), model.state(), last=True)
        self._write(model, step, due=False)
        self.directory.flush()

    def _is_kept(self, step: int) -> bool:
        """Is the checkpoint of this step kept for good, to branch from?"""
        return self.branchings is not None and step > 0 and self.branchings.due(step)

    def _write(self, model: Any, step: int, *, due: bool = True) -> None:
        """Write the row and the picture that are due; at the end of a run, those that are not."""
        if self.rows.due(step) == due:
            self.measures = self.simulator.measure(model)
            self.directory.add_row(self._day(step), self.measures)
        if self.pictures.due(step) == due:
            self.directory.add_snapshot(step, self._day(step), self.simulator.snapshot(model))

    def _day(self, step: int) -> float:
        return step * self.dt / MINUTES_PER_DAY

    def _tell(self, step: int, steps: int, rate: float) -> None:
        if self.progress is not None:
            self.progress(
                Progress(
                    step=step,
                    steps=steps,
                    day=self._day(step),
                    days=float(self.directory.manifest["days"]),
                    measures=self.measures,
                    steps_per_second=rate,
                )
            )

    def _mark_failed(self, error: BaseException, spent: float) -> None:
        try:
            self.directory.update_manifest(
                status="failed", error=sentence(error), finished=now(), wall_seconds=round(spent, 3)
            )
        except InputError:  # the disk is why it failed; the first error is the one to tell
            logger.debug("the manifest could not be written", exc_info=True)


class Logbook:
    """The rows and pictures of one run up to now, for a model that someone else steps, as the browser page does.

    The directory that `keep` makes is that of a run which was interrupted there: `resume` goes on with it, and the end
    is the same to the byte as if the scenario of the directory had been run without interruption.
    """

    def __init__(self, model: TumorModel) -> None:
        """Begin with a model at its first step."""
        record, self._dt = model.scenario.record, model.scenario.clock.dt
        self._simulator = Simulator()
        self._due_rows = Schedule(every=record.every, dt=self._dt)
        self._due_pictures = Schedule(every=record.snapshots, dt=self._dt)
        self._rows: dict[int, dict[str, float]] = {}
        self._pictures: dict[int, files.Arrays] = {}
        self._began = now()
        self.note(model)

    def note(self, model: TumorModel) -> None:
        """Write down what is due after this step."""
        step = model.clock.step
        if self._due_rows.due(step):
            self._rows[step] = self._simulator.measure(model)
        if self._due_pictures.due(step):
            self._pictures[step] = self._simulator.snapshot(model)

    def keep(self, model: TumorModel, out: Path) -> None:
        """Make `out` the directory of this run, to be resumed from the step that `model` has reached.

        Raises:
            InputError: something is there already, or the disk refuses.
        """
        scenario, step = model.scenario, model.clock.step
        days = max(scenario.clock.days, self._day(step))
        manifest = new_manifest(scenario, seed=model.seed_number, days=days, command="", simulator=self._simulator)
        directory = RunDirectory.create(
            out, manifest={**manifest, "started": self._began}, resolved=scenario.resolved_toml()
        )
        with directory.locked():
            for number, measures in self._rows.items():
                directory.add_row(self._day(number), measures)
            for number, arrays in self._pictures.items():
                directory.add_snapshot(number, self._day(number), arrays)
            directory.add_checkpoint(step, self._day(step), model.state())
            directory.settle()

    def _day(self, step: int) -> float:
        return step * self._dt / MINUTES_PER_DAY


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Keep the package's warnings of this run beside its results."""
    handler = logging.FileHandler(path, delay=True, encoding="utf-8")
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    package = logging.getLogger(__name__.partition(".")[0])
    package.addHandler(handler)
    try:
        yield
    finally:
        package.removeHandler(handler)
        handler.close()


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        logger.debug("the trace could not be written", exc_info=True)
