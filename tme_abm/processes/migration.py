"""Migration: cells of the immune layer walk, persist, climb differences of receptor occupancy, and cross into tumor."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..kernels.chance import choose_from
from ..tissue import EMPTY, IMMUNE, Tissue
from ..tissue.tissue import Array, Rows
from .senses import Senses

__all__ = ["Migration"]

# Sites at which occupancies are worked out at once.
_SITES_AT_ONCE = 1 << 16
# Where to, whether to turn, whether to step.
_DRAWS_A_HOP = 3
# Walkers that turn at once: the weights of their directions stay in the cache.
_TURNS_AT_ONCE = 1 << 12

Grid = NDArray[np.floating]
Places = NDArray[np.intp]


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
        cells, lattice, rows = tissue.cells, tissue.lattice, tissue.behavior.rows_over(self.kinds)
        unbound = np.flatnonzero(cells.partner.take(rows) == 0)
        if not len(unbound):
            return
        rows = rows.take(unbound)
        traits = tissue.behavior.table(self.kinds, ("speed", "persistence", "infiltration", "chemotaxis"))
        speed, persistence, entry, gain = traits.take(unbound, axis=1)
        site = cells.site.take(rows).astype(np.intp)
        # Several hops a step: at most one site each, so that halving dt leaves the walk as it is. The fastest cell of a
        # well sets their number.
        well = lattice.well_of(site)
        fastest = np.zeros(lattice.wells)
        np.maximum.at(fastest, well, speed)
        hops = np.ceil(fastest * dt / lattice.spacing)
        most = int(hops.max())
        if not most:
            return
        time = (dt / np.maximum(hops, 1.0)).take(well)
        climb, first = self._attraction(tissue)
        walkers = _Walkers(
            rows=rows,
            site=site,
            heading=cells.heading.take(rows).astype(np.intp),
            # This chance, and not exp(−dt/persistence), makes the walk spread as fast whatever the length of a hop: the
            # headings of a run then add up to `persistence` exactly.
            keeps=persistence / (persistence + time),
            reach=speed * time,
            entry=entry,
            gain=gain,
            first=first.take(unbound),
        )
        tumor = np.append(tissue.tumor_territory, False)
        drawn = tissue.draws("migration", cells.key.take(rows), lanes=range(_DRAWS_A_HOP * most))
        for hop in range(most):
            lanes = slice(_DRAWS_A_HOP * hop, _DRAWS_A_HOP * (hop + 1))
            going = np.flatnonzero(hops.take(well) > hop) if (hops <= hop).any() else None
            if going is None:
                self._hop(tissue, walkers, drawn[lanes], climb, tumor, hop)
            else:
                some = walkers.only(going)
                self._hop(tissue, some, drawn[lanes].take(going, axis=1), climb, tumor, hop)
                walkers.site[going], walkers.heading[going] = some.site, some.heading
        cells.heading[rows] = walkers.heading

    def _attraction(self, tissue: Tissue) -> tuple[Grid, Places]:
        """The potentials that cells climb, Σ weight × free share × occupancy at every site, one after the other, and
        where in them that of each cell of `kinds` begins. Kinds that follow the same receptors alike share one.
        """
        lattice, behavior, controls = tissue.lattice, tissue.behavior, tissue.controls
        senses = Senses(self.biology, tissue)
        shares = self.biology.chemotaxis * controls.free_receptor
        count = [len(behavior.rows_of(kind)) for kind in self.kinds]
        pursuits = [
            tuple((r, float(shares[kind, r]), float(controls.inhibition[kind, r])) for r in followed.tolist())
            for kind, followed in ((kind, np.flatnonzero(shares[kind])) for kind in self.kinds)
        ]
        one_of = {pursuit: kind for pursuit, kind, n in zip(pursuits, self.kinds, count, strict=True) if n}
        climb = np.empty((len(one_of), lattice.n_sites), dtype=tissue.fields.dtype)
        pull = np.empty(min(_SITES_AT_ONCE, lattice.n_sites), dtype=climb.dtype)
        # Part after part of the lattice, so that what several kinds follow stays in the cache.
        for start in range(0, lattice.n_sites, _SITES_AT_ONCE):
            part = slice(start, min(start + _SITES_AT_ONCE, lattice.n_sites))
            for potential, (pursuit, kind) in zip(climb[:, part], one_of.items(), strict=True):
                occupied = [(senses.occupancy_grid(receptor, kind, part), share) for receptor, share, _ in pursuit]
                # Where a receptor has no ligands its occupancy is one number, which pulls nowhere.
                pulling = [(grid, share) for grid, share in occupied if isinstance(grid, np.ndarray)]
                if not pulling:
                    potential.fill(0)
                for number, (grid, share) in enumerate(pulling):
                    if number:
                        potential += np.multiply(grid, share, out=pull[: len(grid)])
                    else:
                        np.multiply(grid, share, out=potential)
        begins = {pursuit: number * lattice.n_sites for number, pursuit in enumerate(one_of)}
        return climb.reshape(-1), np.repeat([begins.get(pursuit, 0) for pursuit in pursuits], count)

    def _hop(
        self, tissue: Tissue, walkers: _Walkers, drawn: Array, climb: Grid, tumor: NDArray[np.bool_], hop: int
    ) -> None:
        lattice, site, heading = tissue.lattice, walkers.site, walkers.heading
        choosing, turning, stepping = drawn
        turns = np.flatnonzero((turning >= walkers.keeps) | (heading < 0))
        for first in range(0, len(turns), _TURNS_AT_ONCE):
            some = turns[first : first + _TURNS_AT_ONCE]
            weights = self._bias(tissue, walkers, some, climb)
            np.exp(weights, out=weights)
            weights *= lattice.direction_weights[:, None]
            heading[some] = choose_from(weights, choosing.take(some))
        target = site + lattice.steps.take(heading)
        edge = np.flatnonzero(lattice.at_wall.take(site))
        target[edge] = lattice.neighbors[site[edge], heading[edge]]
        # A hop of one (diagonal) step takes the time its length needs at this speed.
        chance = walkers.reach / lattice.step_lengths.take(heading)
        chance = np.where(tumor.take(target) > tumor.take(site), chance * walkers.entry, chance)
        blocked = lattice.occupant[IMMUNE].take(target) != EMPTY
        goes = np.flatnonzero((stepping < chance) & ~blocked)
        goal = target.take(goes)
        moved = tissue.move(walkers.rows.take(goes), goal, lane=hop)
        # Running into a cell or a wall ends a run: the next direction is chosen afresh.
        np.putmask(heading, blocked, -1)
        heading[goes[~moved]] = -1
        site[goes[moved]] = goal[moved]

    @staticmethod
    def _bias(tissue: Tissue, walkers: _Walkers, these: Places, climb: Grid) -> Array:
        """What draws `these` walkers to each of their neighbors, (k, n): gain × rise over one spacing that way."""
        lattice, site = tissue.lattice, walkers.site.take(these)
        here = walkers.first.take(these) + site
        # Beyond a wall this reads some other site.
        rise = climb.take(here + lattice.steps[:, None], mode="wrap") - climb.take(here)
        # Per length, not per step: a diagonal step is longer, and must not gain by it.
        bias: Array = walkers.gain.take(these) * rise
        bias *= (lattice.spacing / lattice.step_lengths)[:, None]
        # No cell can go there: its weight must not matter.
        edge = np.flatnonzero(lattice.at_wall.take(site))
        bias.T[edge] *= lattice.neighbors.take(site[edge], axis=0) != lattice.n_sites
        return bias


@dataclass(frozen=True)
class _Walkers:
    """Cells, where they are, and the traits of their walk, (n,) each.

    keeps : chance to keep the heading in a hop. reach : way of a hop [µm]. entry : infiltration. gain : of chemotaxis.
    first : where the potential they climb begins.
    """

    rows: Rows
    site: Places
    heading: Places
    keeps: Array
    reach: Array
    entry: Array
    gain: Array
    first: Places

    def only(self, these: Places) -> _Walkers:
        """The walkers at these places."""
        return _Walkers(*(getattr(self, field.name).take(these) for field in fields(self)))
