"""A touch that lasts: what a cell remembers of contact molecules it no longer feels."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import exp

import numpy as np
import pytest

from tests.support.catalogue import pocket
from tests.support.tissues import respond, tissue_of
from tme_abm.biology import Biology
from tme_abm.biology.compiled import Program, Term
from tme_abm.biology.grammar import Signal
from tme_abm.processes import Exposure, Senses, exposure_column, expression_column
from tme_abm.tissue import Tissue

MEMORY = 180.0
TOUCH = Signal("exposure", "PDL1", MEMORY)
COLUMN = exposure_column("PDL1", MEMORY)


@cache
def biology() -> Biology:
    """tumor, CD8 and TAM; what CD8 cells remember of PDL1 slows them down."""
    small = pocket()
    slowed = Program(
        cell=small.cell_index["CD8"],
        behavior=small.behavior_index["speed"],
        base=4.0,
        downs=(Term(len(small.signals), half_max=0.05, hill=1.0, towards=0.0),),
    )
    return replace(small, signals=(*small.signals, TOUCH), programs=(*small.programs, slowed))


def touched(dt: float = 10.0) -> Tissue:
    """A CD8 cell beside a tumor cell that shows PDL1, and a TAM there too."""
    tissue = tissue_of(biology(), [("CD8", (5, 5)), ("tumor", (5, 6)), ("TAM", (6, 6))], dt=dt)
    tissue.cells[expression_column("PDL1")] = [0.0, 0.9, 0.0]
    return tissue


def remember(tissue: Tissue, minutes: float) -> float:
    """What the CD8 cell remembers after some more minutes."""
    for _ in range(round(minutes / tissue.clock.dt)):
        Exposure(biology())(respond(tissue, biology()), tissue.clock.dt)
    remembered: float = tissue.cells[COLUMN][0]
    return remembered


def leave_alone(tissue: Tissue) -> None:
    """Take everyone but the CD8 cell away."""
    tissue.request_removal(np.flatnonzero(tissue.cells.kind != biology().cell_index["CD8"]))
    tissue.settle()


@pytest.mark.parametrize("dt", [20.0, 10.0, 5.0])
def test_it_rises_while_a_cell_is_touched_and_decays_with_the_memory_once_it_is_left_alone(dt: float) -> None:
    tissue = touched(dt)
    after_an_hour = 0.9 / 9 * (1 - exp(-60 / MEMORY))
    assert remember(tissue, 60) == pytest.approx(after_an_hour, rel=1e-12)
    leave_alone(tissue)
    assert remember(tissue, 120) == pytest.approx(after_an_hour * exp(-120 / MEMORY), rel=1e-12)


def test_an_antibody_takes_its_share() -> None:
    tissue = touched()
    tissue.controls.free["PDL1"] = 0.25
    assert remember(tissue, 60) == pytest.approx(0.25 * 0.9 / 9 * (1 - exp(-60 / MEMORY)), rel=1e-12)


def test_it_slows_the_cell_that_has_a_rule_for_it_and_no_other_follows_it() -> None:
    tissue = touched()
    left = 1 / (1 + remember(tissue, 60) / 0.05)
    assert respond(tissue, biology()).behavior["speed"][0] == pytest.approx(4.0 * left)
    assert left < 0.7
    assert not tissue.cells[COLUMN][1:].any()


def test_a_cell_that_is_not_on_the_lattice_yet_remembers_nothing() -> None:
    tissue = touched()
    remember(tissue, 60)
    number = biology().signals.index(TOUCH)
    felt = Senses(biology(), tissue)(number, biology().cell_index["CD8"], tissue.cells.site[:1], None)
    assert felt.tolist() == [0.0]
