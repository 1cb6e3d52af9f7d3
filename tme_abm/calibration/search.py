"""The search of a calibration: an evolution strategy that also learns what moves what.

Evaluations are dear (minutes each), noisy, and few: some dozens for a dozen and a half of parameters. A strategy that
only ranks them copes with the noise but wastes what they tell. So each generation is drawn around the weighted mean
of the best so far, with a step of its own for every parameter, and one of its members is not drawn but computed:
outcomes follow parameters roughly by power laws near the best point, so a linear model of their logarithms says where
the loss should vanish. If the model is right that member wins; if not, nothing but one evaluation is lost.

Points are positions between the ends of the parameters, 0 to 1. Everything follows from the seed and from what the
search was told, so a search can be replayed.

Sources: rank-weighted recombination as in Hansen, arXiv:1604.00772; mirrored sampling, doi:10.1007/978-3-642-15844-5_2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from .targets import Floats

__all__ = ["Search"]

SIZE = 8  # members of a generation; even, for they are drawn in mirrored pairs
FIRST_STEP, STEPS = 0.15, (0.01, 0.3)
LEARNING = 0.3  # of the squared steps, a generation
GROWTH, SHRINKAGE = 1.1, 0.9  # of the steps after a generation with and without a new best
FIRST_REACH, REACHES = 0.25, (0.03, 0.5)  # how far from the best the model is trusted
RIDGE = 0.03  # squared noise of a logarithm over squared slope: 0.2 over 1.2


class Search:
    """Proposes points (k, n) and learns from their outcomes.

    `start` (n,) is where it begins; `loss` of outcomes (m,) is what it lowers.
    """

    def __init__(self, start: Floats, *, seed: int, loss: Callable[[Floats], float]) -> None:
        self.center, self.steps, self.reach = start.copy(), np.full(start.shape, FIRST_STEP), FIRST_REACH
        self.loss = loss
        self.seed, self.generation = seed, 0
        self.points, self.losses, self.outcomes = np.empty((0, start.size)), np.empty(0), np.empty((0, 0))
        self.guess: Floats | None = None
        parents = SIZE // 2
        self.weights = np.log(parents + 0.5) - np.log(np.arange(1, parents + 1))
        self.weights /= self.weights.sum()

    def ask(self) -> Floats:
        """The next generation (SIZE, n); the computed member, if there is one, comes first."""
        drawn = np.random.default_rng([self.seed, self.generation]).normal(size=(SIZE // 2, self.center.size))
        points = self.center + self.steps * np.concatenate([drawn, -drawn])
        if self.guess is not None:
            points[0] = self.guess
        return np.asarray(np.clip(points, 0.0, 1.0))

    def tell(self, points: Floats, losses: Floats, outcomes: Floats) -> None:
        """Learn from points (k, n), their losses (k,) and outcomes (k, m), positive or NaN."""
        before = self.losses.min(initial=np.inf)
        # The best ever stays a parent: no generation can lose what another has found.
        elite = [] if not self.losses.size else [int(self.losses.argmin())]
        pool = np.concatenate([self.points[elite], points])
        order = np.argsort(np.concatenate([self.losses[elite], losses]), kind="stable")[: self.weights.size]
        weights = self.weights[: order.size] / self.weights[: order.size].sum()
        moves = pool[order] - self.center
        better = losses.min() < before
        spread = (1 - LEARNING) * self.steps**2 + LEARNING * (weights @ moves**2)
        self.steps = np.clip(np.sqrt(spread) * (GROWTH if better else SHRINKAGE), *STEPS)
        self.center = self.center + weights @ moves
        if self.guess is not None:
            self.reach = float(np.clip(self.reach * (1.3 if losses[0] < before else 0.6), *REACHES))
        self.points = np.concatenate([self.points, points])
        self.losses = np.concatenate([self.losses, losses])
        self.outcomes = np.concatenate([self.outcomes.reshape(-1, outcomes.shape[1]), outcomes])
        self.guess = self._reckon()
        self.generation += 1

    def _reckon(self) -> Floats | None:
        """Where, within reach of the best point, a linear model of log outcomes puts the least loss."""
        best = int(self.losses.argmin())
        with np.errstate(divide="ignore"):
            logs = np.log(self.outcomes)
        away = self.points - self.points[best]
        near = np.exp(-0.5 * (away**2).sum(axis=1) / (away.shape[1] * (2 * self.reach) ** 2))
        slopes = np.zeros((logs.shape[1], away.shape[1]))
        for goal in np.flatnonzero(np.isfinite(logs[best])):
            known = np.isfinite(logs[:, goal])
            weighted = away[known].T * near[known]
            ridge = RIDGE * np.eye(away.shape[1])
            slopes[goal] = np.linalg.solve(
                weighted @ away[known] + ridge, weighted @ (logs[known, goal] - logs[best, goal])
            )

        def expected(move: Floats) -> float:
            return self.loss(self.outcomes[best] * np.exp(slopes @ move)) + 1e-4 * float(move @ move)

        at = self.points[best]
        bounds = np.stack([np.maximum(-self.reach, -at), np.minimum(self.reach, 1 - at)], axis=1)
        move = np.asarray(minimize(expected, np.zeros_like(at), method="L-BFGS-B", bounds=bounds).x)
        return at + move if np.abs(move).max() > 1e-3 else None
