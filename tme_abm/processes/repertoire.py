"""A list of signals sorted by how each is found in the tissue: those that are found alike are found together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..biology.grammar import Signal
from ..kernels.receptors import Receptors, receptors

__all__ = ["Repertoire", "of_receptor", "repertoire"]

Numbers = NDArray[np.intp]

_AT_ONCE = frozenset({"concentration", "level", "occupancy", "contact", "crowding"})


@dataclass(frozen=True, eq=False)
class Repertoire:
    """The signals of a list, by their places in it.

    dissolved, shown: the molecules whose level is needed, in the medium and on the cells around; together the
    rows of a matrix of levels. direct: places of the signals that are a level, levels: which. occupied: places of the
    occupancies, numbers: their receptors, receptors: what binds to these. counted: places of the signals that count
    cells around, topics: which. others: (place, signal). silent: places of the receptors that nothing here binds to.
    """

    dissolved: tuple[str, ...]
    shown: tuple[str, ...]
    direct: Numbers
    levels: Numbers
    occupied: Numbers
    numbers: Numbers
    receptors: Receptors
    counted: Numbers
    topics: tuple[str, ...]
    others: tuple[tuple[int, Signal], ...]
    silent: Numbers


@lru_cache(maxsize=512)
def repertoire(biology: Biology, signals: tuple[int, ...], there: frozenset[str]) -> Repertoire:
    """Sort the `signals` of these numbers; the molecules `there` have a field, are held, or are shown by cells."""
    return _sorted(biology, [biology.signals[number] for number in signals], there)


@lru_cache(maxsize=512)
def of_receptor(biology: Biology, receptor: int, there: frozenset[str]) -> Repertoire:
    """The repertoire of one receptor's occupancy, whether or not a rule has it as a signal."""
    return _sorted(biology, [Signal("occupancy", biology.receptors[receptor].name)], there)


def _sorted(biology: Biology, signals: Sequence[Signal], there: frozenset[str]) -> Repertoire:
    direct = [(place, signal.name) for place, signal in enumerate(signals) if signal.kind in ("concentration", "level")]
    occupied = [(place, biology.receptor_index[s.name]) for place, s in enumerate(signals) if s.kind == "occupancy"]
    ligands = {n: [pair for pair in biology.receptors[n].ligands if pair[0] in there] for _, n in occupied}
    binding = sorted((one for one in occupied if ligands[one[1]]), key=lambda one: -len(ligands[one[1]]))
    counted = [
        (place, f"contact {signal.name}" if signal.kind == "contact" else "crowding")
        for place, signal in enumerate(signals)
        if signal.kind in ("contact", "crowding")
    ]
    binders = [name for _, number in binding for name, _ in ligands[number]]
    molecules = dict.fromkeys([name for _, name in direct] + binders)
    dissolved = tuple(name for name in molecules if name not in biology.contact_index)
    shown = tuple(name for name in molecules if name in biology.contact_index)
    row = {name: number for number, name in enumerate((*dissolved, *shown))}
    return Repertoire(
        dissolved=dissolved,
        shown=shown,
        direct=_numbers(place for place, _ in direct),
        levels=_numbers(row[name] for _, name in direct),
        occupied=_numbers(place for place, _ in binding),
        numbers=_numbers(number for _, number in binding),
        receptors=receptors([[(row[name], kd) for name, kd in ligands[number]] for _, number in binding]),
        counted=_numbers(place for place, _ in counted),
        topics=tuple(topic for _, topic in counted),
        others=tuple((place, signal) for place, signal in enumerate(signals) if signal.kind not in _AT_ONCE),
        silent=_numbers(place for place, number in occupied if not ligands[number]),
    )


def _numbers(values: Iterable[int]) -> Numbers:
    return np.fromiter(values, dtype=np.intp)
