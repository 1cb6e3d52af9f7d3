"""Coverage is read from the catalogue and the assays, and shows gaps as gaps."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.evidence.assays import Assay
from tme_abm.evidence.claims import claims, scope
from tme_abm.evidence.coverage import BEYOND, Row, coverage, write_coverage
from tme_abm.evidence.results import ClaimResult, Review


def assay(*served: str, **changes: object) -> Assay:
    """TNF on tumor cells, with a blocked arm and one that no expectation looks at."""
    table = {
        "id": "tnf-on-tumor",
        "title": "TNF on tumor cells",
        "claims": list(served),
        "dish": "culture",
        "duration": "48 h",
        "cells": [{"cell": "tumor", "count": 60}, {"cell": "PMN-MDSC", "count": 5}],
        "arms": {
            "control": [],
            "treated": [{"do": "hold", "molecule": "TNF", "level": "1 nM"}],
            "blocked": [{"do": "block", "receptor": "CXCR2"}],
            "unused": [{"do": "hold", "molecule": "IL15", "level": "1 nM"}],
        },
        "expect": [
            {"readout": "apoptosis of tumor", "arm": "treated", "against": "control", "direction": "up"},
            {
                "readout": "level of IL10 at NK", "arm": "blocked", "against": "control", "direction": "up",
                "claims": list(served[:1]),
            },
        ],
    }  # fmt: skip
    return Assay.model_validate({**table, **changes})


def rows(*assays: Assay, review: Review | None = None) -> dict[str, Row]:
    found = coverage(load_catalogue(), {one.id: one for one in assays}, review)
    assert [row.claim for row in found] == sorted({row.claim for row in found})
    return {row.claim: row for row in found}


def test_every_claim_in_scope_has_a_row_and_those_outside_a_reason() -> None:
    found = rows()
    assert {claim for claim, row in found.items() if row.in_scope} == set(scope().ids)
    assert {claim: row.outside for claim, row in found.items() if not row.in_scope} == dict(scope().outside)


def test_rules_that_name_a_claim_are_listed_and_said() -> None:
    found = rows()
    for rule in load_catalogue().rules:
        for claim in set(rule.claims) & set(found):
            assert rule.title in found[claim].rules
            assert set(rule.cell) <= set(found[claim].cells)
            said = [one for one in found[claim].carriers if f", {rule.signal} {rule.effect} " in one.says]
            assert len(said) >= len(rule.cell)
    assert not any(found[claim].rules for claim in set(found) - {c for r in load_catalogue().rules for c in _claims(r)})


def _claims(rule: object) -> set[str]:
    parts = [rule, *(getattr(rule, name) for name in ("towards", "half_max", "hill", "memory"))]
    return {claim for part in parts if part is not None for claim in part.claims}


def test_a_number_of_a_rule_may_name_a_claim_of_its_own() -> None:
    catalogue = load_catalogue()
    rule = catalogue.rules[0]
    number = rule.half_max.model_copy(update={"claims": ("B-METH-01",)})
    changed = replace(catalogue, rules=(rule.model_copy(update={"half_max": number, "claims": ()}),))
    row = next(row for row in coverage(changed, {}) if row.claim == "B-METH-01")
    assert row.rules == (rule.title,)


def test_a_number_that_names_a_claim_brings_its_molecule_and_cell() -> None:
    found = rows()
    seen = 0
    for name, cell in load_catalogue().cells.items():
        for behavior, base in cell.behaviors.items():
            family, _, molecule = behavior.partition(" ")
            for claim in set(base.claims) & set(found):
                assert name in found[claim].cells
                if family == "secretion":
                    seen += 1
                    assert molecule in found[claim].molecules
    assert seen > 3


def test_an_assay_counts_with_its_cells_readouts_and_compared_arms() -> None:
    bare = rows()["B-METH-01"]
    assert (bare.assays, bare.molecules, bare.receptors) == ((), (), ())
    both, second = (rows(assay("B-METH-01", "B-METH-02"))[claim] for claim in ("B-METH-01", "B-METH-02"))
    assert both.assays == second.assays == ("tnf-on-tumor",)
    assert both.molecules == ("TNF", "IL10")
    assert both.receptors == ("CXCR2",)
    assert set(both.cells) == {"tumor", "PMN-MDSC", "NK"}
    assert second.molecules == ("TNF",)  # the blocked arm and its readout are about the other claim alone
    assert second.receptors == ()


def test_a_claim_beyond_the_scope_is_shown_if_an_assay_serves_it() -> None:
    beyond = next(one for one in claims() if one not in scope().ids and one not in scope().outside)
    assert beyond not in rows()
    assert rows(assay(beyond))[beyond].outside == BEYOND


def test_the_verdict_comes_from_the_review() -> None:
    review = Review(
        version="0", seed=1, quick=False, seconds=0, command="", assays=(),
        claims=(ClaimResult(id="B-METH-01", verdict="contradicted"),),
    )  # fmt: skip
    found = rows(review=review)
    assert found["B-METH-01"].verdict == "contradicted"
    assert found["B-METH-02"].verdict == ""


def test_the_table_for_spreadsheets_holds_all_of_it(tmp_path: Path) -> None:
    found = rows(assay("B-METH-01"))
    write_coverage(found.values(), tmp_path / "coverage.csv")
    text = (tmp_path / "coverage.csv").read_text(encoding="utf-8")
    read = {line["claim"]: line for line in csv.DictReader(io.StringIO(text))}
    assert list(read) == list(found)
    assert read["B-METH-01"]["molecules"] == "TNF; IL10"
    assert read["B-METH-01"]["fact"] == claims()["B-METH-01"].fact
    assert read["A-TNF-06"]["outside"] == scope().outside["A-TNF-06"]


@pytest.mark.parametrize("claim", ["A-TNF-08", "B-TAM-04"])
def test_the_shipped_catalogue_carries_known_claims(claim: str) -> None:
    row = rows()[claim]
    assert row.rules
    assert row.molecules or row.receptors

