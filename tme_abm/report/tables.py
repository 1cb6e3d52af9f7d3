"""The tables of a comparison, as text in cells, ready for the template."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..compare.comparison import Comparison, Contrast, Summary
from ..observe.metrics import describe, headlines
from .style.numbers import DASH, MINUS, interval, number, signed, unit_for
from .verdicts import verdict

__all__ = ["Cell", "PairRow", "PairTable", "Row", "SwapRow", "census", "concentrations", "pairs", "swap_rows"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A mean and its interval."""

    mean: str
    interval: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A metric over scenarios."""

    label: str
    unit: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """A paired difference; `clear` if its interval leaves out zero."""

    label: str
    unit: str
    a: str
    b: str
    difference: str
    interval: str
    correlation: str
    clear: bool


@dataclass(frozen=True, kw_only=True)
class PairTable:
    """All differences of one pair of scenarios, the main metrics first."""

    a: str
    b: str
    main: tuple[PairRow, ...]
    rest: tuple[PairRow, ...]


@dataclass(frozen=True, kw_only=True)
class SwapRow:
    """One variant of a swap: which traits were taken over, and what came of it."""

    name: str
    what: str
    traits: tuple[str, ...]
    outcome: str
    core: Cell
    margin: Cell
    tumor: Cell


def swap_rows(comparison: Comparison) -> list[SwapRow]:
    """The receiving tumor, its variants and the giving one, if the comparison is a swap of traits; else nothing."""
    swap = comparison.extra.get("swap")
    if not isinstance(swap, Mapping) or not {"from", "into", "variants"} <= swap.keys():
        return []
    source, into = swap["from"], swap["into"]
    asked: list[tuple[str, str, tuple[str, ...]]] = [(into, "as it is", ())]
    asked += [(v["name"], f"with {v['group']} of {source}", tuple(v["traits"])) for v in swap["variants"]]
    asked += [(source, "for comparison", ())]
    rows = []
    for name, what, traits in asked:
        if (tumor := comparison.tumors.get(name)) is not None:
            core, margin, cells = (_cell(tumor.metrics.get(m), 1.0) for m in ("CD8 core", "CD8 margin", "tumor cells"))
            shown = name if name in {source, into} else into
            rows.append(
                SwapRow(
                    name=shown,
                    what=what,
                    traits=traits,
                    outcome=verdict(tumor.states)[1],
                    core=core,
                    margin=margin,
                    tumor=cells,
                )
            )
    return rows


def pairs(comparison: Comparison) -> list[PairTable]:
    """One table a pair, in the order of `comparison.json`."""
    grouped: dict[tuple[str, str], dict[str, Contrast]] = {}
    for contrast in comparison.contrasts:
        grouped.setdefault((contrast.a, contrast.b), {})[contrast.metric] = contrast
    tables = []
    for (a, b), found in grouped.items():
        main = headlines(found)
        rest = [metric for metric in found if metric not in main]
        tables.append(
            PairTable(
                a=a,
                b=b,
                main=tuple(_pair_row(comparison, found[metric]) for metric in main),
                rest=tuple(_pair_row(comparison, found[metric]) for metric in rest),
            )
        )
    return tables


def census(comparison: Comparison) -> list[Row]:
    """Cell counts of the whole tissue, then densities in core and margin, at the end."""
    metrics = [f"{cell} cells" for cell in comparison.cells]
    metrics += [f"{cell} {where}" for where in ("core", "margin") for cell in comparison.cells]
    return [row for metric in metrics if (row := _row(comparison, metric))]


def concentrations(comparison: Comparison) -> list[Row]:
    """Mean concentration of every molecule in the tumor core at the end."""
    seen = dict.fromkeys(metric for name in comparison.names for metric in comparison.tumors[name].metrics)
    wanted = [metric for metric in seen if describe(metric, comparison.cells).unit == "nM"]
    return [row for metric in wanted if (row := _row(comparison, metric))]


def _row(comparison: Comparison, metric: str) -> Row | None:
    entries = [comparison.tumors[name].metrics.get(metric) for name in comparison.names]
    if not any(entries):
        return None
    what = describe(metric, comparison.cells)
    unit = unit_for(what.unit, [entry.mean for entry in entries if entry])
    return Row(label=what.title, unit=unit.name, cells=tuple(_cell(entry, unit.factor) for entry in entries))


def _cell(entry: Summary | None, factor: float) -> Cell:
    if entry is None or not math.isfinite(entry.mean):
        return Cell(mean=DASH, interval="")
    ci95 = _times(entry.ci95, factor)
    return Cell(mean=number(entry.mean * factor, ci95), interval=interval(entry.mean * factor, ci95) if ci95 else "")


def _pair_row(comparison: Comparison, contrast: Contrast) -> PairRow:
    entries: Mapping[str, Summary | None] = {
        name: comparison.tumors[name].metrics.get(contrast.metric) for name in (contrast.a, contrast.b)
    }
    what = describe(contrast.metric, comparison.cells)
    unit = unit_for(what.unit, [entry.mean for entry in entries.values() if entry])
    ci95 = _times(contrast.ci95, unit.factor)
    difference = contrast.difference * unit.factor
    means = [_cell(entry, unit.factor).mean for entry in (entries[contrast.a], entries[contrast.b])]
    correlation = contrast.paired_correlation
    return PairRow(
        label=what.title,
        unit="" if unit.name == "cells" else unit.name,
        a=means[0],
        b=means[1],
        difference=signed(difference, ci95),
        interval=interval(difference, ci95, plus=True),
        correlation=DASH if correlation is None else f"{correlation:+.2f}".replace("-", MINUS),
        clear=ci95 is not None and (ci95[0] > 0 or ci95[1] < 0),
    )


def _times(ci95: tuple[float, float] | None, factor: float) -> tuple[float, float] | None:
    return None if ci95 is None else (ci95[0] * factor, ci95[1] * factor)
