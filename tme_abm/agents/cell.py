"""A cell as a Mesa agent: an object that knows a key, and reads and writes the tissue's columns.

The tissue is a struct of arrays; an agent is a *view* of one row, made on demand and forgotten when no reference to it
is left. It has no attributes of its own: `agent.damage = 0` writes the column,
`agent["expression PDL1"]` reads one whose name is no Python name, and any other name is an error. Agents are
identified by their key, so that they stay valid while cells around them are born and die.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import mesa
import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError, TmeError

if TYPE_CHECKING:
    from ..model import TumorModel
    from ..tissue import Tissue
    from .cellset import CellSet

__all__ = [
    "FIXED",
    "LAYERS",
    "MDSC",
    "TAM",
    "TAN",
    "Cell",
    "DeadCellError",
    "Derived",
    "Fibroblast",
    "NKCell",
    "Rows",
    "TCell",
    "TumorCell",
    "UnknownColumnError",
    "agent_class",
    "refuse_registration",
]

Rows = NDArray[np.int64]

LAYERS = ("tissue", "immune")

FIXED = {
    "key": "a cell keeps its identity",
    "kind": "cells change their type through the rules 'differentiation'",
    "site": "cells move through the process of migration",
    "fate": "to take a cell out of the model call its remove()",
    "partner": "bonds are made and broken by the process of binding",
    "binding": "bonds are made and broken by the process of binding",
    "heading": "cells turn through the process of migration",
}
"""Columns that agents may read and not write, with the reason: writing them would leave the tissue inconsistent."""


class DeadCellError(TmeError, LookupError):
    """The cell of this agent is dead or gone, so there is nothing to read or write.

    Not an AttributeError: `getattr(agent, name, default)` and data collectors would silently pass over it.
    """


class UnknownColumnError(InputError, AttributeError, KeyError):
    """Cells have no such property, or it may not be written."""


class Derived:
    """A read-only attribute of an agent: a function of columns, which works for many cells at once."""

    def __init__(self, meaning: str, of: Callable[[Tissue, Rows], NDArray[Any] | list[Any]]) -> None:
        self.__doc__ = meaning
        self.of = of

    def __get__(self, agent: Cell | None, owner: type | None = None) -> Any:
        if agent is None:
            return self
        values = self.of(agent.model.tissue, agent._rows())
        return values[0] if isinstance(values, list) else values.item(0)


def _names(tissue: Tissue, rows: Rows) -> list[str]:
    return [tissue.kinds[kind] for kind in tissue.cells.kind[rows].tolist()]


def _positions(tissue: Tissue, rows: Rows) -> list[tuple[int, ...]]:
    index = tissue.lattice.unravel(tissue.cells.site[rows])
    return list(zip(*(axis.tolist() for axis in reversed(index)), strict=True))


class Cell(mesa.Agent):
    """Base class of all cells; equal when the model and the key are.

    The tissue's columns are attributes: `damage`, `activation`, `exhaustion`, `polarization` and `phase` can be read
    and written, `site` (in C order of the lattice's shape, well by well), `born` and others only read.
    """

    cell = subtype = Derived('The catalogue\'s name of the cell type, such as "CD8" or "PMN-MDSC".', _names)
    is_tumor = Derived(
        "Whether it is a tumor cell.", lambda tissue, rows: np.isin(tissue.cells.kind[rows], tissue.tumor_kinds)
    )
    layer = Derived(
        'The layer of the lattice it stands on: "tissue" or "immune".',
        lambda tissue, rows: [LAYERS[layer] for layer in tissue.layer_of[tissue.cells.kind[rows]].tolist()],
    )
    age = Derived(
        "Minutes since its birth or arrival.", lambda tissue, rows: tissue.clock.time - tissue.cells.born[rows]
    )
    pos = Derived("Its site as Mesa orders coordinates: (x, y) or (x, y, z).", _positions)
    position_um = Derived(
        "The center of its site [µm], in the order of `pos`.",
        lambda tissue, rows: [
            tuple(center[::-1]) for center in tissue.lattice.coordinates(tissue.cells.site[rows]).tolist()
        ],
    )

    _model: TumorModel
    _key: int
    _row: int  # where the cell was last seen; a hint, checked on every use

    # Mesa's own initializer would register the agent, number it and keep the model alive.
    def __init__(self, *_: object, **__: object) -> None:
        raise TmeError("cells cannot be made by hand: they are planted, born or arrive; see TumorModel.agents")

    @classmethod
    def _view(cls, model: TumorModel, key: int, row: int) -> Cell:
        agent = cls.__new__(cls)
        agent.__dict__.update(_model=model, _key=key, _row=row)
        return agent

    # ------------------------------------------------------------- identity

    @property
    def model(self) -> TumorModel:
        """The model the cell lives in."""
        return self._model

    @property
    def unique_id(self) -> int:
        """The key of the cell: the same in every run with this scenario and seed, and never used again."""
        return self._key

    @property
    def alive(self) -> bool:
        """Whether the cell is on the lattice and neither apoptotic nor necrotic."""
        return self._find() >= 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cell) and other._key == self._key and other._model is self._model

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._key:016x} {self.cell if self.alive else 'dead'}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._model, type(self).__name__, self._key)

    def __copy__(self) -> Cell:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Cell:
        # Copied together with its model it belongs to the copy; alone it is still a view of the same cell.
        model = memo.get(id(self._model))
        return self if model is None else _restored(model, type(self).__name__, self._key)

    # ------------------------------------------------------------- columns

    def __getitem__(self, column: str) -> Any:
        """Value of any column of the tissue, such as "damage" or "expression PDL1"."""
        cells = self._model.tissue.cells
        if column not in cells.columns:
            raise UnknownColumnError(f"cells have no property '{column}'", allowed=cells.columns, word=column)
        return cells[column].item(self._living_row())

    def __setitem__(self, column: str, value: float) -> None:
        self._model.populations.write(column, value, self._rows())

    __setattr__ = __setitem__

    def __getattr__(self, name: str) -> Any:
        # Python comes here only for names that no property has. Protocols probe for names in underscores.
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def keys(self) -> Iterator[str]:
        """The names of all columns, so that `dict(agent)` holds all values of the cell."""
        return iter(self._model.tissue.cells.columns)

    __iter__ = None  # an agent has columns by name, and is no sequence of values

    # ------------------------------------------------------------- surroundings

    @property
    def partner(self) -> Cell | None:
        """The cell it is bound to, None if it is free."""
        key = int(self["partner"])
        return self._model.populations.find(key) if key else None

    def contacts(self) -> CellSet:
        """The living cells it touches: on its own site and the sites around, on both layers."""
        return self._model.populations.contacts(self._living_row())

    neighbors = contacts

    def senses(self, molecule: str) -> float:
        """Free concentration [nM] at its site, or the level of a contact molecule that its neighbors show."""
        return self._model.populations.sensed(molecule, self._rows()).item()

    def behavior(self, name: str) -> float:
        """What the rules make of its signals now: the value of a behavior, in the catalogue's internal units."""
        return self._model.populations.behavior(name, self._rows()).item()

    def remove(self) -> None:
        """Take the cell out of the tissue at once and free its site; call it between steps.

        Bonds to it break in the next step. The ledger counts it as a removal.
        """
        self._model.populations.remove(self._rows())

    # ------------------------------------------------------------- helpers

    def _find(self) -> int:
        row = self._model.populations.row(self._key, self._row)
        if row >= 0:
            self.__dict__["_row"] = row
        return row

    def _living_row(self) -> int:
        row = self._find()
        if row < 0:
            raise DeadCellError(
                f"{type(self).__name__} {self._key} is dead or gone at day {self._model.day:.3f}; "
                "only its unique_id, model and alive can still be asked"
            )
        return row

    def _rows(self) -> Rows:
        return np.array([self._living_row()])


def _restored(model: TumorModel, name: str, key: int) -> Cell:
    return agent_class(name)._view(model, key, 0)


class TumorCell(Cell):
    """A malignant cell."""


class Fibroblast(Cell):
    """A fibroblast, quiescent or made myofibroblastic or inflammatory by the tumor; `cell` says which."""


class TCell(Cell):
    """A T cell; `cell` distinguishes CD8, helper and regulatory cells."""


class NKCell(Cell):
    """A natural killer cell."""


class MDSC(Cell):
    """A myeloid-derived suppressor cell; `cell` distinguishes monocytic and granulocytic ones."""


class TAM(Cell):
    """A tumor-associated macrophage; `polarization` runs from M2 (0) to M1 (1)."""


class TAN(Cell):
    """A tumor-associated neutrophil; `polarization` runs from N2 (0) to N1 (1)."""


_NAMED = {named.__name__: named for named in (Cell, TumorCell, Fibroblast, TCell, NKCell, MDSC, TAM, TAN)}


@cache
def agent_class(name: str) -> type[Cell]:
    """The agent class called `name` in a catalogue; one that Python does not know is made on the spot."""
    return _NAMED.get(name) or type(name, (Cell,), {"__doc__": f"A cell whose catalogue calls its agent '{name}'."})


def refuse_registration(agent: object) -> NoReturn:
    """Raises TmeError: a model of cells takes no other agents."""
    raise TmeError(
        f"{type(agent).__name__} cannot join the model: its agents are the cells of the tissue. "
        "A new type of cell is written in the catalogue"
    )
