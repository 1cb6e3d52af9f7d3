"""Migration: cells of the immune layer walk, persist, climb differences of receptor occupancy, and cross into tumor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..kernels.chance import choose
from ..tissue import EMPTY, IMMUNE, Tissue
from ..tissue.tissue import Array, Rows
from .senses import Senses

__all__ = ["Migration"]

# Sites at which occupancies are worked out at once.
_SITES_AT_ONCE = 1 << 16

Grid = NDArray[np.floating]


class Migration:
    """Unbound immune cells hop to free neighboring sites: at their speed, mostly onward in their heading, biased
    towards higher occupancy of the receptors they follow; entering tumor from stroma succeeds only as often as
    their infiltration says.
    """

    writes: ClassVar[frozenset[str]] = frozenset({"site", "heading"})

    def __init__(self, biology: Biology) -> None:
        self.biology = biology
        self.kinds = [kind for kind in biology.kinds_with("speed") if biology.layer[kind] == "immune"]

    def __call__(self, tissue: Tissue, dt: float) -> None:
        walkers_here = _Walkers.of(tissue, self.kinds)
        walkers = walkers_here.only(np.flatnonzero(tissue.cells.partner[walkers_here.rows] == 0))
        if not len(walkers.rows):
            return
        climb = self._attraction(tissue)
        tumor = np.append(tissue.tumor_territory, False)
        # Several hops a step: at most one site each, so that halving dt leaves the walk as it is. The fastest cell of a
        # well sets their number.
        well = tissue.lattice.well_of(tissue.cells.site[walkers.rows])
        fastest = np.zeros(tissue.lattice.wells)
        np.maximum.at(fastest, well, walkers.speed)
        hops = np.ceil(fastest * dt / tissue.lattice.spacing)
        for hop in range(int(hops.max())):
            on = np.flatnonzero(hops[well] > hop) if (hops <= hop).any() else None
            going, where = (walkers, well) if on is None else (walkers.only(on), well[on])
            self._hop(tissue, going, climb, tumor, dt / hops[where], hop)

    def _attraction(self, tissue: Tissue) -> Grid:
        """For each of `kinds` the potential (n_sites + 1,) a cell climbs: gain × Σ weight × free share × occupancy."""
        senses = Senses(self.biology, tissue)
        climb = np.zeros((len(self.kinds), tissue.lattice.n_sites + 1), dtype=tissue.fields.dtype)
        shares = self.biology.chemotaxis * tissue.controls.free_receptor
        # Part after part of the lattice, so that what several kinds follow stays in the cache.
        for first in range(0, tissue.lattice.n_sites, _SITES_AT_ONCE):
            part = slice(first, min(first + _SITES_AT_ONCE, tissue.lattice.n_sites))
            for potential, kind in zip(climb, self.kinds, strict=True):
                if len(tissue.behavior.rows_of(kind)):
                    for receptor in np.flatnonzero(shares[kind]).tolist():
                        potential[part] += float(shares[kind, receptor]) * senses.occupancy_grid(receptor, kind, part)
        return climb

    def _hop(
        self, tissue: Tissue, walkers: _Walkers, climb: Grid, tumor: NDArray[np.bool_], dt: Array, hop: int
    ) -> None:
        cells, lattice, rows = tissue.cells, tissue.lattice, walkers.rows
        keys, site, heading = cells.key[rows], cells.site[rows].astype(np.intp), cells.heading[rows]
        # This chance, and not exp(−dt/persistence), makes the walk spread as fast whatever the length of a hop: the
        # headings of a run then add up to `persistence` exactly.
        keeps = walkers.persistence / (walkers.persistence + dt)
        turning, stepping = tissue.draws("migration", keys, lanes=(3 * hop + 1, 3 * hop + 2))
        turns = np.flatnonzero((turning >= keeps) | (heading < 0))
        weights = np.exp(self._bias(tissue, walkers.only(turns), site[turns], climb)) * lattice.direction_weights
        heading[turns] = choose(weights, tissue.draw("migration", keys[turns], lane=3 * hop))
        target = lattice.neighbors[site, heading]
        # A hop of one (diagonal) step takes the time its length needs at this speed.
        chance = walkers.speed * dt / lattice.step_lengths[heading]
        chance = np.where(tumor[target] & ~tumor[site], chance * walkers.entry, chance)
        blocked = lattice.occupant[IMMUNE][target] != EMPTY
        goes = np.flatnonzero((stepping < chance) & ~blocked)
        moved = tissue.move(rows[goes], target[goes], lane=hop)
        # Running into a cell or a wall ends a run: the next direction is chosen afresh.
        heading[blocked] = -1
        heading[goes[~moved]] = -1
        cells.heading[rows] = heading

    @staticmethod
    def _bias(tissue: Tissue, walkers: _Walkers, site: NDArray[np.intp], climb: Grid) -> Array:
        """What draws `walkers` at `site` to each of their neighbors, (n, k): gain × rise over one spacing that way."""
        lattice = tissue.lattice
        around = lattice.neighbors[site]
        first = (walkers.which * climb.shape[1])[:, None]
        rise = climb.ravel()[first + around] - climb.ravel()[first + site[:, None]]
        # Per length, not per step: a diagonal step is longer, and must not gain by it.
        bias: Array = walkers.gain[:, None] * rise * (lattice.spacing / lattice.step_lengths)
        # The potential beyond the wall is zero, but no cell can go there: its weight must not matter.
        bias[around == lattice.n_sites] = 0.0
        return bias


@dataclass(frozen=True)
class _Walkers:
    """Cells and the traits of their walk, (n,) each; `which` is the place of their kind in a list of kinds, and
    `traits` (4, n) are the four properties in one piece, so that taking some cells is one call.
    """

    rows: Rows
    which: NDArray[np.intp]
    traits: Array

    @classmethod
    def of(cls, tissue: Tissue, kinds: Sequence[int]) -> _Walkers:
        """All living cells of `kinds`."""
        behavior = tissue.behavior
        return cls(
            rows=behavior.rows_over(kinds),
            which=np.repeat(np.arange(len(kinds)), [len(behavior.rows_of(kind)) for kind in kinds]),
            traits=behavior.table(kinds, ("speed", "persistence", "infiltration", "chemotaxis")),
        )

    @property
    def speed(self) -> Array:
        values: Array = self.traits[0]
        return values

    @property
    def persistence(self) -> Array:
        values: Array = self.traits[1]
        return values

    @property
    def entry(self) -> Array:
        values: Array = self.traits[2]
        return values

    @property
    def gain(self) -> Array:
        values: Array = self.traits[3]
        return values

    def only(self, these: NDArray[np.intp]) -> _Walkers:
        """The walkers at these places."""
        return _Walkers(self.rows[these], self.which[these], self.traits.take(these, axis=1))
