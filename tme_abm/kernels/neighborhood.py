"""The geometry of the lattice: Moore neighbors, their distances, and sums over contact neighborhoods.

Sites are numbered in C order, one *well* (an independent lattice of the same shape) after the other. A neighbor
outside its well gets the number `n_sites`, one past the last site of all, so that an occupancy array with one
closed extra entry needs no bounds checks. 2D and 3D alike.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["contact_mean", "moore_offsets", "neighbor_table", "offset_lengths", "sites_within"]

Array = NDArray[np.float64]
Sites = NDArray[np.int32]


@lru_cache(maxsize=4)
def moore_offsets(ndim: int) -> NDArray[np.int64]:
    """The 3^ndim − 1 steps to the neighbors of a site, shape (k, ndim), in lattice units."""
    steps = [step for step in itertools.product((-1, 0, 1), repeat=ndim) if any(step)]
    return np.array(steps, dtype=np.int64)


def offset_lengths(ndim: int) -> Array:
    """Length of each Moore step in lattice units, shape (k,): 1, √2 or √3."""
    lengths: Array = np.sqrt((moore_offsets(ndim) ** 2).sum(axis=1).astype(np.float64))
    return lengths


@lru_cache(maxsize=4)
def neighbor_table(shape: tuple[int, ...], wells: int = 1) -> Sites:
    """Site number of every Moore neighbor of every site, shape (n_sites, k); outside is `n_sites`."""
    size = prod(shape)
    n_sites = wells * size
    # Numbering a lattice padded by "outside" and reading it shifted gives all neighbors without loops over sites.
    padded = np.full([wells, *(n + 2 for n in shape)], n_sites, dtype=np.int32)
    padded[:, *(slice(1, -1),) * len(shape)] = np.arange(n_sites, dtype=np.int32).reshape(wells, *shape)
    offsets = moore_offsets(len(shape))
    table = np.empty((n_sites, len(offsets)), dtype=np.int32)
    for k, offset in enumerate(offsets):
        window = tuple(slice(1 + int(o), 1 + int(o) + n) for o, n in zip(offset, shape, strict=True))
        table[:, k] = padded[:, *window].ravel()
    table.flags.writeable = False
    return table


def contact_mean(levels: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.floating]:
    """Mean of `levels` (n_sites,) over each site's contact neighborhood (itself and its Moore neighbors).

    `shape` is that of a well; `levels` may hold several wells. Sites outside count as empty. Dividing by the 3^ndim
    sites of a full neighborhood makes a level mean the same in 2D and 3D: a fully packed neighborhood of level 1
    gives 1. Returns (n_sites,).
    """
    total = levels.reshape(-1, *shape)
    for axis in range(1, total.ndim):
        lower = (slice(None),) * axis + (slice(None, -1),)
        upper = (slice(None),) * axis + (slice(1, None),)
        summed = total.copy()
        summed[upper] += total[lower]
        summed[lower] += total[upper]
        total = summed
    mean: NDArray[np.floating] = total.ravel()
    mean *= 1.0 / 3.0 ** len(shape)
    return mean


def sites_within(sites: NDArray[np.integer], shape: tuple[int, ...], reach: float, wells: int = 1) -> NDArray[np.int64]:
    """The sites within `reach` (lattice units) of each of `sites`, nearest first, shape (n, k); outside is n_sites."""
    well, site = np.divmod(sites, prod(shape))
    span = range(-int(reach), int(reach) + 1)
    offsets = np.array(list(itertools.product(span, repeat=len(shape))), dtype=np.int64)
    length = (offsets**2).sum(axis=1)
    order = np.argsort(length, kind="stable")
    offsets = offsets[order][length[order] <= reach**2]
    at = np.stack(np.unravel_index(site, shape), axis=-1)[:, None, :] + offsets
    inside = ((at >= 0) & (at < np.array(shape))).all(axis=2)
    clipped = np.clip(at, 0, np.array(shape) - 1)
    numbers = np.ravel_multi_index(tuple(clipped[..., axis] for axis in range(len(shape))), shape)
    return np.where(inside, numbers + prod(shape) * well[:, None], wells * prod(shape))
