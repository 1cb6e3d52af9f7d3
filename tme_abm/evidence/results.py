"""The results of assays, reviews and published experiments: frozen values, written to JSON and read back unchanged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from ..compare.statistics import mean_interval, paired_difference
from ..core.toml import Frozen
from .assays import Sweep

__all__ = [
    "NOT_RUN", "OUTCOMES", "VERDICTS", "AssayResult", "Beyond", "ClaimResult", "DrawRecord", "Drawn",
    "ExperimentResult", "Held", "Judged", "Outcome", "Reading", "Reproduction", "Review", "Variant", "Verdict",
    "of_claim",
]  # fmt: skip

Verdict = Literal["shown", "not shown", "contradicted", "not modeled"]
VERDICTS: tuple[Verdict, ...] = ("shown", "not shown", "contradicted", "not modeled")

Outcome = Literal["reproduced", "not reproduced", "opposite", "no verdict"]
OUTCOMES: tuple[Outcome, ...] = ("reproduced", "not reproduced", "opposite", "no verdict")

NOT_RUN = "did not run"
"""In place of the verdict of a draw."""


class Reading(Frozen):
    """The values of a readout at one time: one per well in every arm, None where nothing could be read."""

    readout: str
    unit: str
    over: str
    time: float
    arms: dict[str, tuple[float | None, ...]]


class Judged(Frozen):
    """An expectation and its outcome. `effect` and `ci95` are in the unit of the readout."""

    readout: str
    unit: str
    direction: str
    arm: str
    against: str
    claims: tuple[str, ...]
    smallest: float
    effect: float | None
    ci95: tuple[float, float] | None
    relative: float | None
    holds: bool
    opposed: bool
    says: str


def of_claim(judged: Iterable[Judged], claim: str) -> tuple[Judged, ...]:
    """The expectations that concern a claim, the primary one first."""
    return tuple(one for one in judged if claim in one.claims)


class Variant(Frozen):
    """The outcome of an assay at half or double its dose or duration, with its expectations in the same order."""

    name: str
    verdicts: dict[str, Verdict]
    judged: tuple[Judged, ...]


class AssayResult(Frozen):
    """The result of an assay, or the `error` that ended it. Times in minutes; `arms` are the interventions in words.

    draw : the number of the joint draw of all numbers in which it was run, if it was
    """

    id: str
    title: str
    claims: tuple[str, ...]
    note: str
    dish: str
    duration: float
    wells: int
    seed: int
    seconds: float
    error: str | None = None
    cells: tuple[str, ...] = ()
    arms: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    judged: tuple[Judged, ...] = ()
    verdicts: dict[str, Verdict] = Field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    sweep: Sweep | None = None
    draw: int | None = None

    def reading_of(self, one: Judged) -> Reading | None:
        """The reading that an expectation was judged by: at the end or over time, whichever has the effect."""

        def off(reading: Reading) -> float:
            values, against = reading.arms.get(one.arm, ()), reading.arms.get(one.against)
            found = (mean_interval(values) if against is None else paired_difference(values, against)).mean
            return math.inf if found is None or one.effect is None else abs(found - one.effect)

        same = (reading for reading in self.readings if reading.readout == one.readout)
        return min((reading for reading in same if math.isclose(reading.time, self.duration)), key=off, default=None)


class Beyond(Frozen):
    """A dose [nM] or a density of cells [/mm²] in an assay, and the `most` that tumors have, None if they have none.

    drug : it stands for a treatment, which is not there by itself
    says : all this in words
    """

    what: str
    amount: float
    most: float | None
    drug: bool
    assay: str
    says: str

    @property
    def fold(self) -> float:
        """How many times what tumors have; infinite if they have none."""
        return math.inf if self.most is None else self.amount / self.most


class Drawn(Frozen):
    """How often a claim is shown, or an experiment reproduced, in joint draws of all numbers from their priors.

    hoped : the verdict that is counted
    verdicts : the verdict in each draw; "did not run" where a part of it failed
    """

    hoped: Literal["shown", "reproduced"]
    verdicts: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of draws with the verdict that is hoped for."""
        return self.verdicts.count(self.hoped)

    @property
    def failed(self) -> int:
        """The number of draws that did not run; they count as draws."""
        return self.verdicts.count(NOT_RUN)

    @property
    def in_fewer_than_half(self) -> bool:
        """Whether the verdict is found in fewer than half of the draws."""
        return 2 * self.count < len(self.verdicts)

    @property
    def short(self) -> str:
        """The share, as in "7 of 20, fewer than half"."""
        fewer = ", fewer than half" if self.in_fewer_than_half else ""
        failed = f"; {self.failed} did not run" if self.failed else ""
        return f"{self.count} of {len(self.verdicts)}{fewer}{failed}"

    @property
    def says(self) -> str:
        """The share in words: "shown in 17 of 20 plausible parameter sets"."""
        share, comma, rest = self.short.partition(", fewer")
        share, semicolon, failed = share.partition(";") if not comma else (share, "", "")
        return f"{self.hoped} in {share} plausible parameter sets{comma}{rest}{semicolon}{failed}"


class DrawRecord(Frozen):
    """A joint draw of all numbers: its number, the file that has its values, and their SHA-256.

    cut : how many numbers were drawn from a part of their prior, to keep the order of a base and a target
    failed : what did not run in it, and why
    """

    number: int
    values: str
    sha256: str
    cut: int
    failed: tuple[str, ...] = ()


class ClaimResult(Frozen):
    """The verdict on a claim from all of its assays, with the effect of the primary expectation of one of them.

    beyond : what its assays have at more than tumors have
    drawn : the same claim in joint draws of all numbers
    """

    id: str
    verdict: Verdict
    effect: float | None = None
    ci95: tuple[float, float] | None = None
    unit: str = ""
    direction: str = ""
    arms: dict[str, float | None] = Field(default_factory=dict)
    replicates: int = 0
    reason: str = ""
    assays: tuple[str, ...] = ()
    flips: tuple[str, ...] = ()
    beyond: tuple[Beyond, ...] = ()
    drawn: Drawn | None = None


class Review(Frozen):
    """The verdicts on claims, and the results of the assays that tested them. `quick`: without robustness variants."""

    version: str
    seed: int
    quick: bool
    seconds: float
    command: str
    claims: tuple[ClaimResult, ...]
    assays: tuple[AssayResult, ...]
    draws: tuple[DrawRecord, ...] = ()

    def counts(self) -> Mapping[Verdict, int]:
        """Number of claims with each verdict."""
        return {verdict: sum(one.verdict == verdict for one in self.claims) for verdict in VERDICTS}


class Held(Frozen):
    """The bounds of an experiment in one tumor (or dish), and what was found there.

    at : when it was read, if not at the end
    what, wanted, says : the quantity, the bounds and what was found, in words
    arms : arm -> one value per replicate, None where nothing could be read
    least, most : bounds of the value; above, below : of its interval; none : the value of no effect
    """

    tumor: str
    readout: str
    at: str
    what: str
    wanted: str
    says: str
    unit: str
    take: str
    arms: dict[str, tuple[float | None, ...]]
    value: float | None
    ci95: tuple[float, float] | None
    least: float | None
    most: float | None
    above: float | None
    below: float | None
    none: float | None
    holds: bool
    opposed: bool
    world: str = ""


class ExperimentResult(Frozen):
    """A published experiment and its repeat; `value` is that of the first bounds, where they fail if they do.

    scenarios : the tumors or the dish; seeds : of the replicates; reason : why it was not reproduced
    arms : what was done in each, in words
    levels : tumor -> arm -> metric -> mean over the replicates at the end
    drawn : the same experiment in joint draws of all numbers
    """

    id: str
    title: str
    verdict: Outcome
    value: float | None = None
    ci95: tuple[float, float] | None = None
    unit: str = ""
    what: str = ""
    published: str
    criterion: str
    scenarios: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    reason: str = ""
    done: str
    measured: str
    source: str
    doi: tuple[str, ...]
    confidence: str
    note: str = ""
    days: float = 0.0
    setting: str = ""
    cells: tuple[str, ...] = ()
    arms: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    expect: tuple[Held, ...] = ()
    levels: dict[str, dict[str, dict[str, float | None]]] = Field(default_factory=dict)
    drawn: Drawn | None = None


class Reproduction(Frozen):
    """The repeats of published experiments. `cut`: the day at which runs were cut off in a trial."""

    version: str
    seed: int
    seconds: float
    command: str
    runs: int
    cut: float | None = None
    experiments: tuple[ExperimentResult, ...]
    draws: tuple[DrawRecord, ...] = ()

    def counts(self) -> Mapping[Outcome, int]:
        """Number of experiments with each outcome."""
        return {outcome: sum(one.verdict == outcome for one in self.experiments) for outcome in OUTCOMES}
