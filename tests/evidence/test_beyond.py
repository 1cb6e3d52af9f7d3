"""What assays have at more than tumors have is found, named, and part of the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tme_abm.evidence import Assay, load_assays
from tme_abm.evidence.beyond import SLACK, beyond
from tme_abm.evidence.review import read_review, run_review, write_review
from tme_abm.levels.survey import Record

CLAIM = "A-TNF-08"
TUMORS = Record(
    command="", version="1", seed=1, days=(3.0,),
    molecules={"TNF": {"hot": {"core": (0.0, 0.03)}, "cold": {"margin": (0, 0.01)}}, "IL2": {"hot": {"core": (0, 1)}}},
    densities={"NK": {"hot": {"core": (10.0, 50.0), "margin": (1.0, 60.0)}}, "CD8": {"hot": {"core": (0.0, 900.0)}}},
)  # fmt: skip
STATES = {"readout": "count of tumor", "direction": "down"}


def assay(arms: dict[str, Any], *, cells: tuple[dict[str, Any], ...] = (), **more: Any) -> Assay:
    """An assay in which the arm "dose" shows the claim against "none"."""
    table = {
        "id": "one", "title": "one", "claims": [CLAIM], "dish": "culture", "duration": "1 day", "cells": cells,
        "arms": {"none": [], **arms}, "expect": [{**STATES, "arm": "dose", "against": "none"}],
    }  # fmt: skip
    return Assay.model_validate(table | more)


def hold(level: str, molecule: str = "TNF", **more: str) -> dict[str, str]:
    return {"do": "hold", "molecule": molecule, "level": level, **more}


def said(one: Assay, claim: str = CLAIM) -> list[str]:
    return [found.says for found in beyond(one, claim, TUMORS)]


def test_a_dose_beyond_tumors_is_named_with_what_they_have() -> None:
    (found,) = beyond(assay({"dose": [hold("2 nM")]}), CLAIM, TUMORS)
    assert (found.what, found.amount, found.most, found.drug, found.assay) == ("TNF", 2.0, 0.03, False, "one")
    assert found.fold == pytest.approx(2.0 / 0.03)
    assert found.says == "TNF 2 nM (shipped tumors have at most 30 pM)"
    assert said(assay({"dose": [hold(f"{SLACK * 30:g} pM")]})) == []
    assert said(assay({"dose": [hold("1 nM", "CCL20")]})) == ["CCL20 1 nM (shipped tumors have none)"]


def test_the_higher_wall_of_a_gradient_and_the_highest_of_a_series_count() -> None:
    assert said(assay({"dose": [hold("0 nM", to="1 nM")]})) == ["TNF 1 nM (shipped tumors have at most 30 pM)"]
    series = {"dose": [hold("0.5 nM")], "more": [hold("5 nM")]}
    rising = [{"readout": "count of tumor", "direction": "falling", "arms": ["none", "dose", "more"]}]
    assert said(assay(series, expect=rising)) == ["TNF 5 nM (shipped tumors have at most 30 pM)"]


def test_an_arm_in_which_the_effect_should_be_gone_does_not_count() -> None:
    arms = {"dose": [hold("20 pM")], "drowned": [hold("50 nM")]}
    expect = [{**STATES, "arm": "dose", "against": "none"}, {**STATES, "direction": "none", "arm": "drowned"}]
    assert said(assay(arms, expect=expect)) == []
    assert said(assay(arms, expect=[{**STATES, "arm": "drowned", "against": "none"}])) != []


def test_cells_count_by_area() -> None:
    few = {"cell": "NK", "count": 10}  # on 360 um x 360 um
    assert said(assay({"dose": []}, cells=(few,))) == []
    boxed = {**few, "x": ["0 um", "90 um"]}
    assert said(assay({"dose": []}, cells=(boxed,))) == ["NK 309 /mm² (shipped tumors have at most 60 /mm²)"]
    dense = {"cell": "NK", "density": "500 /mm^2"}
    assert said(assay({"dose": []}, cells=(dense,))) == ["NK 500 /mm² (shipped tumors have at most 60 /mm²)"]
    wide = {"lattice.shape": [24, 96]}  # with four times the area
    assert said(assay({"dose": []}, cells=(boxed,), dish_changes=wide)) == said(assay({"dose": []}, cells=(boxed,)))
    assert said(assay({"dose": []}, cells=({"cell": "NK", "count": 30},), dish_changes=wide)) == []


def test_drugs_are_named_and_not_blamed() -> None:
    assert said(assay({"dose": [hold("1 uM", "TKI")]})) == ["TKI 1 µM as a drug (shipped tumors have none)"]
    therapy = assay({"dose": [hold("30 nM", "IL2")]}, claims=["A-THER-02"])
    assert said(therapy, "A-THER-02") == ["IL2 30 nM as a drug (shipped tumors have at most 1 nM)"]
    infused = {"do": "dose", "route": "vessels", "molecule": "IL2", "level": "9 nM", "exchange": "1 /h"}
    assert said(assay({"dose": [infused]})) == ["IL2 9 nM as a drug (shipped tumors have at most 1 nM)"]


def test_doses_come_before_cells_and_drugs() -> None:
    items = [hold("1 uM", "TKI"), hold("1 nM"), hold("9 nM", "CCL20")]
    found = beyond(assay({"dose": items}, cells=({"cell": "NK", "count": 30},)), CLAIM, TUMORS)
    assert [one.what for one in found] == ["CCL20", "TNF", "NK", "TKI"]


def test_every_shipped_assay_can_be_held_against_tumors() -> None:
    found = {(name, claim): beyond(one, claim) for name, one in load_assays().items() for claim in one.claims}
    assert any(found.values())
    assert not all(found.values())


def test_it_is_part_of_the_verdict_and_of_what_is_stored(tmp_path: Path) -> None:
    dose = [hold("2 nM")]
    one = assay({"dose": dose}, cells=({"cell": "tumor", "count": 40},), duration="1 h")
    more = one.model_copy(update={"id": "two", "arms": {"none": (), "dose": (hold("3 nM"),)}})
    review = run_review([CLAIM], assays=[one, more], robust=False)
    (found,) = review.claims[0].beyond
    assert (found.what, found.amount, found.assay) == ("TNF", 3.0, "two")
    write_review(review, tmp_path / "claims.json")
    assert read_review(tmp_path / "claims.json") == review
