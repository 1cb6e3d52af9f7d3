"""The vectorized processes against the slow, readable reference, cell by cell, on small crowded tissues."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.processes import reference as slow
from tests.support.catalogue import lively, shipped
from tests.support.crowds import crowd
from tests.support.tissues import respond
from tme_abm import processes as p
from tme_abm.biology import Biology, compile, load_catalogue
from tme_abm.biology.compiled import Program, Term
from tme_abm.biology.grammar import Signal
from tme_abm.processes import Senses
from tme_abm.scenario.sections import BloodPool
from tme_abm.tissue import ALIVE, Controls, Tissue

DT = 10.0
STROMA = {"CXCL12": 3e-4}
CASES = [
    pytest.param(seed, shape, id=f"{len(shape)}D-{seed}")
    for seed, shape in [(1, (8, 7)), (2, (7, 9)), (3, (4, 4, 4)), (4, (5, 3, 4))]
]
everywhere = pytest.mark.parametrize(("seed", "shape"), CASES)


@cache
def biology() -> Biology:
    """The shipped catalogue, quick, and with a rule for each kind of signal that it does not use yet."""
    base = lively(shipped())
    asked = {signal.kind for signal in base.signals}
    extra = [Signal("crowding", ""), Signal("arrival", ""), Signal("contact", "dead"), Signal("contact", "TAM")]
    extra = [signal for signal in extra if signal.kind not in asked or signal.kind == "contact"]
    extra += [Signal("exposure", "PDL1", 60.0), Signal("exposure", "PDL1", 720.0), Signal("exposure", "MHC1", 60.0)]
    signals = tuple(dict.fromkeys([*base.signals, *extra]))
    half_max = {"crowding": 0.5, "arrival": 2000.0, "contact": 0.2, "exposure": 0.3}
    added, behavior = [], base.behavior_index
    for name in ("TAM", "CD8"):
        terms = tuple(Term(signals.index(s), half_max[s.kind], 2.0, 0.05) for s in extra)
        where = base.cell_index[name], behavior["clearance"]
        added.append(Program(*where, base=0.01, ups=terms))
    return replace(base, signals=signals, programs=(*(_carried(program) for program in base.programs), *added))


def _carried(program: Program) -> Program:
    """With its rules carried by one pathway, by another, or by both."""
    ups = [replace(term, pathway=("A", "B") if n % 3 == 2 else ("AB"[n % 3],)) for n, term in enumerate(program.ups)]
    return replace(program, ups=tuple(ups), downs=tuple(replace(term, pathway=("B",)) for term in program.downs))


def hampered(tissue: Tissue, seed: int) -> Tissue:
    """With an intervention of each kind in force."""
    rng = np.random.default_rng(seed + 100)
    known = biology()
    tissue.controls = Controls(
        free_receptor=rng.choice([0.0, 0.4, 1.0], (len(known.cells), len(known.receptors))),
        inhibition=rng.choice([0.0, 2.0], (len(known.cells), len(known.receptors))),
        free={"IFNG": 0.3, "PDL1": 0.5, "CXCL10": 0.0},
        held={"IFNG": 0.4, "CCL22": rng.uniform(0.0, 3.0, tissue.lattice.n_sites), "TGFB": 0.02},
        signaling={
            (known.cell_index[name], pathway): left
            for name, pathway, left in (("CD8", "A", 0.2), ("CD8", "B", 0.5), ("tumor", "B", 0.0), ("Treg", "A", 0.7))
        },
        fixed={
            (known.cell_index["TAM"], "polarization up"): 0.01,
            (known.cell_index["tumor"], "division"): 0.0,
            (known.cell_index["NK"], "extravasation"): 0.02,
        },
        silenced={(known.cell_index["CD8"], "IFNG"), (known.cell_index["tumor"], "PDL1")},
        bath={"TNF": 1e-3},
        blood={"IL2": (0.7, 0.1)},
        depots=[("IL12", np.array([3, 4, 9]), 300.0)],
    )
    return respond(tissue, known)


def pair(seed: int, shape: tuple[int, ...], *, dead: bool = True) -> tuple[Tissue, slow.World]:
    tissue = crowd(biology(), seed, shape, dt=DT, dead=dead)
    if seed % 2 == 0:
        hampered(tissue, seed)
    return tissue, slow.World(tissue, biology())


def column(tissue: Tissue, name: str) -> dict[int, float]:
    return dict(zip(tissue.cells.key.tolist(), tissue.cells[name].tolist(), strict=True))


def same(fast: dict[int, float], expected: dict[int, float]) -> None:
    assert fast.keys() == expected.keys()
    np.testing.assert_allclose([fast[key] for key in expected], list(expected.values()), rtol=1e-10, atol=1e-13)


def dead_after(tissue: Tissue) -> set[int]:
    return set(tissue.cells.key[tissue.cells.fate != ALIVE].tolist())


@everywhere
def test_matrix_is_remodeled(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    before, expected = tissue.matrix.copy(), slow.remodeled(world, DT)
    p.Remodeling(biology())(tissue, DT)
    np.testing.assert_allclose(tissue.matrix, [expected[at] for at in np.ndindex(*shape)], rtol=1e-10)
    assert (tissue.matrix > before).any()
    assert (tissue.matrix < before).any()


@everywhere
def test_every_signal_is_sensed(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    senses = Senses(biology(), tissue)
    assert {s.kind for s in biology().signals} == {
        "concentration", "level", "occupancy", "contact", "own", "crowding", "exposure", "arrival", "matrix"
    }
    for number, signal in enumerate(biology().signals):
        for kind, name in enumerate(biology().cells):
            rows = np.flatnonzero(tissue.cells.kind == kind)
            fast = senses(number, kind, tissue.cells.site[rows], rows)
            expected = [world.sense(number, name, world.cells[row].at, world.cells[row]) for row in rows]
            np.testing.assert_allclose(fast, expected, rtol=1e-10, atol=1e-12, err_msg=f"{signal} by {name}")
            fast = senses(number, kind, tissue.vessels, None)
            expected = [world.sense(number, name, at, None) for at in world.vessels]
            np.testing.assert_allclose(fast, expected, rtol=1e-10, atol=1e-12, err_msg=f"{signal} by {name}, blood")


@everywhere
def test_every_behavior_responds(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    for behavior in biology().behaviors:
        expected = [world.of(cell, behavior) if cell.alive else 0.0 for cell in world.cells]
        np.testing.assert_allclose(tissue.behavior[behavior], expected, rtol=1e-10, atol=1e-13, err_msg=behavior)
        for kind, name in enumerate(biology().cells):
            expected = [world.behavior(name, behavior, at, None) for at in world.vessels]
            fast = tissue.behavior.at_sites(kind, behavior, tissue.vessels)
            np.testing.assert_allclose(fast, expected, rtol=1e-10, atol=1e-13, err_msg=f"{behavior} of {name}")


@everywhere
def test_scores(seed: int, shape: tuple[int, ...]) -> None:
    for process in (p.Polarization, p.Activation, p.Exhaustion):
        tissue, world = pair(seed, shape)
        expected = slow.score(world, process.column, process.up, process.down, DT)
        process(biology())(tissue, DT)
        same(column(tissue, process.column), expected)


@everywhere
def test_expression_and_exposure(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    p.Expression(biology())(tissue, DT)
    for contact in biology().contacts:
        same(column(tissue, p.expression_column(contact.name)), slow.expression(world, contact.name, DT))
    tissue, world = pair(seed, shape)
    p.Exposure(biology())(tissue, DT)
    for signal in biology().signals:
        if signal.kind == "exposure":
            expected = slow.exposure(world, signal.name, signal.memory, DT)
            same(column(tissue, p.exposure_column(signal.name, signal.memory)), expected)


def test_who_can_become_a_listener_remembers_a_touch_too() -> None:
    """TAM have a rule on exposure to PDL1 here; M-MDSC, which become TAM, remember it, and Treg do not."""
    tissue, _ = pair(1, (8, 7))
    remembered = p.exposure_column("PDL1", 60.0)
    before = tissue.cells[remembered].copy()
    p.Exposure(biology())(tissue, DT)
    changed = {biology().cells[kind] for kind in tissue.cells.kind[tissue.cells[remembered] != before]}
    assert {"TAM", "M-MDSC", "CD8"} <= changed
    assert "Treg" not in changed


@everywhere
def test_healing(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    expected = slow.healing(world, DT)
    p.Healing(biology())(tissue, DT)
    same(column(tissue, "damage"), expected)


@everywhere
def test_binding_then_killing(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    expected = slow.binding(world, DT)
    p.Binding(biology())(tissue, DT)
    assert column(tissue, "partner") == {key: partner for key, (partner, _) in expected.items()}
    same(column(tissue, "binding"), {key: strength for key, (_, strength) in expected.items()})
    world = slow.World(tissue, biology())
    damage, dying = slow.killing(world, DT)
    before = dead_after(tissue)
    p.Killing(biology())(tissue, DT)
    same(column(tissue, "damage"), damage)
    tissue.settle()
    assert dead_after(tissue) - before == dying


def test_the_killing_crowds_see_everything() -> None:
    """Over the cases there are new bonds, lasting ones, lost ones, hits and kills."""
    seen: Counter[str] = Counter()
    for case in CASES:
        tissue, world = pair(*case.values)
        before = column(tissue, "partner")
        after = slow.binding(world, DT)
        seen["new"] += sum(not before[key] and bool(partner) for key, (partner, _) in after.items())
        seen["lasting"] += sum(bool(before[key]) and partner == before[key] for key, (partner, _) in after.items())
        seen["lost"] += sum(bool(before[key]) and not partner for key, (partner, _) in after.items())
        p.Binding(biology())(tissue, DT)
        damage, dying = slow.killing(slow.World(tissue, biology()), DT)
        seen["hit"] += sum(damage[key] > old for key, old in column(tissue, "damage").items())
        seen["killed"] += len(dying)
    assert min(seen[what] for what in ("new", "lasting", "lost", "hit", "killed")) > 0, seen


@everywhere
@pytest.mark.parametrize("process", [p.Apoptosis, p.Necrosis])
def test_death(process: type[p.Apoptosis], seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    before, expected = dead_after(tissue), slow.dying(world, process.behavior, DT)
    process(biology())(tissue, DT)
    tissue.settle()
    assert dead_after(tissue) - before == expected
    assert expected
    fates = column(tissue, "fate")
    assert {fates[key] for key in expected} == {process.fate}


@everywhere
def test_clearance(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    everyone, expected = set(column(tissue, "key")), slow.cleared(world, DT)
    p.Clearance(biology())(tissue, DT)
    tissue.settle()
    assert everyone - set(column(tissue, "key")) == expected


@everywhere
def test_division(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    phase, mothers = slow.division(world, DT)
    asked: list[int] = []
    tissue.request_division = lambda rows: asked.extend(tissue.cells.key[rows].tolist())  # type: ignore[method-assign]
    p.Division(biology())(tissue, DT)
    same(column(tissue, "phase"), phase)
    assert sorted(asked) == sorted(mothers)
    assert mothers


@everywhere
def test_differentiation(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    expected = slow.differentiation(world, DT)
    p.Differentiation(biology())(tissue, DT)
    assert {key: biology().cells[int(kind)] for key, kind in column(tissue, "kind").items()} == expected
    reset = column(tissue, "polarization")
    changed = [cell.key for cell in world.cells if expected[cell.key] != cell.name]
    assert all(reset[key] == tissue.cells.columns["polarization"].default for key in changed)


@everywhere
def test_recruitment(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    pools = {name: BloodPool.model_construct(cells=80.0 + seed, renewal=0.01, loss=0.002) for name in tissue.pools}
    given = {name: (pool.cells, pool.renewal, 0.002) for name, pool in pools.items()}
    level, expected, called = slow.recruitment(world, given, DT)
    arrived: Counter[tuple[str, int]] = Counter()
    keys: list[int] = []

    def note(kind: int, pool: str, sites: np.ndarray, new: np.ndarray, drawn: np.ndarray) -> None:
        assert pool == biology().pool[kind]
        asked = [called[biology().cells[kind], int(site)] for site in sites]
        np.testing.assert_allclose(drawn, asked, rtol=1e-9, atol=1e-12)
        arrived.update((biology().cells[kind], int(site)) for site in sites)
        keys.extend(new.tolist())

    tissue.request_arrival = note  # type: ignore[method-assign]
    p.Recruitment(biology(), pools)(tissue, DT)
    assert {name: number.item() for name, number in tissue.pools.items()} == pytest.approx(level, rel=1e-12)
    assert arrived == expected
    assert arrived
    assert len(set(keys)) == len(keys)


@everywhere
def test_secretion_and_uptake(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    made, taken = slow.sources(world, STROMA)
    p.Secretion(biology(), STROMA)(tissue, DT)
    for expected, fast in ((made, tissue.fields.source), (taken, tissue.fields.uptake)):
        for name in tissue.fields:
            grid = fast.get(name, np.zeros(shape))
            slowly = np.array([expected[name][at] for at in np.ndindex(*shape)]).reshape(shape)
            np.testing.assert_allclose(grid, slowly, rtol=1e-10, atol=1e-15, err_msg=name)


@everywhere
def test_migration(seed: int, shape: tuple[int, ...]) -> None:
    tissue, world = pair(seed, shape)
    expected = slow.migration(world, DT)
    before = column(tissue, "site")
    p.Migration(biology())(tissue, DT)
    after = column(tissue, "site")
    assert after == {key: world.site(at) for key, (at, _) in expected.items()}
    assert column(tissue, "heading") == {key: heading for key, (_, heading) in expected.items()}
    assert sum(after[key] != before[key] for key in after) > 0


def test_the_reference_knows_a_trait() -> None:
    """Traits reach the rules: the same tissue under another tumor's traits behaves otherwise, as the reference says."""
    seen = compile(load_catalogue(), {"antigenicity": 0.05})
    tissue = crowd(seen, 1, (8, 7))
    world = slow.World(tissue, seen)
    expected = [world.of(cell, "antigen visibility") if cell.alive else 0.0 for cell in world.cells]
    np.testing.assert_allclose(tissue.behavior["antigen visibility"], expected, rtol=1e-10)
    assert 0 < max(expected) <= 0.05
