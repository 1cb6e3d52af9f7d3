"""What cells feel of the cells around them: levels of contact molecules, and how many there are of a kind.

A *topic* is "level NAME" of a contact molecule or an inner state, "contact KIND" of living cells, "contact dead", or
"crowding", the tissue cells alive or dead. What is felt of it is its mean over the contact neighborhood, a site and its
Moore neighbors, less what the cell itself adds to it; only to crowding a cell counts, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..kernels.space import rimmed, sums_around
from ..tissue import TISSUE, Tissue
from ..tissue.tissue import Array, Rows

__all__ = ["Contacts", "expression_column"]


def expression_column(molecule: str) -> str:
    """Name of the column that holds how much of a contact molecule a cell shows."""
    return f"expression {molecule}"


class Contacts:
    """Neighborhoods of one step; make it anew when the tissue has changed.

    Cells stand on few sites. The sites with cells are *spots*, numbered from 1; all others are spot 0, where there is
    nothing. What is shown is kept by spot, and a neighborhood is a list of spots.
    """

    def __init__(self, biology: Biology, tissue: Tissue) -> None:
        self.biology = biology
        self.tissue = tissue
        self._alive = tissue.living
        self._shows = self._alive.astype(np.float64)
        self._place = rimmed(tissue.lattice.shape, tissue.lattice.wells)
        self._spot_at: NDArray[np.intp] | None = None
        self._shown: dict[str, tuple[Array, Array] | None] = {}

    def means(self, topics: Sequence[str], sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """What is felt of several topics at `sites`, (len(topics), n), by the cells in `rows`, or by none of them."""
        shape = self.tissue.lattice.shape
        means = np.zeros((len(topics), len(sites)))
        felt = [(place, shown) for place, topic in enumerate(topics) if (shown := self._of(topic)) is not None]
        if not felt or self._spot_at is None:
            return means
        sums = sums_around([shown for _, (_, shown) in felt], self._spot_at, self._place.take(sites), shape)
        sums *= 1.0 / 3.0 ** len(shape)
        if rows is not None:
            # A cell does not touch itself.
            own = np.array([given.take(rows) for _, (given, _) in felt])
            own /= 3 ** len(shape)
            sums -= own
            np.maximum(sums, 0.0, out=sums)
        if len(felt) == len(topics):
            return sums
        means[[place for place, _ in felt]] = sums
        return means

    def _of(self, topic: str) -> tuple[Array, Array] | None:
        """What each cell adds of a topic to its own neighborhood, (cells,), and what there is at each spot, (spots,);
        None where there is nothing of it.
        """
        if topic not in self._shown:
            given = self._given(topic)
            shown = self._at_spots(given) if given.any() else None
            own = np.zeros_like(given) if topic == "crowding" else given
            self._shown[topic] = None if shown is None else (own, shown)
        return self._shown[topic]

    def _given(self, topic: str) -> Array:
        cells = self.tissue.cells
        subject, _, name = topic.partition(" ")
        if subject == "level":
            # The dead show nothing.
            level: Array = cells[expression_column(name)] * self._shows
            return level
        if subject == "crowding":
            counted = self.tissue.layer == TISSUE
        elif name == "dead":
            counted = ~self._alive
        else:
            counted = (cells.kind == self.biology.cell_index[name]) & self._alive
        counts: Array = counted.astype(np.float64)
        return counts

    def _at_spots(self, given: Array) -> Array:
        if self._spot_at is None:
            self._number_spots()
        shown = np.empty(len(given) + 1)
        shown[0], shown[1:] = 0.0, given
        shown[self._shared] += given[self._second]
        return shown

    def _number_spots(self) -> None:
        """Call every site with cells by the row of one of them, plus 1; a site has room for two, one in each layer."""
        lattice, place = self.tissue.lattice, self._place.take(self.tissue.cells.site)
        numbers = np.arange(1, len(place) + 1)
        self._spot_at = np.zeros(lattice.wells * prod(n + 2 for n in lattice.shape), dtype=np.intp)
        self._spot_at[place] = numbers
        spot = self._spot_at[place]
        self._second = np.flatnonzero(spot != numbers)
        self._shared = spot[self._second]
