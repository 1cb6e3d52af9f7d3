"""Morris and Sobol indices, computed by SALib from designs that were sampled for them.

Morris (doi:10.1080/00401706.1991.10484804, with mu* of doi:10.1016/j.envsoft.2006.10.004): a trajectory changes one
parameter at a time, and each change gives an elementary effect, the change of the outcome over the whole range of the
parameter. mu* is the mean of their sizes, sigma their spread: interactions, curvature and chance.

Sobol (doi:10.1016/j.cpc.2009.09.018): S1 is the share of the outcome's variance that goes with one parameter alone, ST
that with all it takes part in, S2 what two do together beyond both alone.

Indices are computed on means over seeds. A trajectory in which a run is missing is compared over the seeds that all
its points have, and left out if there are none. Sobol indices need every run: nothing is made up for a missing one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..designs import MORRIS_LEVELS
from .axes import Axis
from .outcomes import Outcome

__all__ = ["Index", "Indices", "Pair", "base_points", "morris", "sobol", "trajectories"]

Floats = NDArray[np.float64]

RESAMPLES = 1000
LEVEL = 0.95
SEED = 1  # of the bootstrap: the same study gives the same intervals (SALib takes 0 for "any")
EXTRA = "needs SALib; install it with: pip install 'tme_abm[sensitivity]'"


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index with its 95 % bootstrap interval, None where there is none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What two parameters do together beyond both alone."""

    a: str
    b: str
    index: Index


@dataclass(frozen=True, kw_only=True)
class Indices:
    """The indices of one outcome: by parameter, by the name of the index.

    `note` says what was left out, or why there is nothing (`refused`).
    """

    by_parameter: dict[str, dict[str, Index]]
    pairs: tuple[Pair, ...] = ()
    used: int = 0
    planned: int = 0
    note: str = ""
    refused: bool = False


def trajectories(axes: Sequence[Axis], points: int) -> NDArray[np.int64]:
    """The points of each trajectory (trajectories, parameters + 1).

    Raises:
        InputError: the points are not trajectories.
    """
    size = len(axes) + 1
    if points % size:
        raise InputError(f"{points} points are no whole number of trajectories of {size} points", place="design.csv")
    found = np.arange(points).reshape(-1, size)
    moves = np.diff(_positions(axes)[found], axis=1) != 0
    if not ((moves.sum(axis=1) == 1) & (moves.sum(axis=2) == 1).all(axis=1, keepdims=True)).all():
        raise InputError(
            "a step of a trajectory changes no parameter or more than one; a range of whole numbers may be too narrow "
            "for its four levels",
            place="design.csv",
        )
    return found.astype(np.int64)


def base_points(parameters: int, points: int, samples: int) -> NDArray[np.int64]:
    """The points of a Saltelli arrangement that are independent of one another: its first and last of each block."""
    block = _block(parameters, points, samples)
    starts = np.arange(0, points, block)
    return np.sort(np.concatenate([starts, starts + block - 1])).astype(np.int64)


def morris(found: Outcome, axes: Sequence[Axis]) -> Indices:
    """mu, mu*, sigma of each parameter, in the unit of the outcome over the whole range of the parameter."""
    try:
        from SALib.analyze import morris as analysis
    except ImportError as error:
        raise InputError(f"the analysis of a Morris design {EXTRA}") from error
    paths = trajectories(axes, len(found.values))
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
    placed = np.round(_positions(axes)[np.concatenate(whole)] * levels) / levels
    result = analysis.analyze(
        _problem(axes), placed, np.concatenate(values), num_levels=MORRIS_LEVELS, num_resamples=RESAMPLES,
        conf_level=LEVEL, seed=SEED,
    )  # fmt: skip
    made = {}
    for number, axis in enumerate(axes):
        made[axis.key] = {
            "mu_star": _index(result["mu_star"][number], result["mu_star_conf"][number]),
            "mu": _index(result["mu"][number], None),
            "sigma": _index(result["sigma"][number], None),
        }
    return Indices(by_parameter=made, used=used, planned=planned, note="; ".join(parts))


def sobol(found: Outcome, axes: Sequence[Axis], samples: int) -> Indices:
    """S1 and ST of each parameter, and S2 of each pair where the design has the points for it."""
    try:
        from SALib.analyze import sobol as analysis
    except ImportError as error:
        raise InputError(f"the analysis of a Sobol design {EXTRA}") from error
    count, points = len(axes), len(found.values)
    block = _block(count, points, samples)
    planned = points // block
    missing = int((~np.isfinite(found.values)).sum())
    if missing:
        note = (
            f"{missing} of {found.values.size} values are missing, and Sobol indices need every one: finish the study "
            "(batch), try failed runs again (batch --retry-failed), or ask for a metric that every run has"
        )
        return Indices(by_parameter={}, planned=planned, note=note, refused=True)
    second = block == 2 * count + 2
    result = analysis.analyze(
        _problem(axes), found.means, calc_second_order=second, num_resamples=RESAMPLES, conf_level=LEVEL, seed=SEED
    )
    made = {
        axis.key: {name: _index(result[name][k], result[f"{name}_conf"][k]) for name in ("S1", "ST")}
        for k, axis in enumerate(axes)
    }
    pairs = [
        Pair(a=axes[i].key, b=axes[j].key, index=_index(result["S2"][i, j], result["S2_conf"][i, j]))
        for i in range(count) for j in range(i + 1, count) if second
    ]  # fmt: skip
    return Indices(by_parameter=made, pairs=tuple(pairs), used=planned, planned=planned)


def _block(parameters: int, points: int, samples: int) -> int:
    """Points for each base sample: parameters + 2, or twice parameters + 1 with those of the second order."""
    for block in (parameters + 2, 2 * parameters + 2):
        if points == samples * block:
            return block
    raise InputError(
        f"{points} points do not belong to {samples} base samples of {parameters} parameters that vary",
        place="design.csv",
    )


def _positions(axes: Sequence[Axis]) -> Floats:
    return np.column_stack([axis.position for axis in axes])


def _problem(axes: Sequence[Axis]) -> dict[str, Any]:
    return {"num_vars": len(axes), "names": [axis.key for axis in axes], "bounds": [[0.0, 1.0]] * len(axes)}


def _index(value: float, half: float | None) -> Index:
    number = float(value)
    if half is None or not np.isfinite(half):
        return Index(value=number, low=None, high=None)
    return Index(value=number, low=number - float(half), high=number + float(half))
