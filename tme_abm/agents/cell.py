"""A cell as a Mesa agent: an object that knows a key, and reads and writes the tissue's columns.

The tissue is a struct of arrays; an agent is a *view* of one row, made when somebody asks for it and forgotten
when nobody holds it any more. It therefore has no attributes of its own: `agent.damage = 0` writes the column,
`agent["expression PDL1"]` reads one whose name is no Python name, and any other name is an error. Agents are
identified by their key, so that they stay valid while cells around them are born and die.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import mesa
import numpy as np

from ..core.errors import TmeError
from .column import FIXED, DeadCellError, State, UnknownColumnError

if TYPE_CHECKING:
    from ..model import TumorModel
    from .cellset import CellSet

__all__ = [
    "MDSC",
    "TAM",
    "TAN",
    "Cell",
    "NKCell",
    "TCell",
    "TumorCell",
    "agent_class",
    "refuse_registration",
]

LAYERS = ("tissue", "immune")


class Cell(mesa.Agent):
    """Base class of all cells; equal when the model and the key are."""

    damage = State("Sub-lethal hits not yet healed.")
    activation = State("Activation [0, 1].")
    exhaustion = State("Exhaustion [0, 1].")
    polarization = State("0 = M2 or N2, 1 = M1 or N1.")
    phase = State("Progress through the division cycle [0, 1].")

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
        row = self._find()
        state = self._model.tissue.kinds[self._model.tissue.cells.kind[row]] if row >= 0 else "dead"
        return f"<{type(self).__name__} {self._key:016x} {state}>"

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
        self._model.populations.write(column, value, np.array([self._living_row()]))

    def keys(self) -> Iterator[str]:
        """The names of all columns, so that `dict(agent)` is all that is known about the cell."""
        return iter(self._model.tissue.cells.columns)

    __iter__ = None  # an agent has columns by name, and is no sequence of values

    def __getattr__(self, name: str) -> Any:
        # Python comes here only for names that no property has. Protocols probe for names in underscores.
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        known = getattr(type(self), name, None)
        if known is None:
            self[name] = value
        elif isinstance(known, State):
            known.__set__(self, value)
        else:
            reason = FIXED.get(name, "it follows from the cell's columns and the tissue")
            raise UnknownColumnError(f"'{name}' of a cell cannot be written: {reason}")

    # ------------------------------------------------------------- reading

    @property
    def cell(self) -> str:
        """The catalogue's name of the cell type, such as "CD8" or "PMN-MDSC"."""
        return str(self._value("cell"))

    @property
    def subtype(self) -> str:
        """The same as `cell`: what distinguishes cells that share an agent class."""
        return self.cell

    @property
    def is_tumor(self) -> bool:
        """Whether it is a tumor cell."""
        return bool(np.isin(self["kind"], self._model.tissue.tumor_kinds))

    @property
    def layer(self) -> str:
        """The layer of the lattice it stands on: "tissue" or "immune"."""
        return LAYERS[self._model.tissue.layer_of[self["kind"]]]

    @property
    def site(self) -> int:
        """Number of its site, in C order of the lattice's shape, well by well."""
        return int(self["site"])

    @property
    def pos(self) -> tuple[int, ...]:
        """Its site as Mesa orders coordinates: (x, y) or (x, y, z)."""
        site, at = self.site, []
        for length in reversed(self._model.tissue.lattice.shape):
            site, index = divmod(site, length)
            at.append(index)
        return tuple(at)

    @property
    def position_um(self) -> tuple[float, ...]:
        """The center of its site [µm], in the order of `pos`."""
        return tuple(self._value("position_um"))

    @property
    def age(self) -> float:
        """Minutes since its birth or arrival."""
        return float(self._value("age"))

    @property
    def partner(self) -> Cell | None:
        """The cell it is bound to, None if it is free."""
        key = int(self["partner"])
        return self._model.populations.find(key) if key else None

    def contacts(self) -> CellSet:
        """The living cells it touches: on its own site and the sites around, on both layers."""
        return self._model.populations.contacts(self._living_row())

    def neighbors(self) -> CellSet:
        """The same as `contacts`."""
        return self.contacts()

    def senses(self, molecule: str) -> float:
        """Free concentration [nM] at its site, or the level of a contact molecule that its neighbors show."""
        return float(self._model.populations.sensed(molecule, np.array([self._living_row()]))[0])

    def behavior(self, name: str) -> float:
        """What the rules make of its signals now: the value of a behavior, in the catalogue's internal units."""
        return float(self._model.populations.behavior(name, np.array([self._living_row()]))[0])

    # ------------------------------------------------------------- acting

    def step(self) -> None:
        """Do nothing: the processes of the model move all cells at once, and TumorModel.step runs them."""

    def advance(self) -> None:
        """Do nothing, like `step`."""

    def remove(self) -> None:
        """Take the cell out of the tissue at once and free its site; call it between steps.

        Bonds to it break in the next step. The ledger counts it as a removal.
        """
        self._model.populations.remove(np.array([self._living_row()]))

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

    def _value(self, name: str) -> Any:
        values = self._model.populations.values(name, np.array([self._living_row()]))
        assert values is not None
        return values[0]


def _restored(model: TumorModel, name: str, key: int) -> Cell:
    return agent_class(name)._view(model, key, 0)


class TumorCell(Cell):
    """A malignant cell."""


class TCell(Cell):
    """A T cell; `cell` tells a CD8 cell from a helper or a regulatory one."""


class NKCell(Cell):
    """A natural killer cell."""


class MDSC(Cell):
    """A myeloid-derived suppressor cell; `cell` tells monocytic from granulocytic."""


class TAM(Cell):
    """A tumor-associated macrophage; `polarization` runs from M2 (0) to M1 (1)."""


class TAN(Cell):
    """A tumor-associated neutrophil; `polarization` runs from N2 (0) to N1 (1)."""


NAMED = {named.__name__: named for named in (TumorCell, TCell, NKCell, MDSC, TAM, TAN)}


@cache
def agent_class(name: str) -> type[Cell]:
    """The agent class called `name` in a catalogue; one that Python does not know is made on the spot."""
    return NAMED.get(name) or type(name, (Cell,), {"__doc__": f"A cell whose catalogue calls its agent '{name}'."})


def refuse_registration(agent: object) -> NoReturn:
    """Say that a model of cells takes no other agents."""
    raise TmeError(
        f"{type(agent).__name__} cannot join the model: its agents are the cells of the tissue. "
        "A new type of cell is written in the catalogue"
    )
