"""How much of an outcome goes with each parameter: Morris and Sobol indices, the variance of a grid, regressions.

Morris (doi:10.1080/00401706.1991.10484804, with mu* of doi:10.1016/j.envsoft.2006.10.004): a trajectory changes one
parameter at a time, and each change gives an elementary effect, the change of the outcome over the whole range of the
parameter. mu* is the mean of their sizes, sigma their spread: interactions, curvature and chance.

Sobol (doi:10.1016/j.cpc.2009.09.018): S1 is the share of the outcome's variance that goes with one parameter alone, ST
that with all it takes part in, S2 what two do together beyond both alone. SALib computes both from designs that were
sampled for them.

Grid: when every level of one parameter meets every combination of the others, the means over all of them divide the
variance exactly, as an analysis of variance does: S1 is the variance of the level means, ST what is lost when the
outcome is averaged over the parameter. They are the Sobol indices of the grid itself, every level weighted alike; of
what lies between or beyond the levels they know nothing.

Regression needs no special design. SRC, the standardized regression coefficient, is the change of the outcome, in its
standard deviations, for one standard deviation of the parameter with all others held; PRCC, the partial rank
correlation coefficient, asks for a monotone relation only (doi:10.1016/j.jtbi.2008.04.011). How much of the variance
the regressions carry, R², says how far to trust them. Intervals are those of the bootstrap over design points, of both
statistics from the same draws (which scipy.stats.bootstrap does not offer).

All are computed on means over seeds. A trajectory in which a run is missing is compared over the seeds that all
its points have, and left out if there are none. Sobol indices and grids need every run: nothing is made up for a
missing one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ...core.errors import InputError
from ..design import MORRIS_LEVELS
from .axes import Axes
from .outcomes import LEVEL, RESAMPLES, SEED, Index, Outcome

__all__ = ["Indices", "Pair", "Regression", "factorial", "morris", "regression", "sobol"]

Floats = NDArray[np.float64]

_TINY = 1e-12
_NOTHING = 1e-10  # a share of variance that is rounding
_AT_ONCE = 2_000_000  # numbers held at a time


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The joint effect of two parameters beyond both alone."""

    a: str
    b: str
    S2: Index


@dataclass(frozen=True, kw_only=True)
class Indices:
    """The indices of one outcome: by parameter, by the name of the index.

    `note` says what was left out, or why there is nothing (`refused`).
    """

    by_parameter: dict[str, dict[str, Index]]
    pairs: tuple[Pair, ...] = ()
    used: int = 0
    planned: int = 0
    refused: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Regression:
    """SRC and PRCC by parameter, over the `points_used` that have a result; `note` says why there are none."""

    by_parameter: dict[str, dict[str, Index]]
    r2: float | None = None
    r2_of_ranks: float | None = None
    points_used: int = 0
    note: str = ""


def morris(found: Outcome, axes: Axes) -> Indices:
    """mu, mu*, sigma of each parameter, in the unit of the outcome over the whole range of the parameter."""
    analysis = _salib("morris")
    paths = axes.trajectories()
    values, whole, thinned = [], [], 0
    for path in paths:
        common = np.isfinite(found.values[path]).all(axis=0)
        if common.any():
            values.append(found.values[path][:, common].mean(axis=1))
            whole.append(path)
            thinned += not common.all()
    planned, used = len(paths), len(whole)
    parts = [f"{planned - used} of {planned} trajectories lack a run and are left out"] * (used < planned)
    over = f"{thinned} of {planned} trajectories lack runs of a seed, and are compared over those that all their points"
    parts += [f"{over} have"] * bool(thinned)
    if used < 2:
        parts.append("fewer than two are left, which say nothing")
        return Indices(by_parameter={}, used=used, planned=planned, note="; ".join(parts), refused=True)
    levels = MORRIS_LEVELS - 1
    placed = np.round(axes.position[np.concatenate(whole)] * levels) / levels
    result = analysis.analyze(
        _problem(axes), placed, np.concatenate(values), num_levels=MORRIS_LEVELS, num_resamples=RESAMPLES,
        conf_level=LEVEL, seed=SEED,
    )  # fmt: skip
    made = {
        one.key: {
            "mu_star": _index(result["mu_star"][k], result["mu_star_conf"][k]),
            "mu": _index(result["mu"][k]),
            "sigma": _index(result["sigma"][k]),
        }
        for k, one in enumerate(axes.parameters)
    }
    return Indices(by_parameter=made, used=used, planned=planned, note="; ".join(parts))


def sobol(found: Outcome, axes: Axes) -> Indices:
    """S1 and ST of each parameter, and S2 of each pair where the design has the points for it."""
    analysis = _salib("sobol")
    keys = [one.key for one in axes.parameters]
    planned = axes.points // axes.block
    missing = int((~np.isfinite(found.values)).sum())
    if missing:
        note = (
            f"{missing} of {found.values.size} values are missing, and Sobol indices need every one: finish the study "
            "(batch), try failed runs again (batch --retry-failed), or ask for a metric that every run has"
        )
        return Indices(by_parameter={}, planned=planned, note=note, refused=True)
    second = axes.block == 2 * len(keys) + 2
    result = analysis.analyze(
        _problem(axes), found.means, calc_second_order=second, num_resamples=RESAMPLES, conf_level=LEVEL, seed=SEED
    )
    made = {
        key: {name: _index(result[name][k], result[f"{name}_conf"][k]) for name in ("S1", "ST")}
        for k, key in enumerate(keys)
    }
    pairs = [
        Pair(a=a, b=b, S2=_index(result["S2"][i, j], result["S2_conf"][i, j]))
        for i, a in enumerate(keys) for j, b in enumerate(keys) if second and i < j
    ]  # fmt: skip
    return Indices(by_parameter=made, pairs=tuple(pairs), used=planned, planned=planned)


def factorial(found: Outcome, axes: Axes) -> Indices:
    """S1 and ST of each parameter over the levels of a full grid."""
    means = found.means
    planned, used = len(means), int(np.isfinite(means).sum())
    if used < planned:
        note = f"{planned - used} of {planned} points have no result, and a grid with holes cannot be taken apart"
        return Indices(by_parameter={}, used=used, planned=planned, note=note, refused=True)
    total = float(means.var())
    made = {}
    for k, one in enumerate(axes.parameters):
        along = means[axes.lines(k)]
        alone, without = float(along.mean(axis=0).var()), float(along.mean(axis=1).var())
        made[one.key] = {"S1": _index(alone / total), "ST": _index(1 - without / total)}
    return Indices(by_parameter=made, used=used, planned=planned)


def _salib(name: str) -> Any:
    """The module of SALib that analyzes a "morris" or a "sobol" design."""
    try:
        from SALib.analyze import morris, sobol
    except ImportError as error:
        what = f"the analysis of a {name.capitalize()} design needs SALib"
        raise InputError(f"{what}; install it with: pip install 'tme_abm[sensitivity]'") from error
    return {"morris": morris, "sobol": sobol}[name]


def _problem(axes: Axes) -> dict[str, Any]:
    keys = [one.key for one in axes.parameters]
    return {"num_vars": len(keys), "names": keys, "bounds": [[0.0, 1.0]] * len(keys)}


def _index(value: float, half: float = np.nan) -> Index:
    number = float(value)
    if not np.isfinite(half):
        return Index(value=number, low=None, high=None)
    return Index(value=number, low=number - float(half), high=number + float(half))


# ---------------------------------------------------------------- regression


def regression(found: Outcome, axes: Axes) -> Regression:
    """Regress the means over seeds on the positions of the ordered parameters, at the independent points."""
    ordered = [k for k, parameter in enumerate(axes.parameters) if parameter.ordered]
    rows = axes.independent
    means = found.means[rows]
    there = np.isfinite(means)
    used = int(there.sum())
    if not ordered:
        return Regression(by_parameter={}, points_used=used, note="no parameter takes numbers")
    if used < len(ordered) + 3:
        note = f"{used} points are too few to regress on {len(ordered)} parameters"
        return Regression(by_parameter={}, points_used=used, note=note)
    table = np.column_stack([*axes.position[rows][there][:, ordered].T, means[there]])
    ranks = rankdata(table, axis=0)
    src, prcc = _coefficients(_correlations(table)), _partial(_correlations(ranks))
    src_drawn, prcc_drawn = _resampled(table)
    made = {
        axes.parameters[k].key: {"PRCC": _drawn(prcc[i], prcc_drawn[:, i]), "SRC": _drawn(src[i], src_drawn[:, i])}
        for i, k in enumerate(ordered)
    }
    return Regression(
        by_parameter=made,
        r2=_explained(_correlations(table)),
        r2_of_ranks=_explained(_correlations(ranks)),
        points_used=used,
    )


def _resampled(table: Floats) -> tuple[Floats, Floats]:
    """SRC and PRCC (resamples, parameters) of tables whose rows were drawn with replacement, some at a time."""
    rng = np.random.default_rng(SEED)
    some = max(1, _AT_ONCE // table.size)
    src, prcc = [], []
    for first in range(0, RESAMPLES, some):
        drawn = table[rng.integers(len(table), size=(min(some, RESAMPLES - first), len(table)))]
        src.append(_coefficients(_correlations(drawn)))
        prcc.append(_partial(_correlations(rankdata(drawn, axis=1))))
    return np.concatenate(src), np.concatenate(prcc)


def _correlations(tables: Floats) -> Floats:
    """Correlation matrices (…, m, m) of the columns of tables (…, n, m); 0 for a column that does not vary."""
    centered = tables - tables.mean(axis=-2, keepdims=True)
    scale = np.sqrt((centered**2).sum(axis=-2))
    varies = scale > _TINY * np.abs(tables).max(axis=-2)
    normed = np.where(varies[..., None, :], centered / np.where(varies, scale, 1.0)[..., None, :], 0.0)
    return np.asarray(np.swapaxes(normed, -1, -2) @ normed)


def _coefficients(matrices: Floats) -> Floats:
    """Standardized coefficients (…, m − 1) of the last column on the others."""
    inverse = np.linalg.pinv(matrices[..., :-1, :-1], hermitian=True)
    return np.asarray((inverse @ matrices[..., :-1, -1:])[..., 0])


def _explained(matrix: Floats) -> float:
    """Share of the variance of the last column that the others explain."""
    return float(np.clip(_coefficients(matrix) @ matrix[:-1, -1], 0.0, 1.0))


def _partial(matrices: Floats) -> Floats:
    """Partial correlations (…, m − 1) of the last column with each other one, the rest held."""
    last = matrices.shape[-1] - 1
    found = []
    for k in range(last):
        others = [j for j in range(last) if j != k]
        pair = matrices[..., [[k, k], [last, last]], [k, last]]  # the 2 × 2 matrix of the two
        if others:
            cross = matrices[..., [k, last], :][..., others]
            among = matrices[..., others, :][..., others]
            pair = pair - cross @ np.linalg.pinv(among, hermitian=True) @ np.swapaxes(cross, -1, -2)
        left = np.minimum(pair[..., 0, 0], pair[..., 1, 1])  # shares of variance that the others leave unexplained
        scale = np.sqrt(np.where(left > _NOTHING, pair[..., 0, 0] * pair[..., 1, 1], 1.0))
        found.append(np.where(left > _NOTHING, np.clip(pair[..., 0, 1] / scale, -1, 1), np.nan))
    return np.stack(found, axis=-1)


def _drawn(value: float, drawn: Floats) -> Index:
    finite = drawn[np.isfinite(drawn)]
    if finite.size < 0.5 * drawn.size:
        return Index(value=float(value), low=None, high=None)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Index(value=float(value), low=float(low), high=float(high))
