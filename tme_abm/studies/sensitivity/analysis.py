"""The sensitivity analysis of a study: each outcome in each scenario, by all that its design allows.

A map shows what became of the tumor in each part of the plane of two parameters. Where both take few values a cell of
the map is a combination of them; where they were sampled, the range is cut into equal parts (on the scale of the
parameter). All runs that fall into a cell count alike, whatever the other parameters were; a cell without a run stays
empty.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..parameters import Parameter, value_text
from ..results import StudyResults, check_known
from .axes import Axes, axes
from .ends import Change, changes
from .indices import Indices, Regression, factorial, morris, regression, sobol
from .outcomes import DECISIVE, PROBABILITIES, Index, Noise, Outcome, chosen, noise, outcome

__all__ = ["Analysis", "Sensitivity", "Side", "StateMap", "analyze"]

Floats = NDArray[np.float64]

RUNS_A_CELL = 6  # points that a cell should hold on average, before the map gets finer
COARSEST, FINEST = 3, 8


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """All about one outcome in one scenario; `constant` if it is the same everywhere, and nothing else can be said."""

    scenario: str
    outcome: str
    constant: float | None
    values_missing: int
    variance: Noise
    indices: Indices | None
    regression: Regression
    changes: tuple[Change, ...]

    @property
    def by_parameter(self) -> dict[str, dict[str, Index]]:
        """The indices by parameter and name; empty without any."""
        return {} if self.indices is None else self.indices.by_parameter

    @property
    def index_names(self) -> list[str]:
        """The names of the indices."""
        return list(dict.fromkeys(name for by_name in self.by_parameter.values() for name in by_name))

    def measures(self, key: str) -> dict[str, Index]:
        """The indices and regression coefficients of a parameter, by name."""
        return {**self.by_parameter.get(key, {}), **self.regression.by_parameter.get(key, {})}

    @property
    def everywhere(self) -> str:
        """The points at which a constant outcome is the same, in words."""
        return "at every point that has a result" if self.values_missing else "at every point"

    def effect(self, key: str) -> float:
        """One number for the strength of a parameter, to put them in order: the best index there is."""
        found = self.measures(key)
        for name in ("ST", "mu_star"):
            if name in found:
                return found[name].value
        if "PRCC" in found:
            size = abs(found["PRCC"].value)
            return size if np.isfinite(size) else 0.0
        return max((abs(one.change) for one in self.changes if one.key == key), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a map: the parameter, and what each row or column stands for.

    `labels` name the levels; of a range that was cut they are empty, and `edges` (parts + 1) are the values at the
    cuts.
    """

    key: str
    unit: str
    scale: str
    labels: tuple[str, ...]
    edges: tuple[float, ...]

    @property
    def parts(self) -> int:
        """The number of rows or columns."""
        return len(self.labels) or len(self.edges) - 1


@dataclass(frozen=True, kw_only=True)
class StateMap:
    """Means of outcomes in the cells (rows of `y`, columns of `x`), NaN where no run is; `runs` that count there."""

    scenario: str
    x: Side
    y: Side | None
    runs: NDArray[np.int64]
    means: dict[str, Floats]


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """A study analyzed. `lost` counts the runs without a result by their status, `fixed` names constant parameters."""

    study: StudyResults
    parameters: tuple[Parameter, ...]
    fixed: tuple[str, ...]
    method: str
    pairing: str
    analyses: tuple[Analysis, ...]
    maps: tuple[StateMap, ...]
    lost: Mapping[str, int]

    def of(self, scenario: str, name: str) -> Analysis:
        """The analysis of an outcome in a scenario."""
        return next(one for one in self.analyses if (one.scenario, one.outcome) == (scenario, name))

    def decisive(self, scenario: str) -> Analysis | None:
        """The outcome that "what decides" is about: P(hot) if it varies, else the T cells in the core, else any."""
        mine = [one for one in self.analyses if one.scenario == scenario and one.constant is None]
        order = {name: number for number, name in enumerate(DECISIVE)}
        return min(mine, key=lambda one: order.get(one.outcome, len(order)), default=None)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why indices are missing where the design was made for them, each reason once."""
        notes = [one.indices.note for one in self.analyses if one.indices is not None and one.indices.refused]
        return tuple(dict.fromkeys(notes)) if self.method != "grid" else ()


def analyze(
    study: StudyResults, metrics: Sequence[str] | None = None, plane: Sequence[str] | None = None
) -> Sensitivity:
    """Analyze `metrics` (states, T cells and tumor cells by default); `plane` names the parameters of the maps.

    Raises:
        InputError: a study without parameters or results, unknown metrics or parameters, or SALib is not there.
    """
    names = chosen(study, metrics)
    swept = axes(study)
    if not swept.parameters:
        raise InputError(
            "the study varies no parameter, so there is nothing to be sensitive to; compare its scenarios with: "
            "compare --from",
            file=study.directory,
        )
    if not any(row["status"] == "done" for row in study.runs):
        raise InputError("no run of the study is finished yet; run it with: batch", file=study.directory)
    keys = [one.key for one in swept.parameters]
    check_known(plane or (), keys, "the study does not vary", place="--map")
    if plane and len(set(plane)) < len(plane):
        raise InputError(f"takes two different parameters, not '{plane[0]}' twice", place="--map", allowed=keys)
    found = {(scenario, name): outcome(study, scenario, name) for scenario in study.scenarios for name in names}
    kept = Sensitivity(
        study=study,
        parameters=swept.parameters,
        fixed=tuple(one.key for one in study.parameters if one.key not in keys),
        method=swept.method,
        pairing=swept.pairing,
        analyses=tuple(_analysis(one, swept) for one in found.values()),
        maps=(),
        lost=Counter(row["status"] for row in study.runs if row["status"] != "done"),
    )
    sides = [swept.number(key) for key in plane or _largest(kept)]
    shown = tuple(dict.fromkeys((*PROBABILITIES, *names)))
    maps = [_map([found.get((s, n)) or outcome(study, s, n) for n in shown], swept, *sides) for s in study.scenarios]
    return replace(kept, maps=tuple(maps))


def _analysis(found: Outcome, swept: Axes) -> Analysis:
    method = swept.method
    means = found.means[np.isfinite(found.means)]
    indices = None
    if found.varies and method == "morris":
        indices = morris(found, swept)
    elif found.varies and method == "sobol indices":
        indices = sobol(found, swept)
    elif found.varies and method == "grid":
        indices = factorial(found, swept)
    elif method == "sobol indices" and not np.isfinite(found.values).all():
        indices = sobol(found, swept)  # says that runs are missing
    return Analysis(
        scenario=found.scenario,
        outcome=found.name,
        constant=float(means.mean()) if means.size and not found.varies else None if means.size else np.nan,
        values_missing=int((~np.isfinite(found.values)).sum()),
        variance=noise(found),
        indices=indices,
        # The points of a trajectory hang together: a regression would take them for independent.
        regression=regression(found, swept) if found.varies and method != "morris" else Regression(by_parameter={}),
        changes=changes(found, swept) if found.varies else (),
    )


def _largest(kept: Sensitivity) -> list[str]:
    """The two parameters with the largest effect in any scenario."""
    decisive = [one for one in map(kept.decisive, kept.study.scenarios) if one is not None]
    keys = [one.key for one in kept.parameters]
    return sorted(keys, key=lambda key: -max((one.effect(key) for one in decisive), default=0.0))[:2]


# ---------------------------------------------------------------- maps


def _map(found: Sequence[Outcome], axes: Axes, x: int, y: int | None = None) -> StateMap:
    """The map of some outcomes of one scenario over two parameters (their columns in `axes`), or along one."""
    side_x, column = _side(axes, x)
    side_y, row = (None, np.zeros(len(column), dtype=np.int64)) if y is None else _side(axes, y)
    shape = (1 if side_y is None else side_y.parts, side_x.parts)
    cell = row * shape[1] + column
    means, runs = {}, np.zeros(shape, dtype=np.int64)
    for one in found:
        there = np.isfinite(one.values)
        count = np.bincount(cell, weights=there.sum(axis=1), minlength=shape[0] * shape[1]).reshape(shape)
        total = np.bincount(cell, weights=np.where(there, one.values, 0).sum(axis=1), minlength=count.size)
        means[one.name] = np.where(count > 0, total.reshape(shape) / np.maximum(count, 1), np.nan)
        runs = np.maximum(runs, count.astype(np.int64))
    return StateMap(scenario=found[0].scenario, x=side_x, y=side_y, runs=runs, means=means)


def _side(axes: Axes, number: int) -> tuple[Side, NDArray[np.int64]]:
    """One side, and in which part of it each point lies."""
    one = axes.parameters[number]
    if one.values:
        labels = tuple(map(value_text, one.values))
        return Side(key=one.key, unit=one.unit, scale=one.scale, labels=labels, edges=()), axes.level(number)
    position = axes.position[:, number]
    parts = min(max(math.isqrt(len(np.unique(position)) // RUNS_A_CELL), COARSEST), FINEST)
    edges = tuple(one.at(k / parts) for k in range(parts + 1))
    part = np.minimum((position * parts).astype(np.int64), parts - 1)
    return Side(key=one.key, unit=one.unit, scale=one.scale, labels=(), edges=edges), part
