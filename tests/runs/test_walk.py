"""The steps at which a run records."""

from __future__ import annotations

import pytest

from tme_abm.runs.walk import is_due, steps_until


@pytest.mark.parametrize(
    ("every", "dt", "due"),
    [
        (0.3, 0.1, list(range(0, 31, 3))),
        (1.1, 0.3, [0, 4, 8, 11, 15, 19, 22, 26, 30]),
        (25, 10, [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30]),
        (4, 10, list(range(31))),
    ],
)
def test_rounding_does_not_change_which_steps_are_due(every: float, dt: float, due: list[int]) -> None:
    assert [step for step in range(31) if is_due(step, every, dt)] == due


@pytest.mark.parametrize(("days", "dt", "steps"), [(1, 10, 144), (0.1, 14.4, 10), (0.1, 14.3, 11), (0.3, 43.2, 10)])
def test_steps_reach_the_last_day(days: float, dt: float, steps: int) -> None:
    assert steps_until(days, dt) == steps
