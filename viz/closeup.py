"""What one cell is doing and why: its states, what its receptors hold, and the rules that pull on it now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tme_abm.biology import Biology
from tme_abm.core.units import show
from tme_abm.model import TumorModel
from tme_abm.processes import Response
from tme_abm.tissue import ALIVE, EMPTY, NECROTIC, TISSUE

from .colorings import COLORINGS
from .frame import state_columns

__all__ = ["Cell", "Pull", "look", "revisit"]

_FELT = 0.02  # weight of a signal, relative to the base, below which a rule does nothing one could see


@dataclass(frozen=True, kw_only=True)
class Pull:
    """A rule at work: `signal` is at `level` and pulls `behavior` with `weight` (1: as hard as its base)."""

    signal: str
    level: str
    effect: str
    behavior: str
    base: str
    value: str
    weight: float

    @property
    def sign(self) -> str:
        """An arrow up or down."""
        return "▲" if self.effect == "increases" else "▼"

    @property
    def times(self) -> str:
        """The weight in words."""
        if self.weight >= 100:
            return "×>99"
        return f"×{self.weight:.0f}" if self.weight >= 10 else f"×{self.weight:.2g}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: what it is, its states, its occupied receptors [0, 1], and the rules that act on it, hardest first.

    key: its identity for good. x, y: where it is, as shares of the picture's width and height.
    """

    key: int
    x: float
    y: float
    kind: str
    name: str
    fate: str
    age: float
    states: tuple[tuple[str, float], ...]
    occupancies: tuple[tuple[str, float], ...]
    pulls: tuple[Pull, ...]


def look(model: TumorModel, x: float, y: float) -> tuple[Cell, ...]:
    """The cells at a place, given as shares [0, 1] of width and height: the leukocyte first."""
    lattice = model.tissue.lattice
    ny, nx = lattice.shape[-2:]
    place: tuple[int, ...] = (min(ny - 1, max(0, int(y * ny))), min(nx - 1, max(0, int(x * nx))))
    if len(lattice.shape) > 2:
        place = (lattice.shape[0] // 2, *place)
    site = int(np.ravel_multi_index(place, lattice.shape))
    rows = [int(lattice.occupant[layer, site]) for layer in (1 - TISSUE, TISSUE)]
    return tuple(_found(model, row) for row in rows if row != EMPTY)


def revisit(model: TumorModel, keys: Sequence[int]) -> tuple[Cell, ...]:
    """The cells with these keys, in their order, wherever they are now; those that are gone are left out."""
    known = model.tissue.cells.key
    found = (np.flatnonzero(known == np.uint64(key)) for key in keys)
    return tuple(_found(model, int(rows[0])) for rows in found if len(rows))


def _found(model: TumorModel, row: int) -> Cell:
    tissue, biology = model.tissue, model.biology
    kind = int(tissue.cells.kind[row])
    fate = int(tissue.cells.fate[row])
    name = biology.cells[kind]
    response = Response(biology, tissue)
    rows = np.array([row])
    sites = tissue.cells.site[rows]
    columns = state_columns(biology)
    place = np.unravel_index(int(sites[0]), tissue.lattice.shape)
    return Cell(
        key=int(tissue.cells.key[row]),
        x=(float(place[-1]) + 0.5) / tissue.lattice.shape[-1],
        y=(float(place[-2]) + 0.5) / tissue.lattice.shape[-2],
        kind=name,
        name=model.catalogue.cells[name].name,
        fate="alive" if fate == ALIVE else "necrotic" if fate == NECROTIC else "apoptotic",
        age=(tissue.clock.time - float(tissue.cells.born[row])) / 60,
        states=tuple(
            (label, value)
            for label, column in columns.items()
            if (value := float(tissue.cells[column][row])) > 0 and _means(label, name)
        ),
        occupancies=tuple(
            (receptor.name, float(response.senses.occupied(number, kind, sites, rows)[0]))
            for number, receptor in enumerate(biology.receptors)
            if biology.expresses[kind, number]
        ),
        pulls=_pulls(biology, response, kind, rows, sites) if fate == ALIVE else (),
    )


def _means(state: str, cell: str) -> bool:
    """Whether a state means anything for such a cell: whether its coloring, if it has one, is for it."""
    cells = next((coloring.cells for coloring in COLORINGS.values() if coloring.column == state), ())
    return not cells or cell in cells


def _pulls(biology: Biology, response: Response, kind: int, rows: np.ndarray, sites: np.ndarray) -> tuple[Pull, ...]:
    found = []
    for program in biology.programs:
        if program.cell != kind:
            continue
        behavior, unit = biology.behaviors[program.behavior], biology.kinds[program.behavior]
        value = float(np.ravel(response.of_rows(kind, behavior, rows))[0])
        for effect, terms in (("increases", program.ups), ("decreases", program.downs)):
            for term in terms:
                level = float(response.senses(term.signal, kind, sites, rows)[0])
                weight = (level / term.half_max) ** term.hill
                for pathway in term.pathway:
                    weight *= response.tissue.controls.signaling.get((kind, pathway), 1.0)
                if weight >= _FELT:
                    signal = biology.signals[term.signal]
                    is_level = signal.kind == "concentration"
                    found.append(
                        Pull(
                            signal=str(signal),
                            level=show(level, "concentration") if is_level else f"{level:.2g}",
                            effect=effect,
                            behavior=behavior,
                            base=_before(program.base, unit, value),
                            value=_text(value, unit),
                            weight=weight,
                        )
                    )
    return tuple(sorted(found, key=lambda pull: -pull.weight))


def _text(value: float, kind: str) -> str:
    """A value with its unit; what one cell secretes goes without saying so."""
    return show(value, kind).replace("molecules/cell", "").strip()


def _before(value: float, kind: str, now: float) -> str:
    """The number of a value in the unit in which `now` is shown."""
    return show(value, kind, like=now).split()[0] if now else _text(value, kind)
