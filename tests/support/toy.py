"""A model of a page with the shape of the real one, for tests of what is around it; the scenarios are real."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tme_abm.observe.metrics import metric_names
from tme_abm.runs.simulator import Simulator
from tme_abm.scenario import Scenario, load


class ToyModel:
    """Forty numbers that wander chaotically: one wrong bit anywhere and the end is another."""

    def __init__(self, scenario: Scenario, seed: int, simulator: ToySimulator) -> None:
        self.scenario, self.simulator = scenario, simulator
        self.x = np.modf(np.arange(1, 41) * 0.137 * seed + scenario.tumor.traits["antigenicity"])[0]
        self.steps = 0
        self.push = 1e-6 * sum(len(item.do) for item in scenario.protocol)

    def step(self) -> None:
        time.sleep(self.simulator.seconds_a_step)
        self.steps += 1
        if self.steps == self.simulator.fails_at:
            raise ZeroDivisionError("no cells left\nto divide by")
        if self.steps == self.simulator.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.x = 3.9 * self.x * (1 - self.x) * 0.99 + 0.005 * np.roll(self.x, 1) + self.push

    def state(self) -> dict[str, NDArray[Any]]:
        return {"x": self.x, "steps": np.array(self.steps)}


@dataclass(frozen=True, kw_only=True)
class ToySimulator(Simulator):
    seconds_a_step: float = 0.0
    fails_at: int = -1
    dies_at: int = -1
    fails_for: str = ""  # only in the scenario of this name; "" is all
    version: str = "toy 1"
    all_metrics: bool = False  # everything that the registry of metrics has for the scenario, as the real model does

    def fingerprint(self) -> str:
        return self.version

    def start(self, scenario: Scenario, seed: int) -> ToyModel:
        simulator = self if self.fails_for in ("", scenario.name) else ToySimulator(seconds_a_step=self.seconds_a_step)
        return ToyModel(scenario, seed, simulator)

    def resume(self, scenario: Scenario, seed: int, arrays: Mapping[str, NDArray[Any]]) -> ToyModel:
        model = self.start(scenario, seed)
        model.x, model.steps = arrays["x"], int(arrays["steps"])
        return model

    def branch(self, scenario: Scenario, seed: int, arrays: Mapping[str, NDArray[Any]]) -> ToyModel:
        return self.resume(scenario, seed, arrays)

    def metrics(self, scenario: Scenario) -> tuple[str, ...]:
        return super().metrics(scenario) if self.all_metrics else tuple(self.measure(ToyModel(scenario, 1, self)))

    def measure(self, model: ToyModel) -> dict[str, float]:
        ratio = float("nan") if model.steps == 0 else float(model.x[3])
        few = {
            "tumor cells": 1000 * float(model.x[0]),
            "CD8 cells": 500 * float(model.x[1]),
            "CD8 core": 600 * float(model.x[2]),
            "Treg:CD8": ratio,
            "kills per engaged day": 10 * float(model.x[4]),
        }
        names = _metrics(model.scenario.hash, model.scenario) if self.all_metrics else tuple(few)
        assert few.keys() <= set(names), "the toy measures what the model does not"
        return {name: few.get(name, 100 * float(model.x[number % 40])) for number, name in enumerate(names)}

    def snapshot(self, model: ToyModel) -> dict[str, NDArray[Any]]:
        return {
            "tissue_kind": np.round(model.x * 5).astype(np.int8),
            "cell_names": np.array(["tumor", "CD8"]),
            "steps": np.array(model.steps),
        }

    def classify(self, measures: Mapping[str, float]) -> str:
        if measures["tumor cells"] < 200:
            return "none"
        return "hot" if measures["CD8 core"] > 295 else "cold"


_known: dict[str, tuple[str, ...]] = {}


def _metrics(key: str, scenario: Scenario) -> tuple[str, ...]:
    if key not in _known:
        _known[key] = metric_names(scenario)
    return _known[key]


def small(name: str = "hot", **settings: str) -> Scenario:
    """A shipped scenario that records often, so that little time holds many writes."""
    return load(name, {"record.every": "2 h", "record.snapshots": "8 h"} | settings)


Run = Callable[..., tuple[int, str, str]]
"""The command line: arguments -> exit code, stdout, stderr."""


def simulate_with(monkeypatch: pytest.MonkeyPatch, simulator: ToySimulator) -> None:
    """Have the command line simulate with `simulator`."""
    monkeypatch.setattr("tme_abm.runs.simulator.TUMOR", replace(simulator, all_metrics=True))


def results(directory: Path) -> dict[str, bytes]:
    """Everything in a run's directory that must not depend on how often it was killed."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name not in {"manifest.json", "run.log"}
    }
