"""Small statistics of timings: medians with their spread, and exponents of growth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Exponent", "Spread", "exponent", "spread"]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Exponent:
    """How cost grows with size: cost ~ size**`slope` over all sizes, and between the two largest only.

    Where a fixed cost per call matters at small sizes, the slope over all is flattered; the last one is not.
    """

    slope: float
    last: float
    sizes: tuple[float, ...]


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles of `values`, of which there is at least one."""
    low, median, high = np.quantile(np.asarray(values, dtype=np.float64), [0.25, 0.5, 0.75])
    return Spread(median=float(median), low=float(low), high=float(high))


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> Exponent | None:
    """Least-squares slope of log cost over log size; None with fewer than two different sizes or a cost of nothing."""
    found = sorted((size, cost) for size, cost in zip(sizes, costs, strict=True) if size > 0 and cost > 0)
    if len({size for size, _ in found}) < 2:
        return None
    x, y = (np.log(np.array(part)) for part in zip(*found, strict=True))
    slope = float(np.polyfit(x, y, 1)[0])
    largest = found[-1]
    before = next(one for one in reversed(found) if one[0] < largest[0])
    last = math.log(largest[1] / before[1]) / math.log(largest[0] / before[0])
    return Exponent(slope=slope, last=last, sizes=tuple(size for size, _ in found))
