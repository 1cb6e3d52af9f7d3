"""The claims of the two reviews, one row each, and which of them are in the scope of this executable review."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from ..core.errors import InputError
from ..core.toml import read_toml

__all__ = ["Claim", "Scope", "claims", "scope", "select", "unmodeled"]


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
    """The claims that should have an assay, and similar ones that are left out, each with the reason."""

    ids: tuple[str, ...]
    outside: Mapping[str, str]


@cache
def claims() -> Mapping[str, Claim]:
    """All claims by id, in the order of the reviews."""
    text = _data().joinpath("claims.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {row["id"]: Claim(**row) for row in rows}


@cache
def scope() -> Scope:
    """The scope that `data/scope.toml` states."""
    table = read_toml(_data().joinpath("scope.toml"), name="scope.toml")
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
    """Why some claims in scope have no assay, by claim."""
    table = read_toml(_data().joinpath("unmodeled.toml"), name="unmodeled.toml")
    return {one["claim"]: one["reason"] for one in table["unmodeled"]}


def select(
    *, ids: Iterable[str] = (), kinds: Iterable[str] = (), tiers: Iterable[str] = ()
) -> tuple[str, ...]:
    """The claims in scope that are named by id (or a pattern such as "A-TNF-*"), kind or tier; all without any.

    A claim that is named by its id is taken even when it is out of scope. Raises InputError for an unknown word.
    """
    known = claims()
    chosen = list(scope().ids)
    for what, words, values in (
        ("kind", tuple(kinds), {claim.kind for claim in known.values()}),
        ("tier", tuple(tiers), {claim.tier for claim in known.values()}),
    ):
        for word in words:
            if word not in values:
                raise InputError(f"no {what} of claims '{word}'", allowed=sorted(values), word=word)
        if words:
            chosen = [claim for claim in chosen if getattr(known[claim], what) in words]
    patterns = tuple(ids)
    for pattern in patterns:
        if not any(fnmatch(claim, pattern) for claim in known):
            raise InputError(f"no claim '{pattern}'", allowed=scope().ids, word=pattern)
    if patterns:
        pool = chosen if kinds or tiers else list(known)
        chosen = [claim for claim in pool if any(fnmatch(claim, pattern) for pattern in patterns)]
    return tuple(chosen)


def _data() -> Traversable:
    return resources.files(__package__).joinpath("data")
