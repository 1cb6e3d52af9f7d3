"""Step a model to the end of its run and write its series, pictures and checkpoints.

They are written between steps. Whether one is due depends on the number of the step alone, so a run that was killed and
resumed writes the same bytes as one that was not. The series is also flushed, and a checkpoint taken, after some
seconds; that changes nothing in the results.

`Walk` steps a model and writes; `Logbook` records the same rows and pictures of a model that the browser page steps.
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
from .simulator import TUMOR, Simulator

if TYPE_CHECKING:
    from ..scenario import Scenario
    from ..simulation import Simulation

__all__ = ["Callback", "Logbook", "Progress", "RunFailed", "Walk", "is_due", "new_manifest", "now", "steps_until"]

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0  # at most this much work is lost when a slow run is killed
FLUSH_SECONDS = 5.0  # how old the series on disk may be while a run is being watched

_ROUNDING = 1e-9  # in steps: 0.1 + 0.2 must still count as 0.3


def is_due(step: int, every: float, dt: float) -> bool:
    """Whether `step`, of `dt` minutes each, is the first at or past a multiple of `every` minutes, such as step 0."""
    before, now = (math.floor((number + _ROUNDING) * dt / every) for number in (step - 1, step))
    return step == 0 or now > before


def steps_until(days: float, dt: float) -> int:
    """The number of steps of `dt` minutes that reaches `days`."""
    return math.ceil(days * MINUTES_PER_DAY / dt - _ROUNDING)


def _day(step: int, dt: float) -> float:
    return step * dt / MINUTES_PER_DAY


class RunFailed(TmeError):
    """The simulation failed; the directory holds the results so far and the full trace."""

    def __init__(self, what: str, directory: Path) -> None:
        super().__init__(what, directory)
        self.what = what
        self.directory = directory

    def __str__(self) -> str:
        return f"{self.what} (full trace in {self.directory / LOG})"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is, after a step."""

    step: int
    steps: int
    day: float
    days: float
    measures: dict[str, float]
    steps_per_second: float


Callback = Callable[[Progress], None]


def now() -> str:
    """The date and time, for the manifest only."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_manifest(
    scenario: Scenario, *, seed: int, days: float, command: str, simulator: Simulator
) -> dict[str, Any]:
    """The manifest of a new run."""
    from ..observe.snapshot import FIELD_BITS

    manifest = {
        "scenario": scenario.name,
        "title": scenario.title,
        "scenario_hash": scenario.hash,
        "model": simulator.fingerprint(),
        "seed": seed,
        "days": days,
        "steps": steps_until(days, scenario.clock.dt),
        "command": command,
        "snapshot_fields": scenario.record.precision or f"rounded to {FIELD_BITS} significant bits",
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
    if scenario.slide is not None:  # how the measured cells were fitted to the lattice
        from ..scenario.slide.section import report

        manifest["slide"] = report(scenario.slide, scenario.lattice, scenario.catalogue)
    return manifest


class Walk:
    """Steps a model to the end of its run, writes into its directory, and reports progress."""

    def __init__(
        self, scenario: Scenario, directory: RunDirectory, simulator: Simulator, progress: Callback | None
    ) -> None:
        self.record, self.dt = scenario.record, scenario.clock.dt
        self.directory = directory
        directory.keeps = self._is_kept
        self.simulator = simulator
        self.progress = progress
        self.measures: dict[str, float] = {}

    def go(self, model: Any, *, step: int) -> None:
        """Step `model`, which is at `step`, to the end. If it raises an error, write the trace to the log."""
        began = time.monotonic() - float(self.directory.manifest["wall_seconds"])
        with _logged(self.directory.path / LOG):
            try:
                self._walk(model, step)
            except InputError as error:
                self._mark_failed(error, began)
                raise
            except Exception as error:
                _append(self.directory.path / LOG, traceback.format_exc())
                self._mark_failed(error, began)
                raise RunFailed(sentence(error), self.directory.path) from error
        series = (self.directory.path / SERIES).read_bytes()
        self.directory.update_manifest(
            status="done",
            finished=now(),
            wall_seconds=round(time.monotonic() - began, 3),
            series_sha256=files.sha256(series),
        )
        self.directory.settle()

    def _walk(self, model: Any, step: int) -> None:
        steps, first = int(self.directory.manifest["steps"]), step
        began = saved = flushed = time.monotonic()
        if self.directory.is_blank:  # not so at a checkpoint of step 0
            self._write(model, step)
            self.directory.flush()
        self.measures = self.measures or self.simulator.measure(model)
        rate = 0.0
        while step < steps:
            self._report(step, steps, rate)
            model.step()
            step += 1
            self._write(model, step)
            clock = time.monotonic()
            due = is_due(step, MINUTES_PER_DAY, self.dt) or self._is_kept(step)
            if step < steps and (due or clock - saved > CHECKPOINT_SECONDS):
                self.directory.add_checkpoint(step, _day(step, self.dt), model.state())
                saved = flushed = time.monotonic()
            elif clock - flushed > FLUSH_SECONDS:
                self.directory.flush()
                flushed = time.monotonic()
            rate = (step - first) / max(clock - began, 1e-9)
        # The last checkpoint comes before the row and picture that are only written because the run ends. So a run that
        # is made longer is the same as one that was longer from the start.
        self.directory.add_checkpoint(step, _day(step, self.dt), model.state(), last=True)
        self._write(model, step, due=False)
        self.directory.flush()
        self._report(step, steps, rate)

    def _is_kept(self, step: int) -> bool:
        """Whether the checkpoint of this step is kept for good, to branch from."""
        every = self.record.checkpoints
        return every is not None and step > 0 and is_due(step, every, self.dt)

    def _write(self, model: Any, step: int, *, due: bool = True) -> None:
        """Write the row and the picture of this step if they are due or, with `due` false, if they are not."""
        day = _day(step, self.dt)
        if is_due(step, self.record.every, self.dt) == due:
            self.measures = self.simulator.measure(model)
            self.directory.add_row(day, self.measures)
        if is_due(step, self.record.snapshots, self.dt) == due:
            self.directory.add_snapshot(step, day, self.simulator.snapshot(model))

    def _report(self, step: int, steps: int, rate: float) -> None:
        if self.progress is not None:
            self.progress(
                Progress(
                    step=step,
                    steps=steps,
                    day=_day(step, self.dt),
                    days=float(self.directory.manifest["days"]),
                    measures=self.measures,
                    steps_per_second=rate,
                )
            )

    def _mark_failed(self, error: BaseException, began: float) -> None:
        try:
            self.directory.update_manifest(
                status="failed",
                error=sentence(error),
                finished=now(),
                wall_seconds=round(time.monotonic() - began, 3),
            )
        except InputError:  # the run failed because of the disk, too; its own error is raised
            logger.debug("the manifest could not be written", exc_info=True)


class Logbook:
    """The rows and pictures of a run up to now, for a model that the browser page steps.

    `keep` makes the directory of a run that was interrupted there. `resume` goes on with it, and its results are the
    same to the byte as if the scenario of the directory had been run without interruption.
    """

    def __init__(self, model: Simulation) -> None:
        """Begin with a model at its first step."""
        self._rows: dict[int, dict[str, float]] = {}
        self._pictures: dict[int, files.Arrays] = {}
        self._began = now()
        self.note(model)

    def note(self, model: Simulation) -> None:
        """Record the row and the picture that are due after this step."""
        step, dt, record = model.clock.step, model.clock.dt, model.scenario.record
        if is_due(step, record.every, dt):
            self._rows[step] = TUMOR.measure(model)
        if is_due(step, record.snapshots, dt):
            self._pictures[step] = TUMOR.snapshot(model)

    def keep(self, model: Simulation, out: Path) -> None:
        """Make `out` the directory of this run, to be resumed from the step that `model` has reached.

        Raises InputError if `out` holds something already or cannot be written.
        """
        scenario, step, dt = model.scenario, model.clock.step, model.clock.dt
        days = max(scenario.clock.days, _day(step, dt))
        manifest = new_manifest(scenario, seed=model.seed_number, days=days, command="", simulator=TUMOR)
        directory = RunDirectory.create(
            out, manifest={**manifest, "started": self._began}, resolved=scenario.resolved_toml()
        )
        with directory.locked():
            for number, measures in self._rows.items():
                directory.add_row(_day(number, dt), measures)
            for number, arrays in self._pictures.items():
                directory.add_snapshot(number, _day(number, dt), arrays)
            directory.add_checkpoint(step, _day(step, dt), model.state())
            directory.settle()


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """A context in which the package's warnings go to the log of the run."""
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
