"""The forms: for every intervention that a file can say there is a form, and what it makes is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.scenario import Intervention, Scenario
from tme_abm.scenario.protocol import INTERVENTIONS
from viz.desk import place
from viz.forms import FORMS, able, accepted, beginning, table
from viz.session import Session

CATALOGUE = load_catalogue()


def test_every_intervention_has_a_form_but_that_of_traits_which_have_sliders() -> None:
    assert [kind for kind in INTERVENTIONS if kind not in FORMS.values()] == [
        kind for kind in INTERVENTIONS if kind.model_fields["do"].annotation.__args__ == ("set trait",)
    ]
    assert {"block a receptor", "dose a molecule: depot", "deplete cells", "knock out a product"} <= FORMS.keys()


@pytest.mark.parametrize("kind", FORMS.values(), ids=FORMS)
def test_what_a_form_begins_with_is_accepted_for_every_name_it_offers(tiny: Scenario, kind: type[Intervention]) -> None:
    session = Session(tiny, 1)
    names = accepted(kind, CATALOGUE, list(session.frame.fields))
    assert names
    given: dict[str, Any] = beginning(kind) | {next(n for n in kind.model_fields if n in SUBJECTS): names[0]}
    made = table(kind, given, CATALOGUE)
    lasts = made.pop("lasts", None)
    assert (lasts is not None) == ("place" in kind.model_fields)
    if "place" in kind.model_fields:
        made["place"] = place(tiny, 0.5, 0.5)
    session.intervene(made)
    session.step()
    assert [type(item) for _, item in session.in_force()] == [kind] or not hasattr(kind, "active")  # an event is over


SUBJECTS = {"receptor", "pathway", "molecule", "cell", "cells", "behavior", "product"}


def test_only_names_that_someone_can_answer_to_are_offered() -> None:
    pathways = accepted(FORMS["inhibit a pathway"], CATALOGUE, [])
    assert set(pathways) == {name for name, cells in CATALOGUE.pathways.items() if cells}
    products = accepted(FORMS["knock out a product"], CATALOGUE, [])
    makers = {**CATALOGUE.producers, **CATALOGUE.carriers}
    assert set(products) == {name for name in CATALOGUE.products if makers.get(name)}
    assert set(products) < set(CATALOGUE.products)
    given = accepted(FORMS["dose a molecule: vessels"], CATALOGUE, [])
    assert set(given) == set(CATALOGUE.exchange) & set(CATALOGUE.diffusing) < set(CATALOGUE.diffusing)


def test_the_cells_on_offer_are_those_that_the_class_would_take() -> None:
    kind = FORMS["block a receptor"]
    assert able(kind, beginning(kind) | {"receptor": "PD1"}, CATALOGUE) == tuple(CATALOGUE.carriers["PD1"])


def test_a_number_has_its_unit_and_a_count_is_whole() -> None:
    depot, add = FORMS["dose a molecule: depot"], FORMS["add cells"]
    made = table(depot, beginning(depot) | {"molecule": "IL2"}, CATALOGUE)
    assert made["rate"] == "1000000.0 1/min"
    assert made["lasts"] == 1440
    assert table(add, {"cell": "CD8", "count": 31.0}, CATALOGUE) == {"do": "add", "cell": "CD8", "count": 31}
