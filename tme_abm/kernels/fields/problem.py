"""What every field solver is given: the equation c' = D lap(c) - (k + u(x)) c + s(x), with checks.

All solvers share one signature, one lattice operator (no-flux walls, cell-centred) and one set of
preconditions; they are checked here, in one place, because a negative rate or a transposed array would
otherwise only show as wrong biology.

Several lattices of one shape, *wells*, may be solved in one call: ``c`` then has one axis in front of its space
axes, and ``ndim`` says how many of the last axes are space. Nothing crosses from well to well, sums included: a
well's result is the one it would have alone. Inside the solvers that front axis is always there, of length 1 for
a single lattice.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Sums", "by_well", "check_numbers", "checked", "dot", "precision", "total"]

Array = NDArray[np.floating[Any]]
Sums = NDArray[np.float64]
"""One number a well, (wells,)."""


def checked(
    c: Array,
    *,
    dt: float,
    diffusivity: float,
    decay: float,
    uptake: Array | float,
    source: Array | float,
    spacing: float,
    ndim: int | None = None,
) -> tuple[Array, Array, Array]:
    """Return ``c``, ``uptake`` and ``source`` as (wells, *space) of c's dtype; a number becomes a 0-d array.

    Units: ``c`` nM, ``dt`` min, ``diffusivity`` um^2/min, ``decay`` and ``uptake`` 1/min, ``source`` nM/min,
    ``spacing`` um. ``ndim``: number of space axes, all axes if None. The arrays are views where that is
    possible. Raises ValueError for anything negative or not finite, and for shapes that do not fit.
    """
    space = c.ndim if ndim is None else ndim
    if space not in (1, 2, 3) or c.dtype not in (np.float32, np.float64):
        raise ValueError(f"c must be a float32 or float64 array of 1 to 3 axes, not {c.dtype} of {space}")
    if c.ndim - space not in (0, 1):
        raise ValueError(f"c must have {space} axes of space and at most one of wells before them, not {c.ndim} axes")
    check_numbers(dt=dt, diffusivity=diffusivity, decay=decay, spacing=spacing)
    terms = (_term("c", c, c), _term("uptake", uptake, c), _term("source", source, c))
    c, uptake, source = (term[None] if term.ndim == space else term for term in terms)
    return c, uptake, source


def check_numbers(*, dt: float, diffusivity: float, decay: float, spacing: float) -> None:
    """Raises ValueError for a step or spacing that is not positive, for a negative rate, and for what is not finite."""
    for name, value in (("dt", dt), ("spacing", spacing)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be finite and > 0, not {value}")
    for name, value in (("diffusivity", diffusivity), ("decay", decay)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and >= 0, not {value}")


@lru_cache(maxsize=4)
def precision(dtype: np.dtype[Any]) -> tuple[float, float, float]:
    """Of a floating type its relative precision, its smallest normal number, and the *dust* below which a number has no
    digits left to lose; asking numpy every time takes as long as a transform of a small lattice.
    """
    limits = np.finfo(dtype)
    eps, tiny = float(limits.eps), float(limits.tiny)
    return eps, tiny, tiny / eps


def dot(a: Array, b: Array) -> Sums:
    """Scalar product in each well, rows in their dtype, over the rows in float64; single-threaded, hence
    reproducible."""
    rows = np.einsum("...i,...i->...", a, b)
    product: Sums = rows.reshape(len(a), -1).sum(axis=1, dtype=np.float64)
    return product


def total(a: Array, weight: Array | float = 1.0) -> Sums:
    """Sum of ``weight * a`` over each well in float64; ``weight`` is a number, a 0-d array or an array like ``a``."""
    if np.ndim(weight) == 0:
        summed: Sums = float(weight) * a.reshape(len(a), -1).sum(axis=1, dtype=np.float64)
        return summed
    return dot(a, np.asarray(weight))


def by_well(values: NDArray[Any], like: Array) -> Array:
    """``values`` (wells,) in the dtype of ``like`` (wells, *space), shaped to act on all voxels of their well."""
    shaped: Array = values.astype(like.dtype).reshape((-1,) + (1,) * (like.ndim - 1))
    return shaped


def _term(name: str, value: Array | float, c: Array) -> Array:
    term = np.asarray(value, dtype=c.dtype)
    if term.ndim and term.shape != c.shape:
        raise ValueError(f"{name} must be a number or an array of shape {c.shape}, not {term.shape}")
    low, high = float(term.min()), float(term.max())
    if not (low >= 0 and math.isfinite(high)):
        raise ValueError(f"{name} must be finite and >= 0, not {low if not low >= 0 else high}")
    return term
