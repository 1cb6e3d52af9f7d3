"""Trials of sets of values: every scenario is run with the same few seeds, and the results are kept.

Two sets of values meet the same chances, so that they differ by what they are and not by luck. What was found stands
in `evaluations.csv`, a line for each set of values; runs are kept only until their line is written, so a killed
calibration loses nothing and a long one does not fill the disk. `calibration.json` says of what the lines are true.
"""

from __future__ import annotations

import csv
import io
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import files
from ..core.errors import InputError
from ..runs.results import read_series
from ..runs.run import Outcome, Task, Tell, run_all
from ..runs.simulator import Simulator
from ..runs.walk import RunFailed
from .targets import Calibration, Floats, Setting

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["Evaluation", "Simulate", "Trials", "Tuned", "Watch", "tuned"]

logger = logging.getLogger(__name__)

SETUP = "calibration.json"
EVALUATIONS = "evaluations.csv"
RUNS = "runs"

Simulate = Callable[[Mapping[str, Setting]], Simulator]
"""Makes a simulator of changes to the catalogue, place to value."""
Watch = Callable[..., AbstractContextManager[Tell | None]]
"""Watches runs: called with their number `runs` and their length `days`."""
Key = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Tuned(Simulator):
    """The tumor model with some numbers of its catalogue changed."""

    values: tuple[tuple[str, Setting], ...]

    def fingerprint(self) -> str:
        """The fingerprint of the model and of the values."""
        return f"{super().fingerprint()} {files.sha256(repr(self.values).encode())}"

    def start(self, scenario: Scenario, seed: int) -> Any:
        """A new tumor."""
        from ..biology import changed
        from ..simulation import Simulation

        return Simulation(scenario, rng=seed, catalogue=changed(scenario.catalogue, dict(self.values)))

    def resume(self, scenario: Scenario, seed: int, arrays: Mapping[str, Any]) -> Any:
        """A tumor in the state of `arrays`."""
        model = self.start(scenario, seed)
        model.restore(arrays)
        return model


def tuned(changes: Mapping[str, Setting]) -> Simulator:
    """The tumor model with `changes` to its catalogue."""
    return Tuned(values=tuple(sorted(changes.items())))


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A value for each knob, and their outcomes: `values` (n_goals, n_seeds)."""

    settings: tuple[Setting, ...]
    values: Floats
    loss: float

    @property
    def medians(self) -> Floats:
        """The median over the seeds of what was reached (n_goals,); NaN where any of them shows nothing."""
        return np.asarray(np.median(self.values, axis=1))


@dataclass(kw_only=True)
class Trials:
    """Evaluates values, in the directory `out`."""

    out: Path
    calibration: Calibration
    days: float
    shape: int
    seeds: tuple[int, ...]
    jobs: int
    command: str
    watch: Watch | None
    simulate: Simulate
    known: dict[Key, Floats] = field(default_factory=dict)

    def open(self, *, overwrite: bool) -> None:
        """Begin in an empty directory, or continue the same calibration.

        Raises InputError if the directory holds something else or another calibration.
        """
        self.scenarios = self._scenarios()  # before anything is written: the lattice may be too small
        there = files.check_holds(self.out, (SETUP,), "calibration")
        setup = self._setup()
        if there and not overwrite:
            held = files.read_json(self.out / SETUP)
            other = [key for key, value in setup.items() if held.get(key) != value]
            if other:
                what = f"holds a calibration with another {', '.join(other)}; choose another --out, or --overwrite"
                raise InputError(what, file=self.out)
            self.known = self._read()
            return
        with files.disk_errors(self.out, "create the directory"):
            self.out.mkdir(parents=True, exist_ok=True)
            (self.out / EVALUATIONS).unlink(missing_ok=True)
        files.write_json(self.out / SETUP, setup)

    def evaluate(self, wanted: Sequence[tuple[Setting, ...]]) -> list[Evaluation]:
        """The evaluation of each set of values. Raises RunFailed if every run failed."""
        new = {_key(settings): settings for settings in wanted if _key(settings) not in self.known}
        if new:
            self.known |= self._measured(new, self.seeds)
            self._write()
        return [self._evaluation(settings, self.known[_key(settings)]) for settings in wanted]

    def renewed(self, settings: tuple[Setting, ...]) -> Evaluation:
        """The evaluation of values with the same number of new seeds."""
        seeds = [seed + len(self.seeds) for seed in self.seeds]
        found = self._measured({_key(settings): settings}, seeds)
        self._clear()
        return self._evaluation(settings, found[_key(settings)])

    def _evaluation(self, settings: tuple[Setting, ...], values: Floats) -> Evaluation:
        return Evaluation(settings=settings, values=values, loss=self.calibration.loss(values))

    def _scenarios(self) -> dict[str, Scenario]:
        from ..scenario.load import changed, load

        names = dict.fromkeys(name for goal in self.calibration.goals for name in goal.scenarios)
        scenarios = {name: load(name) for name in names}
        changes = {
            "record.every": "1 day",
            "record.snapshots": f"{self.days:g} day",  # the first and the last; they are not looked at
        }
        try:
            return {
                name: changed(scenario, {"lattice.shape": [self.shape] * len(scenario.lattice.shape), **changes})
                for name, scenario in scenarios.items()
            }
        except InputError as error:
            raise InputError(error.what, place="shape") if error.place == "lattice.shape" else error from error

    def _measured(self, wanted: Mapping[Key, tuple[Setting, ...]], seeds: Sequence[int]) -> dict[Key, Floats]:
        """Values (n_goals, n_seeds) by key."""
        simulators = {key: self.simulate(self.calibration.changes(settings)) for key, settings in wanted.items()}
        arms = list(product(wanted, seeds, self.scenarios))
        tasks = [
            Task(
                scenario=self.scenarios[name],
                seed=seed,
                days=self.days,
                out=self.out / RUNS / files.sha256(repr(key).encode())[:12] / name / f"seed_{seed:03d}",
                command=self.command,
                simulator=simulators[key],
            )
            for key, seed, name in arms
        ]
        with self.watch(runs=len(tasks), days=self.days) if self.watch else nullcontext() as tell:
            outcomes = run_all(tasks, jobs=self.jobs, tell=tell)
        _complain(tasks, outcomes)
        rows = {
            arm: _reader(None if outcome.error else task.out)
            for arm, task, outcome in zip(arms, tasks, outcomes, strict=True)
        }

        def reached(key: Key, seed: int) -> list[float]:
            measured = {name: rows[key, seed, name] for name in self.scenarios}
            return [goal.value(measured) for goal in self.calibration.goals]

        return {key: np.array([reached(key, seed) for seed in seeds]).T for key in wanted}

    def _setup(self) -> dict[str, Any]:
        """All that the lines of the table depend on. Bands and weights may change: they only weigh what was found."""
        return {
            "days": self.days,
            "shape": self.shape,
            "seeds": list(self.seeds),
            "free parameters": [[knob.key, *knob.places] for knob in self.calibration.knobs],
            "targets": [goal.label for goal in self.calibration.goals],
            "model": self.simulate({}).fingerprint(),
            "scenarios": {name: scenario.hash for name, scenario in self.scenarios.items()},
        }

    def _header(self) -> list[str]:
        reached = [f"{goal.label}, seed {seed}" for goal in self.calibration.goals for seed in self.seeds]
        return ["loss", *(knob.key for knob in self.calibration.knobs), *reached]

    def _write(self) -> None:
        rows = (
            [f"{self.calibration.loss(values):.6g}", *key, *(repr(float(one)) for one in values.ravel())]
            for key, values in self.known.items()
        )
        files.write_chunks(self.out / EVALUATIONS, map(files.csv_line, (self._header(), *rows)))
        self._clear()

    def _read(self) -> dict[Key, Floats]:
        path = self.out / EVALUATIONS
        if not path.exists():
            return {}
        with files.disk_errors(path, "read the file"):
            rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        knobs, shape = len(self.calibration.knobs), (len(self.calibration.goals), len(self.seeds))
        try:
            # Twice the same target is allowed (a band and an aim within it), so the columns are read by position.
            return {
                tuple(row[1 : knobs + 1]): np.array(row[knobs + 1 :], dtype=float).reshape(shape) for row in rows[1:]
            }
        except ValueError as error:
            raise InputError(
                f"not a table of evaluations ({error}); begin again with --overwrite", file=path
            ) from error

    def _clear(self) -> None:
        shutil.rmtree(self.out / RUNS, ignore_errors=True)


def _key(settings: tuple[Setting, ...]) -> Key:
    return tuple(map(str, settings))


def _complain(tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> None:
    failed = [(task, outcome.error) for task, outcome in zip(tasks, outcomes, strict=True) if outcome.error]
    for task, error in failed:
        logger.warning("%s, seed %d: %s", task.scenario.name, task.seed, error)
    if failed and len(failed) == len(tasks):
        raise RunFailed(str(failed[0][1]), failed[0][0].out)


def _reader(directory: Path | None) -> Callable[[float], Mapping[str, float]]:
    """A function from a day to the measures of a run on it; empty if the run failed."""
    series = None if directory is None else read_series(directory)
    return lambda day: (series.row(day) if series else None) or {}
