from __future__ import annotations

from pathlib import Path

import pytest

from tme_abm.biology import changed, load_catalogue
from tme_abm.biology.catalogue import Catalogue
from tme_abm.core.errors import InputError

from .conftest import Edit

SMALL = Path(__file__).parent / "small"
HALF_MAX = "rule (tumor, TAM: exposure to IFNG increases expression PDL1): half_max"
TOWARDS = "rule (CD8: PD1 occupancy decreases attack): towards"


def as_texts(catalogue: Catalogue) -> dict[str, str | float]:
    return {place: number.value for place, number in catalogue.parameters()}


@pytest.mark.parametrize("catalogue", [load_catalogue(SMALL), load_catalogue()], ids=["small", "shipped"])
def test_every_number_can_be_set_where_it_is_and_nothing_else_moves(catalogue: Catalogue) -> None:
    assert changed(catalogue, as_texts(catalogue)) == catalogue


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (HALF_MAX, "0.05 nM"),
        (TOWARDS, "0.02 /min"),
        ("cell.CD8.behaviors.attack.scaled_by.hill", 3),
        ("cell.CD8.behaviors.secretion IFNG", "20 molecules/cell/min"),
        ("cell.CD8.uptake.IFNG", "2 um^3/s"),
        ("molecule.oxygen.supply.exchange", "3 /min"),
        ("receptor.PD1.ligands.PDL1", 0.7),
        ("trait.antigenicity", 0.9),
    ],
)
def test_one_number_changes_and_the_rest_stays(place: str, value: str | float) -> None:
    before = load_catalogue(SMALL)
    after = changed(before, {place: value})
    assert as_texts(after) == as_texts(before) | {place: value}
    assert as_texts(before)[place] != value
    sources = {name: number.source for name, number in before.parameters()}
    assert {name: number.source for name, number in after.parameters()} == sources


def test_a_changed_catalogue_reads_as_an_edited_file(edited: Edit) -> None:
    file = edited("rules", '"0.03 nM"', '"0.05 nM"')
    assert changed(load_catalogue(SMALL), {HALF_MAX: "0.05 nM"}) == load_catalogue(file)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({HALF_MAX: "0.2 nM"}, "half_max: .*lies outside its range, 10 pM to 0.1 nM"),
        ({HALF_MAX: 0.05}, "half_max: .*concentration"),
        ({TOWARDS: "0.09 /min"}, r"'decreases', but 'towards' .* is above the base of CD8"),
        ({"trait.antigenicity": 1.1}, "antigenicity: 1.1 lies outside its range, 0 to 1"),
        ({HALF_MAX: True}, "true is not a quantity"),
        (
            {"cell.CD8.behaviors.atack": "0.1 /min"},
            "no number 'cell.CD8.behaviors.atack'; did you mean 'cell.CD8.behaviors.attack'",
        ),
        ({"cell.tumor.behaviors.division": "1 /day"}, "no number 'cell.tumor.behaviors.division'"),
    ],
)
def test_what_a_file_may_not_say_is_refused(values: dict[str, str | float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        changed(load_catalogue(SMALL), values)


def test_all_problems_at_once() -> None:
    with pytest.raises(InputError, match=r"^2 problems"):
        changed(load_catalogue(SMALL), {"trait.antigenicity": 2, HALF_MAX: "1 nM"})
