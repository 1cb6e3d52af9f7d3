"""Published experiments as one HTML file: the published value beside the simulated one, and how verdicts came about.

It looks like the page of the claims and shares its parts. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from markupsafe import Markup

from ...biology import load_catalogue
from ...core.files import write_bytes
from ...evidence.results import OUTCOMES, ExperimentResult, Held, Outcome, Reproduction
from ...observe.metrics import find_metric
from ..claims.pictures import wells_plot
from ..style.numbers import DASH, Effect, duration, effect, in_days, significant
from ..style.page import page
from ..style.svg import Scale, svg

__all__ = ["figure", "markdown", "render", "write_page"]

STYLES: Mapping[Outcome, str] = {
    "reproduced": "shown",
    "not reproduced": "not shown",
    "opposite": "contradicted",
    "no verdict": "not modeled",
}
"""The look of each outcome: that of a verdict on a claim."""

_WIDTH, _HEIGHT = 150.0, 22.0  # of the picture of bounds, in pixels


def write_page(found: Reproduction, path: Path) -> None:
    """Write the page. Raises InputError if the file cannot be written."""
    write_bytes(path, render(found).encode())


def render(found: Reproduction) -> str:
    """The page as HTML text."""
    tools = {"figure": figure, "bounds_plot": bounds_plot, "levels": levels, "plots": plots, "in_days": in_days}
    said = {"styles": STYLES, "outcomes": OUTCOMES, "time": duration(found.seconds), "command_of": _command}
    return page("reproduce/page.html.j2", {"found": found, **tools, **said})


def markdown(found: Reproduction) -> str:
    """A table in Markdown with one line an experiment."""
    drawn = bool(found.draws)
    lines = [f"| | experiment | published | found | |{' in plausible parameter sets |' if drawn else ''}"]
    lines.append("|---" * (6 if drawn else 5) + "|")
    for one in found.experiments:
        value = f"{one.what}: {figure(one)}" if one.value is not None else one.reason or DASH
        title = f"{one.title} ({one.source})"
        cells = [one.id, title, one.published, value if one.verdict != "no verdict" else one.reason, one.verdict]
        if drawn:
            cells.append(one.drawn.says if one.drawn else DASH)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def figure(one: ExperimentResult | Held) -> Effect:
    """The value with its interval and unit."""
    difference = isinstance(one, Held) and one.take in ("difference", "interaction")
    return effect(one.value, one.ci95, one.unit, sign=difference)


def bounds_plot(one: Held) -> Markup:
    """The value and its interval over the range that is wanted; the line marks no effect."""
    if one.value is None:
        return Markup("")
    ends = [one.least, one.most, one.above, one.below]
    marks = [end for end in (one.none, *ends, one.value, *(one.ci95 or ())) if end is not None]
    low, high = min(marks), max(marks)
    pad = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    at = Scale(low - pad, high + pad, 2.0, _WIDTH - 2.0)
    start = max([low - pad, *(end for end in (one.least, one.above) if end is not None)])
    end = min([high + pad, *(end for end in (one.most, one.below) if end is not None)])
    parts = [f'<rect class="wanted" x="{at(start):.1f}" y="2" width="{max(at(end) - at(start), 1):.1f}" height="18"/>']
    if one.none is not None:
        parts.append(f'<path class="zero" d="M{at(one.none):.1f} 1V21"/>')
    if one.ci95 is not None:
        parts.append(f'<path class="interval" d="M{at(one.ci95[0]):.1f} 11H{at(one.ci95[1]):.1f}"/>')
    parts.append(f'<circle class="mean" cx="{at(one.value):.1f}" cy="11" r="3.6"/>')
    return svg(_WIDTH, _HEIGHT, parts, kind="bounds", says="the value over the range that is wanted")


def plots(one: ExperimentResult) -> Iterator[tuple[str, Markup]]:
    """(tumor and readout, picture) of all that was read, replicate by replicate."""
    read: dict[str, dict[str, tuple[float | None, ...]]] = {}
    against: dict[str, str] = {}
    for held in one.expect:
        title = ", ".join(filter(None, (f"{held.tumor}: {held.readout}", held.at)))
        read.setdefault(title, {}).update(held.arms)
        if held.take in ("ratio", "difference"):
            against.setdefault(title, tuple(held.arms)[1])
    for title, arms in read.items():
        yield title, wells_plot(arms, against=against.get(title, ""), says=f"{title}, seed by seed")


def levels(one: ExperimentResult, tumor: str) -> Iterator[tuple[str, list[str]]]:
    """(metric with its unit, the mean in each arm) in a tumor."""
    arms = one.levels[tumor]
    for metric in next(iter(arms.values())):
        values = [arm.get(metric) for arm in arms.values()]
        if any(value is not None for value in values):
            name = find_metric(metric, load_catalogue()).heading
            yield name, [DASH if value is None else significant(value) for value in values]


def _command(found: Reproduction, one: ExperimentResult) -> str:
    """The command that repeats an experiment."""
    seed = f" --seed {found.seed}" if found.seed != 1 else ""
    return f"tme-abm reproduce --id {one.id}{seed} --replicates {len(one.seeds)}"
