"""What cells sense: every signal of the grammar as an array, computed on demand and once a step.

A signal is read by the cells of one kind at their sites. Vessels are asked too: a leukocyte that may leave
the blood senses the tissue at the vessel, with the states a cell arrives with.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..biology.compiled import Biology
from ..biology.grammar import Signal
from ..kernels.receptors import occupancies, occupancy
from ..tissue import Column, Tissue
from ..tissue.tissue import Array, Rows
from .contacts import Contacts, expression_column
from .repertoire import Repertoire, exposure_column, of_receptor, repertoire

__all__ = ["Senses", "exposure_column", "expression_column", "free_level", "signal_columns"]


def signal_columns(biology: Biology) -> list[Column]:
    """The columns that a catalogue needs in addition to the common ones: expressions and exposures."""
    columns = [
        Column(name=expression_column(contact.name), dtype=np.float64, default=0, inherited=True,
               meaning=f"level of {contact.name} shown to cells in contact")
        for contact in biology.contacts
    ]
    columns += [
        Column(name=exposure_column(signal.name, signal.memory), dtype=np.float64, default=0, inherited=True,
               meaning=f"low-passed {_remembered(biology, signal.name)}")
        for signal in biology.signals
        if signal.kind == "exposure"
    ]
    return columns


def _remembered(biology: Biology, molecule: str) -> str:
    return f"level of {molecule} felt of neighbors" if molecule in biology.contact_index else f"{molecule} [nM]"


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
        controls = tissue.controls
        self.there = frozenset({*tissue.fields, *controls.held, *biology.contact_index})
        self._altered = {*controls.held, *controls.free}
        self._blocked = bool(controls.inhibition.any() or (controls.free_receptor != 1.0).any())
        self._contacts = Contacts(biology, tissue)
        self._occupancy: dict[tuple[int, float], NDArray[np.floating] | float] = {}
        self._part = slice(None)

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
        asked = repertoire(self.biology, tuple((kind, signal) for signal in signals), self.there)
        strength: Array = self.table(asked, sites, rows)[list(asked.rows)]
        return strength

    def absent(self) -> frozenset[int]:
        """Numbers of the signals that are zero everywhere, because no field and no medium holds their molecule."""
        return _absent(self.biology, self.there)

    def level(self, molecule: str, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Free concentration [nM] of a diffusing molecule, or mean level of a contact molecule shown by neighbors."""
        if molecule not in self.biology.contact_index:
            return free_level(self.tissue, molecule, sites)
        shown: Array = self._felt((f"level {molecule}",), sites, rows)[0]
        return shown

    def occupied(self, receptor: int, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """Signaling occupancy [0, 1] of a receptor on cells of `kind`, after blockade and knock-out."""
        share: Array = self.table(of_receptor(self.biology, kind, receptor, self.there), sites, rows)[-1]
        return share

    def table(self, asked: Repertoire, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """All that a repertoire needs for cells at `sites`, (asked.size, n), in the order of its rows."""
        table = np.empty((asked.size, len(sites)))
        last = len(asked.dissolved)
        if last:
            self._dissolve(asked.dissolved, sites, table[:last])
        if asked.topics:
            first, last = last, last + len(asked.topics)
            table[first:last] = self._felt(asked.topics, sites, rows)
        if asked.columns:
            first, last = last, last + len(asked.columns)
            cells = self.tissue.cells
            table[first:last] = cells.defaults(asked.columns) if rows is None else cells.table(asked.columns, rows)
        for row, signal in enumerate(asked.others, start=last):
            table[row] = self._other(signal, sites, rows)
        if len(asked.numbers):
            table[-len(asked.numbers) :] = self._occupied(asked, table)
        return table

    def _dissolve(self, molecules: tuple[str, ...], sites: NDArray[np.integer], levels: Array) -> None:
        """Write the free concentrations of `molecules` at `sites` into `levels`."""
        row = self.tissue.fields.row
        if row:
            # Most molecules are what their field has of them.
            first = np.array([[row.get(molecule, 0)] for molecule in molecules]) * self.tissue.lattice.n_sites
            levels[...] = self.tissue.fields.concentrations.reshape(-1).take(first + sites)
        for number, molecule in enumerate(molecules):
            if molecule in self._altered or molecule not in row:
                levels[number] = free_level(self.tissue, molecule, sites)

    def _felt(self, topics: tuple[str, ...], sites: NDArray[np.integer], rows: Rows | None) -> Array:
        """What is felt of the cells around, (len(topics), n), contact molecules less the share that is neutralized."""
        means = self._contacts.means(topics, sites, rows)
        free = self.tissue.controls.free
        if free:
            for mean, topic in zip(means, topics, strict=True):
                if topic.startswith("level "):
                    mean *= free.get(topic.removeprefix("level "), 1.0)
        return means

    def _other(self, signal: Signal | None, sites: NDArray[np.integer], rows: Rows | None) -> NDArray[Any] | float:
        """The matrix at a site, a cell's time since arrival, or nothing."""
        if signal is None:
            return 0.0
        found: NDArray[Any] | float
        match signal.kind:
            case "matrix":
                found = self.tissue.matrix[sites]
            case "arrival":
                found = 0.0 if rows is None else self.tissue.clock.time - self.tissue.cells.born[rows]
            case _:
                raise AssertionError(signal.kind)
        return found

    def _occupied(self, asked: Repertoire, table: Array) -> Array:
        """Signaling occupancies [0, 1] of several receptors, after blockade and knock-out."""
        if not self._blocked:
            return occupancies(asked.receptors, table)
        controls = self.tissue.controls
        inhibition = controls.inhibition[asked.kinds, asked.numbers]
        bound = occupancies(asked.receptors, table, inhibition if inhibition.any() else None)
        bound *= controls.free_receptor[asked.kinds, asked.numbers][:, None]
        return bound

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
                if name in self.there and name not in self.biology.contact_index
            )
            self._occupancy[receptor, inhibition] = occupancy(ligands, inhibition)
        return self._occupancy[receptor, inhibition]


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
