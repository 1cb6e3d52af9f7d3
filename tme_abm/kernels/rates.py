"""Rates become probabilities, and linear kinetics become exact steps, here and nowhere else.

Data hold rates [1/min]; a step of `dt` minutes needs probabilities and updates that do not depend on how
the time is cut. Each function is the exact solution over the step for inputs held constant in it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["decay_factor", "probability", "rebinding", "relax", "two_way"]

Array = NDArray[np.float64]


def probability(rate: Array | float, dt: float) -> Array:
    """Chance that an event of `rate` [1/min] happens within `dt` [min]: 1 − exp(−rate·dt)."""
    return -np.expm1(-np.asarray(rate, dtype=np.float64) * dt)


def decay_factor(rate: Array | float, dt: float) -> Array:
    """What is left of a quantity decaying at `rate` [1/min] after `dt` [min]: exp(−rate·dt)."""
    if isinstance(rate, float):
        return _factor(rate, dt)
    return np.exp(-np.asarray(rate, dtype=np.float64) * dt)


@lru_cache(maxsize=256)
def _factor(rate: float, dt: float) -> Array:
    """`decay_factor` of a constant, which a run asks for in every step; by the same exponential as arrays."""
    factor: Array = np.exp(-np.asarray(rate, dtype=np.float64) * dt)
    return factor


def relax(value: Array, target: Array | float, rate: Array | float, dt: float) -> Array:
    """Solve x' = rate·(target − x) over `dt`; any shape."""
    return target + (value - target) * decay_factor(rate, dt)


def two_way(value: Array, up: Array | float, down: Array | float, dt: float) -> Array:
    """Solve x' = up·(1 − x) − down·x over `dt` for a score x in [0, 1]; rates in 1/min, any shape.

    With both rates zero the score stays as it is.
    """
    total = np.asarray(up, dtype=np.float64) + down
    target = np.divide(up, total, out=np.zeros(np.shape(total)), where=total > 0)
    return relax(value, target, total, dt)


def rebinding(on: Array, off: Array, dt: float) -> tuple[Array, Array]:
    """Chances to be bound after `dt` in x' = on·(1 − x) − off·x: of one that was free, and of one that was bound but
    has let go at least once within `dt`; (n,) each, rates in 1/min.

    With these two, and `probability(off, dt)` to let go, the share of bound ones is exact for any `dt`.
    """
    bound = two_way(np.zeros(np.shape(on)), on, off, dt)
    lets_go = probability(off, dt)
    free = 1.0 - two_way(np.ones(np.shape(on)), on, off, dt)
    again = 1.0 - np.divide(free, lets_go, out=np.ones(np.shape(on)), where=lets_go > 0)
    return bound, np.maximum(again, 0.0)
