"""What was found in the tumors: frozen values in internal units, written to JSON and read back unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from ..core.toml import Frozen

__all__ = [
    "FAINT", "NEAR", "PLACES", "STATUSES", "Budget", "Levels", "Part", "Pull", "Range", "RuleLevels", "Seen", "Spread",
    "Status", "overall",
]  # fmt: skip

PLACES = ("core", "margin")
NEAR = 10.0
"""A signal acts from a tenth of the half-max to ten times it: at a power of 1, from 9 % to 91 % of the effect."""

FAINT = 0.01
"""A share of a behavior that no experiment would find missing."""

Status = Literal["in reach", "idle", "absent"]
STATUSES: tuple[Status, ...] = ("in reach", "idle", "absent")

Range = tuple[float, float]


class Spread(Frozen):
    """A level over `count` cells or sites, all days together: the median between two quantiles."""

    count: int
    low: float
    median: float
    high: float


# ------------------------------------------------------------------ the budget of a behavior


class Part(Frozen):
    """What one signal does to a behavior in one place.

    level : of the signal, 10 % and 90 % of the cells beside the median
    weight : the median of (level / half-max)^power
    without : the mean of the behavior if this signal did not act; by_day : the same on each day, None without a cell
    """

    level: Spread
    weight: float
    without: float
    by_day: tuple[float | None, ...]


class Pull(Frozen):
    """A signal that acts on a behavior, with its rule; what "scales" multiplies the behavior. `quantity`: its kind."""

    signal: str
    effect: Literal["increases", "decreases", "scales"]
    quantity: str
    half_max: float
    power: float
    towards: float
    parts: dict[str, Part]


class Budget(Frozen):
    """A behavior of a cell in one tumor, and all that acts on it, what matters most first.

    base : without any signal
    value : place -> mean over its cells, all days together; by_day : on each day, None without a cell
    cells : place -> the number of cells (or vessels) asked, all days together
    """

    tumor: str
    cell: str
    behavior: str
    quantity: str
    base: float
    value: dict[str, float]
    by_day: dict[str, tuple[float | None, ...]]
    cells: dict[str, int]
    pulls: tuple[Pull, ...]

    def change(self, pull: Pull, place: str) -> float | None:
        """By which share of itself the behavior would differ without a signal; None where it is zero or not asked."""
        part, value = pull.parts.get(place), self.value.get(place)
        return part.without / value - 1.0 if part is not None and value else None


# ------------------------------------------------------------------ the reach of rules


class Seen(Frozen):
    """The signal of a rule in one tumor.

    levels : place -> the signal, 5 % and 95 % of the cells beside the median
    reach : the share of the cells for which the signal lies within a factor of `NEAR` of the half-max, in the place
        where it is largest
    change : by which share of itself the mean of the behavior would differ without the rule, in the place where it
        would differ most; None if the rule alone keeps it at zero there
    absent : what is missing, the cell or what makes the signal
    """

    half_max: float
    levels: dict[str, Spread]
    reach: float = 0.0
    change: float | None = 0.0
    absent: str = ""

    @property
    def nearest(self) -> float:
        """The level nearest to the half-max, over the half-max; 1 where the range includes it, 0 if there is none."""
        ends = [min(max(1.0, one.low / self.half_max), one.high / self.half_max) for one in self.levels.values()]
        return min(ends, key=lambda ratio: abs(math.log(max(ratio, 1e-300))), default=0.0)

    @property
    def status(self) -> Status:
        """Whether the range comes within a factor of `NEAR` of the half-max in some place."""
        if self.absent:
            return "absent"
        return "in reach" if 1.0 / NEAR <= self.nearest <= NEAR else "idle"


class RuleLevels(Frozen):
    """A rule of one cell, and its signal in every tumor.

    waits : why it does not act yet, if its note says so
    claims : those that it is there for
    status : in reach if it is so in one tumor, absent if it is so in all
    """

    cell: str
    behavior: str
    signal: str
    effect: Literal["increases", "decreases", "scales"]
    quantity: str
    power: float
    waits: str
    claims: tuple[str, ...] = ()
    status: Status
    tumors: dict[str, Seen]

    @property
    def nearest(self) -> str:
        """The tumor in which the signal comes nearest to the half-max, of those in which it is present."""
        there = [name for name, seen in self.tumors.items() if not seen.absent] or list(self.tumors)
        return min(there, key=lambda name: abs(math.log(max(self.tumors[name].nearest, 1e-300))))

    @property
    def change(self) -> float | None:
        """The largest change in all tumors, with its sign."""
        found = [seen.change for seen in self.tumors.values()]
        return None if None in found else max((one for one in found if one is not None), key=abs, default=0.0)

    @property
    def is_faint(self) -> bool:
        """Whether the signal is in reach, but no mean of the behavior would differ by as much as `FAINT` without it."""
        return self.status == "in reach" and self.change is not None and abs(self.change) < FAINT

    @property
    def missing(self) -> str:
        """What is missing in the tumors where the rule is absent."""
        return "; ".join(dict.fromkeys(seen.absent for seen in self.tumors.values() if seen.absent))

    @property
    def says(self) -> str:
        """The rule without its cell and its numbers."""
        return f"{self.signal} {self.effect} {self.behavior}"


def overall(tumors: Mapping[str, Seen]) -> Status:
    """The status of a rule from those in all tumors."""
    given = {seen.status for seen in tumors.values()}
    return next(status for status in STATUSES if status in given)


class Levels(Frozen):
    """What was found in all `tumors`.

    rules : every rule of every cell, in the order of the catalogue
    molecules : molecule -> tumor -> place -> level [nM], 1 % and 99 % of the sites beside the median
    densities : cell -> tumor -> place -> the least and the largest density of living cells of all days [1/µm²]
    """

    version: str
    command: str
    seed: int
    days: tuple[float, ...]
    tumors: tuple[str, ...]
    rules: tuple[RuleLevels, ...]
    budgets: tuple[Budget, ...] = ()
    molecules: dict[str, dict[str, dict[str, Spread]]]
    densities: dict[str, dict[str, dict[str, Range]]]

    def counts(self, cell: str = "") -> Mapping[Status, int]:
        """Number of rules (of one cell) with each status."""
        mine = [rule.status for rule in self.rules if cell in ("", rule.cell)]
        return {status: mine.count(status) for status in STATUSES}
