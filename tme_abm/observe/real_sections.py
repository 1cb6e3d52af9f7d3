"""Real sections to put simulated ones beside: quantiles of the same statistics over published tables of cells."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isnan

__all__ = ["LEVELS", "RealSections", "main_sections", "real_sections"]

LEVELS = (5, 10, 25, 50, 75, 90, 95)
"""The percentiles that are known of each statistic."""
_MANY = 20  # sections from which on a percentile says something


@dataclass(frozen=True, kw_only=True)
class RealSections:
    """The sections of one publication or data set.

    field : their median area [mm²]
    quantiles : of each statistic that was measured on them, at `LEVELS`
    """

    noun: str
    count: int
    field: float
    source: str
    doi: str
    quantiles: Mapping[str, tuple[float, ...]]

    @property
    def are_many(self) -> bool:
        """Whether there are enough of them to speak of percentiles."""
        return self.count >= _MANY

    def lies(self, statistic: str, value: float) -> str:
        """Where a value lies among these sections, in words; empty if it is NaN or they have no such statistic."""
        if statistic not in self.quantiles or isnan(value):
            return ""
        known = self.quantiles[statistic]
        if self.count == 1:
            return f"{'above' if value > known[0] else 'below' if value < known[0] else 'as in'} the one {self.noun}"
        if self.are_many:
            return f"{self.place(statistic, value)} percentile of {self.count} {self.noun}"
        side = "below" if value < known[0] else "above" if value > known[-1] else "within"
        return f"{side} the range (5-95 %) of {self.count} {self.noun}"

    def place(self, statistic: str, value: float) -> str:
        """The percentiles around a value: "below the 5th", "between the 25th and 50th", "at the 90th to 95th"."""
        equal, low, high = self._around(statistic, value)
        if equal:
            return f"at the {low}th" if low == high else f"at the {low}th to {high}th"
        if low is None:
            return f"below the {high}th"
        return f"above the {low}th" if high is None else f"between the {low}th and {high}th"

    def percentile(self, statistic: str, value: float) -> str:
        """The same for a table: "<5", "25-50", "90-95", ">95"."""
        _, low, high = self._around(statistic, value)
        if low is None:
            return f"<{high}"
        return f">{low}" if high is None else f"{low}" if low == high else f"{low}-{high}"

    def _around(self, statistic: str, value: float) -> tuple[bool, int | None, int | None]:
        """Whether a value equals quantiles, and between which levels it lies, or which have it."""
        known = self.quantiles[statistic]
        first, after = bisect_left(known, value), bisect_right(known, value)
        if first < after:
            return True, LEVELS[first], LEVELS[after - 1]
        return False, LEVELS[first - 1] if first else None, LEVELS[first] if first < len(LEVELS) else None


@cache
def real_sections() -> tuple[RealSections, ...]:
    """All that are shipped (`real_sections.toml`)."""
    import tomllib
    from importlib import resources

    from ..core.units import parse

    text = resources.files(__package__).joinpath("real_sections.toml").read_text(encoding="utf-8")
    mm2 = parse("1 mm^2", "area")
    return tuple(
        RealSections(
            noun=one["noun"],
            count=one["count"],
            field=parse(one["field"], "area") / mm2,
            source=one["source"],
            doi=one.get("doi", ""),
            quantiles={
                name: tuple(float(value) for value in (values * len(LEVELS) if len(values) == 1 else values))
                for name, values in one["quantiles"].items()
            },
        )
        for one in tomllib.loads(text)["sections"]
    )


def main_sections(statistic: str) -> RealSections | None:
    """The first of the large collections of which a statistic is known."""
    return next((one for one in real_sections() if one.are_many and statistic in one.quantiles), None)
