"""The measurement of one case in a process of its own.

The model runs as usual, with a stopwatch around every process and around the solvers of the fields. Costs are processor
time, which other programs on the machine disturb less than wall time. They are means over consecutive steps, because a
step may do what others leave out. Unless the environment says otherwise, one thread does everything, so that costs are
comparable between machines.

The reference kernel is one pass of the five-point stencil in numpy over a field that stays in the cache. It is timed
after every step, so that a slow moment of the machine slows both; a cost divided by it depends little on the machine.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from ..core.errors import TmeError, sentence
from ..core.memory import keep_freed_memory
from ..core.parallel import THREAD_VARIABLES
from ..core.units import MINUTES_PER_DAY
from ..kernels.fields import METHODS, Array, Problem, Step
from ..processes import Process, transport
from ..processes.presence import kinds_present
from ..simulation import Simulation
from ..tissue import Tissue
from .cases import Case, case_catalogue, case_scenario

__all__ = ["NotMeasured", "in_child", "measure", "proc", "stencil_pass"]

_SEED = 1
_GIB = float(1 << 30)
_WARM_UP = 4  # steps that do not count: fields fill, caches are cold
_SIDE = 256  # 256 kB in float32: stays in the second-level cache of any machine of this decade
_PASSES = 40  # some milliseconds: long against the clock's grain, short against a step

Grid = NDArray[np.float32]


class NotMeasured(TmeError):
    """A case could not be measured; the message is a clause that says why."""


def in_child(case: Case, *, seconds: float, gib: float | None) -> dict[str, Any]:
    """The result of `measure` in a process of its own, ended after `seconds`, with at most `gib` of memory.

    The process reads the case from stdin and writes the result to stdout, both as JSON. Raises NotMeasured.
    """
    try:
        ended = subprocess.run(
            [sys.executable, "-m", __name__, *([] if gib is None else [str(gib)])],
            input=json.dumps(asdict(case)), capture_output=True, text=True, timeout=seconds, check=False,
            env={**dict.fromkeys(THREAD_VARIABLES, "1"), **os.environ},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"it did not end within {seconds:.0f} s and was stopped") from None
    if ended.returncode < 0:
        raise NotMeasured(f"its process was ended by signal {-ended.returncode}; the system may have lacked memory")
    if ended.returncode:
        raise NotMeasured((ended.stderr.strip().splitlines() or ["its process failed and said nothing"])[-1])
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def stencil_pass(c: Grid, new: Grid, number: float) -> None:
    """new = c + number * (sum of the four neighbors - 4 c) inside; the rim keeps its values."""
    inner = new[1:-1, 1:-1]
    np.add(c[:-2, 1:-1], c[2:, 1:-1], out=inner)
    inner += c[1:-1, :-2]
    inner += c[1:-1, 2:]
    inner *= np.float32(number)
    inner += np.float32(1.0 - 4.0 * number) * c[1:-1, 1:-1]


def _kernel_seconds(c: Grid) -> float:
    """The processor time of one pass of the reference kernel, measured now; for two fields in turn."""
    new = c.copy()
    begun = time.process_time()
    for _ in range(_PASSES // 2):
        stencil_pass(c, new, 0.2)
        stencil_pass(new, c, 0.2)
    return (time.process_time() - begun) / _PASSES


@dataclass
class _Timed:
    """A process with a stopwatch."""

    process: Process
    seconds: float = 0.0

    @property
    def writes(self) -> frozenset[str]:
        return self.process.writes

    def __call__(self, tissue: Tissue, dt: float) -> None:
        begun = time.process_time()
        self.process(tissue, dt)
        self.seconds += time.process_time() - begun


class _Solvers:
    """The solvers with a stopwatch for fields that something takes up (True) and one for others."""

    def __init__(self) -> None:
        self.spent: dict[bool, list[float]] = {True: [], False: []}
        self.methods = {name: self._timed(step) for name, step in METHODS.items()}

    def _timed(self, step: Step) -> Step:
        def run(c: Array, problem: Problem, **more: Any) -> Array:
            begun = time.thread_time()  # others may solve fields at the same time
            new = step(c, problem, **more)
            self.spent[np.ndim(problem.uptake) > 0].append(time.thread_time() - begun)
            return new

        return run


def measure(case: Case) -> dict[str, Any]:
    """All measurements of one case, as plain values. It needs a process of its own, whose memory it measures.

    `costs` are in ns: of the whole step per site and field, all but transport per cell, transport per site and field.
    """
    model = Simulation(case_scenario(case), rng=_SEED, catalogue=case_catalogue(case))
    for _ in range(_WARM_UP):
        model.step()
    solvers = _Solvers()
    timed = {name: _Timed(process) for name, process in model.processes.items()}
    model.processes = dict(timed)
    field: Grid = np.ones((_SIDE, _SIDE), dtype=np.float32)
    steps, kernel, cells, wall, cpu = case.steps, 0.0, 0, 0.0, 0.0
    with patch.object(transport, "METHODS", solvers.methods):
        for _ in range(steps):
            cells += len(model.tissue.cells)
            begun = time.perf_counter(), time.process_time()
            model.step()
            wall += time.perf_counter() - begun[0]
            cpu += time.process_time() - begun[1]
            kernel += _kernel_seconds(field)
    fields, sites = model.tissue.fields, model.tissue.lattice.n_sites
    busy = [name for name in fields if fields[name].any()]  # others cost nothing
    consumed = len(set(busy) & set(fields.uptake))
    spent = {name: one.seconds for name, one in timed.items()}
    solved = {kind: sum(times) for kind, times in solvers.spent.items()}
    shared = (spent["transport"] - sum(solved.values())) / max(len(busy), 1)  # what each field costs beside its solver
    units = {  # the processor time and the number of units that it was spent on
        "step": (cpu, steps * sites * len(busy)),
        "cell-step": (cpu - spent["transport"], cells),
        "field with uptake": (solved[True] + shared * consumed, steps * sites * consumed),
        "field without uptake": (
            solved[False] + shared * (len(busy) - consumed),
            steps * sites * (len(busy) - consumed),
        ),
    }
    kinds = kinds_present(model.scenario, model.biology)
    return {
        "name": case.name,
        "mix": case.mix,
        "planned_cells": case.cells,
        "cells": cells / steps,
        "shape": list(case.shape),
        "spacing_um": model.tissue.lattice.spacing,
        "rules": sum(len(one.ups) + len(one.downs) for one in model.biology.programs if one.cell in kinds),
        "fields": {"all": case.fields, "with uptake": consumed, "empty": case.fields - len(busy)},
        "steps": steps,
        "wall_ms": wall / steps * 1e3,
        "cpu_ms": cpu / steps * 1e3,
        "seconds_per_day": wall / steps * MINUTES_PER_DAY / model.clock.dt,
        "processes_ms": {
            name: one / steps * 1e3 for name, one in {**spent, "settle": cpu - sum(spent.values())}.items()
        },
        "costs": {name: seconds / number * 1e9 for name, (seconds, number) in units.items() if number},
        "kernel_ns": kernel / steps / field.size * 1e9,
        "peak_gib": _peak_gib(),
    }


def proc(path: str, entry: str) -> str | None:
    """An entry of a file below /proc, such as "MemTotal" of "meminfo"; None if the system has none."""
    try:
        lines = Path("/proc", path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(entry)), None)


def _peak_gib() -> float:
    """The largest memory that this process has had [GiB]."""
    # VmHWM is of this address space; getrusage includes the memory of the parent at the start of this process.
    own = proc("self/status", "VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return (int(own.split()[0]) * 1024 if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit) / _GIB


def _main(limit: str | None) -> None:
    """Measure the case on stdin, with at most `limit` GiB of memory; if that fails, end with one sentence."""
    limits = [end for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS) for end in resource.getrlimit(kind)]
    least = min((end for end in limits if end != resource.RLIM_INFINITY), default=math.inf)
    if limit is not None:
        least = min(least, int(float(limit) * _GIB))
        resource.setrlimit(resource.RLIMIT_DATA, (int(least), limits[1]))
    keep_freed_memory()
    try:
        sys.stdout.write(json.dumps(measure(Case(**json.load(sys.stdin))), allow_nan=False) + "\n")
    except TmeError as refused:
        sys.exit(sentence(refused))  # to stderr, without a trace
    except MemoryError:
        sys.exit(f"it does not fit in the {least / _GIB:.3g} GiB of memory that it may have")


if __name__ == "__main__":
    _main(next(iter(sys.argv[1:]), None))
