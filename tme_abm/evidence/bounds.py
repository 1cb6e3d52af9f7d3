"""Verdicts on published experiments: what is taken of the readings, and whether it keeps the bounds stated beforehand.

An estimate, or the whole of its 95 % interval, lies within its bounds or not. It is opposed if it should lie on one
side of no effect and its whole interval lies on the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..compare.statistics import Estimate, mean_interval, paired_difference, paired_ratio
from .published import Bounds
from .results import Held, Outcome

__all__ = ["held", "outcome"]

Values = NDArray[np.float64]

_HALF_A_CELL = 0.5
"""What a count of zero stands for in a logarithm."""


def held(one: Bounds, arms: Mapping[str, Values], unit: str, *, tumor: str, doses: Sequence[float] = ()) -> Held:
    """The outcome of bounds in one tumor, from the values of its arms, one per replicate, in the order of the arms.

    doses : those of a swept curve [nM]
    """
    found = _estimate(one, list(arms.values()), doses)
    value, interval = found.mean, found.interval
    unit = unit if one.take in ("value", "difference") else "nM" if one.take == "half-max" else ""
    holds = value is not None and _within(value, one.least, one.most)
    if one.above is not None or one.below is not None:
        holds = holds and interval is not None and all(_strictly_within(end, one.above, one.below) for end in interval)
    opposed = (
        bool(one.side) and interval is not None and all(one.side * (end - (one.none or 0.0)) < 0 for end in interval)
    )
    return Held(
        tumor=tumor,
        readout=_readout(one),
        at=" and ".join(one.at),
        what=_what(one),
        wanted=_wanted(one),
        says=f"{_what(one)} {_figure(found, unit)}",
        unit=unit,
        take=one.take,
        arms={
            arm: tuple(float(number) if np.isfinite(number) else None for number in values)
            for arm, values in arms.items()
        },
        value=value,
        ci95=interval,
        least=one.least,
        most=one.most,
        above=one.above,
        below=one.below,
        none=one.none,
        holds=holds,
        opposed=opposed,
        world=one.world,
    )


def outcome(found: Sequence[Held]) -> Outcome:
    """The verdict on an experiment from all that was expected; none if its bounds describe different worlds."""
    if any(one.world for one in found):
        return "no verdict"
    if any(one.opposed for one in found):
        return "opposite"
    return "reproduced" if found and all(one.holds for one in found) else "not reproduced"


def _estimate(one: Bounds, arms: Sequence[Values], doses: Sequence[float]) -> Estimate:
    if one.take == "difference":
        return paired_difference(*arms)
    if one.take == "ratio":
        return paired_ratio(*arms)
    if one.take == "interaction":
        both, first, second, neither = (np.log(np.maximum(arm, _HALF_A_CELL)) for arm in arms)
        return mean_interval(both - first - second + neither)
    if one.take == "spread":
        return _exactly(_spread(arms))
    if one.take == "half-max":
        logs = mean_interval(np.log([_half_max(list(rise), doses) for rise in zip(*arms, strict=True)]))
        low, mean, high = (None if end is None else float(np.exp(end)) for end in (logs.low, logs.mean, logs.high))
        return Estimate(mean=mean, low=low, high=high, n=logs.n)
    return mean_interval(arms[0])


def _exactly(value: float) -> Estimate:
    return Estimate(mean=value if np.isfinite(value) else None, low=None, high=None, n=1)


def _spread(arms: Sequence[Values]) -> float:
    """The largest over the smallest median of arms; 1 if all are equal, even zero."""
    medians = [float(np.median(arm)) for arm in arms]
    low, high = min(medians), max(medians)
    return 1.0 if low == high else high / low if low > 0 else float("nan")


def _half_max(rise: Sequence[float], doses: Sequence[float]) -> float:
    """The dose at which a response first passes the middle between that to the first dose and the largest one.

    Between two doses it is interpolated along the logarithm; NaN if there is no rise.
    """
    middle = (rise[0] + max(rise)) / 2
    for (low, less), (high, more) in itertools.pairwise(zip(doses, rise, strict=True)):
        if less < middle <= more:
            share = (middle - less) / (more - less)
            return float(low ** (1 - share) * high**share) if low > 0 else high * share
    return float("nan")


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _strictly_within(end: float, above: float | None, below: float | None) -> bool:
    return (above is None or end > above) and (below is None or end < below)


def _what(one: Bounds) -> str:
    """The quantity of bounds in words."""
    arms = {
        "value": "{0}",
        "difference": "{0} minus {1}",
        "ratio": "{0} over {1}",
        "interaction": "interaction of {1} and {2} (log)",
        "spread": "largest over smallest median",
        "half-max": "dose of {0} at half of the largest rise",
    }[one.take].format(*one.arms)
    return ", ".join((f"{_readout(one)}: {arms}", *filter(None, [" and ".join(one.at)])))


def _readout(one: Bounds) -> str:
    return f"{one.readout} (mean over time)" if one.over == "mean" else one.readout


def _wanted(one: Bounds) -> str:
    """Bounds in words."""
    said = [
        f"{one.least:g} to {one.most:g}"
        if one.least is not None and one.most is not None
        else f"at least {one.least:g}"
        if one.least is not None
        else f"at most {one.most:g}"
        if one.most is not None
        else "",
        f"interval above {one.above:g}" if one.above is not None else "",
        f"interval below {one.below:g}" if one.below is not None else "",
    ]
    return ", ".join(filter(None, said))


def _figure(found: Estimate, unit: str) -> str:
    if found.mean is None:
        return "could not be read"
    interval = "" if found.interval is None else f" [{found.low:.3g}, {found.high:.3g}]"
    return f"{found.mean:.3g}{interval} {unit}".rstrip()
