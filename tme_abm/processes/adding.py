"""Putting cells into a tissue: how planted and added ones look, and where added ones stand.

Sites are drawn by address: those with the lowest draws among the free sites of the box. So two arms with the same
`add` get the same cells on the same sites, unless one of these is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..biology import Biology
from ..core import draws
from ..core.errors import InputError
from ..scenario import Add, Intervention
from ..tissue import EMPTY, Lattice, Tissue
from . import Response, expression_column, kinds_with
from .process import behavior_family

__all__ = ["add_cells", "additions", "place", "show_what_rules_ask"]

Sites = NDArray[np.int64]

_MOST_KINDS = 128  # kinds are int8


def additions(protocol: Sequence[Intervention]) -> Iterator[tuple[int, int, Add]]:
    """Every `add`: its number in the protocol, how many of its cell came before, itself.

    Chances hang on the second number, so that an arm with more of other items still gets the same cells.
    """
    before: dict[str, int] = {}
    for number, item in enumerate(protocol):
        if isinstance(item, Add):
            yield number, before.get(item.cell, 0), item
            before[item.cell] = before.get(item.cell, 0) + 1


def add_cells(tissue: Tissue, biology: Biology, number: int, rank: int, item: Add) -> Sites:
    """Put the cells of `item` (`number` and `rank` as `additions` gives them) on free sites now; return their rows.

    Contact molecules are left at zero. Raises InputError if there is no room.
    """
    lattice, kind = tissue.lattice, biology.cell_index[item.cell]
    box = _sites_in(lattice, item)
    wells = lattice.wells
    per_well = item.count
    if per_well is None:
        per_well = round((item.density or 0.0) * lattice.site_area * len(box) / wells)
    layer = int(tissue.layer_of[kind])
    free = box[lattice.occupant[layer, box] == EMPTY]
    well = lattice.well_of(free)
    room = np.bincount(well, minlength=wells)
    if room.min() < per_well:
        which = f" of well {int(room.argmin())}" if wells > 1 else ""
        raise InputError(
            f"no room for {per_well} {item.cell}: {int(room.min())} sites are free in the box{which}",
            place=f"protocol.{number}",
        )
    step = tissue.clock.step
    drawn = draws.uniform(tissue.seed, "infusion", step, free, lane=1 + rank * _MOST_KINDS + kind)
    order = np.lexsort((drawn, well))
    first = np.cumsum(room) - room
    chosen = order[np.arange(len(free)) - first[well[order]] < per_well]
    sites: Sites = np.sort(free[chosen])
    keys = draws.bits(tissue.seed, "infusion", step, _address(sites, np.full(len(sites), layer)))
    return place(tissue, biology, np.full(len(sites), kind, dtype=np.int64), sites, keys, item.states)


def place(
    tissue: Tissue,
    biology: Biology,
    kinds: NDArray[np.integer],
    sites: Sites,
    keys: NDArray[np.uint64],
    states: Mapping[str, float] | None = None,
) -> Sites:
    """Put cells on free `sites`, anywhere in their cycle, in the given `states` by column; return their rows."""
    phase = draws.uniform(tissue.seed, "phase", 0, keys)
    divides = np.isin(kinds, kinds_with(biology, "division"))
    rows: Sites = tissue.cells.append(
        len(sites),
        key=keys,
        site=sites,
        kind=kinds,
        phase=np.where(divides, phase, 0.0),
        born=tissue.clock.time,
        **(states or {}),
    )
    tissue.lattice.occupant[tissue.layer_of[kinds].astype(np.int64), sites] = rows
    return rows


def show_what_rules_ask(tissue: Tissue, biology: Biology, rows: Sites) -> None:
    """Let `rows` show contact molecules at the level their rules ask for where they stand, not at zero."""
    family = behavior_family(biology, "expression")
    shown = [(expression_column(what), name, k) for what, name in family.items() for k in kinds_with(biology, name)]
    # One contact molecule may decide on another: all is asked before any changes, and once more when all are there.
    for _ in range(2):
        response = Response(biology, tissue)
        asked = []
        for column, name, kind in shown:
            mine = rows[tissue.cells.kind[rows] == kind]
            asked.append((column, mine, response.of_rows(kind, name, mine)))
        for column, mine, level in asked:
            tissue.cells[column][mine] = level


def _sites_in(lattice: Lattice, item: Add) -> Sites:
    """The sites of all wells whose centers lie in the box."""
    at = lattice.coordinates(np.arange(lattice.n_sites))[:, ::-1]
    inside = np.ones(lattice.n_sites, dtype=bool)
    for axis, ends in enumerate(item.box):
        if ends is not None:
            inside &= (ends[0] <= at[:, axis]) & (at[:, axis] < ends[1])
    return np.flatnonzero(inside)


def _address(sites: Sites, layer: NDArray[np.integer]) -> NDArray[np.uint64]:
    return sites.astype(np.uint64) * np.uint64(2) + layer.astype(np.uint64)
