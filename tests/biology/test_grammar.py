"""Signals and behaviors are read from text and written back."""

from __future__ import annotations

import pytest

from tme_abm.biology.grammar import Signal, Vocabulary, behavior, family_members, signal
from tme_abm.core.errors import InputError

WORDS = Vocabulary(
    diffusing=("IFNG",), levels=("PDL1", "EMT"), inside=frozenset({"EMT"}), receptors=("PD1",), cells=("Treg",)
)


@pytest.mark.parametrize(
    ("text", "kind", "name", "quantity"),
    [
        ("IFNG", "concentration", "IFNG", "concentration"),
        ("PDL1", "level", "PDL1", "number"),
        ("PD1 occupancy", "occupancy", "PD1", "number"),
        ("contact with Treg", "contact", "Treg", "number"),
        ("contact with dead", "contact", "dead", "number"),
        ("own exhaustion", "own", "exhaustion", "number"),
        ("own PDL1", "own", "PDL1", "number"),
        ("crowding", "crowding", "", "number"),
        ("matrix", "matrix", "", "number"),
        ("exposure to IFNG", "exposure", "IFNG", "concentration"),
        ("exposure to PDL1", "exposure", "PDL1", "number"),
        ("time since arrival", "arrival", "", "time"),
    ],
)
def test_a_signal_is_read_and_written_back(text: str, kind: str, name: str, quantity: str) -> None:
    heard = signal(text, WORDS)
    assert heard == Signal(kind, name)
    assert str(heard) == text
    assert heard.quantity(WORDS) == quantity


@pytest.mark.parametrize("text", ["", "ifng", "PD1", "PD1  occupancy", "contact with", "own ", "exposure to PD1"])
def test_what_is_no_signal_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        signal(text, WORDS)


def test_an_exposure_as_it_is_printed_says_where_its_time_belongs() -> None:
    printed = str(Signal("exposure", "PDL1", 360.0))
    assert printed == "exposure to PDL1 over 6 h"
    with pytest.raises(InputError, match=r"write 'exposure to PDL1' and memory = \"6 h\""):
        signal(printed, WORDS)


@pytest.mark.parametrize("text", ["EMT", "exposure to EMT", "contact with EMT"])
def test_what_is_inside_a_cell_is_sensed_by_the_cell_alone(text: str) -> None:
    assert signal("own EMT", WORDS) == Signal("own", "EMT")
    with pytest.raises(InputError, match=r"EMT is inside the cell .* the cell itself senses it as 'own EMT'"):
        signal(text, WORDS)


def test_behaviors_and_families() -> None:
    assert behavior("speed", WORDS).kind == "speed"
    found = behavior("differentiation Treg", WORDS)
    assert (found.kind, found.family, found.target) == ("rate", "differentiation", "Treg")
    assert family_members(WORDS) == ("secretion IFNG", "expression PDL1", "expression EMT", "differentiation Treg")
    for text in ("secretion PDL1", "expression IFNG", "secretion", "flight"):
        with pytest.raises(InputError):
            behavior(text, WORDS)
