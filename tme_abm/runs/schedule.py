"""When things are written down: at the first step that reaches each multiple of an interval.

Whether something is due depends on the number of the step alone, so a run that was killed and resumed
writes the same rows at the same steps as one that was left in peace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["MINUTES_PER_DAY", "Schedule", "steps_until"]

MINUTES_PER_DAY = 24 * 60

_ROUNDING = 1e-9  # in steps: 0.1 + 0.2 must still count as 0.3


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Every `every` minutes, seen at steps of `dt` minutes; step 0 is always due."""

    every: float
    dt: float

    def due(self, step: int) -> bool:
        """Is this the first step at or past a multiple of the interval?"""
        return step == 0 or self._passed(step) > self._passed(step - 1)

    def _passed(self, step: int) -> int:
        return math.floor((step + _ROUNDING) * self.dt / self.every)


def steps_until(days: float, dt: float) -> int:
    """The number of steps of `dt` minutes that reaches `days`."""
    return math.ceil(days * MINUTES_PER_DAY / dt - _ROUNDING)
