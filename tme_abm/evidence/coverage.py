"""Coverage: from each claim to the rules, molecules, receptors, cells and assays that speak for it.

Nothing is kept by hand. Rules and numbers of the catalogue name their claims, assays name theirs, and what an assay
does in the arms that a claim is judged by counts for that claim. A claim without a rule or an assay shows as a gap.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..biology.catalogue import Catalogue
from ..core.files import write_bytes
from .assays import Assay
from .claims import claims, scope
from .results import Review

__all__ = ["Row", "coverage", "coverage_csv", "write_coverage"]

COLUMNS = ("claim", "tier", "kind", "verdict", "assays", "rules", "molecules", "receptors", "cells", "outside", "fact")
"""Columns of `coverage.csv`."""

BEYOND = "beyond the scope, but an assay asks for it"

_WORD = re.compile(r"[\s+,;()]+")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What stands for one claim.

    rules : titles of the rules that name it
    verdict : of the review, or empty where there was none
    outside : why the claim is out of scope; empty for a claim in scope
    """

    claim: str
    rules: tuple[str, ...]
    molecules: tuple[str, ...]
    receptors: tuple[str, ...]
    cells: tuple[str, ...]
    assays: tuple[str, ...]
    verdict: str
    outside: str

    @property
    def in_scope(self) -> bool:
        """Whether the claim is to have an assay."""
        return not self.outside


def coverage(catalogue: Catalogue, assays: Mapping[str, Assay], review: Review | None = None) -> list[Row]:
    """One row a claim, by id: all in scope, those left out of it with the reason, and any other that has an assay.

    With a review, its verdicts stand beside.
    """
    inside, outside = scope().ids, scope().outside
    served: dict[str, list[Assay]] = defaultdict(list)
    for assay in assays.values():
        for claim in assay.claims:
            served[claim].append(assay)
    verdicts = {one.id: one.verdict for one in review.claims} if review is not None else {}
    reasons = {claim: outside.get(claim, BEYOND) for claim in (*outside, *served, *verdicts) if claim not in inside}
    titles, words = _in_catalogue(catalogue)
    rows = []
    for claim in sorted({*inside, *reasons}):
        asked = served.get(claim, [])
        said = words.get(claim, set()).union(*(_words(what) for assay in asked for what in _says(assay, claim)))
        molecules, receptors, cells = (
            tuple(name for name in table if name in said)
            for table in (catalogue.molecules, catalogue.receptors, catalogue.cells)
        )
        rows.append(
            Row(
                claim=claim,
                rules=tuple(titles.get(claim, ())),
                molecules=molecules,
                receptors=receptors,
                cells=cells,
                assays=tuple(assay.id for assay in asked),
                verdict=verdicts.get(claim, ""),
                outside=reasons.get(claim, ""),
            )
        )
    return rows


def coverage_csv(rows: Iterable[Row]) -> str:
    """The rows as a table for a spreadsheet; several entries of one cell are parted by "; "."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        claim = claims()[row.claim]
        writer.writerow(
            {
                "claim": row.claim,
                "tier": claim.tier,
                "kind": claim.kind,
                "verdict": row.verdict,
                **{
                    column: "; ".join(getattr(row, column))
                    for column in ("assays", "rules", "molecules", "receptors", "cells")
                },
                "outside": row.outside,
                "fact": claim.fact,
            }
        )
    return text.getvalue()


def write_coverage(rows: Iterable[Row], path: Path) -> None:
    """Write `coverage.csv`. Raises InputError if the disk refuses it."""
    write_bytes(path, coverage_csv(rows).encode())


def _in_catalogue(catalogue: Catalogue) -> tuple[dict[str, list[str]], dict[str, set[str]]]:
    """(titles of its rules, words said where it is named) of every claim that the catalogue names."""
    titles: dict[str, list[str]] = defaultdict(list)
    words: dict[str, set[str]] = defaultdict(set)
    for rule in catalogue.rules:
        numbers = (rule.towards, rule.half_max, rule.hill, rule.memory)
        for claim in {claim for part in (rule, *numbers) if part is not None for claim in part.claims}:
            titles[claim].append(rule.title)
            words[claim] |= _words([rule.cell, rule.signal, rule.behavior, rule.pathway])
    for place, parameter in catalogue.parameters():
        file, _, inner = place.partition(": ")
        if file != "rules.toml":
            for claim in parameter.claims:
                words[claim] |= _words(inner.split("."))
    return titles, words


def _words(item: Any) -> set[str]:
    """Every word of a text, or of all texts in lists and tables; a name of the catalogue is a word."""
    if isinstance(item, str):
        return set(_WORD.split(item))
    if isinstance(item, Mapping):
        return {word for key, value in item.items() for part in (key, value) for word in _words(part)}
    return {word for value in item for word in _words(value)} if isinstance(item, Iterable) else set()


def _says(assay: Assay, claim: str) -> Iterator[Any]:
    """What an assay says that bears on one of its claims: cells, arms the claim is judged by, readouts."""
    expected = assay.expected_of(claim)
    compared = {arm for one in expected for arm in (one.arm, one.against, *one.arms)}
    yield [one.readout for one in expected]
    yield from assay.cells
    yield from assay.common
    yield from (what for arm, what in assay.arms.items() if arm in compared)
