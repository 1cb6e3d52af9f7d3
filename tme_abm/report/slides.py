"""The human slides a simulated tumor is held against: the criteria of the classifier, and the slides' medians."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ..core.units import parse
from ..observe.state import criteria

__all__ = ["Slides", "slides"]


@dataclass(frozen=True, kw_only=True)
class Slides:
    """CD8 densities [cells/mm²] on human slides; `medians` is state -> (core, margin).

    threshold: density above which a compartment counts as infiltrated. margin: width of the outer margin [µm].
    tumor: living tumor cells below which there is no verdict.
    """

    source: str
    threshold: float
    margin: float
    tumor: float
    medians: dict[str, tuple[float, float]]


@cache
def slides() -> Slides:
    """The reference values shipped with the report."""
    raw = tomllib.loads(files(__package__).joinpath("slides.toml").read_text(encoding="utf-8"))
    known, per_mm2 = criteria(), parse("1 /mm^2", "areal_density")

    def density(text: str) -> float:
        return round(parse(text, "areal_density") / per_mm2, 9)

    return Slides(
        source=raw["source"],
        threshold=round(known.threshold / per_mm2, 9),
        margin=known.margin,
        tumor=known.tumor,
        medians={state: (density(pair["core"]), density(pair["margin"])) for state, pair in raw["median"].items()},
    )
