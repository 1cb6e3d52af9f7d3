"""The joint Hill response of all behaviors of a cell type to their signals, many rules on many cells at once.

The grammar is the one of Johnson et al. 2025 (doi:10.1016/j.cell.2025.06.048): up-regulating signals act first on the
base value, down-regulating ones on the result. Each signal pulls towards its own value, (value + Σ wᵢ·tᵢ) / (1 + Σ wᵢ)
with wᵢ = (s/h)^n; with one common value the published formula comes back.

One rule on some hundred cells is a handful of multiplications, far less than the calls that ask for them. So the terms
of all behaviors are rows of one matrix, (terms, cells), and a layer of them, the first of every behavior, then the
second, is added at a time. Sums are taken in the order in which the rules are written, so that a value does not depend
on what else is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Gate", "Pulls", "Rulebook", "Weight", "hill", "respond", "rulebook"]

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

# Cells worked on at once: few calls, and a matrix of some sixty terms that stays in the cache.
_BLOCK = 4096

Weight = tuple[int, float, float, tuple[str, ...]]
"""What a term weighs: number of its signal, half-max, Hill power, and the pathways that carry it."""
Gate = tuple[int, float, float]
"""A scale: number of its signal, half-max, Hill power."""


def hill(signal: Array, half_max: float, power: float) -> Array:
    """Return s^n / (h^n + s^n), in [0, 1], shape of `signal`; small integer powers avoid `pow`."""
    ratio = signal * (1.0 / half_max)
    # Most rules have power 1, 2 or 4, and `pow` costs ten times a multiplication.
    if power == 2.0:
        ratio = ratio * ratio
    elif power == 4.0:
        ratio *= ratio
        ratio = ratio * ratio
    elif power != 1.0:
        ratio = np.power(ratio, power)
    return ratio / (1.0 + ratio)


@dataclass(frozen=True, eq=False)
class Pulls:
    """The terms of one direction, layer after layer: the first of every program that has any, then the second.

    programs: those with terms, those with most of them first, so that a layer belongs to the first few.
    layers: (first row, row past the last) of each. targets: (terms, 1), the values that the terms pull to.
    """

    programs: Numbers
    layers: tuple[tuple[int, int], ...]
    targets: Array


@dataclass(frozen=True, eq=False)
class Rulebook:
    """The programs of one cell type as arrays.

    signals: the signals asked for; the rows of what `respond` is given. base: (programs, 1).
    source, inverse: of every distinct weight, the row of its signal and 1 / half-max, (weights, 1).
    powers: (first row, row past the last, Hill power); weights of one power stand together.
    pathways: of every weight, those that carry it. terms: weight of every term, of what increases and then of what
    decreases. gates: (program, row of the signal, half-max, power).
    """

    signals: tuple[int, ...]
    base: Array
    source: Numbers
    inverse: Array
    powers: tuple[tuple[int, int, float], ...]
    pathways: tuple[tuple[str, ...], ...]
    terms: Numbers
    ups: Pulls
    downs: Pulls
    gates: tuple[tuple[int, int, float, float], ...]


def rulebook(
    base: Sequence[float],
    ups: Sequence[Sequence[tuple[Weight, float]]],
    downs: Sequence[Sequence[tuple[Weight, float]]],
    gates: Sequence[Gate | None],
) -> Rulebook:
    """Arrange the programs: for each its base, the (weight, target) of what increases and decreases, and its scale."""
    heard = [weight for program in (*ups, *downs) for weight, _ in program]
    weights = sorted(dict.fromkeys(heard), key=lambda weight: weight[2])
    asked = [weight[0] for weight in weights] + [gate[0] for gate in gates if gate is not None]
    signals = tuple(sorted(set(asked)))
    row = {signal: number for number, signal in enumerate(signals)}
    rank = {weight: number for number, weight in enumerate(weights)}
    power = [weight[2] for weight in weights]
    edges = [n for n in range(len(power) + 1) if n in (0, len(power)) or power[n] > power[n - 1]]
    up, increasing = _pulls(ups)
    down, decreasing = _pulls(downs)
    return Rulebook(
        signals=signals,
        base=_column(base),
        source=np.array([row[weight[0]] for weight in weights], dtype=np.intp),
        inverse=_column([1.0 / weight[1] for weight in weights]),
        powers=tuple((first, last, power[first]) for first, last in pairwise(edges)),
        pathways=tuple(weight[3] for weight in weights),
        terms=np.array([rank[weight] for weight in (*increasing, *decreasing)], dtype=np.intp),
        ups=up,
        downs=down,
        gates=tuple((n, row[gate[0]], gate[1], gate[2]) for n, gate in enumerate(gates) if gate is not None),
    )


def _pulls(programs: Sequence[Sequence[tuple[Weight, float]]]) -> tuple[Pulls, list[Weight]]:
    """The terms of `programs` in layers, and the weight of each."""
    order = sorted((n for n, terms in enumerate(programs) if terms), key=lambda n: -len(programs[n]))
    deepest = max((len(terms) for terms in programs), default=0)
    layers = [[programs[n][depth] for n in order if len(programs[n]) > depth] for depth in range(deepest)]
    edges = np.cumsum([0, *map(len, layers)]).tolist()
    targets = _column([target for layer in layers for _, target in layer])
    pulls = Pulls(programs=np.array(order, dtype=np.intp), layers=tuple(pairwise(edges)), targets=targets)
    return pulls, [weight for layer in layers for weight, _ in layer]


def _column(values: Sequence[float]) -> Array:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def respond(rules: Rulebook, signals: Array, left: Array | None = None) -> Array:
    """Values (programs, n) of all behaviors for `signals` (len(rules.signals), n).

    `left` (weights,) is the share of its strength that every weight keeps, all of it by default.
    """
    count = signals.shape[1]
    values = np.empty((len(rules.base), count))
    for first in range(0, count, _BLOCK):
        block = slice(first, first + _BLOCK)
        heard, value = signals[:, block], values[:, block]
        value[...] = rules.base
        weights = _weights(rules, heard, left)[rules.terms]
        _pull(value, weights[: len(rules.ups.targets)], rules.ups)
        _pull(value, weights[len(rules.ups.targets) :], rules.downs)
        for program, signal, half_max, power in rules.gates:
            value[program] *= hill(heard[signal], half_max, power)
    return values


def _weights(rules: Rulebook, signals: Array, left: Array | None) -> Array:
    """(s / h)^n of every weight, (weights, n); small integer powers by multiplication, which is ten times faster."""
    weights: Array = signals[rules.source]
    weights *= rules.inverse
    for first, last, power in rules.powers:
        rows = weights[first:last]
        if power == 2.0:
            rows *= rows
        elif power == 3.0:
            rows *= rows * rows
        elif power == 4.0:
            rows *= rows
            rows *= rows
        elif power != 1.0:
            np.power(rows, power, out=rows)
    if left is not None:
        weights *= left[:, None]
    return weights


def _pull(values: Array, weights: Array, pulls: Pulls) -> None:
    """Pull `values` in place: (value + Σ wᵢ·tᵢ) / (1 + Σ wᵢ) for those that have terms; uses `weights` up."""
    if not pulls.layers:
        return
    top = values[pulls.programs]
    bottom = np.ones(top.shape)
    for first, last in pulls.layers:
        bottom[: last - first] += weights[first:last]
    weights *= pulls.targets
    for first, last in pulls.layers:
        top[: last - first] += weights[first:last]
    top /= bottom
    values[pulls.programs] = top
