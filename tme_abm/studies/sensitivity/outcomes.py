"""The outcomes of a study: a metric at the last day, or the probability of a state, at every design point.

An outcome is a table (points, seeds). Of a state it holds 1 where the run ended in it and 0 where it did not, so that
its mean over seeds is the probability of the state. A run without a result, or one that has no value of the metric
(a ratio with nothing below the line), leaves NaN; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..results import StudyResults, check_known

__all__ = ["DECISIVE", "PROBABILITIES", "Index", "Noise", "Outcome", "chosen", "noise", "outcome"]

Floats = NDArray[np.float64]

RESAMPLES = 1000
LEVEL = 0.95
SEED = 1  # of the bootstrap: the same study gives the same intervals (SALib takes 0 for "any")

PROBABILITIES = {"P(hot)": "hot", "P(cold)": "cold", "P(excluded)": "excluded"}
"""Outcomes that are probabilities of a state."""

DECISIVE = ("P(hot)", "CD8 core")
"""The outcomes that tell hot from cold, in order of preference."""

_USUAL = (*PROBABILITIES, "CD8 core", "tumor cells")


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index with its 95 % bootstrap interval, None where there is none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One outcome in one scenario: `values` (points, seeds)."""

    name: str
    scenario: str
    values: Floats

    @property
    def is_probability(self) -> bool:
        """Whether this is the probability of a state."""
        return self.name in PROBABILITIES

    @property
    def means(self) -> Floats:
        """Mean over the seeds with a value, (points,); NaN where no seed has one."""
        there = np.isfinite(self.values)
        count = there.sum(axis=1)
        total = np.where(there, self.values, 0.0).sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    @property
    def varies(self) -> bool:
        """Whether the means differ between points by more than rounding."""
        means = self.means[np.isfinite(self.means)]
        return bool(means.size > 1 and np.ptp(means) > 1e-12 * np.abs(means).max())


@dataclass(frozen=True, kw_only=True)
class Noise:
    """The variance of single runs by its origin, in shares, over the `points` with a value for every seed.

    `between`: the design point. `shared`: the seed, alike at all points (common random numbers take it out of every
    comparison). `alone`: chance that is neither. `of_means`: the part of the variance of the means over seeds that is
    chance: what no parameter can explain. None where one seed or one point cannot tell.
    """

    points: int
    between: float | None
    shared: float | None
    alone: float | None
    of_means: float | None


def chosen(study: StudyResults, asked: Sequence[str] | None) -> tuple[str, ...]:
    """The outcomes asked for, by default the states, the T cells in the core and the tumor cells.

    Raises:
        InputError: one that the study does not have.
    """
    known = (*PROBABILITIES, *study.metrics)
    if not asked:
        return tuple(name for name in _USUAL if name in known)
    check_known(asked, known, "the study has no metric", place="--metric")
    return tuple(dict.fromkeys(asked))


def outcome(study: StudyResults, scenario: str, name: str) -> Outcome:
    """An outcome of a study in one of its scenarios."""
    if name in PROBABILITIES:
        states = study.states(scenario)
        values = np.where(states == "", np.nan, (states == PROBABILITIES[name]).astype(np.float64))
    else:
        values = np.asarray(study.table(name, scenario), dtype=np.float64)
        values = np.where(np.isfinite(values), values, np.nan)
    return Outcome(name=name, scenario=scenario, values=values)


def noise(found: Outcome) -> Noise:
    """The components of variance of a two-way table without replication (points by seeds), by analysis of variance."""
    values = found.values[np.isfinite(found.values).all(axis=1)]
    points, seeds = values.shape
    if points < 2 or seeds < 2:
        return Noise(points=points, between=None, shared=None, alone=None, of_means=None)
    rows, columns = values.mean(axis=1), values.mean(axis=0)
    rest = values - rows[:, None] - columns[None, :] + values.mean()
    alone = float((rest**2).sum() / ((points - 1) * (seeds - 1)))
    of_rows, of_columns = float(rows.var(ddof=1)), float(columns.var(ddof=1))
    between, shared = max(of_rows - alone / seeds, 0.0), max(of_columns - alone / points, 0.0)
    total = between + shared + alone
    if total <= 0:
        return Noise(points=points, between=None, shared=None, alone=None, of_means=None)
    return Noise(
        points=points,
        between=between / total,
        shared=shared / total,
        alone=alone / total,
        of_means=min(alone / seeds / of_rows, 1.0) if of_rows > 0 else None,
    )
