"""Results of the benchmark without measuring: costs follow a stated law, so that all tables can be checked."""

from __future__ import annotations

import math
from typing import Any

from tme_abm.bench.cases import Case

SMALL = Case(cells=1000, fields=10, shape=(48, 48), steps=12)
LARGE = Case(cells=100_000, fields=40, shape=(480, 480), steps=12)
JOB = Case(cells=5000, fields=10, shape=(135, 135), steps=36, mix="job")


def measured(case: Case, *, cell_us: float = 2.0, kernel_ns: float = 2.0) -> dict[str, Any]:
    """The result for a case in which a cell costs `cell_us`, and a field 40 ns a site with uptake and 10 without."""
    cells, field = case.cells * cell_us / 1e3, math.prod(case.shape) * case.fields * 25e-6
    return {
        "name": case.name,
        "mix": case.mix,
        "planned_cells": case.cells,
        "cells": float(case.cells),
        "shape": list(case.shape),
        "spacing_um": 15.0,
        "rules": 99,
        "fields": {"all": case.fields, "with uptake": case.fields // 2, "empty": 0},
        "steps": case.steps,
        "wall_ms": 2 * (cells + field),
        "cpu_ms": cells + field,
        "seconds_per_day": 2.0,
        "processes_ms": {"migration": cells, "transport": field, "settle": 0.0},
        "costs": {
            "step": (cells + field) * 1e6 / math.prod(case.shape) / case.fields,
            "cell-step": cell_us * 1e3,
            "field with uptake": 40.0,
            "field without uptake": 10.0,
        },
        "kernel_ns": kernel_ns,
        "peak_gib": 0.25,
    }
