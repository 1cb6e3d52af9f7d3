"""What carries a claim in the catalogue: the rules that name it as sentences, its numbers, and their sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..biology.catalogue import Catalogue
from ..biology.parameter import Evidence

__all__ = ["Carrier", "Source", "carriers"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A publication or data set: how it is called, and where it is."""

    key: str
    title: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """A rule as a sentence, or a number with its place, and why it is believed."""

    says: str
    basis: str
    note: str
    sources: tuple[Source, ...]


def carriers(catalogue: Catalogue) -> Mapping[str, tuple[Carrier, ...]]:
    """claim -> the rules and then the numbers that name it; a claim that nothing names is missing."""
    found: dict[str, list[Carrier]] = defaultdict(list)
    sentences = iter(catalogue.sentences())
    for rule in catalogue.rules:
        said = [next(sentences) for _ in rule.cell]  # one sentence a cell, in the order of the rules
        numbers = [number for number in (rule.towards, rule.half_max, rule.hill, rule.memory) if number is not None]
        for claim in dict.fromkeys(claim for part in (rule, *numbers) for claim in part.claims):
            found[claim] += [_carrier(catalogue, sentence, rule, numbers) for sentence in said]
    for place, parameter in catalogue.parameters():
        file, _, inner = place.partition(": ")
        if file != "rules.toml":
            for claim in parameter.claims:
                where = " › ".join(inner.split("."))
                found[claim].append(_carrier(catalogue, f"{where} = {parameter.value}", parameter))
    return {claim: tuple(dict.fromkeys(found[claim])) for claim in found}


def _carrier(catalogue: Catalogue, says: str, evidence: Evidence, numbers: Iterable[Evidence] = ()) -> Carrier:
    keys = dict.fromkeys(key for one in (evidence, *numbers) for key in one.source)
    return Carrier(
        says=says.replace("um^", "µm^"),
        basis=evidence.basis,
        note=evidence.note,
        sources=tuple(_source(catalogue, key) for key in keys),
    )


def _source(catalogue: Catalogue, key: str) -> Source:
    entry = catalogue.references[key]
    address = f"https://doi.org/{entry.doi}" if entry.doi else entry.url or entry.repository
    who = f"{', '.join(entry.authors)}. " if entry.authors else ""
    when = f" ({entry.year})" if entry.year else ""
    return Source(key=key, title=f"{who}{entry.title}{when}", address=address)
