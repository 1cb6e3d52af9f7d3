"""Spread and chemotaxis of cells, against closed forms of the hop rule and of the persistent random walk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import ive

from ..biology import Biology
from ..kernels.space import direction_weights, moore_offsets, offset_lengths
from .check import SIGMAS, Check, Found, Series, at_most, between, near, plot
from .dishes import bare, tissue_of
from .lattices import SPACING, Array
from .works import Works, four_directions, with_behavior

__all__ = ["CHECKS", "drift", "fuerth", "mean_hop", "spread"]

TOPIC = "Migration"
SPEED, PERSISTENCE = 4.0, 5.0  # a CD8 T cell of the catalogue
WALKED = 120.0  # minutes in one call of the process, some thirty hops
_SIDE = 801  # sites
_CD8: Any = {"speed": SPEED, "persistence": PERSISTENCE}


def mean_hop(ndim: int, spacing: float = SPACING) -> float:
    """The mean length of a hop [µm] if no direction is preferred."""
    return float((direction_weights(ndim) * offset_lengths(ndim)).sum() * spacing)


def spread(time: float, *, speed: float, persistence: float, dt: float, ndim: int = 2) -> float:
    """The mean squared displacement [µm²] of the hop rule after `time`.

    In a hop of τ minutes a cell goes one step of length l in its heading with probability v τ/l, and keeps the heading
    with probability k = P/(P + τ). The squares add up to v τ <l> a hop; hops n apart share their heading with
    probability k^n, else their headings are independent: 2 (v τ)² Σ (N − n) k^n more. In the long run 4 D t in 2D with
    D = v² P/2 + v <l>/4, 6 D t in 3D with D = v² P/3 + v <l>/6.
    """
    hop = dt / np.ceil(speed * dt / SPACING)
    count = round(time / hop)
    lags = np.arange(1, count)
    kept = float(((count - lags) * (persistence / (persistence + hop)) ** lags).sum())
    return float(count * speed * hop * mean_hop(ndim) + 2 * (speed * hop) ** 2 * kept)


def fuerth(time: float, *, speed: float, persistence: float) -> float:
    """The mean squared displacement [µm²] of a persistent random walk off lattice: 2 v² P² (t/P − 1 + exp(−t/P))."""
    turns = time / persistence
    return float(2 * (speed * persistence) ** 2 * (turns - 1 + np.exp(-turns)))


def _walker(works: Works, *, speed: float, persistence: float, gain: float = 0.0) -> Biology:
    """Biology in which CD8 cells only walk; with a gain, they climb the occupancy of CXCR3."""
    biology = bare({("CD8", "speed"): speed, ("CD8", "persistence"): persistence, ("CD8", "chemotaxis"): gain})
    chemotaxis = np.zeros_like(biology.chemotaxis)
    chemotaxis[biology.cell_index["CD8"], biology.receptor_index["CXCR3"]] = 1.0
    return works.biology(replace(biology, chemotaxis=chemotaxis))


def _walks(
    works: Works,
    biology: Biology,
    *,
    rounds: int,
    side: int = _SIDE,
    gap: int = 20,
    room: int = 150,
    dt: float = WALKED,
    calls: int = 1,
    ndim: int = 2,
    occupancy: Array | None = None,
) -> Array:
    """The displacements [µm] (calls, walkers, ndim) of CD8 cells that start `gap` sites apart and `room` sites from the
    walls; CXCL10 sets the `occupancy` of CXCR3.
    """
    axis = np.arange(room, side - room, gap)
    shape = (side,) * ndim
    grid = tuple(np.stack(np.meshgrid(*[axis] * ndim)).reshape(ndim, -1))
    sites = np.asarray(np.ravel_multi_index(grid, shape))
    migrate = works.migration(biology)
    away = []
    for seed in range(rounds):
        cells = [("CD8", sites)]
        tissue = tissue_of(biology, cells, shape=shape, dt=dt, seed=seed, molecules=["CXCL10"])
        if occupancy is not None:
            kd = dict(biology.receptors[biology.receptor_index["CXCR3"]].ligands)["CXCL10"]
            tissue.fields["CXCL10"][...] = kd * occupancy / (1 - occupancy)
        start = tissue.lattice.coordinates(tissue.cells.site)
        course = []
        for _ in range(calls):
            migrate(tissue, dt)
            tissue.clock.step += 1
            course.append(tissue.lattice.coordinates(tissue.cells.site) - start)
        away.append(course)
    return np.asarray(np.concatenate(away, axis=1))


def _squared(away: Array) -> Array:
    """The mean squared displacement after each call."""
    return np.asarray((away**2).sum(axis=2).mean(axis=1))


def _laws(last: float, **law: Any) -> list[Series]:
    """The curves of the hop rule and of the walk without a lattice."""
    times = np.arange(10.0, last + 1, 10.0)
    return [
        ("expected of the hop rule", times, [spread(time, dt=10.0, **law) for time in times], "dashes"),
        ("without a lattice (Fürth)", times, [fuerth(time, **law) for time in times], "line"),
    ]


# ---------------------------------------------------------------------------------------------------------- spread

_COUNT_2D, _COUNT_3D = 26**2 * 60, 7**3 * 60
_NOISE_2D, _NOISE_3D = SIGMAS / np.sqrt(_COUNT_2D), SIGMAS * np.sqrt(2 / 3) / np.sqrt(_COUNT_3D)
_CROWD = "0.5 % for walkers in each other's way"


@Check(
    name="spread-of-walkers",
    topic=TOPIC,
    says="Cells that walk freely spread as their hop rule says, 4 D t in 2D and 6 D t in 3D in the long run, equally "
    "in all directions, and as far with steps of 10 min as with long ones.",
    formula="MSD = N v τ <l> + 2 (v τ)² Σ (N − n) k^n, k = P/(P + τ); D = v² P/2 + v <l>/4: 45 % more than v² P/2 for "
    "v = 4 µm/min, P = 5 min, <l> = 18.1 µm, since the hops of a lattice add to the spread where a run is hardly "
    "longer than a hop",
    source="doi:10.1098/rsif.2008.0014",
    bounds=(
        *(near(f"2D, {minutes} min / expected", 1.0, within=_NOISE_2D + 0.005,
               reason=f"4.9 standard errors (r² of one walker varies by its mean; {_COUNT_2D:,} walkers), and {_CROWD}")
          for minutes in (120, 240, 360)),
        near("2D, 120 min in steps of 10 / expected", 1.0, within=SIGMAS / np.sqrt(_COUNT_2D / 6) + 0.005,
             reason=f"as above, a sixth of the walkers, and {_CROWD}"),
        near("3D, 60 min / expected", 1.0, within=_NOISE_3D + 0.01,
             reason=f"4.9 standard errors ({_COUNT_3D:,} walkers), and 1 % for walkers in each other's way"),
        near("growth of MSD from 240 to 360 min / 4 D t", 1.0, within=np.sqrt(13) * _NOISE_2D + 0.01,
             reason="4.9 standard errors of a difference of MSDs (correlated, at most √13 times one), and 1 % for the "
             "approach to the limit"),
        near("x² − y² over r²", 0.0, within=_NOISE_2D, reason="4.9 standard errors; x² − y² varies as r² does"),
        near("2 x y over r²", 0.0, within=_NOISE_2D, reason="4.9 standard errors; 2 x y varies as r² does"),
        near("x⁴ + y⁴ over 6 x² y²", 1.0, within=SIGMAS * 3 / np.sqrt(_COUNT_2D) + 0.005,
             reason="round in the fourth moment too; 4.9 standard errors, each about 3/√n, and 0.5 % for the square "
             "lattice"),
    ),
    defect=with_behavior("CD8", "speed", 1.05),
    defect_says="cells are 5 % faster than they should be",
)
def spread_of_walkers(works: Works) -> Found:
    """Many walkers, far enough apart, for six hours."""
    biology = _walker(works, **_CD8)
    away = _walks(works, biology, rounds=60, calls=3)
    squared, times = _squared(away), WALKED * np.arange(1, 4)
    figures = {
        f"2D, {time:.0f} min / expected": float(found / spread(time, dt=WALKED, **_CD8))
        for time, found in zip(times, squared, strict=True)
    }
    course = _squared(_walks(works, biology, rounds=10, dt=10.0, calls=12))
    figures["2D, 120 min in steps of 10 / expected"] = float(course[-1] / spread(120.0, dt=10.0, **_CD8))
    steep = SPEED**2 * PERSISTENCE / 2 + SPEED * mean_hop(2) / 4
    figures["growth of MSD from 240 to 360 min / 4 D t"] = float((squared[2] - squared[1]) / (4 * steep * WALKED))
    y, x = away[-1].T
    figures["x² − y² over r²"] = float((x**2 - y**2).mean() / squared[-1])
    figures["2 x y over r²"] = float(2 * (x * y).mean() / squared[-1])
    figures["x⁴ + y⁴ over 6 x² y²"] = float((x**4 + y**4).mean() / (6 * (x**2 * y**2).mean()))
    slow: Any = {"speed": 3.0, "persistence": 4.0}
    solid = _squared(_walks(works, _walker(works, **slow), side=61, gap=6, room=12, rounds=60, dt=60.0, ndim=3))
    figures["3D, 60 min / expected"] = float(solid[-1] / spread(60.0, dt=60.0, ndim=3, **slow))
    curves: list[Series] = [
        ("steps of 10 min", np.arange(10.0, 121.0, 10.0), course, "dots"),
        ("steps of 120 min", times, squared, "dots"),
        *_laws(360.0, **_CD8),
    ]
    return figures, [plot("Mean squared displacement, 2D", "minutes", "MSD [µm²]", curves)]


_LONG: Any = {"speed": SPEED, "persistence": 50.0}
_LONG_COUNT = 13**2 * 100
_LONG_NOISE = SIGMAS / np.sqrt(_LONG_COUNT)
_LONG_EXCESS = SPEED * mean_hop(2) / 4 / (SPEED**2 * 50.0 / 2)


@Check(
    name="long-persistence",
    topic=TOPIC,
    says="Cells that keep their heading for many hops spread as a persistent random walk without a lattice.",
    formula="MSD → 2 v² P² (t/P − 1 + exp(−t/P)) (Fürth), plus v <l> t for going in hops: 4.5 % of D at P = 50 min, v "
    "= 4 µm/min",
    source="doi:10.1098/rsif.2008.0014",
    bounds=(
        near("240 min / expected of the hop rule", 1.0, within=_LONG_NOISE + 0.01,
             reason=f"4.9 standard errors ({_LONG_COUNT:,} walkers), and 1 % for runs that end at another walker"),
        between("240 min / Fürth", 1.0 - _LONG_NOISE - 0.01, 1.0 + 1.5 * _LONG_EXCESS + _LONG_NOISE,
                reason="the lattice adds 4.5 % to D in the long run and at most 1.5 times as much before; noise and "
                "short runs as above"),
    ),
    defect=with_behavior("CD8", "persistence", 0.85),
    defect_says="cells turn 15 % too soon",
    quick=False,
)
def long_persistence(works: Works) -> Found:
    """Walkers further apart, since a run that meets another cell ends."""
    squared = _squared(_walks(works, _walker(works, **_LONG), gap=40, rounds=100, calls=2))
    figures = {
        "240 min / expected of the hop rule": float(squared[-1] / spread(240.0, dt=WALKED, **_LONG)),
        "240 min / Fürth": float(squared[-1] / fuerth(240.0, **_LONG)),
    }
    curves: list[Series] = [("measured", WALKED * np.arange(1, 3), squared, "dots"), *_laws(240.0, **_LONG)]
    return figures, [plot("Mean squared displacement, P = 50 min", "minutes", "MSD [µm²]", curves)]


# ------------------------------------------------------------------------------------------------------ chemotaxis

_SLOPE = 0.8 / (_SIDE - 1)  # rise of occupancy from site to site, so gentle that all walkers feel the same one
_AXIS, _DIAGONAL = (0.0, 1.0), (np.sqrt(0.5), np.sqrt(0.5))
_CLIMBERS = 26**2 * 22
_SHARE = 0.25  # standard deviation of one walker's index, √(2 D t)/(v t) after two hours
_INDEX_NOISE = SIGMAS * _SHARE / np.sqrt(_CLIMBERS)
_DIFFERENCES = (0.08, 0.28, 0.72)  # gain × difference of occupancy: gains of 4, 14, 36 at 0.02, the catalogue's range
_TURNED = (0.24, 0.72, 2.0)


def drift(difference: float, direction: tuple[float, float]) -> float:
    """The chemotactic index of the hop rule: mean velocity up the gradient over speed, Σ w u·n / Σ w, w = exp(Δ u·n).

    The potential, gain × occupancy, rises by `difference` (Δ) per spacing in `direction` (n, a unit vector).
    """
    along = (moore_offsets(2) / offset_lengths(2)[:, None]) @ np.array(direction)
    weights = direction_weights(2) * np.exp(difference * along)
    return float((weights * along).sum() / weights.sum())


def _unlatticed(difference: float) -> float:
    """The same without a lattice: headings are then von Mises distributed, with mean I1/I0."""
    return float(ive(1, difference) / ive(0, difference))


def _climb(works: Works, difference: float, direction: tuple[float, float]) -> tuple[float, float]:
    """The chemotactic index up a gradient in `direction`, and across it."""
    biology = _walker(works, gain=difference / _SLOPE, **_CD8)
    at = (np.indices((_SIDE, _SIDE)) - (_SIDE - 1) / 2).transpose(1, 2, 0)
    # Along the diagonal the ramp would exceed the range of occupancy; no walker reaches the places where it is cut.
    occupied = np.clip(0.5 + _SLOPE * (at @ np.array(direction)), 0.05, 0.95)
    away = _walks(works, biology, rounds=22, occupancy=occupied)[-1]
    n = np.array(direction)
    across = np.array([n[1], -n[0]])
    way = SPEED * WALKED
    return float((away @ n).mean() / way), float((away @ across).mean() / way)


@Check(
    name="chemotactic-index",
    topic=TOPIC,
    says="The chemotactic index follows its parameter: gain times the difference of receptor occupancy from site to "
    "site.",
    formula="CI = Σ w (u·n) / Σ w over the eight directions u, w = exp(gain Δoccupancy u·n): I1(x)/I0(x), x = gain "
    "Δoccupancy, as if every direction of the plane were open; net way over speed × time",
    source="doi:10.1016/j.cell.2025.06.048",
    bounds=(
        near("closed form at 2: eight directions over all", 1.0, within=2e-4,
             reason="eight directions are exact to degree 7; the next term is I7(2)/I1(2)"),
        *(near(f"gain × difference = {difference}", drift(difference, _AXIS), within=_INDEX_NOISE,
               reason=f"4.9 standard errors of {_CLIMBERS:,} walkers, each 0.25")
          for difference in _DIFFERENCES),
        between("CD8 (gain 14) at a difference of 0.02", 0.13, 0.30,
                reason="reported in vivo; the gain was fitted to 0.14"),
        at_most("in a uniform bath, size", _INDEX_NOISE, reason="zero; 4.9 standard errors"),
    ),
    defect=with_behavior("CD8", "chemotaxis", 1.15),
    defect_says="the gain is 15 % too large",
)
def chemotactic_index(works: Works) -> Found:
    """Walkers on a ramp of occupancy along x."""
    found = [_climb(works, difference, _AXIS)[0] for difference in _DIFFERENCES]
    figures = {f"gain × difference = {difference}": ci for difference, ci in zip(_DIFFERENCES, found, strict=True)}
    figures["closed form at 2: eight directions over all"] = drift(2.0, _AXIS) / _unlatticed(2.0)
    figures["CD8 (gain 14) at a difference of 0.02"] = found[1]
    figures["in a uniform bath, size"] = abs(_climb(works, 0.0, _AXIS)[0])
    fine = np.linspace(0, 0.8, 50)
    curves: list[Series] = [
        ("measured", _DIFFERENCES, found, "dots"),
        ("expected", fine, [drift(x, _AXIS) for x in fine], "dashes"),
        ("without a lattice", fine, [_unlatticed(x) for x in fine], "line"),
    ]
    return figures, [plot("Chemotactic index", "gain × difference of occupancy", "CI", curves)]


@Check(
    name="isotropy-of-migration",
    topic=TOPIC,
    says="A gradient along the diagonal pulls as much as one along an axis, however steep, and cells do not drift "
    "across it.",
    formula="CI(diagonal) : CI(axis) = 1: the eight directions weigh the same, and the pull is per length, not per "
    "step",
    source="closed form of the hop rule, as for the chemotactic index",
    bounds=(
        *(near(f"CI diagonal : axis, at {difference:g}", 1.0,
               within=np.sqrt(2) * _INDEX_NOISE / drift(difference, _AXIS), reason="4.9 standard errors")
          for difference in _TURNED),
        at_most("across the diagonal, at 2", _INDEX_NOISE, reason="zero; 4.9 standard errors"),
    ),
    defect=four_directions(),
    defect_says="cells never step along a diagonal",
)
def isotropy_of_migration(works: Works) -> Found:
    """The same ramp, turned by 45 degrees."""
    ratios, across = [], 0.0
    for difference in _TURNED:
        aslant, across = _climb(works, difference, _DIAGONAL)
        ratios.append(aslant / _climb(works, difference, _AXIS)[0])
    figures = {f"CI diagonal : axis, at {x:g}": ratio for x, ratio in zip(_TURNED, ratios, strict=True)}
    figures["across the diagonal, at 2"] = abs(across)
    fine = np.linspace(0.02, _TURNED[-1], 50)
    curves: list[Series] = [
        ("measured", _TURNED, ratios, "dots"),
        ("closed form", fine, [drift(x, _DIAGONAL) / drift(x, _AXIS) for x in fine], "dashes"),
    ]
    title = "Pull along the diagonal, relative to an axis"
    return figures, [plot(title, "gain × difference of occupancy", "CI ratio", curves)]


CHECKS = (spread_of_walkers, long_persistence, chemotactic_index, isotropy_of_migration)
