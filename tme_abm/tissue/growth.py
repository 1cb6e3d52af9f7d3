"""Sites for the growth of a tumor: next to the mother, at the end of a pushed chain of cells, outside for leukocytes.

Without pushing, a tumor grows at its rim only, linearly in radius. A growing tumor displaces the stroma around it and
the leukocytes there. These functions choose the sites; the tissue moves its cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.chance import choose, winners
from ..kernels.space import contact_sum, sites_within, spread, straight_path
from .lattice import EMPTY, TISSUE, Lattice

__all__ = ["chains", "free_neighbors", "nearest_free", "nearest_gap"]

Sites = NDArray[np.int64]
Draws = NDArray[np.float64]


def free_neighbors(lattice: Lattice, layer: int, sites: NDArray[np.integer], draws: Draws) -> Sites:
    """A free neighbor of each of `sites` in `layer`, nearer ones are likelier; −1 if all are taken."""
    around = lattice.neighbors.take(sites, axis=0)
    free = lattice.occupant[layer].take(around) == EMPTY
    # Inside a tumor nearly all are crowded.
    roomy = np.flatnonzero(free.any(axis=1))
    pick = choose(free[roomy] / lattice.step_lengths, draws[roomy])
    found = np.full(len(sites), -1, dtype=np.int64)
    found[roomy] = around[roomy, pick]
    return found


def chains(
    lattice: Lattice, sites: NDArray[np.integer], reach: float, priority: Draws
) -> tuple[Sites, Sites, NDArray[np.intp]]:
    """The chains of tissue cells that can shift by one site, each from one of `sites` to the nearest gap in `reach`.

    Chains that would cross compete by `priority`. Returns the places in `sites` of those that may shift, their paths
    (chains, steps), which begin at their site, and the step of each path at which its gap lies. `reach` is in sites.
    """
    occupied = lattice.occupant[TISSUE, :-1] != EMPTY
    rim = np.flatnonzero((contact_sum(occupied.astype(np.uint8), lattice.shape) > 0) & ~occupied)
    near = np.zeros(lattice.n_sites, dtype=bool)
    near[rim] = True
    # Most are too deep inside: looking for their gaps is left out, and with it nearly all of the work.
    chosen = np.flatnonzero(spread(near, lattice.shape, int(reach))[sites])
    ends = nearest_gap(lattice, sites[chosen], rim, reach)
    chosen, ends = chosen[ends >= 0], ends[ends >= 0]
    if not len(chosen):
        return chosen, np.zeros((0, 2), dtype=np.int64), chosen
    path = straight_path(sites[chosen].astype(np.int64), ends, lattice.shape)
    # The straight line may meet a gap before the nearest one by distance: the chain ends there.
    length = np.argmax(~occupied[path], axis=1)
    claimed = np.arange(path.shape[1])[None, :] <= length[:, None]
    chain = np.repeat(np.arange(len(chosen)), claimed.sum(axis=1))
    lost = ~winners(path[claimed], priority[chosen][chain])
    granted = np.bincount(chain[lost], minlength=len(chosen)) == 0
    return chosen[granted], path[granted], length[granted]


def nearest_gap(lattice: Lattice, sites: NDArray[np.integer], gaps: Sites, reach: float) -> Sites:
    """The gap nearest to each of `sites` in its well, −1 where none is within `reach` (lattice units)."""
    from scipy.spatial import cKDTree  # slow to import, and not needed to plant a tissue

    nearest = np.full(len(sites), -1, dtype=np.int64)
    well, gap_well = lattice.well_of(sites), lattice.well_of(gaps)
    # A tree for each well, and not one for all: which of several gaps at one distance is found depends on the tree.
    for each in np.flatnonzero(np.bincount(well)):
        mine, near = np.flatnonzero(well == each), gaps[gap_well == each]
        if len(near):
            tree = cKDTree(np.stack(lattice.unravel(near), axis=-1))
            at = np.stack(lattice.unravel(sites[mine]), axis=-1)
            distance, found = tree.query(at, distance_upper_bound=reach + 1e-9)
            reached = np.isfinite(distance)
            nearest[mine[reached]] = near[found[reached]]
    return nearest


def nearest_free(
    lattice: Lattice, layer: int, sites: NDArray[np.integer], shut: NDArray[np.bool_], reach: float
) -> Sites:
    """The free site of `layer`, not `shut` (n_sites,), nearest to each of `sites`; −1 where none is in `reach`."""
    around = sites_within(sites, lattice.shape, reach, lattice.wells)
    free = (lattice.occupant[layer].take(around) == EMPTY) & ~np.append(shut, True).take(around)
    nearest = np.argmax(free, axis=1)
    each = np.arange(len(sites))
    return np.where(free[each, nearest], around[each, nearest], -1)
