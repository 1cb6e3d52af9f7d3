"""How far cells walk, against closed forms of the hop rule and of the persistent random walk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..biology import Biology
from ..kernels.space import direction_weights, offset_lengths
from .check import SIGMAS, Found, Plot, between, check, curve, near
from .defects import with_behavior
from .dishes import bare, tissue_of
from .lattices import Array
from .works import Works

__all__ = [
    "CHECKS",
    "PERSISTENCE",
    "SPACING",
    "SPEED",
    "TOPIC",
    "WALKED",
    "fuerth",
    "mean_hop",
    "spread",
    "walker",
    "walks",
]

TOPIC = "Migration"
SPACING = 15.0
SPEED, PERSISTENCE = 4.0, 5.0  # a CD8 T cell of the catalogue
WALKED = 120.0  # minutes in one call of the process, some thirty hops


def mean_hop(ndim: int, spacing: float = SPACING) -> float:
    """Mean length of a hop [µm] when no direction is preferred."""
    return float((direction_weights(ndim) * offset_lengths(ndim)).sum() * spacing)


def spread(time: float, *, speed: float, persistence: float, dt: float, ndim: int = 2) -> float:
    """Mean squared displacement [µm²] of the hop rule after `time`.

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
    """Mean squared displacement [µm²] of a persistent random walk without a lattice, 2 v² P² (t/P − 1 + exp(−t/P))."""
    turns = time / persistence
    return float(2 * (speed * persistence) ** 2 * (turns - 1 + np.exp(-turns)))


def walker(works: Works, *, speed: float, persistence: float, gain: float = 0.0) -> Biology:
    """Biology in which CD8 cells walk, up the occupancy of CXCR3 if they have a gain, and do nothing else."""
    values = {("CD8", "speed"): speed, ("CD8", "persistence"): persistence, ("CD8", "chemotaxis"): gain}
    biology = bare(values)
    chemotaxis = np.zeros_like(biology.chemotaxis)
    chemotaxis[biology.cell_index["CD8"], biology.receptor_index["CXCR3"]] = 1.0
    return works.biology(replace(biology, chemotaxis=chemotaxis))


def walks(
    works: Works,
    biology: Biology,
    *,
    side: int,
    gap: int,
    room: int,
    rounds: int,
    dt: float,
    calls: int = 1,
    ndim: int = 2,
    occupancy: Array | None = None,
) -> Array:
    """Displacements [µm] (calls, walkers, ndim) of CD8 cells that start `gap` sites apart and `room` from the walls;
    `occupancy` of CXCR3 is made by CXCL10.
    """
    axis = np.arange(room, side - room, gap)
    grid = tuple(np.stack(np.meshgrid(*[axis] * ndim)).reshape(ndim, -1))
    sites = np.asarray(np.ravel_multi_index(grid, (side,) * ndim))
    migrate = works.migration(biology)
    away = []
    for seed in range(rounds):
        cells = [("CD8", sites)]
        shape = (side,) * ndim
        tissue = tissue_of(biology, cells, shape=shape, dt=dt, spacing=SPACING, seed=seed, molecules=["CXCL10"])
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


# ---------------------------------------------------------------------------------------------------------- spread

_COUNT_2D, _COUNT_3D = 26**2 * 60, 7**3 * 60
_NOISE_2D, _NOISE_3D = SIGMAS / np.sqrt(_COUNT_2D), SIGMAS * np.sqrt(2 / 3) / np.sqrt(_COUNT_3D)
_CROWD = "0.5 % for walkers in each other's way"


@check(
    name="spread-of-walkers",
    topic=TOPIC,
    says="Cells that walk freely spread as their hop rule says, 4 D t in 2D and 6 D t in 3D in the long run, equally "
         "in all "
    "directions, and as far with steps of 10 min as with long ones.",
    formula="MSD = N v τ <l> + 2 (v τ)² Σ (N − n) k^n, k = P/(P + τ); D = v² P/2 + v <l>/4: 45 % more than v² P/2 for "
            "v = 4 µm/min, "
    "P = 5 min, <l> = 18.1 µm, since the hops of a lattice add to the spread where a run is hardly longer than a hop",
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
    defect_says="cells are 5 % faster than they are told to be",
)  # fmt: skip
def spread_of_walkers(works: Works) -> Found:
    """Many walkers, far enough apart, for six hours."""
    biology = walker(works, speed=SPEED, persistence=PERSISTENCE)
    law: Any = {"speed": SPEED, "persistence": PERSISTENCE}
    away = walks(works, biology, side=801, gap=20, room=150, rounds=60, dt=WALKED, calls=3)
    squared = (away**2).sum(axis=2).mean(axis=1)
    times = WALKED * np.arange(1, 4)
    figures = {
        f"2D, {time:.0f} min / expected": float(found / spread(time, dt=WALKED, **law))
        for time, found in zip(times, squared, strict=True)
    }
    short = walks(works, biology, side=801, gap=20, room=150, rounds=10, dt=10.0, calls=12)
    course = (short**2).sum(axis=2).mean(axis=1)
    figures["2D, 120 min in steps of 10 / expected"] = float(course[-1] / spread(120.0, dt=10.0, **law))
    steep = SPEED**2 * PERSISTENCE / 2 + SPEED * mean_hop(2) / 4
    figures["growth of MSD from 240 to 360 min / 4 D t"] = float((squared[2] - squared[1]) / (4 * steep * WALKED))
    y, x = away[-1].T
    figures["x² − y² over r²"] = float((x**2 - y**2).mean() / squared[-1])
    figures["2 x y over r²"] = float(2 * (x * y).mean() / squared[-1])
    figures["x⁴ + y⁴ over 6 x² y²"] = float((x**4 + y**4).mean() / (6 * (x**2 * y**2).mean()))
    slow = walker(works, speed=3.0, persistence=4.0)
    solid = walks(works, slow, side=61, gap=6, room=12, rounds=60, dt=60.0, ndim=3)
    expected = spread(60.0, speed=3.0, persistence=4.0, dt=60.0, ndim=3)
    figures["3D, 60 min / expected"] = float((solid**2).sum(axis=2).mean() / expected)
    fine = np.arange(10.0, 361.0, 10.0)
    plot = Plot(
        title="Mean squared displacement, 2D", x="minutes", y="MSD [µm²]",
        curves=(
            curve("steps of 10 min", np.arange(10.0, 121.0, 10.0), course, "dots"),
            curve("steps of 120 min", times, squared, "dots"),
            curve("expected of the hop rule", fine, [spread(time, dt=10.0, **law) for time in fine], "dashes"),
            curve("without a lattice (Fürth)", fine, [fuerth(time, **law) for time in fine], "line"),
        ),
    )  # fmt: skip
    return Found(figures=figures, plots=(plot,))


_LONG = 50.0
_LONG_COUNT = 13**2 * 100
_LONG_EXCESS = SPEED * mean_hop(2) / 4 / (SPEED**2 * _LONG / 2)


@check(
    name="long-persistence",
    topic=TOPIC,
    says="Cells that keep their heading for many hops spread as a persistent random walk without a lattice.",
    formula="MSD → 2 v² P² (t/P − 1 + exp(−t/P)) (Fürth), plus v <l> t for going in hops: 4.5 % of D at P = 50 min, v "
            "= 4 µm/min",
    source="doi:10.1098/rsif.2008.0014",
    bounds=(
        near("240 min / expected of the hop rule", 1.0, within=SIGMAS / np.sqrt(_LONG_COUNT) + 0.01,
             reason=f"4.9 standard errors ({_LONG_COUNT:,} walkers), and 1 % for runs that end at another walker"),
        between("240 min / Fürth", 1.0 - SIGMAS / np.sqrt(_LONG_COUNT) - 0.01,
                1.0 + 1.5 * _LONG_EXCESS + SIGMAS / np.sqrt(_LONG_COUNT),
                reason="the lattice adds 4.5 % to D in the long run and half as much again before; noise and runs cut "
                       "short as above"),
    ),
    defect=with_behavior("CD8", "persistence", 0.85),
    defect_says="cells turn 15 % too soon",
    quick=False,
)  # fmt: skip
def long_persistence(works: Works) -> Found:
    """Walkers further apart, since a run that meets another cell ends."""
    biology = walker(works, speed=SPEED, persistence=_LONG)
    away = walks(works, biology, side=801, gap=40, room=150, rounds=100, dt=WALKED, calls=2)
    squared = (away**2).sum(axis=2).mean(axis=1)
    law: Any = {"speed": SPEED, "persistence": _LONG}
    fine = np.arange(10.0, 241.0, 10.0)
    plot = Plot(
        title="Mean squared displacement, P = 50 min", x="minutes", y="MSD [µm²]",
        curves=(
            curve("measured", WALKED * np.arange(1, 3), squared, "dots"),
            curve("expected of the hop rule", fine, [spread(time, dt=10.0, **law) for time in fine], "dashes"),
            curve("without a lattice (Fürth)", fine, [fuerth(time, **law) for time in fine], "line"),
        ),
    )  # fmt: skip
    return Found(
        figures={
            "240 min / expected of the hop rule": float(squared[-1] / spread(240.0, dt=WALKED, **law)),
            "240 min / Fürth": float(squared[-1] / fuerth(240.0, **law)),
        },
        plots=(plot,),
    )


CHECKS = (spread_of_walkers, long_persistence)
