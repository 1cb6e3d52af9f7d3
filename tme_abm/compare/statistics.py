"""Statistics of replicates: a mean and its interval, a paired difference, a paired correlation.

Replicates are runs with different seeds; arms under common random numbers share their seeds, so differences
are taken seed by seed. The interval is Student's: mean ± t(0.975, n − 1) · s / √n, the 95 % interval of a
mean of n independent normal values. One replicate has no spread and so no interval: both ends are None,
never zero. Values that are missing (a failed run) or not finite (a ratio with nothing below the line) are
left out, in pairs where pairs are compared, and `n` says how many were used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

__all__ = ["Estimate", "mean_interval", "paired_correlation", "paired_difference", "paired_ratio"]

Values = Sequence[float | None] | NDArray[np.float64]

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean of `n` values with its 95 % interval; None where there is nothing to say."""

    mean: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """(low, high), or None without an interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def mean_interval(values: Values) -> Estimate:
    """Mean of `values` (n,) and its 95 % t-interval; one value has a mean and no interval, none has
    neither."""
    finite = _finite(values)
    finite = finite[np.isfinite(finite)]
    n = finite.size
    if n == 0:
        return Estimate(mean=None, low=None, high=None, n=0)
    mean = math.fsum(finite) / n
    if n == 1:
        return Estimate(mean=mean, low=None, high=None, n=1)
    spread = math.sqrt(math.fsum((finite - mean) ** 2) / (n - 1))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * spread / math.sqrt(n)
    return Estimate(mean=mean, low=mean - half, high=mean + half, n=n)


def paired_difference(a: Values, b: Values) -> Estimate:
    """Mean of a − b over the pairs (n,) in which both are there, with the 95 % t-interval of the
    differences.

    Raises:
        ValueError: the two are not equally long.
    """
    first, second = _pairs(a, b)
    return mean_interval(first - second)


def paired_ratio(a: Values, b: Values) -> Estimate:
    """Mean of a over mean of b, over the pairs (n,) in which both are there, with its 95 % t-interval; nothing if the
    mean of b is not above zero.

    The interval is that of the residuals a − r b over the mean of b (the delta method): zeros among a do no harm.

    Raises:
        ValueError: the two are not equally long.
    """
    first, second = _pairs(a, b)
    below = mean_interval(second).mean or 0.0
    if below <= 0:
        return Estimate(mean=None, low=None, high=None, n=0)
    ratio = math.fsum(first) / math.fsum(second)
    return mean_interval(ratio + (first - ratio * second) / below)


def paired_correlation(a: Values, b: Values) -> float | None:
    """Pearson correlation of the pairs (n,); None with fewer than three pairs or when one side does not
    vary.

    Under common random numbers a high value says that pairing has paid: the difference is more certain than
    that of independent runs. Two points always lie on a line, so two pairs say nothing.

    Raises:
        ValueError: the two are not equally long.
    """
    first, second = _pairs(a, b)
    if first.size < 3:
        return None
    # Values that are equal up to rounding do not vary: the correlation would be that of the rounding errors.
    if _constant(first) or _constant(second):
        return None
    first, second = first - first.mean(), second - second.mean()
    scale = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    return float(np.clip(float(first @ second) / scale, -1.0, 1.0))


def _finite(values: Values) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else float(value) for value in values], dtype=np.float64)


def _pairs(a: Values, b: Values) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = _finite(a), _finite(b)
    if first.shape != second.shape:
        raise ValueError(f"pairs need as many values on both sides, not {first.size} and {second.size}")
    both = np.isfinite(first) & np.isfinite(second)
    return first[both], second[both]


def _constant(values: NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) <= 1e-12 * np.abs(values).max())
