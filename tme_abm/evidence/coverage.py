"""Coverage: the rules, molecules, receptors, cells and assays behind each claim.

Rules and numbers of the catalogue name their claims, and so do assays. Of an assay, the arms that a claim is judged by
count for that claim. A claim without a rule or an assay is a gap.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..biology.catalogue import Catalogue
from ..core.files import csv_line, write_bytes
from .assays import Assay
from .claims import claims, scope
from .results import Review

__all__ = ["Carrier", "Row", "coverage", "write_coverage"]

COLUMNS = ("claim", "tier", "kind", "verdict", "assays", "rules", "molecules", "receptors", "cells", "outside", "fact")
"""Columns of `coverage.csv`."""

BEYOND = "beyond the scope, but an assay asks for it"

_WORD = re.compile(r"[\s+,;()]+")


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """A rule (as a sentence) or a number (with its place) of the catalogue that names a claim.

    sources : keys of references
    rule : the title of the rule; empty for a number
    words : the names in it
    """

    says: str
    basis: str
    note: str
    sources: tuple[str, ...]
    rule: str = ""
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Row:
    """The coverage of one claim.

    carriers : the rules, then the numbers, that name it
    verdict : from the review; empty without one
    outside : why the claim is out of scope; empty for a claim in scope
    """

    claim: str
    carriers: tuple[Carrier, ...]
    molecules: tuple[str, ...]
    receptors: tuple[str, ...]
    cells: tuple[str, ...]
    assays: tuple[str, ...]
    verdict: str
    outside: str

    @property
    def rules(self) -> tuple[str, ...]:
        """Titles of the rules that name the claim."""
        return tuple(dict.fromkeys(one.rule for one in self.carriers if one.rule))

    @property
    def in_scope(self) -> bool:
        """Whether the claim should have an assay."""
        return not self.outside


def coverage(catalogue: Catalogue, assays: Mapping[str, Assay], review: Review | None = None) -> list[Row]:
    """One row per claim, ordered by id: those in scope, those left out of it, and any other that has an assay or a
    verdict in `review`.
    """
    inside, outside = scope().ids, scope().outside
    served: dict[str, list[Assay]] = defaultdict(list)
    for assay in assays.values():
        for claim in assay.claims:
            served[claim].append(assay)
    verdicts = {one.id: one.verdict for one in review.claims} if review is not None else {}
    reasons = {claim: outside.get(claim, BEYOND) for claim in (*outside, *served, *verdicts) if claim not in inside}
    carried = _carriers(catalogue)
    rows = []
    for claim in sorted({*inside, *reasons}):
        asked = served.get(claim, [])
        mine = carried.get(claim, ())
        named = (_words(what) for assay in asked for what in _says(assay, claim))
        said = set[str]().union(*(one.words for one in mine), *named)
        molecules, receptors, cells = (
            tuple(name for name in table if name in said)
            for table in (catalogue.molecules, catalogue.receptors, catalogue.cells)
        )
        rows.append(
            Row(
                claim=claim,
                carriers=mine,
                molecules=molecules,
                receptors=receptors,
                cells=cells,
                assays=tuple(assay.id for assay in asked),
                verdict=verdicts.get(claim, ""),
                outside=reasons.get(claim, ""),
            )
        )
    return rows


def write_coverage(rows: Iterable[Row], path: Path) -> None:
    """Write a CSV table; "; " separates several entries of a cell. Raises InputError if the file cannot be written."""
    lines: list[tuple[str, ...]] = [COLUMNS]
    for row in rows:
        claim = claims()[row.claim]
        several = ("; ".join(names) for names in (row.assays, row.rules, row.molecules, row.receptors, row.cells))
        lines.append((row.claim, claim.tier, claim.kind, row.verdict, *several, row.outside, claim.fact))
    write_bytes(path, b"".join(map(csv_line, lines)))


def _carriers(catalogue: Catalogue) -> Mapping[str, tuple[Carrier, ...]]:
    """The rules, then the numbers, that name a claim, by claim; a claim that nothing names is missing."""
    found: dict[str, list[Carrier]] = defaultdict(list)
    sentences = iter(catalogue.sentences())
    for rule in catalogue.rules:
        numbers = [number for number in (rule.towards, rule.half_max, rule.hill, rule.memory) if number is not None]
        keys = tuple(dict.fromkeys(key for part in (rule, *numbers) for key in part.source))
        words = frozenset(_words([rule.cell, rule.signal, rule.behavior, rule.pathway]))
        said = [next(sentences) for _ in rule.cell]  # one sentence a cell, in the order of the rules
        for claim in dict.fromkeys(claim for part in (rule, *numbers) for claim in part.claims):
            found[claim] += [
                Carrier(says=one, basis=rule.basis, note=rule.note, sources=keys, rule=rule.title, words=words)
                for one in said
            ]
    for place, parameter in catalogue.parameters():
        if not place.startswith("rule ("):
            steps = place.split(".")[1:]
            carrier = Carrier(
                says=f"{' › '.join(steps)} = {parameter.value}",
                basis=parameter.basis,
                note=parameter.note,
                sources=tuple(parameter.source),
                words=frozenset(_words(steps)),
            )
            for claim in parameter.claims:
                found[claim].append(carrier)
    return {claim: tuple(dict.fromkeys(found[claim])) for claim in found}


def _words(item: Any) -> set[str]:
    """The words of a text, or of all texts in a list or table; each name of the catalogue is one word."""
    if isinstance(item, str):
        return set(_WORD.split(item))
    if isinstance(item, Mapping):
        return {word for key, value in item.items() for part in (key, value) for word in _words(part)}
    return {word for value in item for word in _words(value)} if isinstance(item, Iterable) else set()


def _says(assay: Assay, claim: str) -> Iterator[Any]:
    """The parts of an assay that concern one of its claims: readouts, cells, the arms that the claim is judged by."""
    expected = assay.expected_of(claim)
    compared = {arm for one in expected for arm in (one.arm, one.against, *one.arms)}
    yield [one.readout for one in expected]
    yield from assay.cells
    yield from assay.common
    yield from (what for arm, what in assay.arms.items() if arm in compared)
