"""Made-up studies: results of a known function at the points of a design, without a model or a directory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tme_abm.studies.parameters import Parameter
from tme_abm.studies.results import StudyResults

Floats = NDArray[np.float64]
Function = Callable[[Floats, int], float]
"""The outcome at a point (positions between 0 and 1) and a seed."""

HOT = 295.0  # CD8 core above which a made-up run is hot


def parameter(
    key: str, low: float = 0.0, high: float = 1.0, *, unit: str = "", scale: str = "linear"
) -> Parameter:
    return Parameter(key=key, unit=unit, scale=scale, low=low, high=high, values=())


def made_up(
    positions: Floats,
    function: Function,
    *,
    parameters: Sequence[Parameter] | None = None,
    kind: str = "latin hypercube",
    samples: int = 0,
    seeds: Sequence[int] = (1, 2),
    scenarios: Sequence[str] = ("hot",),
    missing: Sequence[tuple[int, int]] = (),
    title: str = "Made up",
) -> StudyResults:
    """`function` gives the CD8 core; `missing` lists runs (point, seed) that failed."""
    count = positions.shape[1]
    parameters = parameters or [parameter(f"tumor.traits.p{k}") for k in range(count)]
    design: dict[str, list[float | str]] = {
        one.key: [one.at(float(x)) for x in positions[:, k]] for k, one in enumerate(parameters)
    }
    runs: list[dict[str, Any]] = []
    for point, position in enumerate(positions):
        for scenario in scenarios:
            for seed in seeds:
                there = (point, seed) not in missing
                core = float(function(position, seed)) if there else math.nan
                runs.append(
                    {
                        "point": point, "scenario": scenario, "seed": seed, "status": "done" if there else "failed",
                        "state": ("hot" if core > HOT else "cold") if there else "",
                        "error": "" if there else "the fields blew up", "directory": Path("runs") / str(point),
                        "CD8 core": core, "tumor cells": 5000 - core if there else math.nan,
                        **{key: column[point] for key, column in design.items()},
                    }
                )  # fmt: skip
    return StudyResults(
        directory=Path("made-up"), name="made-up", title=title, scenarios=tuple(scenarios), seeds=tuple(seeds),
        days=5.0, kind=kind, samples=samples, design_seed=0, parameters=tuple(parameters),
        metrics=("CD8 core", "tumor cells"), design=design, runs=runs,
    )  # fmt: skip


def sampled(kind: str, count: int, samples: int, *, second: bool = False) -> Floats:
    """The positions that SALib draws for `kind`."""
    problem = {"num_vars": count, "names": [str(k) for k in range(count)], "bounds": [[0.0, 1.0]] * count}
    if kind == "morris":
        from SALib.sample import morris

        return np.asarray(morris.sample(problem, samples, num_levels=4, seed=3))
    from SALib.sample import sobol

    return np.asarray(sobol.sample(problem, samples, calc_second_order=second, seed=3))
