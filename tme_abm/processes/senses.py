"""What cells sense: every signal of the grammar as an array, worked out on demand and once a step.

A signal is read by the cells of one kind at their sites. Vessels are asked too: a leukocyte that may leave
the blood senses the tissue at the vessel, with the states a cell arrives with.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..kernels.neighborhood import contact_box, contact_sum, contact_sum_at
from ..kernels.response import occupancy
from ..tissue import ALIVE, EMPTY, Column, Tissue
from .process import Array, Rows

__all__ = ["Senses", "exposure_column", "expression_column", "free_level", "signal_columns"]

# Looking around a site costs as much as summing so many sites of the whole lattice, neighborhood by neighborhood.
_FEW = 20


def expression_column(molecule: str) -> str:
    """Name of the column that holds how much of a contact molecule a cell shows."""
    return f"expression {molecule}"


def exposure_column(molecule: str, memory: float) -> str:
    """Name of the column that holds the exposure to `molecule`, low-passed over `memory` [min]."""
    return f"exposure {molecule} {memory!r}"


def signal_columns(biology: Biology) -> list[Column]:
    """The columns a catalogue asks for beside the common ones: expressions and exposures."""
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


def free_level(tissue: Tissue, molecule: str, sites: NDArray[np.integer] | None = None) -> Array:
    """Concentration [nM] of a diffusing molecule that receptors see at `sites`, or at all of them.

    It is what the field has of it and what the medium holds of it, less the share that is neutralized.
    """
    if sites is not None:
        level = tissue.fields.at(molecule, sites)
    elif molecule in tissue.fields:
        level = tissue.fields.everywhere(molecule)
    else:
        level = np.zeros(tissue.lattice.n_sites)
    held = tissue.controls.held.get(molecule)
    if held is not None:
        level += held[sites] if isinstance(held, np.ndarray) and sites is not None else held
    free = tissue.controls.free.get(molecule, 1.0)
    return level * free if free != 1.0 else level


class Senses:
    """Signals of one step; make it anew when the tissue has changed."""

    def __init__(self, biology: Biology, tissue: Tissue) -> None:
        self.biology = biology
        self.tissue = tissue
        self._there = frozenset({*tissue.fields, *tissue.controls.held, *biology.contact_index})
        self._shown: dict[str, NDArray[Any] | None] = {}
        self._sums: dict[str, NDArray[Any]] = {}
        self._occupancy: dict[tuple[int, float], NDArray[np.floating] | float] = {}
        self._part = slice(None)
        # What was found last, for one block of sites: a molecule is read by rules and by several receptors.
        self._here: tuple[NDArray[np.integer], Rows | None] | None = None
        self._levels: dict[str, Array] = {}
        self._box: NDArray[np.intp] | None = None

    def __call__(self, signal: int, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Strength of signal number `signal` for cells of `kind` at `sites`, shape (n,).

        `rows` are the cells themselves, or None for a cell that is not on the lattice yet.
        """
        asked = self.biology.signals[signal]
        match asked.kind:
            case "concentration" | "level":
                return self.level(asked.name, sites, rows)
            case "occupancy":
                return self.occupied(self.biology.receptor_index[asked.name], kind, sites, rows)
            case "contact":
                return self._contact_with(asked.name, kind, sites, rows)
            case "own":
                return self._own(asked.name, rows, len(sites))
            case "crowding":
                return self._read("crowding", sites, rows)
            case "exposure":
                return self._exposure(asked.name, asked.memory, sites, rows)
            case "arrival":
                born = self.tissue.clock.time if rows is None else self.tissue.cells.born[rows]
                return np.broadcast_to(self.tissue.clock.time - born, (len(sites),)).astype(np.float64)
            case "matrix":
                matrix: Array = self.tissue.matrix[sites]
                return matrix
        raise AssertionError(asked.kind)

    def absent(self) -> frozenset[int]:
        """Numbers of the signals that are zero everywhere, for want of a field and a medium that would hold it."""
        return _absent(self.biology, self._there)

    def level(self, molecule: str, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Free concentration [nM] of a diffusing molecule, or mean level of a contact molecule shown by neighbors."""
        self._look_at(sites, rows)
        if molecule not in self._levels:
            if molecule in self.biology.contact_index:
                self._levels[molecule] = self._shown_around(molecule, sites, rows)
            else:
                self._levels[molecule] = free_level(self.tissue, molecule, sites)
        return self._levels[molecule]

    def _shown_around(self, molecule: str, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        level = self._read(f"level {molecule}", sites, rows)
        if rows is not None:
            # A cell does not touch itself; a dead one shows nothing.
            alive = self.tissue.cells.fate[rows] == ALIVE
            own = self.tissue.cells[expression_column(molecule)][rows] * alive
            level = np.maximum(level - own / 3**self.tissue.lattice.ndim, 0.0)
        free = self.tissue.controls.free.get(molecule, 1.0)
        return level * free if free != 1.0 else level

    def occupied(self, receptor: int, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Signaling occupancy [0, 1] of a receptor on cells of `kind`, after blockade and knock-out."""
        controls = self.tissue.controls
        free = controls.free_receptor[kind, receptor]
        if free == 0.0:
            return np.zeros(len(sites))
        ligands = (
            (self.level(name, sites, rows), dissociation)
            for name, dissociation in self.biology.receptors[receptor].ligands
            if name in self._there
        )
        bound = occupancy(ligands, controls.inhibition[kind, receptor])
        return np.asarray(bound) * free if isinstance(bound, np.ndarray) else np.full(len(sites), bound * free)

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
                (self._dissolved(name, part), dissociation)
                for name, dissociation in self.biology.receptors[receptor].ligands
                if name in self._there and name not in self.biology.contact_index
            )
            self._occupancy[receptor, inhibition] = occupancy(ligands, inhibition)
        return self._occupancy[receptor, inhibition]

    def _dissolved(self, molecule: str, part: slice) -> NDArray[np.floating]:
        """`free_level` at a part of the sites in the precision of the fields."""
        fields, controls = self.tissue.fields, self.tissue.controls
        level: NDArray[np.floating] = (
            fields[molecule].ravel()[part]
            if molecule in fields
            else np.zeros(len(range(*part.indices(self.tissue.lattice.n_sites))), dtype=fields.dtype)
        )
        held = controls.held.get(molecule)
        if held is not None:
            level = level + np.asarray(held[part] if isinstance(held, np.ndarray) else held, dtype=fields.dtype)
        free = controls.free.get(molecule, 1.0)
        return level * free if free != 1.0 else level

    def _contact_with(self, name: str, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        share = self._read(f"contact {name}", sites, rows)
        if rows is not None and name in (self.biology.cells[kind], "dead"):
            # A cell does not touch itself.
            counted = (self.tissue.cells.fate[rows] == ALIVE) != (name == "dead")
            share = np.maximum(share - counted / 3**self.tissue.lattice.ndim, 0.0)
        return share

    def _own(self, name: str, rows: Rows | None, count: int) -> Array:
        column = expression_column(name) if name in self.biology.contact_index else name
        if rows is None:
            return np.full(count, float(self.tissue.cells.columns[column].default))
        state: Array = self.tissue.cells[column][rows]
        return state

    def _exposure(self, name: str, memory: float, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        if rows is None:
            return np.zeros(len(sites))
        exposure: Array = self.tissue.cells[exposure_column(name, memory)][rows]
        return exposure

    def _look_at(self, sites: NDArray[np.integer], rows: Rows | None) -> None:
        """Forget what was found for another block of sites."""
        if self._here is None or self._here[0] is not sites or self._here[1] is not rows:
            self._here, self._levels, self._box = (sites, rows), {}, None

    def _read(self, what: str, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Mean of a quantity over the contact neighborhoods of `sites`, (n,)."""
        lattice = self.tissue.lattice
        if what not in self._shown:
            self._shown[what] = self._all_shown(what)
        shown = self._shown[what]
        if shown is None:
            return np.zeros(len(sites))
        if what in self._sums or lattice.n_sites < _FEW * len(sites):
            if what not in self._sums:
                self._sums[what] = contact_sum(shown[:-1], lattice.shape)
            total = self._sums[what][sites]
        else:
            self._look_at(sites, rows)
            if self._box is None:
                self._box = contact_box(lattice.contacts(sites))
            total = contact_sum_at(shown, self._box, lattice.ndim)
        mean: Array = total * (1.0 / 3.0**lattice.ndim)
        return mean

    def _all_shown(self, what: str) -> NDArray[Any] | None:
        """A quantity at every site, and 0 for what is outside, (n_sites + 1,); whole numbers where it is a count; None
        where there is nothing of it.
        """
        tissue, cells = self.tissue, self.tissue.cells
        size = tissue.lattice.n_sites + 1
        topic, _, name = what.partition(" ")
        if topic == "level":
            level = cells[expression_column(name)]
            rows = np.flatnonzero(level > 0)
            rows = rows[cells.fate[rows] == ALIVE]
            if not len(rows):
                return None
            shown: NDArray[Any] = np.bincount(cells.site[rows], weights=level[rows], minlength=size)
            return shown
        if topic == "crowding":
            shown = (tissue.lattice.occupant[0] != EMPTY).astype(np.uint8)
            shown[-1] = 0
            return shown
        chosen = cells.fate != ALIVE if name == "dead" else self._living_kind(name)
        if not chosen.any():
            return None
        # Both layers of a site and its neighbors hold fewer than 256 cells.
        counts: NDArray[Any] = np.bincount(cells.site[chosen], minlength=size).astype(np.uint8)
        return counts

    def _living_kind(self, name: str) -> NDArray[np.bool_]:
        cells = self.tissue.cells
        chosen: NDArray[np.bool_] = (cells.kind == self.biology.cell_index[name]) & (cells.fate == ALIVE)
        return chosen


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
