"""The parts of a section: the tumor core and the margin around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..core.errors import InputError
from ..tissue import Tissue
from .state import criteria

__all__ = ["compartments", "region", "tumor_region"]


def compartments(tissue: Tissue, well: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks (n_sites_per_well,) of the tumor core and of the margin in one well.

    The core is the tumor without its outermost border; the margin is that border and the tissue around it.

    Raises InputError if the model has no such well.
    """
    known, inside = criteria(), tumor_region(tissue, well)
    if not inside.any():
        return np.zeros(inside.size, dtype=bool), np.zeros(inside.size, dtype=bool)
    depth = ndimage.distance_transform_edt(inside) * tissue.lattice.spacing
    away = ndimage.distance_transform_edt(~inside) * tissue.lattice.spacing
    core = depth > known.border
    margin = (away <= known.margin) & ~core
    return core.ravel(), margin.ravel()


def tumor_region(tissue: Tissue, well: int = 0) -> NDArray[np.bool_]:
    """A mask, in the shape of the lattice, of the tumor in one well, islands included.

    It is the region in which the smoothed cells of the tumor cover enough sites, with holes filled.

    Raises InputError if the model has no such well.
    """
    lattice = tissue.lattice
    if not 0 <= well < lattice.wells:
        raise InputError(f"no well {well}: the model has {lattice.wells}, numbered from 0", place="well")
    first, size = well * lattice.n_sites_per_well, lattice.n_sites_per_well
    tumor = np.zeros(lattice.n_sites)
    cells = tissue.cells
    # Dead tumor tissue is still core: a necrotic center is not stroma.
    tumor[cells.site[np.isin(cells.kind, tissue.tumor_kinds)]] = 1.0
    tumor = tumor[first : first + size]
    return region(tumor.reshape(lattice.shape), lattice.spacing)


def region(tumor: NDArray[np.generic], spacing: float) -> NDArray[np.bool_]:
    """The sites of the tumor, islands included; `tumor`, of the lattice's shape, is 1 at each of its cells, else 0."""
    known = criteria()
    smooth = ndimage.gaussian_filter(tumor.astype(np.float64), known.smoothing / spacing, mode="constant")
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(smooth > known.cover)
    return filled
