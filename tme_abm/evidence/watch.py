"""A watch follows one model from the time at which readouts begin: living cells, events, and the paths of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.units import MINUTES_PER_DAY, parse
from ..observe.metrics import measure_wells
from ..processes import Response
from ..simulation import Simulation
from ..tissue import ALIVE
from .places import depths, sites_of

__all__ = ["Walk", "Watch", "ratio"]

Values = NDArray[np.float64]

_HOUR, _MM2 = parse("1 h", "time"), parse("1 mm^2", "area")
_DEATHS = ("apoptosis of", "necrosis of", "cytotoxicity of", "depletion of")


@dataclass(frozen=True)
class Walk:
    """Means by well over the cells that lived from the start to now: displacement along x and length of the path [µm],
    and the mean square of the displacement about its mean [µm²].
    """

    net: Values
    path: Values
    spread: Values


class Watch:
    """Counts cells and events from `begin` on, if `look` is called after every step. `paths`: it follows every cell."""

    _response: Response | None
    _measures: list[dict[str, float]] | None

    def __init__(self, model: Simulation, *, paths: bool = False) -> None:
        self.model, self.paths = model, paths
        self.wells = model.tissue.lattice.wells
        self._index = model.biology.cell_index
        self.begin()

    def begin(self) -> None:
        """Start to count."""
        tissue = self.model.tissue
        self._start = tissue.clock.time
        self._ledger = {event: number.copy() for event, number in tissue.ledger.items()}
        self._minutes = np.zeros((len(tissue.kinds), self.wells))
        self._first: dict[str, Values] = {}
        self._keys = tissue.cells.key.copy()
        self._order = np.argsort(self._keys)
        self._from = tissue.lattice.coordinates(tissue.cells.site)
        self._last = self._from.copy()
        self._path = np.zeros(len(self._keys))
        self._free_path, self._free_minutes = np.zeros_like(self._minutes), np.zeros_like(self._minutes)
        self._forget()

    def look(self) -> None:
        """Record the step that has just ended."""
        tissue = self.model.tissue
        self._forget()
        living = tissue.cells.fate == ALIVE
        well = tissue.lattice.well_of(tissue.cells.site[living])
        present = np.bincount(
            tissue.cells.kind[living].astype(np.int64) * self.wells + well,
            minlength=len(tissue.kinds) * self.wells,
        )
        self._minutes += present.reshape(-1, self.wells) * tissue.clock.dt
        for event, number in tissue.ledger.items():
            before = self._ledger.get(event, 0.0)
            first = self._first.setdefault(event, np.full(self.wells, np.nan))
            first[np.isnan(first) & (number - before > 0)] = tissue.clock.time - self._start
        if self.paths:
            rows, which, now = self._remaining()
            way = np.linalg.norm(now - self._last[which], axis=1)
            self._path[which] += way
            self._last[which] = now
            # Bonds are made before cells walk: who is free after a step was free to walk in it.
            free = (tissue.cells.fate[rows] == ALIVE) & (tissue.cells.partner[rows] == 0)
            kind, well = tissue.cells.kind[rows[free]], tissue.lattice.well_of(tissue.cells.site[rows[free]])
            np.add.at(self._free_path, (kind, well), way[free])
            np.add.at(self._free_minutes, (kind, well), tissue.clock.dt)

    # ------------------------------------------------------------------ events

    @property
    def days(self) -> float:
        """Days since the start."""
        return (self.model.tissue.clock.time - self._start) / MINUTES_PER_DAY

    @property
    def well_area(self) -> float:
        """Area of a well [mm²]."""
        lattice = self.model.tissue.lattice
        return lattice.n_sites / lattice.wells * lattice.site_area / _MM2

    def cell_days(self, cells: Sequence[str]) -> Values:
        """Days that the cells of these types lived since the start, summed over the cells."""
        total: Values = self._minutes[self._kinds(cells)].sum(axis=0) / MINUTES_PER_DAY
        return total

    def events(self, what: str, cells: Sequence[str]) -> Values:
        """The number of events "`what` CELL" in the ledger since the start; "death of" counts all deaths."""
        names = _DEATHS if what == "death of" else (what,)
        now, before = self.model.tissue.ledger, self._ledger
        happened = (
            now[event] - before.get(event, 0.0)
            for event in (f"{name} {cell}" for name in names for cell in cells)
            if event in now
        )
        return sum(happened, np.zeros(self.wells))

    def per_cell_day(self, what: str, cells: Sequence[str], lived_by: Sequence[str] = ()) -> Values:
        """Events per day of life of these cells, or of those in `lived_by`."""
        return ratio(self.events(what, cells), self.cell_days(lived_by or cells))

    def first_event(self, what: str, cells: Sequence[str]) -> Values:
        """Hours until the first such event; hours since the start if there was none."""
        times = [self._first.get(f"{what} {cell}", np.full(self.wells, np.nan)) for cell in cells]
        first = np.fmin.reduce(times)
        return np.where(np.isnan(first), self.days * MINUTES_PER_DAY, first) / _HOUR

    # ------------------------------------------------------------------ the present state

    def count(self, cells: Sequence[str]) -> Values:
        """The number of living cells of these types."""
        _, wells = self._rows(cells)
        return np.bincount(wells, minlength=self.wells).astype(np.float64)

    def column(self, name: str) -> Values:
        """A column of all rows."""
        values: Values = self.model.tissue.cells[name]
        return values

    def average(self, cells: Sequence[str], values: str | Values) -> Values:
        """The mean over the living cells of these types of a column, or of `values` for all rows."""
        rows, wells = self._rows(cells)
        return self._by_well((self.column(values) if isinstance(values, str) else values)[rows], wells)

    def mean_behavior(self, cells: Sequence[str], name: str) -> Values:
        """The mean value of a behavior over the living cells of these types."""
        total, number = np.zeros(self.wells), np.zeros(self.wells)
        for cell in cells:
            rows, wells = self._rows((cell,))
            value = np.broadcast_to(self._responses().of_rows(self._index[cell], name, rows), (len(rows),))
            total += np.bincount(wells, weights=value, minlength=self.wells)
            number += np.bincount(wells, minlength=self.wells)
        return ratio(total, number)

    def mean_level(self, molecule: str) -> Values:
        """The mean free concentration in the well [nM], including that of the medium."""
        mean: Values = self._levels(molecule).mean(axis=1)
        return mean

    def level_at(self, molecule: str, cells: Sequence[str]) -> Values:
        """The mean level of a molecule that the cells of these types sense."""
        rows, wells = self._rows(cells)
        level = self._responses().senses.level(molecule, self.model.tissue.cells.site[rows], rows)
        return self._by_well(np.broadcast_to(level, rows.shape), wells)

    def occupancy(self, receptor: str, cells: Sequence[str]) -> Values:
        """The mean occupancy of a receptor on the cells of these types."""
        found, places = [], []
        for cell in cells:
            rows, wells = self._rows((cell,))
            number = self.model.biology.receptor_index[receptor]
            sites = self.model.tissue.cells.site[rows]
            found.append(self._responses().senses.occupied(number, self._index[cell], sites, rows))
            places.append(wells)
        return self._by_well(np.concatenate(found), np.concatenate(places))

    def reach(self, molecule: str) -> Values:
        """Distance [µm] from the site of the highest level at which the level is 1/e of that one site away."""
        lattice, levels = self.model.tissue.lattice, self._levels(molecule)
        at = lattice.coordinates(np.arange(levels.shape[1]))
        return np.array([self._fall(one, at) * lattice.spacing for one in levels])

    def _fall(self, level: Values, at: Values) -> float:
        """The distance in sites at which the profile around the highest site crosses 1/e of the first ring's level; NaN
        if it does not.
        """
        away = np.linalg.norm(at - at[int(np.argmax(level))], axis=1)
        rings = np.round(away / self.model.tissue.lattice.spacing).astype(int)
        profile = np.bincount(rings, weights=level) / np.bincount(rings)
        below = np.flatnonzero(profile < profile[1] / np.e)
        if profile[1] <= 0 or not len(below):
            return float("nan")
        ring = int(below[0])
        inner, outer = np.log(profile[ring - 1]), np.log(max(profile[ring], np.finfo(float).tiny))
        return float(ring - 1 + (inner - np.log(profile[1]) + 1.0) / (inner - outer))

    def place(self, name: str) -> NDArray[np.bool_]:
        """A mask (wells, sites of a well) of a place of the tissue."""
        if name not in self._places:
            self._places[name] = np.array([sites_of(self.model.tissue, well, name) for well in range(self.wells)])
        return self._places[name]

    def count_in(self, place: str, cells: Sequence[str]) -> Values:
        """The number of living cells of these types in a place."""
        rows, wells = self._rows(cells)
        here = self.place(place).ravel()[self.model.tissue.cells.site[rows]]
        return np.bincount(wells[here], minlength=self.wells).astype(np.float64)

    def density_in(self, place: str, cells: Sequence[str]) -> Values:
        """The cells of these types in a place, by its area [/mm²]."""
        area = self.place(place).sum(axis=1) * self.model.tissue.lattice.site_area / _MM2
        return ratio(self.count_in(place, cells), area)

    def median_level(self, molecule: str, place: str) -> Values:
        """The median over the sites of a place of the free concentration [nM]."""
        wells = zip(self._levels(molecule), self.place(place), strict=True)
        return np.array([np.median(level[here]) if here.any() else np.nan for level, here in wells])

    def depth_below(self, molecule: str, level: float) -> Values:
        """The depth in the tumor [µm] at which the mean concentration falls below `level` [nM].

        0 if it is below at the edge, the greatest depth if it is nowhere below, NaN without a tumor.
        """
        levels, spacing = self._levels(molecule), self.model.tissue.lattice.spacing
        return np.array(
            [_first_below(one, depths(self.model.tissue, well), level, spacing) for well, one in enumerate(levels)]
        )

    def walked(self, cells: Sequence[str]) -> Walk:
        """The displacements of the cells of these types that were present at the start and still live."""
        tissue = self.model.tissue
        rows, which, now = self._remaining()
        mine = np.isin(tissue.cells.kind[rows], self._kinds(cells)) & (tissue.cells.fate[rows] == ALIVE)
        which, now, wells = which[mine], now[mine], tissue.lattice.well_of(tissue.cells.site[rows[mine]])
        way = now - self._from[which]
        net, path = self._by_well(way[:, -1], wells), self._by_well(self._path[which], wells)
        centered = way - np.stack([self._by_well(way[:, axis], wells) for axis in range(way.shape[1])], axis=1)[wells]
        return Walk(net=net, path=path, spread=self._by_well((centered**2).sum(axis=1), wells))

    def free_speed(self, cells: Sequence[str]) -> Values:
        """The path of the cells of these types that were present at the start, over the steps in which they held no
        target, by the time of these steps [µm/min].
        """
        kinds = self._kinds(cells)
        return ratio(self._free_path[kinds].sum(axis=0), self._free_minutes[kinds].sum(axis=0))

    def measures(self) -> list[dict[str, float]]:
        """All metrics of each well."""
        if self._measures is None:
            self._measures = measure_wells(self.model)
        return self._measures

    # ------------------------------------------------------------------ helpers

    def _forget(self) -> None:
        """Forget what was computed of the state before."""
        self._response, self._measures = None, None
        self._places: dict[str, NDArray[np.bool_]] = {}

    def _responses(self) -> Response:
        if self._response is None:
            self._response = Response(self.model.biology, self.model.tissue)
        return self._response

    def _levels(self, molecule: str) -> Values:
        """Free concentration at the sites of each well [nM], shape (wells, sites)."""
        sites = np.arange(self.model.tissue.lattice.n_sites)
        level = self._responses().senses.level(molecule, sites, None)
        return np.broadcast_to(level, sites.shape).reshape(self.wells, -1)

    def _kinds(self, cells: Sequence[str]) -> list[int]:
        return [self._index[cell] for cell in cells]

    def _rows(self, cells: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.integer]]:
        tissue = self.model.tissue
        rows = np.flatnonzero((tissue.cells.fate == ALIVE) & np.isin(tissue.cells.kind, self._kinds(cells)))
        return rows, tissue.lattice.well_of(tissue.cells.site[rows])

    def _by_well(self, values: Values, wells: NDArray[np.integer]) -> Values:
        total = np.bincount(wells, weights=values, minlength=self.wells)
        number = np.bincount(wells, minlength=self.wells)
        return ratio(np.asarray(total, dtype=np.float64), number)

    def _remaining(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Values]:
        """The cells of the start that are still present: their rows, their rows at the start, and their coordinates."""
        tissue, cells = self.model.tissue, self.model.tissue.cells
        if not len(self._keys):
            none = np.zeros(0, dtype=np.int64)
            return none, none, np.zeros((0, tissue.lattice.ndim))
        slot = np.minimum(np.searchsorted(self._keys, cells.key, sorter=self._order), len(self._keys) - 1)
        which = self._order[slot]
        rows = np.flatnonzero(self._keys[which] == cells.key)
        return rows, which[rows], tissue.lattice.coordinates(cells.site[rows])


def ratio(above: Values, below: NDArray[np.number]) -> Values:
    """`above` over `below`, well by well; NaN where `below` is not above zero."""
    quotient: Values = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return quotient


def _first_below(levels: Values, depth: Values, bound: float, spacing: float) -> float:
    """The depth at which the mean of `levels` at equal depth crosses `bound` for the first time."""
    ring = np.ceil(depth / spacing).astype(int)
    number = np.bincount(ring)
    mean = np.bincount(ring, weights=levels) / np.maximum(number, 1)
    there = np.flatnonzero(number[1:]) + 1  # ring 0 is outside
    below = there[mean[there] < bound]
    if not len(below):
        return float(depth.max()) if len(there) else float("nan")
    if below[0] == there[0]:
        return 0.0
    outer, inner = there[there < below[0]][-1], below[0]
    share = (mean[outer] - bound) / (mean[outer] - mean[inner])
    return float((outer + share * (inner - outer)) * spacing)
