"""The sentences of a sensitivity report: what was run, what decides, and how the numbers came about."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..studies.sensitivity import Analysis, Sensitivity
from ..studies.sensitivity.ends import Change
from ..studies.sensitivity.outcomes import DECISIVE
from .style.numbers import join, plural, significant

__all__ = ["INDEX_NAMES", "Method", "design", "ends", "findings", "losses", "method", "plural_days"]

Namer = Callable[[str], str]

NAMED = 3  # parameters that a sentence names

INDEX_NAMES: Mapping[str, str] = {
    "S1": "S1, alone",
    "ST": "ST, with all it takes part in",
    "mu_star": "mu*, mean size of the effects",
    "sigma": "sigma, their spread",
    "PRCC": "PRCC",
    "SRC": "SRC",
}

_ENDS = {
    "grid": "Bars compare the lowest with the highest level of a parameter while all else is equal, averaged over the "
    "combinations of the other parameters, seed by seed. Intervals are Student's over the seeds; those of "
    "probabilities are score intervals over the runs.",
    "morris": "Bars are the mean change over the steps of the trajectories, which cover two thirds of the range of one "
    "parameter while all others stay; the numbers on the right are the means below and above the step. Intervals are "
    "Student's over the trajectories; those of probabilities are score intervals over the trajectories.",
    "sample": "This design changes all parameters at once. Bars compare the points in the lowest third of the range of "
    "a parameter with those in the highest third (of a parameter with few values, the lowest with the highest), while "
    "the others differ by chance. Intervals are Welch's over the points; those of probabilities are score intervals "
    "over the points.",
}

_KINDS = {
    "grid": "a grid",
    "list": "a list",
    "latin hypercube": "a Latin hypercube",
    "sobol sequence": "a Sobol sequence",
    "morris": "Morris trajectories",
    "sobol indices": "Saltelli's arrangement of a Sobol sequence",
}


@dataclass(frozen=True, kw_only=True)
class Method:
    """What the indices are called, and how they are to be read."""

    title: str
    text: str


def design(found: Sensitivity) -> str:
    """What was run, in a sentence."""
    study = found.study
    parts = [
        plural(study.points, "design point"),
        f"({_KINDS.get(study.kind, study.kind)} over {plural(len(found.axes), 'parameter')})",
        f"in {join(study.scenarios)},",
        f"{plural(len(study.seeds), 'seed')} each, {plural_days(study.days)} of simulated time.",
    ]
    return " ".join(parts)


def plural_days(days: float) -> str:
    """ "1 day", "2.5 days"."""
    return "1 day" if abs(days - 1) < 1e-9 else f"{days:g} days"


def findings(found: Sensitivity, name: Namer) -> list[str]:
    """A sentence a scenario: what decides, from where to where."""
    return [_finding(found, scenario, name) for scenario in found.study.scenarios]


def _finding(found: Sensitivity, scenario: str, name: Namer) -> str:
    mine = [one for one in found.analyses if one.scenario == scenario]
    if all(one.constant is not None and math.isnan(one.constant) for one in mine):
        return f"{scenario}: no run has a result yet."
    said = []
    for wanted in DECISIVE:
        one = next((one for one in mine if one.outcome == wanted), None)
        if one is None:
            continue
        if one.constant is not None:
            said.append(f"{wanted} is {_at(one, one.constant)} {one.everywhere}")
            continue
        said.append(_along(one, name))
        if _clear(one):
            break
    if not said:
        first = found.decisive(scenario)
        said = ["no outcome changes anywhere in the design" if first is None else _along(first, name)]
    return f"{scenario}: {'; '.join(said)}."


def _along(one: Analysis, name: Namer) -> str:
    clear = _clear(one)
    if not clear:
        return f"no parameter has a clear effect on {one.outcome}"
    told = [f"{name(c.key)} (from {_at(one, c.at_low)} to {_at(one, c.at_high)})" for c in clear[:NAMED]]
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


def ends(found: Sensitivity) -> str:
    """How low and high ends are compared in this design."""
    return _ENDS[found.pairing]


def method(found: Sensitivity) -> Method:
    """The indices that the design allows."""
    if found.method == "morris":
        return Method(
            title="Morris indices",
            text="Each step of a trajectory changes one parameter and gives an elementary effect, scaled to the whole "
            "range. mu* is the mean of their sizes: how much the parameter matters. sigma is their spread: where it is "
            "large beside mu*, the effect depends on the other parameters, bends, or is chance. Lines are 95 % "
            "bootstrap intervals over the trajectories. Outcomes are means over seeds.",
        )
    if found.method == "sobol indices":
        return Method(
            title="Sobol indices",
            text="S1 is the share of the outcome's variance that goes with one parameter alone, ST the share it has a "
            "part in, chance included; ST well above S1 means that parameters act together. Lines are 95 % bootstrap "
            "intervals; with few samples they are wide, and an index may even fall below 0 or above 1. Outcomes are "
            "means over seeds.",
        )
    if found.method == "grid":
        return Method(
            title="Shares of the variance over the grid",
            text="The design is a full grid, so its variance can be taken apart exactly: S1 is the share that goes "
            "with the levels of one parameter, ST the share it has a part in, chance included. They hold for these "
            "levels, all weighted alike, and say nothing of what lies between or beyond: Sobol and Morris indices of "
            'whole ranges need a design that was sampled for them (kind = "sobol indices" or "morris").',
        )
    kinds = "Morris and Sobol indices need a design that was sampled for them"
    return Method(
        title="Regression",
        text=f'{kinds} (kind = "morris" or "sobol indices" in the study file); this one is {_KINDS[found.study.kind]}. '
        "What it allows is regression. PRCC, the partial rank correlation, is near 1 or −1 where the outcome rises or "
        "falls steadily with the parameter whatever the others do; SRC is the slope of a plain linear regression, in "
        "standard deviations. Both overlook effects that rise and fall again. R² says how much of the variance the "
        "regression carries: below about 0.7 do not trust it. Lines are 95 % bootstrap intervals over the points.",
    )
