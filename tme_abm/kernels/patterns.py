"""Statistics of cells as points in the plane: what digital pathology measures on a stained section.

Places are (n, 2) in µm, masks (n,) choose cells, a `box` ((low, low), (high, high)) is the field that was looked at. No
function draws random numbers: enrichment has the moments of all permutations in closed form. A statistic that the cells
at hand do not define (no such cell, no contact) is NaN.
"""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import Delaunay, QhullError, cKDTree

__all__ = [
    "between", "border_corrected", "delaunay_pairs", "disc_density", "edge_distance", "enrichment", "ground",
    "morisita_horn", "near_pairs", "nearest", "pixels_of", "random_reach", "ratio", "signed_depth", "tile_counts",
    "tumor_mask",
]  # fmt: skip

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Pairs = NDArray[np.int64]
Box = NDArray[np.float64]

_STRIPS = 200  # in which a disc is cut to measure what the edge of the field leaves of it: exact to 1e-4 of its area


# ------------------------------------------------------------------ tumor and stroma


def ground(box: Box, pixel: float) -> Array:
    """Centers of the square pixels of a field, (nx, ny, 2): those whose center lies in it."""
    axes = (low + (np.arange(max(int(np.ceil((high - low) / pixel - 0.5)), 1)) + 0.5) * pixel for low, high in box.T)
    centers: Array = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return centers


def pixels_of(places: Array, box: Box, pixel: float, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], ...]:
    """The indices (n,) along each axis of the pixels in which `places` lie; of the nearest one at the far edges."""
    index = np.floor((places - box[0]) / pixel).astype(np.intp)
    return tuple(np.clip(index[:, axis], 0, shape[axis] - 1) for axis in range(2))


def disc_density(places: Array, at: Array, radius: float, box: Box) -> Array:
    """Density (m,) [1/µm²] of `places` in discs of `radius` around `at` (m, 2), per area of the disc that was seen."""
    if not len(places):
        return np.zeros(len(at))
    found = cKDTree(places).query_ball_point(at, radius, return_length=True)
    density: Array = found / _disc_area(at, radius, box)
    return density


def _disc_area(at: Array, radius: float, box: Box) -> Array:
    """Area (m,) of the part of each disc that lies in the field: whole inside, cut in strips near the edge."""
    area = np.full(len(at), np.pi * radius**2)
    cut = np.flatnonzero(((at - radius < box[0]) | (at + radius > box[1])).any(axis=1))
    # Strips of equal angle are narrow where the rim is steep, so that few are enough.
    angle = (np.arange(_STRIPS) + 0.5) / _STRIPS * np.pi
    x, half, width = -radius * np.cos(angle), radius * np.sin(angle), radius * np.sin(angle) * np.pi / _STRIPS
    across = at[cut, 0, None] + x
    length = np.minimum(at[cut, 1, None] + half, box[1, 1]) - np.maximum(at[cut, 1, None] - half, box[0, 1])
    inside = (across >= box[0, 0]) & (across <= box[1, 0])
    area[cut] = (np.maximum(length, 0.0) * inside * width).sum(axis=1)
    return area


def tumor_mask(tumor: Array, box: Box, *, pixel: float, radius: float, share: float, smallest: float) -> Mask:
    """The pixels (nx, ny) of the field that are tumor: tumor cells in a disc of `radius` [µm] around them are at least
    `share` as dense as around the median tumor cell. Islands and holes below `smallest` [µm²] are left out.
    """
    centers = ground(box, pixel)
    shape = centers.shape[:2]
    if not len(tumor):
        return np.zeros(shape, dtype=bool)
    usual = np.median(disc_density(tumor, tumor, radius, box))
    dense = (disc_density(tumor, centers.reshape(-1, 2), radius, box) >= share * usual).reshape(shape)
    least = smallest / pixel**2
    return ~_large(~_large(dense, least), least)


def _large(mask: Mask, least: float) -> Mask:
    """What is left of `mask` without its pieces of fewer than `least` pixels; a piece is joined by edges."""
    label, _ = ndimage.label(mask)
    sizes = np.bincount(label.ravel())
    large: Mask = mask & (sizes[label] >= least)
    return large


def signed_depth(mask: Mask, pixel: float) -> Array:
    """Distance of each pixel to the border of `mask` [µm], inside positive, outside negative; NaN without a border."""
    if mask.all() or not mask.any():
        return np.full(mask.shape, nan)
    depth: Array = (ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)) * pixel
    return depth


# ------------------------------------------------------------------ contacts


def near_pairs(places: Array, radius: float) -> Pairs:
    """Pairs (m, 2) of cells at most `radius` apart, each once."""
    pairs: Pairs = cKDTree(places).query_pairs(radius, output_type="ndarray").astype(np.int64).reshape(-1, 2)
    return pairs


def delaunay_pairs(places: Array, longest: float) -> Pairs:
    """Pairs (m, 2) of cells that the Delaunay triangulation joins by an edge of at most `longest`, each once."""
    try:
        corners = Delaunay(places).simplices
    except (QhullError, ValueError):  # fewer than three cells, or all on a line
        return np.zeros((0, 2), dtype=np.int64)
    sides = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1)
    pairs = np.unique(sides, axis=0).astype(np.int64)
    short = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1) <= longest
    return np.asarray(pairs[short], dtype=np.int64)


def between(pairs: Pairs, one: Mask, other: Mask) -> int:
    """The number of pairs with one end in `one` and the other in `other`; a pair within both counts once."""
    left, right = pairs.T
    return int(((one[left] & other[right]) | (one[right] & other[left])).sum())


def enrichment(pairs: Pairs, one: Mask, other: Mask) -> tuple[float, float]:
    """The contacts of two disjoint classes against those of cells that swap classes at random: z-score, and log2 of the
    ratio to the mean.

    The score is that of squidpy's neighborhood enrichment (doi:10.1038/s41592-021-01358-2) in the limit of many
    permutations, by the mean and variance of join counts (Cliff & Ord 1981, sampling without replacement): with m
    pairs, s ordered pairs of them that share a cell, a and b cells of the classes among n, and [n]r = n ... (n−r+1),

        mean   = 2 m ab / [n]2
        square = 2 m ab / [n]2 + s ab (a + b − 2) / [n]3 + 4 (m² − m − s) a(a−1) b(b−1) / [n]4
    """
    n, a, b, m = len(one), int(one.sum()), int(other.sum()), len(pairs)
    if not (m and a and b) or n < 4:
        return nan, nan
    degree = np.bincount(pairs.ravel(), minlength=n).astype(np.float64)
    sharing = float((degree * (degree - 1)).sum())
    two, three = n * (n - 1.0), n * (n - 1.0) * (n - 2.0)
    mean = 2.0 * m * a * b / two
    square = mean + sharing * a * b * (a + b - 2.0) / three
    square += 4.0 * (m * (m - 1.0) - sharing) * a * (a - 1.0) * b * (b - 1.0) / (three * (n - 3.0))
    found, variance = between(pairs, one, other), square - mean**2
    # Where every permutation has the same contacts (all cells touch all), rounding alone makes a variance.
    score = (found - mean) / sqrt(variance) if variance > 1e-9 * square else nan
    return score, float(np.log2(found / mean)) if found else nan


def ratio(above: float, below: float) -> float:
    """`above` over `below`; NaN if `below` is zero or either is NaN."""
    return above / below if below > 0 else nan


# ------------------------------------------------------------------ distances and tiles


def nearest(places: Array, others: Array) -> Array:
    """The distance (n,) of each of `places` from the nearest of `others`; none where there are no others."""
    if not len(others):
        return np.zeros(0)
    return np.asarray(cKDTree(others).query(places)[0], dtype=np.float64)


def edge_distance(places: Array, box: Box) -> Array:
    """The distance (n,) of `places` in the field from its edge."""
    return np.asarray(np.minimum(places - box[0], box[1] - places).min(axis=1), dtype=np.float64)


def border_corrected(distance: Array, edge: Array, radii: Array) -> Array:
    """The cross nearest-neighbor function G(r) at `radii` (k,), with border correction (Ripley 1988): the share of
    cells with a neighbor within r, among those at least r from the edge of the field, around which all was seen; NaN if
    there are none.

    `distance` and `edge` (n,) are the distances of the cells from their nearest neighbor and from the edge.
    """
    if not len(distance):
        return np.full(len(radii), nan)
    seen = edge[:, None] >= radii
    close = (seen & (distance[:, None] <= radii)).sum(axis=0)
    shares: Array = np.divide(close, seen.sum(axis=0), out=np.full(len(radii), nan), where=seen.any(axis=0))
    return shares


def random_reach(density: float, radii: ArrayLike) -> Array:
    """G(r) of cells scattered at random with `density`: 1 − exp(−density π r²)."""
    return np.asarray(1.0 - np.exp(-density * np.pi * np.asarray(radii) ** 2), dtype=np.float64)


def tile_counts(places: Array, box: Box, width: float) -> Array:
    """The number of `places` in each square tile of the field, from its low corner; the last tiles may be cut."""
    shape = tuple(int(n) for n in np.maximum(np.ceil((box[1] - box[0]) / width), 1))
    x, y = pixels_of(places, box, width, shape)
    return np.bincount(x * shape[1] + y, minlength=shape[0] * shape[1]).astype(np.float64)


def morisita_horn(one: Array, other: Array) -> float:
    """The overlap of two classes over tiles with counts `one` and `other` (k,), from 0 (apart) to 1 (in one proportion
    everywhere); Horn 1966, doi:10.1086/282436.
    """
    a, b = one.sum(), other.sum()
    if not (a and b):
        return nan
    return float(2.0 * (one * other).sum() / (((one**2).sum() / a**2 + (other**2).sum() / b**2) * a * b))
