"""What cells sense: every signal of the grammar as an array, computed on demand and once a step.

A signal is read by the cells of one kind at their sites. Vessels are asked too: a leukocyte that may leave
the blood senses the tissue at the vessel, with the states a cell arrives with.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..biology.compiled import Biology
from ..biology.grammar import Signal
from ..kernels.receptors import occupancies, occupancy
from ..kernels.space import rimmed, rimmed_sum, rimmed_sums_at
from ..tissue import EMPTY, TISSUE, Column, Tissue
from ..tissue.tissue import Array, Rows
from .repertoire import Repertoire, of_receptor, repertoire

__all__ = ["Senses", "exposure_column", "expression_column", "free_level", "signal_columns"]

# Looking around one site costs as much as this many sites of a sum over all neighborhoods of the lattice.
_FEW = 20


def expression_column(molecule: str) -> str:
    """Name of the column that holds how much of a contact molecule a cell shows."""
    return f"expression {molecule}"


def exposure_column(molecule: str, memory: float) -> str:
    """Name of the column that holds the exposure to `molecule`, low-passed over `memory` [min]."""
    return f"exposure {molecule} {memory!r}"


def signal_columns(biology: Biology) -> list[Column]:
    """The columns that a catalogue needs in addition to the common ones: expressions and exposures."""
    columns = [
        Column(name=expression_column(contact.name), dtype=np.float64, default=0, inherited=True,
               meaning=f"level of {contact.name} shown to cells in contact")
        for contact in biology.contacts
    ]
    columns += [
        Column(name=exposure_column(signal.name, signal.memory), dtype=np.float64, default=0, inherited=True,
               meaning=f"low-passed {signal.name} [nM]")
        for signal in biology.signals
        if signal.kind == "exposure"
    ]
    return columns


def free_level(
    tissue: Tissue, molecule: str, where: NDArray[np.integer] | slice, dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Concentration [nM] of a diffusing molecule that receptors see at some sites.

    It is what the field has of it and what the medium holds of it, less the share that is neutralized.
    """
    fields, held = tissue.fields, tissue.controls.held.get(molecule)
    if molecule in fields:
        level = fields[molecule].ravel()[where].astype(dtype, copy=False)
    else:
        count = len(range(*where.indices(tissue.lattice.n_sites))) if isinstance(where, slice) else len(where)
        level = np.zeros(count, dtype=dtype)
    if held is not None:
        level = level + np.asarray(held[where] if isinstance(held, np.ndarray) else held, dtype=dtype)
    free = tissue.controls.free.get(molecule, 1.0)
    return level * free if free != 1.0 else level


class Senses:
    """Signals of one step; make it anew when the tissue has changed."""

    def __init__(self, biology: Biology, tissue: Tissue) -> None:
        self.biology = biology
        self.tissue = tissue
        self._there = frozenset({*tissue.fields, *tissue.controls.held, *biology.contact_index})
        self._altered = {*tissue.controls.held, *tissue.controls.free}
        self._alive = tissue.living
        self._shown: dict[str, NDArray[Any] | None] = {}
        self._sums: dict[str, NDArray[Any]] = {}
        self._occupancy: dict[tuple[int, float], NDArray[np.floating] | float] = {}
        self._part = slice(None)
        # Neighborhoods are looked at in arrays with a rim, in which the neighbors of a site are found by adding.
        self._place = rimmed(tissue.lattice.shape, tissue.lattice.wells)
        self._standing: NDArray[np.intp] | None = None

    def __call__(self, signal: int, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Strength of signal number `signal` for cells of `kind` at `sites`, shape (n,).

        `rows` are the cells themselves, or None for a cell that is not on the lattice yet.
        """
        strength: Array = self.together((signal,), kind, sites, rows)[0]
        return strength

    def together(
        self, signals: tuple[int, ...], kind: int, sites: NDArray[np.integer], rows: Rows | None
    ) -> Array:
        """Strength of several `signals`, (len(signals), n); other arguments as above."""
        asked = repertoire(self.biology, signals, self._there)
        heard = np.empty((len(signals), len(sites)))
        levels = np.empty((len(asked.dissolved) + len(asked.shown), len(sites)))
        fields = self.tissue.fields
        for level, molecule in zip(levels, asked.dissolved, strict=False):
            # Most molecules are what their field has of them.
            plain = molecule in fields and molecule not in self._altered
            level[...] = fields[molecule].ravel()[sites] if plain else free_level(self.tissue, molecule, sites)
        if asked.shown:
            levels[len(asked.dissolved) :] = self._shown_around(asked.shown, kind, sites, rows)
        if len(asked.direct):
            heard[asked.direct] = levels[asked.levels]
        if len(asked.occupied):
            heard[asked.occupied] = self._occupied(asked, kind, levels)
        if asked.topics:
            heard[asked.counted] = self._around(asked.topics, kind, sites, rows)
        if len(asked.silent):
            heard[asked.silent] = 0.0
        for place, signal in asked.others:
            heard[place] = self._own(signal, sites, rows)
        return heard

    def absent(self) -> frozenset[int]:
        """Numbers of the signals that are zero everywhere, because no field and no medium holds their molecule."""
        return _absent(self.biology, self._there)

    def level(self, molecule: str, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Free concentration [nM] of a diffusing molecule, or mean level of a contact molecule shown by neighbors."""
        if molecule not in self.biology.contact_index:
            return free_level(self.tissue, molecule, sites)
        shown: Array = self._shown_around((molecule,), -1, sites, rows)[0]
        return shown

    def occupied(self, receptor: int, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Signaling occupancy [0, 1] of a receptor on cells of `kind`, after blockade and knock-out."""
        asked = of_receptor(self.biology, receptor, self._there)
        if not len(asked.occupied):
            return np.zeros(len(sites))
        levels = np.array([self.level(molecule, sites, rows) for molecule in (*asked.dissolved, *asked.shown)])
        share: Array = self._occupied(asked, kind, levels)[0]
        return share

    def _occupied(self, asked: Repertoire, kind: int, levels: Array) -> Array:
        """Signaling occupancies [0, 1] of several receptors, after blockade and knock-out."""
        controls = self.tissue.controls
        inhibition, free = controls.inhibition[kind, asked.numbers], controls.free_receptor[kind, asked.numbers]
        bound = occupancies(asked.receptors, levels, inhibition if inhibition.any() else None)
        return bound if (free == 1.0).all() else bound * free[:, None]

    def _shown_around(
        self, molecules: Sequence[str], kind: int, sites: NDArray[np.integer], rows: Rows | None
    ) -> Array:
        """Free mean level of contact molecules shown by the neighbors, (len(molecules), n)."""
        levels = self._around([f"level {molecule}" for molecule in molecules], kind, sites, rows)
        free = self.tissue.controls.free
        for level, molecule in zip(levels, molecules, strict=True):
            if free.get(molecule, 1.0) != 1.0:
                level *= free[molecule]
        return levels

    def occupancy_grid(self, receptor: int, kind: int, part: slice = slice(None)) -> NDArray[np.floating] | float:
        """Occupancy of a receptor at every site, or at a `part` of them, on a cell of `kind` that has all of them free:
        one number a site, or a number that holds everywhere.

        Diffusing ligands only; in the precision of the fields, for what they do not resolve is no gradient.
        """
        inhibition = float(self.tissue.controls.inhibition[kind, receptor])
        if part != self._part:
            self._part, self._occupancy = part, {}
        if (receptor, inhibition) not in self._occupancy:
            ligands = (
                (free_level(self.tissue, name, part, self.tissue.fields.dtype), dissociation)
                for name, dissociation in self.biology.receptors[receptor].ligands
                if name in self._there and name not in self.biology.contact_index
            )
            self._occupancy[receptor, inhibition] = occupancy(ligands, inhibition)
        return self._occupancy[receptor, inhibition]

    def _own(self, asked: Signal, sites: NDArray[np.integer], rows: Rows | None) -> NDArray[Any] | float:
        """A signal that is a cell's own state, its exposure, its time since arrival, or the matrix at its site."""
        cells, now = self.tissue.cells, self.tissue.clock.time
        own: NDArray[Any] | float
        match asked.kind:
            case "own":
                column = expression_column(asked.name) if asked.name in self.biology.contact_index else asked.name
                own = float(cells.columns[column].default) if rows is None else cells[column][rows]
            case "exposure":
                own = 0.0 if rows is None else cells[exposure_column(asked.name, asked.memory)][rows]
            case "arrival":
                own = 0.0 if rows is None else now - cells.born[rows]
            case "matrix":
                own = self.tissue.matrix[sites]
            case _:
                raise AssertionError(asked.kind)
        return own

    def _around(self, topics: Sequence[str], kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Mean of what is shown or counted over the contact neighborhoods of `sites`, (len(topics), n)."""
        lattice = self.tissue.lattice
        means = np.zeros((len(topics), len(sites)))
        near: list[tuple[int, NDArray[Any]]] = []
        for place, topic in enumerate(topics):
            if topic not in self._shown:
                self._shown[topic] = self._all_shown(topic)
            shown = self._shown[topic]
            if shown is None:
                continue
            if topic not in self._sums and lattice.n_sites < _FEW * len(sites):
                self._sums[topic] = rimmed_sum(shown, lattice.shape)
            if topic in self._sums:
                means[place] = self._sums[topic][self._place[sites]]
            else:
                near.append((place, shown))
        if near:
            places, levels = zip(*near, strict=True)
            means[list(places)] = rimmed_sums_at(levels, self._place[sites], lattice.shape)
        means *= 1.0 / 3.0**lattice.ndim
        if rows is not None:
            means -= self._of_themselves(topics, kind, rows) / 3**lattice.ndim
            np.maximum(means, 0.0, out=means)
        return means

    def _of_themselves(self, topics: Sequence[str], kind: int, rows: Rows) -> Array:
        """What the cells in `rows` add to their own neighborhoods, (len(topics), n): a cell does not touch itself."""
        own = np.zeros((len(topics), len(rows)))
        alive = self._alive[rows]
        for added, what in zip(own, topics, strict=True):
            topic, _, name = what.partition(" ")
            if topic == "level":
                # The dead show nothing.
                np.multiply(self.tissue.cells[expression_column(name)][rows], alive, out=added)
            elif name == "dead":
                added[...] = ~alive
            elif topic == "contact" and name == self.biology.cells[kind]:
                added[...] = alive
        return own

    def _all_shown(self, what: str) -> NDArray[Any] | None:
        """A quantity at every site, inside rims of zeros; whole numbers where it is a count; None where there is
        nothing of it.
        """
        tissue, cells = self.tissue, self.tissue.cells
        size = tissue.lattice.wells * prod(n + 2 for n in tissue.lattice.shape)
        topic, _, name = what.partition(" ")
        if topic == "level":
            level = cells[expression_column(name)] * self._alive
            if not level.any():
                return None
            if self._standing is None:
                self._standing = self._place[cells.site]
            shown: NDArray[Any] = np.bincount(self._standing, weights=level, minlength=size)
            return shown
        if topic == "crowding":
            shown = np.zeros(size, dtype=np.uint8)
            shown[self._place] = tissue.lattice.occupant[TISSUE, :-1] != EMPTY
            return shown
        chosen = ~self._alive if name == "dead" else (cells.kind == self.biology.cell_index[name]) & self._alive
        if not chosen.any():
            return None
        # Both layers of a site and its neighbors hold fewer than 256 cells.
        counts: NDArray[Any] = np.bincount(self._place[cells.site[chosen]], minlength=size).astype(np.uint8)
        return counts


@lru_cache(maxsize=64)
def _absent(biology: Biology, there: frozenset[str]) -> frozenset[int]:
    found = set()
    for number, signal in enumerate(biology.signals):
        if signal.kind == "concentration" and signal.name not in there:
            found.add(number)
        elif signal.kind == "occupancy":
            receptor = biology.receptors[biology.receptor_index[signal.name]]
            if not any(ligand in there for ligand, _ in receptor.ligands):
                found.add(number)
    return frozenset(found)
