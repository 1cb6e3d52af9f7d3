"""Numbers as a reader wants to see them: to the digits their interval supports (two significant digits of the
half-width), with a sensible unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Unit", "interval", "join", "number", "plural", "signed", "took", "unit_for"]

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
PER_AREA = "cells/mm²"


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit to show a column in, and the factor that brings stored values to it."""

    name: str
    factor: float


def unit_for(unit: str, values: Iterable[float]) -> Unit:
    """The unit that keeps the largest value readable: pM, nM or µM for concentrations."""
    if unit != "nM":
        return Unit(name=unit, factor=1.0)
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
