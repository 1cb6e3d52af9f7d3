"""The form of a check: a sentence, a formula with its source, bounds stated beforehand, and a function that measures.

The bounds are data beside the check, each with its reason, and the measuring function does not see them. Every check
also names a defect that it must catch: the tests plant it and expect the check to fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from scipy import stats

from .works import Works

__all__ = [
    "FALSE_ALARM", "SIGMAS", "Bound", "Check", "Curve", "Figure", "Found", "Judged", "Plot", "Verdict", "at_least",
    "at_most", "between", "judge", "near", "plot",
]  # fmt: skip

FALSE_ALARM = 1e-6
"""The chance that a correct program fails one bound on random numbers."""

SIGMAS = float(stats.norm.isf(FALSE_ALARM / 2))
"""The number of standard errors that has this chance to be exceeded: 4.9 (normal approximation, two-sided)."""

Verdict = Literal["holds", "fails", "did not run"]
Kind = Literal["line", "dashes", "dots"]
Log = Literal["", "x", "y", "xy"]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The limits of a figure, stated before it is measured; `expected` is its value in theory."""

    figure: str
    low: float = -math.inf
    high: float = math.inf
    expected: float | None = None
    unit: str = ""
    reason: str


def near(figure: str, expected: float, *, within: float, reason: str, unit: str = "") -> Bound:
    """The figure differs from `expected` by at most `within` (absolute)."""
    low, high = expected - within, expected + within
    return Bound(figure=figure, low=low, high=high, expected=expected, unit=unit, reason=reason)


def at_most(figure: str, high: float, *, reason: str, unit: str = "") -> Bound:
    """The figure, a size of an error, is at most `high`."""
    return Bound(figure=figure, high=high, unit=unit, reason=reason)


def at_least(figure: str, low: float, *, reason: str, unit: str = "") -> Bound:
    """The figure is at least `low`."""
    return Bound(figure=figure, low=low, unit=unit, reason=reason)


def between(figure: str, low: float, high: float, *, reason: str, unit: str = "") -> Bound:
    """The figure lies in a range."""
    return Bound(figure=figure, low=low, high=high, unit=unit, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A series of a plot: `y` over `x`, as a line, as dashes (theory) or as dots (measurements)."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A picture of measurements, as data; `log` names the logarithmic axes."""

    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    log: Log = ""


Series = tuple[str, Any, Any, Kind]
"""Label, x, y and kind of a curve."""


def plot(title: str, x: str, y: str, curves: Sequence[Series], log: Log = "") -> Plot:
    """The `Plot` of curves whose x and y are any sequences of numbers."""
    made = (Curve(label=name, x=tuple(map(float, a)), y=tuple(map(float, b)), kind=kind) for name, a, b, kind in curves)
    return Plot(title=title, x=x, y=y, curves=tuple(made), log=log)


Found = tuple[Mapping[str, float], Sequence[Plot]]
"""The measurements of a check: its figures by name, and pictures."""

Measure = Callable[[Works], Found]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check. As a decorator it takes the function that measures.

    topic : the section of the page; says : what is checked, in one sentence
    formula, source : the theory that it is checked against; a source that is a DOI begins with "doi:"
    bounds : the tolerances; quick : whether it is one of the quick checks
    defect, defect_says : works with a fault that the check must catch, and the fault in words
    """

    name: str
    topic: str
    says: str
    formula: str
    source: str
    bounds: tuple[Bound, ...]
    defect: Works
    defect_says: str
    quick: bool = True
    measure: Measure = lambda works: ({}, ())

    def __call__(self, measure: Measure) -> Check:
        """The check with the function that measures."""
        return replace(self, measure=measure)

    def __reduce__(self) -> tuple[Callable[[str], Check], tuple[str]]:
        """A check goes to another process by its name, since its functions cannot be pickled."""
        return _registered, (self.name,)


def _registered(name: str) -> Check:
    from .running import all_checks

    return all_checks()[name]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A measured figure and its bound."""

    bound: Bound
    value: float

    @property
    def holds(self) -> bool:
        """Whether the figure lies within its bound; NaN does not."""
        return bool(self.bound.low <= self.value <= self.bound.high)  # a bound may be a number of numpy

    @property
    def strain(self) -> float:
        """The share of its tolerance that the figure uses: 0 at the expected value or in the middle, 1 at an edge.

        If the bound has one edge, it is the share of that edge.
        """
        low, high, value = self.bound.low, self.bound.high, self.value
        if not math.isfinite(value):
            return math.inf
        if math.isfinite(low) and math.isfinite(high):
            middle = (low + high) / 2 if self.bound.expected is None else self.bound.expected
            used, room = abs(value - middle), (high - middle if value > middle else middle - low)
        elif math.isfinite(high):
            used, room = abs(value), abs(high)
        else:
            used, room = (abs(low), abs(value)) if low else (0.0, 0.0)
        if not room:
            return 0.0 if self.holds else math.inf
        return used / room


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The result of a check; `error` is why it could not measure."""

    check: Check
    figures: tuple[Figure, ...] = ()
    plots: tuple[Plot, ...] = ()
    seconds: float = 0.0
    error: str | None = None

    @property
    def verdict(self) -> Verdict:
        """"holds" if every figure lies within its bound, "fails" if not, "did not run" after an error."""
        if self.error is not None:
            return "did not run"
        return "holds" if all(figure.holds for figure in self.figures) else "fails"

    @property
    def tightest(self) -> Figure | None:
        """The figure that uses most of its tolerance."""
        return max(self.figures, key=lambda figure: figure.strain, default=None)

    def to_json(self) -> dict[str, Any]:
        """The check and its measurements as plain values; an edge that does not exist is null."""
        one = self.check
        return {
            **{key: getattr(one, key) for key in ("name", "topic", "says", "formula", "source", "quick")},
            "fails_if": one.defect_says,
            "verdict": self.verdict,
            "figures": [
                {
                    "figure": figure.bound.figure,
                    "measured": _number(figure.value),
                    "expected": figure.bound.expected,
                    "low": _number(figure.bound.low),
                    "high": _number(figure.bound.high),
                    "unit": figure.bound.unit,
                    "reason": figure.bound.reason,
                    "holds": figure.holds,
                }
                for figure in self.figures
            ],
            "plots": [asdict(drawn) for drawn in self.plots],
            "seconds": round(self.seconds, 3),
            "error": self.error,
        }


def judge(one: Check, found: Found, seconds: float) -> Judged:
    """The result of a check that measured `found`. Raises ValueError if the figures are not those of the bounds."""
    measured, plots = found
    names = [bound.figure for bound in one.bounds]
    if set(names) != set(measured) or len(names) != len(set(names)):
        raise ValueError(f"check {one.name}: figures and bounds differ: {sorted(set(names) ^ set(measured))}")
    figures = tuple(Figure(bound=bound, value=float(measured[bound.figure])) for bound in one.bounds)
    return Judged(check=one, figures=figures, plots=tuple(plots), seconds=seconds)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
