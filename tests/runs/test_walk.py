"""The steps at which a run records."""

from __future__ import annotations

import pytest

from tme_abm.runs.walk import Schedule, steps_until


def test_schedule_does_not_care_about_rounding() -> None:
    tenth = Schedule(every=0.3, dt=0.1)
    assert [step for step in range(31) if tenth.due(step)] == list(range(0, 31, 3))
    eleventh = Schedule(every=1.1, dt=0.3)
    assert [step for step in range(23) if eleventh.due(step)] == [0, 4, 8, 11, 15, 19, 22]
    uneven = Schedule(every=25, dt=10)
    assert [step for step in range(11) if uneven.due(step)] == [0, 3, 5, 8, 10]
    finer = Schedule(every=4, dt=10)
    assert all(finer.due(step) for step in range(5))


@pytest.mark.parametrize(("days", "dt", "steps"), [(1, 10, 144), (0.1, 14.4, 10), (0.1, 14.3, 11), (0.3, 43.2, 10)])
def test_steps_reach_the_last_day(days: float, dt: float, steps: int) -> None:
    assert steps_until(days, dt) == steps
