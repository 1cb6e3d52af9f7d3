"""Responding: signals set the value of every behavior through the rules of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology, Program, Term
from ..kernels.rules import Rulebook, Weight, respond, rulebook
from ..tissue import Behaviors, Controls, Tissue
from ..tissue.tissue import Array, Rows
from .repertoire import Repertoire, repertoire
from .senses import Senses

__all__ = ["Responding", "Response"]

# Cells that sense and respond at once: what they sense then stays in the cache.
_AT_ONCE = 1 << 12
# Behaviors that are asked at vessels, of leukocytes in the blood or of the vessels. Behaviors that are not asked of the
# living cells of the tissue: two of those at vessels, and clearance, which is asked of the dead.
_AT_VESSELS = frozenset({"extravasation", "infiltration", "adhesion"})
_ELSEWHERE = frozenset({"extravasation", "adhesion", "clearance"})


class _Rules:
    """Programs that are asked for at the same sites: what they need to sense, what they make of it, and the row of the
    result for each (kind, behavior). The terms of `absent` signals are left out, which are zero.
    """

    def __init__(
        self, biology: Biology, programs: Sequence[Program], there: frozenset[str], absent: frozenset[int]
    ) -> None:
        terms = [(p.cell, t) for p in programs for t in (*p.ups, *p.downs) if t.signal not in absent]
        scales = [(p.cell, p.scale) for p in programs if p.scale is not None]
        heard = tuple(dict.fromkeys((kind, term.signal) for kind, term in (*terms, *scales)))
        self.asked: Repertoire = repertoire(biology, heard, there)
        row = dict(zip(heard, self.asked.rows, strict=True))

        def weighed(kind: int, these: Sequence[Term]) -> list[tuple[Weight, float]]:
            return [
                ((row[kind, t.signal], t.half_max, t.hill, tuple((kind, name) for name in t.pathway)), t.towards)
                for t in these
                if t.signal not in absent
            ]

        self.row = {(p.cell, biology.behaviors[p.behavior]): number for number, p in enumerate(programs)}
        self.book: Rulebook = rulebook(
            base=[p.base for p in programs],
            ups=[weighed(p.cell, p.ups) for p in programs],
            downs=[weighed(p.cell, p.downs) for p in programs],
            gates=[None if (s := p.scale) is None else (row[p.cell, s.signal], s.half_max, s.hill) for p in programs],
        )
        self.carried = any(self.book.pathways)


@lru_cache(maxsize=256)
def _rules(
    biology: Biology, kinds: tuple[int, ...], names: tuple[str, ...], there: frozenset[str], absent: frozenset[int]
) -> _Rules:
    """The rules of `kinds` for some behaviors."""
    asked = [p for p in biology.programs if p.cell in kinds and biology.behaviors[p.behavior] in names]
    return _Rules(biology, asked, there, absent)


@lru_cache(maxsize=64)
def _rules_at_vessels(biology: Biology, there: frozenset[str], absent: frozenset[int]) -> _Rules:
    """The rules of leukocytes in the blood, and all those of vessels."""
    asked = [p for p in biology.programs
             if biology.layer[p.cell] == "vessel" or biology.behaviors[p.behavior] in _AT_VESSELS]
    return _Rules(biology, asked, there, absent)


@lru_cache(maxsize=64)
def _rules_of_living(
    biology: Biology, kind: int, fields: frozenset[str], there: frozenset[str], absent: frozenset[int]
) -> tuple[_Rules, dict[str, int]]:
    """The rules of `kind` for the behaviors of its living cells, except the secretion of molecules without a field, and
    the row of the result for each behavior.
    """
    made = {f"secretion {name}" for name in fields}
    names = {name for name in biology.behaviors if name in made or not name.startswith("secretion ")} - _ELSEWHERE
    rules = _rules(biology, (kind,), tuple(sorted(names)), there, absent)
    return rules, {name: row for (_, name), row in rules.row.items()}


@lru_cache(maxsize=8)
def _unruled(biology: Biology) -> list[dict[str, float]]:
    """Of each kind, the values of the behaviors without rules."""
    ruled = {(program.cell, program.behavior) for program in biology.programs}
    return [
        {
            name: float(biology.base[kind, behavior])
            for behavior, name in enumerate(biology.behaviors)
            if (kind, behavior) not in ruled
        }
        for kind in range(len(biology.cells))
    ]


class Response:
    """Evaluates the rules of one biology for the cells of one step."""

    def __init__(self, biology: Biology, tissue: Tissue) -> None:
        self.biology = biology
        self.tissue = tissue
        self.senses = Senses(biology, tissue)
        self._settled = _settled(biology, tissue.controls)
        self._there, self._absent = self.senses.there, self.senses.absent()
        self._fields = frozenset(tissue.fields)
        self._vessels: NDArray[np.integer] | None = None
        self._at_vessels: dict[tuple[int, str], Array] = {}

    def of_rows(self, kind: int, name: str, rows: Rows) -> Array | float:
        """Value of behavior `name` for cells of `kind` in `rows`: (n,), or a number where no rule changes it."""
        if not len(rows):
            return np.zeros(0)
        settled = self.settled(kind).get(name)
        if settled is not None:
            return settled
        return self._alone(kind, name, self.tissue.cells.site[rows].astype(np.intp), rows)

    def at_sites(self, kind: int, name: str, sites: NDArray[np.integer]) -> Array:
        """The same for cells outside of the lattice, as if at `sites`; always (n,)."""
        settled = self.settled(kind).get(name)
        if settled is not None:
            return np.full(len(sites), settled)
        if name not in _AT_VESSELS and self.biology.layer[kind] != "vessel":
            return self._alone(kind, name, sites, None)
        if self._vessels is not sites:
            # All kinds at once: leukocytes are few, and what costs is asking.
            rules = _rules_at_vessels(self.biology, self._there, self._absent)
            values = self._respond(rules, sites, None)
            self._vessels, self._at_vessels = sites, {asked: values[row] for asked, row in rules.row.items()}
        return self._at_vessels[kind, name]

    def of_kind(self, kind: int, rows: Rows) -> tuple[Array, dict[str, int]]:
        """Values (k, n) of the behaviors with rules of the living cells of `kind` in `rows`, and the row of each."""
        rules, row = _rules_of_living(self.biology, kind, self._fields, self._there, self._absent)
        if not len(rows):
            return np.empty((len(row), 0)), row
        return self._respond(rules, self.tissue.cells.site[rows].astype(np.intp), rows), row

    def asked(self, kind: int, name: str) -> tuple[NDArray[np.intp], Rows | None]:
        """Where a behavior is asked of `kind`: the sites, and the rows of its cells; None for those at vessels.

        Extravasation is asked at all vessels, clearance of the dead, everything else of the living.
        """
        if self.biology.layer[kind] == "vessel" or name in _AT_VESSELS & _ELSEWHERE:
            return self.tissue.vessels.astype(np.intp), None
        living = self.tissue.living
        mine = (self.tissue.cells.kind == kind) & (~living if name in _ELSEWHERE else living)
        rows = np.flatnonzero(mine)
        return self.tissue.cells.site[rows].astype(np.intp), rows

    def taken_apart(self, program: Program, sites: NDArray[np.integer], rows: Rows | None) -> tuple[Array, Array]:
        """What each term of a behavior does: the weights of the terms (terms, n), and the values of the behavior
        (1 + terms, n), as it is and without each of them in turn. The terms are in the order of `program.terms`.
        """
        terms, kind = program.terms, program.cell
        signals = tuple(term.signal for term in terms)
        weights = self.senses.together(signals, kind, sites, rows) if terms else np.empty((0, len(sites)))
        for weight, term in zip(weights, terms, strict=True):
            weight[:] = (weight / term.half_max) ** term.hill
            weight *= math.prod(self.tissue.controls.signaling.get((kind, one), 1.0) for one in term.pathway)
        settled = self.settled(kind).get(self.biology.behaviors[program.behavior])
        if settled is not None:
            return weights, np.full((1 + len(terms), len(sites)), settled)
        variants = (program, *(program.without(number) for number in range(len(terms))))
        rules = _Rules(self.biology, variants, self._there, self._absent)
        return weights, respond(rules.book, self.senses.table(rules.asked, sites, rows), self._left(rules))

    def settled(self, kind: int) -> dict[str, float]:
        """The behaviors of `kind` that do not depend on what its cells sense, and their values."""
        return self._settled[kind]

    def _alone(self, kind: int, name: str, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        rules = _rules(self.biology, (kind,), (name,), self._there, self._absent)
        value: Array = self._respond(rules, sites, rows)[rules.row[kind, name]]
        return value

    def _respond(self, rules: _Rules, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        left = self._left(rules)
        if len(sites) <= _AT_ONCE:
            return respond(rules.book, self.senses.table(rules.asked, sites, rows), left)
        values = np.empty((len(rules.row), len(sites)))
        for first in range(0, len(sites), _AT_ONCE):
            block = slice(first, first + _AT_ONCE)
            table = self.senses.table(rules.asked, sites[block], None if rows is None else rows[block])
            values[:, block] = respond(rules.book, table, left)
        return values

    def _left(self, rules: _Rules) -> Array | None:
        """The share of its strength that every weight keeps; None where no pathway is inhibited."""
        signaling = self.tissue.controls.signaling
        if not signaling or not rules.carried:
            return None
        return np.array([math.prod(signaling.get(one, 1.0) for one in way) for way in rules.book.pathways])


def _settled(biology: Biology, controls: Controls) -> list[dict[str, float]]:
    """Of each kind, the values of the behaviors without rules, of those that are clamped and of silenced genes."""
    settled = _unruled(biology)
    if controls.fixed or controls.silenced:
        settled = [dict(of_kind) for of_kind in settled]
        for (kind, name), value in controls.fixed.items():
            settled[kind][name] = value
        for kind, product in controls.silenced:
            settled[kind] |= {f"secretion {product}": 0.0, f"expression {product}": 0.0}
    return settled


class Responding:
    """Every living cell weighs its signals and sets its behaviors for this step."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology) -> None:
        self.biology = biology

    def __call__(self, tissue: Tissue, dt: float) -> None:
        response = Response(self.biology, tissue)
        tissue.behavior = Behaviors(tissue.cells.kind, tissue.living, len(self.biology.cells), response)
