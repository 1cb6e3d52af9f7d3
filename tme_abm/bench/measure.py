"""The measurement of one case in a process of its own: the time of every process and field, and the memory.

The model runs as usual, with a stopwatch around its processes. Both clocks are read: wall time, which a user waits for,
and processor time, which counts all threads and which other programs on the machine disturb less. Transport uses as
many threads as in any run; the ratios of the history are measured with one thread, like the reference kernel. The first
steps, in which fields fill and caches are cold, do not count.

The reference kernel is one pass of the five-point stencil in numpy over a field that stays in the cache. It is timed
between the measured steps, so that a slow moment of the machine slows both.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import TmeError
from ..core.memory import keep_freed_memory
from ..core.units import MINUTES_PER_DAY
from ..model import TumorModel
from ..processes import Process, Transport
from ..processes.presence import kinds_present
from ..tissue import Fields, Tissue
from .cases import Case, case_catalogue, case_scenario

__all__ = [
    "OTHER", "SETTLE", "NotMeasured", "in_child", "measure", "memory_gib", "proc_lines", "stencil_pass",
]  # fmt: skip

TRANSPORT, SETTLE, OTHER = "transport", "settle", "other"
_SEED = 1
_GIB = float(1 << 30)
_SIDE = 256  # 256 kB in float32: stays in the second-level cache of any machine of this decade
_PASSES = 40  # some milliseconds: long against the clock's grain, short against a step

Clocks = tuple[float, float]  # wall and processor seconds
Grid = NDArray[np.float32]


class NotMeasured(TmeError):
    """A case could not be measured; the message is a clause that says why."""


def in_child(case: Case, seconds: float) -> dict[str, Any]:
    """The result of `measure` in a process of its own, which is ended after `seconds`. Raises NotMeasured.

    The process reads the case from stdin and writes the result to stdout, both as JSON.
    """
    try:
        ended = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(case.to_json()), capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"it did not end within {seconds:.0f} s and was stopped") from None
    if ended.returncode < 0:
        raise NotMeasured(f"its process was ended by signal {-ended.returncode}; the system may have lacked memory")
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotMeasured(f"its process failed: {last}")
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


class Reference:
    """The reference kernel with its two fields."""

    def __init__(self) -> None:
        self._c = np.full((_SIDE, _SIDE), 1.0, dtype=np.float32)
        self._new = self._c.copy()
        self.cpu_ns()  # the first call also allocates memory

    def cpu_ns(self) -> float:
        """The processor time of one pass [ns per voxel], measured now."""
        begun = time.process_time()
        for _ in range(_PASSES):
            stencil_pass(self._c, self._new, 0.2)
            self._c, self._new = self._new, self._c
        return (time.process_time() - begun) / _PASSES / self._c.size * 1e9


class _Stopwatch:
    """The seconds that named calls took in the present step."""

    def __init__(self) -> None:
        self.spent: dict[str, Clocks] = {}

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            result = call(*arguments)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            before = self.spent.get(name, (0.0, 0.0))
            self.spent[name] = (before[0] + wall, before[1] + cpu)
            return result

        return run


class _TimedProcess:
    """A process with a stopwatch around it."""

    def __init__(self, name: str, process: Process, watch: _Stopwatch) -> None:
        self.writes = process.writes
        self._run = watch.timed(name, process)

    def __call__(self, tissue: Tissue, dt: float) -> None:
        self._run(tissue, dt)


def measure(case: Case) -> dict[str, Any]:
    """All measurements of one case, as plain values. It needs a process of its own, whose memory it measures."""
    begun = time.perf_counter()
    model = TumorModel(case_scenario(case), rng=_SEED, catalogue=case_catalogue(case))
    model.take_no_census()
    planted = time.perf_counter() - begun
    processes = dict(model.processes)
    watch = _Stopwatch()
    model.processes = {name: _TimedProcess(name, process, watch) for name, process in processes.items()}
    vars(model.tissue)["settle"] = watch.timed(SETTLE, model.tissue.settle)
    steps, counts, reference = _walk(model, case, watch)
    memory = _peak_gib()
    vars(model.tissue).pop("settle")
    model.processes = processes
    costs = _costs(steps, counts, reference, model)
    solvers, costs["ratios"]["voxel field"] = _solvers(model)
    return {
        **_contents(model, case),
        "case": case.to_json(),
        "planting_seconds": planted,
        "steps": len(steps),
        "peak_gib": memory,
        "cells": {"start": counts[0], "end": counts[-1], "median": float(np.median(counts))},
        **costs,
        "solvers": solvers,
        **({} if case.days is None else _job(steps, case, model)),
    }


def _walk(model: TumorModel, case: Case, watch: _Stopwatch) -> tuple[list[dict[str, Clocks]], list[int], list[float]]:
    """The clocks, the number of cells and the time of the reference kernel for each measured step of a case."""
    reference = Reference()
    steps: list[dict[str, Clocks]] = []
    counts: list[int] = []
    kernel: list[float] = []
    most = case.most if case.days is None else max(round(case.days * _steps_a_day(model)), 1)
    begun = 0.0
    for number in range(case.warm_up + most):
        if number == case.warm_up:
            begun = time.perf_counter()
        late = case.days is None and time.perf_counter() - begun > case.seconds
        if len(steps) >= case.least and late:
            break
        watch.spent = {}
        cells = len(model.tissue.cells)
        watch.timed("step", model.step)()
        if number < case.warm_up:
            continue
        whole = watch.spent.pop("step")
        named = [sum(clock) for clock in zip(*watch.spent.values(), strict=True)]
        watch.spent[OTHER] = (max(whole[0] - named[0], 0.0), max(whole[1] - named[1], 0.0))
        steps.append(dict(watch.spent))
        counts.append(cells)
        kernel.append(reference.cpu_ns())
    return steps, counts, kernel


def _costs(
    steps: list[dict[str, Clocks]], counts: list[int], reference: list[float], model: TumorModel
) -> dict[str, Any]:
    """The spread over the steps of the cost: of the step, of every process, and per unit."""
    work = model.tissue.lattice.n_sites * max(len(list(model.tissue.fields)), 1)
    names = list(steps[0])
    spent = np.array([[step[name] for name in names] for step in steps])  # steps, names, clocks
    whole = spent.sum(axis=1)
    transport = spent[:, names.index(TRANSPORT)]
    cell_step = (whole - transport) / np.array(counts)[:, None] * 1e6
    return {
        "step_seconds": _clocks(whole),
        "transport_seconds": _clocks(transport),
        "cell_seconds": _clocks(whole - transport),
        "processes": {name: _clocks(spent[:, place]) for place, name in enumerate(names)},
        "cell_step_us": _clocks(cell_step),
        "voxel_field_ns": _clocks(transport / work * 1e9),
        "reference_ns": _spread(np.array(reference)),
        # Each step is divided by the time of the kernel right after it, so that disturbances of both cancel.
        "ratios": {"cell step": float(np.median(cell_step[:, 1] * 1e3 / np.array(reference)))},
    }


def _clocks(seconds: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    return {"wall": _spread(seconds[:, 0]), "cpu": _spread(seconds[:, 1])}


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    """The median and the quartiles."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {"median": float(median), "low": float(low), "high": float(high)}


def _contents(model: TumorModel, case: Case) -> dict[str, Any]:
    """The contents of the tissue: cells by type, rules that concern them, fields."""
    kinds = kinds_present(model.scenario, model.biology)
    number = np.bincount(model.tissue.cells.kind, minlength=len(model.biology.cells))
    programs = [program for program in model.biology.programs if program.cell in kinds]
    return {
        "types": {model.biology.cells[kind]: int(number[kind]) for kind in np.flatnonzero(number)},
        "rules": sum(len(program.ups) + len(program.downs) for program in programs),
        "fields": list(model.tissue.fields),
        "voxels": case.voxels,
        "spacing_um": model.tissue.lattice.spacing,
        "density": len(model.tissue.cells) / case.voxels,
        "dt_min": model.clock.dt,
        "precision": str(model.scenario.fields.precision),
        "threads": _transport(model).threads,
    }


def _job(steps: list[dict[str, Clocks]], case: Case, model: TumorModel) -> dict[str, Any]:
    """The seconds for a simulated day, in proportion if the steps are a part of it."""
    wall, cpu = np.array([list(step.values()) for step in steps]).sum(axis=(0, 1)) * _steps_a_day(model) / len(steps)
    return {"seconds_per_day": {"wall": float(wall), "cpu": float(cpu)}, "days": case.days}


def _steps_a_day(model: TumorModel) -> float:
    return float(MINUTES_PER_DAY / model.clock.dt)


def _solvers(model: TumorModel) -> tuple[list[dict[str, Any]], float]:
    """Transport once more, with the sources and uptake of the next step: of each field alone, and of all by one thread.

    For each field the time per voxel and its kind; for all the processor time per voxel and field in units of the
    reference kernel. The fields of a step are solved in groups, so that those alone need not add up to `transport`.
    """
    tissue, transport, fields = model.tissue, _transport(model), model.tissue.fields
    for name, process in model.processes.items():
        if name == TRANSPORT:
            break
        process(tissue, tissue.clock.dt)
    times = range(3 if tissue.lattice.n_sites < 1_000_000 else 2)
    found = []
    for name in list(fields):
        uptake = fields.uptake.get(name)
        consumed = uptake is not None and bool(uptake.any())
        idle = not fields[name].any() and not fields.source[name].any()
        wall, cpu = np.min([_solved(model, fields, [name]) for _ in times], axis=0).tolist()
        found.append({"field": name, "consumed": consumed, "idle": idle, "wall_ns": wall, "cpu_ns": cpu})
    reference, threads = Reference(), transport.threads
    transport.threads = 1
    ratios = [_solved(model, fields, list(fields))[1] / reference.cpu_ns() for _ in times]
    transport.threads = threads
    return found, float(np.median(ratios))


def _solved(model: TumorModel, fields: Fields, names: Sequence[str]) -> Clocks:
    """The time [ns per voxel and field] of one step of copies of some fields."""
    tissue = model.tissue
    some = Fields(names, fields.shape, fields.dtype)
    for name in names:
        some.concentration[name] = fields[name].copy()
        some.source[name] = fields.source[name].copy()
        if name in fields.uptake:
            some.uptake[name] = fields.uptake[name].copy()
    tissue.fields = some
    watch = _Stopwatch()
    watch.timed(TRANSPORT, model.processes[TRANSPORT])(tissue, model.clock.dt)
    tissue.fields = fields
    wall, cpu = (spent / (tissue.lattice.n_sites * len(names)) * 1e9 for spent in watch.spent[TRANSPORT])
    return wall, cpu


def _transport(model: TumorModel) -> Transport:
    transport = model.processes[TRANSPORT]
    assert isinstance(transport, Transport)
    return transport


def memory_gib(path: str, entry: str) -> float | None:
    """An entry of a file below /proc [GiB], such as MemTotal of meminfo; None if the system has none."""
    sizes = (line.split()[1] for line in proc_lines(path) if line.startswith(f"{entry}:"))
    return next((int(size) * 1024 / _GIB for size in sizes), None)


def proc_lines(path: str) -> list[str]:
    """The lines of a file below /proc; empty if the system has none."""
    try:
        return Path("/proc", path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _peak_gib() -> float:
    """The largest memory that this process has had [GiB]."""
    # VmHWM is of this address space; getrusage includes the memory of the parent at the start of this process.
    unit = 1 if sys.platform == "darwin" else 1024
    return memory_gib("self/status", "VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _GIB


if __name__ == "__main__":
    keep_freed_memory()
    try:
        sys.stdout.write(json.dumps(measure(Case.from_json(json.load(sys.stdin))), allow_nan=False) + "\n")
    except TmeError as refused:
        sys.exit(str(refused))  # to stderr, without a trace
