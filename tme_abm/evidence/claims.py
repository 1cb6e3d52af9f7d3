"""The claims of the two reviews, and which of them are in the scope of this executable review."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib import resources

from ..core.errors import InputError
from ..core.toml import read_toml

__all__ = ["Claim", "Scope", "claims", "scope", "select", "unmodeled"]

_DATA = resources.files(__package__).joinpath("data")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of a review.

    review : "A" (the dual role of cytokines in tumor immunity) or "B" (the paradoxical role of cytokines and chemokines
        at the tumor microenvironment and the cancer-immune cell synapse)
    effect_on_tumor : "anti", "pro" or "context"
    fact : the statement in words of this project
    tier : "core", "extended" or "context"
    """

    id: str
    review: str
    section: str
    kind: str
    subject: str
    relation: str
    object: str
    via: str
    condition: str
    effect_on_tumor: str
    tier: str
    fact: str


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The claims that should have an assay, and those left out, each with the reason."""

    ids: tuple[str, ...]
    outside: Mapping[str, str]


@cache
def claims() -> Mapping[str, Claim]:
    """All claims by id, in the order of the reviews."""
    lines = _DATA.joinpath("claims.tsv").read_text(encoding="utf-8").splitlines()
    return {row["id"]: Claim(**row) for row in csv.DictReader(lines, delimiter="\t")}


@cache
def scope() -> Scope:
    """The scope that `data/scope.toml` states."""
    table = read_toml(_DATA.joinpath("scope.toml"), name="scope.toml")
    outside = {entry["claim"]: entry["reason"] for entry in table["outside"]}
    chosen = [
        claim.id
        for claim in claims().values()
        if claim.id not in outside
        and (claim.tier in table["tiers"] or any(fnmatch(claim.id, pattern) for pattern in table["also"]))
    ]
    return Scope(ids=tuple(chosen), outside=outside)


@cache
def unmodeled() -> Mapping[str, str]:
    """The claims in scope that have no assay, each with the reason."""
    table = read_toml(_DATA.joinpath("unmodeled.toml"), name="unmodeled.toml")
    return {one["claim"]: one["reason"] for one in table["unmodeled"]}


def select(*, ids: Collection[str] = (), kinds: Collection[str] = (), tiers: Collection[str] = ()) -> tuple[str, ...]:
    """The claims in scope that match by id (or a pattern such as "A-TNF-*"), kind and tier; without words, all.

    Ids alone also choose claims that are out of scope. Raises InputError for an unknown word.
    """
    known = claims()
    for what, words in (("kind", kinds), ("tier", tiers)):
        values = sorted({getattr(claim, what) for claim in known.values()})
        for word in words:
            if word not in values:
                raise InputError(f"no {what} of claims '{word}'", allowed=values, word=word)
    for pattern in ids:
        if not any(fnmatch(claim, pattern) for claim in known):
            raise InputError(f"no claim '{pattern}'", allowed=scope().ids, word=pattern)
    return tuple(
        claim
        for claim in (known if ids and not (kinds or tiers) else scope().ids)
        if (not ids or any(fnmatch(claim, pattern) for pattern in ids))
        and (not kinds or known[claim].kind in kinds)
        and (not tiers or known[claim].tier in tiers)
    )
