"""The machine that timings come from, so that nobody compares figures of two without knowing."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from ..core.parallel import VARIABLE
from ..runs.versions import versions

__all__ = ["available_gib", "date", "describe", "load_average"]

_GIB = float(1 << 30)
_THREADS = (VARIABLE, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def describe() -> dict[str, Any]:
    """Processor, cores, memory, system and versions."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "memory_gib": _memory("MemTotal"),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {**versions(), "numpy": np.__version__, "scipy": scipy.__version__},
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
    }


def load_average() -> list[float] | None:
    """Programs that wanted the processor in the last 1, 5 and 15 minutes; None where the system does not tell."""
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (OSError, AttributeError):
        return None


def available_gib() -> float | None:
    """Memory that can be had without swapping [GiB]; None where the system does not tell."""
    return _memory("MemAvailable")


def date() -> str:
    """Now, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _memory(what: str) -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{what}:"):
            return round(int(line.split()[1]) * 1024 / _GIB, 1)
    return None
