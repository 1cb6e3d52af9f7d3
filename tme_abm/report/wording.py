"""Numbers and metrics as a reader wants to see them.

A number is shown to the digits its interval supports (two significant digits of the half-width), with
a sensible unit; a metric's name is turned into a title and a unit by the few naming conventions of the
recorder ("CD8 core" is a density when CD8 is a cell, a concentration when it is a molecule).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

__all__ = ["Metric", "Unit", "describe", "interval", "join", "number", "plural", "signed", "took", "unit_for"]

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
PER_AREA = "cells/mm²"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric's title and unit; `concentration` marks values in nM that may be shown in pM or µM."""

    title: str
    unit: str = ""
    concentration: bool = False


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit to show a column in, and the factor that brings stored values to it."""

    name: str
    factor: float


_KNOWN = {
    "Treg:CD8": Metric(title="Treg to CD8 ratio"),
    "core area": Metric(title="Area of the tumor core", unit="mm²"),
    "core volume": Metric(title="Volume of the tumor core", unit="mm³"),
    "kills": Metric(title="Tumor cells killed so far", unit="cells"),
    "kills per engaged day": Metric(title="Kills by a killer, per day bound", unit="per day"),
    "tumor radius": Metric(title="Tumor radius", unit="µm"),
    "tumor cells": Metric(title="Tumor cells", unit="cells"),
    "dead tumor cells": Metric(title="Dead tumor cells, not yet cleared", unit="cells"),
    "mean M1 score": Metric(title="Macrophages: M1 score (0 M2, 1 M1)"),
    "mean N1 score": Metric(title="Neutrophils: N1 score (0 N2, 1 N1)"),
    "mean exhaustion": Metric(title="CD8: exhaustion (0 to 1)"),
    "mean activation": Metric(title="CD8: activation (0 to 1)"),
    "mean PDL1": Metric(title="PD-L1 on tumor cells", unit="level"),
    "mean MHC1": Metric(title="MHC-I on tumor cells", unit="level"),
}


def describe(metric: str, cells: Collection[str]) -> Metric:
    """Title and unit of a metric by its recorded name; an unknown pattern is shown by its own name."""
    if metric in _KNOWN:
        return _KNOWN[metric]
    subject, _, where = metric.rpartition(" ")
    subject = subject.replace("_", "-") if subject in cells else subject
    if where == "cells":
        return Metric(title=f"{subject} cells", unit="cells")
    if where in {"core", "margin"} and metric.removesuffix(f" {where}") in cells:
        return Metric(title=f"{subject}, tumor {where}", unit=PER_AREA)
    if where in {"core", "margin"}:
        return Metric(title=f"{subject}, tumor {where}", unit="nM", concentration=True)
    if metric.startswith("mean "):
        return Metric(title=f"{metric.removeprefix('mean ')} on tumor cells", unit="level")
    return Metric(title=metric[:1].upper() + metric[1:])


def unit_for(metric: Metric, values: Iterable[float]) -> Unit:
    """The unit that keeps the largest value readable: pM, nM or µM for concentrations."""
    if not metric.concentration:
        return Unit(name=metric.unit, factor=1.0)
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    if largest >= 1e3:
        return Unit(name="µM", factor=1e-3)
    return Unit(name="nM", factor=1.0) if largest >= 1 else Unit(name="pM", factor=1e3)


def _decimals(scale: float) -> int:
    """Decimals that show two significant digits of `scale`, at most four."""
    if not math.isfinite(scale) or scale <= 0:
        return 2
    return min(4, max(0, 1 - math.floor(math.log10(scale))))


def _digits_of(value: float, ci95: tuple[float, float] | None) -> int:
    """Decimals to show: two digits of the interval's half-width, but never more than three digits of the value."""
    half_width = (ci95[1] - ci95[0]) / 2 if ci95 else 0.0
    size = abs(value) if math.isfinite(value) else 0.0
    if half_width <= 0:
        return 0 if size.is_integer() else _decimals(size / 10)
    return min(_decimals(half_width), _decimals(size / 10)) if size > half_width else _decimals(half_width)


def took(seconds: float) -> str:
    """A span of computing time, rounded."""
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def number(value: float, ci95: tuple[float, float] | None = None) -> str:
    """A number to the digits its interval supports (three significant ones without), thousands set off."""
    if not math.isfinite(value):
        return DASH
    text = f"{value:,.{_digits_of(value, ci95)}f}"
    return (text if text.strip("-0.,") else text.lstrip("-")).replace("-", MINUS)


def signed(value: float, ci95: tuple[float, float] | None = None) -> str:
    """Like `number`, with a plus sign on positive differences."""
    text = number(value, ci95)
    return f"+{text}" if math.isfinite(value) and value > 0 else text


def interval(value: float, ci95: tuple[float, float] | None, *, plus: bool = False) -> str:
    """The interval "low to high" to the digits of its mean, or a dash if there is none."""
    if ci95 is None:
        return DASH
    digits = _digits_of(value, ci95)
    low, high = (f"{end:{'+' if plus else ''},.{digits}f}".replace("-", MINUS) for end in ci95)
    return f"{low} to {high}"


def plural(count: int, noun: str) -> str:
    """ "1 run", "3 runs"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def join(words: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *rest, last = list(words) or [""]
    return f"{', '.join(rest)} and {last}" if rest else last
