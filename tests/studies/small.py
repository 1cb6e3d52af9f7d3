"""A small study of the toy, and a process that runs one; the process can be killed.

    python -m tests.studies.small STUDY.toml OUT [--scheduler ADDRESS] [--seconds-a-step S]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tests.support.toy import ToyModel, ToySimulator
from tme_abm.core.parallel import Here
from tme_abm.runs import walk
from tme_abm.scenario import Scenario
from tme_abm.studies.batch import Outcome, run_study
from tme_abm.studies.cluster import ClusterExecutor
from tme_abm.studies.study import Study, load_study

ROOT = Path(__file__).parents[2]

TEXT = """
title = "Small"
scenarios = ["hot", "cold"]
days = 0.5
replicates = 2
metrics = ["CD8 core", "tumor cells"]

[set]
clock.dt = "20 min"
record.every = "2 h"
record.snapshots = "8 h"

[parameters]
"tumor.traits.antigenicity" = [0.2, 0.5, 0.8]
"""

TABLES = ("runs.csv", "series.csv", "design.csv", "study.toml")


@dataclass(frozen=True, kw_only=True)
class Checkpointing(ToySimulator):
    """The toy, with checkpoints so close together that every short run has some."""

    def start(self, scenario: Scenario, seed: int) -> ToyModel:
        walk.CHECKPOINT_SECONDS = 0.02
        return super().start(scenario, seed)

    def resume(self, scenario: Scenario, seed: int, arrays: Mapping[str, NDArray[Any]]) -> ToyModel:
        walk.CHECKPOINT_SECONDS = 0.02
        return super().resume(scenario, seed, arrays)


@dataclass(frozen=True, kw_only=True)
class DiesOnce(ToySimulator):
    """The toy; its process is killed once in the runs of one seed, the first time that it comes to half of them."""

    mark: str = ""
    seed: int = 1

    def start(self, scenario: Scenario, seed: int) -> ToyModel:
        mark = Path(self.mark) / f"{scenario.name}-{scenario.tumor.traits['antigenicity']}-{seed}"
        if seed == self.seed and not mark.exists():
            mark.touch()
            return ToyModel(scenario, seed, ToySimulator(dies_at=18))
        return ToyModel(scenario, seed, self)


def study_file(directory: Path, text: str = TEXT, name: str = "small.toml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def loaded(directory: Path, text: str = TEXT, simulator: ToySimulator | None = None) -> Study:
    return load_study(study_file(directory, text), simulator=simulator or ToySimulator())


def batched(study: Study, out: Path, simulator: ToySimulator | None = None, **more: Any) -> Outcome:
    """Run a study here, or with `jobs` in as many processes."""
    options = more if "jobs" in more or "executor" in more else more | {"executor": Here()}
    return run_study(study, out=out, simulator=simulator or ToySimulator(), **options)


def contents(out: Path) -> dict[str, bytes]:
    """Everything of a study that must not depend on how often it was killed."""
    runs = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted((out / "runs").rglob("*"))
        if path.is_file() and path.name not in {"manifest.json", "run.log"}
    }
    return {name: (out / name).read_bytes() for name in TABLES} | runs


def process(*arguments: object, own_group: bool = False) -> subprocess.Popen[str]:
    """This module as a process of its own, and with its children a group if asked for, as in a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.studies.small", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in [str(ROOT), *sys.path] if path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=own_group,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("study", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scheduler")
    parser.add_argument("--seconds-a-step", type=float, default=0.0)
    asked = parser.parse_args()
    simulator = Checkpointing(seconds_a_step=asked.seconds_a_step)
    study = load_study(asked.study, simulator=simulator)
    executor = None
    if asked.scheduler:
        executor = ClusterExecutor(asked.scheduler, study=asked.out, simulator=simulator, jobs=2)
    try:
        found = run_study(study, out=asked.out, jobs=2, executor=executor, simulator=simulator)
    except KeyboardInterrupt:
        sys.exit(130)
    print(found.done, "done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
