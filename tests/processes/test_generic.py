"""What every process of the schedule has in common, whatever it does."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.catalogue import lively, shipped, still
from tests.support.crowds import crowd
from tests.support.tissues import respond
from tme_abm.biology import Biology
from tme_abm.model import SCHEDULE
from tme_abm.processes import Process
from tme_abm.scenario import Scenario, load
from tme_abm.tissue import Tissue

SHAPES = [pytest.param((12, 9), id="2D"), pytest.param((5, 5, 4), id="3D")]
PROCESSES = [pytest.param(make, id=name) for name, make in SCHEDULE]
Make = Callable[[Biology, Scenario], Process]
Arrays = dict[str, NDArray[Any]]
SEED = 3

# What each process may change beside its columns, before the tissue settles.
BEYOND = {
    "Treatment": {"controls", "pools"},
    "Responding": set(),
    "Recruitment": {"pools"},
    "Secretion": {"sources"},
    "Remodeling": {"grounds"},
    "Transport": {"sources", "fields"},
    "Migration": {"occupant"},
}

PROTOCOL = [
    {"do": "block", "receptor": "PD1", "fraction": 0.5, "start": "0 h"},
    {"do": "neutralize", "molecule": "TGFB", "fraction": 0.8, "start": "0 h"},
    {"do": "dose", "route": "bath", "molecule": "IFNG", "rate": "1 pM/min", "start": "0 h"},
    {"do": "deplete", "cells": ["TAM", "tumor"], "rate": "0.05 /min", "start": "0 h"},
    {"do": "infuse", "cell": "CD8", "count": 30, "start": "402 min"},
]


@cache
def scenario() -> Scenario:
    small = {"lattice.shape": [40, 40], "lattice.margin": "100 um", "tumor.cells": 60, "fields.tolerance": 1e-12}
    return load("hot", {**small, "protocol": PROTOCOL})


@cache
def quick() -> Biology:
    return lively(shipped())


def all_of(tissue: Tissue) -> dict[str, Arrays]:
    """Everything a process could change, as copies."""
    controls = tissue.controls
    return {
        "columns": tissue.cells.arrays(),
        "occupant": {"occupant": tissue.lattice.occupant.copy()},
        "pools": {name: np.array(level) for name, level in tissue.pools.items()},
        "grounds": {"matrix": tissue.matrix.copy()},
        "fields": {name: tissue.fields[name].copy() for name in tissue.fields},
        "sources": {name: grid.copy() for name, grid in tissue.fields.source.items()}
        | {f"uptake {name}": grid.copy() for name, grid in tissue.fields.uptake.items()},
        "controls": {
            "free_receptor": controls.free_receptor.copy(),
            "inhibition": controls.inhibition.copy(),
            **{f"bath {name}": np.array(rate) for name, rate in controls.bath.items()},
            **{f"free {name}": np.array(share) for name, share in controls.free.items()},
        },
        "clock": {"step": np.array(tissue.clock.step)},
    }


def changed(before: Arrays, after: Arrays) -> set[str]:
    """Names of the arrays that are not the same bit for bit; a grid that appears is compared with zero."""
    return {
        name
        for name in before.keys() | after.keys()
        if not np.array_equal(before.get(name, np.zeros(1)) + np.zeros_like(after[name]), after[name])
    }


def moved_beyond_rounding(before: Arrays, after: Arrays) -> set[str]:
    """Names of the arrays that differ by more than the last digits."""
    return {
        name
        for name in changed(before, after)
        if name not in before or not np.allclose(before[name], after[name], rtol=1e-12, atol=1e-14)
    }


def by_key(tissue: Tissue) -> Arrays:
    order = np.argsort(tissue.cells.key)
    return {name: values[order] for name, values in tissue.cells.arrays().items()}


def prepared(biology: Biology, make: Make, shape: tuple[int, ...] = (12, 9)) -> Tissue:
    """A crowd in which `make`'s process can run: killing is about bonds that hold."""
    tissue = crowd(biology, SEED, shape)
    schedule = dict(SCHEDULE)
    if make is schedule["killing"]:
        schedule["binding"](biology, scenario())(tissue, tissue.clock.dt)
    return tissue


def permuted(tissue: Tissue, biology: Biology, order: NDArray[np.int64]) -> Tissue:
    """The same tissue with its cells in other rows."""
    for name, values in tissue.cells.arrays().items():
        tissue.cells[name] = values[order]
    tissue.reindex()
    return respond(tissue, biology)


def agree(one: Tissue, other: Tissue, tolerance: float) -> None:
    pairs = [(by_key(one), by_key(other)), (all_of(one)["fields"], all_of(other)["fields"])]
    pairs += [(all_of(one)[group], all_of(other)[group]) for group in ("pools", "grounds", "sources")]
    for mine, theirs in pairs:
        assert mine.keys() == theirs.keys()
        for name in mine:
            np.testing.assert_allclose(mine[name], theirs[name], rtol=tolerance, atol=tolerance * 1e-3, err_msg=name)
    assert one.ledger.keys() == other.ledger.keys()
    for event, number in one.ledger.items():
        assert number == pytest.approx(other.ledger[event], rel=1e-9), event


@pytest.mark.parametrize("make", PROCESSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_writes_what_it_declares_and_nothing_else(make: Make, shape: tuple[int, ...]) -> None:
    process = make(quick(), scenario())
    tissue = prepared(quick(), make, shape)
    before, count = all_of(tissue), len(tissue.cells)
    process(tissue, tissue.clock.dt)
    after = all_of(tissue)
    assert len(tissue.cells) == count
    written = changed(before.pop("columns"), after.pop("columns"))
    # In a crowd where everything goes on, every declared column is written.
    assert written == process.writes
    beyond = {group for group in before if changed(before[group], after[group])}
    assert beyond <= BEYOND.get(type(process).__name__, set())


@pytest.mark.parametrize("make", PROCESSES)
def test_it_leaves_the_dead_alone(make: Make) -> None:
    process = make(quick(), scenario())
    tissue = prepared(quick(), make)
    dead = np.flatnonzero(~tissue.living)
    before = {name: values[dead] for name, values in tissue.cells.arrays().items()}
    process(tissue, tissue.clock.dt)
    assert len(dead) > 3
    for name, values in before.items():
        np.testing.assert_array_equal(tissue.cells[name][dead], values, err_msg=name)


@pytest.mark.parametrize("make", PROCESSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_row_order_does_not_matter(make: Make, shape: tuple[int, ...]) -> None:
    tissue, other = (prepared(quick(), make, shape) for _ in range(2))
    permuted(other, quick(), np.random.default_rng(0).permutation(len(other.cells)))
    for each in (tissue, other):
        make(quick(), scenario())(each, each.clock.dt)
        each.settle()
    # Only sums over a neighborhood may be taken in another order.
    agree(tissue, other, 1e-12)


@pytest.mark.parametrize("make", PROCESSES)
def test_it_is_deterministic(make: Make) -> None:
    tissue, other = (prepared(quick(), make) for _ in range(2))
    for each in (tissue, other):
        make(quick(), scenario())(each, each.clock.dt)
        each.settle()
    for group, arrays in all_of(tissue).items():
        assert not changed(arrays, all_of(other)[group])


@pytest.mark.parametrize("make", PROCESSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_with_zero_rates_nothing_happens(make: Make, shape: tuple[int, ...]) -> None:
    quiet = still(shipped())
    rest = {name: {"cells": 100.0, "renewal": "0 /day"} for name in scenario().blood}
    calm = load("hot", {"blood": rest, "protocol": [], "stroma.secretion": {}})
    tissue = crowd(quiet, SEED, shape)
    tissue.cells.phase = np.minimum(tissue.cells.phase, 0.99)
    tissue.cells.damage = np.minimum(tissue.cells.damage, 1.0)
    _let_only_good_bonds_stand(tissue, quiet)
    before = all_of(tissue)
    make(quiet, calm)(tissue, tissue.clock.dt)
    tissue.settle()
    after = all_of(tissue)
    moved = {group: names for group in before if (names := moved_beyond_rounding(before[group], after[group]))}
    # A walker that does not step may still turn its head.
    assert moved in ({}, {"columns": {"heading"}})


def _let_only_good_bonds_stand(tissue: Tissue, biology: Biology) -> None:
    """Two rounds of binding with no rates: broken bonds go, and the others remember what they see now."""
    make = dict(SCHEDULE)["binding"]
    for _ in range(2):
        make(biology, scenario())(tissue, tissue.clock.dt)
        respond(tissue, biology)
    assert (tissue.cells.partner != 0).any()


def test_the_crowd_is_one() -> None:
    """The tissue the tests above rest on has all kinds, bonds, corpses and vessels."""
    tissue = crowd(quick(), SEED)
    kinds = {kind for kind, layer in enumerate(quick().layer) if layer != "vessel"}
    assert set(tissue.cells.kind[tissue.living].tolist()) == kinds
    assert (tissue.cells.partner != 0).sum() > 2
    assert len(tissue.vessels) == 6


def test_whatever_can_die_is_cleared() -> None:
    """Corpses that nothing removes would fill the lattice."""
    biology = shipped()
    column = biology.behavior_index
    mortal = {
        cell
        for cell, layer in enumerate(biology.layer)
        if layer != "vessel" and biology.base[cell, column["apoptosis"]] > 0
    }
    assert mortal
    stay = [biology.cells[cell] for cell in sorted(mortal) if biology.base[cell, column["clearance"]] <= 0]
    assert not stay
