"""Common random numbers: two arms that differ a little stay alike by chance, so that small effects show."""

from __future__ import annotations

import numpy as np

from ..core.units import parse
from ..observe.metrics import measure_wells
from ..scenario import Scenario
from .check import Bound, Found, Plot, at_least, at_most, check, curve
from .defects import other_seeds
from .dishes import small
from .lattices import Array
from .works import Works

__all__ = ["CHECKS"]

_WELLS = 24
_DAYS = 1.0
_OUTCOMES = ("tumor cells", "CD8 cells", "CD8 core", "kills")
_LEAST = {"tumor cells": 0.5, "CD8 cells": 0.5, "CD8 core": 0.5, "kills": 0.2}


def _arm(antigenicity: float) -> Scenario:
    # Steps of 20 min: the same for both arms, and half the cost.
    return small("hot", days=_DAYS, **{"tumor.traits.antigenicity": antigenicity, "clock.dt": "20 min"})


def _bounds() -> tuple[Bound, ...]:
    worth = (
        "asked for beforehand: from 0.5 on pairing saves at least half of the replicates; independent arms have 0 "
        "± 0.2 in 24 wells"
    )
    rare = "a few kills a well, each of them chance upon chance: worth having from 0.2 on"
    return (
        *(at_least(f"{what}: correlation", _LEAST[what], reason=rare if what == "kills" else worth)
          for what in _OUTCOMES),
        at_least("tumor cells: variance of the difference, independent : paired", 2.0,
                 reason="2 at a correlation of 0.5; that many times fewer replicates"),
        at_most("equal arms: largest difference in anything", 0.0, reason="the same scenario and seed are the same "
                                                                          "run, bit for bit"),
    )  # fmt: skip


@check(
    name="common-random-numbers",
    topic="Randomness",
    says="Two arms that differ by a little antigenicity (0.9 against 0.85) are correlated well by well after a day, "
         "and arms that do not differ are equal.",
    formula="correlation ρ over 24 wells; variance of a difference, independent arms : paired arms = 1/(1 − ρ) for "
            "equal variances",
    source="doi:10.1287/mnsc.38.6.884",
    bounds=_bounds(),
    defect=other_seeds(),
    defect_says="no two models share their chances",
    quick=False,
)
def common_random_numbers(works: Works) -> Found:
    """Small hot tumors with vessels and blood."""
    one, other = _outcomes(works, _arm(0.9)), _outcomes(works, _arm(0.85))
    figures = {f"{what}: correlation": float(np.corrcoef(one[what], other[what])[0, 1]) for what in _OUTCOMES}
    a, b = one["tumor cells"], other["tumor cells"]
    apart = float(a.var(ddof=1) + b.var(ddof=1))
    figures["tumor cells: variance of the difference, independent : paired"] = apart / float((a - b).var(ddof=1))
    figures["equal arms: largest difference in anything"] = _difference(works)
    plots = tuple(
        Plot(
            title=f"{what} in 24 wells", x="antigenicity 0.9", y="antigenicity 0.85",
            curves=(curve("wells", one[what], other[what], "dots"),
                    curve("equal", [one[what].min(), one[what].max()], [one[what].min(), one[what].max()], "dashes")),
        )
        for what in ("tumor cells", "CD8 cells")
    )  # fmt: skip
    return Found(figures=figures, plots=plots)


def _outcomes(works: Works, scenario: Scenario) -> dict[str, Array]:
    model = works.model(scenario, 1, _WELLS)
    for _ in range(round(_DAYS * parse("1 day", "time") / model.tissue.clock.dt)):
        model.step()
    measures = measure_wells(model)
    return {what: np.array([well[what] for well in measures]) for what in _OUTCOMES}


def _difference(works: Works) -> float:
    """Largest difference between two runs of one scenario and seed, over all their arrays; inf if shapes differ."""
    states = []
    for _ in range(2):
        model = works.model(_arm(0.9), 3, 1)
        for _ in range(12):
            model.step()
        states.append(model.state())
    one, other = states
    if any(one[name].shape != other[name].shape for name in one):
        return float("inf")
    return max(
        float(np.abs(one[name].astype(np.float64) - other[name].astype(np.float64)).max(initial=0.0)) for name in one
    )


CHECKS = (common_random_numbers,)
