"""The values that all behaviors take in this step, kept until the next step.

`behavior.of(kind, name)` is one block per cell type, `behavior["attack"]` the same over all rows (zero for
dead cells). How a value comes about is the business of the process that makes this object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Behaviors", "Evaluator"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


class Evaluator(Protocol):
    """Computes values from what cells sense; kinds are indices, `rows` and `sites` those of the cells."""

    def settled(self, kind: int) -> Mapping[str, float]:
        """The behaviors that do not depend on what cells of `kind` sense, and their values."""

    def of_kind(self, kind: int, rows: Rows) -> tuple[Array, Mapping[str, int]]:
        """Values (k, n) of the behaviors that depend on what the cells sense, or of most of them; the row of each."""

    def of_rows(self, kind: int, name: str, rows: Rows) -> Array | float:
        """The value of one behavior: (n,), or one number for all cells."""

    def at_sites(self, kind: int, name: str, sites: NDArray[np.integer]) -> Array:
        """Values (n,) for cells outside of the lattice, as if at `sites`."""


class Behaviors:
    """Behavior values of the living cells, grouped by kind; rows must not change while it is in use.

    What cells sense is asked when this is made: all behaviors of a step answer to the same moment.
    """

    def __init__(
        self, kind: NDArray[np.int8], living: NDArray[np.bool_], n_kinds: int, evaluator: Evaluator
    ) -> None:
        # Sorting once groups the rows of every kind; a stable sort keeps them in row order inside a group.
        rows = np.flatnonzero(living)
        order = rows[np.argsort(kind[rows], kind="stable")]
        edges = np.searchsorted(kind[order], np.arange(n_kinds + 1))
        self._order = order
        self._rows_over: dict[tuple[int, ...], Rows] = {}
        self._rows = [order[edges[k] : edges[k + 1]] for k in range(n_kinds)]
        self._counts = np.diff(edges).tolist()
        self._count = len(kind)
        self._evaluator = evaluator
        self._settled = [evaluator.settled(k) for k in range(n_kinds)]
        self._decided = [evaluator.of_kind(k, rows) for k, rows in enumerate(self._rows)]
        self._others: dict[tuple[int, str], Array | float] = {}
        self._full: dict[str, Array] = {}

    def rows_of(self, kind: int) -> Rows:
        """Rows of the living cells of `kind`, ascending."""
        return self._rows[kind]

    def of(self, kind: int, name: str) -> Array | float:
        """The value of behavior `name` for `rows_of(kind)`: (n,), or one number for all cells."""
        settled = self._settled[kind].get(name)
        if settled is not None:
            return settled
        values, row = self._decided[kind]
        if name in row:
            decided: Array = values[row[name]]
            return decided
        if (kind, name) not in self._others:
            self._others[kind, name] = self._evaluator.of_rows(kind, name, self._rows[kind])
        return self._others[kind, name]

    def each(self, kind: int, name: str) -> Array:
        """Value of behavior `name` for each of `rows_of(kind)`, (n,)."""
        value = self.of(kind, name)
        return value if isinstance(value, np.ndarray) else np.full(len(self._rows[kind]), value)

    def over(self, kinds: Sequence[int], name: str) -> tuple[Rows, Array]:
        """Rows of the living cells of `kinds`, kind after kind, and the value of behavior `name` of each, (n,)."""
        here = [kind for kind in kinds if self._counts[kind]]
        if len(here) == 1:
            return self._rows[here[0]], self.each(here[0], name)
        return self.rows_over(here), self.table(here, (name,))[0]

    def table(self, kinds: Sequence[int], names: Sequence[str]) -> Array:
        """Values of the behaviors `names` for each of `rows_over(kinds)`, (len(names), n)."""
        here = [kind for kind in kinds if self._counts[kind]]
        values = np.empty((len(names), sum(self._counts[kind] for kind in here)))
        for row, name in zip(values, names, strict=True):
            first = 0
            for kind in here:
                last = first + self._counts[kind]
                row[first:last] = self.of(kind, name)
                first = last
        return values

    def rows_over(self, kinds: Sequence[int]) -> Rows:
        """Rows of the living cells of `kinds`, kind after kind."""
        asked = tuple(kinds)
        if asked not in self._rows_over:
            self._rows_over[asked] = np.concatenate([self._order[:0], *(self._rows[kind] for kind in asked)])
        return self._rows_over[asked]

    def at_sites(self, kind: int, name: str, sites: NDArray[np.integer]) -> Array:
        """The value of behavior `name` for cells of `kind` outside of the lattice, as if at `sites`; (n,)."""
        return self._evaluator.at_sites(kind, name, sites)

    def __getitem__(self, name: str) -> Array:
        """Value of behavior `name` for every row, zero for the dead."""
        if name not in self._full:
            full = np.zeros(self._count)
            for kind, rows in enumerate(self._rows):
                if len(rows):
                    full[rows] = self.of(kind, name)
            self._full[name] = full
        return self._full[name]
