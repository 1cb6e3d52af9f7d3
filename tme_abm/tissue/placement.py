"""Finding room for daughters: on a free neighboring site, or by pushing a chain of cells into a near gap.

Without pushing a tumor grows at its rim only, linearly in radius. A growing tumor displaces the stroma around it, and
with it the leukocytes there, instead of silently swallowing them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..kernels.choice import choose, winners
from ..kernels.neighborhood import contact_sum, sites_within, spread
from ..kernels.paths import straight_path
from .cells import ALIVE
from .lattice import EMPTY, IMMUNE, TISSUE, Lattice

if TYPE_CHECKING:
    from .tissue import Tissue

__all__ = ["daughters_by_pushing", "daughters_nearby", "displace_leukocytes", "nearest_gap"]

Rows = NDArray[np.int64]


def daughters_nearby(tissue: Tissue, layer: int, mothers: Rows) -> Rows:
    """Put daughters on free neighboring sites of `layer`; return the mothers that have no free neighbor."""
    if not len(mothers):
        return mothers
    lattice, keys = tissue.lattice, tissue.cells.key
    around = lattice.neighbors[tissue.cells.site[mothers]]
    free = lattice.occupant[layer][around] == EMPTY
    # Inside a tumor nearly all are crowded.
    has_room = free.any(axis=1)
    crowded: Rows = mothers[~has_room]
    lucky = mothers[has_room]
    pick = choose(free[has_room] / lattice.step_lengths, tissue.draw("division", keys[lucky], lane=1))
    sites = around[has_room, pick]
    won = tissue.first_come(sites, keys[lucky])
    tissue.add_daughters(layer, lucky[won], sites[won])
    return crowded


def daughters_by_pushing(tissue: Tissue, mothers: Rows) -> None:
    """Shift the cells between a mother and the nearest gap within reach by one site, daughter beside mother.

    Chains that would cross compete; the losers stay ready and ask again in the next step.
    """
    lattice, cells = tissue.lattice, tissue.cells
    reach = tissue.push / lattice.spacing
    if not len(mothers) or reach < 1:
        return
    occupied = lattice.occupant[TISSUE, :-1] != EMPTY
    rim = _rim(tissue, occupied)
    near = np.zeros(lattice.n_sites, dtype=bool)
    near[rim] = True
    # Most mothers are too deep inside: looking for their gaps is left out, and with it nearly all of the work.
    mothers = mothers[spread(near, lattice.shape, int(reach))[cells.site[mothers]]]
    ends = nearest_gap(lattice, cells.site[mothers], rim, reach)
    able = ends >= 0
    mothers, ends = mothers[able], ends[able]
    if not len(mothers):
        return
    path = straight_path(cells.site[mothers].astype(np.int64), ends, lattice.shape)
    # The straight line may meet a gap before the nearest one by distance: the chain ends there.
    free = ~occupied[path]
    length = np.argmax(free, axis=1)
    claimed = np.arange(path.shape[1])[None, :] <= length[:, None]
    chain = np.repeat(np.arange(len(mothers)), claimed.sum(axis=1))
    priority = tissue.draw("push", cells.key[mothers])
    won_site = winners(path[claimed], priority[chain])
    granted = np.bincount(chain[~won_site], minlength=len(mothers)) == 0
    mothers, path, length = mothers[granted], path[granted], length[granted]
    for j in range(path.shape[1] - 2, 0, -1):
        shifting = j < length
        source, target = path[shifting, j], path[shifting, j + 1]
        rows = lattice.occupant[TISSUE, source]
        cells.site[rows] = target
        lattice.occupant[TISSUE, target] = rows
    tissue.add_daughters(TISSUE, mothers, path[:, 1])


def nearest_gap(
    lattice: Lattice, sites: NDArray[np.integer], gaps: NDArray[np.int64], reach: float
) -> NDArray[np.int64]:
    """The gap nearest to each of `sites` in its well, −1 where none is within `reach` (lattice units)."""
    nearest = np.full(len(sites), -1, dtype=np.int64)
    well, gap_well = lattice.well_of(sites), lattice.well_of(gaps)
    # A tree for each well, and not one for all: which of several gaps at one distance is found depends on the tree.
    for each in np.flatnonzero(np.bincount(well)):
        mine, near = np.flatnonzero(well == each), gaps[gap_well == each]
        if len(near):
            tree = cKDTree(np.stack(lattice.unravel(near), axis=-1))
            at = np.stack(lattice.unravel(sites[mine]), axis=-1)
            distance, found = tree.query(at, distance_upper_bound=reach + 1e-9)
            able = np.isfinite(distance)
            nearest[mine[able]] = near[found[able]]
    return nearest


def _rim(tissue: Tissue, occupied: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Free sites that touch an occupied one: the nearest gap of any cell is among them."""
    near = contact_sum(occupied.astype(np.uint8), tissue.lattice.shape) > 0
    return np.flatnonzero(near & ~occupied)


def displace_leukocytes(tissue: Tissue, before: NDArray[np.bool_]) -> None:
    """Carry leukocytes along with the stroma that a growing tumor displaces.

    `before` is the tumor's territory (n_sites,) before it grew. A leukocyte whose site has become territory since
    is let in as often as its infiltration says, like one that walks; else it goes to the nearest free site outside.
    Where none is within pushing distance it is engulfed.
    """
    cells, lattice = tissue.cells, tissue.lattice
    territory = tissue.tumor_territory
    there = lattice.occupant[IMMUNE, np.flatnonzero(territory > before)]
    there = there[there != EMPTY]
    rows = np.sort(there[cells.fate[there] == ALIVE]).astype(np.int64)
    if not len(rows):
        return
    # Cells born in this step have no behavior yet; they stay beside their mothers.
    entry = tissue.behavior["infiltration"]
    rows = rows[rows < len(entry)]
    rows = rows[tissue.draw("push", cells.key[rows], lane=1) >= entry[rows]]
    if not len(rows):
        return
    around = sites_within(cells.site[rows], lattice.shape, tissue.push / lattice.spacing, lattice.wells)
    free = (lattice.occupant[IMMUNE][around] == EMPTY) & ~np.append(territory, True)[around]
    nearest = np.argmax(free, axis=1)
    able = free[np.arange(len(rows)), nearest]
    tissue.move(rows[able], around[able, nearest[able]], lane=99)
