"""A list of signals sorted by how each is found in the tissue: those that are found alike are found together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..biology.grammar import Signal
from ..kernels.receptors import Receptors, receptors
from .contacts import expression_column

__all__ = ["Heard", "Repertoire", "exposure_column", "of_receptor", "repertoire"]

Numbers = NDArray[np.intp]

_GROUPS = ("dissolved", "topics", "columns", "others", "occupied")

Heard = tuple[int, int]
"""The kind of a cell and the number of a signal: the receptors of one kind may be blocked and those of another not."""


def exposure_column(molecule: str, memory: float) -> str:
    """Name of the column that holds the exposure to `molecule`, low-passed over `memory` [min]."""
    return f"exposure {molecule} {memory!r}"


@dataclass(frozen=True, eq=False)
class Repertoire:
    """What some signals need, as the rows of one table, group after group.

    dissolved: molecules in the medium. topics: what is felt of the cells around (see `contacts`). columns: states of
    the cell itself. others: found one by one; None for a receptor that nothing here binds to. kinds, numbers: the
    receptors whose occupancy is needed, and on which kind of cell; receptors: the rows of their ligands. rows: the row
    of every signal of the list. size: the number of rows.
    """

    dissolved: tuple[str, ...]
    topics: tuple[str, ...]
    columns: tuple[str, ...]
    others: tuple[Signal | None, ...]
    kinds: Numbers
    numbers: Numbers
    receptors: Receptors
    rows: tuple[int, ...]
    size: int


@lru_cache(maxsize=512)
def repertoire(biology: Biology, heard: tuple[Heard, ...], there: frozenset[str]) -> Repertoire:
    """Sort the signals `heard`; the molecules `there` have a field, are held, or are shown by cells."""
    return _sorted(biology, [(kind, biology.signals[number]) for kind, number in heard], there)


@lru_cache(maxsize=512)
def of_receptor(biology: Biology, kind: int, receptor: int, there: frozenset[str]) -> Repertoire:
    """The repertoire of one receptor's occupancy, whether or not a rule has it as a signal."""
    return _sorted(biology, [(kind, Signal("occupancy", biology.receptors[receptor].name))], there)


def _sorted(biology: Biology, heard: Sequence[tuple[int, Signal]], there: frozenset[str]) -> Repertoire:
    names = dict.fromkeys(signal.name for _, signal in heard if signal.kind == "occupancy")
    ligands = {
        name: [bound for bound in biology.receptors[biology.receptor_index[name]].ligands if bound[0] in there]
        for name in names
    }

    def level(name: str) -> tuple[str, Any]:
        return ("topics", f"level {name}") if name in biology.contact_index else ("dissolved", name)

    def place(kind: int, signal: Signal) -> tuple[str, Any]:
        """The group of a signal, and what it is called there."""
        match signal.kind:
            case "concentration" | "level":
                return level(signal.name)
            case "crowding":
                return "topics", "crowding"
            case "contact":
                return "topics", f"contact {signal.name}"
            case "own" if signal.name in biology.contact_index:
                return "columns", expression_column(signal.name)
            case "own":
                return "columns", signal.name
            case "exposure":
                return "columns", exposure_column(signal.name, signal.memory)
            case "occupancy":
                return ("occupied", (kind, signal.name)) if ligands[signal.name] else ("others", None)
        return "others", signal

    places = [place(kind, signal) for kind, signal in heard]
    needed = dict.fromkeys([*places, *(level(name) for bound in ligands.values() for name, _ in bound)])
    found = {group: [what for its, what in needed if its == group] for group in _GROUPS}
    found["occupied"].sort(key=lambda one: -len(ligands[one[1]]))
    row = {one: n for n, one in enumerate((group, what) for group in _GROUPS for what in found[group])}
    return Repertoire(
        **{group: tuple(found[group]) for group in _GROUPS[:-1]},
        kinds=np.array([kind for kind, _ in found["occupied"]], dtype=np.intp),
        numbers=np.array([biology.receptor_index[name] for _, name in found["occupied"]], dtype=np.intp),
        receptors=receptors([[(row[level(name)], kd) for name, kd in ligands[one]] for _, one in found["occupied"]]),
        rows=tuple(row[one] for one in places),
        size=len(row),
    )
