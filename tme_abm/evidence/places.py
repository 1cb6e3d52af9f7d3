"""Places of a section that readouts name: parts of the tumor, and fields at its border as a pathologist cuts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..observe.compartments import compartments, tumor_region
from ..observe.sections import border_fields, field_width
from ..tissue import Tissue

__all__ = ["PLACES", "depths", "sites_of"]

Mask = NDArray[np.bool_]


def depths(tissue: Tissue, well: int) -> NDArray[np.float64]:
    """Distance (n_sites_per_well,) of sites inside the tumor from the nearest one outside [µm]; 0 outside."""
    inside = tumor_region(tissue, well)
    depth: NDArray[np.float64] = ndimage.distance_transform_edt(inside).ravel() * tissue.lattice.spacing
    return depth * inside.ravel()  # without a site outside, the transform has no meaning


def _edge(tissue: Tissue, well: int) -> Mask:
    inside = tumor_region(tissue, well)
    edge: Mask = (ndimage.binary_dilation(inside) & ~inside).ravel()
    return edge


def _fields(tissue: Tissue, well: int) -> Mask:
    """The fields at the border as a pathologist cuts them."""
    inside = tumor_region(tissue, well)
    found = np.zeros(inside.shape, dtype=bool)
    for field in border_fields(inside, field_width(tissue.lattice.spacing)):
        found[field] = True
    return found.ravel()


_PLACES: Mapping[str, Callable[[Tissue, int], Mask]] = {
    "core": lambda tissue, well: compartments(tissue, well)[0],
    "margin": lambda tissue, well: compartments(tissue, well)[1],
    "tumor": lambda tissue, well: tumor_region(tissue, well).ravel(),
    "stroma": lambda tissue, well: ~tumor_region(tissue, well).ravel(),
    "edge": _edge,
    "border": _fields,
    "border tumor": lambda tissue, well: _fields(tissue, well) & tumor_region(tissue, well).ravel(),
    "border stroma": lambda tissue, well: _fields(tissue, well) & ~tumor_region(tissue, well).ravel(),
}
PLACES: tuple[str, ...] = tuple(_PLACES)
"""The core and margin of metrics; the tumor with its border, and the stroma around it; the edge, the sites of stroma
that touch the tumor; the fields at the border, and what lies inside and outside the tumor there.
"""


def sites_of(tissue: Tissue, well: int, place: str) -> Mask:
    """A mask (n_sites_per_well,) of a place in one well; empty without a tumor."""
    return _PLACES[place](tissue, well)
