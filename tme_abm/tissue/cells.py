"""The cells as a struct of arrays: one typed, documented column per property, treated alike everywhere.

A *row* is a volatile index; a *key* is a cell's permanent identity. Views such as `cells.damage` are live:
writing to them writes the column, and they are stale after cells were added or removed, so fetch them anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core.errors import InputError

__all__ = ["ALIVE", "APOPTOTIC", "COLUMNS", "NECROTIC", "Cells", "Column"]

ALIVE, APOPTOTIC, NECROTIC = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Column:
    """A property of every cell. Inherited columns pass from mother to daughter, others start at `default`."""

    name: str
    dtype: DTypeLike
    default: float
    meaning: str
    inherited: bool = False


COLUMNS = (
    Column(name="key", dtype=np.uint64, default=0, meaning="permanent identity"),
    Column(name="kind", dtype=np.int8, default=0, meaning="index of the cell type", inherited=True),
    Column(name="site", dtype=np.int32, default=0, meaning="site number in C order"),
    Column(name="born", dtype=np.float64, default=0, meaning="time of birth or arrival [min]"),
    Column(name="fate", dtype=np.int8, default=ALIVE, meaning="0 alive, 1 apoptotic, 2 necrotic"),
    Column(name="phase", dtype=np.float64, default=0, meaning="progress through the division cycle [0, 1]"),
    Column(name="damage", dtype=np.float64, default=0, meaning="sub-lethal hits not yet healed"),
    Column(name="activation", dtype=np.float64, default=0, meaning="activation [0, 1]", inherited=True),
    Column(name="exhaustion", dtype=np.float64, default=0, meaning="exhaustion [0, 1]", inherited=True),
    Column(name="polarization", dtype=np.float64, default=0.5, inherited=True,
           meaning="0 = M2 or N2, 1 = M1 or N1"),
    Column(name="partner", dtype=np.uint64, default=0, meaning="key of the cell it is bound to, 0 for none"),
    Column(name="binding", dtype=np.float64, default=0, meaning="how well it sees its partner [0, 1]"),
    Column(name="heading", dtype=np.int8, default=-1, meaning="direction of the last move, -1 for none"),
)


class _View:
    """A live view of one column as an attribute; assigning writes into the column."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, cells: Cells, owner: type | None = None) -> NDArray[Any]:
        return cells[self.name]

    def __set__(self, cells: Cells, values: NDArray[Any] | float) -> None:
        cells[self.name] = values


class Cells:
    """All cells of a tissue; `cells["damage"]` and `cells.damage` are the live rows of a column."""

    key, kind, site, born, fate = _View(), _View(), _View(), _View(), _View()
    phase, damage, activation, exhaustion = _View(), _View(), _View(), _View()
    polarization, partner, binding, heading = _View(), _View(), _View(), _View()

    def __init__(self, extra: Sequence[Column] = (), *, capacity: int = 1024) -> None:
        """Start empty with the common columns and the `extra` ones of a catalogue."""
        self.columns: dict[str, Column] = {column.name: column for column in (*COLUMNS, *extra)}
        numbers = [column for column in self.columns.values() if column.dtype == np.float64]
        self._row = {column.name: row for row, column in enumerate(numbers)}
        self._defaults = np.array([[column.default] for column in numbers])
        self._inherited = np.array([[column.inherited] for column in numbers])
        # Most columns are numbers. They are the rows of one array, so that what concerns many is one call.
        self._numbers = np.empty((len(numbers), 0))
        self._store: dict[str, NDArray[Any]] = {one.name: np.empty(0, one.dtype) for one in self.columns.values()}
        self._count = 0
        self._reserve(capacity)

    def __getstate__(self) -> dict[str, Any]:
        """Without the views of `_numbers`, which a copy or a pickle would make arrays of their own."""
        return {**self.__dict__, "_store": {name: v for name, v in self._store.items() if name not in self._row}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._store |= {name: self._numbers[row] for name, row in self._row.items()}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._store[name][: self._count]

    def __setitem__(self, name: str, values: NDArray[Any] | float) -> None:
        self._store[name][: self._count] = values

    def append(self, count: int, **values: NDArray[Any] | float) -> NDArray[np.int64]:
        """Add `count` cells with `values` by column and defaults elsewhere; return their rows."""
        first, last = self._count, self._count + count
        self._reserve(last)
        self._numbers[:, first:last] = self._defaults
        for name, column in self.columns.items():
            if name in values or name not in self._row:
                self._store[name][first:last] = values.get(name, column.default)
        self._count = last
        return np.arange(first, last)

    def divide(self, mothers: NDArray[np.int64], **values: NDArray[Any] | float) -> NDArray[np.int64]:
        """Add a daughter per mother: inherited columns are copied, the others take `values` or defaults."""
        numbers = np.where(self._inherited, self._numbers.take(mothers, axis=1), self._defaults)
        others = {name: self._store[name].take(mothers) for name, column in self.columns.items()
                  if column.inherited and name not in self._row}
        rows = self.append(len(mothers), **others)
        self._numbers[:, self._count - len(rows) : self._count] = numbers
        for name, given in values.items():
            self._store[name][rows] = given
        return rows

    def drop(self, gone: NDArray[np.integer]) -> NDArray[np.integer]:
        """Remove the cells in the distinct rows `gone`; the last cells take their places. Returns the rows that these
        now have: closing the gap by moving all cells up would cost as much as all else that happens to the gone.
        """
        left = self._count - len(gone)
        last = np.ones(len(gone), dtype=bool)
        last[gone[gone >= left] - left] = False
        places = gone[gone < left]
        self._pick(places, np.flatnonzero(last) + left)
        self._count = left
        return places

    def sort(self) -> None:
        """Order the rows by kind and site: what stands together in the tissue then stands together in memory."""
        self._pick(slice(self._count), np.argsort(self.kind.astype(np.int64) << 32 | self.site, kind="stable"))

    def _pick(self, places: NDArray[np.integer] | slice, rows: NDArray[np.integer]) -> None:
        """Put copies of the cells in `rows` at `places`, in this order."""
        self._numbers[:, places] = self._numbers.take(rows, axis=1)
        for name, store in self._store.items():
            if name not in self._row:
                store[places] = store.take(rows)

    def table(self, names: Sequence[str], rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """Several columns of numbers of the cells in `rows`, (len(names), n)."""
        first = np.array([[self._row[name]] for name in names]) * self._numbers.shape[1]
        values: NDArray[np.float64] = self._numbers.reshape(-1).take(first + rows)
        return values

    def defaults(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The values with which a cell starts in several columns of numbers, (len(names), 1)."""
        return self._defaults[[self._row[name] for name in names]]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of all columns, by name."""
        return {name: self[name].copy() for name in self.columns}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replace all cells by `arrays`, which must hold exactly the columns of this table."""
        if set(arrays) != set(self.columns):
            differing = ", ".join(sorted(set(arrays) ^ set(self.columns)))
            raise InputError(f"the state and the cells do not have the same columns: {differing}", place="state")
        self._count = 0
        self.append(len(arrays["key"]), **arrays)

    def _reserve(self, needed: int) -> None:
        capacity = self._numbers.shape[1]
        if needed <= capacity:
            return
        capacity = max(needed, 2 * capacity)
        numbers = np.empty((len(self._row), capacity))
        for name, old in self._store.items():
            grown = numbers[self._row[name]] if name in self._row else np.empty(capacity, dtype=old.dtype)
            grown[: self._count] = old[: self._count]
            self._store[name] = grown
        self._numbers = numbers
