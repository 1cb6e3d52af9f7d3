"""Choosing at random without a generator: uniform draws come in, choices go out.

A walk picks one of k directions by weight; a conflict over a site goes to the contender with the best
priority. Both are pure functions of the draws they are given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose", "winners"]

Array = NDArray[np.float64]


def choose(weights: Array, draws: Array) -> NDArray[np.int64]:
    """Pick a column of `weights` (n, k ≥ 0) in proportion to it with one uniform draw (n,) each.

    Returns (n,) column numbers, −1 where all weights of a row are zero.
    """
    steps = np.cumsum(weights, axis=1)
    total = steps[:, -1]
    chosen = (steps <= (draws * total)[:, None]).sum(axis=1)
    # A draw next to 1 can round up to the total: fall back to the last column that has weight.
    last = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)
    return np.where(total > 0, np.minimum(chosen, last), -1)


def winners(places: NDArray[np.integer], priority: Array) -> NDArray[np.bool_]:
    """Mark, for every place that is claimed, the claim with the lowest priority; (n,) in, (n,) out."""
    order = np.lexsort((priority, places))
    ranked = places[order]
    first = np.ones(len(ranked), dtype=bool)
    first[1:] = ranked[1:] != ranked[:-1]
    won = np.zeros(len(places), dtype=bool)
    won[order[first]] = True
    return won
