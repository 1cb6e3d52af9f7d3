"""Choosing at random without a generator: uniform draws come in, choices go out.

A walk picks one of k directions by weight; a conflict over a site goes to the contender with the best
priority. Both are pure functions of the draws they are given.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose", "contested", "winners"]

Array = NDArray[np.float64]


def choose(weights: Array, draws: Array) -> NDArray[np.int64]:
    """Pick a column of `weights` (n, k < 256), none negative, in proportion to it with one uniform draw (n,) each.

    Returns (n,) column numbers, −1 where all weights of a row are zero.
    """
    columns = weights.shape[1]
    # Column after column, because sums along short rows are slow, and so is `cumsum` across long ones.
    steps = weights.T.copy()
    for below, step in pairwise(steps):
        step += below
    passed = steps <= draws * steps[-1]
    chosen: NDArray[np.int64] = np.add.reduce(passed.view(np.uint8), axis=0, dtype=np.uint8).astype(np.int64)
    beyond = np.flatnonzero(chosen == columns)
    if len(beyond):
        # A draw next to 1 can round up to the total: fall back to the last column that has weight.
        last = columns - 1 - np.argmax(weights[beyond, ::-1] > 0, axis=1)
        chosen[beyond] = np.where(steps[-1, beyond] > 0, last, -1)
    return chosen


def contested(places: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mark the claims to places that are claimed more than once; (n,) in, (n,) out."""
    rivals = np.zeros(len(places), dtype=bool)
    # Everybody writes his number on his place: who reads another one there has a rival, and that is its writer.
    written = np.empty(int(places.max(initial=-1)) + 1, dtype=np.intp)
    numbers = np.arange(len(places))
    written[places] = numbers
    read = written[places]
    strangers = np.flatnonzero(read != numbers)
    rivals[strangers] = True
    rivals[read[strangers]] = True
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
