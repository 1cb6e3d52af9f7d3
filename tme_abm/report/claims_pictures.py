"""Pictures of an assay: its arms well by well, and each effect beside zero and the smallest effect that counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from ..compare.statistics import Estimate, mean_interval, paired_difference
from ..evidence.results import AssayResult, Judged, Reading
from .style.palette import MUTED
from .style.svg import Scale, limits, svg, text, tick_texts, ticks

__all__ = ["arms_plot", "forest", "reading_of"]

BLUE = "#0072B2"
WELLS = 12
"""With more wells than this the lines that join twins become a tangle, and are left out."""

ROW, WIDTH, RIGHT, GAP = 25.0, 620.0, 22.0, 12.0  # of the picture of arms, in pixels
LETTER, LONGEST = 7.3, 40  # width of a letter in pixels, and letters of an arm's name
_SLACK = 1e-6

Values = Sequence[float | None]


def reading_of(assay: AssayResult, one: Judged) -> Reading | None:
    """The reading at the stated duration that an expectation was judged by.

    A readout may be read at the end and as a mean; then it is the one that gives the effect.
    """
    of_readout = [reading for reading in assay.readings if reading.readout == one.readout]
    stated = [reading for reading in of_readout if abs(reading.time - assay.duration) < _SLACK]

    def off(reading: Reading) -> float:
        if one.effect is None or one.arm not in reading.arms:
            return math.inf
        values = reading.arms[one.arm]
        against = reading.arms.get(one.against)
        found = (mean_interval(values) if against is None else paired_difference(values, against)).mean
        return math.inf if found is None else abs(found - one.effect)

    return min(stated or of_readout, key=off, default=None)


def arms_plot(reading: Reading, one: Judged) -> Markup:
    """Every arm of a reading as a row: wells as dots, joined with their twins, mean and 95 % interval in bold.

    The arm that `one` compares with is gray; the band marks effects that would be too small to count.
    """
    arms = {name: values for name, values in reading.arms.items() if any(value is not None for value in values)}
    if not arms:
        return Markup("")
    means = {name: mean_interval(values) for name, values in arms.items()}
    band = _too_small(one, means)
    low, high = limits(
        [
            *(value for values in arms.values() for value in values if value is not None),
            *(end for mean in means.values() for end in (mean.low, mean.high) if end is not None),
            *(band or ()),
        ]
    )
    left = GAP + max(LETTER * min(max(map(len, arms)), LONGEST), 60.0)
    at = Scale(low, high, left, WIDTH - RIGHT)
    heights = {name: ROW * (row + 0.5) + 4 for row, name in enumerate(arms)}
    bottom = ROW * len(arms) + 6
    parts = []
    if band is not None:
        start, end = at(band[0]), at(band[1])
        parts.append(f'<rect class="band" x="{start:.1f}" y="2" width="{end - start:.1f}" height="{bottom - 2:.1f}"/>')
    places = ticks(low, high, 5)
    numbers, power = tick_texts(places)
    for place, number in zip(places, numbers, strict=True):
        parts.append(f'<path class="grid" d="M{at(place):.1f} 2V{bottom:.1f}"/>')
        parts.append(text(at(place), bottom + 14, number, "tick"))
    parts.append(text(left - GAP, bottom + 14, power, "tick", "end") if power else "")
    reference = means[one.against].mean if one.against in means else None
    if reference is not None:
        parts.append(f'<path class="reference" d="M{at(reference):.1f} 2V{bottom:.1f}"/>')
    parts.append(_twins(arms, heights, at))
    for name, values in arms.items():
        color = MUTED if name == one.against else BLUE
        label = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        parts.append(text(left - GAP, heights[name] + 4, label, "arm", "end"))
        parts.append(_arm(values, means[name], at, y=heights[name], color=color))
    says = f"{reading.readout} in {len(arms)} arms, well by well"
    return svg(WIDTH, bottom + 20, parts, kind="arms", says=says)


def forest(one: Judged) -> Markup:
    """The effect of an expectation with its interval beside zero; dashes mark the smallest effect that counts."""
    if one.effect is None:
        return Markup("")
    sides = {"up": (1,), "rising": (1,), "down": (-1,), "falling": (-1,)}.get(one.direction, (-1, 1))
    bounds = [side * one.smallest for side in sides if one.smallest > 0]
    numbers = [0.0, one.effect, *(one.ci95 or ()), *bounds]
    low, high = min(numbers), max(numbers)
    pad = (high - low) * 0.08 or 1.0
    at = Scale(low - pad, high + pad, 2.0, 128.0)
    parts = [f'<path class="zero" d="M{at(0):.1f} 1V21"/>']
    parts += [f'<path class="reference" d="M{at(bound):.1f} 3V19"/>' for bound in bounds]
    if one.ci95 is not None:
        parts.append(f'<path class="interval" d="M{at(one.ci95[0]):.1f} 11H{at(one.ci95[1]):.1f}"/>')
    parts.append(f'<circle class="mean" cx="{at(one.effect):.1f}" cy="11" r="3.6"/>')
    return svg(130, 22, parts, kind="forest", says="the effect beside zero and the smallest effect that counts")


def _arm(values: Values, mean: Estimate, at: Scale, *, y: float, color: str) -> str:
    dots = "".join(f"M{at(value):.1f} {y:.1f}h0" for value in values if value is not None)
    parts = [f'<path class="dots" stroke="{color}" d="{dots}"/>']
    if mean.low is not None and mean.high is not None:
        parts.append(f'<path class="interval" d="M{at(mean.low):.1f} {y:.1f}H{at(mean.high):.1f}"/>')
    if mean.mean is not None:
        parts.append(f'<path class="middle" d="M{at(mean.mean):.1f} {y - 7:.1f}v14"/>')
    return "".join(parts)


def _twins(arms: Mapping[str, Values], heights: Mapping[str, float], at: Scale) -> str:
    """A faint line for every well through all arms: it met the same chances in each."""
    wells = list(zip(*arms.values(), strict=True))
    if len(wells) > WELLS:
        return ""
    lines = []
    for well in wells:
        there = [(value, y) for value, y in zip(well, heights.values(), strict=True) if value is not None]
        steps = [f"{at(value):.1f} {y:.1f}" for value, y in there]
        lines.append("M" + "L".join(steps) if len(steps) > 1 else "")
    return f'<path class="twins" d="{"".join(lines)}"/>'


def _too_small(one: Judged, means: Mapping[str, Estimate]) -> tuple[float, float] | None:
    """The values an arm may take without having an effect that counts."""
    if not one.smallest > 0:
        return None
    reference = means[one.against].mean if one.against in means else 0.0
    if reference is None:
        return None
    low = one.smallest if one.direction in ("down", "falling", "none") else 0.0
    high = one.smallest if one.direction in ("up", "rising", "none") else 0.0
    return reference - low, reference + high


