"""The joint Hill response of all behaviors of a cell type to their signals, many rules on many cells at once.

The grammar is the one of Johnson et al. 2025 (doi:10.1016/j.cell.2025.06.048): up-regulating signals act first on the
base value, down-regulating ones on the result. Each signal pulls towards its own value, (value + Σ wᵢ·tᵢ) / (1 + Σ wᵢ)
with wᵢ = (s/h)^n; with one common value the published formula comes back.

One rule on some hundred cells is a handful of multiplications, far less than the calls that ask for them. So the terms
of all behaviors are rows of one matrix, and a layer of them, the first of every behavior, then the second, is added at
a time. Sums are taken in the order in which the rules are written, so that a value does not depend on what else is
asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Gate", "Pulls", "Rulebook", "Weight", "respond", "rulebook"]

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

Pathway = tuple[int, str]
"""A pathway in cells of a kind, which a treatment may inhibit."""
Weight = tuple[int, float, float, tuple[Pathway, ...]]
"""What a term weighs: number of its signal, half-max, Hill power, and the pathways that carry it."""
Gate = tuple[int, float, float]
"""A scale: number of its signal, half-max, Hill power."""


@dataclass(frozen=True, eq=False)
class Pulls:
    """The terms of one direction, layer after layer: the first of every program that has any, then the second.

    programs: those with terms, those with most of them first, so that a layer belongs to the first few.
    terms: the weight of every term. targets: (terms, 1), the values that the terms pull to. layers: (number of
    programs, first term, term past the last) of each.
    """

    programs: Numbers
    terms: Numbers
    targets: Array
    layers: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, eq=False)
class Rulebook:
    """Programs as arrays.

    base: (programs, 1). source, inverse: of every distinct weight, the number of its signal and 1 / half-max,
    (weights, 1). powers: (first row, row past the last, Hill power); weights of one power stand together.
    pathways: of every weight, those that carry it. gated, gates: the programs with a scale, and its weight.
    """

    base: Array
    source: Numbers
    inverse: Array
    powers: tuple[tuple[int, int, float], ...]
    pathways: tuple[tuple[Pathway, ...], ...]
    ups: Pulls
    downs: Pulls
    gated: Numbers
    gates: Numbers


def rulebook(
    base: Sequence[float],
    ups: Sequence[Sequence[tuple[Weight, float]]],
    downs: Sequence[Sequence[tuple[Weight, float]]],
    gates: Sequence[Gate | None],
) -> Rulebook:
    """Arrange the programs: for each its base, the (weight, target) of what increases and decreases, and its scale."""
    scales: list[tuple[int, Weight]] = [(n, (*gate, ())) for n, gate in enumerate(gates) if gate is not None]
    heard = [weight for program in (*ups, *downs) for weight, _ in program] + [weight for _, weight in scales]
    weights = sorted(dict.fromkeys(heard), key=lambda weight: weight[2])
    rank = {weight: number for number, weight in enumerate(weights)}
    power = [weight[2] for weight in weights]
    edges = [n for n in range(len(power) + 1) if n in (0, len(power)) or power[n] > power[n - 1]]
    return Rulebook(
        base=_column(base),
        source=_numbers([weight[0] for weight in weights]),
        inverse=_column([1.0 / weight[1] for weight in weights]),
        powers=tuple((first, last, power[first]) for first, last in pairwise(edges)),
        pathways=tuple(weight[3] for weight in weights),
        ups=_pulls(ups, rank),
        downs=_pulls(downs, rank),
        gated=_numbers([program for program, _ in scales]),
        gates=_numbers([rank[weight] for _, weight in scales]),
    )


def _pulls(programs: Sequence[Sequence[tuple[Weight, float]]], rank: dict[Weight, int]) -> Pulls:
    """The terms of all programs in layers; `rank` numbers their weights."""
    order = sorted((n for n, terms in enumerate(programs) if terms), key=lambda n: -len(programs[n]))
    deepest = max((len(terms) for terms in programs), default=0)
    layers = [[programs[n][depth] for n in order if len(programs[n]) > depth] for depth in range(deepest)]
    terms = [term for layer in layers for term in layer]
    edges = np.cumsum([0, *map(len, layers)]).tolist()
    return Pulls(
        programs=_numbers(order),
        terms=_numbers([rank[weight] for weight, _ in terms]),
        targets=_column([target for _, target in terms]),
        layers=tuple((last - first, first, last) for first, last in pairwise(edges)),
    )


def _column(values: Sequence[float]) -> Array:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def _numbers(values: Sequence[int]) -> Numbers:
    return np.array(values, dtype=np.intp)


def respond(rules: Rulebook, signals: Array, left: Array | None = None) -> Array:
    """Values (programs, n) of all behaviors for `signals` (k, n), whose rows are the numbers of the signals.

    `left` (weights,) is the share of its strength that every weight keeps, all of it by default.
    """
    values = np.empty((len(rules.base), signals.shape[1]))
    values[...] = rules.base
    weights = _weights(rules, signals, left)
    _pull(values, weights, rules.ups)
    _pull(values, weights, rules.downs)
    if len(rules.gated):
        ratio = weights.take(rules.gates, axis=0)
        values[rules.gated] *= ratio / (1.0 + ratio)
    return values


def _weights(rules: Rulebook, signals: Array, left: Array | None) -> Array:
    """(s / h)^n of every weight, (weights, n); small integer powers by multiplication, which is ten times faster."""
    weights: Array = signals.take(rules.source, axis=0)
    weights *= rules.inverse
    for first, last, power in rules.powers:
        if power == 1.0:
            continue
        rows = weights[first:last]
        if power == 2.0:
            rows *= rows
        elif power == 3.0:
            rows *= rows * rows
        elif power == 4.0:
            rows *= rows
            rows *= rows
        else:
            np.power(rows, power, out=rows)
    if left is not None:
        weights *= left[:, None]
    return weights


def _pull(values: Array, weights: Array, pulls: Pulls) -> None:
    """Pull `values` in place: (value + Σ wᵢ·tᵢ) / (1 + Σ wᵢ) for those that have terms."""
    if not pulls.layers:
        return
    terms, top = weights.take(pulls.terms, axis=0), values.take(pulls.programs, axis=0)
    bottom = np.ones(top.shape)
    for programs, first, last in pulls.layers:
        here = bottom[:programs]
        here += terms[first:last]
    terms *= pulls.targets
    for programs, first, last in pulls.layers:
        here = top[:programs]
        here += terms[first:last]
    top /= bottom
    values[pulls.programs] = top
