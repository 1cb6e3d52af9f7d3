"""What tumors have, as one HTML file: the budgets of behaviors, the reach of every rule, levels and densities.

It looks like the page of published experiments and shares its parts. Words and figures are also those of the terminal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from ...core.files import write_bytes
from ...core.units import show
from ...levels.results import FAINT, NEAR, PLACES, Budget, Levels, Pull, Range, RuleLevels, Seen, Spread, Status
from ..style.numbers import DASH, fixed, join, percent, plural, significant
from ..style.page import page
from ..style.svg import Scale, svg

__all__ = [
    "absences",
    "brief",
    "change_of",
    "changes",
    "headline",
    "level_range",
    "pulls_towards",
    "ratio",
    "render",
    "spread_range",
    "summary",
    "write_page",
]  # fmt: skip

STYLES: Mapping[Status, str] = {"in reach": "shown", "idle": "not shown", "absent": "not modeled"}
"""The look of each status: that of a verdict on a claim."""

_ARROWS = {"increases": "↑", "decreases": "↓", "scales": "×"}
_WIDTH, _HEIGHT = 140.0, 24.0  # of the picture of a range, in pixels
_DECADES = 4.0  # of its axis, on each side of the half-max


def write_page(found: Levels, path: Path) -> None:
    """Write the page. Raises InputError if the file cannot be written."""
    write_bytes(path, render(found).encode())


def render(found: Levels) -> str:
    """The page as HTML text."""
    cells = tuple(dict.fromkeys(rule.cell for rule in found.rules))
    said = {"found": found, "cells": cells, "styles": STYLES, "places": PLACES, "near": NEAR}
    figures = (
        brief, change_of, changes, day_by_day, headline, level_range, pulls_towards, ratio, reach_plot, show,
        significant, spread_range,
    )  # fmt: skip
    return page("levels/page.html.j2", {**said, **{figure.__name__: figure for figure in figures}})


# ------------------------------------------------------------------ words and figures


def brief(rule: RuleLevels) -> str:
    """A rule without its cell and its numbers: "IL10 ↓ secretion TNF"."""
    return f"{rule.signal} {_ARROWS[rule.effect]} {rule.behavior}"


def level_range(ends: Range | None, quantity: str, *, like: float = 0.0) -> str:
    """ "4.96–11.1 nM", in the unit of the higher end; a dash where there is nothing."""
    if ends is None:
        return DASH
    # Nothing that is not quite zero is a number that nobody can read.
    low, high = (0.0 if abs(end) < 1e-9 else end for end in ends)
    like = like or high
    first, last = show(low, quantity, like=like), show(high, quantity, like=like)
    return last if first == last else f"{first.partition(' ')[0]}{DASH}{last}"


def spread_range(one: Spread | None, quantity: str) -> str:
    """The same of a spread."""
    return level_range(None if one is None else (one.low, one.high), quantity)


def ratio(seen: Seen) -> str:
    """How far the nearest level is from the half-max: "0.02 ×"."""
    return f"{significant(seen.nearest) if seen.nearest >= 1e-4 else '<0.0001'} ×"


def pulls_towards(pull: Pull, budget: Budget) -> str:
    """What a signal does: "↓ to 0 /h"."""
    if pull.effect == "scales":
        return "× gate"
    like = max(map(abs, (budget.base, *budget.value.values())), default=0.0)
    towards = show(pull.towards, budget.quantity, like=like).replace("molecules/cell/", "/")
    return f"{_ARROWS[pull.effect]} {towards}"


def changes(budget: Budget, pull: Pull, place: str) -> str:
    """By how much the behavior would differ without a signal: "+61 %"."""
    change = budget.change(pull, place)
    return DASH if change is None else "0 %" if abs(change) < 5e-4 else percent(change)


def day_by_day(budget: Budget, pull: Pull, place: str) -> str:
    """The same on each day, without the sign for percent: "+48 +61 +70"."""
    days = zip(pull.parts[place].by_day, budget.by_day[place], strict=True)
    shares = [None if without is None or not value else without / value - 1.0 for without, value in days]
    return " ".join(DASH if one is None else fixed(100 * one, 0, plus=True) for one in shares)


def change_of(rule: RuleLevels) -> str:
    """By how much the mean of the behavior would differ without a rule, at most: "+12 %"."""
    if rule.change is None:
        return "from 0"
    return "0 %" if abs(rule.change) < 5e-4 else percent(rule.change)


def headline(budget: Budget, days: tuple[float, ...]) -> list[str]:
    """What a behavior is worth, place by place and day by day, in sentences."""
    said = []
    for place in PLACES:
        if place not in budget.value:
            said.append(f"{place}: nobody there to ask")
            continue
        now = budget.value[place]
        course = ", ".join(
            f"day {day:g} {DASH if value is None else _bare(show(value, budget.quantity, like=now))}"
            for day, value in zip(days, budget.by_day[place], strict=True)
        )
        said.append(f"{place}: {show(now, budget.quantity)} ({course}; n = {budget.cells[place]:,})")
    return [*said, f"base: {show(budget.base, budget.quantity)}"]


def _bare(text: str) -> str:
    """A number without its unit."""
    return text.partition(" ")[0]


def summary(found: Levels) -> str:
    """ "141 of 413 rules are idle in hot and cold, 22 absent"."""
    counts = found.counts()
    where = f"all of {join(found.tumors)}" if len(found.tumors) > 1 else found.tumors[0]
    waiting = sum(rule.status == "idle" and bool(rule.waits) for rule in found.rules)
    why = f" ({plural(waiting, 'note')} {'says' if waiting == 1 else 'say'} why)" if waiting else ""
    faint = sum(rule.is_faint for rule in found.rules)
    return (
        f"{counts['idle']} of {len(found.rules)} rules are idle in {where}{why}; {counts['absent']} are absent; "
        f"{faint} are in reach and change their behavior by less than {100 * FAINT:g} %"
    )


def absences(found: Levels) -> list[tuple[str, list[RuleLevels]]]:
    """(what is missing, the rules that need it), the most first."""
    groups: dict[str, list[RuleLevels]] = {}
    for rule in found.rules:
        if rule.status == "absent":
            groups.setdefault(rule.missing, []).append(rule)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


# ------------------------------------------------------------------ pictures


def reach_plot(seen: Seen) -> Markup:
    """The ranges of a signal in core (above) and margin, over its half-max, on a logarithmic axis; blue is in reach."""
    at = Scale(-_DECADES, _DECADES, 4.0, _WIDTH - 4.0)
    start, end = at(-math.log10(NEAR)), at(math.log10(NEAR))
    parts = [
        f'<rect class="wanted" x="{start:.1f}" y="2" width="{end - start:.1f}" height="{_HEIGHT - 4:.0f}"/>',
        f'<path class="zero" d="M{at(0.0):.1f} 2V{_HEIGHT - 2:.0f}"/>',
    ]
    for place, y in zip(PLACES, (8.0, 16.0), strict=True):
        if one := seen.levels.get(place):
            low, high = (_log(end / seen.half_max) for end in (one.low, one.high))
            parts.append(f'<path class="{place}" d="M{at(low) - 1.5:.1f} {y:.0f}H{at(high) + 1.5:.1f}"/>')
    return svg(_WIDTH, _HEIGHT, parts, kind="reach", says="the range of the signal over its half-max, core and margin")


def _log(value: float) -> float:
    return min(max(math.log10(value), -_DECADES), _DECADES) if value > 0 else -_DECADES

