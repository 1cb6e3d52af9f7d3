"""Verdicts from made-up readings, where the right answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tme_abm.evidence.assays import Assay
from tme_abm.evidence.judge import judge, verdicts

NOISE = np.array([0.1, -0.1, 0.05, -0.05, 0.02, -0.02])
READOUT = "count of tumor"


def assay(*expect: dict[str, Any], arms: tuple[str, ...] = ("control", "treated", "blocked")) -> Assay:
    return Assay.model_validate(
        {
            "id": "made-up",
            "title": "t",
            "claims": ["A-IL6-02"],
            "dish": "culture",
            "duration": "1 h",
            "arms": {arm: [] for arm in arms},
            "expect": [{"readout": READOUT, **one} for one in expect],
        }
    )


def verdict_of(tested: Assay, **arms: Any) -> str:
    readings = {(arm, READOUT, "end"): np.asarray(values, dtype=float) for arm, values in arms.items()}
    judged = judge(tested.expect, tested.claims, readings, {READOUT: "cells"})
    return verdicts(tested.claims, judged)["A-IL6-02"]


UP = {"arm": "treated", "against": "control", "direction": "up", "smallest": "10 %"}
GONE = {"arm": "blocked", "against": "control", "direction": "none"}


@pytest.mark.parametrize(
    ("treated", "verdict"),
    [
        (13.0 + NOISE, "shown"),
        (10.5 + NOISE[::-1], "not shown"),  # significant, but smaller than the smallest effect of interest
        (10.0 + 30 * NOISE, "not shown"),
        (7.0 + NOISE, "contradicted"),
        (9.5 + NOISE[::-1], "not shown"),  # significantly the other way, but too little to count
    ],
)
def test_a_contrast(treated: np.ndarray, verdict: str) -> None:
    assert verdict_of(assay(UP), control=10 + NOISE, treated=treated, blocked=10 + NOISE) == verdict


@pytest.mark.parametrize(
    ("blocked", "verdict"),
    [
        (10.0 + NOISE[::-1], "shown"),
        (10.9 + NOISE[::-1], "shown"),  # less than a third of 3 is left
        (11.2 + NOISE[::-1], "not shown"),
        (8.0 + NOISE[::-1], "not shown"),  # the block does something of its own
        (10.0 + 60 * NOISE, "not shown"),  # too noisy to tell it from the whole effect
        (8.7 + 25 * NOISE, "shown"),  # lies on the other side by chance
    ],
)
def test_an_abolished_effect(blocked: np.ndarray, verdict: str) -> None:
    control, treated = 10 + NOISE, 13 + 0.5 * NOISE
    assert verdict_of(assay(UP, GONE), control=control, treated=treated, blocked=blocked) == verdict


def test_an_abolishing_arm_cannot_hold_where_there_was_no_effect() -> None:
    same = 10 + NOISE
    assert verdict_of(assay(UP, GONE), control=same, treated=same, blocked=same) == "not shown"


@pytest.mark.parametrize(("treated", "verdict"), [(10.1 + NOISE, "shown"), (10.0 + 60 * NOISE, "not shown")])
def test_no_effect_means_an_interval_inside_the_bound(treated: np.ndarray, verdict: str) -> None:
    none = {"arm": "treated", "against": "control", "direction": "none", "smallest": "5 %"}
    assert verdict_of(assay(none), control=10 + NOISE[::-1], treated=treated, blocked=treated) == verdict


@pytest.mark.parametrize(
    ("middle", "verdict"), [(8.0 + NOISE, "shown"), (12.0 + NOISE, "not shown"), (4.0 + NOISE, "not shown")]
)
def test_a_trend_has_no_step_back(middle: np.ndarray, verdict: str) -> None:
    fall = {"arms": ["control", "treated", "blocked"], "direction": "falling", "smallest": "30 %"}
    assert verdict_of(assay(fall), control=10 + NOISE, treated=middle, blocked=5 + NOISE) == verdict


def test_an_arm_alone_is_held_against_zero() -> None:
    there = {"arm": "treated", "direction": "up", "smallest": 2.0}
    assert verdict_of(assay(there), control=NOISE, treated=3 + NOISE, blocked=NOISE) == "shown"
    assert verdict_of(assay(there), control=NOISE, treated=1 + NOISE, blocked=NOISE) == "not shown"


def test_arms_are_compared_pair_by_pair() -> None:
    wells = np.array([1.0, 20.0, 3.0, 40.0, 5.0, 60.0])  # the wells differ far more than the arms
    assert verdict_of(assay(UP), control=wells, treated=wells * 1.2, blocked=wells) == "not shown"
    assert verdict_of(assay(UP), control=wells, treated=wells + 5 + NOISE, blocked=wells) == "shown"


def test_wells_without_a_reading_are_left_out_and_nothing_to_read_shows_nothing() -> None:
    some = np.array([13.0, np.nan, 13.1, 12.9, np.nan, 13.0])
    assert verdict_of(assay(UP), control=10 + NOISE, treated=some, blocked=some) == "shown"
    none = np.full(6, np.nan)
    assert verdict_of(assay(UP), control=10 + NOISE, treated=none, blocked=none) == "not shown"


def test_a_sentence_says_the_figures() -> None:
    tested = assay(UP)
    readings = {(arm, READOUT, "end"): 10.0 * (1 + (arm == "treated")) + NOISE for arm in tested.arms}
    (judged,) = judge(tested.expect, tested.claims, readings, {READOUT: "cells"})
    figures = "count of tumor, treated against control: +10 [10, 10] cells (+100%)"
    assert judged.says == f"{figures}; wanted more by at least 1"
