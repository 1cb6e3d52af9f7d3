"""The tables of a comparison, as text in cells, ready for the template."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ...compare.comparison import Comparison, Contrast, Interval, Summary
from ...observe.metrics import describe, headlines
from ..style.numbers import DASH, fixed, interval, number, signed, unit_for

__all__ = ["Cell", "PairRow", "PairTable", "Row", "cell", "census", "concentrations", "is_clear", "pairs"]


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


def cell(entry: Summary | None, factor: float = 1.0) -> Cell:
    """A summary as text, in the unit that `factor` brings it to."""
    if entry is None or not math.isfinite(entry.mean):
        return Cell(mean=DASH, interval="")
    mean, ci95 = entry.mean * factor, _times(entry.ci95, factor)
    return Cell(mean=number(mean, ci95), interval=interval(mean, ci95) if ci95 else "")


def pairs(comparison: Comparison) -> list[PairTable]:
    """One table a pair, in the order of `comparison.json`."""
    grouped: dict[tuple[str, str], dict[str, Contrast]] = {}
    for contrast in comparison.contrasts:
        grouped.setdefault((contrast.a, contrast.b), {})[contrast.metric] = contrast
    tables = []
    for (a, b), found in grouped.items():
        main = headlines(found)
        rows = {metric: _pair_row(comparison, contrast) for metric, contrast in found.items()}
        rest = tuple(row for metric, row in rows.items() if metric not in main)
        tables.append(PairTable(a=a, b=b, main=tuple(rows[metric] for metric in main), rest=rest))
    return tables


def census(comparison: Comparison) -> list[Row]:
    """Cell counts of the whole tissue, then densities in core and margin, at the end."""
    return _rows(comparison, (f"{cell} {what}" for what in ("cells", "core", "margin") for cell in comparison.cells))


def concentrations(comparison: Comparison) -> list[Row]:
    """Mean concentration of every molecule in the tumor core at the end."""
    seen = dict.fromkeys(metric for tumor in comparison.tumors.values() for metric in tumor.metrics)
    return _rows(comparison, (metric for metric in seen if describe(metric, comparison.cells).unit == "nM"))


def _rows(comparison: Comparison, metrics: Iterable[str]) -> list[Row]:
    rows = []
    for metric in metrics:
        entries = [tumor.metrics.get(metric) for tumor in comparison.tumors.values()]
        if any(entries):
            what = describe(metric, comparison.cells)
            unit = unit_for(what.unit, [entry.mean for entry in entries if entry])
            cells = tuple(cell(entry, unit.factor) for entry in entries)
            rows.append(Row(label=what.title, unit=unit.name, cells=cells))
    return rows


def _pair_row(comparison: Comparison, contrast: Contrast) -> PairRow:
    entries = [comparison.tumors[name].metrics.get(contrast.metric) for name in (contrast.a, contrast.b)]
    what = describe(contrast.metric, comparison.cells)
    unit = unit_for(what.unit, [entry.mean for entry in entries if entry])
    ci95 = _times(contrast.ci95, unit.factor)
    difference = contrast.difference * unit.factor
    a, b = (cell(entry, unit.factor).mean for entry in entries)
    correlation = contrast.paired_correlation
    return PairRow(
        label=what.title,
        unit="" if unit.name == "cells" else unit.name,
        a=a,
        b=b,
        difference=signed(difference, ci95),
        interval=interval(difference, ci95, plus=True),
        correlation=DASH if correlation is None else fixed(correlation, 2, plus=True),
        clear=is_clear(contrast),
    )


def is_clear(contrast: Contrast) -> bool:
    """Whether the interval of a contrast leaves out zero."""
    return contrast.ci95 is not None and (contrast.ci95[0] > 0 or contrast.ci95[1] < 0)


def _times(ci95: Interval | None, factor: float) -> Interval | None:
    return None if ci95 is None else (ci95[0] * factor, ci95[1] * factor)
