"""Verdicts from readings, by the criterion that was stated before anything ran.

A contrast is taken well by well (arms share their draws). It holds if its 95 % interval excludes zero in the stated
direction and it is at least the smallest effect of interest. An arm that should abolish an effect must leave at most a
third of it, must not reverse it, and must differ significantly from the arm that shows it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..compare.statistics import Estimate, mean_interval
from .assays import TREND, Expectation
from .results import Judged, Verdict, of_claim

__all__ = ["RESIDUAL", "arms_of", "judge", "verdicts"]

RESIDUAL = 1.0 / 3.0
"""The largest share of an effect that may be left where its mechanism is blocked."""

Values = NDArray[np.float64]
Readings = Mapping[tuple[str, str, str], Values]
"""(arm, readout, over) -> one value per well."""


def judge(
    expect: Sequence[Expectation],
    claims: tuple[str, ...],
    readings: Readings,
    units: Mapping[str, str],
    only: Sequence[Expectation] | None = None,
) -> tuple[Judged, ...]:
    """The outcome of every expectation, or of some of them; one that names no claims concerns all. `units` are those of
    the readouts.
    """
    asked = expect if only is None else only
    return tuple(_judged(one, expect, claims, readings, units[one.readout]) for one in asked)


def arms_of(one: Expectation, expect: Sequence[Expectation]) -> tuple[str, ...]:
    """The arms that an expectation is judged by."""
    arms = (*one.arms, one.arm, one.against)
    if one.direction == "none" and not one.smallest:
        primary = _primary(one, expect)
        arms += (primary.arm, primary.against)
    return tuple(dict.fromkeys(filter(None, arms)))


def _primary(one: Expectation, expect: Sequence[Expectation]) -> Expectation:
    """The effect that an expectation expects to be abolished."""
    return next(other for other in expect if other.states(one))


def verdicts(claims: Iterable[str], judged: Sequence[Judged]) -> dict[str, Verdict]:
    """The verdict on each claim: "shown" if all its expectations hold, "contradicted" if its primary one is opposed."""
    found: dict[str, Verdict] = {}
    for claim in claims:
        mine = of_claim(judged, claim)
        if all(one.holds for one in mine):
            found[claim] = "shown"
        else:
            found[claim] = "contradicted" if mine[0].opposed else "not shown"
    return found


def _judged(
    one: Expectation, expect: Sequence[Expectation], claims: tuple[str, ...], readings: Readings, unit: str
) -> Judged:
    def of(arm: str) -> Values:
        return readings[arm, one.readout, one.over]

    def contrast(arm: str, against: str) -> Values:
        return of(arm) - of(against) if against else of(arm)

    trend = one.direction in TREND
    arm, against = (one.arms[-1], one.arms[0]) if trend else (one.arm, one.against)
    effect = mean_interval(contrast(arm, against))
    compared = mean_interval(of(against)).mean or 0.0 if against else 0.0
    smallest = one.smallest_beside(compared)
    opposed = False
    if one.direction == "none" and one.smallest:
        holds = effect.interval is not None and max(map(abs, effect.interval)) <= smallest
        wanted = f"wanted within ±{smallest:.3g}"
    elif one.direction == "none":
        primary = _primary(one, expect)
        whole = contrast(primary.arm, primary.against)
        smallest = RESIDUAL * abs(mean_interval(whole).mean or 0.0)
        holds = _is_abolished(effect, mean_interval(whole - contrast(arm, against)), _sign(primary), smallest)
        wanted = f"wanted at most {smallest:.3g} left"
    else:
        sign = _sign(one)
        holds, opposed = _reaches(effect, sign, smallest), _reaches(effect, -sign, smallest)
        wanted = f"wanted {'more' if sign > 0 else 'less'}" + (f" by at least {smallest:.3g}" if smallest else "")
        if trend:
            holds = holds and _never_back(sign, map(of, one.arms))
            wanted += " from first to last, and no step back"
    relative = None if effect.mean is None or abs(compared) < 1e-300 else effect.mean / abs(compared)
    return Judged(
        readout=one.readout,
        unit=unit,
        direction=one.direction,
        arm=arm,
        against=against,
        claims=one.claims or claims,
        smallest=smallest,
        effect=effect.mean,
        ci95=effect.interval,
        relative=relative,
        holds=holds,
        opposed=opposed,
        says=f"{one.readout}, {arm}{f' against {against}' if against else ''}: "
        f"{_figure(effect, relative, unit)}; {wanted}",
    )


def _is_abolished(effect: Estimate, lost: Estimate, sign: float, allowed: float) -> bool:
    """Whether at most `allowed` is left of an effect on the side of `sign`, and the loss is beyond chance."""
    if effect.mean is None or sign * effect.mean > allowed:
        return False
    # A block that reverses the effect, beyond chance, has an effect of its own.
    reversed_ = _is_beyond(effect, -sign) and -sign * effect.mean > allowed
    return not reversed_ and _is_beyond(lost, sign)


def _sign(one: Expectation) -> float:
    return 1.0 if one.direction in ("up", "rising") else -1.0


def _reaches(effect: Estimate, sign: float, smallest: float) -> bool:
    """Whether the effect is beyond chance on the side of `sign`, and at least `smallest`."""
    return _is_beyond(effect, sign) and effect.mean is not None and sign * effect.mean >= smallest


def _is_beyond(effect: Estimate, sign: float) -> bool:
    """Whether the interval excludes zero on the side of `sign`."""
    return effect.interval is not None and min(sign * end for end in effect.interval) > 0


def _never_back(sign: float, arms: Iterable[Values]) -> bool:
    means = [mean_interval(arm).mean for arm in arms]
    return all(a is not None and b is not None and sign * (b - a) >= 0 for a, b in itertools.pairwise(means))


def _figure(effect: Estimate, relative: float | None, unit: str) -> str:
    if effect.mean is None:
        return "nothing to read"
    interval = "" if effect.low is None else f" [{effect.low:.3g}, {effect.high:.3g}]"
    return f"{effect.mean:+.3g}{interval} {unit}".rstrip() + ("" if relative is None else f" ({relative:+.0%})")
