"""The shipped catalogue loads, gives a reason for every number, and holds nothing that nobody uses."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tme_abm.biology import Catalogue, compile, load_catalogue
from tme_abm.biology.schema import ReferenceEntry
from tme_abm.core.units import parse


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def test_every_number_has_a_basis(catalogue: Catalogue) -> None:
    unfounded = [
        place
        for place, parameter in catalogue.parameters()
        if not (parameter.source or (parameter.basis in ("assumed", "fitted") and parameter.note))
    ]
    assert not unfounded
    assert len(list(catalogue.parameters())) > 100


def test_what_is_called_measured_is_the_number_of_a_paper_that_was_read(catalogue: Catalogue) -> None:
    """No model, review or database; and nobody quotes from memory."""
    for place, parameter in catalogue.parameters():
        if parameter.basis == "measured":
            entries = [catalogue.references[source] for source in parameter.source]
            assert any(_is_a_paper(entry) and " read" in entry.note for entry in entries), place
            assert not any(entry.repository for entry in entries), place
            assert not parameter.note.startswith("recalled"), place


def test_the_number_of_a_model_names_its_repository(catalogue: Catalogue) -> None:
    for place, parameter in catalogue.parameters():
        if parameter.basis == "model":
            assert any(catalogue.references[source].repository for source in parameter.source), place


def _is_a_paper(entry: ReferenceEntry) -> bool:
    address = entry.doi or "pubmed.ncbi" in entry.url
    return bool(address and entry.authors and entry.year) and "review" not in entry.note


def test_every_claim_is_named_as_the_reviews_name_it(catalogue: Catalogue) -> None:
    claims = {claim for _, parameter in catalogue.parameters() for claim in parameter.claims}
    assert [claim for claim in sorted(claims) if not re.fullmatch(r"[A-Z]+(-[A-Z0-9]+)+", claim)] == []


def test_every_rule_reads_as_a_sentence(catalogue: Catalogue) -> None:
    sentences = catalogue.sentences()
    assert len(sentences) >= len(catalogue.rules) > 0
    assert all(sentence.startswith("In ") and sentence.endswith(").") for sentence in sentences)


def test_every_reference_is_cited(catalogue: Catalogue) -> None:
    cited = {source for _, parameter in catalogue.parameters() for source in parameter.source}
    cited |= {source for rule in catalogue.rules for source in rule.source}
    grammar = {"johnson-2025"}  # where the form of the rules comes from
    assert set(catalogue.references) - cited - grammar == set()


def test_every_receptor_is_carried_and_every_trait_used(catalogue: Catalogue) -> None:
    carried = {receptor for cell in catalogue.cells.values() for receptor in cell.receptors}
    assert set(catalogue.receptors) - carried == set()
    used = {entry.parameter.trait for entry in catalogue.entries()}
    assert set(catalogue.traits) - used == set()


def test_it_compiles_at_both_ends_of_every_trait(catalogue: Catalogue) -> None:
    for name, trait in catalogue.traits.items():
        for end in trait.range or ():
            biology = compile(catalogue, {name: parse(end, trait.kind)})
            rates = [index for index, kind in enumerate(biology.kinds) if kind != "number"]
            assert np.isfinite(biology.base).all()
            assert (biology.base[:, rates] >= 0).all()
