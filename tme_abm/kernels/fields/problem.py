"""What every field solver is given: the equation c' = D lap(c) - (k + u(x)) c + s(x), with checks.

All solvers share one signature, one lattice operator (no-flux walls, cell-centred) and one set of
preconditions; they are checked here, in one place, because a negative rate or a transposed array would
otherwise only show as wrong biology.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "checked", "dot", "total"]

Array = NDArray[np.floating[Any]]


def checked(
    c: Array,
    *,
    dt: float,
    diffusivity: float,
    decay: float,
    uptake: Array | float,
    source: Array | float,
    spacing: float,
) -> tuple[Array, Array]:
    """Return ``uptake`` and ``source`` as arrays of c's dtype (0-d where a number was given).

    Units: ``c`` nM, ``dt`` min, ``diffusivity`` um^2/min, ``decay`` and ``uptake`` 1/min, ``source`` nM/min,
    ``spacing`` um. Raises ValueError for anything negative or not finite, and for shapes that do not fit.
    """
    if c.ndim not in (1, 2, 3) or c.dtype not in (np.float32, np.float64):
        raise ValueError(f"c must be a float32 or float64 array of 1 to 3 axes, not {c.dtype} of {c.ndim}")
    for name, value in (("dt", dt), ("spacing", spacing)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be finite and > 0, not {value}")
    for name, value in (("diffusivity", diffusivity), ("decay", decay)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and >= 0, not {value}")
    _term("c", c, c)
    return _term("uptake", uptake, c), _term("source", source, c)


def dot(a: Array, b: Array) -> float:
    """Scalar product, rows in their dtype, over the rows in float64; single-threaded, hence reproducible."""
    return float(np.einsum("...i,...i->...", a, b).sum(dtype=np.float64))


def total(a: Array, weight: Array | float = 1.0) -> float:
    """Sum of ``weight * a`` over the lattice in float64; ``weight`` is a number, a 0-d array or an array like ``a``."""
    if np.ndim(weight) == 0:
        return float(weight) * float(a.sum(dtype=np.float64))
    return dot(a, np.asarray(weight))


def _term(name: str, value: Array | float, c: Array) -> Array:
    term = np.asarray(value, dtype=c.dtype)
    if term.ndim and term.shape != c.shape:
        raise ValueError(f"{name} must be a number or an array of shape {c.shape}, not {term.shape}")
    low, high = float(term.min()), float(term.max())
    if not (low >= 0 and math.isfinite(high)):
        raise ValueError(f"{name} must be finite and >= 0, not {low if not low >= 0 else high}")
    return term
