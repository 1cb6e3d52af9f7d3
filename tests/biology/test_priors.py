"""Priors of the shipped numbers, and joint draws of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tme_abm.biology import changed, load_catalogue
from tme_abm.biology.catalogue import Catalogue
from tme_abm.biology.priors import WIDTHS, Prior, draw, drawn_catalogue, priors, shared

SHIPPED = load_catalogue()
KNOWN = priors(SHIPPED)
ENTRIES = {one.place: one for one in SHIPPED.entries() if not one.parameter.is_trait}


def numbers(catalogue: Catalogue) -> dict[str, float]:
    return {one.place: one.parameter.number(one.kind) for one in catalogue.entries() if not one.parameter.is_trait}


def sample(prior: Prior) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([prior.at(z) for z in np.random.default_rng(1).standard_normal(20_000)])


def test_every_number_has_a_prior_whose_median_is_its_value() -> None:
    assert KNOWN.keys() == dict(SHIPPED.parameters()).keys()
    for place, value in numbers(SHIPPED).items():
        assert KNOWN[place].at(0.0) == value, place
        assert KNOWN[place].ends[0] <= value <= KNOWN[place].ends[1], place


def test_a_range_holds_ninety_percent() -> None:
    together = shared(SHIPPED)
    apart = KNOWN.keys() - set(together) - set(together.values())
    both = 0
    for place, entry in ENTRIES.items():
        bounds = entry.parameter.bounds(entry.kind)
        if bounds is None or place not in apart or KNOWN[place].form == "fixed" or place.startswith("trait."):
            continue
        low, high = KNOWN[place].ends
        if bounds[0] > 0:
            assert low == pytest.approx(bounds[0]), place
        if not (entry.kind == "number" and bounds[1] >= 1):
            assert high == pytest.approx(bounds[1]), place
            both += bounds[0] > 0
    assert both > 300


@pytest.mark.parametrize("form", ["log-normal", "logit-normal"])
def test_a_sample_has_the_median_and_the_ends(form: str) -> None:
    prior = Prior(median=0.3, form=form, below=0.4, above=1.1)
    drawn = sample(prior)
    assert np.median(drawn) == pytest.approx(0.3, rel=0.03)
    assert np.mean(drawn < prior.ends[0]) == pytest.approx(0.05, abs=0.008)
    assert np.mean(drawn > prior.ends[1]) == pytest.approx(0.05, abs=0.008)
    for value in (0.2, 0.3, 0.6):
        assert prior.at(prior.deviations(value)) == pytest.approx(value)


def test_the_width_without_a_range_follows_the_basis() -> None:
    found = {}
    for place, entry in ENTRIES.items():
        if entry.parameter.range is None and KNOWN[place].form == "log-normal" and entry.kind == "rate":
            found[entry.parameter.basis, bool(entry.parameter.source)] = math.exp(KNOWN[place].above)
    assert found["assumed", False] == pytest.approx(WIDTHS["assumed"])
    assert WIDTHS["measured"] < WIDTHS["derived"] <= WIDTHS["fitted"] < WIDTHS["model"] < WIDTHS["assumed"]


def test_a_basis_without_a_width_is_as_wide_as_assumed() -> None:
    entry = next(one for one in ENTRIES.values() if one.kind == "rate" and not one.parameter.range)
    other = SHIPPED.cells["CD8"].model_copy(
        update={"uptake": {"IL2": entry.parameter.model_copy(update={"basis": "guessed", "value": "9 um^3/min"})}}
    )
    known = priors(Catalogue(**{**vars_of(SHIPPED), "cells": {**SHIPPED.cells, "CD8": other}}))
    assert math.exp(known["cell.CD8.uptake.IL2"].above) == pytest.approx(WIDTHS["assumed"])


def vars_of(catalogue: Catalogue) -> dict[str, object]:
    return {name: getattr(catalogue, name) for name in catalogue.__dataclass_fields__}


def test_zeros_stay_and_shares_stay_shares() -> None:
    for number in range(1, 6):
        found = numbers(drawn_catalogue(3, number))
        for place, value in numbers(SHIPPED).items():
            assert (found[place] == 0) == (value == 0), place
            if ENTRIES[place].share and value <= 1:
                assert found[place] <= 1, place
        for name, (low, high) in SHIPPED.trait_ranges.items():
            assert low is None or found[f"trait.{name}"] >= low
            assert high is None or found[f"trait.{name}"] <= high


def test_a_draw_is_its_seed_and_number() -> None:
    one = draw(SHIPPED, 7, 2)
    assert one == draw(SHIPPED, 7, 2)
    assert one.sha256 == draw(SHIPPED, 7, 2).sha256
    assert one.values != draw(SHIPPED, 7, 3).values
    assert one.values != draw(SHIPPED, 8, 2).values
    assert numbers(changed(SHIPPED, one.values, ranged=False)) == numbers(drawn_catalogue(7, 2))


def test_a_number_does_not_depend_on_which_others_there_are() -> None:
    backwards = dict(reversed(SHIPPED.molecules.items()))
    fewer = Catalogue(**{**vars_of(SHIPPED), "rules": SHIPPED.rules[:20], "molecules": backwards})
    one, other = draw(SHIPPED, 1, 1).values, draw(fewer, 1, 1).values
    places = [place for place in other if place.startswith(("molecule", "receptor"))]  # bases are held to targets
    assert len(places) > 150
    assert [one[place] for place in places] == [other[place] for place in places]


def test_one_ceiling_is_one_number_and_other_numbers_are_apart() -> None:
    together = shared(SHIPPED)
    assert any(place.startswith("rule (CD8: ") and "increases attack" in place for place in together)
    assert all(place.endswith(": towards") and " increases " in place for place in together)
    assert all(KNOWN[place] == KNOWN[leader] for place, leader in together.items())
    for number in (1, 2):
        found = numbers(drawn_catalogue(1, number))
        for place, leader in together.items():
            assert found[place] == found[leader]
        # Equal in the catalogue, but of two cells.
        assert found["cell.CD8.behaviors.chemotaxis"] != found["cell.Th1.behaviors.chemotaxis"]


def test_every_draw_keeps_the_order_of_bases_and_targets_and_loads() -> None:
    for number in range(1, 41):
        drawn_catalogue(11, number)  # which checks the order, among other things
    assert draw(SHIPPED, 11, 1).cut
