"""The whole benchmark: the measurements of its cases, a sentence for each that was not measured, and the check.

The check compares costs in units of the reference kernel with the best ones in `best.json`, because seconds depend on
the machine. The file has the lowest ratio of every case and quantity that was ever recorded, with the label of its
record. To accept a higher cost, remove its line.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from ..core.errors import InputError
from ..core.files import disk_errors, read_json, write_bytes
from ..core.parallel import VARIABLE
from ..core.toml import read_toml
from .cases import Case
from .measure import NotMeasured, in_child, proc

__all__ = ["BEST", "benchmark", "growth", "peers", "ratios", "read_best", "record", "run_cases", "worse"]

BEST = Path(__file__).with_name("best.json")
GROWTH_FROM = 10_000
"""The number of cells from which the growth of costs is fitted; below, a step costs what its numpy calls cost."""
_QUICK_SECONDS = 55.0  # of all cases of a quick benchmark, which takes a minute with its start
_CASE_SECONDS = 900.0  # of a case otherwise

Tell = Callable[[str], None]
Ratios = Mapping[str, float]
"""Cost in units of the reference kernel, by case and quantity: "2D 1k × 10, cell-step"."""
Best = Mapping[str, tuple[float, str]]
"""The lowest ratio with the label of its record, likewise."""


def benchmark(cases: Sequence[Case], *, quick: bool, tell: Tell) -> dict[str, Any]:
    """The benchmark of `cases`, measured one after the other, as plain values for JSON."""
    found, skipped, interrupted = run_cases(cases, seconds=_QUICK_SECONDS if quick else None, tell=tell)
    cpu = proc("cpuinfo", "model name") or platform.processor() or platform.machine()
    threads = os.environ.get(VARIABLE, "1")
    return {
        "machine": f"{cpu}, {os.cpu_count()} cores, {platform.system()}; Python {platform.python_version()}, "
        f"numpy {np.__version__}, scipy {scipy.__version__}; threads for the fields: {threads}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cases": found,
        "skipped": skipped,
        "interrupted": interrupted,
        "growth": growth(found),
        "peers": dict(peers()),
    }


def run_cases(
    cases: Sequence[Case], *, seconds: float | None, tell: Tell
) -> tuple[list[dict[str, Any]], list[str], bool]:
    """The measurements, a sentence for every case that was not measured, and whether the user interrupted.

    All cases together get `seconds`, if that is a number.
    """
    end = None if seconds is None else time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    skipped: list[str] = []
    for number, case in enumerate(cases):
        tell(f"{case.name}: {case.cells:,} cells, {math.prod(case.shape):,} sites")
        left = _CASE_SECONDS if end is None else end - time.monotonic()
        free = proc("meminfo", "MemAvailable")
        try:
            if left <= 0:
                raise NotMeasured(f"the {seconds:.0f} s of a quick benchmark were over")
            found.append(in_child(case, seconds=left, gib=round(int(free.split()[0]) / 2**20, 1) if free else None))
        except NotMeasured as why:
            skipped.append(f"{case.name} was not measured: {why}")
            tell(skipped[-1])
        except KeyboardInterrupt:
            tell("interrupted; what was measured so far is shown")
            return found, [*skipped, *(f"{one.name} was not measured: interrupted" for one in cases[number:])], True
    return found, skipped, False


def growth(found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The exponent p in (cost of all cells) ~ (number of cells)^p in 2D, by number of fields.

    By least squares between the logarithms, from `GROWTH_FROM` cells on; the cost is that of all but transport, in
    units of the reference kernel. Left out where there are less than two sizes.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for one in found:
        if one["mix"] == "tumor" and len(one["shape"]) == 2 and one["planned_cells"] >= GROWTH_FROM:
            cost = one["cells"] * one["costs"]["cell-step"] / one["kernel_ns"]
            points.setdefault(str(one["fields"]["all"]), []).append((math.log(one["cells"]), math.log(cost)))
    return {
        fields: statistics.linear_regression([x for x, _ in some], [y for _, y in some]).slope
        for fields, some in points.items()
        if len(some) > 1
    }


@cache
def peers() -> Mapping[str, Any]:
    """The table `peers.toml`: measurements of other programs."""
    return read_toml(resources.files(__package__).joinpath("peers.toml"), name="peers.toml")


# ------------------------------------------------------------------ the check


def ratios(found: Sequence[Mapping[str, Any]]) -> Ratios:
    """The ratios to compare: all but those of jobs, whose cells multiply, and of the step, the sum of the others."""
    return {
        f"{one['name']}, {what}": cost / one["kernel_ns"]
        for one in found
        if one["mix"] == "tumor"
        for what, cost in one["costs"].items()
        if what != "step"
    }


def worse(now: Ratios, best: Best, *, allowed: float) -> dict[str, str]:
    """A sentence for every ratio that is more than `allowed` times the best."""
    return {
        name: f"{name}: costs {now[name]:.4g} times the reference kernel, {now[name] / least:.2f} times the best "
        f"({least:.4g} in {label!r}); {allowed:g} times are allowed"
        for name, (least, label) in best.items()
        if now.get(name, 0.0) > allowed * least
    }


def read_best(path: Path) -> Best:
    """The best ratios in a file; empty without it. Raises InputError if it holds something else."""
    best = read_json(path) if path.exists() else {}
    for name, one in best.items():
        match one:
            case [int() | float() as ratio, str()] if not isinstance(ratio, bool) and 0.0 < ratio < math.inf:
                continue
        raise InputError(
            "should have a ratio above 0 and a label for every case and quantity", file=path, place=f"'{name}'"
        )
    return {name: (ratio, label) for name, (ratio, label) in best.items()}


def record(now: Ratios, best: Best, label: str, path: Path) -> None:
    """Write to `path` the lower of `now` and `best`, the new ones under `label`."""
    lower = {name: (round(ratio, 2), label) for name, ratio in now.items() if ratio < best.get(name, (math.inf,))[0]}
    lines = (f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(one)}" for name, one in {**best, **lower}.items())
    with disk_errors(path, "make the directory of the file"):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
