"""What became of each tumor, in words and numbers: the verdict cards and the opening paragraph.

Every number comes from `comparison.json` or from the recorded series; nothing is judged here that the classifier
has not judged. A tumor too small to classify says so instead of borrowing a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..compare.comparison import Comparison, Contrast, Summary, Tumor
from ..observe.metrics import PER_MM2, describe
from ..observe.state import UNCLASSIFIED
from .differences import Difference
from .slides import slides
from .style.numbers import interval, join, number, plural, unit_for

__all__ = ["Card", "Line", "cards", "opening", "verdict"]

_ORDER = ("hot", "excluded", "cold", UNCLASSIFIED)
_LABELS = {UNCLASSIFIED: "too few tumor cells to classify"}

_FEW = 3  # up to so many tumors get a full sentence each

Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a card: a measured quantity with its interval and how it compares with the slides."""

    label: str
    mean: str
    interval: str
    unit: str
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """The verdict on one scenario."""

    name: str
    title: str
    description: str
    state: str
    verdict: str
    counts: Counts
    earlier: tuple[tuple[float, Counts], ...]
    replicates: int
    lines: tuple[Line, ...]


def _ordered(counts: Mapping[str, int]) -> Counts:
    keys = [*_ORDER, *(key for key in counts if key not in _ORDER)]
    return tuple((key, counts[key]) for key in keys if counts.get(key))


def verdict(counts: Mapping[str, int]) -> tuple[str, str]:
    """The most frequent state and the sentence part that goes with it ("hot in 8 of 8 replicates")."""
    ordered = _ordered(counts)
    total = sum(count for _, count in ordered)
    if not total:
        return "none", "no replicate came to its end"
    state, count = max(ordered, key=lambda item: item[1])
    label = _LABELS.get(state, state)
    if total == 1:
        return state, label
    return state, f"{label} in {count} of {total} replicates"


def cards(comparison: Comparison) -> list[Card]:
    """One card a scenario, in the comparison's order."""
    made = []
    for name, tumor in comparison.tumors.items():
        state, sentence = verdict(tumor.states)
        made.append(
            Card(
                name=name,
                title=tumor.title,
                description=tumor.description,
                state=state,
                verdict=sentence,
                counts=_ordered(tumor.states),
                earlier=tuple((day, _ordered(counts)) for day, counts in tumor.earlier.items()),
                replicates=tumor.replicates,
                lines=tuple(_lines(tumor, comparison.cells)),
            )
        )
    return made


def _lines(tumor: Tumor, cells: tuple[str, ...]) -> list[Line]:
    threshold = slides().threshold
    lines = []
    for metric in ("CD8 core", "CD8 margin", "Treg:CD8", "tumor cells", "kills"):
        entry = tumor.metrics.get(metric)
        if entry is None:
            continue
        what = describe(metric, cells)
        unit = unit_for(what.unit, [entry.mean])
        remark = ""
        if what.unit == PER_MM2:
            over = sum(value > threshold for value in entry.values)
            remark = f"above {threshold:g} in {over} of {len(entry.values)}"
        lines.append(
            Line(
                label=what.title,
                mean=number(entry.mean * unit.factor, entry.ci95),
                interval=interval(entry.mean * unit.factor, entry.ci95) if entry.ci95 else "",
                unit="" if unit.name == "cells" else unit.name,
                remark=remark,
            )
        )
    return lines


def opening(comparison: Comparison, made: Sequence[Card], differ: Sequence[Difference], *, same_start: bool) -> str:
    """The paragraph a reader in a hurry reads: what was done, what came out, what it can be put down to."""
    counts = {card.replicates for card in made}
    each = "" if len(made) == 1 else " each"
    replicates = plural(counts.pop(), "replicate") + each if len(counts) == 1 else "several replicates" + each
    sentences = [
        f"{_count_word(len(made))} {'tumor' if len(made) == 1 else 'tumors'} grew {_span(comparison.days)}"
        f"in the simulator, in {replicates}"
        + (", all from the same tumor size and the same immune cells" if same_start and not comparison.partings else "")
        + "."
    ]
    if comparison.partings:
        days = join(f"{day:g}" for day in comparison.partings)
        when = f"day {days}" if len(comparison.partings) == 1 else f"days {days}"
        sentences.append(
            f"They are arms of one tissue in each replicate: they share what happened before they parted on {when}, "
            "and their chances from then on, so what differs is what was done."
        )
    sentences += [_result(comparison, card, brief=len(made) > _FEW) for card in made]
    if len(made) > 1 and max(card.replicates for card in made) == 1:
        sentences.append("One replicate cannot tell a difference from chance.")
    elif len(made) <= _FEW:
        size = [c for c in comparison.contrasts if c.metric == "tumor cells" and c.ci95]
        sentences += [text for contrast in size if (text := _size(comparison, contrast))]
    if differ:
        words = list(dict.fromkeys("what is done to them" if d.key.startswith("protocol") else d.name for d in differ))
        listed = join(words) if len(words) <= 8 else join([*words[:7], f"{len(words) - 7} more"])
        sentences.append(f"The rules of the biology are the same in all of them; the tumors differ in {listed}.")
    return " ".join(sentences)


def _span(days: float | None) -> str:
    return "" if days is None else f"for {days:g} {'day' if days == 1 else 'days'} "


def _count_word(count: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six")
    return words[count] if count < len(words) else str(count)


def _with_interval(entry: Summary) -> str:
    text = number(entry.mean, entry.ci95)
    return text + (f" (95 % interval {interval(entry.mean, entry.ci95)})" if entry.ci95 else "")


def _result(comparison: Comparison, card: Card, *, brief: bool) -> str:
    """One tumor's sentence; without margin and intervals where many tumors are compared."""
    metrics = comparison.tumors[card.name].metrics
    core, margin, tumor = (metrics.get(metric) for metric in ("CD8 core", "CD8 margin", "tumor cells"))
    if not card.counts:
        return f"“{card.name}” has no result: {card.verdict}."
    text = f"“{card.name}” {'was left with' if card.state == UNCLASSIFIED else 'came out'} {card.verdict}"
    if core:
        density = number(core.mean, core.ci95) if brief else _with_interval(core)
        text += f", with {density} CD8 T cells per mm² in the tumor core"
        if margin and not brief:
            text += f" and {number(margin.mean, margin.ci95)} in the margin"
        if tumor and not brief:
            text += f"; {number(tumor.mean, tumor.ci95)} tumor cells lived at the end"
    return text + "."


def _size(comparison: Comparison, contrast: Contrast) -> str:
    a = comparison.tumors[contrast.a].metrics.get("tumor cells")
    b = comparison.tumors[contrast.b].metrics.get("tumor cells")
    if a is None or b is None or not b.mean > 0 or not a.mean > 0:
        return ""
    (small, less), (large, more) = sorted(((contrast.a, a.mean), (contrast.b, b.mean)), key=lambda pair: pair[1])
    sure = contrast.ci95 is not None and (contrast.ci95[0] > 0 or contrast.ci95[1] < 0)
    if not sure:
        return f"The sizes of “{contrast.a}” and “{contrast.b}” cannot be told apart with these replicates."
    return f"“{small}” ended at {100 * less / more:.0f} % of the size of “{large}”."
