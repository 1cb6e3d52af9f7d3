"""The problem that every field solver solves: c' = D lap(c) - (k + u(x)) c + s(x), to be advanced by a time step.

All solvers discretize the same operator (cell-centered, no-flux walls). Their input is checked here, in one place,
because a negative rate or a transposed array would otherwise only show as wrong biology.

Several lattices of one shape, such as wells, may be solved in one call: ``c`` then has one axis in front of its space
axes, and ``ndim`` is the number of the last axes that are space. Each may have constants and a time step of its own.
Nothing crosses from lattice to lattice, sums included: each gets the result it would have alone. Inside the solvers
there always is an axis of lattices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Budget", "Problem", "Sums", "budget", "by_well", "dot", "precision", "relative_change", "total"]

Array = NDArray[np.floating[Any]]
Sums = NDArray[np.float64]
"""One number a lattice, (lattices,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """c' = D lap(c) - (k + u) c + s, to be advanced by ``dt``.

    dt, spacing : time step, a number or one for each lattice, and lattice spacing, > 0; min and um
    diffusivity, decay : D and k, numbers or one for each lattice; um^2/min and 1/min
    uptake, source : u and s, arrays like the concentration or numbers, >= 0; 1/min and nM/min
    ndim : number of the last axes that are space, all by default

    Raises ValueError for a number that is negative, not finite or, as a step or spacing, zero.
    """

    dt: float | Sums
    diffusivity: float | Sums
    decay: float | Sums
    spacing: float
    uptake: Array | float = 0.0
    source: Array | float = 0.0
    ndim: int | None = None

    def __post_init__(self) -> None:
        for name in ("dt", "spacing", "diffusivity", "decay", "uptake", "source"):
            _check(name, getattr(self, name), zero=name not in ("dt", "spacing"))

    def fit(self, c: Array) -> tuple[Array, Array, Array]:
        """Return ``c``, uptake and source as (lattices, *space) of c's dtype; a number becomes a 0-d array.

        They are views where that is possible. Raises ValueError if ``c`` [nM] is negative or not finite, or if its
        dtype or shape does not fit the problem.
        """
        space = c.ndim if self.ndim is None else self.ndim
        if space not in (1, 2, 3) or c.dtype not in (np.float32, np.float64):
            raise ValueError(f"c must be a float32 or float64 array of 1 to 3 axes, not {c.dtype} of {space}")
        if c.ndim - space not in (0, 1):
            raise ValueError(
                f"c must have {space} axes of space and at most one of lattices before them, not {c.ndim} axes"
            )
        lattices = (c.size // math.prod(c.shape[c.ndim - space :]), *c.shape[c.ndim - space :])
        for name in ("dt", "diffusivity", "decay"):
            if np.shape(getattr(self, name)) not in ((), lattices[:1]):
                raise ValueError(f"{name} must be a number or one for each of the {lattices[0]} lattices")
        _check("c", c)
        terms = [np.asarray(term, dtype=c.dtype) for term in (self.uptake, self.source)]
        for name, term in zip(("uptake", "source"), terms, strict=True):
            if term.ndim and term.shape != c.shape:
                raise ValueError(f"{name} must be a number or an array of shape {c.shape}, not {term.shape}")
        uptake, source = (term.reshape(lattices) if term.ndim else term for term in terms)
        return c.reshape(lattices), uptake, source

    def constants(self, lattices: int) -> tuple[Sums, Sums, Sums]:
        """D, k and dt of each of the ``lattices``."""
        each = (np.full(lattices, value, dtype=np.float64) for value in (self.diffusivity, self.decay, self.dt))
        diffusivity, decay, dt = each
        return diffusivity, decay, dt


def _check(name: str, value: Array | float, *, zero: bool = True) -> None:
    low, high = (value.min(), value.max()) if isinstance(value, np.ndarray) else (value, value)
    if not ((low >= 0 if zero else low > 0) and math.isfinite(high)):
        raise ValueError(f"{name} must be finite and {'>=' if zero else '>'} 0, not {low if not low >= 0 else high}")


@lru_cache(maxsize=4)
def precision(dtype: np.dtype[Any]) -> tuple[float, float, float]:
    """Relative precision and smallest normal number of a floating type, and the *dust* below which a number has no
    digits left to lose. Cached: asking numpy takes as long as a transform of a small lattice.
    """
    limits = np.finfo(dtype)
    eps, tiny = float(limits.eps), float(limits.tiny)
    return eps, tiny, tiny / eps


def dot(a: Array, b: Array) -> Sums:
    """Scalar product in each lattice, rows in their dtype, over the rows in float64; single-threaded, hence
    reproducible."""
    rows = np.einsum("...i,...i->...", a, b)
    product: Sums = rows.reshape(len(a), -1).sum(axis=1, dtype=np.float64)
    return product


def total(a: Array, weight: Array | None = None) -> Sums:
    """Sum of ``a``, or of ``weight * a``, over each lattice; like ``dot``, four times as fast as all in float64."""
    if weight is not None:
        return dot(a, weight)
    summed: Sums = np.einsum("...i->...", a).reshape(len(a), -1).sum(axis=1, dtype=np.float64)
    return summed


def relative_change(before: Array, after: Array) -> Sums:
    """L2 norm of ``after - before`` (lattices, *space) relative to that of ``after``, inf where it is zero."""
    change = after - before
    squared, size = dot(change, change), dot(after, after)
    relative: Sums = np.sqrt(np.divide(squared, size, out=np.full(len(size), math.inf), where=size > 0))
    return relative


def by_well(values: NDArray[Any], like: Array) -> Array:
    """``values`` (lattices,) in the dtype of ``like`` (lattices, *space), shaped to broadcast over its voxels."""
    shaped: Array = values.astype(like.dtype).reshape((-1,) + (1,) * (like.ndim - 1))
    return shaped


@dataclass(frozen=True)
class Budget:
    """Amounts of one molecule in one step over the whole lattice, all wells; nM um^3 (1 nM um^3 is 0.602 molecules)."""

    secreted: float
    decayed: float
    taken_up: float
    stored: float

    @property
    def excess(self) -> float:
        """What was stored without having been secreted (negative: lost); nM um^3."""
        return self.stored - (self.secreted - self.decayed - self.taken_up)


def budget(before: Array, after: Array, mean: Array, problem: Problem) -> Budget:
    """Budget of one step of one field from ``before`` to ``after``: secreted - decayed - taken up = stored.

        stored = V sum(after - before), secreted = V dt sum(s), decayed = V dt k sum(mean), taken up = V dt
        sum(u mean)

    ``mean`` is the time average of the concentration over the step, as the solver reports it; all three nM. V is the
    volume of a voxel; 2D is a slab one spacing thick.
    """
    before, uptake, source = problem.fit(before)
    after, mean = after.reshape(before.shape), mean.reshape(before.shape)
    volume, dt = problem.spacing**3, float(problem.dt)
    return Budget(
        secreted=volume * dt * (float(total(source).sum()) if source.ndim else float(source) * before.size),
        decayed=volume * dt * float(problem.decay) * float(total(mean).sum()),
        taken_up=volume * dt * float(total(mean, np.broadcast_to(uptake, mean.shape)).sum()),
        stored=volume * float((total(after) - total(before)).sum()),
    )
