"""Numbers as a reader wants to see them, for pages, tables and terminals.

`number` shows the digits that an interval supports: two significant ones of its half-width, at most three of the value.
`significant` and `short` show three digits of a number whose uncertainty is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "DASH", "LARGE", "MINUS", "SMALL", "Effect", "Unit", "coefficient", "compact", "duration",
    "effect", "fixed", "in_days", "interval", "join", "listed", "number", "percent", "plain", "plural",
    "power_of_ten", "raised", "resolution", "share", "short", "signed", "significant", "size", "split_power",
    "unit_for",
]  # fmt: skip

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
SMALL, LARGE = 1e-3, 1e5
"""Between these, people write numbers without a power of ten."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MOST_DECIMALS = 4


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit to show values in, and the factor that brings stored values to it."""

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


# ------------------------------------------------------------------ with a given number of digits


def fixed(value: float, decimals: int, *, plus: bool = False) -> str:
    """A number with so many decimals, thousands set off, zero without a sign; a dash for what is not finite."""
    if not math.isfinite(value):
        return DASH
    text = f"{value:{'+' if plus else ''},.{decimals}f}"
    return (text if text.strip("+-0.,") else text.lstrip("+-")).replace("-", MINUS)


def plain(value: float) -> str:
    """All digits of a round number, without a power of ten: "0.00025", "1,500"."""
    return f"{value:,.9f}".rstrip("0").rstrip(".") if value == 0 or abs(value) >= 1e-9 else f"{value:g}"


def compact(value: float) -> str:
    """A tick of at most five signs: "0.001", "1,200", "250k"."""
    return f"{value / 1000:g}k" if value >= 10_000 else plain(value)


def significant(value: float) -> str:
    """Three significant digits, zeros at the end left out: "0.217", "12.3", "1,230"."""
    return f"{float(f'{value:.3g}'):,.10g}".replace("-", MINUS) if math.isfinite(value) else DASH


def short(value: float | None) -> str:
    """A number for a terminal, with a plain minus: three digits, whole from a hundred on; a dash for None and NaN."""
    if value is None or math.isnan(value):
        return DASH
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def coefficient(value: float) -> str:
    """An index or a correlation: two decimals, three digits of one that is 10 or more."""
    return fixed(value, 2) if abs(value) < 10 else significant(value)


# ------------------------------------------------------------------ with the digits that an interval supports


def resolution(step: float) -> int:
    """Decimals that show two significant digits of `step`, which is above zero."""
    return max(0, 1 - math.floor(math.log10(step)))


def number(value: float, ci95: tuple[float, float] | None = None) -> str:
    """A number to the digits its interval supports (three significant ones without), thousands set off."""
    return fixed(value, _decimals(value, ci95))


def signed(value: float, ci95: tuple[float, float] | None = None) -> str:
    """Like `number`, with a plus sign on positive differences."""
    text = number(value, ci95)
    return f"+{text}" if math.isfinite(value) and value > 0 else text


def interval(value: float, ci95: tuple[float, float] | None, *, plus: bool = False) -> str:
    """The interval "low to high" to the digits of its mean, or a dash if there is none."""
    if ci95 is None:
        return DASH
    decimals = _decimals(value, ci95)
    low, high = (f"{end:{'+' if plus else ''},.{decimals}f}".replace("-", MINUS) for end in ci95)
    return f"{low} to {high}"


def _decimals(value: float, ci95: tuple[float, float] | None) -> int:
    half_width = (ci95[1] - ci95[0]) / 2 if ci95 else 0.0
    size_of_value = abs(value) if math.isfinite(value) else 0.0
    if half_width <= 0:
        return 0 if size_of_value.is_integer() else _at_most(size_of_value / 10)
    by_interval = _at_most(half_width)
    return min(by_interval, _at_most(size_of_value / 10)) if size_of_value > half_width else by_interval


def _at_most(step: float) -> int:
    return min(_MOST_DECIMALS, resolution(step)) if math.isfinite(step) and step > 0 else 2


# ------------------------------------------------------------------ powers of ten


def split_power(largest: float) -> int:
    """The power of ten to show numbers up to `largest` with; 0 where they are readable as they are."""
    largest = abs(largest)
    return math.floor(math.log10(largest)) if largest > 0 and not SMALL <= largest < LARGE else 0


def power_of_ten(power: int) -> str:
    """ "×10⁻⁵"; nothing for a power of 0."""
    return f"×10{raised(power)}" if power else ""


def raised(power: int) -> str:
    """A whole number in superscript: "⁻⁵"."""
    return str(power).translate(_SUPERSCRIPT)


# ------------------------------------------------------------------ effects and shares

_MULTIPLE = 10.0
"""What has grown by so many times itself is shown as a multiple, not in percent."""


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


def effect(value: float | None, ci95: tuple[float, float] | None, unit: str = "", *, sign: bool = True) -> Effect:
    """An effect and its interval with one power of ten, to two digits of the half-width or three of the value."""
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
    """A change with its sign in percent, or as a multiple: "+63 %", "−4.1 %", "×26"; empty for None and NaN."""
    if relative is None or not math.isfinite(relative):
        return ""
    if relative >= _MULTIPLE:
        return f"×{relative + 1:,.0f}"
    return f"{fixed(100 * relative, 0 if abs(relative) >= 0.0995 else 1, plus=True)} %"


def share(part: int, whole: int) -> str:
    """A part in whole percent; a dash if the whole is 0. Not all is never 100 %, and some is never 0 %."""
    if not whole:
        return DASH
    rounded = round(100 * part / whole)
    return f"{min(max(rounded, 1), 99) if 0 < part < whole else rounded} %"


# ------------------------------------------------------------------ time, data, words


def duration(seconds: float) -> str:
    """A length of time."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def in_days(days: float) -> str:
    """ "1 day", "2.5 days"."""
    return "1 day" if abs(days - 1) < 1e-9 else f"{days:g} days"


def size(count: float) -> str:
    """An amount of data, in bytes."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def plural(count: int, noun: str) -> str:
    """ "1 run", "3 runs"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def join(words: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *rest, last = list(words) or [""]
    return f"{', '.join(rest)} and {last}" if rest else last


def listed(words: list[str], most: int) -> str:
    """The first words, and how many there are: "a, b, … (7 in all)"."""
    more = f", … ({len(words)} in all)" if len(words) > most else ""
    return ", ".join(words[:most]) + more
