"""A benchmark's result without a benchmark: costs follow a stated law, so that what is made of them can be checked."""

from __future__ import annotations

from typing import Any

from tme_abm.bench.cases import Case
from tme_abm.bench.suite import peers


def spread(value: float) -> dict[str, float]:
    return {"median": value, "low": 0.9 * value, "high": 1.2 * value}


def clocks(value: float) -> dict[str, dict[str, float]]:
    return {"wall": spread(2 * value), "cpu": spread(value)}


def measured(case: Case, *, cell_us: float = 2.0, voxel_ns: float = 20.0, kernel_ns: float = 2.0) -> dict[str, Any]:
    """What a case measures whose cells cost `cell_us` each and whose fields `voxel_ns` a voxel."""
    cells, transport = case.cells * cell_us * 1e-6, case.voxels * case.fields * voxel_ns * 1e-9
    names = [f"F{number}" for number in range(case.fields)]
    job = {} if case.days is None else {"seconds_per_day": {"wall": 2.0, "cpu": 1.0}, "days": case.days}
    return {
        "case": case.to_json(),
        "types": {"tumor": case.cells - case.cells // 4, "CD8": case.cells // 4},
        "rules": 99,
        "fields": names,
        "voxels": case.voxels,
        "spacing_um": 15.0,
        "density": case.cells / case.voxels,
        "dt_min": 10.0,
        "precision": "float32",
        "planting_seconds": 0.1,
        "steps": 10 if case.days is None else round(144 * case.days),
        "peak_gib": 0.1 + case.voxels * case.fields * 40 / 2**30,
        "cells": {"start": case.cells, "end": case.cells + 5, "median": float(case.cells)},
        "step_seconds": clocks(cells + transport),
        "transport_seconds": clocks(transport),
        "cell_seconds": clocks(cells),
        "processes": {
            "migration": clocks(0.75 * cells),
            "transport": clocks(transport),
            "settle": clocks(0.25 * cells),
            "other": clocks(0.0),
        },
        "cell_step_us": clocks(cell_us),
        "voxel_field_ns": clocks(voxel_ns),
        "reference_ns": spread(kernel_ns),
        "ratios": {"cell step": cell_us * 1e3 / kernel_ns, "voxel field": voxel_ns / kernel_ns},
        "solvers": [
            {
                "field": name,
                "consumed": number % 2 == 0,
                "idle": number == 4,
                "wall_ns": 80.0,
                "cpu_ns": 900.0 if number == 4 else 40.0 if number % 2 == 0 else 10.0,
            }
            for number, name in enumerate(names)
        ],
        "threads": 2,
        **job,
    }


def result(cases: list[Case], skipped: list[dict[str, str]] | None = None, **costs: float) -> dict[str, Any]:
    """A whole benchmark of made-up costs."""
    found = [measured(case, **costs) for case in cases]
    return {
        "schema": 1,
        "date": "2026-01-02 03:04 UTC",
        "command": "python run.py bench",
        "quick": True,
        "machine": {
            "cpu": "Abacus 9000",
            "cores": 2,
            "memory_gib": 16.0,
            "system": "Linux x86_64",
            "versions": {"tme_abm": "1.2.3", "python": "3.12.1", "numpy": "2.1.0", "scipy": "1.14.0"},
            "threads": {},
        },
        "load_before": [0.1, 0.2, 0.3],
        "load_after": [1.1, 0.5, 0.4],
        "seconds": 12.0,
        "interrupted": False,
        "cases": found,
        "skipped": skipped or [],
        "peers": dict(peers()),
    }
