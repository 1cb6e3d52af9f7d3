"""Two exclusive layers of sites: at most one tissue cell and one immune cell on each.

Leukocytes can therefore infiltrate a dense tumor, packing stays physical, and a conflict over a site is
resolved inside one layer. The lattice is closed: beyond its edge every site counts as taken. It may hold several
*wells*, independent copies of one shape: sites are numbered well by well, and no site has a neighbor in another well.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from ..kernels.space import direction_weights, neighbor_table, offset_lengths, site_steps

__all__ = ["EMPTY", "IMMUNE", "TISSUE", "Lattice"]

TISSUE, IMMUNE = 0, 1
EMPTY, WALL = -1, -2


class Lattice:
    """Geometry and occupancy: `occupant[layer][site]` is a row, or EMPTY, or WALL beyond the edge."""

    def __init__(self, shape: tuple[int, ...], spacing: float, wells: int = 1) -> None:
        """`shape` of a well in sites, (ny, nx) or (nz, ny, nx); `spacing` in µm."""
        self.shape = shape
        self.spacing = spacing
        self.wells = wells
        self.n_sites_per_well = prod(shape)
        self.n_sites = wells * self.n_sites_per_well
        self.neighbors = neighbor_table(shape, wells)
        self.at_wall = (self.neighbors == self.n_sites).any(axis=1)
        self.steps = site_steps(shape)
        self.step_lengths = offset_lengths(len(shape)) * spacing
        self.direction_weights = direction_weights(len(shape))
        self.occupant = np.full((2, self.n_sites + 1), EMPTY, dtype=np.int32)
        self.occupant[:, -1] = WALL

    @property
    def ndim(self) -> int:
        """Number of space axes, 2 or 3."""
        return len(self.shape)

    @property
    def field_shape(self) -> tuple[int, ...]:
        """Shape of an array with a value for every site: `shape`, of several wells (wells, *shape)."""
        return self.shape if self.wells == 1 else (self.wells, *self.shape)

    def well_of(self, sites: NDArray[np.integer]) -> NDArray[np.integer]:
        """Number of the well of each of `sites`."""
        well: NDArray[np.integer] = sites // self.n_sites_per_well
        return well

    def unravel(self, sites: NDArray[np.integer]) -> tuple[NDArray[np.intp], ...]:
        """Index of each of `sites` inside its well, one array (n,) per axis."""
        return np.unravel_index(sites % self.n_sites_per_well, self.shape)

    @property
    def site_volume(self) -> float:
        """Volume of a site [µm³]; a 2D lattice is a slab one spacing thick."""
        return self.spacing**3

    @property
    def site_area(self) -> float:
        """Area of a site in a section [µm²]."""
        return self.spacing**2

    def contacts(self, sites: NDArray[np.integer]) -> NDArray[np.int32]:
        """The sites in contact with each of `sites`: itself, then its Moore neighbors; shape (n, k + 1)."""
        around = np.empty((len(sites), self.neighbors.shape[1] + 1), dtype=np.int32)
        around[:, 0] = sites
        around[:, 1:] = self.neighbors.take(sites, axis=0)
        return around

    def addresses(self, layer: int | NDArray[np.integer], sites: NDArray[np.integer]) -> NDArray[np.uint64]:
        """One number for each of `sites` in its `layer`, for draws."""
        return sites.astype(np.uint64) * np.uint64(2) + np.asarray(layer).astype(np.uint64)

    def index(self, layer: NDArray[np.integer], sites: NDArray[np.integer]) -> None:
        """Rebuild the occupancy from the layer and site of every row."""
        self.occupant[:, :-1] = EMPTY
        # Both layers in one flat array: a place is one number.
        place = np.multiply(layer, self.n_sites + 1, dtype=np.intp) + sites
        self.occupant.reshape(-1)[place] = np.arange(len(sites), dtype=np.int32)

    def coordinates(self, sites: NDArray[np.integer]) -> NDArray[np.float64]:
        """Centers of `sites` [µm] in their well, shape (n, ndim), in array axis order ((z,) y, x)."""
        index = np.stack(self.unravel(sites), axis=-1).astype(np.float64)
        centers: NDArray[np.float64] = (index + 0.5) * self.spacing
        return centers

    def distance_from_center(self) -> NDArray[np.float64]:
        """Distance of every site from the center of its well [µm], shape (n_sites,)."""
        center = np.array(self.shape) * self.spacing / 2
        away: NDArray[np.float64] = np.linalg.norm(self.coordinates(np.arange(self.n_sites)) - center, axis=1)
        return away
