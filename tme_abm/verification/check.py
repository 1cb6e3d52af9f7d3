"""What a check is: a sentence, a formula with its source, bounds stated beforehand, and a function that measures.

The bounds are data that stand beside the check, each with its reason, and the measuring function never sees them: no
figure can bend its own tolerance. Every check also names a defect that it must catch; the tests plant it and expect the
check to fail, so a check that cannot fail does not stay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .works import Works

__all__ = [
    "FALSE_ALARM",
    "SIGMAS",
    "Bound",
    "Check",
    "Curve",
    "Figure",
    "Found",
    "Judged",
    "Plot",
    "Verdict",
    "at_least",
    "at_most",
    "between",
    "check",
    "curve",
    "judge",
    "near",
]

FALSE_ALARM = 1e-6
"""Chance that a correct program fails one bound that rests on random numbers."""

SIGMAS = float(stats.norm.isf(FALSE_ALARM / 2))
"""Standard errors that a correct program stays within but for that chance: 4.9 (normal approximation, two-sided)."""

Verdict = Literal["holds", "fails", "did not run"]
Kind = Literal["line", "dashes", "dots"]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A figure and what it must lie between, stated before it is measured; `expected` is what theory says."""

    figure: str
    low: float = -math.inf
    high: float = math.inf
    expected: float | None = None
    unit: str = ""
    reason: str

    def admits(self, value: float) -> bool:
        """Whether `value` is within the bound; NaN never is."""
        return bool(self.low <= value <= self.high)


def near(figure: str, expected: float, *, within: float, reason: str, unit: str = "") -> Bound:
    """The figure is `expected`, give or take `within` (absolute)."""
    return Bound(
        figure=figure, low=expected - within, high=expected + within, expected=expected, unit=unit, reason=reason
    )


def at_most(figure: str, high: float, *, reason: str, unit: str = "") -> Bound:
    """The figure, a size of an error, is at most `high`."""
    return Bound(figure=figure, high=high, unit=unit, reason=reason)


def at_least(figure: str, low: float, *, reason: str, unit: str = "") -> Bound:
    """The figure is at least `low`."""
    return Bound(figure=figure, low=low, unit=unit, reason=reason)


def between(figure: str, low: float, high: float, *, reason: str, unit: str = "") -> Bound:
    """The figure lies in a range that was reported or asked for."""
    return Bound(figure=figure, low=low, high=high, unit=unit, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A series of a plot: `y` over `x`, as a line, as dashes (what theory says) or as dots (what was measured)."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A picture of what was measured, as data; `log` names the logarithmic axes."""

    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    log: Literal["", "x", "y", "xy"] = ""


def curve(label: str, x: Sequence[float] | NDArray[Any], y: Sequence[float] | NDArray[Any], kind: Kind) -> Curve:
    """A `Curve` from any sequences."""
    return Curve(label=label, x=tuple(map(float, x)), y=tuple(map(float, y)), kind=kind)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a check measured: its figures by name, and pictures."""

    figures: Mapping[str, float]
    plots: tuple[Plot, ...] = ()


Measure = Callable[[Works], Found]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    name : how it is asked for; topic : the part of the page it stands in; says : what is checked, one sentence
    formula, source : what it is checked against; a source that is a DOI begins with "doi:"
    bounds : the tolerances; quick : whether it is part of the quick ones
    defect, defect_says : works with a fault that the check must catch, and the fault in words
    """

    name: str
    topic: str
    says: str
    formula: str
    source: str
    bounds: tuple[Bound, ...]
    measure: Measure
    defect: Works
    defect_says: str
    quick: bool

    def __reduce__(self) -> tuple[Callable[[str], Check], tuple[str]]:
        """A check is sent to another process by its name; its functions cannot be."""
        return _registered, (self.name,)


def _registered(name: str) -> Check:
    from .registry import all_checks

    return all_checks()[name]


def check(
    *,
    name: str,
    topic: str,
    says: str,
    formula: str,
    source: str,
    bounds: Sequence[Bound],
    defect: Works,
    defect_says: str,
    quick: bool = True,
) -> Callable[[Measure], Check]:
    """Make a `Check` of the function that measures."""

    def made(measure: Measure) -> Check:
        return Check(
            name=name, topic=topic, says=says, formula=formula, source=source, bounds=tuple(bounds), measure=measure,
            defect=defect, defect_says=defect_says, quick=quick,
        )  # fmt: skip

    return made


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure that was measured, beside its bound."""

    bound: Bound
    value: float

    @property
    def holds(self) -> bool:
        """Whether it lies within."""
        return self.bound.admits(self.value)

    @property
    def strain(self) -> float:
        """How much of its tolerance the figure uses: 0 where it is expected or in the middle, 1 at the edge.

        For a bound with one edge it is the share of that edge.
        """
        low, high, value = self.bound.low, self.bound.high, self.value
        if not math.isfinite(value):
            return math.inf
        if math.isfinite(low) and math.isfinite(high):
            middle = (low + high) / 2 if self.bound.expected is None else self.bound.expected
            width = (high - middle) if value > middle else (middle - low)
            return abs(value - middle) / width if width else (0.0 if self.holds else math.inf)
        edge = high if math.isfinite(high) else low
        if not edge:
            return 0.0 if self.holds else math.inf
        share = value / edge
        return abs(share) if math.isfinite(high) else 1.0 / abs(share) if share else math.inf


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A check that was run; `error` is what kept it from measuring."""

    check: Check
    figures: tuple[Figure, ...] = ()
    plots: tuple[Plot, ...] = ()
    seconds: float = 0.0
    error: str | None = None

    @property
    def verdict(self) -> Verdict:
        """"holds" if every figure lies within its bound."""
        if self.error is not None:
            return "did not run"
        return "holds" if all(figure.holds for figure in self.figures) else "fails"

    @property
    def tightest(self) -> Figure | None:
        """The figure that strains its tolerance most."""
        return max(self.figures, key=lambda figure: figure.strain, default=None)

    def to_json(self) -> dict[str, Any]:
        """Everything about the check and what it measured, as JSON has it; an edge that does not exist is null."""
        return {
            "name": self.check.name,
            "topic": self.check.topic,
            "says": self.check.says,
            "formula": self.check.formula,
            "source": self.check.source,
            "quick": self.check.quick,
            "fails_if": self.check.defect_says,
            "verdict": self.verdict,
            "figures": [
                {
                    "figure": one.bound.figure,
                    "measured": _number(one.value),
                    "expected": one.bound.expected,
                    "low": _number(one.bound.low),
                    "high": _number(one.bound.high),
                    "unit": one.bound.unit,
                    "reason": one.bound.reason,
                    "holds": one.holds,
                }
                for one in self.figures
            ],
            "plots": [asdict(plot) for plot in self.plots],
            "seconds": round(self.seconds, 3),
            "error": self.error,
        }


def judge(one: Check, found: Found, seconds: float) -> Judged:
    """Hold what was found against the bounds. Each bound needs its figure and each figure its bound."""
    names = [bound.figure for bound in one.bounds]
    if set(names) != set(found.figures) or len(names) != len(set(names)):
        raise ValueError(f"check {one.name}: figures and bounds differ: {sorted(set(names) ^ set(found.figures))}")
    figures = tuple(Figure(bound=bound, value=float(found.figures[bound.figure])) for bound in one.bounds)
    return Judged(check=one, figures=figures, plots=found.plots, seconds=seconds)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
