"""When cells are asked, and what need not be asked."""

from __future__ import annotations

import numpy as np

from tests.support.catalogue import lively, shipped
from tests.support.crowds import crowd
from tests.support.tissues import respond
from tme_abm.biology import Biology
from tme_abm.processes import Response, Senses
from tme_abm.tissue import APOPTOTIC, Tissue


def quick() -> Biology:
    return lively(shipped())


def everything(tissue: Tissue, biology: Biology) -> dict[str, np.ndarray]:
    return {name: tissue.behavior[name].copy() for name in biology.behaviors}


def test_all_behaviors_of_a_step_answer_to_the_same_moment() -> None:
    """What processes change during a step is felt in the next one, in whatever order they come."""
    biology = quick()
    tissue, other = crowd(biology, 1), crowd(biology, 1)
    expected = everything(tissue, biology)
    for column in ("activation", "exhaustion", "polarization"):
        other.cells[column] = 0.5
    other.fields["IFNG"][...] = 1e3
    for name, values in everything(other, biology).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
    later = everything(respond(other, biology), biology)
    assert sum(not np.array_equal(later[name], expected[name]) for name in expected) > 20


def test_a_value_is_the_same_asked_alone_and_with_all_others() -> None:
    biology = quick()
    tissue = crowd(biology, 2)
    tissue.controls.signaling = {(kind, "STAT3"): 0.3 for kind in range(len(biology.cells))}
    respond(tissue, biology)
    for kind in range(len(biology.cells)):
        rows = tissue.behavior.rows_of(kind)
        for name in biology.behaviors:
            alone = np.broadcast_to(Response(biology, tissue).of_rows(kind, name, rows), len(rows))
            together = np.broadcast_to(tissue.behavior.of(kind, name), len(rows))
            np.testing.assert_array_equal(alone, together, err_msg=f"{name} of {biology.cells[kind]}")


def test_a_molecule_that_is_not_there_is_one_at_zero() -> None:
    biology = quick()
    tissue, other = crowd(biology, 3), crowd(biology, 3)
    gone = [molecule.name for molecule in biology.molecules][::2]
    for name in gone:
        tissue.fields[name].fill(0.0)
    other.fields.follow([name for name in other.fields if name not in gone])
    one, two = (everything(respond(each, biology), biology) for each in (tissue, other))
    for name, values in one.items():
        np.testing.assert_array_equal(two[name], values, err_msg=name)


def test_over_kinds_is_each_kind_in_turn() -> None:
    biology = quick()
    tissue = crowd(biology, 4)
    kinds = [biology.cell_index[name] for name in ("NK", "tumor", "CD8")]
    rows, values = tissue.behavior.over(kinds, "apoptosis")
    assert tissue.cells.kind[rows].tolist() == [k for k in kinds for _ in tissue.behavior.rows_of(k)]
    np.testing.assert_array_equal(values, tissue.behavior["apoptosis"][rows])
    assert tissue.behavior.over([], "apoptosis")[0].shape == (0,)


def test_a_table_is_each_behavior_in_turn() -> None:
    biology = quick()
    tissue = crowd(biology, 4)
    kinds = [biology.cell_index[name] for name in ("NK", "CD8")]
    names = ("speed", "attack", "binding")
    table = tissue.behavior.table(kinds, names)
    for values, name in zip(table, names, strict=True):
        np.testing.assert_array_equal(values, tissue.behavior[name][tissue.behavior.rows_over(kinds)], err_msg=name)


def test_signals_sensed_together_are_those_sensed_alone() -> None:
    """Under blockade, antagonists, neutralization, a medium, on the lattice and at vessels; molecules are missing."""
    biology = quick()
    tissue = crowd(biology, 5)
    rng = np.random.default_rng(0)
    tissue.controls.free_receptor[:] = rng.choice([0.0, 0.4, 1.0], tissue.controls.free_receptor.shape)
    tissue.controls.inhibition[:] = rng.choice([0.0, 2.0], tissue.controls.inhibition.shape)
    tissue.controls.free = {molecule.name: 0.3 for molecule in (*biology.molecules, *biology.contacts)[::3]}
    tissue.controls.held = {"IL10": 0.2, "TGFB": rng.random(tissue.lattice.n_sites)}
    # Some molecules are not there; one receptor has no ligand left.
    gone = {"IL10", *(name for name, _ in biology.receptors[biology.receptor_index["CXCR3"]].ligands)}
    tissue.fields.follow([molecule for molecule in tissue.fields if molecule not in gone])
    everything = tuple(range(len(biology.signals)))
    for kind in range(len(biology.cells)):
        rows = np.flatnonzero(tissue.cells.kind == kind)
        for sites, who in ((tissue.cells.site[rows].astype(np.intp), rows), (tissue.vessels, None)):
            together = Senses(biology, tissue).together(everything, kind, sites, who)
            for number, heard in enumerate(together):
                signal, senses = biology.signals[number], Senses(biology, tissue)
                np.testing.assert_array_equal(heard, senses(number, kind, sites, who), err_msg=str(signal))
                if signal.kind in ("concentration", "level"):
                    np.testing.assert_array_equal(heard, senses.level(signal.name, sites, who), err_msg=str(signal))
                elif signal.kind == "occupancy":
                    alone = senses.occupied(biology.receptor_index[signal.name], kind, sites, who)
                    np.testing.assert_array_equal(heard, alone, err_msg=str(signal))


def hill(base: float, ups: list[tuple[np.ndarray, float]], downs: list[tuple[np.ndarray, float]]) -> np.ndarray | float:
    """The joint Hill function in plain words: (weight, target) of what increases, then of what decreases."""
    value: np.ndarray | float = base
    for terms in (ups, downs):
        value = (value + sum(w * t for w, t in terms)) / (1.0 + sum(w for w, _ in terms))
    return value


def test_a_behavior_taken_apart_is_what_it_would_be_without_each_signal() -> None:
    biology = shipped()
    tissue = crowd(biology, 4)
    for name in tissue.fields:
        tissue.fields[name][...] *= 100.0  # so that most signals matter
    tissue.controls.signaling = {(kind, "STAT3"): 0.3 for kind in range(len(biology.cells))}
    response, senses = Response(biology, tissue), Senses(biology, tissue)
    changed = 0
    for program in (p for p in biology.programs if p.terms):
        name = biology.behaviors[program.behavior]
        sites, rows = response.asked(program.cell, name)
        weights, values = response.taken_apart(program, sites, rows)
        assert values.shape == (1 + len(program.terms), len(sites))
        ask, where = (response.at_sites, sites) if rows is None else (response.of_rows, rows)
        whole = ask(program.cell, name, where)
        np.testing.assert_allclose(values[0], whole if len(sites) else np.empty(0), rtol=1e-12)
        expected_weights = [
            (senses(term.signal, program.cell, sites, rows) / term.half_max) ** term.hill
            * (0.3 if "STAT3" in term.pathway else 1.0) for term in program.terms
        ]  # fmt: skip
        np.testing.assert_allclose(weights, expected_weights, rtol=1e-9)
        ups, downs = len(program.ups), len(program.downs)
        pairs = [(weight, term.towards) for weight, term in zip(weights, program.terms, strict=True)]
        for left_out in range(len(pairs)):
            kept = [(n, pair) for n, pair in enumerate(pairs) if n != left_out]
            value = hill(program.base, [p for n, p in kept if n < ups], [p for n, p in kept if ups <= n < ups + downs])
            if program.scale is not None and left_out < ups + downs:
                value = value * weights[-1] / (1.0 + weights[-1])
            np.testing.assert_allclose(values[1 + left_out], np.broadcast_to(value, len(sites)), rtol=1e-9, atol=1e-300)
            changed += bool((np.abs(values[1 + left_out] - values[0]) > 1e-3 * np.abs(values[0])).any())
    assert changed > 100


def test_a_fixed_behavior_does_not_depend_on_any_signal() -> None:
    biology = shipped()
    tissue, cd8 = crowd(biology, 4), biology.cell_index["CD8"]
    tissue.controls.fixed = {(cd8, "attack"): 0.25}
    program = next(p for p in biology.programs if (p.cell, biology.behaviors[p.behavior]) == (cd8, "attack"))
    response = Response(biology, tissue)
    _, values = response.taken_apart(program, *response.asked(cd8, "attack"))
    assert values.size
    assert (values == 0.25).all()


def test_behaviors_are_asked_of_the_living_the_dead_or_the_vessels() -> None:
    biology = shipped()
    tissue = crowd(biology, 5)
    cd8, wall = biology.cell_index["CD8"], biology.cell_index["endothelium"]
    mine = tissue.cells.kind == cd8
    tissue.cells.fate[np.flatnonzero(mine & tissue.living)[:2]] = APOPTOTIC
    living, dead = np.flatnonzero(mine & tissue.living), np.flatnonzero(mine & ~tissue.living)
    assert len(living)
    assert len(dead)
    response = Response(biology, tissue)
    for name, rows in (("attack", living), ("infiltration", living), ("clearance", dead)):
        sites, asked = response.asked(cd8, name)
        np.testing.assert_array_equal(asked, rows)
        np.testing.assert_array_equal(sites, tissue.cells.site[rows])
    for kind, name in ((cd8, "extravasation"), (wall, "adhesion"), (wall, "secretion CXCL12")):
        sites, asked = response.asked(kind, name)
        assert asked is None
        np.testing.assert_array_equal(sites, tissue.vessels)
