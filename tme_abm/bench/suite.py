"""The whole benchmark: the measurements of its cases, a sentence for each that was not measured, and the machine."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import scipy

from ..core.errors import InputError
from ..core.parallel import VARIABLE
from ..core.toml import read_toml
from ..runs.fingerprint import versions
from .cases import Case, settings
from .measure import NotMeasured, in_child, memory_gib, proc_lines

__all__ = ["SCHEMA", "benchmark", "expected_needs", "peers", "remeasured", "run_cases"]

SCHEMA = 1
_QUICK_SECONDS = 60.0  # of a quick benchmark
_PATIENCE = 4.0  # a case is stopped after this many times the expected seconds
_GIB = float(1 << 30)
_STARTING = 2.0  # seconds to start a process and import the package
_SOLVED_AGAIN = 6  # further solutions of the fields: one by one, and by one thread
_STEPS_A_DAY = 144  # of 10 minutes, the step of the shipped scenarios
_INTERRUPTED = "not measured: the benchmark was interrupted"
_THREADS = (VARIABLE, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Tell = Callable[[str], None]


def benchmark(cases: Sequence[Case], *, quick: bool, command: str, tell: Tell) -> dict[str, Any]:
    """The benchmark of `cases`, measured one after the other, as plain values for JSON."""
    begun, before = time.monotonic(), _load_average()
    deadline = begun + _QUICK_SECONDS if quick else None
    found, skipped = run_cases(cases, deadline=deadline, tell=tell)
    return {
        "schema": SCHEMA,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "quick": quick,
        "machine": _machine(),
        "load_before": before,
        "load_after": _load_average(),
        "seconds": round(time.monotonic() - begun, 1),
        "interrupted": any(one["why"].endswith(_INTERRUPTED) for one in skipped),
        "cases": found,
        "skipped": skipped,
        "peers": dict(peers()),
    }


def remeasured(result: Mapping[str, Any], names: Sequence[str], *, tell: Tell) -> dict[str, Any]:
    """`result` with only its cases called `names`, measured once more."""
    cases = [Case.from_json(one["case"]) for one in result["cases"] if one["case"]["name"] in names]
    return {**result, "cases": run_cases(cases, deadline=None, tell=tell)[0]}


def run_cases(
    cases: Sequence[Case], *, deadline: float | None, tell: Tell
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The measurements, and a sentence for every case that was not measured."""
    found: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    for number, case in enumerate(cases):
        expected = expected_needs(case)
        why = _unfit(case, expected, deadline)
        if why is None:
            tell(f"{case.name}: {case.cells:,} cells, {case.voxels:,} sites")
            try:
                found.append(in_child(case, max(60.0, _PATIENCE * expected["seconds"])))
                continue
            except KeyboardInterrupt:
                tell("interrupted; what was measured so far is kept")
                skipped += [{"case": one.name, "why": f"{one.name} was {_INTERRUPTED}"} for one in cases[number:]]
                break
            except (NotMeasured, InputError) as error:
                why = f"{case.name} was not measured: {error}"
        tell(why)
        skipped.append({"case": case.name, "why": why})
    return found, skipped


def expected_needs(case: Case) -> dict[str, float]:
    """The memory [GiB] and seconds that `case` will need, by the estimates of `cases.toml`."""
    needs: Mapping[str, float] = settings()["needs"]
    step = case.cells * needs["cell_step_us"] * 1e-6 + case.voxels * case.fields * needs["voxel_field_ns"] * 1e-9
    voxel_bytes = needs["voxel_bytes"] + needs["voxel_field_bytes"] * case.fields
    gib = needs["base_gib"] + (needs["cell_bytes"] * case.cells + voxel_bytes * case.voxels) / _GIB
    if case.days is not None:
        measured = step * case.days * _STEPS_A_DAY
    else:
        measured = min(max(case.seconds, case.least * step), case.most * step)
    planting = case.voxels * needs["planting_us"] * 1e-6
    return {"gib": gib, "seconds": _STARTING + planting + (case.warm_up + _SOLVED_AGAIN) * step + measured}


def _unfit(case: Case, expected: Mapping[str, float], deadline: float | None) -> str | None:
    """A sentence that says why `case` does not fit in memory or time; None if it fits."""
    available = memory_gib("meminfo", "MemAvailable")
    if available is not None and expected["gib"] > available:
        return (
            f"{case.name} was skipped: it is expected to need {expected['gib']:.1f} GiB of memory "
            f"and {available:.1f} GiB are free"
        )
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and expected["seconds"] > left:
        return (
            f"{case.name} was skipped: it is expected to take {expected['seconds']:.0f} s "
            f"and {max(left, 0.0):.0f} s are left of the {_QUICK_SECONDS:.0f} s of a quick benchmark"
        )
    return None


@cache
def peers() -> Mapping[str, Any]:
    """The table `peers.toml`: measurements of other programs on another machine."""
    return read_toml(resources.files(__package__).joinpath("peers.toml"), name="peers.toml")


def _machine() -> dict[str, Any]:
    """The processor, cores, memory, system and versions."""
    named = (line.partition(":")[2].strip() for line in proc_lines("cpuinfo") if line.startswith("model name"))
    memory = memory_gib("meminfo", "MemTotal")
    return {
        "cpu": next(named, "") or platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_gib": None if memory is None else round(memory, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {**versions(), "numpy": np.__version__, "scipy": scipy.__version__},
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
    }


def _load_average() -> list[float] | None:
    """The load average of the last 1, 5 and 15 minutes; None if the system has none."""
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (OSError, AttributeError):
        return None
