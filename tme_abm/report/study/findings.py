"""The sentences that head a sensitivity report: what decides, from where to where, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...studies.sensitivity import Analysis, Sensitivity
from ...studies.sensitivity.ends import Change
from ...studies.sensitivity.outcomes import DECISIVE
from ..style.numbers import join, significant

__all__ = ["findings", "losses", "plural_days"]

NAMED = 3  # parameters that a sentence names


def plural_days(days: float) -> str:
    """ "1 day", "2.5 days"."""
    return "1 day" if abs(days - 1) < 1e-9 else f"{days:g} days"


def findings(found: Sensitivity, names: Mapping[str, str]) -> list[str]:
    """A sentence a scenario: what decides, from where to where; `names` are those of the parameters."""
    return [f"{scenario}: {_finding(found, scenario, names)}." for scenario in found.study.scenarios]


def _finding(found: Sensitivity, scenario: str, names: Mapping[str, str]) -> str:
    mine = {one.outcome: one for one in found.analyses if one.scenario == scenario}
    if all(one.constant is not None and math.isnan(one.constant) for one in mine.values()):
        return "no run has a result yet"
    said = []
    for one in (mine[outcome] for outcome in DECISIVE if outcome in mine):
        if one.constant is not None:
            said.append(f"{one.outcome} is {_at(one, one.constant)} {one.everywhere}")
            continue
        said.append(_along(one, names))
        if _clear(one):
            break
    first = found.decisive(scenario)
    nothing = "no outcome changes anywhere in the design"
    return "; ".join(said) or (nothing if first is None else _along(first, names))


def _along(one: Analysis, names: Mapping[str, str]) -> str:
    clear = _clear(one)
    if not clear:
        return f"no parameter has a clear effect on {one.outcome}"
    told = [f"{names[c.key]} (from {_at(one, c.at_low)} to {_at(one, c.at_high)})" for c in clear[:NAMED]]
    more = [f"{len(clear) - NAMED} more"] if len(clear) > NAMED else []
    return f"{one.outcome} changes clearly along {join([*told, *more])}"


def _clear(one: Analysis) -> list[Change]:
    """The changes whose intervals leave out zero."""
    return [change for change in one.changes if change.interval and not change.interval[0] <= 0 <= change.interval[1]]


def _at(one: Analysis, value: float) -> str:
    return f"{value:.2f}" if one.outcome.startswith("P(") else significant(value)


def losses(found: Sensitivity) -> str:
    """Which runs have no result, and what becomes of them here; empty if all have one."""
    if not found.lost:
        return ""
    words = {"failed": "failed", "pending": "not finished"}
    told = join(f"{count} {words.get(status, status)}" for status, count in sorted(found.lost.items()))
    return (
        f"{sum(found.lost.values())} of {len(found.study.runs)} runs have no result ({told}). They are left out: means "
        "are those of the runs there are, and nothing was filled in. Finish the study with batch, or try failed runs "
        "again with batch --retry-failed."
    )
