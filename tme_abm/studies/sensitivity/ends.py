"""What an outcome does from the low to the high end of each parameter: the bars of a tornado plot.

How the ends are compared depends on the design.

- A full grid: lowest against highest level with all else equal, averaged over the combinations of the others. Pairs
  share their seeds; the interval of a metric is Student's over the seeds.
- Morris trajectories: both ends of each trajectory's step along the parameter, two thirds of its range apart. The
  interval is Student's over the trajectories.
- Samples and lists: the points in the lowest third against those in the highest (of a parameter with few values, the
  lowest against the highest). All else differs as well, by chance; the interval is Welch's over the points.

Probabilities have the score interval for a difference of proportions (Newcombe 1998, method 10), which is not fooled by
four of four: the units it counts are the runs of a grid, else the trajectories or points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from ...compare.statistics import mean_interval
from ..parameters import value_text
from .axes import Axes
from .outcomes import LEVEL, Outcome

__all__ = ["Change", "changes", "newcombe"]

Floats = NDArray[np.float64]
Interval = tuple[float, float] | None
Ends = tuple[Floats, Floats, Interval, str, str]
"""The values at both ends, the interval of the change of their means, and what the ends are."""

THIRD = 1 / 3


@dataclass(frozen=True, kw_only=True)
class Change:
    """The outcome at both ends of a parameter (described in its unit), and its change with a 95 % interval.

    `counted` are the runs, trajectories or points at each end.
    """

    key: str
    low_end: str
    high_end: str
    at_low: float
    at_high: float
    change: float
    interval: Interval
    counted: tuple[int, int]


def changes(found: Outcome, axes: Axes) -> tuple[Change, ...]:
    """The change along each parameter, the largest first."""
    compare = {"grid": _along_grid, "morris": _along_steps, "sample": _thirds}[axes.pairing]
    made = []
    for number, parameter in enumerate(axes.parameters):
        ends = compare(found, axes, number)
        if ends is None:
            continue
        low, high, interval, low_end, high_end = ends
        at_low, at_high = float(low.mean()), float(high.mean())
        made.append(
            Change(
                key=parameter.key,
                low_end=low_end,
                high_end=high_end,
                at_low=at_low,
                at_high=at_high,
                change=at_high - at_low,
                interval=newcombe(at_low, low.size, at_high, high.size) if found.is_probability else interval,
                counted=(low.size, high.size),
            )
        )
    return tuple(sorted(made, key=lambda one: -abs(one.change)))


def _along_grid(found: Outcome, axes: Axes, number: int) -> Ends | None:
    along = axes.lines(number)
    low, high = found.values[along[:, 0]], found.values[along[:, -1]]  # (combinations, seeds)
    both = np.isfinite(low) & np.isfinite(high)
    if not both.any():
        return None
    by_seed = [float((high - low)[both[:, k], k].mean()) if both[:, k].any() else None for k in range(both.shape[1])]
    return low[both], high[both], mean_interval(by_seed).interval, *_outer(axes, number)


def _along_steps(found: Outcome, axes: Axes, number: int) -> Ends | None:
    position = axes.position[:, number]
    low, high = [], []
    for path in axes.trajectories():
        step = int(np.flatnonzero(np.diff(position[path]))[0])
        ends = sorted(path[step : step + 2], key=lambda point: float(position[point]))
        common = np.isfinite(found.values[ends]).all(axis=0)
        if common.any():
            low.append(float(found.values[ends[0], common].mean()))
            high.append(float(found.values[ends[1], common].mean()))
    if not low:
        return None
    first, last = map(value_text, axes.parameters[number].ends)
    return np.array(low), np.array(high), mean_interval(np.subtract(high, low)).interval, first, last


def _thirds(found: Outcome, axes: Axes, number: int) -> Ends | None:
    rows = axes.independent
    parameter, position, means = axes.parameters[number], axes.position[rows, number], found.means[rows]
    there = np.isfinite(means)
    if not there.any():
        return None
    if parameter.values:
        bottom, top = position == position.min(), position == position.max()
        texts = _outer(axes, number)
    else:
        bottom, top = position <= THIRD, position >= 1 - THIRD
        texts = f"<{_two(parameter.at(THIRD))}", f">{_two(parameter.at(1 - THIRD))}"
    low, high = means[bottom & there], means[top & there]
    if not low.size or not high.size:
        return None
    return low, high, _welch(low, high), *texts


def _outer(axes: Axes, number: int) -> tuple[str, str]:
    """The first and the last level; of a range with many levels, its ends."""
    parameter = axes.parameters[number]
    first, *_, last = parameter.values or parameter.ends
    return value_text(first), value_text(last)


def newcombe(p_low: float, n_low: int, p_high: float, n_high: int) -> tuple[float, float]:
    """The 95 % score interval of p_high − p_low, two proportions of n_low and n_high independent units."""
    (a, b), (c, d) = _wilson(p_low, n_low), _wilson(p_high, n_high)
    change = p_high - p_low
    below = math.sqrt((p_high - c) ** 2 + (b - p_low) ** 2)
    above = math.sqrt((d - p_high) ** 2 + (p_low - a) ** 2)
    return change - below, change + above


def _wilson(p: float, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion, which need not be a whole number of n (a mean over seeds counts too)."""
    z2 = float(ndtri((1 + LEVEL) / 2)) ** 2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * p * (1 - p) / n + z2**2 / (4 * n**2)) / (1 + z2 / n)
    return middle - half, middle + half


def _welch(low: Floats, high: Floats) -> Interval:
    """The 95 % interval of a difference of means whose variances may differ (scipy.stats warns of equal values)."""
    if min(low.size, high.size) < 2:
        return None
    a, b = float(low.var(ddof=1)) / low.size, float(high.var(ddof=1)) / high.size
    change, square = float(high.mean() - low.mean()), a + b
    if square <= 0:
        return change, change
    freedom = square**2 / (a**2 / (low.size - 1) + b**2 / (high.size - 1))
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * math.sqrt(square)
    return change - half, change + half


def _two(value: float) -> str:
    """Two digits, without a power of ten."""
    return value_text(float(f"{value:.2g}"))
