"""A run that is walked by hand: what it would have written so far, and its directory whenever somebody wants one.

Who steps a model without `run` (the browser page does) tells a `Logbook` after every step. The directory it makes is
that of a run which was interrupted there: `resume` goes on with it, and the end is the same to the byte as if the
scenario of the directory had been run without interruption.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.files import Arrays
from .run import new_manifest
from .schedule import MINUTES_PER_DAY, Schedule
from .simulator import TumorSimulator
from .store import RunDirectory
from .walk import now

if TYPE_CHECKING:
    from ..model import TumorModel

__all__ = ["Logbook"]


class Logbook:
    """The rows and pictures of one run up to now."""

    def __init__(self, model: TumorModel) -> None:
        """Begin with a model at its first step."""
        record, dt = model.scenario.record, model.scenario.clock.dt
        self._simulator = TumorSimulator()
        self._due_rows = Schedule(every=record.every, dt=dt)
        self._due_pictures = Schedule(every=record.snapshots, dt=dt)
        self._rows: list[tuple[float, dict[str, float]]] = []
        self._pictures: list[tuple[float, Arrays]] = []
        self._began = now()
        self.note(model)

    def note(self, model: TumorModel) -> None:
        """Write down what is due after this step."""
        step = model.clock.step
        if self._due_rows.due(step):
            self._rows.append((_day(model), self._simulator.measure(model)))
        if self._due_pictures.due(step):
            self._pictures.append((_day(model), self._simulator.snapshot(model)))

    def keep(self, model: TumorModel, out: Path) -> None:
        """Make `out` the directory of this run, to be resumed from the step that `model` has reached.

        Raises:
            InputError: something is there already, or the disk refuses.
        """
        scenario, step = model.scenario, model.clock.step
        days = max(scenario.clock.days, _day(model))
        manifest = new_manifest(
            scenario, seed=model.seed_number, days=days, command="", simulator=self._simulator
        ) | {"started": self._began}
        directory = RunDirectory.create(out, manifest=manifest, resolved=scenario.resolved_toml())
        with directory.locked():
            for day, measures in self._rows:
                directory.add_row(day, measures)
            for day, arrays in self._pictures:
                directory.add_snapshot(day, arrays)
            directory.add_checkpoint(step, _day(model), model.state())
            directory.settle()


def _day(model: TumorModel) -> float:
    return float(model.clock.step * model.scenario.clock.dt / MINUTES_PER_DAY)
