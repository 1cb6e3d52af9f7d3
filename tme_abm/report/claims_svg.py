"""What pictures written by hand as SVG need: a scale, round ticks, sensible limits, and the frame around it all.

A few hundred such pictures fit into one page, and print sharply. Colors and fonts come from the page (`claims.css`),
so that they look like their surroundings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from .claims_words import LARGE, SMALL, power_of_ten
from .wording import MINUS

__all__ = ["Scale", "limits", "svg", "text", "tick_texts", "ticks"]


class Scale:
    """A straight line from values to places on a picture."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._start = low, start
        self._step = (end - start) / (high - low if high > low else 1.0)

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return self._start + (value - self._low) * self._step


def limits(numbers: Sequence[float]) -> tuple[float, float]:
    """From the least to the largest, with zero if it is not far off, and never of no width."""
    low, high = min(numbers), max(numbers)
    if 0 < low < 0.6 * high:
        low = 0.0
    if 0.6 * low < high < 0:
        high = 0.0
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        half = abs(high) / 10 or 1.0
        return (low - half if low else 0.0), high + half
    return low, high


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers, 1, 2 or 5 times a power of ten apart, from low to high."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [index * step for index in range(first, last + 1)]


def tick_texts(places: Sequence[float]) -> tuple[list[str], str]:
    """The numbers of ticks, and the power of ten they share ("×10⁻³"), or nothing where they are readable as they are.

    Digits that rounding added are left out.
    """
    largest = max((abs(place) for place in places), default=0.0)
    power = math.floor(math.log10(largest)) if largest > 0 and not SMALL <= largest < LARGE else 0
    texts = [f"{place * 10.0**-power:,.6g}".replace("-", MINUS) for place in places]
    return texts, power_of_ten(power)


def text(x: float, y: float, words: str, kind: str, anchor: str = "middle") -> str:
    """A text of the class `kind`, escaped."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def svg(width: float, height: float, parts: Iterable[str], *, kind: str, says: str) -> Markup:
    """The picture: `parts` are SVG, every text in them escaped; `says` is for who cannot see it."""
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="{escape(says)}">{"".join(parts)}</svg>'
    )
