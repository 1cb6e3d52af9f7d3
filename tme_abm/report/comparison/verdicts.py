"""What became of each tumor, in words and numbers: the verdict cards, the opening paragraph, the table of a swap.

Every number comes from `comparison.json` or from the recorded series; nothing is judged here that the classifier
has not judged. A tumor too small to classify says so instead of borrowing a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...compare.comparison import Comparison, Contrast, Summary, Tumor
from ...observe.metrics import PER_MM2, describe
from ...observe.state import UNCLASSIFIED, criteria
from ..style.numbers import interval, join, number, plural, unit_for
from ..style.settings import Difference
from .tables import Cell, cell, is_clear

__all__ = ["Card", "Line", "SwapRow", "cards", "opening", "swap_rows", "verdict"]

_ORDER = ("hot", "excluded", "cold", UNCLASSIFIED)
_LABELS = {UNCLASSIFIED: "too few tumor cells to classify"}
_SHOWN = ("CD8 core", "CD8 margin", "Treg:CD8", "tumor cells", "kills")

_FEW = 3  # up to so many tumors get a full sentence each

Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a card: a measured quantity with its interval and how it compares with the slides."""

    label: str
    cell: Cell
    unit: str
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """The verdict on one tumor; `earlier` has the states on days before the last."""

    tumor: Tumor
    state: str
    verdict: str
    counts: Counts
    earlier: tuple[tuple[float, Counts], ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class SwapRow:
    """One variant of a swap: which traits were taken over, and what came of it in core, margin and tumor size."""

    name: str
    what: str
    traits: tuple[str, ...]
    outcome: str
    cells: tuple[Cell, ...]


def verdict(counts: Mapping[str, int]) -> tuple[str, str]:
    """The most frequent state and the sentence part that goes with it ("hot in 8 of 8 replicates")."""
    ordered = _ordered(counts)
    total = sum(count for _, count in ordered)
    if not total:
        return "none", "no replicate came to its end"
    state, count = max(ordered, key=lambda item: item[1])
    label = _LABELS.get(state, state)
    return state, label if total == 1 else f"{label} in {count} of {total} replicates"


def _ordered(counts: Mapping[str, int]) -> Counts:
    keys = [*_ORDER, *(key for key in counts if key not in _ORDER)]
    return tuple((key, counts[key]) for key in keys if counts.get(key))


def cards(comparison: Comparison) -> list[Card]:
    """One card a scenario, in the comparison's order."""
    made = []
    for tumor in comparison.tumors.values():
        state, sentence = verdict(tumor.states)
        made.append(
            Card(
                tumor=tumor,
                state=state,
                verdict=sentence,
                counts=_ordered(tumor.states),
                earlier=tuple((day, _ordered(counts)) for day, counts in tumor.earlier.items()),
                lines=tuple(_line(m, tumor.metrics[m], comparison.cells) for m in _SHOWN if m in tumor.metrics),
            )
        )
    return made


def _line(metric: str, entry: Summary, cells: tuple[str, ...]) -> Line:
    what, threshold = describe(metric, cells), criteria().per_mm2
    unit = unit_for(what.unit, [entry.mean])
    over = sum(value > threshold for value in entry.values)
    return Line(
        label=what.title,
        cell=cell(entry, unit.factor),
        unit="" if unit.name == "cells" else unit.name,
        remark=f"above {threshold:g} in {over} of {len(entry.values)}" if what.unit == PER_MM2 else "",
    )


def swap_rows(comparison: Comparison) -> list[SwapRow]:
    """The receiving tumor, its variants and the giving one, if the comparison is a swap of traits; else nothing."""
    swap = comparison.extra.get("swap")
    if swap is None:
        return []
    source, into = swap["from"], swap["into"]
    asked: list[tuple[str, str, tuple[str, ...]]] = [(into, "as it is", ())]
    asked += [(v["name"], f"with {v['group']} of {source}", tuple(v["traits"])) for v in swap["variants"]]
    asked += [(source, "for comparison", ())]
    return [
        SwapRow(
            name=name if name in {source, into} else into,
            what=what,
            traits=traits,
            outcome=verdict(tumor.states)[1],
            cells=tuple(cell(tumor.metrics.get(m)) for m in ("CD8 core", "CD8 margin", "tumor cells")),
        )
        for name, what, traits in asked
        if (tumor := comparison.tumors.get(name)) is not None
    ]


def opening(comparison: Comparison, made: Sequence[Card], differ: Sequence[Difference], *, same_start: bool) -> str:
    """The paragraph a reader in a hurry reads: what was done, what came out, what it can be put down to."""
    counts = {card.tumor.replicates for card in made}
    each = "" if len(made) == 1 else " each"
    replicates = plural(counts.pop(), "replicate") + each if len(counts) == 1 else "several replicates" + each
    alike = ", all from the same tumor size and the same immune cells"
    sentences = [
        f"{_count_word(len(made))} {'tumor' if len(made) == 1 else 'tumors'} grew for {_days(comparison.days)} "
        f"in the simulator, in {replicates}{alike if same_start and not comparison.partings else ''}."
    ]
    if comparison.partings:
        days = join(f"{day:g}" for day in comparison.partings)
        sentences.append(
            "They are arms of one tissue in each replicate: they share what happened before they parted on "
            f"{'day' if len(comparison.partings) == 1 else 'days'} {days}, and their chances from then on, so what "
            "differs is what was done."
        )
    sentences += [_result(card, brief=len(made) > _FEW) for card in made]
    if len(made) > 1 and max(card.tumor.replicates for card in made) == 1:
        sentences.append("One replicate cannot tell a difference from chance.")
    elif len(made) <= _FEW:
        size = [c for c in comparison.contrasts if c.metric == "tumor cells" and c.ci95]
        sentences += [text for contrast in size if (text := _size(comparison, contrast))]
    if differ:
        words = list(dict.fromkeys("what is done to them" if d.key.startswith("protocol") else d.name for d in differ))
        told = join(words) if len(words) <= 8 else join([*words[:7], f"{len(words) - 7} more"])
        sentences.append(f"The rules of the biology are the same in all of them; the tumors differ in {told}.")
    return " ".join(sentences)


def _days(days: float) -> str:
    return f"{days:g} {'day' if days == 1 else 'days'}"


def _count_word(count: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six")
    return words[count] if count < len(words) else str(count)


def _result(card: Card, *, brief: bool) -> str:
    """One tumor's sentence; without margin and intervals where many tumors are compared."""
    name, metrics = card.tumor.name, card.tumor.metrics
    core, margin, tumor = (metrics.get(metric) for metric in ("CD8 core", "CD8 margin", "tumor cells"))
    if not card.counts:
        return f"“{name}” has no result: {card.verdict}."
    text = f"“{name}” {'was left with' if card.state == UNCLASSIFIED else 'came out'} {card.verdict}"
    if core:
        text += f", with {number(core.mean, core.ci95)}"
        if core.ci95 and not brief:
            text += f" (95 % interval {interval(core.mean, core.ci95)})"
        text += " CD8 T cells per mm² in the tumor core"
        if margin and not brief:
            text += f" and {number(margin.mean, margin.ci95)} in the margin"
        if tumor and not brief:
            text += f"; {number(tumor.mean, tumor.ci95)} tumor cells lived at the end"
    return text + "."


def _size(comparison: Comparison, contrast: Contrast) -> str:
    a, b = (comparison.tumors[name].metrics.get("tumor cells") for name in (contrast.a, contrast.b))
    if a is None or b is None or not b.mean > 0 or not a.mean > 0:
        return ""
    (small, less), (large, more) = sorted(((contrast.a, a.mean), (contrast.b, b.mean)), key=lambda pair: pair[1])
    if not is_clear(contrast):
        return f"The sizes of “{contrast.a}” and “{contrast.b}” cannot be told apart with these replicates."
    return f"“{small}” ended at {100 * less / more:.0f} % of the size of “{large}”."
