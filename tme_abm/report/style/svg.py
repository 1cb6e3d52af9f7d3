"""Drawings written by hand as SVG: a scale, round numbers for ticks and scale bars, and the frame around it all.

A few hundred such pictures fit into one page, and print sharply. Colors and fonts come from the page's style sheet, so
that they look like their surroundings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from .numbers import MINUS, power_of_ten, split_power

__all__ = ["Scale", "decades", "limits", "nice_above", "nice_length", "svg", "swatch", "text", "tick_texts", "ticks"]


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


def ticks(low: float, high: float, about: float) -> list[float]:
    """Round numbers, 1, 2 or 5 times a power of ten apart, from low to high."""
    step = _round((high - low) / about, (1, 2, 5, 10))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [index * step for index in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """The powers of ten from low to high."""
    return [10.0**power for power in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)]


def nice_length(span: float) -> float:
    """A round length (1, 2 or 5 times a power of ten) of at most a quarter of `span`."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return max(step for step in (1, 2, 5) if step * power <= span / 4 * (1 + 1e-9)) * power


def nice_above(value: float) -> float:
    """A round number that is at least `value` and less than 1.5 times as much; 1 for nothing."""
    return _round(value, (1, 1.5, 2, 3, 4, 5, 6, 8, 10)) if value > 0 else 1.0


def _round(value: float, steps: Sequence[float]) -> float:
    """The least of the `steps`, times a power of ten, that is at least `value`."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step for step in steps if step * power >= value * (1 - 1e-6)) * power


def tick_texts(places: Sequence[float]) -> tuple[list[str], str]:
    """The numbers of ticks, and the power of ten they share ("×10⁻³"), or nothing where they are readable as they are.

    Digits that rounding added are left out.
    """
    power = split_power(max((abs(place) for place in places), default=0.0))
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


def swatch(color: str, shape: str) -> Markup:
    """A small inline picture: a disc, a square, a filled block, a frame or a line."""
    drawing = _SHAPES[shape].format(c=escape(color))
    return Markup(f'<svg class="swatch" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">{drawing}</svg>')


_SHAPES = {
    "disc": '<circle cx="8" cy="8" r="6" fill="{c}" stroke="#0005"/>',
    "square": '<rect x="2.7" y="2.7" width="10.6" height="10.6" fill="{c}" stroke="#0005"/>',
    "block": '<rect x="1" y="1" width="14" height="14" fill="{c}" stroke="#0003"/>',
    "frame": '<rect x="2" y="2" width="12" height="12" fill="none" stroke="{c}" stroke-width="2"/>',
    "line": '<path d="M1 8H15" stroke="{c}" stroke-width="2"/>',
}
