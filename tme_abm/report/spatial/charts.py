"""A statistic of simulated fields over the quantiles of real sections, as a small picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from ...observe.real_sections import real_sections
from ...observe.sections import Statistic
from ..style.svg import Scale, decades, svg, text, tick_texts, ticks
from .found import Sections

__all__ = ["GROUPS", "statistic_plot"]

GROUPS: Mapping[str, tuple[str, ...]] = {
    "How many": (
        "cell density", "immune share", "immune per tumor cell", "leukocytes in tumor", "leukocytes in stroma",
        "leukocytes tumor over stroma", "CD8 in tumor", "CD8 in stroma", "CD8 tumor over stroma",
    ),
    "Where": ("leukocytes inside", "CD8 inside", "leukocyte depth", "CD8 depth"),
    "How mixed": (
        "mixing score", "normalized mixing score", "leukocyte enrichment", "CD8 enrichment", "leukocyte enrichment z",
        "CD8 enrichment z", "leukocyte overlap", "CD8 overlap",
    ),
    "How near": (
        "G-cross", "G-cross mean", "G-cross excess", "CD8 to tumor cell", "tumor cell to CD8",
        "leukocyte to tumor cell", "tumor cell to leukocyte",
    ),
}  # fmt: skip
"""The statistics in the order of the page and the terminal."""

_LABELS, _WIDTH, _ROW, _AXIS = 196.0, 470.0, 15.0, 18.0  # pixels
_DECADES = 1.3  # of spread from which on an axis is logarithmic
_FEW = 2  # powers of ten, below which thrice of each is marked too
_TINY = 1e-3  # of the largest value: what is smaller, or zero, stands at the left end of a logarithmic axis


def statistic_plot(statistic: Statistic, found: Sequence[tuple[Sections, str]]) -> Markup:
    """A row for each tumor (with its color) and each collection of real sections that has the statistic.

    Of a tumor: its fields at the border, their median, and the center. Of real sections: the range of 5 to 95 %, the
    middle half and the median.
    """
    name = statistic.name
    real = [one for one in real_sections() if name in one.quantiles]
    values = [field[name] for one, _ in found for field in one.fields[:-1] if not math.isnan(field[name])]
    values += [value for one in real for value in one.quantiles[name]]
    height = _ROW * (len(found) + len(real)) + _AXIS
    at, places = _axis(values, by_ratio=name in GROUPS["How many"] or name == "mixing score")
    low = height - _AXIS
    parts = [f'<path class="grid" d="M{at(tick):.1f} 2V{low:.1f}"/>' for tick in places]
    for row, (one, color) in enumerate(found):
        y = _ROW * (row + 0.5)
        parts.append(text(_LABELS - 10, y + 4, "simulated" if len(found) == 1 else one.heading, "label own", "end"))
        parts += _simulated(one, name, color, at, y)
    for row, sections in enumerate(real, len(found)):
        y = _ROW * (row + 0.5)
        parts.append(text(_LABELS - 10, y + 4, f"{sections.count} {sections.noun}", "label", "end"))
        parts += _quantiles(sections.quantiles[name], sections.count, at, y)
    words, power = tick_texts(places)
    parts += [text(at(tick), height - 4, word, "tick") for tick, word in zip(places, words, strict=True)]
    if power:
        parts.append(text(_LABELS - 10, height - 4, power, "tick", "end"))
    return svg(_WIDTH, height, parts, kind="statistic", says=f"{statistic.title}, simulated fields over real sections")


def _axis(values: Sequence[float], *, by_ratio: bool) -> tuple[Callable[[float], float], list[float]]:
    """Where a value stands, and the ticks; values that compare by ratio and spread over decades stand by logarithm."""
    low, high = min(values), max(values)
    above = [value for value in values if value > _TINY * high]
    if by_ratio and low >= 0 and high > 0 and math.log10(high / min(above)) > _DECADES:
        least = min(above)
        scale = Scale(math.log10(least) - 0.1, math.log10(high) + 0.05, _LABELS, _WIDTH - 12)
        places = decades(least, high)
        if len(places) < _FEW:
            places = [place for ten in decades(least / 10, high) for place in (ten, 3 * ten) if least <= place <= high]
        return lambda value: scale(math.log10(max(value, least * 10**-0.1))), places
    pad = (high - low) * 0.03 or 1.0
    scale = Scale(low - pad, high + pad, _LABELS, _WIDTH - 12)
    return scale, ticks(low, high, 5) if high > low else [low]


def _simulated(one: Sections, name: str, color: str, at: Callable[[float], float], y: float) -> list[str]:
    """Open dots for the fields at the border, a bar for their median, a diamond for the center."""
    parts = [
        f'<circle class="field" cx="{at(field[name]):.1f}" cy="{y:.1f}" r="3.4" stroke="{color}"/>'
        for field in one.border
        if not math.isnan(field[name])
    ]
    if one.center and not math.isnan(one.center[name]):
        x = at(one.center[name])
        parts.append(f'<path d="M{x - 4.6:.1f} {y:.1f}l4.6 -4.6 4.6 4.6 -4.6 4.6Z" fill="{color}" stroke="#fff"/>')
    median = one.at_border(name)[0]
    if not math.isnan(median):
        parts.append(f'<path d="M{at(median):.1f} {y - 6.5:.1f}v13" stroke="{color}" stroke-width="2.6"/>')
    return parts


def _quantiles(known: Sequence[float], count: int, at: Callable[[float], float], y: float) -> list[str]:
    """Whiskers, box and median; of one section a tick."""
    median = f'<path class="median" d="M{at(known[3]):.1f} {y - 5:.1f}v10"/>'
    if count == 1:
        return [median]
    left, right = at(known[2]), at(known[4])
    return [
        f'<path class="whiskers" d="M{at(known[0]):.1f} {y:.1f}H{at(known[-1]):.1f}"/>',
        f'<rect class="half" x="{left:.1f}" y="{y - 4:.1f}" width="{max(right - left, 1):.1f}" height="8"/>',
        median,
    ]
