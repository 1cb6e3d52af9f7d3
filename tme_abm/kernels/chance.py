"""Probabilities from rates, exact steps of linear kinetics, and choices from uniform draws.

Data hold rates [1/min]; a step of `dt` minutes needs probabilities and updates that do not depend on how the time is
cut. They are computed only here, exactly for inputs that are constant over the step.

There is no generator: a walk picks one of k directions by weight, and a conflict over a site is won by the cell with
the best priority, as pure functions of given draws.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "choose",
    "choose_from",
    "decay_factor",
    "happened",
    "probability",
    "rebinding",
    "relax",
    "rivals",
    "two_way",
    "winners",
]

Array = NDArray[np.float64]


def probability(rate: Array | float, dt: float) -> Array:
    """Chance that an event of `rate` [1/min] happens within `dt` [min]: 1 − exp(−rate·dt)."""
    return -np.expm1(-np.asarray(rate, dtype=np.float64) * dt)


def happened(draws: Array, rate: Array | float, dt: float) -> NDArray[np.bool_]:
    """Mark the `draws` (n,) below `probability(rate, dt)`; `rate` is (n,) or one number."""
    expected = rate * dt
    # A probability is never above the expected number of events, but for rounding: most need no exponential.
    events: NDArray[np.bool_] = draws <= expected * (1.0 + 1e-9)
    near = np.flatnonzero(events)
    events[near] = draws[near] < probability(rate[near] if isinstance(rate, np.ndarray) else rate, dt)
    return events


def decay_factor(rate: Array | float, dt: float) -> Array:
    """The remaining share of a quantity that decays at `rate` [1/min] after `dt` [min]: exp(−rate·dt)."""
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


def choose(weights: Array, draws: Array) -> NDArray[np.int64]:
    """Pick a column of `weights` (n, k < 256), all ≥ 0, in proportion to its weight, by one uniform draw for each row.

    Returns (n,) column numbers, −1 where all weights of a row are zero.
    """
    # Column after column, because sums along short rows are slow, and so is `cumsum` across long ones.
    return choose_from(weights.T.copy(), draws)


def choose_from(weights: Array, draws: Array) -> NDArray[np.int64]:
    """`choose` from `weights` that stand column by column, (k < 256, n); they are overwritten by their sums."""
    for below, here in pairwise(weights):
        here += below
    sums = weights
    passed = sums <= draws * sums[-1]
    chosen: NDArray[np.int64] = np.add.reduce(passed.view(np.uint8), axis=0, dtype=np.uint8).astype(np.int64)
    beyond = np.flatnonzero(chosen == len(sums))
    if len(beyond):
        # A draw next to 1 can round up to the total: fall back to the last column that has weight.
        chosen[beyond] = np.argmax(sums[:, beyond] == sums[-1, beyond], axis=0)
        chosen[beyond[sums[-1, beyond] <= 0]] = -1
    return chosen


def rivals(places: NDArray[np.integer]) -> NDArray[np.intp]:
    """The claims (n,) to places that are claimed more than once, ascending."""
    # Every claim writes its number at its place. One that reads another number there has a rival, that claim.
    written = np.empty(int(places.max(initial=-1)) + 1, dtype=np.int32)
    numbers = np.arange(len(places), dtype=np.int32)
    written[places] = numbers
    read = written.take(places)
    strangers = np.flatnonzero(read != numbers)
    if not len(strangers):
        return strangers
    disputed = np.zeros(len(places), dtype=bool)
    disputed[strangers] = disputed[read[strangers]] = True
    return np.flatnonzero(disputed)


def winners(places: NDArray[np.integer], priority: Array) -> NDArray[np.bool_]:
    """Mark, for every place that is claimed, the claim with the lowest priority; (n,) in, (n,) out."""
    order = np.lexsort((priority, places))
    ranked = places[order]
    first = np.ones(len(ranked), dtype=bool)
    first[1:] = ranked[1:] != ranked[:-1]
    won = np.zeros(len(places), dtype=bool)
    won[order[first]] = True
    return won
