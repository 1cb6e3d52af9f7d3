"""Catalogues, compiled: the shipped one, and a pocket one, whose three cells are enough for the verbs of a tissue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from tme_abm.biology import Biology, compile, load_catalogue
from tme_abm.biology.compiled import Program

POCKET = Path(__file__).parents[1] / "biology" / "small"


@cache
def pocket() -> Biology:
    """tumor, CD8 and TAM, with a handful of rules."""
    return compile(load_catalogue(POCKET))


@cache
def shipped() -> Biology:
    """The catalogue that ships, with the default tumor traits."""
    return compile(load_catalogue())


def scaled(biology: Biology, factors: Mapping[str, float]) -> Biology:
    """`biology` with every value of some behaviors, base and rules, times a factor."""
    by_column = np.ones(len(biology.behaviors))
    for name, factor in factors.items():
        by_column[biology.behavior_index[name]] = factor

    def times(program: Program) -> Program:
        factor = float(by_column[program.behavior])
        ups, downs = (
            tuple(replace(term, towards=term.towards * factor) for term in terms)
            for terms in (program.ups, program.downs)
        )
        return replace(program, base=program.base * factor, ups=ups, downs=downs)

    return replace(biology, base=biology.base * by_column, programs=tuple(times(p) for p in biology.programs))


def with_base(biology: Biology, values: Mapping[tuple[str, str], float]) -> Biology:
    """`biology` in which (cell, behavior) has no rules and the given constant value, in internal units."""
    base, programs = biology.base.copy(), list(biology.programs)
    for (cell, behavior), value in values.items():
        where = biology.cell_index[cell], biology.behavior_index[behavior]
        base[where] = value
        programs = [p for p in programs if (p.cell, p.behavior) != where]
    return replace(biology, base=base, programs=tuple(programs))


def lively(biology: Biology, rate: float = 0.1) -> Biology:
    """`biology` in which slow events are so fast (about `rate` [1/min]) that every step sees some of each.
    """
    top = biology.base.max(axis=0)
    for program in biology.programs:
        if not top[program.behavior]:
            top[program.behavior] = max((term.towards for term in (*program.ups, *program.downs)), default=0.0)
    slow = {
        name: rate / most
        for name, kind, most in zip(biology.behaviors, biology.kinds, top, strict=True)
        if kind == "rate" and 0 < most < rate
    }
    slow["attack"] = 50.0  # in a crowd of every suppressor at half its strength little of it is left
    dissolve = {
        (cell, "clearance"): 0.5 * rate
        for cell, layer in zip(biology.cells, biology.layer, strict=True)
        if layer == "immune"
    }
    return with_base(scaled(biology, slow), dissolve)


def still(biology: Biology) -> Biology:
    """`biology` in which everything that has a time in its unit has the rate zero."""
    timed = {
        name: 0.0
        for name, kind in zip(biology.behaviors, biology.kinds, strict=True)
        if kind in ("rate", "speed", "secretion", "clearance")
    }
    quiet = scaled(biology, timed)
    return replace(
        quiet,
        molecules=tuple(replace(m, diffusivity=0.0, decay=0.0, exchange=0.0, digestion=0.0) for m in quiet.molecules),
        contacts=tuple(replace(c, turnover=0.0) for c in quiet.contacts),
        # An endless memory takes nothing in.
        signals=tuple(replace(s, memory=np.inf) if s.kind == "exposure" else s for s in quiet.signals),
        uptake=np.zeros_like(quiet.uptake),
    )


def bare(biology: Biology, values: Mapping[tuple[str, str], float]) -> Biology:
    """`biology` without rules, in which every behavior is zero but those given by (cell, behavior)."""
    return with_base(replace(biology, base=np.zeros_like(biology.base), programs=(), signals=()), values)
