"""Verdicts on published experiments from made-up numbers, where the right answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tme_abm.evidence.bounds import held, outcome
from tme_abm.evidence.published import Bounds
from tme_abm.evidence.results import Held

NOISE = np.array([0.1, -0.1, 0.05, -0.05])
TWIN = 10 + NOISE


def found(take: str, arms: dict[str, Any], doses: tuple[float, ...] = (), **bounds: Any) -> Held:
    names = ["curve"] if take == "half-max" else list(arms)
    one = Bounds.model_validate({"readout": "count of tumor", "take": take, "arms": names, **bounds})
    values = {name: np.asarray(value, dtype=float) for name, value in arms.items()}
    return held(one, values, "cells", tumor="hot", doses=doses)


@pytest.mark.parametrize(
    ("treated", "verdict"),
    [
        (6 + NOISE[::-1], "reproduced"),
        (8 + NOISE[::-1], "not reproduced"),  # fewer, beyond chance, but not few enough
        (6 + 40 * NOISE[::-1], "not reproduced"),  # few enough, but not certain
        (10 + NOISE[::-1], "not reproduced"),
        (12 + NOISE[::-1], "opposite"),
        (12 + 60 * NOISE[::-1], "not reproduced"),  # more, but not beyond chance
        ([0, 0, 0, 0], "reproduced"),
        ([np.nan] * 4, "not reproduced"),
    ],
)
def test_a_ratio(treated: Any, verdict: str) -> None:
    one = found("ratio", {"treated": treated, "twin": TWIN}, most=0.7, below=0.9)
    assert outcome([one]) == verdict


def test_a_ratio_is_paired() -> None:
    seeds = np.array([1.0, 20.0, 3.0, 40.0])
    one = found("ratio", {"treated": 0.5 * seeds, "twin": seeds}, below=0.51)
    assert one.value == pytest.approx(0.5)
    assert one.holds


def test_a_value_lies_within_its_bounds_and_is_never_opposite() -> None:
    assert found("value", {"a": 5 + NOISE}, least=4, most=6).holds
    assert found("value", {"a": 5 + NOISE}, least=5.0).value == pytest.approx(5.0)
    low = found("value", {"a": 1 + NOISE}, least=4, most=6)
    assert (low.holds, low.opposed, low.unit) == (False, False, "cells")
    assert not found("value", {"a": 5 + 30 * NOISE}, above=4).holds


def test_a_difference() -> None:
    assert found("difference", {"a": TWIN + 2, "b": TWIN}, least=1, above=0).holds
    assert found("difference", {"a": TWIN - 2 + NOISE[::-1], "b": TWIN}, above=0).opposed


@pytest.mark.parametrize(
    ("both", "holds", "opposed"),
    [(2.0, True, False), (5.0, False, False), (9.0, False, True)],  # each alone halves the tumor: together a quarter
)
def test_an_interaction_is_of_logarithms(both: float, holds: bool, opposed: bool) -> None:
    arms = {"both": both * TWIN / 20, "one": TWIN / 2, "other": TWIN / 2, "neither": TWIN}
    one = found("interaction", {**arms, "both": both * TWIN / 20 * (1 + NOISE[::-1] / 10)}, below=-0.1)
    assert one.value == pytest.approx(np.log(both / 5), abs=0.01)
    assert (one.holds, one.opposed) == (holds, opposed)


def test_cleared_tumors_count_as_half_a_cell_in_an_interaction() -> None:
    arms = {"both": [0, 0, 0, 0], "one": [5, 5, 5, 5], "other": [5, 5, 5, 5], "neither": [10, 10, 10, 10]}
    assert found("interaction", arms, most=0).value == pytest.approx(np.log(0.5 / 2.5))


def test_a_spread_compares_medians() -> None:
    arms = {"small": [8, 9, 10, 99], "middle": [9.0, 9, 10, 10], "large": [10, 11, 12, 0]}
    one = found("spread", arms, most=1.25)
    assert one.value == pytest.approx(10.5 / 9.5)
    assert one.holds
    assert one.ci95 is None
    assert found("spread", {"a": [0, 0], "b": [0, 0]}, most=1.25).value == 1.0  # the same, if nothing
    assert not found("spread", {"a": [0, 0], "b": [1, 1]}, most=1.25).holds


def test_a_half_maximum_is_found_along_the_logarithm() -> None:
    doses = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0)
    arms = {str(dose): np.full(4, 2 + dose / (dose + 0.02)) for dose in doses}
    one = found("half-max", arms, doses, least=0.01, most=0.1)
    assert one.value == pytest.approx(0.02, rel=0.15)
    assert one.holds
    assert one.unit == "nM"
    flat = {str(dose): np.full(4, 2.0) for dose in doses}
    assert found("half-max", flat, doses, least=0.01).value is None


def test_all_bounds_must_hold_and_one_opposed_is_enough() -> None:
    good = found("ratio", {"a": TWIN / 2, "b": TWIN}, most=0.7)
    poor = found("ratio", {"a": TWIN, "b": TWIN}, most=0.7)
    wrong = found("ratio", {"a": 2 * TWIN + NOISE[::-1], "b": TWIN}, most=0.7)
    assert outcome([good, good]) == "reproduced"
    assert outcome([good, poor]) == "not reproduced"
    assert outcome([good, wrong]) == "opposite"
    assert outcome([]) == "not reproduced"


def test_worlds_have_no_verdict() -> None:
    one = found("ratio", {"a": TWIN / 2, "b": TWIN}, most=0.7, world="House")
    assert one.world == "House"
    assert outcome([one]) == "no verdict"


def test_a_finding_is_said_in_words() -> None:
    one = found("ratio", {"treated": TWIN / 2, "twin": TWIN}, most=0.7, below=0.9, at=["7 d", "8 d"])
    assert one.what == "count of tumor: treated over twin, 7 d and 8 d"
    assert one.wanted == "at most 0.7, interval below 0.9"
    assert one.says == "count of tumor: treated over twin, 7 d and 8 d 0.5 [0.5, 0.5]"
    assert found("value", {"a": [np.nan] * 4}, least=1, most=2).says.endswith("could not be read")
