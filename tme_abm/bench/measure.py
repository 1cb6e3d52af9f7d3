"""One case, measured: the time of every process in every step, the solver of every field, and the memory.

The model runs as it always does; its processes are only wrapped in a stopwatch. Both clocks are read: wall time, which
a user waits for, and processor time, which other programs on the machine disturb less and which counts all threads.
Transport takes as many threads as in any run; what goes into the history is measured with one, like the reference
kernel. Steps before the fields have filled and the caches are warm do not count.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..model import TumorModel
from ..processes import Process, Transport
from ..processes.presence import kinds_present
from ..tissue import Fields, Tissue
from .cases import Case, case_catalogue, case_scenario
from .reference import Reference
from .scaling import Spread, spread

__all__ = ["OTHER", "SETTLE", "TRANSPORT", "measure", "peak_gib"]

TRANSPORT, SETTLE, OTHER = "transport", "settle", "other"
_SEED = 1
_GIB = float(1 << 30)

Clocks = tuple[float, float]  # wall and processor seconds


class _Stopwatch:
    """Seconds by name in the present step."""

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
    """A process under a stopwatch."""

    def __init__(self, name: str, process: Process, watch: _Stopwatch) -> None:
        self.writes = process.writes
        self._run = watch.timed(name, process)

    def __call__(self, tissue: Tissue, dt: float) -> None:
        self._run(tissue, dt)


def measure(case: Case) -> dict[str, Any]:
    """Everything about one case, as plain values. Meant for a process of its own: its memory is measured too."""
    begun = time.perf_counter()
    model = TumorModel(case_scenario(case), rng=_SEED, catalogue=case_catalogue(case))
    model.take_no_census()
    planted = time.perf_counter() - begun
    processes = dict(model.processes)
    watch = _Stopwatch()
    model.processes = {name: _TimedProcess(name, process, watch) for name, process in processes.items()}
    vars(model.tissue)["settle"] = watch.timed(SETTLE, model.tissue.settle)
    steps, counts, reference = _walk(model, case, watch)
    memory = peak_gib()
    vars(model.tissue).pop("settle")
    model.processes = processes
    costs, solved = _costs(steps, counts, reference, model), _solvers(model)
    costs["ratios"]["voxel field"] = solved.pop("by one thread")
    return {
        **_contents(model, case),
        "case": case.to_json(),
        "planting_seconds": planted,
        "steps": len(steps),
        "peak_gib": memory,
        "cells": {"start": counts[0], "end": counts[-1], "median": float(np.median(counts))},
        **costs,
        **solved,
        **({} if case.days is None else _job(steps, case, model)),
    }


def _walk(model: TumorModel, case: Case, watch: _Stopwatch) -> tuple[list[dict[str, Clocks]], list[int], list[float]]:
    """Step through the case; the clocks, the number of cells and the reference kernel's time of every step counted."""
    reference = Reference()
    steps: list[dict[str, Clocks]] = []
    counts: list[int] = []
    kernel: list[float] = []
    day = 24 * 60.0 / model.clock.dt
    most = case.most if case.days is None else max(round(case.days * day), 1)
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
    """Medians over the steps: of the whole, of every process, and per unit."""
    lattice, fields = model.tissue.lattice, model.tissue.fields
    work = lattice.n_sites * max(sum(1 for _ in fields), 1)
    whole = [_total(step) for step in steps]
    transport = [step[TRANSPORT] for step in steps]
    rest = [(w[0] - t[0], w[1] - t[1]) for w, t in zip(whole, transport, strict=True)]
    cell_step = [(r[0] / n * 1e6, r[1] / n * 1e6) for r, n in zip(rest, counts, strict=True)]
    voxel_field = [(t[0] / work * 1e9, t[1] / work * 1e9) for t in transport]
    return {
        "step_seconds": _both(whole),
        "transport_seconds": _both(transport),
        "cell_seconds": _both(rest),
        "processes": {name: _both([step[name] for step in steps]) for name in steps[0]},
        "cell_step_us": _both(cell_step),
        "voxel_field_ns": _both(voxel_field),
        "reference_ns": vars(spread(reference)),
        # Step by step against the kernel's time right after it, so that what disturbs both cancels.
        "ratios": {"cell step": _ratio([c[1] * 1e3 for c in cell_step], reference)},
    }


def _ratio(costs: list[float], reference: list[float]) -> float:
    return float(np.median(np.array(costs) / np.array(reference)))


def _total(step: Mapping[str, Clocks]) -> Clocks:
    wall, cpu = zip(*step.values(), strict=True)
    return sum(wall), sum(cpu)


def _both(clocks: list[Clocks]) -> dict[str, dict[str, float]]:
    wall, cpu = zip(*clocks, strict=True)
    found: dict[str, Spread] = {"wall": spread(wall), "cpu": spread(cpu)}
    return {name: vars(one) for name, one in found.items()}


def _contents(model: TumorModel, case: Case) -> dict[str, Any]:
    """What is in the tissue: cells by type, rules that concern them, fields."""
    kinds = kinds_present(model.scenario, model.biology)
    number = np.bincount(model.tissue.cells.kind, minlength=len(model.biology.cells))
    types = {model.biology.cells[kind]: int(number[kind]) for kind in np.flatnonzero(number)}
    programs = [program for program in model.biology.programs if program.cell in kinds]
    return {
        "types": types,
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
    """Seconds for a simulated day: the sum over all its steps, or over those that were taken, in proportion."""
    day = 24 * 60.0 / model.clock.dt
    wall, cpu = (sum(part) for part in zip(*(_total(step) for step in steps), strict=True))
    return {"seconds_per_day": {"wall": wall * day / len(steps), "cpu": cpu * day / len(steps)}, "days": case.days}


def _solvers(model: TumorModel) -> dict[str, Any]:
    """Transport once more, with the sources and uptake of the next step.

    `solvers`: every field alone, by one thread: time per voxel, and what kind it is. `together`: all fields of a kind,
    with the threads and in the groups of a step, per voxel and field; what is empty costs nothing and does not count.
    The fields of a step are not solved one by one, so those alone need not add up to `transport`. `by one thread`: all
    fields, processor time per voxel and field in units of the reference kernel.
    """
    tissue, transport = model.tissue, _transport(model)
    for name, process in model.processes.items():
        if name == TRANSPORT:
            break
        process(tissue, tissue.clock.dt)
    fields, found = tissue.fields, []
    kinds: dict[str, list[str]] = {"consumed": [], "free": []}
    times = range(3 if tissue.lattice.n_sites < 1_000_000 else 2)
    for name in list(fields):
        uptake = fields.uptake.get(name)
        consumed = uptake is not None and bool(uptake.any())
        idle = not fields[name].any() and not fields.source[name].any()
        wall, cpu = _best([_solved(model, fields, [name]) for _ in times])
        found.append({"field": name, "consumed": consumed, "idle": idle, "wall_ns": wall, "cpu_ns": cpu})
        if not idle:
            kinds["consumed" if consumed else "free"].append(name)
    together = {}
    for kind, names in kinds.items():
        if names:
            wall, cpu = _best([_solved(model, fields, names) for _ in times])
            together[kind] = {"fields": len(names), "wall_ns": wall, "cpu_ns": cpu}
    reference, threads = Reference(), transport.threads
    transport.threads = 1
    ratios = [_solved(model, fields, list(fields))[1] / reference.cpu_ns() for _ in times]
    transport.threads = threads
    return {"solvers": found, "together": together, "by one thread": float(np.median(ratios))}


def _best(clocks: list[Clocks]) -> Clocks:
    wall, cpu = zip(*clocks, strict=True)
    return min(wall), min(cpu)


def _solved(model: TumorModel, fields: Fields, names: Sequence[str]) -> Clocks:
    """One step of some fields, on copies; nanoseconds per voxel and field."""
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


def peak_gib() -> float:
    """The most memory that this process has held [GiB]."""
    # What getrusage tells is never less than what the parent held when it started this process; the kernel's
    # own mark of this address space is.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / _GIB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _GIB
