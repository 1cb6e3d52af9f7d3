"""The geometry of the lattice: Moore neighbors, their distances, sums over contact neighborhoods, straight paths.

Sites are numbered in C order, one *well* (an independent lattice of the same shape) after the other. A neighbor
outside its well gets the number `n_sites`, one past the last site of all, so that an occupancy array with one
closed extra entry needs no bounds checks. 2D and 3D alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "contact_sum",
    "direction_weights",
    "moore_offsets",
    "neighbor_table",
    "offset_lengths",
    "rimmed",
    "rimmed_sum",
    "site_steps",
    "sites_within",
    "spread",
    "straight_path",
    "sums_around",
]

Array = NDArray[np.float64]
Sites = NDArray[np.int32]

# Places whose neighborhoods are looked at together: few calls, and what they hold stays in the cache.
_PLACES_AT_ONCE = 1 << 10


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


def site_steps(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """What each Moore step adds to the number of a site, shape (k,), unless it leads out of the well."""
    steps: NDArray[np.int64] = moore_offsets(len(shape)) @ _strides(shape)
    return steps


def _strides(shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.array([prod(shape[axis + 1 :]) for axis in range(len(shape))], dtype=np.int64)


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


def contact_sum(levels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Sum of `levels` (n_sites,) over each site's contact neighborhood (itself and its Moore neighbors), (n_sites,).

    `shape` is that of a well; `levels` may hold several wells. Sites outside count as empty; the dtype stays.
    """
    wells = levels.size // prod(shape)
    padded = np.zeros([wells, *(n + 2 for n in shape)], dtype=levels.dtype)
    inner = (slice(None),) + (slice(1, -1),) * len(shape)
    padded[inner] = levels.reshape(wells, *shape)
    return rimmed_sum(padded.reshape(-1), shape).reshape(padded.shape)[inner].ravel()


@lru_cache(maxsize=4)
def rimmed(shape: tuple[int, ...], wells: int = 1) -> NDArray[np.intp]:
    """Where each site is in an array in which every well lies inside a rim of one site, (n_sites,).

    In such an array, (wells · Π(n + 2),), the neighbors of a site along an axis are flat shifts, for every site alike.
    """
    places = np.arange(wells * prod(n + 2 for n in shape), dtype=np.intp).reshape(wells, *(n + 2 for n in shape))
    inner = places[(slice(None),) + (slice(1, -1),) * len(shape)].ravel()
    inner.flags.writeable = False
    return inner


def rimmed_sum(levels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """`contact_sum` of `levels` that lie inside rims of zeros, see `rimmed`; the rims of the result are meaningless.

    numpy adds flat shifts without a break at the rows.
    """
    total = levels
    for stride in _rimmed_strides(shape):
        summed = np.empty_like(total)
        summed[:stride] = summed[-stride:] = 0
        here = summed[stride:-stride]
        np.add(total[stride:-stride], total[: -2 * stride], out=here)
        here += total[2 * stride :]
        total = summed
    return total


def sums_around(
    levels: Sequence[Array], spots: NDArray[np.intp], places: NDArray[np.intp], shape: tuple[int, ...]
) -> Array:
    """`rimmed_sum` of several quantities at some `places` (n,) only, to the bit, (k, n).

    A quantity is given by spot: `spots` is the number of the spot at each place of an array with rims, see `rimmed`.
    """
    ndim, steps = len(shape), _rimmed_steps(shape)
    sums = np.empty((len(levels), len(places)))
    for first in range(0, len(places), _PLACES_AT_ONCE):
        here = slice(first, first + _PLACES_AT_ONCE)
        around = spots.take(steps + places[here])
        box = np.empty(around.shape)
        for summed, level in zip(sums, levels, strict=True):
            # Every spot exists, and unlike "raise", "clip" needs no array in between.
            total = level.take(around, out=box, mode="clip").reshape(*(3,) * ndim, -1)
            for _ in range(ndim):
                middle = total[1]
                middle += total[0]
                middle += total[2]
                total = middle
            summed[here] = total
    return sums


@lru_cache(maxsize=4)
def _rimmed_steps(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """The flat shifts to a site's contact neighborhood in an array with rims, axis by axis, (3^ndim, 1)."""
    steps = np.zeros(1, dtype=np.intp)
    for stride in _rimmed_strides(shape):
        steps = np.add.outer(steps, np.array([-stride, 0, stride])).reshape(-1)
    return steps[:, None]


def _rimmed_strides(shape: tuple[int, ...]) -> list[int]:
    """How far apart neighbors along each axis are in an array with rims."""
    return [prod(n + 2 for n in shape[axis + 1 :]) for axis in range(len(shape))]


def spread(mask: NDArray[np.bool_], shape: tuple[int, ...], reach: int) -> NDArray[np.bool_]:
    """Mark the sites of `mask` (n_sites,) and all up to `reach` steps along each axis from one, for a first look.

    Rows and wells are read as one long row, so some sites at the beginning of the next row are marked, too: an unmarked
    site is out of reach, a marked one need not be within it.
    """
    marked = mask
    for axis in range(len(shape)):
        stride, covered = prod(shape[axis + 1 :]), 0
        while covered < reach:
            # What covers c steps to one side may jump c + 1 and leaves no hole.
            jump = min(covered + 1, reach - covered)
            step, wide = jump * stride, marked.copy()
            wide[step:] |= marked[:-step]
            wide[:-step] |= marked[step:]
            marked, covered = wide, covered + jump
    return marked


def sites_within(sites: NDArray[np.integer], shape: tuple[int, ...], reach: float, wells: int = 1) -> NDArray[np.int64]:
    """The sites within `reach` (lattice units) of each of `sites`, nearest first, shape (n, k); outside is n_sites."""
    offsets, inside = _offsets_within(reach, len(shape)), True
    numbers = np.asarray(sites, dtype=np.int64)[:, None] + offsets @ _strides(shape)
    for at, step, size in zip(np.unravel_index(sites % prod(shape), shape), offsets.T, shape, strict=True):
        there = at[:, None] + step
        inside = inside & (there >= 0) & (there < size)
    return np.where(inside, numbers, wells * prod(shape))


@lru_cache(maxsize=8)
def _offsets_within(reach: float, ndim: int) -> NDArray[np.int64]:
    """The steps of length up to `reach`, shortest first, (k, ndim)."""
    span = range(-int(reach), int(reach) + 1)
    offsets = np.array(list(itertools.product(span, repeat=ndim)), dtype=np.int64)
    length = (offsets**2).sum(axis=1)
    order = np.argsort(length, kind="stable")
    near: NDArray[np.int64] = offsets[order][length[order] <= reach**2]
    return near


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
