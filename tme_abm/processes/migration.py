"""Migration: cells of the immune layer walk, persist, climb differences of receptor occupancy, and cross into tumor."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..kernels.choice import choose
from ..tissue import EMPTY, IMMUNE, Tissue
from .process import Array, Rows, kinds_with
from .senses import Senses

__all__ = ["Migration"]


class Migration:
    """Unbound immune cells hop to free neighboring sites: at their speed, mostly onward in their heading, biased
    towards higher occupancy of the receptors they follow; entering tumor from stroma succeeds only as often as
    their infiltration says.
    """

    writes: ClassVar[frozenset[str]] = frozenset({"site", "heading"})

    def __init__(self, biology: Biology) -> None:
        self.biology = biology
        self.kinds = [kind for kind in kinds_with(biology, "speed") if biology.layer[kind] == "immune"]

    def __call__(self, tissue: Tissue, dt: float) -> None:
        rows = np.concatenate([tissue.behavior.rows_of(kind) for kind in self.kinds] or [np.empty(0, np.int64)])
        rows = rows[tissue.cells.partner[rows] == 0]
        if not len(rows):
            return
        speed = tissue.behavior["speed"][rows]
        persistence = tissue.behavior["persistence"][rows]
        entry = tissue.behavior["infiltration"][rows]
        climb = self._attraction(tissue)
        tumor = np.append(tissue.tumor_territory, False)
        # Several hops a step: at most one site each, so that halving dt leaves the walk as it is. The fastest cell of a
        # well says how many.
        well = tissue.lattice.well_of(tissue.cells.site[rows])
        fastest = np.zeros(tissue.lattice.wells)
        np.maximum.at(fastest, well, speed)
        hops = np.ceil(fastest * dt / tissue.lattice.spacing)[well]
        for hop in range(int(hops.max())):
            on = np.flatnonzero(hops > hop)
            self._hop(tissue, rows[on], speed[on], persistence[on], entry[on], climb, tumor, dt / hops[on], hop)

    def _attraction(self, tissue: Tissue) -> dict[int, Array]:
        """By kind, the potential (n_sites + 1,) a cell climbs: gain × Σ weight × free share × occupancy."""
        senses = Senses(self.biology, tissue)
        climb: dict[int, Array] = {}
        for kind in self.kinds:
            if not len(tissue.behavior.rows_of(kind)):
                continue
            potential = np.zeros(tissue.lattice.n_sites + 1)
            for receptor in np.flatnonzero(self.biology.chemotaxis[kind]):
                share = self.biology.chemotaxis[kind, receptor] * tissue.controls.free_receptor[kind, receptor]
                potential[:-1] += share * senses.occupancy_grid(int(receptor), kind)
            climb[kind] = potential
        return climb

    def _hop(
        self,
        tissue: Tissue,
        rows: Rows,
        speed: Array,
        persistence: Array,
        entry: Array,
        climb: dict[int, Array],
        tumor: NDArray[np.bool_],
        dt: Array,
        hop: int,
    ) -> None:
        cells, lattice = tissue.cells, tissue.lattice
        site = cells.site[rows]
        around = lattice.neighbors[site]
        pull = self._bias(tissue, rows, site, around, climb)
        weights = np.exp(pull) / lattice.step_lengths
        direction = choose(weights, tissue.draw("migration", cells.key[rows], lane=3 * hop))
        # This chance, and not exp(−dt/persistence), makes the walk spread as fast whatever the length of a hop: the
        # headings of a run then add up to `persistence` exactly.
        keeps = persistence / (persistence + dt)
        turns = tissue.draw("migration", cells.key[rows], lane=3 * hop + 1) >= keeps
        heading = np.where(turns | (cells.heading[rows] < 0), direction, cells.heading[rows])
        target = around[np.arange(len(rows)), heading]
        # A hop of one (diagonal) step takes the time its length needs at this speed.
        chance = speed * dt / lattice.step_lengths[heading]
        chance = np.where(tumor[target] & ~tumor[site], chance * entry, chance)
        goes = tissue.draw("migration", cells.key[rows], lane=3 * hop + 2) < chance
        blocked = lattice.occupant[IMMUNE][target] != EMPTY
        goes &= ~blocked
        cells.heading[rows] = heading
        moved = tissue.move(rows[goes], target[goes], lane=hop)
        # Running into a cell or a wall ends a run: the next direction is chosen afresh.
        cells.heading[rows[blocked]] = -1
        cells.heading[rows[goes][~moved]] = -1

    def _bias(
        self, tissue: Tissue, rows: Rows, site: NDArray[np.int32], around: NDArray[np.int32], climb: dict[int, Array]
    ) -> Array:
        kind = tissue.cells.kind[rows]
        gain = tissue.behavior["chemotaxis"][rows]
        bias = np.zeros(around.shape)
        for each, potential in climb.items():
            mine = kind == each
            if mine.any():
                bias[mine] = gain[mine, None] * (potential[around[mine]] - potential[site[mine]][:, None])
        # The potential beyond the wall is zero, but no cell can go there: its weight must not matter.
        bias[around == tissue.lattice.n_sites] = 0.0
        return bias
