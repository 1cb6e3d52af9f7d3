"""When a rule is in reach, idle or absent."""

from __future__ import annotations

import pytest

from tme_abm.levels.results import Budget, Part, Pull, RuleLevels, Seen, Spread, overall


def seen(*ends: float, **more: object) -> Seen:
    """A signal between two levels in the core, against a half-max of 10."""
    return Seen.model_validate({"half_max": 10.0, "levels": {"core": spread(*ends)} if ends else {}} | more)


def spread(low: float, high: float) -> Spread:
    return Spread(count=9, low=low, median=(low + high) / 2, high=high)


@pytest.mark.parametrize(
    ("ends", "nearest", "status"),
    [
        ((5.0, 20.0), 1.0, "in reach"),
        ((0.2, 1.01), 0.101, "in reach"),
        ((0.2, 0.9), 0.09, "idle"),
        ((90.0, 400.0), 9.0, "in reach"),
        ((110.0, 400.0), 11.0, "idle"),
        ((0.0, 0.0), 0.0, "idle"),
    ],
)
def test_a_signal_is_in_reach_within_ten_times_of_the_half_max(
    ends: tuple[float, float], nearest: float, status: str
) -> None:
    assert seen(*ends).nearest == pytest.approx(nearest)
    assert seen(*ends).status == status


def test_one_place_is_enough() -> None:
    assert seen(levels={"core": spread(0.1, 0.2), "margin": spread(0.3, 2.0)}).status == "in reach"


def rule(**tumors: Seen) -> RuleLevels:
    return RuleLevels(
        cell="CD8", behavior="attack", signal="TNF", effect="increases", quantity="concentration", power=1.0, waits="",
        status=overall(tumors), tumors=tumors,
    )  # fmt: skip


def test_a_rule_is_idle_only_if_it_is_so_in_all_tumors() -> None:
    low, lower, good, gone = seen(0.1, 0.5), seen(0.1, 0.2), seen(3.0, 4.0), seen(absent="no TNF")
    assert rule(hot=low, cold=good).status == "in reach"
    assert rule(hot=low, cold=lower).status == "idle"
    assert rule(hot=lower, cold=low).nearest == "cold"
    assert rule(hot=gone, cold=low).status == "idle"
    assert rule(hot=gone, cold=low).nearest == "cold"
    assert rule(hot=gone, cold=gone).status == "absent"
    assert rule(hot=gone, cold=gone).missing == "no TNF"


def test_a_change_is_a_share_of_the_behavior() -> None:
    part = Part(level=Spread(count=1, low=0, median=0, high=0), weight=1.0, without=3.0, by_day=(3.0,))
    pull = Pull(
        signal="NO", effect="decreases", quantity="concentration", half_max=1, power=1, towards=0, parts={"core": part}
    )
    budget = Budget(
        tumor="hot", cell="CD8", behavior="attack", quantity="rate", base=4.0, value={"core": 2.0},
        by_day={"core": (2.0,)}, cells={"core": 1}, pulls=(pull,),
    )  # fmt: skip
    assert budget.change(pull, "core") == pytest.approx(0.5)
    assert budget.change(pull, "margin") is None
    assert budget.model_copy(update={"value": {"core": 0.0}}).change(pull, "core") is None


def test_a_rule_in_reach_may_be_without_effect() -> None:
    faint, strong, alone = (seen(5.0, 20.0, change=change) for change in (0.004, -0.2, None))
    assert rule(hot=faint).is_faint
    assert rule(hot=faint, cold=strong).change == -0.2
    assert not rule(hot=faint, cold=strong).is_faint
    assert rule(hot=faint, cold=alone).change is None
    assert not rule(hot=faint, cold=alone).is_faint
    assert not rule(hot=seen(0.1, 0.2, change=0.004)).is_faint  # it is idle
