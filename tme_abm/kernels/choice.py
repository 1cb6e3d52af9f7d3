"""Choosing at random without a generator: uniform draws come in, choices go out.

A walk picks one of k directions by weight; a conflict over a site goes to the contender with the best
priority. Both are pure functions of the draws they are given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose", "contested", "winners"]

Array = NDArray[np.float64]


def choose(weights: Array, draws: Array) -> NDArray[np.int64]:
    """Pick a column of `weights` (n, k ≥ 0) in proportion to it with one uniform draw (n,) each.

    Returns (n,) column numbers, −1 where all weights of a row are zero.
    """
    columns = weights.shape[1]
    # Column after column, because sums along short rows are slow.
    steps = np.cumsum(np.ascontiguousarray(weights.T), axis=0)
    chosen: NDArray[np.int64] = (steps <= draws * steps[-1]).sum(axis=0)
    beyond = np.flatnonzero(chosen == columns)
    if len(beyond):
        # A draw next to 1 can round up to the total: fall back to the last column that has weight.
        last = columns - 1 - np.argmax(weights[beyond, ::-1] > 0, axis=1)
        chosen[beyond] = np.where(steps[-1, beyond] > 0, last, -1)
    return chosen


def contested(places: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mark the claims to places that are claimed more than once; (n,) in, (n,) out."""
    order = np.argsort(places, kind="stable")
    same = places[order[1:]] == places[order[:-1]]
    rivals = np.zeros(len(places), dtype=bool)
    rivals[order[1:][same]] = True
    rivals[order[:-1][same]] = True
    return rivals


def winners(places: NDArray[np.integer], priority: Array) -> NDArray[np.bool_]:
    """Mark, for every place that is claimed, the claim with the lowest priority; (n,) in, (n,) out."""
    order = np.lexsort((priority, places))
    ranked = places[order]
    first = np.ones(len(ranked), dtype=bool)
    first[1:] = ranked[1:] != ranked[:-1]
    won = np.zeros(len(places), dtype=bool)
    won[order[first]] = True
    return won
