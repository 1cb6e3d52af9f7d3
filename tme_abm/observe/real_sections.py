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
        known = self.quantiles[statistic]
        first, after = bisect_left(known, value), bisect_right(known, value)
        if first < after:  # as large as one of them or more
            ends = dict.fromkeys((LEVELS[first], LEVELS[after - 1]))
            return f"at the {' to '.join(f'{level}th' for level in ends)}"
        if not first:
            return f"below the {LEVELS[0]}th"
        if first == len(LEVELS):
            return f"above the {LEVELS[-1]}th"
        return f"between the {LEVELS[first - 1]}th and {LEVELS[first]}th"


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
