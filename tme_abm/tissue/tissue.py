"""A tissue: all mutable state (cells, lattice, fields, clock, blood pools) and the few verbs that change it.

Within a step the number of cells is constant. Processes *request* deaths, removals, births and arrivals;
`settle` grants them once, in that order, and conflicts over sites go to the best keyed random priority.
Randomness is addressed: a draw is a function of (seed, stream, step, key), and nothing is ever consumed.

A lattice of several wells makes replicates of one tissue: cells, sites and fields of all wells stand side by side in
the same arrays, blood and ledger have one entry a well, and no verb reaches from well to well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..core import draws
from ..core.errors import InputError
from ..kernels.chance import choose, happened, rivals, winners
from ..kernels.space import contact_sum
from .behaviors import Behaviors
from .cells import ALIVE, Cells
from .controls import Controls
from .fields import Fields
from .growth import chains, free_neighbors, nearest_free
from .lattice import EMPTY, IMMUNE, TISSUE, Lattice

__all__ = ["Array", "Clock", "Keys", "Process", "Rows", "Tissue"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Keys = NDArray[np.uint64]

# Steps between two sortings of the rows; by the clock alone, so that a resumed run repeats them. With rows in random
# order all but transport takes 1.07 times as long for 10,000 cells, 1.18 times for 100,000; sorting, a tenth of a step.
_TIDIED_EVERY = 32
# The lane of the first draw for the sites that displaced leukocytes head for; below it are the hops of a step.
_FIRST_WAY_OUT = 99


@dataclass
class Clock:
    """Time in steps of `dt` [min]; counting steps keeps long runs exact."""

    dt: float
    step: int = 0

    @property
    def time(self) -> float:
        """Minutes since the start."""
        return self.step * self.dt


class Tissue:
    """State and verbs; `behavior` and `controls` are set anew in every step by their processes."""

    behavior: Behaviors
    controls: Controls

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        lattice: Lattice,
        cells: Cells,
        fields: Fields,
        kinds: Sequence[str],
        layer_of: NDArray[np.int8],
        tumor_kinds: NDArray[np.int8],
        vessels: NDArray[np.int64],
        matrix: Array,
        pools: Mapping[str, float | Array],
        push: float,
        matrix_lives: bool = False,
    ) -> None:
        """`layer_of` and `kinds` follow the kind index; `vessels` are sites; `matrix` is (n_sites,) in [0, 1], which
        cells remodel if it `matrix_lives`; `pools` are the leukocytes in the blood of each well; `push` is the distance
        [µm] within which a daughter may make room.
        """
        self.seed = seed
        self.clock = clock
        self.lattice = lattice
        self.cells = cells
        self.fields = fields
        self.kinds = tuple(kinds)
        self.layer_of = layer_of
        self._layer_begins = layer_of.astype(np.intp) * (lattice.n_sites + 1)
        self.tumor_kinds = tumor_kinds
        self.vessels = vessels
        self.matrix = matrix
        self.matrix_lives = matrix_lives
        self.pools = {name: np.full(lattice.wells, level, dtype=np.float64) for name, level in pools.items()}
        self.push = push
        self.ledger: dict[str, Array] = {}
        self._territory: tuple[NDArray[np.int32], NDArray[np.bool_]] | None = None
        self._deaths: list[tuple[Rows, int, str]] = []
        self._removals: list[Rows] = []
        self._mothers: list[Rows] = []
        self._arrivals: list[tuple[int, str, NDArray[np.int64], Keys, Array]] = []

    # ---------------------------------------------------------------- reading

    @property
    def living(self) -> NDArray[np.bool_]:
        """Mask of the cells that are neither apoptotic nor necrotic."""
        alive: NDArray[np.bool_] = self.cells.fate == ALIVE
        return alive

    @property
    def tumor_sites(self) -> NDArray[np.bool_]:
        """Mask (n_sites,) of the sites that hold a living tumor cell."""
        mask = np.zeros(self.lattice.n_sites, dtype=bool)
        rows = self._tumor_rows
        alive = np.flatnonzero(self.cells.fate.take(rows) == ALIVE)
        mask[self.cells.site.take(rows.take(alive)).astype(np.intp)] = True
        return mask

    @property
    def tumor_territory(self) -> NDArray[np.bool_]:
        """Mask (n_sites,) of the sites in whose contact neighborhood most sites hold tumor cells, alive or dead.

        A single hole that killing leaves inside a tumor is territory; a stroma site next to a straight rim is not.
        """
        sites = self.cells.site.take(self._tumor_rows)
        # It is used several times a step and changes once: it is computed anew only if the sites of the tumor differ.
        if self._territory is None or not np.array_equal(self._territory[0], sites):
            tumor = np.zeros(self.lattice.n_sites, dtype=np.uint8)
            tumor[sites.astype(np.intp)] = 1  # numpy writes at indices of this type in a third of the time
            mostly = contact_sum(tumor, self.lattice.shape) > 3**self.lattice.ndim // 2
            mostly.flags.writeable = False
            self._territory = sites, mostly
        return self._territory[1]

    @property
    def _tumor_rows(self) -> Rows:
        """Rows of the tumor cells, alive or dead."""
        kind = self.cells.kind
        mine = [np.flatnonzero(kind == tumor) for tumor in self.tumor_kinds]
        return mine[0] if len(mine) == 1 else np.concatenate([np.zeros(0, dtype=np.int64), *mine])

    @property
    def layer(self) -> NDArray[np.int8]:
        """Layer of every row."""
        layer: NDArray[np.int8] = self.layer_of[self.cells.kind]
        return layer

    def draw(self, stream: str, keys: Keys, lane: int = 0) -> Array:
        """One uniform number per key, addressed by seed, stream and the present step."""
        return draws.uniform(self.seed, stream, self.clock.step, keys, lane)

    def draws(self, stream: str, keys: Keys, lanes: Sequence[int]) -> Array:
        """`draw` in several lanes, (len(lanes), n)."""
        return draws.uniforms(self.seed, stream, self.clock.step, keys, lanes)

    def happens(self, stream: str, rate: Array | float, rows: Rows, lane: int = 0) -> NDArray[np.bool_]:
        """Mark the `rows` to which an event of `rate` [1/min] happens in this step."""
        return happened(self.draw(stream, self.cells.key.take(rows), lane), rate, self.clock.dt)

    def first_come(self, places: NDArray[np.integer], keys: Keys, lane: int = 0) -> NDArray[np.bool_]:
        """Mark the claims (n,) to `places` that are granted: of several `keys` that claim one place, one gets it."""
        granted = np.ones(len(places), dtype=bool)
        disputed = rivals(places)
        if len(disputed):
            # Most claims have no rival: only rivals draw.
            granted[disputed] = winners(places[disputed], self.draw("priority", keys[disputed], lane))
        return granted

    # ---------------------------------------------------------------- asking

    def request_death(self, rows: Rows, fate: int, cause: str) -> None:
        """Request the death of the living `rows`; the first request for a cell decides its fate and cause."""
        self._deaths.append((rows, fate, cause))

    def request_removal(self, rows: Rows) -> None:
        """Request the removal of dead `rows`, which frees their sites."""
        self._removals.append(rows)

    def request_division(self, mothers: Rows) -> None:
        """Request a daughter of each of `mothers`; granted where there is room, else they may request it again."""
        self._mothers.append(mothers)

    def request_arrival(
        self, kind: int, pool: str, sites: NDArray[np.int64], keys: Keys, drawn: Array | float = 1.0
    ) -> None:
        """Request the arrival of cells of `kind`, with new `keys`, from the blood `pool` at vessel `sites`; each that
        finds room takes `drawn` cells from the pool.
        """
        self._arrivals.append((kind, pool, sites, keys, np.broadcast_to(drawn, len(sites))))

    def put(
        self,
        kinds: NDArray[np.integer],
        sites: NDArray[np.integer],
        keys: Keys,
        *,
        dividing: Sequence[int] = (),
        **states: float,
    ) -> Rows:
        """Put cells in `states` on free `sites`, `dividing` kinds anywhere in their cycle; return the rows."""
        phase: Array | float = 0.0
        if len(dividing):
            phase = np.where(np.isin(kinds, dividing), draws.uniform(self.seed, "phase", 0, keys), 0.0)
        rows: Rows = self.cells.append(
            len(sites), key=keys, site=sites, kind=kinds, phase=phase, born=self.clock.time, **states
        )
        self.lattice.occupant[self.layer_of[kinds].astype(np.int64), sites] = rows
        return rows

    def move(self, rows: Rows, sites: NDArray[np.integer], lane: int = 0) -> NDArray[np.bool_]:
        """Move `rows` to free `sites` of their layer; of several for one site, one wins. Returns their mask."""
        # Both layers in one flat array: a place is one number.
        cells, occupant = self.cells, self.lattice.occupant.reshape(-1)
        layer = self._layer_begins.take(cells.kind.take(rows))
        place = layer + sites
        moved: NDArray[np.bool_] = occupant.take(place) == EMPTY
        free = np.flatnonzero(moved)
        moved[free] = self.first_come(place.take(free), cells.key.take(rows.take(free)), lane)
        won = np.flatnonzero(moved)
        movers, target = rows.take(won), place.take(won)
        occupant[layer.take(won) + cells.site.take(movers)] = EMPTY
        occupant[target] = movers
        cells.site[movers] = sites.take(won)
        return moved

    def count(self, event: str, sites: NDArray[np.integer], amount: NDArray[Any] | float = 1.0) -> None:
        """Add what happened at `sites` (n,), each once or `amount`, to the ledger, which has one entry a well."""
        well, weights = self.lattice.well_of(sites), None
        if isinstance(amount, np.ndarray) or amount != 1.0:
            weights = np.broadcast_to(np.asarray(amount, dtype=np.float64), well.shape)
        happened = np.bincount(well, weights=weights, minlength=self.lattice.wells).astype(np.float64)
        self.ledger[event] = self.ledger[event] + happened if event in self.ledger else happened

    # ---------------------------------------------------------------- granting

    def settle(self) -> None:
        """Grant the requests of this step: deaths, removals, births, arrivals, in this order."""
        self._grant_deaths()
        gone = self._grant_removals()
        if self._mothers:
            before = self.tumor_territory
            self._grant_births()
            self.displace_leukocytes(before)
        self._grant_arrivals()
        # From here on cells have other rows.
        moved = self.cells.drop(gone)
        if self.clock.step % _TIDIED_EVERY:
            self.lattice.occupant[self.layer_of[self.cells.kind[moved]], self.cells.site[moved]] = moved
        else:
            self.cells.sort()
            self.reindex()

    def reindex(self) -> None:
        """Rebuild the occupancy from the cells, after they were placed or loaded."""
        self.lattice.index(self.layer, self.cells.site)

    def _grant_deaths(self) -> None:
        cells = self.cells
        for rows, fate, cause in self._deaths:
            dying = rows[cells.fate[rows] == ALIVE]
            if not len(dying):
                continue
            cells.fate[dying] = fate
            cells.partner[dying] = 0
            cells.binding[dying] = 0
            self._count_by_kind(cause, dying)
        self._deaths.clear()

    def _grant_removals(self) -> Rows:
        going = np.zeros(len(self.cells), dtype=bool)
        for rows in self._removals:
            going[rows] = True
        self._removals.clear()
        gone = np.flatnonzero(going)
        self.lattice.occupant[self.layer_of[self.cells.kind[gone]], self.cells.site[gone]] = EMPTY
        return gone

    def _grant_births(self) -> None:
        cells = self.cells
        mothers = np.concatenate(self._mothers)
        self._mothers.clear()
        mothers = mothers[cells.fate[mothers] == ALIVE]
        layer = self.layer_of[cells.kind[mothers]]
        for which in (TISSUE, IMMUNE):
            here = mothers[layer == which]
            if not len(here):
                continue
            draws = self.draw("division", cells.key[here], lane=1)
            free = free_neighbors(self.lattice, which, cells.site[here], draws)
            lucky, sites = here[free >= 0], free[free >= 0]
            won = self.first_come(sites, cells.key[lucky])
            self._add_daughters(which, lucky[won], sites[won])
            if which == TISSUE:
                self._push(here[free < 0])

    def _push(self, mothers: Rows) -> None:
        """Shift the cells between each of `mothers` and the nearest gap by one site, and put a daughter next to it.

        Those whose chain crosses another one stay ready and ask again in the next step.
        """
        cells, occupant, reach = self.cells, self.lattice.occupant[TISSUE], self.push / self.lattice.spacing
        if not len(mothers) or reach < 1:
            return
        priority = self.draw("push", cells.key[mothers])
        chosen, path, length = chains(self.lattice, cells.site[mothers], reach, priority)
        for step in range(path.shape[1] - 2, 0, -1):
            shifting = step < length
            source, target = path[shifting, step], path[shifting, step + 1]
            rows = occupant[source]
            cells.site[rows] = target
            occupant[target] = rows
        self._add_daughters(TISSUE, mothers[chosen], path[:, 1])

    def displace_leukocytes(self, before: NDArray[np.bool_]) -> None:
        """Carry leukocytes along with the stroma that a growing tumor displaces.

        `before` is the tumor's territory (n_sites,) before it grew. A leukocyte whose site has become territory since
        is let in as often as its infiltration says, like one that walks; else it goes to the nearest free site outside.
        Where none is within pushing distance it is engulfed.
        """
        cells, lattice, territory = self.cells, self.lattice, self.tumor_territory
        there = lattice.occupant[IMMUNE, np.flatnonzero(territory > before)]
        there = there[there != EMPTY]
        rows = np.sort(there[cells.fate[there] == ALIVE]).astype(np.int64)
        if not len(rows):
            return
        # Cells born in this step have no behavior yet; they stay next to their mothers.
        entry = self.behavior["infiltration"]
        rows = rows[rows < len(entry)]
        rows = rows[self.draw("push", cells.key[rows], lane=1) >= entry[rows]]
        lane = _FIRST_WAY_OUT
        # Of several that head for one site, one gets it; the others look for the next, or rivalry would engulf them.
        while len(rows):
            target = nearest_free(lattice, IMMUNE, cells.site[rows], territory, self.push / lattice.spacing)
            rows, target = rows[target >= 0], target[target >= 0]
            rows = rows[~self.move(rows, target, lane)]
            lane += 1

    def _add_daughters(self, layer: int, mothers: Rows, sites: NDArray[np.integer]) -> None:
        """Put a daughter of each of `mothers` on distinct, free `sites` of `layer`."""
        cells = self.cells
        keys = draws.child_keys(cells.key[mothers], self.clock.step, 0)
        cells.phase[mothers] -= 1.0
        rows = cells.divide(
            mothers, key=keys, site=sites, born=self.clock.time, phase=cells.phase[mothers].copy()
        )
        self.lattice.occupant[layer, sites] = rows
        self.count(f"birth of {'tissue' if layer == TISSUE else 'immune'} cells", sites)
        self._count_by_kind("birth", rows)

    def _grant_arrivals(self) -> None:
        if not self._arrivals:
            return
        kinds, _, vessels, keys, portions = zip(*self._arrivals, strict=True)
        number, drain = [len(sites) for sites in vessels], np.concatenate(portions)
        around, key = self.lattice.contacts(np.concatenate(vessels)), np.concatenate(keys)
        drawn, taken = self.draw("arrival", key), self.lattice.occupant[IMMUNE]
        came: list[Rows] = []
        sites = np.empty(len(key), dtype=np.int64)
        # Kind after kind: those that come first leave less room.
        for last, (kind, pool, *_) in zip(np.cumsum(number).tolist(), self._arrivals, strict=True):
            mine = np.arange(last - number[len(came)], last)
            pick = choose((taken.take(around[mine]) == EMPTY).astype(np.float64), drawn[mine])
            mine, pick = mine[pick >= 0], pick[pick >= 0]
            sites[mine] = around[mine, pick]
            mine = mine[self.first_come(sites[mine], key[mine])]
            taken[sites[mine]] = len(self.cells)
            left = np.bincount(self.lattice.well_of(sites[mine]), drain[mine], self.lattice.wells)
            self.pools[pool] = np.maximum(self.pools[pool] - left, 0.0)
            self.count(f"arrival of {self.kinds[kind]}", sites[mine])
            came.append(mine)
        found = np.concatenate(came)
        self.put(np.repeat(kinds, [len(mine) for mine in came]), sites[found], key[found])
        self._arrivals.clear()

    def _count_by_kind(self, event: str, rows: Rows) -> None:
        kinds = self.cells.kind[rows]
        for kind in np.flatnonzero(np.bincount(kinds)):
            self.count(f"{event} of {self.kinds[kind]}", self.cells.site[rows[kinds == kind]])

    # ---------------------------------------------------------------- keeping

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all mutable state as flat arrays; together with the scenario it resumes a run exactly."""
        state: dict[str, NDArray[Any]] = {"clock/step": np.array(self.clock.step)}
        state |= {f"cells/{name}": values for name, values in self.cells.arrays().items()}
        state |= {f"{part}/{name}": v for name in self.fields for part, v in self.fields.state(name).items()}
        if self.matrix_lives:
            state["grounds/matrix"] = self.matrix.copy()
        state |= {f"pools/{name}": level.copy() for name, level in self.pools.items()}
        state |= {f"ledger/{event}": number.copy() for event, number in self.ledger.items()}
        return state

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Restore the arrays of `state()`. Raises InputError if names, ValueError if shapes do not fit."""
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for path, values in state.items():
            group, _, name = path.partition("/")
            parts.setdefault(group, {})[name] = values
        saved, wells = parts.get("fields", {}), self.lattice.wells
        if set(saved) != set(self.fields):
            differing = ", ".join(sorted(set(saved) ^ set(self.fields)))
            raise InputError(f"the state and the tissue do not have the same fields: {differing}", place="state")
        grids = [one for part in ("fields", "sources", "uptakes") for one in parts.get(part, {}).items()]
        for name, values in grids:
            if values.shape != self.fields.shape:
                raise ValueError(f"the field of {name} has the shape {values.shape}, not {self.fields.shape}")
        self.clock.step = int(parts["clock"]["step"])
        self.cells.load(parts["cells"])
        for name in saved:
            self.fields.restore(name, {part: values[name] for part, values in parts.items() if name in values})
        if self.matrix_lives and "grounds" in parts:
            self.matrix = parts["grounds"]["matrix"].reshape(self.lattice.n_sites).copy()
        # A run saved before there were wells has a plain number for its only one.
        self.pools = {name: level.reshape(wells).copy() for name, level in parts.get("pools", {}).items()}
        self.ledger = {event: number.reshape(wells).copy() for event, number in parts.get("ledger", {}).items()}
        self.reindex()


class Process(Protocol):
    """One biological process, called once a step.

    `writes` names the columns that it changes itself; it requests births, deaths, arrivals and moves of the tissue.
    """

    @property
    def writes(self) -> frozenset[str]:
        """Names of the columns it changes itself."""

    def __call__(self, tissue: Tissue, dt: float) -> None:
        """Advance the tissue by `dt` [min]."""
