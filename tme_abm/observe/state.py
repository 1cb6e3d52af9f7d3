"""The state of a tumor: hot, excluded or cold, from the CD8 densities in its core and at its margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isnan

__all__ = ["STATES", "UNCLASSIFIED", "Criteria", "classify", "criteria"]

STATES = ("hot", "cold", "excluded")
UNCLASSIFIED = "none"  # too few living tumor cells for a state, or so scattered that they have no core


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """The numbers that define the states; see `states.toml` for their sources.

    threshold: CD8 density [1/µm²]. margin, border, smoothing, field: lengths [µm]. cover: share of tumor cells in the
    core. tumor: the least number of living tumor cells for a state. medians: CD8 densities [cells/mm²] in core and
    margin of human tumors, by state; slides: the source of the medians.
    """

    threshold: float
    margin: float
    border: float
    smoothing: float
    field: float
    cover: float
    tumor: float
    medians: Mapping[str, tuple[float, float]]
    slides: str

    @property
    def per_mm2(self) -> float:
        """The threshold in cells/mm²."""
        from ..core.units import parse

        return self.threshold / parse("1 /mm^2", "areal_density")


@cache
def criteria() -> Criteria:
    """The criteria in `states.toml`."""
    import tomllib
    from importlib import resources

    from ..core.units import parse  # here, so that commands which only name the states need not read units

    text = resources.files(__package__).joinpath("states.toml").read_text(encoding="utf-8")
    table, per_mm2 = tomllib.loads(text), parse("1 /mm^2", "areal_density")
    return Criteria(
        threshold=parse(table["threshold"]["value"], "areal_density"),
        margin=parse(table["margin"]["value"], "length"),
        border=parse(table["border"]["value"], "length"),
        smoothing=parse(table["smoothing"]["value"], "length"),
        field=parse(table["field"]["value"], "length"),
        cover=parse(table["cover"]["value"], "number"),
        tumor=parse(table["tumor"]["value"], "number"),
        medians={
            state: (parse(core, "areal_density") / per_mm2, parse(margin, "areal_density") / per_mm2)
            for state, (core, margin) in table["medians"]["value"].items()
        },
        slides=table["medians"]["source"],
    )


def classify(measures: Mapping[str, float]) -> str:
    """The state of a tumor with these `measures` (see `metrics.measure`).

    "hot" if the core is infiltrated, "excluded" if only the margin is, "cold" if neither is, and "none" if too few
    tumor cells live or they are so scattered that the tumor has no core.
    """
    known = criteria()
    core, margin = measures["CD8 core"], measures["CD8 margin"]
    if measures["tumor cells"] < known.tumor or isnan(core):
        return UNCLASSIFIED
    if core > known.per_mm2:
        return "hot"
    return "excluded" if margin > known.per_mm2 else "cold"
