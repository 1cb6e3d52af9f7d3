"""Chemotaxis against the closed form of its rule: how well cells climb, and whether in every direction."""

from __future__ import annotations

import numpy as np
from scipy.special import ive

from ..kernels.space import direction_weights, moore_offsets, offset_lengths
from .check import SIGMAS, Found, Plot, at_most, between, check, curve, near
from .defects import four_directions, with_behavior
from .walking import PERSISTENCE, SPEED, TOPIC, WALKED, walker, walks
from .works import Works

__all__ = ["CHECKS", "drift", "unlatticed"]

_SIDE = 801
_SLOPE = 0.8 / (_SIDE - 1)  # rise of occupancy from site to site, so gentle that all walkers feel the same one
_AXIS, _DIAGONAL = (0.0, 1.0), (np.sqrt(0.5), np.sqrt(0.5))
_CLIMBERS = 26**2 * 22
_SHARE = 0.25  # standard deviation of one walker's index, √(2 D t)/(v t) after two hours
_INDEX_NOISE = SIGMAS * _SHARE / np.sqrt(_CLIMBERS)
_DIFFERENCES = (0.08, 0.28, 0.72)  # gain × difference of occupancy: gains of 4, 14, 36 at 0.02, the catalogue's range


def drift(difference: float, direction: tuple[float, float]) -> float:
    """Chemotactic index of the hop rule: mean velocity up the gradient over speed, for a potential (gain × occupancy)
    that rises by `difference` over one spacing in `direction` (a unit vector): Σ w u·n / Σ w, w = exp(Δ u·n).
    """
    along = (moore_offsets(2) / offset_lengths(2)[:, None]) @ np.array(direction)
    weights = direction_weights(2) * np.exp(difference * along)
    return float((weights * along).sum() / weights.sum())


def unlatticed(difference: float) -> float:
    """The same where every direction of the plane is open: headings are then von Mises distributed, mean I1/I0."""
    return float(ive(1, difference) / ive(0, difference))


def _climb(works: Works, difference: float, direction: tuple[float, float]) -> tuple[float, float]:
    """Chemotactic index up a gradient in `direction`, and across it."""
    biology = walker(works, speed=SPEED, persistence=PERSISTENCE, gain=difference / _SLOPE)
    at = (np.indices((_SIDE, _SIDE)) - (_SIDE - 1) / 2).transpose(1, 2, 0)
    # Along the diagonal the ramp is longer than it may be high; nobody gets to where it is cut.
    occupied = np.clip(0.5 + _SLOPE * (at @ np.array(direction)), 0.05, 0.95)
    away = walks(works, biology, side=_SIDE, gap=20, room=150, rounds=22, dt=WALKED, occupancy=occupied)[-1]
    n = np.array(direction)
    across = np.array([n[1], -n[0]])
    way = SPEED * WALKED
    return float((away @ n).mean() / way), float((away @ across).mean() / way)


@check(
    name="chemotactic-index",
    topic=TOPIC,
    says="The chemotactic index follows its parameter: gain times the difference of receptor occupancy from site to "
         "site.",
    formula="CI = Σ w (u·n) / Σ w over the eight directions u, w = exp(gain Δoccupancy u·n): I1(x)/I0(x), x = gain "
            "Δoccupancy, as if every direction of the plane were open; net way over speed × time",
    source="doi:10.1016/j.cell.2025.06.048",
    bounds=(
        near("closed form at 2: eight directions over all", 1.0, within=2e-4,
             reason="eight directions are exact to degree 7; what is left is I7(2)/I1(2) and smaller"),
        *(near(f"gain × difference = {difference}", drift(difference, _AXIS), within=_INDEX_NOISE,
               reason=f"4.9 standard errors of {_CLIMBERS:,} walkers, each 0.25")
          for difference in _DIFFERENCES),
        between("CD8 (gain 14) at a difference of 0.02", 0.13, 0.30,
                reason="reported in vivo; 0.14 is what the gain was fitted to"),
        at_most("in a uniform bath, size", _INDEX_NOISE, reason="zero; 4.9 standard errors"),
    ),
    defect=with_behavior("CD8", "chemotaxis", 1.15),
    defect_says="the gain is 15 % too large",
)  # fmt: skip
def chemotactic_index(works: Works) -> Found:
    """Walkers on a ramp of occupancy along x."""
    found = [_climb(works, difference, _AXIS)[0] for difference in _DIFFERENCES]
    figures = {f"gain × difference = {difference}": ci for difference, ci in zip(_DIFFERENCES, found, strict=True)}
    figures["closed form at 2: eight directions over all"] = drift(2.0, _AXIS) / unlatticed(2.0)
    figures["CD8 (gain 14) at a difference of 0.02"] = found[1]
    figures["in a uniform bath, size"] = abs(_climb(works, 0.0, _AXIS)[0])
    fine = np.linspace(0, 0.8, 50)
    plot = Plot(
        title="Chemotactic index", x="gain × difference of occupancy", y="CI",
        curves=(curve("measured", _DIFFERENCES, found, "dots"),
                curve("expected", fine, [drift(x, _AXIS) for x in fine], "dashes"),
                curve("without a lattice", fine, [unlatticed(x) for x in fine], "line")),
    )  # fmt: skip
    return Found(figures=figures, plots=(plot,))


_TURNED = (0.24, 0.72, 2.0)
_RATIO_NOISE = SIGMAS * np.sqrt(2) * _SHARE / np.sqrt(_CLIMBERS)


def _leaning(difference: float) -> float:
    return drift(difference, _DIAGONAL) / drift(difference, _AXIS)


def _ratio_noise(difference: float) -> float:
    return float(_RATIO_NOISE / drift(difference, _AXIS))


@check(
    name="isotropy-of-migration",
    topic=TOPIC,
    says="A gradient along the diagonal pulls as one along an axis does, however steep, and nobody drifts across it.",
    formula="CI(diagonal) : CI(axis) = 1: the eight directions weigh the same, and the pull is per length, not per "
            "step",
    source="closed form of the hop rule, as for the chemotactic index",
    bounds=(
        *(near(f"CI diagonal : axis, at {difference:g}", 1.0, within=_ratio_noise(difference),
               reason="4.9 standard errors")
          for difference in _TURNED),
        at_most("across the diagonal, at 2", _INDEX_NOISE, reason="zero; 4.9 standard errors"),
    ),
    defect=four_directions(),
    defect_says="cells never step along a diagonal",
)  # fmt: skip
def isotropy_of_migration(works: Works) -> Found:
    """The same ramp, turned by 45 degrees."""
    figures = {}
    for difference in _TURNED:
        straight, _ = _climb(works, difference, _AXIS)
        aslant, across = _climb(works, difference, _DIAGONAL)
        figures[f"CI diagonal : axis, at {difference:g}"] = aslant / straight
    figures["across the diagonal, at 2"] = abs(across)
    fine = np.linspace(0.02, _TURNED[-1], 50)
    plot = Plot(
        title="Pull along the diagonal, relative to an axis", x="gain × difference of occupancy", y="CI ratio",
        curves=(curve("measured", _TURNED, [figures[f"CI diagonal : axis, at {x:g}"] for x in _TURNED], "dots"),
                curve("closed form", fine, [_leaning(x) for x in fine], "dashes")),
    )  # fmt: skip
    return Found(figures=figures, plots=(plot,))


CHECKS = (chemotactic_index, isotropy_of_migration)
