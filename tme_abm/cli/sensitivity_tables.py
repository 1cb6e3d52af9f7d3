"""A sensitivity analysis as the short tables that the command line prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..report.style.numbers import DASH, MINUS, coefficient, short
from ..studies.sensitivity.outcomes import DECISIVE
from .terminal import table

if TYPE_CHECKING:
    from rich.table import Table

    from ..studies.sensitivity import Analysis, Sensitivity
    from ..studies.sensitivity.ends import Change
    from ..studies.sensitivity.outcomes import Index

__all__ = ["outcome_tables"]

NAMES = {"mu_star": "mu*"}


def outcome_tables(found: Sensitivity, *, everything: bool) -> list[Table | str]:
    """A table an outcome in a scenario (a sentence if it never changes): all, or those that tell hot from cold."""
    shown = [one for one in found.analyses if everything or one.outcome in DECISIVE] or list(found.analyses)
    return [_table(one, found) for one in shown]


def _table(one: Analysis, found: Sensitivity) -> Table | str:
    where = f"{one.outcome} in {one.scenario}"
    if one.constant is not None:
        value = "no result" if math.isnan(one.constant) else f"{short(one.constant)} {one.everywhere}"
        return f"{where}: {value}\n"
    indices = {} if one.indices is None else one.indices.by_parameter
    columns = [name for name in dict.fromkeys(n for by_name in indices.values() for n in by_name) if name != "mu"]
    regressed = ["PRCC"] if not indices and one.regression.by_parameter else []
    by_key = {change.key: change for change in one.changes}
    rows = []
    for axis in sorted(found.parameters, key=lambda axis: -one.effect(axis.key)):
        values = {**one.regression.by_parameter.get(axis.key, {}), **indices.get(axis.key, {})}
        rows.append(
            (
                axis.key,
                *_ends(by_key.get(axis.key), axis.unit),
                *(_index(values.get(name)) for name in [*columns, *regressed]),
            )
        )
    names = [NAMES.get(name, name) for name in [*columns, *regressed]]
    head = ("parameter", "from → to", one.outcome, "change [95 %]", *names)
    return table(head, rows, title=f"{where}{_chance(one)}")


def _ends(change: Change | None, unit: str) -> tuple[str, str, str]:
    if change is None:
        return DASH, DASH, DASH
    ends = f"{change.low_end} → {change.high_end} {unit}".rstrip()
    interval = "" if change.interval is None else f" [{short(change.interval[0])}, {short(change.interval[1])}]"
    return ends, f"{short(change.at_low)} → {short(change.at_high)}", f"{short(change.change)}{interval}"


def _index(index: Index | None) -> str:
    if index is None or not math.isfinite(index.value):
        return DASH
    text = coefficient(index.value)
    if index.low is not None and index.high is not None:
        text += f" [{coefficient(index.low)}, {coefficient(index.high)}]"
    return text.replace(MINUS, "-")


def _chance(one: Analysis) -> str:
    left = one.variance.of_means
    return "" if left is None else f", {100 * left:.0f} % of the variance of the means is chance"
