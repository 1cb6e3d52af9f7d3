"""Pictures of an assay: its arms well by well, an effect beside zero, a readout along a swept dose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from ...compare.statistics import Estimate, mean_interval
from ...evidence.results import Judged, Reading
from ..style.palette import MUTED, dashes, scenario_colors
from ..style.svg import Scale, limits, svg, text, tick_texts, ticks
from .sweeps import Axis, Curve, SweptDose

__all__ = ["arms_plot", "forest", "sweep_key", "sweep_plot", "wells_plot"]

Wells = Sequence[float | None]

BLUE = "#0072B2"
WELLS = 12
"""With more wells than this, the lines that join the same well in all arms are left out."""

ROW, WIDTH, MARGIN, GAP = 25.0, 620.0, 22.0, 12.0  # of the picture of arms, in pixels
LETTER, LONGEST = 7.3, 40  # width of a letter in pixels, and letters of an arm's name
LEFT, RIGHT, TOP, BOTTOM, INSET = 62.0, 500.0, 12.0, 250.0, 16.0  # of the plotting area of a sweep, in pixels


def arms_plot(reading: Reading, one: Judged) -> Markup:
    """The arms of a reading; the band marks effects that are too small to count."""
    band = _band(one, mean_interval(reading.arms[one.against]).mean if one.against in reading.arms else 0.0)
    return wells_plot(reading.arms, against=one.against, band=band, says=f"{reading.readout}, well by well")


def wells_plot(arms: Mapping[str, Wells], *, against: str = "", band: tuple[float, ...] = (), says: str = "") -> Markup:
    """Arms, one a row: wells as dots, joined across arms, and the mean with its 95 % interval.

    The arm that others are compared `against` is gray; `band` is a range to be marked.
    """
    arms = {name: values for name, values in arms.items() if any(value is not None for value in values)}
    if not arms:
        return Markup("")
    means = {name: mean_interval(values) for name, values in arms.items()}
    numbers = [value for name, values in arms.items() for value in (*values, means[name].low, means[name].high)]
    low, high = limits([*(number for number in numbers if number is not None), *band])
    left = GAP + max(LETTER * min(max(map(len, arms)), LONGEST), 60.0)
    at = Scale(low, high, left, WIDTH - MARGIN)
    bottom = ROW * len(arms) + 6
    parts = []
    if band:
        start, end = map(at, band)
        parts.append(f'<rect class="band" x="{start:.1f}" y="2" width="{end - start:.1f}" height="{bottom - 2:.1f}"/>')
    places = ticks(low, high, 5)
    texts, power = tick_texts(places)
    for place, number in zip(places, texts, strict=True):
        parts.append(f'<path class="grid" d="M{at(place):.1f} 2V{bottom:.1f}"/>')
        parts.append(text(at(place), bottom + 14, number, "tick"))
    parts.append(text(left - GAP, bottom + 14, power, "tick", "end") if power else "")
    if against in means and (middle := means[against].mean) is not None:
        parts.append(f'<path class="reference" d="M{at(middle):.1f} 2V{bottom:.1f}"/>')
    parts.append(_twins(tuple(arms.values()), at))
    for row, (name, values) in enumerate(arms.items()):
        label = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        parts.append(text(left - GAP, _height(row) + 4, label, "arm", "end"))
        parts += _arm(values, means[name], at, y=_height(row), color=MUTED if name == against else BLUE)
    return svg(WIDTH, bottom + 20, parts, kind="arms", says=says)


def _height(row: int) -> float:
    return ROW * (row + 0.5) + 4


def _band(one: Judged, middle: float | None) -> tuple[float, ...]:
    """The range around `middle` of values whose effect is too small to count; empty if any effect counts."""
    if one.smallest <= 0 or middle is None:
        return ()
    low = one.smallest if one.direction in ("down", "falling", "none") else 0.0
    high = one.smallest if one.direction in ("up", "rising", "none") else 0.0
    return middle - low, middle + high


def _arm(values: Wells, mean: Estimate, at: Scale, *, y: float, color: str) -> Iterable[str]:
    dots = "".join(f"M{at(value):.1f} {y:.1f}h0" for value in values if value is not None)
    yield f'<path class="dots" stroke="{color}" d="{dots}"/>'
    if mean.low is not None and mean.high is not None:
        yield f'<path class="interval" d="M{at(mean.low):.1f} {y:.1f}H{at(mean.high):.1f}"/>'
    if mean.mean is not None:
        yield f'<path class="middle" d="M{at(mean.mean):.1f} {y - 7:.1f}v14"/>'


def _twins(arms: Sequence[Wells], at: Scale) -> str:
    """A faint line through all arms for every well, which has the same random draws in each."""
    wells = list(zip(*arms, strict=True))
    if len(wells) > WELLS:
        return ""
    lines = []
    for well in wells:
        steps = [f"{at(value):.1f} {_height(row):.1f}" for row, value in enumerate(well) if value is not None]
        lines.append("M" + "L".join(steps) if len(steps) > 1 else "")
    return f'<path class="twins" d="{"".join(lines)}"/>'


def forest(one: Judged) -> Markup:
    """The effect of an expectation and its interval beside zero; dashes mark the smallest effect that counts."""
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


# ------------------------------------------------------------------ swept doses


def sweep_key(swept: SweptDose) -> list[tuple[Curve, str, str]]:
    """(curve, color, dashes) of every curve."""
    colors = scenario_colors([curve.name for curve in swept.curves])
    return [
        (curve, colors[curve.name], " ".join(f"{part:g}" for part in dashes(index)))
        for index, curve in enumerate(swept.curves)
    ]


def sweep_plot(swept: SweptDose) -> Markup:
    """The change along a swept quantity: one line a curve with its 95 % band, rings where it crosses zero."""
    axis = swept.axis
    points = [point for curve in swept.curves for point in curve.points]
    low, high = limits([0.0, *(end for p in points for end in (p.mean, p.low, p.high) if end is not None)])
    margin = (high - low) * 0.03
    across = Scale(min(axis.places), max(axis.places), LEFT + INSET, RIGHT - INSET)
    up = Scale(low - margin, high + margin, BOTTOM, TOP)
    parts = []
    places = ticks(low, high, 5)
    for place, number in zip(places, tick_texts(places)[0], strict=True):
        parts.append(f'<path class="grid" d="M{LEFT:.0f} {up(place):.1f}H{RIGHT:.0f}"/>')
        parts.append(text(LEFT - 7, up(place) + 4, number, "tick", "end"))
    parts.append(f'<path class="zero" d="M{LEFT:.0f} {up(0):.1f}H{RIGHT:.0f}"/>')
    parts += _below(axis, swept.name, across)
    for curve, color, dash in sweep_key(swept):
        parts += _curve(curve, across, up, color=color, dash=dash)
    name = text(0, 0, f"change of {swept.readout}, %", "name")
    parts.append(f'<g transform="translate(14 {(TOP + BOTTOM) / 2:.0f}) rotate(-90)">{name}</g>')
    return svg(RIGHT + 8, BOTTOM + 44, parts, kind="sweep", says=f"change of {swept.readout} over {swept.name}")


def _curve(curve: Curve, across: Scale, up: Scale, *, color: str, dash: str) -> Iterable[str]:
    places = [(across(point.place), point) for point in curve.points]
    there = [f"{x:.1f} {up(p.high):.1f}" for x, p in places if p.high is not None]
    back = [f"{x:.1f} {up(p.low):.1f}" for x, p in reversed(places) if p.low is not None]
    if len(there) > 1:
        yield f'<path class="ribbon" fill="{color}" d="M{"L".join((*there, *back))}Z"/>'
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    line = "L".join(f"{x:.1f} {up(point.mean):.1f}" for x, point in places)
    yield f'<path class="curve" stroke="{color}"{dashed} d="M{line}"/>'
    dots = "".join(f"M{x:.1f} {up(point.mean):.1f}h0" for x, point in places)
    yield f'<path class="dots" stroke="{color}" d="{dots}"/>'
    for place, _ in curve.crossings:
        yield f'<circle class="crossing" stroke="{color}" cx="{across(place):.1f}" cy="{up(0):.1f}" r="6"/>'


def _below(axis: Axis, name: str, across: Scale) -> Iterable[str]:
    """The axis of the swept values; broken between zero and the smallest dose where it is logarithmic."""
    left, right = across(min(axis.places)) - INSET, across(max(axis.places)) + INSET
    yield f'<path class="rule" d="M{left:.1f} {BOTTOM:.1f}H{right:.1f}"/>'
    for place, words in zip(axis.places, axis.texts, strict=True):
        yield f'<path class="rule" d="M{across(place):.1f} {BOTTOM:.1f}v5"/>'
        yield text(across(place), BOTTOM + 18, words, "tick")
    if axis.logarithmic and axis.none is not None:
        first, second = sorted(axis.places)[:2]
        gap = across((first + second) / 2)
        yield f'<path class="gap" d="M{gap - 3:.1f} {BOTTOM:.1f}h6"/>'
        yield f'<path class="rule" d="M{gap - 6:.1f} {BOTTOM + 5:.1f}l6 -10M{gap:.1f} {BOTTOM + 5:.1f}l6 -10"/>'
    yield text((left + right) / 2, BOTTOM + 37, f"{name}, {axis.unit}" if axis.unit else name, "name")
