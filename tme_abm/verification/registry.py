"""All checks, in the order in which they are told, and how some of them are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache

from ..core.errors import InputError
from . import analytic, arms, balance, chance, climbing, consumers, lives, niche, orders, refinement, walking
from .check import Check

__all__ = ["all_checks", "select"]


@cache
def all_checks() -> dict[str, Check]:
    """Every check by name."""
    modules = (orders, analytic, consumers, balance, refinement, walking, climbing, niche, lives, arms, chance)
    checks: tuple[Check, ...] = tuple(one for module in modules for one in module.CHECKS)
    found = {one.name: one for one in checks}
    if len(found) != len(checks):
        raise ValueError("two checks have one name")
    return found


def select(names: Sequence[str] = (), *, quick: bool = False) -> tuple[Check, ...]:
    """The checks asked for by name or pattern, all without `names`; with `quick` only the quick ones among them.

    Raises InputError for a name that fits none.
    """
    known = all_checks()
    for name in names:
        if not any(fnmatchcase(one, name) for one in known):
            raise InputError(f"no check '{name}'", allowed=known, word=name, place="--only")
    chosen = [one for one in known.values() if not names or any(fnmatchcase(one.name, name) for name in names)]
    kept = tuple(one for one in chosen if one.quick or not quick)
    if not kept:
        raise InputError("none of these checks is a quick one", place="--quick")
    return kept
