"""Straight chains of sites from a mother to the nearest gap, along which cells shift to make room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["nearest_gap", "straight_path"]


def nearest_gap(
    occupied: NDArray[np.bool_], reach: float
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """For every site of the lattice-shaped `occupied`, find the nearest free site.

    `reach` is in lattice units. Returns (within reach (n_sites,), site number of the gap (n_sites,)).
    """
    if occupied.all():
        return np.zeros(occupied.size, dtype=bool), np.zeros(occupied.size, dtype=np.int64)
    distance, where = ndimage.distance_transform_edt(occupied, return_indices=True)
    gaps = np.ravel_multi_index(tuple(where), occupied.shape).ravel().astype(np.int64)
    return (distance.ravel() <= reach), gaps


def straight_path(
    starts: NDArray[np.int64], ends: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Sites on the straight line from each start to its end, shape (n, longest + 1).

    Column 0 is the start; a path shorter than the longest repeats its end. Neighboring columns are Moore
    neighbors or equal.
    """
    a = np.stack(np.unravel_index(starts, shape), axis=-1).astype(np.float64)
    b = np.stack(np.unravel_index(ends, shape), axis=-1).astype(np.float64)
    length = np.abs(b - a).max(axis=1)
    longest = int(length.max(initial=0))
    share = np.minimum(np.arange(longest + 1)[None, :] / np.maximum(length, 1)[:, None], 1.0)
    points = np.rint(a[:, None, :] + share[:, :, None] * (b - a)[:, None, :]).astype(np.int64)
    sites = np.ravel_multi_index(tuple(points[..., axis] for axis in range(len(shape))), shape)
    numbered: NDArray[np.int64] = sites.astype(np.int64)
    return numbered
