"""The way of a run from one step to the last, and what is written where on it.

Rows, pictures and checkpoints are written between steps. Whether one is due is a matter of the step's
number, so a run that was killed and resumed writes the same bytes as one that was not; how often the series
is flushed and a checkpoint taken by the clock on the wall changes nothing in the results.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import files
from ..core.errors import InputError, TmeError
from .results import LOG, SERIES
from .schedule import MINUTES_PER_DAY, Schedule
from .simulator import Simulator
from .store import RunDirectory

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["Callback", "Progress", "RunFailed", "Walk", "now"]

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0  # at most this much work is lost when a slow run is killed
FLUSH_SECONDS = 5.0  # how old the series on disk may be while a run is being watched


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
                raise RunFailed(_sentence(error), self.directory.path) from error
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
        self._finish(model, step)

    def _is_kept(self, step: int) -> bool:
        """Is the checkpoint of this step kept for good, to branch from?"""
        return self.branchings is not None and step > 0 and self.branchings.due(step)

    def _write(self, model: Any, step: int) -> None:
        if self.rows.due(step):
            self.measures = self.simulator.measure(model)
            self.directory.add_row(self._day(step), self.measures)
        if self.pictures.due(step):
            self.directory.add_snapshot(self._day(step), self.simulator.snapshot(model))

    def _finish(self, model: Any, step: int) -> None:
        """The last checkpoint first: a row or picture that is only here because the run ends is not part of
        it, so that a longer run made from this one is the same as one that was longer from the start."""
        self.directory.add_checkpoint(step, self._day(step), model.state(), last=True)
        if not self.rows.due(step):
            self.measures = self.simulator.measure(model)
            self.directory.add_row(self._day(step), self.measures)
            self.directory.flush()
        if not self.pictures.due(step):
            self.directory.add_snapshot(self._day(step), self.simulator.snapshot(model))

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
                status="failed", error=_sentence(error), finished=now(), wall_seconds=round(spent, 3)
            )
        except InputError:  # the disk is why it failed; the first error is the one to tell
            logger.debug("the manifest could not be written", exc_info=True)


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


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, TmeError) and text else f"{type(error).__name__}: {text}".rstrip(": ")
