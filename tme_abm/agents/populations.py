"""From rows to agents and back: the living cells, their places, an attribute of many cells at once.

A model has one `Populations`. It makes views of cells on demand and keeps them weakly, so that one cell is one
object as long as a reference to it exists, and agents that are not used cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..processes import Response, Senses
from ..tissue import ALIVE, APOPTOTIC
from .cell import FIXED, LAYERS, Cell, Derived, Rows, UnknownColumnError, agent_class
from .cellset import CellSet, Keys

if TYPE_CHECKING:
    from ..model import TumorModel

__all__ = ["Populations"]


class Populations:
    """The living cells of a model as agents."""

    def __init__(self, model: TumorModel) -> None:
        self.model = model
        self._views: WeakValueDictionary[int, Cell] = WeakValueDictionary()
        self._indexed: Keys = np.zeros(0, dtype=np.uint64)
        self._by_key = np.zeros(0, dtype=np.int64)

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]

    # ------------------------------------------------------------- classes

    def by_class(self) -> dict[type[Cell], CellSet]:
        """The living cells of every agent class of the catalogue; the sets follow the tissue."""
        classes = dict.fromkeys(which for which in self.class_of if which is not None)
        return {which: CellSet(self, which.__name__) for which in classes}

    @cached_property
    def class_of(self) -> tuple[type[Cell] | None, ...]:
        """Agent class of each kind; None for vessels, which are no cells on the lattice."""
        biology = self.model.biology
        return tuple(
            agent_class(name) if layer in LAYERS else None
            for name, layer in zip(biology.agent, biology.layer, strict=True)
        )

    def is_a(self, which: type) -> NDArray[np.bool_]:
        """Mask (n_kinds,) of the kinds whose agents are instances of `which`."""
        return np.array([known is not None and issubclass(known, which) for known in self.class_of])

    # ------------------------------------------------------------- rows

    def living(self, which: type = Cell) -> Rows:
        """Rows of the living cells of an agent class, ascending."""
        cells = self.model.tissue.cells
        chosen = cells.fate == ALIVE
        if which is not Cell:
            chosen &= self.is_a(which)[cells.kind]
        return np.flatnonzero(chosen)

    def row(self, key: int, hint: int) -> int:
        """Row of the living cell `key`, which was last seen in row `hint`; -1 if it is dead or gone."""
        cells = self.model.tissue.cells
        keys = cells.key
        if not (0 <= hint < len(keys) and keys.item(hint) == key):
            return int(self.rows(np.array([key], dtype=np.uint64))[0])
        return hint if cells.fate.item(hint) == ALIVE else -1

    def rows(self, keys: Keys) -> Rows:
        """Rows of the living cells with `keys`, -1 for those that are dead or gone."""
        cells = self.model.tissue.cells
        known = cells.key
        if not np.array_equal(known, self._indexed):
            self._indexed, self._by_key = known.copy(), np.argsort(known)
        if not len(known):
            return np.full(len(keys), -1)
        place = np.searchsorted(known, keys, sorter=self._by_key)
        rows = self._by_key[np.minimum(place, len(known) - 1)]
        return np.where((known[rows] == keys) & (cells.fate[rows] == ALIVE), rows, -1)

    # ------------------------------------------------------------- agents

    def find(self, key: int) -> Cell | None:
        """The living cell `key`, None if no living cell has this key."""
        row = self.row(key, -1)
        return self._view(key, row) if row >= 0 else None

    def _view(self, key: int, row: int) -> Cell:
        which = self.class_of[self.model.tissue.cells.kind.item(row)]
        assert which is not None, "a vessel is no agent"
        agent = self._views.get(key)
        if agent is None:
            agent = self._views[key] = which._view(self.model, key, row)
        agent.__dict__["_row"] = row
        if type(agent) is not which:
            # The cell has differentiated: a reference to its agent is one to the new cell.
            object.__setattr__(agent, "__class__", which)
        return agent

    def views(self, rows: Rows) -> Iterator[Cell]:
        """The agents of the living cells in `rows`, one after the other, without those that die before their turn."""
        tissue = self.model.tissue
        # Rows change only when the clock advances or the number of cells shrinks.
        before = len(tissue.cells), tissue.clock.step
        for key, row in zip(tissue.cells.key[rows].tolist(), rows.tolist(), strict=True):
            now = row if before == (len(tissue.cells), tissue.clock.step) else self.row(key, row)
            if now >= 0:
                yield self._view(key, now)

    def contacts(self, row: int) -> CellSet:
        """The living cells in contact with the one in `row`."""
        tissue = self.model.tissue
        met = tissue.lattice.occupant[:, tissue.lattice.contacts(tissue.cells.site[[row]])[0]].ravel()
        return CellSet(self, tissue.cells.key[met[(met >= 0) & (met != row)]])

    # ------------------------------------------------------------- values

    def values(self, name: str, rows: Rows) -> NDArray[Any] | list[Any] | None:
        """An attribute of the cells in `rows`, computed at once; None for a name that needs a call for each cell."""
        cells, attribute = self.model.tissue.cells, getattr(Cell, name, None)
        if isinstance(attribute, Derived):
            return attribute.of(self.model.tissue, rows)
        if name == "unique_id":
            return cells.key[rows]
        if name == "alive":
            return np.ones(len(rows), dtype=bool)
        if name not in cells.columns or attribute is not None:
            return None  # an attribute that shares its name with a column means something else
        values = cells[name][rows]
        # Sums over many cells do not fit into the small integers that columns are stored in.
        return values.astype(np.int64) if values.dtype.kind == "i" else values

    def write(self, name: str, values: object, rows: Rows) -> None:
        """Write one value, or one per row, to a column. Raises InputError for what only processes may change."""
        columns = self.model.tissue.cells.columns
        if name in FIXED or (name not in columns and hasattr(Cell, name)):
            reason = FIXED.get(name, "it follows from the cell's columns and the tissue")
            raise UnknownColumnError(f"'{name}' of a cell cannot be written: {reason}")
        if name not in columns:
            raise UnknownColumnError(f"cells have no property '{name}' that can be written", allowed=columns, word=name)
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"'{name}' of a cell is a number, not {values!r}") from error
        if numbers.ndim and numbers.shape != rows.shape:
            raise InputError(f"'{name}' takes one number, or one for each of {len(rows)} cells, not {numbers.shape}")
        if not np.isfinite(numbers).all():
            raise InputError(f"'{name}' of a cell has to be finite")
        self.model.tissue.cells[name][rows] = numbers

    def sensed(self, molecule: str, rows: Rows) -> NDArray[np.float64]:
        """What the cells in `rows` sense of a molecule; see `Cell.senses`."""
        biology, tissue = self.model.biology, self.model.tissue
        known = (*biology.molecule_index, *biology.contact_index)
        if molecule not in known:
            raise InputError(f"no molecule '{molecule}'", allowed=known, word=molecule)
        return Senses(biology, tissue).level(molecule, tissue.cells.site[rows], rows)

    def behavior(self, name: str, rows: Rows) -> NDArray[np.float64]:
        """The value of a behavior for the cells in `rows`, from the signals of this moment."""
        biology, tissue = self.model.biology, self.model.tissue
        if name not in biology.behavior_index:
            raise InputError(f"no behavior '{name}'", allowed=biology.behaviors, word=name)
        response = Response(biology, tissue)
        values = np.zeros(len(rows))
        for kind in np.unique(tissue.cells.kind[rows]):
            chosen = tissue.cells.kind[rows] == kind
            values[chosen] = response.of_rows(int(kind), name, rows[chosen])
        return values

    # ------------------------------------------------------------- acting

    def remove(self, rows: Rows) -> None:
        """Take the living cells in `rows` out of the tissue at once; between steps only."""
        if not len(rows):
            return  # settling may order the rows anew, which `views` knows by the number of cells
        tissue = self.model.tissue
        tissue.request_death(rows, APOPTOTIC, "removal")
        tissue.request_removal(rows)
        # Between steps nothing else is asked for, so that this grants the removal and no more.
        tissue.settle()
