"""How far each solver is from the truth where it matters: at the voxels that consume, after ten steps.

The problem is hard on purpose: random consumers empty their voxel ten times per step (u dt = 10), sources
are random too, and the molecule is fast (D dt / h^2 = 50). Two errors are told: the relative L2 error at the
consuming voxels, and the share of them whose best chemotaxis neighbor (highest concentration in the Moore
neighborhood) comes out wrong. Run ``python -m tests.kernels.fields.accuracy`` for the table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tme_abm.kernels.fields import METHODS, Problem, spectral_step, stencil_step

__all__ = ["STEPS", "Accuracy", "accuracy_table", "best_neighbor", "problem"]

Field = NDArray[np.floating]


STEPS = 10


@dataclass(frozen=True)
class Accuracy:
    """A row of the table."""

    method: str
    dtype: str
    error: float
    wrong_neighbor: float


def problem(
    shape: tuple[int, ...] = (64, 64), *, number: float = 50.0, strength: float = 10.0,
    consumers: float = 0.02, sources: float = 0.02, seed: int = 1,
) -> Problem:  # fmt: skip
    """Random consumers (share ``consumers``, u dt = ``strength``) and sources, D dt / h^2 = ``number``."""
    rng = np.random.default_rng(seed)
    uptake = np.where(rng.random(shape) < consumers, strength / 10.0, 0.0)
    source = np.where(rng.random(shape) < sources, rng.random(shape), 0.0)
    diffusivity = number * 15.0**2 / 10.0
    return Problem(dt=10.0, diffusivity=diffusivity, decay=0.01, uptake=uptake, source=source, spacing=15.0)


def best_neighbor(c: Field) -> NDArray[np.intp]:
    """Index (0 .. 8) of the highest concentration among a 2D site and its Moore neighbors; outside counts as lowest."""
    padded = np.pad(c, 1, constant_values=-1.0)
    ny, nx = c.shape
    around = [padded[dy : dy + ny, dx : dx + nx] for dy in range(3) for dx in range(3)]
    return np.argmax(np.stack(around), axis=0)


def _split(c: Field, problem: Problem, *, tolerance: float) -> Field:
    """What not to do: transport and source first, exact, then uptake, exact."""
    return spectral_step(c, replace(problem, uptake=0.0)) * np.exp(-problem.uptake * problem.dt)


def accuracy_table(case: Problem | None = None, *, tolerance: float = 1e-2, substeps: int = 2000) -> list[Accuracy]:
    """Every method in float64 and float32 on the same problem against the stencil with ``substeps`` per step."""
    case = problem() if case is None else case
    consuming = case.uptake > 0
    truth = np.zeros_like(case.uptake)
    for _ in range(STEPS):
        truth = stencil_step(truth, case, substeps=substeps)
    methods: dict[str, Callable[..., Field]] = {name: step for name, step in METHODS.items() if name != "spectral"}
    methods["(split)"] = _split
    rows = []
    for name, step in methods.items():
        for dtype in (np.float64, np.float32):
            c = np.zeros(case.uptake.shape, dtype)
            given = replace(case, uptake=case.uptake.astype(dtype), source=case.source.astype(dtype))
            for _ in range(STEPS):
                c = step(c, given, tolerance=tolerance)
            error = np.linalg.norm((c - truth)[consuming]) / np.linalg.norm(truth[consuming])
            wrong = (best_neighbor(c) != best_neighbor(truth))[consuming].mean()
            rows.append(Accuracy(name, np.dtype(dtype).name, float(error), float(wrong)))
    return rows


if __name__ == "__main__":
    lines = [f"{'method':10} {'dtype':8} {'error':>8} {'wrong neighbor':>15}"]
    lines += [f"{r.method:10} {r.dtype:8} {r.error:8.4f} {r.wrong_neighbor:15.3f}" for r in accuracy_table()]
    sys.stdout.write("\n".join(lines) + "\n")
