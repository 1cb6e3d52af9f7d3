"""The arrays say what the files say."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tme_abm.biology import BEHAVIORS, Biology, Signal, compile, load_catalogue
from tme_abm.biology.compiled import ContactMolecule, Molecule, Program, Receptor, Term
from tme_abm.core.errors import InputError

SMALL = Path(__file__).parent / "small"
Edit = Callable[[str, str, str], Path]


@pytest.fixture(scope="module")
def biology() -> Biology:
    return compile(load_catalogue(SMALL))


def test_names_and_their_order(biology: Biology) -> None:
    assert biology.cells == ("tumor", "CD8", "TAM")
    assert biology.layer == ("tissue", "immune", "immune")
    assert biology.pool == (None, "CD8", "monocyte")
    assert biology.sees == (None, "antigen", None)
    assert biology.hunts == ((), (0,), ())
    assert biology.behaviors == (*BEHAVIORS, "secretion IFNG", "expression PDL1")
    assert biology.behavior_index["expression PDL1"] == len(BEHAVIORS) + 1
    assert biology.kinds[biology.behavior_index["speed"]] == "speed"
    assert dict(biology.molecule_index) == {"IFNG": 0, "oxygen": 1}
    assert dict(biology.contact_index) == {"PDL1": 0}
    assert dict(biology.receptor_index) == {"PD1": 0, "IFNGR": 1}


def test_molecules_and_receptors_come_in_internal_units(biology: Biology) -> None:
    assert biology.molecules == (
        Molecule("IFNG", 6000.0, pytest.approx(0.5 / 60)),
        Molecule("oxygen", 120_000.0, 0.0, background=50_000.0, exchange=2.0, level=90_000.0, saturation=500.0),
    )
    assert biology.contacts == (ContactMolecule("PDL1", pytest.approx(1 / 1440)),)
    assert biology.receptors == (Receptor("PD1", (("PDL1", 0.5),), True), Receptor("IFNGR", (("IFNG", 0.1),)))


def test_bases_and_their_defaults(biology: Biology) -> None:
    column = biology.behavior_index
    assert biology.base.shape == (3, len(biology.behaviors))
    assert biology.base[:, column["infiltration"]].tolist() == [1.0, 1.0, 1.0]
    assert biology.base[:, column["attack"]] == pytest.approx([0.0, 0.06, 0.0])
    assert biology.base[0, column["division"]] == pytest.approx(1 / 1440)
    assert biology.base[0, column["antigen visibility"]] == pytest.approx(0.5)
    assert biology.base[1, column["secretion IFNG"]] == pytest.approx(10.0)
    assert not biology.base[:, column["speed"]].any()


def test_what_cells_carry_and_take_up(biology: Biology) -> None:
    assert biology.expresses.tolist() == [[False, False], [True, False], [False, False]]
    assert biology.chemotaxis.shape == (3, 2)
    assert biology.uptake[1].tolist() == [60.0, 0.0]
    assert not biology.base.flags.writeable


def test_programs_hold_rules_and_scales(biology: Biology) -> None:
    cell, behavior, heard = biology.cell_index, biology.behavior_index, biology.signal_index
    by_place = {(program.cell, program.behavior): program for program in biology.programs}
    assert len(by_place) == 4
    assert by_place[cell["CD8"], behavior["attack"]] == Program(
        cell["CD8"],
        behavior["attack"],
        0.06,
        downs=(Term(heard["PD1 occupancy"], 0.5, 2.0, 0.01),),
        scale=Term(heard["own activation"], 0.5, 4.0, 1.0),
    )
    expression = by_place[cell["TAM"], behavior["expression PDL1"]]
    assert expression.ups == (Term(heard["exposure to IFNG over 1 day"], 0.03, 1.0, 1.0),)
    assert not expression.downs
    assert biology.signals[expression.ups[0].signal] == Signal("exposure", "IFNG", 1440.0)
    assert len(biology.signals) == len(biology.signal_index) == 4


def test_a_rule_brings_the_pathways_that_carry_it(edited: Edit) -> None:
    catalogue = load_catalogue(edited("rules", "hill = 2\n", 'hill = 2\npathway = ["SHP2", "PD1"]\n'))
    carried = {term.pathway for program in compile(catalogue).programs for term in (*program.ups, *program.downs)}
    assert carried == {(), ("SHP2", "PD1")}
    assert "PD1 occupancy decreases attack through SHP2 and PD1 from " in catalogue.sentences()[0]

    assert catalogue.pathways == {"PD1": ("CD8",), "SHP2": ("CD8",)}
    assert catalogue.behaviors["expression PDL1"] == ("tumor", "TAM")
    assert catalogue.behaviors["infiltration"] == ("CD8", "TAM")
    assert catalogue.kind_of("attack") == "rate"


def test_a_behavior_is_not_forgotten_while_its_trait_is_zero() -> None:
    catalogue = load_catalogue(SMALL)
    silent, usual = compile(catalogue, {"antigenicity": 0.0}), compile(catalogue)
    place = (silent.cell_index["tumor"], silent.behavior_index["antigen visibility"])
    assert place in {(program.cell, program.behavior) for program in silent.programs}
    assert place not in {(program.cell, program.behavior) for program in usual.programs}
    assert silent.bases_of["antigenicity"] == (place,)


def test_traits_replace_their_defaults_and_only_them() -> None:
    catalogue = load_catalogue(SMALL)
    biology = compile(catalogue, {"antigenicity": 0.9})
    assert biology.base[0, biology.behavior_index["antigen visibility"]] == pytest.approx(0.9)
    assert biology.base[0, biology.behavior_index["division"]] == pytest.approx(1 / 1440)
    assert biology.traits["antigenicity"] == pytest.approx(0.9)
    with pytest.raises(InputError, match=r"no trait 'antigenicty'.*Did you mean 'antigenicity'"):
        compile(catalogue, {"antigenicty": 0.9})


def test_a_trait_that_makes_a_rule_senseless_is_refused(edited: Edit) -> None:
    catalogue = load_catalogue(edited("rules", "half_max = 0.5", 'half_max = "trait:antigenicity"'))
    assert compile(catalogue, {"antigenicity": 0.2}).programs
    with pytest.raises(InputError, match="not above zero"):
        compile(catalogue, {"antigenicity": 0.0})


def test_it_travels_between_processes(biology: Biology) -> None:
    copy = pickle.loads(pickle.dumps(biology))
    assert copy.programs == biology.programs
    assert np.array_equal(copy.base, biology.base)


UP, DOWN, GATE = (Term(signal=n, half_max=1.0, hill=1.0, towards=0.0) for n in range(3))
WHOLE = Program(cell=0, behavior=0, base=1.0, ups=(UP, DOWN), downs=(DOWN,), scale=GATE)


def test_terms_are_numbered_ups_downs_scale() -> None:
    assert WHOLE.terms == (UP, DOWN, DOWN, GATE)
    assert WHOLE.without(0) == replace(WHOLE, ups=(DOWN,))
    assert WHOLE.without(1) == replace(WHOLE, ups=(UP,))
    assert WHOLE.without(2) == replace(WHOLE, downs=())
    assert WHOLE.without(3) == replace(WHOLE, scale=None)
    assert replace(WHOLE, scale=None).terms == (UP, DOWN, DOWN)
