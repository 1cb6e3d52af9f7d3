"""What became of each tumor, in words and numbers: the verdict cards, sizes, the table of a swap.

Every number comes from `comparison.json` or from the recorded series; nothing is judged here that the classifier
has not judged. A tumor too small to classify says so instead of borrowing a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...compare.comparison import Comparison, Contrast, Summary, Tumor
from ...observe.metrics import PER_MM2, describe
from ...observe.state import UNCLASSIFIED, criteria
from ..style.numbers import unit_for
from .tables import Cell, cell, is_clear

__all__ = ["Card", "Line", "SwapRow", "cards", "sizes", "swap_rows", "verdict"]

_ORDER = ("hot", "excluded", "cold", UNCLASSIFIED)
_LABELS = {UNCLASSIFIED: "tumor cells too few or too scattered to classify"}
_SHOWN = ("CD8 core", "CD8 margin", "Treg:CD8", "tumor cells", "kills")

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


def sizes(comparison: Comparison) -> list[str]:
    """How the sizes of the tumors compare: a sentence a pair."""
    pairs = [c for c in comparison.contrasts if c.metric == "tumor cells" and c.ci95]
    return [text for contrast in pairs if (text := _size(comparison, contrast))]


def _size(comparison: Comparison, contrast: Contrast) -> str:
    a, b = (comparison.tumors[name].metrics.get("tumor cells") for name in (contrast.a, contrast.b))
    if a is None or b is None or not b.mean > 0 or not a.mean > 0:
        return ""
    (small, less), (large, more) = sorted(((contrast.a, a.mean), (contrast.b, b.mean)), key=lambda pair: pair[1])
    if not is_clear(contrast):
        return f"The sizes of “{contrast.a}” and “{contrast.b}” cannot be told apart with these replicates."
    return f"“{small}” ended at {100 * less / more:.0f} % of the size of “{large}”."
