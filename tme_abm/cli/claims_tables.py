"""The executable review as the tables that the command line prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .terminal import WIDE, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..evidence.coverage import Row
    from ..evidence.results import Review

__all__ = ["claims_table", "coverage_table", "tier_lines"]

SHORTEST = 24  # characters of a statement that still say something; with less room it is left out
GAP, EDGES = 3, 2  # columns between two cells of a table, and at its sides
_SHORT = {"half dose": "½ dose", "double dose": "2× dose", "half duration": "½ time", "double duration": "2× time"}


def claims_table(review: Review, *, width: int | None = None) -> Table:
    """One line a claim, by id: verdict, effect with its 95 % interval, and the variants that flip the verdict.

    The statement takes what is left of `width` columns, by default those of the screen.
    """
    from ..evidence.claims import claims
    from ..report.claims_words import ARROWS, effect, sentence

    columns = ["claim", "verdict", "effect [95 %]", "expected", "flips at"]
    shown = sorted(review.claims, key=lambda one: one.id)
    rows = [
        [
            one.id,
            one.verdict,
            str(effect(one.effect, one.ci95, one.unit)),
            ARROWS.get(one.direction, ""),
            ", ".join(_SHORT.get(name, name) for name in one.flips),
        ]
        for one in shown
    ]
    taken = sum(max(map(len, column)) + GAP for column in zip(columns, *rows, strict=True))
    room = (_screen() if width is None else width) - taken - EDGES
    if room >= SHORTEST:
        columns.append("what the review says")
        for row, one in zip(rows, shown, strict=True):
            row.append(_short(sentence(claims()[one.id]), room))
    made = table(columns, rows)
    for column in made.columns:
        column.justify = "left"
    for index in (0, 1):
        made.columns[index].no_wrap = True
    return made


def tier_lines(review: Review) -> list[str]:
    """One line a tier: "core: 139 of 147 shown (95 %), 5 not shown, 3 contradicted"; then all, if there are several."""
    from ..evidence.claims import claims
    from ..evidence.results import VERDICTS
    from ..report.claims_words import share, tiers

    found = tiers(review, claims())
    if len(found) > 1:
        found.append(("all", {verdict: count for verdict, count in review.counts().items() if count}))
    lines = []
    for tier, counts in found:
        total, shown = sum(counts.values()), counts.get("shown", 0)
        others = [f"{n} {verdict}" for verdict in VERDICTS[1:] if (n := counts.get(verdict, 0))]
        lines.append(", ".join((f"{tier}: {shown} of {total} shown ({share(shown, total)})", *others)))
    if not review.quick:
        flips = sum(bool(one.flips) for one in review.claims)
        by_variant = {said: sum(name in one.flips for one in review.claims) for name, said in _SHORT.items()}
        each = ", ".join(f"{said} {count}" for said, count in by_variant.items() if count)
        lines.append(
            f"verdict flips at half or double dose or duration: {flips} of {len(review.claims)}"
            + (f" ({each})" if each else "")
        )
    return lines


def coverage_table(rows: Iterable[Row]) -> Table:
    """One line a claim: rules, molecules, receptors, cells and assays that stand for it."""
    made = table(
        ("claim", "verdict", "rules", "molecules, receptors", "cells", "assays"),
        [
            (
                row.claim,
                row.verdict if row.in_scope else f"outside: {row.outside}",
                "\n".join(row.rules),
                ", ".join((*row.molecules, *row.receptors)),
                ", ".join(row.cells),
                "\n".join(row.assays),
            )
            for row in rows
        ],
    )
    for column in made.columns:
        column.justify = "left"
    made.columns[0].no_wrap = True
    return made


def _screen() -> int:
    from rich.console import Console

    console = Console()
    return console.width if console.is_terminal else WIDE


def _short(text: str, room: int) -> str:
    """The beginning of a text, cut at a word."""
    if len(text) <= room:
        return text
    return text[: room - 1].rpartition(" ")[0] + "…"
