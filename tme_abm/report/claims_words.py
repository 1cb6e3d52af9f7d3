"""Effects, verdicts and robustness of claims as a reader wants to see them, on the page and in the terminal.

An effect is shown to two digits of its interval, however small it is; effect and interval share one power of ten.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..evidence.claims import Claim
from ..evidence.results import AssayResult, ClaimResult, Judged, Review, Verdict
from .style.numbers import DASH, fixed, plural, power_of_ten, resolution, split_power

__all__ = [
    "ARROWS",
    "MARKS",
    "Effect",
    "Mark",
    "effect",
    "expected",
    "marks",
    "percent",
    "remark",
    "sentence",
    "share",
    "tiers",
    "wells_of",
]

MARKS: Mapping[str, str] = {
    "half dose": "half the dose",
    "double dose": "double the dose",
    "half duration": "half the duration",
    "double duration": "double the duration",
}
"""The robustness variants in the order of their marks, in words."""

ARROWS: Mapping[str, str] = {"up": "↑", "down": "↓", "none": "=", "rising": "↗", "falling": "↘"}

TIERS = ("core", "extended", "context")

_REMARK = re.compile(r"\s*\[check:\s*(.*?)\]\s*", re.DOTALL)
MULTIPLE = 10.0
"""What has grown by so many times itself is no longer told in percent."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """An effect for a reader: the figure with its sign, the ends of its interval, and power of ten and unit."""

    value: str
    low: str = ""
    high: str = ""
    unit: str = ""

    def __str__(self) -> str:
        interval = f" [{self.low}, {self.high}]" if self.low else ""
        return f"{self.value}{interval} {self.unit}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What one robustness variant did to a claim: "same", "flips" or "not applicable"."""

    name: str
    what: str
    outcome: str


def effect(value: float | None, ci95: tuple[float, float] | None, unit: str = "", *, sign: bool = True) -> Effect:
    """An effect with its interval, both to two digits of the interval's half-width (three of the value without)."""
    if value is None or not math.isfinite(value):
        return Effect(value=DASH)
    if ci95 is not None and not all(map(math.isfinite, ci95)):
        ci95 = None
    largest = max(abs(number) for number in (value, *(ci95 or ())))
    power = split_power(largest)
    scale = 10.0**-power
    half = (ci95[1] - ci95[0]) / 2 * scale if ci95 else 0.0
    step = half if half > 0 else abs(value) * scale / 10
    # No more than three digits of the figures themselves: an interval may be thin enough to ask for six.
    decimals = min(resolution(step), resolution(largest * scale / 10)) if step > 0 else 0
    figure = fixed(value * scale, decimals, plus=sign)
    low, high = (fixed(end * scale, decimals) for end in ci95) if ci95 else ("", "")
    return Effect(
        # Zeros at the end say how exact a figure is; without an interval they say nothing.
        value=figure if ci95 or "." not in figure else figure.rstrip("0").rstrip("."),
        low=low,
        high=high,
        unit=" ".join(part for part in (power_of_ten(power), unit) if part),
    )


def percent(relative: float | None) -> str:
    """A share with its sign as percent, or as a multiple: "+63 %", "−4.1 %", "×26"; nothing where there is none."""
    if relative is None or not math.isfinite(relative):
        return ""
    if relative >= MULTIPLE:
        return f"×{relative + 1:,.0f}"
    return f"{fixed(100 * relative, 0 if abs(relative) >= 0.0995 else 1, plus=True)} %"


def share(part: int, whole: int) -> str:
    """A part as whole percent; nothing of nothing is a dash. Not all is never 100 %, and some is never 0 %."""
    if not whole:
        return DASH
    rounded = round(100 * part / whole)
    return f"{min(max(rounded, 1), 99) if 0 < part < whole else rounded} %"


def sentence(claim: Claim) -> str:
    """The statement in words, without remarks on the review's text."""
    return _REMARK.sub(" ", claim.fact).strip()


def remark(claim: Claim) -> str:
    """What is to be borne in mind about the review's text, or nothing."""
    return " ".join(found for found in _REMARK.findall(claim.fact))


def expected(one: Judged) -> str:
    """An expectation in words, without its readout."""
    least = effect(one.smallest, None, one.unit, sign=False)
    by = f" by at least {least}" if one.smallest > 0 else ""
    arm, against = f"“{one.arm}”", f"“{one.against}”" if one.against else ""
    if one.direction in ("rising", "falling"):
        return f"{one.direction} from {against} to {arm}{by}"
    if one.direction == "none":
        within = f", within {least}" if one.smallest > 0 else ""
        return f"{arm} like {against}{within}" if against else f"{arm} near zero{within}"
    where = "above" if one.direction == "up" else "below"
    return f"{arm} {where} {against or 'zero'}{by}"


def marks(claim: ClaimResult, assays: Iterable[AssayResult]) -> tuple[Mark, ...]:
    """The robustness of a claim: one mark a variant, in the order of `MARKS`."""
    tried = {variant.name for assay in assays for variant in assay.variants if claim.id in variant.verdicts}

    def outcome(name: str) -> str:
        return "flips" if name in claim.flips else "same" if name in tried else "not applicable"

    return tuple(Mark(name=name, what=what, outcome=outcome(name)) for name, what in MARKS.items())


def tiers(review: Review, known: Mapping[str, Claim]) -> list[tuple[str, dict[Verdict, int]]]:
    """(tier, claims with each verdict) of the tiers that the review has claims of."""
    found: dict[str, dict[Verdict, int]] = {}
    for one in review.claims:
        counts = found.setdefault(known[one.id].tier, {})
        counts[one.verdict] = counts.get(one.verdict, 0) + 1
    order = [*TIERS, *(tier for tier in found if tier not in TIERS)]
    return [(tier, found[tier]) for tier in order if tier in found]


def wells_of(assay: AssayResult) -> str:
    """ "8 wells, 48 h": how many and how long."""
    hours = assay.duration / 60
    time = f"{hours:g} h" if hours <= 72 else f"{hours / 24:g} days"
    return f"{plural(assay.wells, 'well')}, {time}"
