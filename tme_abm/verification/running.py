"""All checks: choosing some, running them on several processors, and the report of a run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, get_args

from ..core.errors import InputError, sentence
from ..core.parallel import Here, Workers
from ..runs.fingerprint import versions
from . import balance, biology, fields, migration, randomness, refinement
from .check import Check, Judged, Verdict, judge
from .works import Works

__all__ = ["SCHEMA", "Report", "Tell", "all_checks", "run_check", "run_checks", "select"]

SCHEMA = "tme_abm/verification/1"

Tell = Callable[[Judged, int, int], None]
"""Called with the result of a check that has ended, the number that have ended, and the number of all."""


@cache
def all_checks() -> dict[str, Check]:
    """Every check by name, in the order in which they are reported."""
    modules = (fields, balance, refinement, migration, biology, randomness)
    checks: tuple[Check, ...] = tuple(one for module in modules for one in module.CHECKS)
    found = {one.name: one for one in checks}
    if len(found) != len(checks):
        raise ValueError("two checks have one name")
    return found


def select(names: Sequence[str] = (), *, quick: bool = False) -> tuple[Check, ...]:
    """The checks that match `names` (or patterns), all without `names`; with `quick` only the quick ones among them.

    Raises InputError if a name matches no check, or no check is left.
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


@dataclass(frozen=True, kw_only=True)
class Report:
    """The results of a run of checks."""

    checks: tuple[Judged, ...]
    quick: bool
    command: str
    seconds: float

    def counts(self) -> dict[str, int]:
        """The number of checks with each verdict that occurs."""
        verdicts = [one.verdict for one in self.checks]
        return {verdict: verdicts.count(verdict) for verdict in get_args(Verdict) if verdict in verdicts}

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "schema": SCHEMA,
            "command": self.command,
            "quick": self.quick,
            "versions": versions(),
            "machine": {"system": platform.system(), "processor": platform.machine(), "processors": os.cpu_count()},
            "seconds": round(self.seconds, 2),
            "counts": self.counts(),
            "checks": [one.to_json() for one in self.checks],
        }


def run_check(one: Check, works: Works | None = None) -> Judged:
    """The result of a check; an error is part of it. `seconds` are those of one processor."""
    begun = time.process_time()
    try:
        found = one.measure(Works() if works is None else works)
    except Exception as error:  # noqa: BLE001 - one check that cannot run must not stop the others
        return Judged(check=one, seconds=time.process_time() - begun, error=sentence(error))
    return judge(one, found, time.process_time() - begun)


def run_checks(
    checks: Sequence[Check], *, jobs: int, quick: bool = False, command: str = "", tell: Tell | None = None
) -> Report:
    """The report of `checks` in their order, of which `jobs` run at a time; `tell` is called when one ends."""
    begun = time.monotonic()
    done: dict[str, Judged] = {}
    named = {one.name: one for one in checks}
    longest_first = sorted(named.items(), key=lambda one: one[1].quick)
    with Workers(jobs) if jobs > 1 and len(checks) > 1 else Here() as executor:
        for outcome in executor.do(run_check, longest_first):
            result = outcome.result or Judged(check=named[outcome.name], error=outcome.error)
            done[outcome.name] = result
            if tell is not None:
                tell(result, len(done), len(checks))
    return Report(
        checks=tuple(done[name] for name in named), quick=quick, command=command, seconds=time.monotonic() - begun
    )
