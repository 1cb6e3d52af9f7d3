"""What can be said without a special design: regression of the outcome on where the points lie.

SRC, the standardized regression coefficient, is the change of the outcome, in its standard deviations, for one standard
deviation of the parameter with all others held; PRCC, the partial rank correlation coefficient, asks for a monotone
relation only (doi:10.1016/j.jtbi.2008.04.011). How much of the variance the regressions carry, R², says how far to
trust them. Intervals are those of the bootstrap over design points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .axes import Axis
from .indices import LEVEL, RESAMPLES, SEED, Index
from .outcomes import Outcome

__all__ = ["Regression", "regression"]

Floats = NDArray[np.float64]

_TINY = 1e-12
_NOTHING = 1e-10  # a share of variance that is rounding
_AT_ONCE = 2_000_000  # numbers held at a time


@dataclass(frozen=True, kw_only=True)
class Regression:
    """SRC and PRCC by parameter, over the `used` of `planned` points that have a result; `note` says why not."""

    by_parameter: dict[str, dict[str, Index]]
    r2: float | None = None
    r2_ranks: float | None = None
    used: int = 0
    planned: int = 0
    note: str = ""


def regression(found: Outcome, axes: Sequence[Axis], points: NDArray[np.int64] | None = None) -> Regression:
    """Regress the means over seeds on the positions of the ordered parameters, at `points` (all by default)."""
    ordered = [axis for axis in axes if axis.ordered]
    rows = np.arange(len(found.values)) if points is None else points
    means = found.means[rows]
    there = np.isfinite(means)
    used, planned = int(there.sum()), len(rows)
    if not ordered:
        return Regression(by_parameter={}, used=used, planned=planned, note="no parameter takes numbers")
    if used < len(ordered) + 3:
        note = f"{used} points are too few to regress on {len(ordered)} parameters"
        return Regression(by_parameter={}, used=used, planned=planned, note=note)
    table = np.column_stack([*(axis.position[rows][there] for axis in ordered), means[there]])
    ranks = rankdata(table, axis=0)
    src, prcc = _coefficients(_correlations(table)), _partial(_correlations(ranks))
    src_drawn, prcc_drawn = _resampled(table)
    made = {
        axis.key: {"PRCC": _index(prcc[k], prcc_drawn[:, k]), "SRC": _index(src[k], src_drawn[:, k])}
        for k, axis in enumerate(ordered)
    }
    return Regression(
        by_parameter=made,
        r2=_explained(_correlations(table)),
        r2_ranks=_explained(_correlations(ranks)),
        used=used,
        planned=planned,
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


def _index(value: float, drawn: Floats) -> Index:
    finite = drawn[np.isfinite(drawn)]
    if finite.size < 0.5 * drawn.size:
        return Index(value=float(value), low=None, high=None)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Index(value=float(value), low=float(low), high=float(high))
