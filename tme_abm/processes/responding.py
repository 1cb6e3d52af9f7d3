"""Responding: signals set the value of every behavior through the rules of the catalogue."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology, Program, Term
from ..kernels.response import drive, hill, pull
from ..tissue import Behaviors, Tissue
from .process import Array, Rows
from .senses import Senses

__all__ = ["Responding", "Response"]


class Response:
    """Evaluates the rules of one biology for the cells of one step."""

    def __init__(self, biology: Biology, tissue: Tissue) -> None:
        self.biology = biology
        self.tissue = tissue
        self.senses = Senses(biology, tissue)
        self._programs = {(p.cell, p.behavior): p for p in biology.programs}
        self._signals: dict[tuple[int, int, int], tuple[object, Array]] = {}

    def of_rows(self, kind: int, name: str, rows: Rows) -> Array | float:
        """Value of behavior `name` for cells of `kind` in `rows`: (n,), or a number where no rule changes it."""
        if not len(rows):
            return np.zeros(0)
        return self._value(kind, name, self.tissue.cells.site[rows], rows)

    def at_sites(self, kind: int, name: str, sites: NDArray[np.integer]) -> Array:
        """The same for cells that are not on the lattice, standing at `sites`; always (n,)."""
        return np.broadcast_to(self._value(kind, name, sites, None), (len(sites),)).astype(np.float64)

    def _value(self, kind: int, name: str, sites: NDArray[np.integer], rows: Rows | None) -> Array | float:
        behavior = self.biology.behavior_index[name]
        program = self._programs.get((kind, behavior))
        if self._is_silenced(kind, name):
            return 0.0
        fixed = self.tissue.controls.fixed.get((kind, name))
        if fixed is not None:
            return fixed
        if program is None:
            return float(self.biology.base[kind, behavior])
        return self._run(program, sites, rows)

    def _run(self, program: Program, sites: NDArray[np.integer], rows: Rows | None) -> Array | float:
        def weigh(terms: tuple[Term, ...]) -> list[tuple[Array, float]]:
            return [(self._drive(term, program.cell, sites, rows), term.towards) for term in terms]

        value = pull(program.base, weigh(program.ups))
        value = pull(value, weigh(program.downs))
        if program.scale is not None:
            gate = self._signal(program.scale.signal, program.cell, sites, rows)
            value = value * hill(gate, program.scale.half_max, program.scale.hill)
        return value

    def _drive(self, term: Term, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        driven = drive(self._signal(term.signal, kind, sites, rows), term.half_max, term.hill)
        for pathway in term.pathway:
            driven = driven * self.tissue.controls.signaling.get((kind, pathway), 1.0)
        return driven

    def _signal(self, signal: int, kind: int, sites: NDArray[np.integer], rows: Rows | None) -> Array:
        # Many rules of a cell read one signal; the block of rows is the same object for all of them. The block is
        # kept with its values, so that its id cannot come back for another one.
        block = sites if rows is None else rows
        key = (signal, kind, id(block))
        if key not in self._signals:
            self._signals[key] = (block, self.senses(signal, kind, sites, rows))
        return self._signals[key][1]

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
        tissue.behavior = Behaviors(
            tissue.cells.kind, tissue.living, len(self.biology.cells), response.of_rows, response.at_sites
        )
