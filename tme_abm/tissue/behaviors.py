"""The values that all behaviors take in this step, worked out on demand and kept until the next step.

`behavior.of(kind, name)` is one block per cell type, `behavior["attack"]` the same over all rows (zero for
dead cells). How a value comes about is the business of the process that makes this object.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Behaviors", "Evaluate", "EvaluateAt"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Evaluate = Callable[[int, str, Rows], "Array | float"]
EvaluateAt = Callable[[int, str, "NDArray[np.integer]"], Array]


class Behaviors:
    """Behavior values of the living cells, grouped by kind; rows must not change while it is in use."""

    def __init__(
        self,
        kind: NDArray[np.int8],
        living: NDArray[np.bool_],
        n_kinds: int,
        evaluate: Evaluate,
        evaluate_at: EvaluateAt,
    ) -> None:
        """`evaluate(kind, name, rows)` works out a block; `evaluate_at(kind, name, sites)` one off the lattice."""
        # Sorting once groups the rows of every kind; a stable sort keeps them in row order inside a group.
        rows = np.flatnonzero(living)
        order = rows[np.argsort(kind[rows], kind="stable")]
        edges = np.searchsorted(kind[order], np.arange(n_kinds + 1))
        self._rows = [order[edges[k] : edges[k + 1]] for k in range(n_kinds)]
        self._count = len(kind)
        self._evaluate = evaluate
        self._evaluate_at = evaluate_at
        self._blocks: dict[tuple[int, str], Array | float] = {}
        self._full: dict[str, Array] = {}

    def rows_of(self, kind: int) -> Rows:
        """Rows of the living cells of `kind`, ascending."""
        return self._rows[kind]

    def of(self, kind: int, name: str) -> Array | float:
        """Value of behavior `name` for `rows_of(kind)`: (n,), or one number that holds for all of them."""
        if (kind, name) not in self._blocks:
            self._blocks[kind, name] = self._evaluate(kind, name, self._rows[kind])
        return self._blocks[kind, name]

    def at_sites(self, kind: int, name: str, sites: NDArray[np.integer]) -> Array:
        """Value of behavior `name` for cells of `kind` that are not on the lattice, standing at `sites`; (n,)."""
        return self._evaluate_at(kind, name, sites)

    def __getitem__(self, name: str) -> Array:
        """Value of behavior `name` for every row, zero for the dead."""
        if name not in self._full:
            full = np.zeros(self._count)
            for kind, rows in enumerate(self._rows):
                if len(rows):
                    full[rows] = self.of(kind, name)
            self._full[name] = full
        return self._full[name]
