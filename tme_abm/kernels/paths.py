"""Straight chains of sites from a mother to the nearest gap, along which cells shift to make room."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["straight_path"]


def straight_path(
    starts: NDArray[np.int64], ends: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Sites on the straight line from each start to its end in the same well, shape (n, longest + 1).

    `shape` is that of a well; sites are numbered well by well. Column 0 is the start; a path shorter than the
    longest repeats its end. Neighboring columns are Moore neighbors or equal.
    """
    well, start = np.divmod(starts, prod(shape))
    a = np.stack(np.unravel_index(start, shape), axis=-1).astype(np.float64)
    b = np.stack(np.unravel_index(ends % prod(shape), shape), axis=-1).astype(np.float64)
    length = np.abs(b - a).max(axis=1)
    longest = int(length.max(initial=0))
    share = np.minimum(np.arange(longest + 1)[None, :] / np.maximum(length, 1)[:, None], 1.0)
    points = np.rint(a[:, None, :] + share[:, :, None] * (b - a)[:, None, :]).astype(np.int64)
    sites = np.ravel_multi_index(tuple(points[..., axis] for axis in range(len(shape))), shape)
    numbered: NDArray[np.int64] = (sites + prod(shape) * well[:, None]).astype(np.int64)
    return numbered
