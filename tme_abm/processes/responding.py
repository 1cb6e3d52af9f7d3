"""Responding: signals set the value of every behavior through the rules of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology, Term
from ..kernels.rules import Rulebook, Weight, respond, rulebook
from ..tissue import Behaviors, Tissue
from ..tissue.tissue import Array, Rows
from .senses import Senses

__all__ = ["Responding", "Response"]

# Cells that sense and respond at once: what they sense then stays in the cache.
_AT_ONCE = 1 << 14
# What is asked of cells in the blood and of vessels; of these, and of the dead, what living cells are not asked.
_AT_VESSELS = frozenset({"extravasation", "infiltration", "adhesion"})
_ELSEWHERE = frozenset({"extravasation", "adhesion", "clearance"})


class _Rules:
    """The programs of one kind as arrays, and the row of the result for each behavior."""

    def __init__(self, biology: Biology, kind: int, names: Collection[str], absent: frozenset[int]) -> None:
        asked = [p for p in biology.programs if p.cell == kind and biology.behaviors[p.behavior] in names]

        def terms(these: Sequence[Term]) -> list[tuple[Weight, float]]:
            return [((t.signal, t.half_max, t.hill, t.pathway), t.towards) for t in these if t.signal not in absent]

        self.row = {biology.behaviors[p.behavior]: number for number, p in enumerate(asked)}
        self.book: Rulebook = rulebook(
            base=[p.base for p in asked],
            ups=[terms(p.ups) for p in asked],
            downs=[terms(p.downs) for p in asked],
            gates=[None if (s := p.scale) is None else (s.signal, s.half_max, s.hill) for p in asked],
        )
        self.carried = any(self.book.pathways)


@lru_cache(maxsize=256)
def _rules(biology: Biology, kind: int, names: tuple[str, ...], absent: frozenset[int]) -> _Rules:
    """The rules of `kind` for some behaviors, without the terms of `absent` signals, which are zero."""
    return _Rules(biology, kind, names, absent)


@lru_cache(maxsize=64)
def _rules_of_kind(biology: Biology, kind: int, fields: frozenset[str], absent: frozenset[int]) -> _Rules:
    """The rules of `kind` for the behaviors of its living cells, except the secretion of molecules without a field."""
    there = {f"secretion {name}" for name in fields}
    names = {name for name in biology.behaviors if name in there or not name.startswith("secretion ")}
    return _Rules(biology, kind, names - _ELSEWHERE, absent)


@lru_cache(maxsize=8)
def _unruled(biology: Biology) -> dict[tuple[int, str], float]:
    """The values of behaviors without rules, by (kind, behavior)."""
    ruled = {(program.cell, program.behavior) for program in biology.programs}
    return {
        (kind, name): float(biology.base[kind, behavior])
        for kind in range(len(biology.cells))
        for behavior, name in enumerate(biology.behaviors)
        if (kind, behavior) not in ruled
    }


class Response:
    """Evaluates the rules of one biology for the cells of one step."""

    def __init__(self, biology: Biology, tissue: Tissue) -> None:
        self.biology = biology
        self.tissue = tissue
        self.senses = Senses(biology, tissue)
        self._unruled = _unruled(biology)
        self._absent = self.senses.absent()
        self._fields = frozenset(tissue.fields)
        self._vessels: NDArray[np.integer] | None = None
        self._at_vessels: dict[int, dict[str, Array]] = {}

    def of_rows(self, kind: int, name: str, rows: Rows) -> Array | float:
        """Value of behavior `name` for cells of `kind` in `rows`: (n,), or a number where no rule changes it."""
        if not len(rows):
            return np.zeros(0)
        settled = self.settled(kind, name)
        if settled is not None:
            return settled
        rules = _rules(self.biology, kind, (name,), self._absent)
        return self._respond(kind, rules, self.tissue.cells.site[rows].astype(np.intp), rows)[name]

    def at_sites(self, kind: int, name: str, sites: NDArray[np.integer]) -> Array:
        """The same for cells outside of the lattice, as if at `sites`; always (n,)."""
        settled = self.settled(kind, name)
        if settled is not None:
            return np.full(len(sites), settled)
        if name not in _AT_VESSELS:
            return self._respond(kind, _rules(self.biology, kind, (name,), self._absent), sites, None)[name]
        if self._vessels is not sites:
            self._vessels, self._at_vessels = sites, {}
        if kind not in self._at_vessels:
            rules = _rules(self.biology, kind, tuple(sorted(_AT_VESSELS)), self._absent)
            self._at_vessels[kind] = self._respond(kind, rules, sites, None)
        return self._at_vessels[kind][name]

    def of_kind(self, kind: int, rows: Rows) -> dict[str, Array]:
        """The values (n,) of the behaviors with rules of the living cells of `kind` in `rows`."""
        if not len(rows):
            return {}
        rules = _rules_of_kind(self.biology, kind, self._fields, self._absent)
        return self._respond(kind, rules, self.tissue.cells.site[rows].astype(np.intp), rows)

    def settled(self, kind: int, name: str) -> float | None:
        """The value for all cells of `kind` if it does not depend on what they sense, else None."""
        if self._is_silenced(kind, name):
            return 0.0
        fixed = self.tissue.controls.fixed.get((kind, name))
        return self._unruled.get((kind, name)) if fixed is None else fixed

    def _respond(
        self, kind: int, rules: _Rules, sites: NDArray[np.integer], rows: Rows | None
    ) -> dict[str, Array]:
        left = self._left(kind, rules)
        if len(sites) <= _AT_ONCE:
            values = self._respond_at(kind, rules, sites, rows, left)
        else:
            values = np.empty((len(rules.row), len(sites)))
            for first in range(0, len(sites), _AT_ONCE):
                block = slice(first, first + _AT_ONCE)
                who = None if rows is None else rows[block]
                values[:, block] = self._respond_at(kind, rules, sites[block], who, left)
        return {name: values[row] for name, row in rules.row.items()}

    def _respond_at(
        self, kind: int, rules: _Rules, sites: NDArray[np.integer], rows: Rows | None, left: Array | None
    ) -> Array:
        return respond(rules.book, self.senses.together(rules.book.signals, kind, sites, rows), left)

    def _left(self, kind: int, rules: _Rules) -> Array | None:
        """The share of its strength that every weight keeps; None where no pathway is inhibited."""
        signaling = self.tissue.controls.signaling
        if not signaling or not rules.carried:
            return None
        return np.array([math.prod(signaling.get((kind, name), 1.0) for name in way) for way in rules.book.pathways])

    def _is_silenced(self, kind: int, name: str) -> bool:
        silenced = self.tissue.controls.silenced
        if not silenced:
            return False
        family, _, product = name.partition(" ")
        return family in ("secretion", "expression") and (kind, product) in silenced


class Responding:
    """Every living cell weighs its signals and sets its behaviors for this step."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology) -> None:
        self.biology = biology

    def __call__(self, tissue: Tissue, dt: float) -> None:
        response = Response(self.biology, tissue)
        tissue.behavior = Behaviors(tissue.cells.kind, tissue.living, len(self.biology.cells), response)
