"""The quantiles of real sections are whole, and a value is placed among them in words."""

from __future__ import annotations

import math

import pytest

from tme_abm.observe.real_sections import LEVELS, RealSections, main_sections, real_sections
from tme_abm.observe.sections import STATISTICS


def made(count: int, *values: float) -> RealSections:
    return RealSections(noun="sections", count=count, field=0.2, source="", doi="", quantiles={"G-cross": values})


@pytest.mark.parametrize(
    ("value", "words", "short"),
    [
        (0.5, "below the 5th", "<5"),
        (1.0, "at the 5th", "5"),
        (2.5, "between the 10th and 25th", "10-25"),
        (6.0, "at the 75th to 95th", "75-95"),
        (6.5, "above the 95th", ">95"),
    ],
)
def test_a_value_is_placed_among_many_sections(value: float, words: str, short: str) -> None:
    many = made(40, 1, 2, 3, 4, 6, 6, 6)
    assert many.lies("G-cross", value) == f"{words} percentile of 40 sections"
    assert many.percentile("G-cross", value) == short
    assert many.lies("CD8 depth", value) == many.lies("G-cross", math.nan) == ""


def test_of_a_few_sections_only_the_range_is_told() -> None:
    few, single = made(4, 1, 2, 3, 4, 5, 6, 7), made(1, *[2.0] * 7)
    assert few.lies("G-cross", 3.5) == "within the range (5-95 %) of 4 sections"
    assert few.lies("G-cross", 8.0) == "above the range (5-95 %) of 4 sections"
    assert single.lies("G-cross", 2.5) == "above the one sections"
    assert single.lies("G-cross", 2.0) == "as in the one sections"


def test_the_quantiles_are_whole() -> None:
    known = real_sections()
    assert len(known) == 6
    for one in known:
        assert one.source, one.noun
        assert 0.1 < one.field < 2, one.noun
        assert one.quantiles.keys() <= STATISTICS.keys(), one.noun
        for name, values in one.quantiles.items():
            assert len(values) == len(LEVELS), (one.noun, name)
            assert list(values) == sorted(values), (one.noun, name)
    assert {name for one in known for name in one.quantiles} == STATISTICS.keys()


def test_every_statistic_has_a_large_collection() -> None:
    for name in STATISTICS:
        assert main_sections(name) is not None, name
    assert main_sections("immune share").noun == "TNBC sections"  # type: ignore[union-attr]
    assert main_sections("CD8 depth").noun == "melanoma sections"  # type: ignore[union-attr]
