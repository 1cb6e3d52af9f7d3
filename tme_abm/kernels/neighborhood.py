"""The geometry of the lattice: Moore neighbors, their distances, and sums over contact neighborhoods.

Sites are numbered in C order, one *well* (an independent lattice of the same shape) after the other. A neighbor
outside its well gets the number `n_sites`, one past the last site of all, so that an occupancy array with one
closed extra entry needs no bounds checks. 2D and 3D alike.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "contact_box",
    "contact_mean",
    "contact_sum",
    "contact_sum_at",
    "direction_weights",
    "moore_offsets",
    "neighbor_table",
    "offset_lengths",
    "sites_within",
]

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


def direction_weights(ndim: int) -> Array:
    """Weight of each Moore direction, shape (k,), adding up to 1: a mean over the directions is one over the circle or
    sphere.

    It is exact for polynomials up to degree 7, so that choices by these weights lean to no axis and no diagonal. In the
    plane the eight directions stand evenly; in space the 26 are the sphere rule of Lebedev (1976,
    doi:10.1016/0041-5553(76)90100-2) with 1/21, 4/105 and 9/280 for steps along an axis, a face and a body diagonal.
    """
    axes = (moore_offsets(ndim) != 0).sum(axis=1)
    rule = {2: (1 / 8, 1 / 8), 3: (1 / 21, 4 / 105, 9 / 280)}[ndim]
    weights: Array = np.array(rule)[axes - 1]
    return weights


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
    mean: NDArray[np.floating] = contact_sum(levels, shape)
    mean *= 1.0 / 3.0 ** len(shape)
    return mean


def contact_sum(levels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Sum of `levels` (n_sites,) over each site's contact neighborhood, in their dtype; see `contact_mean`.

    Each well lies inside a rim of zeros, and all of them in one flat array: along an axis, neighbors are then flat
    shifts, which numpy adds without a break at the rows. What ends up in the rim is not read.
    """
    wells = levels.size // prod(shape)
    padded = np.zeros([wells, *(n + 2 for n in shape)], dtype=levels.dtype)
    inner = (slice(None),) + (slice(1, -1),) * len(shape)
    padded[inner] = levels.reshape(wells, *shape)
    total = padded.reshape(-1)
    for stride in (stride // padded.itemsize for stride in padded.strides[1:]):
        summed = np.empty_like(total)
        summed[:stride] = summed[-stride:] = 0
        here = summed[stride:-stride]
        np.add(total[stride:-stride], total[: -2 * stride], out=here)
        here += total[2 * stride :]
        total = summed
    return total.reshape(padded.shape)[inner].ravel()


def contact_box(around: NDArray[np.integer]) -> NDArray[np.intp]:
    """The contact neighborhoods of n sites in the order of a box, (3^ndim, n).

    `around` (n, 3^ndim) has each site, and after it its Moore neighbors; in a box the site stands in the middle.
    """
    middle = around.shape[1] // 2
    order = [*range(1, middle + 1), 0, *range(middle + 1, around.shape[1])]
    return around.T[order].astype(np.intp)


def contact_sum_at(levels: NDArray[Any], box: NDArray[np.intp], ndim: int) -> NDArray[Any]:
    """`contact_sum` at the sites of a `contact_box` (3^ndim, n) only, to the same bits, (n,).

    `levels` (n_sites + 1,) ends with a 0 for what is outside.
    """
    total: NDArray[Any] = levels.take(box).reshape(*(3,) * ndim, box.shape[1])
    for _ in range(ndim):
        total = (total[1] + total[0]) + total[2]
    return total


def sites_within(sites: NDArray[np.integer], shape: tuple[int, ...], reach: float, wells: int = 1) -> NDArray[np.int64]:
    """The sites within `reach` (lattice units) of each of `sites`, nearest first, shape (n, k); outside is n_sites."""
    well, site = np.divmod(sites, prod(shape))
    offsets = _offsets_within(reach, len(shape))
    at = np.stack(np.unravel_index(site, shape), axis=-1)[:, None, :] + offsets
    inside = ((at >= 0) & (at < np.array(shape))).all(axis=2)
    clipped = np.clip(at, 0, np.array(shape) - 1)
    numbers = np.ravel_multi_index(tuple(clipped[..., axis] for axis in range(len(shape))), shape)
    return np.where(inside, numbers + prod(shape) * well[:, None], wells * prod(shape))


@lru_cache(maxsize=8)
def _offsets_within(reach: float, ndim: int) -> NDArray[np.int64]:
    """The steps of length up to `reach`, shortest first, (k, ndim)."""
    span = range(-int(reach), int(reach) + 1)
    offsets = np.array(list(itertools.product(span, repeat=ndim)), dtype=np.int64)
    length = (offsets**2).sum(axis=1)
    order = np.argsort(length, kind="stable")
    near: NDArray[np.int64] = offsets[order][length[order] <= reach**2]
    return near
