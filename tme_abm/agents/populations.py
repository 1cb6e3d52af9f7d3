"""From rows to agents and back: which cells live, who stands where, what an attribute is for many cells at once.

A model has one `Populations`. It makes views of cells on demand and keeps them weakly, so that one cell is one
object for as long as somebody holds it, and the tissue costs nothing extra while nobody looks at agents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..processes import Response, Senses
from ..tissue import ALIVE, APOPTOTIC
from .cell import LAYERS, Cell, agent_class
from .cellset import CellSet
from .column import FIXED, State, UnknownColumnError

if TYPE_CHECKING:
    from ..model import TumorModel

__all__ = ["Populations"]

Rows = NDArray[np.int64]
Keys = NDArray[np.uint64]


class Populations:
    """The living cells of a model as agents."""

    def __init__(self, model: TumorModel) -> None:
        self.model = model
        self._views: WeakValueDictionary[int, Cell] = WeakValueDictionary()
        self._indexed: Keys = np.zeros(0, dtype=np.uint64)
        self._row_of: dict[int, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]

    # ------------------------------------------------------------- populations

    def everyone(self) -> CellSet:
        """All living cells; the set follows the tissue."""
        return CellSet.live(self, Cell)

    def by_class(self) -> dict[type[Cell], CellSet]:
        """The living cells of every agent class; the sets follow the tissue."""
        return {which: CellSet.live(self, which) for which in self.classes}

    @property
    def classes(self) -> list[type[Cell]]:
        """The agent classes of this model's catalogue, whether any of their cells live or not."""
        return list(dict.fromkeys(which for which in self.class_of if which is not None))

    @cached_property
    def class_of(self) -> tuple[type[Cell] | None, ...]:
        """Agent class of each kind; None for vessels, which are no cells on the lattice."""
        biology = self.model.biology
        return tuple(
            agent_class(name) if layer in LAYERS else None
            for name, layer in zip(biology.agent, biology.layer, strict=True)
        )

    # ------------------------------------------------------------- rows

    def living(self, which: type = Cell) -> Rows:
        """Rows of the living cells of an agent class, ascending."""
        cells = self.model.tissue.cells
        chosen = cells.fate == ALIVE
        if which is not Cell:
            chosen &= self.is_a(which)[cells.kind]
        return np.flatnonzero(chosen)

    def is_a(self, which: type) -> NDArray[np.bool_]:
        """Mask (n_kinds,) of the kinds whose agents are instances of `which`."""
        return np.array([known is not None and issubclass(known, which) for known in self.class_of])

    def row(self, key: int, hint: int) -> int:
        """Row of the living cell `key`, which was last seen in row `hint`; -1 if it is dead or gone."""
        cells = self.model.tissue.cells
        keys = cells.key

        def stands_in(row: int) -> bool:
            return 0 <= row < len(keys) and keys.item(row) == key

        row = hint if stands_in(hint) else self._row_of.get(key, -1)
        if not stands_in(row):
            self._index()
            row = self._row_of.get(key, -1)
        return row if row >= 0 and cells.fate.item(row) == ALIVE else -1

    def rows(self, keys: Keys) -> Rows:
        """Rows of the living cells with `keys`, -1 for those that are dead or gone."""
        self._index()
        rows = np.fromiter((self._row_of.get(key, -1) for key in keys.tolist()), dtype=np.int64, count=len(keys))
        known = rows >= 0
        known[known] = self.model.tissue.cells.fate[rows[known]] == ALIVE
        return np.where(known, rows, -1)

    def _index(self) -> None:
        """Number the rows by key, if they have changed since."""
        keys = self.model.tissue.cells.key
        if not np.array_equal(keys, self._indexed):
            self._indexed = keys.copy()
            self._row_of = {key: row for row, key in enumerate(keys.tolist())}

    # ------------------------------------------------------------- agents

    def find(self, key: int) -> Cell | None:
        """The living cell `key`, None if there is none."""
        row = self.row(key, -1)
        return self.view(key, row) if row >= 0 else None

    def view(self, key: int, row: int) -> Cell:
        """The agent of the living cell `key` in `row`: the same object as long as somebody holds it."""
        which = self.class_of[self.model.tissue.cells.kind.item(row)]
        assert which is not None, "a vessel is no agent"
        known = self._views.get(key)
        agent: Cell = which._view(self.model, key, row) if known is None else known
        if known is None:
            self._views[key] = agent
        agent.__dict__["_row"] = row
        if type(agent) is not which:
            # The cell has differentiated; whoever holds it holds the new cell.
            object.__setattr__(agent, "__class__", which)
        return agent

    def views(self, rows: Rows) -> Iterator[Cell]:
        """The agents of the living cells in `rows`, one after the other, without those that die before their turn."""
        tissue = self.model.tissue
        # Cells come and go only when the clock advances or their number shrinks.
        before = len(tissue.cells), tissue.clock.step
        for key, row in zip(tissue.cells.key[rows].tolist(), rows.tolist(), strict=True):
            now = row if before == (len(tissue.cells), tissue.clock.step) else self.row(key, row)
            if now >= 0:
                yield self.view(key, now)

    def contacts(self, row: int) -> CellSet:
        """The living cells in contact with the one in `row`."""
        tissue = self.model.tissue
        met = tissue.lattice.occupant[:, tissue.lattice.contacts(tissue.cells.site[[row]])[0]].ravel()
        return CellSet.of_keys(self, tissue.cells.key[met[(met >= 0) & (met != row)]])

    # ------------------------------------------------------------- values

    def values(self, name: str, rows: Rows) -> NDArray[Any] | list[Any] | None:
        """An attribute of the cells in `rows`, worked out at once; None for a name that has to be asked one by one."""
        if name in _DERIVED:
            return _DERIVED[name](self.model, rows)
        cells = self.model.tissue.cells
        if name not in cells.columns or not isinstance(getattr(Cell, name, None), State | None):
            return None  # an attribute that shares its name with a column means something else
        values = cells[name][rows]
        # Sums over many cells do not fit into the small integers that columns are stored in.
        return values.astype(np.int64) if values.dtype.kind == "i" else values

    def write(self, name: str, values: object, rows: Rows) -> None:
        """Write one value, or one per row, to a column; refused for what only processes may change."""
        columns = self.model.tissue.cells.columns
        if name not in columns:
            raise UnknownColumnError(f"cells have no property '{name}' that can be written", allowed=columns, word=name)
        if name in FIXED:
            raise UnknownColumnError(f"'{name}' of a cell cannot be written: {FIXED[name]}")
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
        tissue = self.model.tissue
        tissue.request_death(rows, APOPTOTIC, "removal")
        tissue.request_removal(rows)
        # Between steps nothing else is asked for, so that this grants the removal and no more.
        tissue.settle()


def _positions(model: TumorModel, rows: Rows) -> list[tuple[int, ...]]:
    index = model.tissue.lattice.unravel(model.tissue.cells.site[rows])
    return list(zip(*(axis.tolist() for axis in reversed(index)), strict=True))


def _centers(model: TumorModel, rows: Rows) -> list[tuple[float, ...]]:
    at = model.tissue.lattice.coordinates(model.tissue.cells.site[rows])
    return [tuple(center) for center in at[:, ::-1].tolist()]


def _named(names: Sequence[str], index: NDArray[np.integer]) -> list[str]:
    return [names[i] for i in index.tolist()]


_DERIVED: dict[str, Callable[[Any, Rows], NDArray[Any] | list[Any]]] = {
    "unique_id": lambda model, rows: model.tissue.cells.key[rows],
    "site": lambda model, rows: model.tissue.cells.site[rows].astype(np.int64),
    "age": lambda model, rows: model.tissue.clock.time - model.tissue.cells.born[rows],
    "alive": lambda model, rows: np.ones(len(rows), dtype=bool),
    "is_tumor": lambda model, rows: np.isin(model.tissue.cells.kind[rows], model.tissue.tumor_kinds),
    "cell": lambda model, rows: _named(model.tissue.kinds, model.tissue.cells.kind[rows]),
    "subtype": lambda model, rows: _named(model.tissue.kinds, model.tissue.cells.kind[rows]),
    "layer": lambda model, rows: _named(LAYERS, model.tissue.layer_of[model.tissue.cells.kind[rows]]),
    "pos": _positions,
    "position_um": _centers,
}
"""Attributes of agents that are worked out from columns, for many rows at once."""
