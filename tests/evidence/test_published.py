"""Published experiments: what a table may say, how it is refused, and that the shipped ones can be set up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tme_abm.core.errors import InputError
from tme_abm.evidence.published import Bounds, Experiment, load_experiments, select
from tme_abm.evidence.reproduce import planned

EXPERIMENTS = load_experiments()

PLAIN = """
[[experiment]]
id = "IV-01"
title = "Loss of a cell"
done = "cells are removed"
measured = "growth"
published = "the tumor grows"
source = "Somebody 2001"
doi = ["10.1000/some.thing-1"]
confidence = "A"
criterion = "hot: at least 1.5 times the twin, interval above 1"
tumors = ["hot"]
[experiment.arms]
untreated = []
"no CD8" = [{ do = "deplete", cells = ["CD8"], rate = "10 /day", start = "3 d" }]
[[experiment.expect]]
readout = "count of tumor"
take = "ratio"
arms = ["no CD8", "untreated"]
least = 1.5
above = 1
"""

WORLD = """
[[experiment.expect]]
readout = "count of CD8"
arms = ["untreated"]
most = 1
world = "x"
"""


def load(folder: Path, text: str) -> Experiment:
    (folder / "some.toml").write_text(text, encoding="utf-8")
    (one,) = load_experiments(folder).values()
    return one


def test_a_table_is_an_experiment_in_each_of_its_tumors(tmp_path: Path) -> None:
    one = load(tmp_path, PLAIN.replace('["hot"]', '["hot", "cold"]'))
    assert one.minutes == (0.0, 14_400.0)
    assert {name: setting.dish_changes for name, setting in one.settings().items()} == {
        "hot": {"extends": "hot"},
        "cold": {"extends": "cold"},
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('doi = ["10.1000/some.thing-1"]', "doi = []", "needs a 'doi', or 'unsourced'"),
        ('"10.1000/some.thing-1"', '"doi:10.1000/x"', "doi"),
        ('criterion = "hot: at least 1.5 times the twin, interval above 1"', "", "criterion: missing"),
        ('confidence = "A"', 'confidence = "D"', "confidence"),
        ('tumors = ["hot"]', "", "needs 'tumors' or the 'dish'"),
        ('tumors = ["hot"]', 'tumors = ["hot"]\nunposed = "no such cell"', "is 'unposed', so it has no tumors, arms"),
        ('tumors = ["hot"]', 'tumor = ["hot"]', "Did you mean 'tumors'"),
        ('arms = ["no CD8", "untreated"]', 'arms = ["no CD9", "untreated"]', "expects something of the arm 'no CD9'"),
        ('arms = ["no CD8", "untreated"]', 'arms = ["no CD8"]', "'ratio' needs 2 of 'arms'"),
        ('arms = ["no CD8", "untreated"]', 'arms = ["untreated", "untreated"]', "expects nothing of no CD8"),
        ("least = 1.5\nabove = 1", "", "needs one of the bounds"),
        ('take = "ratio"', 'take = "spread"', "a 'spread' has no interval"),
        ('take = "ratio"\narms = ["no CD8", ', 'take = "half-max"\narms = [', "needs a curve of a sweep"),
        ('take = "ratio"', 'take = "ratio"\ntumors = ["cold"]', "the tumor 'cold', which is not one of its tumors"),
        ('take = "ratio"', 'take = "ratio"\nat = ["10"]', "at"),
        ("above = 1\n", f"above = 1\n{WORLD}", "either all or none of expect describe a 'world'"),
        (PLAIN, PLAIN + PLAIN, "there are two experiments 'IV-01'"),
    ],
)  # fmt: skip
def test_an_invalid_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PLAIN
    with pytest.raises(InputError) as refused:
        load(tmp_path, PLAIN.replace(old, new))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("take", "bounds", "side"),
    [
        ("ratio", {"most": 0.7, "below": 0.9}, -1),
        ("ratio", {"least": 0.9}, 0),  # an effect that is lost may lie on either side
        ("ratio", {"least": 0.7, "most": 1.05}, 0),
        ("ratio", {"above": 1.0}, 1),
        ("interaction", {"most": 0.0}, -1),
        ("difference", {"least": 3.0}, 1),
        ("value", {"most": 295.0}, 0),  # a level has no side
    ],
)
def test_bounds_have_a_side_if_they_lie_on_one_of_no_effect(take: str, bounds: dict[str, float], side: int) -> None:
    arms = {"value": "a", "interaction": "abcd"}.get(take, "ab")
    one = Bounds.model_validate({"readout": "count of tumor", "take": take, "arms": list(arms), **bounds})
    assert one.side == side


def test_experiments_are_chosen_by_pattern() -> None:
    assert [one.id for one in select(["IV-02"])] == ["IV-02"]
    assert [one.id for one in select(["IV-0?", "IV-10"])] == [f"IV-{number:02}" for number in range(1, 11)]
    assert len(select()) == len(EXPERIMENTS)
    with pytest.raises(InputError, match="no experiment 'IV-2'"):
        select(["IV-2"])


# ------------------------------------------------------------------ the shipped experiments


@pytest.mark.parametrize("one", EXPERIMENTS.values(), ids=list(EXPERIMENTS))
def test_every_arm_is_a_scenario_and_every_readout_is_known(one: Experiment) -> None:
    plan = planned(one, [1])
    assert {arm for _, _, arm, _ in plan} == set(one.arms)
    assert {tumor for _, tumor, _, _ in plan} == set(one.settings())


def test_there_are_at_least_those_whose_criteria_were_fixed_first() -> None:
    assert {f"IV-{number:02}" for number in range(1, 22)} <= set(EXPERIMENTS)


def test_untreated_arms_of_a_tumor_are_the_same_run() -> None:
    keys: dict[str, set[str]] = {}
    for one in EXPERIMENTS.values():
        if one.dish_changes or one.arm_changes or one.dish != "whole":
            continue
        for (_, tumor, arm, _), run in planned(one, [1]).items():
            if not (one.arms[arm] or one.common):
                keys.setdefault(tumor, set()).add(run.key)
    assert {tumor: len(found) for tumor, found in keys.items()} == dict.fromkeys(keys, 1)
