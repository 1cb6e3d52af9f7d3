"""From readings to verdicts, by the criterion that the assay stated before it ran.

A contrast is taken well by well (arms share their draws) and holds when its 95 % interval excludes zero in the stated
direction and it is at least the smallest effect of interest. An arm that is to abolish an effect must leave at most a
third of it, must not turn it around, and must differ significantly from the arm that shows it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compare.statistics import Estimate, mean_interval
from .results import Judged, Verdict
from .schema import Assay, Expectation

__all__ = ["RESIDUAL", "judge", "verdicts"]

RESIDUAL = 1.0 / 3.0
"""Share of an effect that may be left where its mechanism is taken away."""

Values = NDArray[np.float64]
Readings = Mapping[tuple[str, str, str], Values]
"""(arm, readout, over) -> one value per well."""


@dataclass(frozen=True)
class _Finding:
    effect: Estimate
    smallest: float
    relative: float | None
    holds: bool
    opposed: bool
    wanted: str


def judge(assay: Assay, readings: Readings, units: Mapping[str, str]) -> tuple[Judged, ...]:
    """What came of every expectation of the assay."""
    return tuple(_judged(assay, one, readings, units) for one in assay.expect)


def verdicts(assay: Assay, judged: Sequence[Judged]) -> dict[str, Verdict]:
    """The verdict on each claim of the assay: all its expectations hold, its primary one is opposed, or neither."""
    found: dict[str, Verdict] = {}
    for claim in assay.claims:
        mine = [one for one in judged if claim in one.claims]
        if all(one.holds for one in mine):
            found[claim] = "shown"
        else:
            found[claim] = "contradicted" if mine[0].opposed else "not shown"
    return found


def _judged(assay: Assay, expected: Expectation, readings: Readings, units: Mapping[str, str]) -> Judged:
    def of(arm: str) -> Values:
        return readings[arm, expected.readout, expected.over]

    if expected.direction in ("rising", "falling"):
        finding = _trend(expected, [of(arm) for arm in expected.arms])
        arm, against = expected.arms[-1], expected.arms[0]
    else:
        arm, against = expected.arm, expected.against
        if expected.direction != "none":
            finding = _contrast(expected, of(arm), of(against) if against else None)
        elif expected.smallest:
            finding = _equal(expected, of(arm), of(against) if against else None)
        else:
            finding = _abolished(assay, expected, readings)
    interval = finding.effect.interval
    unit = units[expected.readout]
    return Judged(
        readout=expected.readout,
        unit=unit,
        direction=expected.direction,
        arm=arm,
        against=against,
        claims=expected.claims or assay.claims,
        smallest=finding.smallest,
        effect=finding.effect.mean,
        ci95=None if interval is None else (interval[0], interval[1]),
        relative=finding.relative,
        holds=finding.holds,
        opposed=finding.opposed,
        says=_sentence(expected, arm, against, finding, unit),
    )


def _contrast(expected: Expectation, arm: Values, against: Values | None) -> _Finding:
    sign = 1.0 if expected.direction in ("up", "rising") else -1.0
    effect, mean = _difference(arm, against)
    smallest = max(expected.absolute, expected.share * abs(mean))
    holds = _is_beyond(effect, sign) and effect.mean is not None and sign * effect.mean >= smallest
    opposed = _is_beyond(effect, -sign) and effect.mean is not None and -sign * effect.mean >= smallest
    wanted = f"wanted {'more' if sign > 0 else 'less'}" + (f" by at least {smallest:.3g}" if smallest else "")
    return _Finding(effect, smallest, _share(effect, mean), holds, opposed, wanted)


def _equal(expected: Expectation, arm: Values, against: Values | None) -> _Finding:
    """The whole interval lies within the smallest effect of interest."""
    effect, mean = _difference(arm, against)
    smallest = max(expected.absolute, expected.share * abs(mean))
    holds = effect.low is not None and effect.high is not None and max(-effect.low, effect.high) <= smallest
    return _Finding(effect, smallest, _share(effect, mean), holds, False, f"wanted within ±{smallest:.3g}")


def _abolished(assay: Assay, expected: Expectation, readings: Readings) -> _Finding:
    primary = next(
        (
            one
            for one in assay.expect
            if one.readout == expected.readout and one.over == expected.over and one.direction in ("up", "down")
        ),
        None,
    )
    if primary is None:
        raise ValueError(f"assay {assay.id}: 'none' needs a 'smallest', or an expected effect of the same readout")

    def paired(one: Expectation) -> Values:
        arm = readings[one.arm, one.readout, one.over]
        return arm - readings[one.against, one.readout, one.over] if one.against else arm

    sign = 1.0 if primary.direction == "up" else -1.0
    whole, rest = paired(primary), paired(expected)
    effect, mean = _difference(
        readings[expected.arm, expected.readout, expected.over],
        readings[expected.against, expected.readout, expected.over] if expected.against else None,
    )
    whole_mean, lost = mean_interval(whole).mean, mean_interval(whole - rest)
    allowed = RESIDUAL * abs(whole_mean) if whole_mean is not None else 0.0
    # A block that turns the effect around, beyond chance, does something of its own.
    turned = _is_beyond(effect, -sign) and effect.mean is not None and -sign * effect.mean > allowed
    gone = effect.mean is not None and sign * effect.mean <= allowed and not turned
    holds = gone and _is_beyond(lost, sign)
    return _Finding(effect, allowed, _share(effect, mean), holds, False, f"wanted at most {allowed:.3g} left")


def _trend(expected: Expectation, arms: Sequence[Values]) -> _Finding:
    sign = 1.0 if expected.direction == "rising" else -1.0
    ends = _contrast(expected, arms[-1], arms[0])
    means = [mean_interval(arm).mean for arm in arms]
    each = all(
        one is not None and two is not None and sign * (two - one) >= 0
        for one, two in itertools.pairwise(means)
    )
    wanted = f"{ends.wanted} from first to last, and no step back"
    return _Finding(ends.effect, ends.smallest, ends.relative, ends.holds and each, ends.opposed, wanted)


def _difference(arm: Values, against: Values | None) -> tuple[Estimate, float]:
    """The paired difference, and the mean it is compared with."""
    if against is None:
        return mean_interval(arm), 0.0
    return mean_interval(arm - against), mean_interval(against).mean or 0.0


def _is_beyond(effect: Estimate, sign: float) -> bool:
    """Whether the interval excludes zero on the side of `sign`."""
    if effect.low is None or effect.high is None:
        return False
    return effect.low > 0 if sign > 0 else effect.high < 0


def _share(effect: Estimate, mean: float) -> float | None:
    return None if effect.mean is None or abs(mean) < 1e-300 else effect.mean / abs(mean)


def _sentence(expected: Expectation, arm: str, against: str, finding: _Finding, unit: str) -> str:
    effect = finding.effect
    if effect.mean is None:
        figure = "nothing to read"
    else:
        interval = "" if effect.low is None else f" [{effect.low:.3g}, {effect.high:.3g}]"
        share = "" if finding.relative is None else f" ({finding.relative:+.0%})"
        figure = f"{effect.mean:+.3g}{interval} {unit}".rstrip() + share
    versus = f" against {against}" if against else ""
    return f"{expected.readout}, {arm}{versus}: {figure}; {finding.wanted}"
