"""What cells sense: every signal of the grammar as an array, worked out on demand and once a step.

A signal is read by the cells of one kind at their sites. Vessels are asked too: a leukocyte that may leave
the blood senses the tissue at the vessel, with the states a cell arrives with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..kernels.neighborhood import contact_mean
from ..kernels.response import occupancy
from ..tissue import ALIVE, EMPTY, Column, Tissue
from .process import Array, Rows

__all__ = ["Senses", "exposure_column", "expression_column", "free_level", "signal_columns"]


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
    held = tissue.controls.held.get(molecule, 0.0)
    level += held[sites] if isinstance(held, np.ndarray) and sites is not None else held
    free = tissue.controls.free.get(molecule, 1.0)
    return level * free if free != 1.0 else level


class Senses:
    """Signals of one step; make it anew when the tissue has changed."""

    def __init__(self, biology: Biology, tissue: Tissue) -> None:
        self.biology = biology
        self.tissue = tissue
        self._grids: dict[str, Array] = {}
        self._occupancy: dict[tuple[int, float], Array] = {}

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
                return self._read("crowding", sites)
            case "exposure":
                return self._exposure(asked.name, asked.memory, sites, rows)
            case "arrival":
                born = self.tissue.clock.time if rows is None else self.tissue.cells.born[rows]
                return np.broadcast_to(self.tissue.clock.time - born, (len(sites),)).astype(np.float64)
            case "matrix":
                matrix: Array = self.tissue.matrix[sites]
                return matrix
        raise AssertionError(asked.kind)

    def level(self, molecule: str, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Free concentration [nM] of a diffusing molecule, or mean level of a contact molecule shown by neighbors."""
        if molecule not in self.biology.contact_index:
            return free_level(self.tissue, molecule, sites)
        level = self._read(f"level {molecule}", sites)
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
        )
        bound = occupancy(ligands, controls.inhibition[kind, receptor])
        return np.broadcast_to(np.asarray(bound) * free, (len(sites),))

    def occupancy_grid(self, receptor: int, kind: int) -> Array:
        """Occupancy of a receptor at every site, (n_sites,), on a cell of `kind` that has all of them free."""
        inhibition = float(self.tissue.controls.inhibition[kind, receptor])
        if (receptor, inhibition) not in self._occupancy:
            ligands = (
                (free_level(self.tissue, name), dissociation)
                for name, dissociation in self.biology.receptors[receptor].ligands
                if name in self.tissue.fields or name in self.tissue.controls.held
            )
            bound = occupancy(ligands, inhibition)
            self._occupancy[receptor, inhibition] = np.broadcast_to(bound, (self.tissue.lattice.n_sites,))
        return self._occupancy[receptor, inhibition]

    def _contact_with(self, name: str, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        share = self._read(f"contact {name}", sites)
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

    def _read(self, what: str, sites: NDArray[np.integer]) -> Array:
        level: Array = self._grid(what)[sites]
        return level

    def _grid(self, what: str) -> Array:
        """A quantity averaged over the contact neighborhood of every site, (n_sites,)."""
        if what not in self._grids:
            tissue, cells = self.tissue, self.tissue.cells
            levels = np.zeros(tissue.lattice.n_sites)
            topic, _, name = what.partition(" ")
            if topic == "level":
                np.add.at(levels, cells.site, cells[expression_column(name)] * (cells.fate == ALIVE))
            elif topic == "contact":
                chosen = cells.fate != ALIVE if name == "dead" else self._living_kind(name)
                np.add.at(levels, cells.site[chosen], 1.0)
            else:
                levels += tissue.lattice.occupant[0, :-1] != EMPTY
            self._grids[what] = contact_mean(levels, tissue.lattice.shape).astype(np.float64)
        return self._grids[what]

    def _living_kind(self, name: str) -> NDArray[np.bool_]:
        cells = self.tissue.cells
        chosen: NDArray[np.bool_] = (cells.kind == self.biology.cell_index[name]) & (cells.fate == ALIVE)
        return chosen
