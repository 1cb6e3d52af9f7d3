"""The sensitivity analysis of a study: each outcome in each scenario, by all that its design allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from .axes import Axis, axes
from .ends import Change, changes, pairing
from .factorial import factorial, is_grid
from .indices import Indices, base_points, morris, sobol
from .maps import StateMap, state_map
from .outcomes import DECISIVE, PROBABILITIES, Noise, Outcome, chosen, noise, outcome
from .regression import Regression, regression

if TYPE_CHECKING:
    from ..results import StudyResults

__all__ = ["METHODS", "Analysis", "Sensitivity", "analyze"]

METHODS = {"morris": "Morris", "sobol indices": "Sobol", "grid": "variance of the grid", "": ""}
"""How indices are computed: by the kind of the design, "grid" for any full grid, "" for none."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """All about one outcome in one scenario; `constant` if it is the same everywhere, and nothing else can be said."""

    scenario: str
    outcome: str
    constant: float | None
    missing: int
    noise: Noise
    indices: Indices | None
    regression: Regression
    changes: tuple[Change, ...]

    @property
    def everywhere(self) -> str:
        """Where a constant outcome is the same, in words."""
        return "at every point that has a result" if self.missing else "at every point"

    def effect(self, key: str) -> float:
        """One number for the strength of a parameter, to put them in order: the best index there is."""
        found = {} if self.indices is None else self.indices.by_parameter.get(key, {})
        for name in ("ST", "mu_star"):
            if name in found:
                return found[name].value
        if key in self.regression.by_parameter:
            size = abs(self.regression.by_parameter[key]["PRCC"].value)
            return size if np.isfinite(size) else 0.0
        return max((abs(one.change) for one in self.changes if one.key == key), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """A study analyzed. `lost` counts the runs without a result by their status, `fixed` names constant parameters."""

    study: StudyResults
    axes: tuple[Axis, ...]
    fixed: tuple[str, ...]
    method: str
    pairing: str
    outcomes: tuple[str, ...]
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
    def method_name(self) -> str:
        """The indices that the design was made for, as people call them."""
        return METHODS[self.method]

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
    if not swept:
        raise InputError(
            "the study varies no parameter, so there is nothing to be sensitive to; compare its scenarios with: "
            "compare --from",
            file=study.directory,
        )
    if not any(row["status"] == "done" for row in study.runs):
        raise InputError("no run of the study is finished yet; run it with: batch", file=study.directory)
    _known_keys(plane or (), swept)
    method = study.kind if study.kind in ("morris", "sobol indices") else "grid" if is_grid(swept) else ""
    base = base_points(len(swept), study.points, study.samples) if method == "sobol indices" else None
    how = pairing(study.kind, swept)
    found = {(scenario, name): outcome(study, scenario, name) for scenario in study.scenarios for name in names}
    made = [_analysis(one, swept, method, how, base, study.samples) for one in found.values()]
    kept = Sensitivity(
        study=study,
        axes=swept,
        fixed=tuple(one.key for one in study.parameters if one.key not in {axis.key for axis in swept}),
        method=method,
        pairing=how,
        outcomes=names,
        analyses=tuple(made),
        maps=(),
        lost=Counter(row["status"] for row in study.runs if row["status"] != "done"),
    )
    x, y = _plane(kept, plane)
    shown = tuple(dict.fromkeys((*PROBABILITIES, *names)))
    maps = [state_map([found.get((s, n)) or outcome(study, s, n) for n in shown], x, y) for s in study.scenarios]
    return replace(kept, maps=tuple(maps))


def _analysis(
    found: Outcome, swept: tuple[Axis, ...], method: str, how: str, base: NDArray[np.int64] | None, samples: int
) -> Analysis:
    means = found.means[np.isfinite(found.means)]
    indices = None
    if found.varies and method == "morris":
        indices = morris(found, swept)
    elif found.varies and method == "sobol indices":
        indices = sobol(found, swept, samples)
    elif found.varies and method == "grid":
        indices = factorial(found, swept)
    elif method == "sobol indices" and not np.isfinite(found.values).all():
        indices = sobol(found, swept, samples)  # says that runs are missing
    return Analysis(
        scenario=found.scenario,
        outcome=found.name,
        constant=float(means.mean()) if means.size and not found.varies else None if means.size else np.nan,
        missing=int((~np.isfinite(found.values)).sum()),
        noise=noise(found),
        indices=indices,
        # The points of a trajectory hang together: a regression would take them for independent.
        regression=regression(found, swept, base) if found.varies and how != "morris" else Regression(by_parameter={}),
        changes=changes(found, swept, how, base) if found.varies else (),
    )


def _known_keys(asked: Sequence[str], swept: Sequence[Axis]) -> None:
    keys = [axis.key for axis in swept]
    for key in asked:
        if key not in keys:
            raise InputError(f"the study does not vary '{key}'", place="--map", allowed=keys, word=key)
    if len(set(asked)) < len(asked):
        raise InputError(f"takes two different parameters, not '{asked[0]}' twice", place="--map", allowed=keys)


def _plane(kept: Sensitivity, asked: Sequence[str] | None) -> tuple[Axis, Axis | None]:
    """The parameters of the maps: those asked for, else the two with the largest effect in any scenario."""
    by_key = {axis.key: axis for axis in kept.axes}
    if asked:
        keys = list(asked)
    else:
        decisive = [one for one in map(kept.decisive, kept.study.scenarios) if one is not None]
        largest = {key: max((one.effect(key) for one in decisive), default=0.0) for key in by_key}
        keys = sorted(by_key, key=lambda key: -largest[key])[:2]
    return by_key[keys[0]], by_key[keys[1]] if len(keys) > 1 else None
