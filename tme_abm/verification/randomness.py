"""Randomness: arms that share their random numbers, and draws that are even and independent.

Every test of the draws gives a two-sided p-value: draws that are too even fail, too. The kinds of tests share a
false-alarm rate of 1e-6 equally, and so do the tests of a kind (Bonferroni). The figure of a kind is its smallest
p-value times the number of its tests. Addresses are fixed, so results are reproducible.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..core import draws
from ..core.units import MINUTES_PER_DAY
from ..observe.metrics import measure_wells
from ..scenario import Scenario
from .check import FALSE_ALARM, Check, Found, Series, at_least, at_most, plot
from .dishes import small
from .lattices import Array
from .works import Bits, Works, counting, other_seeds

__all__ = ["CHECKS"]

TOPIC = "Randomness"

# ------------------------------------------------------------------------------------------ common random numbers

_WELLS = 24
_DAYS = 1.0
_LEAST = {"tumor cells": 0.5, "CD8 cells": 0.5, "CD8 core": 0.5, "kills": 0.2}


def _arm(antigenicity: float) -> Scenario:
    # Steps of 20 min: the same for both arms, and half the cost.
    return small("hot", days=_DAYS, **{"tumor.traits.antigenicity": antigenicity, "clock.dt": "20 min"})


def _outcomes(works: Works, scenario: Scenario) -> dict[str, Array]:
    model = works.model(scenario, 1, _WELLS)
    for _ in range(round(_DAYS * MINUTES_PER_DAY / model.tissue.clock.dt)):
        model.step()
    measures = measure_wells(model)
    return {what: np.array([well[what] for well in measures]) for what in _LEAST}


def _difference(works: Works) -> float:
    """The largest difference between two runs of one scenario and seed, over all arrays; inf if shapes differ."""
    states = []
    for _ in range(2):
        model = works.model(_arm(0.9), 3, 1)
        for _ in range(12):
            model.step()
        states.append(model.state())
    one, other = states
    if any(one[name].shape != other[name].shape for name in one):
        return float("inf")
    return max(
        float(np.abs(one[name].astype(np.float64) - other[name].astype(np.float64)).max(initial=0.0)) for name in one
    )


@Check(
    name="common-random-numbers",
    topic=TOPIC,
    says="Two arms that differ by a little antigenicity (0.9 against 0.85) are correlated well by well after a day, "
    "and arms that do not differ are equal.",
    formula="correlation ρ over 24 wells; variance of a difference, independent arms : paired arms = 1/(1 − ρ) for "
    "equal variances",
    source="doi:10.1287/mnsc.38.6.884",
    bounds=(
        *(at_least(f"{what}: correlation", least,
                   reason="few kills a well, each of which depends on several draws: pairing helps from 0.2 on"
                   if what == "kills" else
                   "from 0.5 on pairing saves at least half of the replicates; independent arms have 0 ± 0.2 in "
                   "24 wells")
          for what, least in _LEAST.items()),
        at_least("tumor cells: variance of the difference, independent : paired", 2.0,
                 reason="2 at a correlation of 0.5; the factor by which fewer replicates are needed"),
        at_most("equal arms: largest difference in anything", 0.0,
                reason="the same scenario and seed are the same run, bit for bit"),
    ),
    defect=other_seeds(),
    defect_says="models with the same seed have different random numbers",
    quick=False,
)
def common_random_numbers(works: Works) -> Found:
    """Small hot tumors with vessels and blood."""
    one, other = _outcomes(works, _arm(0.9)), _outcomes(works, _arm(0.85))
    figures = {f"{what}: correlation": float(np.corrcoef(one[what], other[what])[0, 1]) for what in _LEAST}
    a, b = one["tumor cells"], other["tumor cells"]
    apart = float(a.var(ddof=1) + b.var(ddof=1))
    figures["tumor cells: variance of the difference, independent : paired"] = apart / float((a - b).var(ddof=1))
    figures["equal arms: largest difference in anything"] = _difference(works)
    plots = []
    for what in ("tumor cells", "CD8 cells"):
        ends = [one[what].min(), one[what].max()]
        curves: list[Series] = [("wells", one[what], other[what], "dots"), ("equal", ends, ends, "dashes")]
        plots.append(plot(f"{what} in 24 wells", "antigenicity 0.9", "antigenicity 0.85", curves))
    return figures, plots


# ---------------------------------------------------------------------------------------------------------- draws

Keys = NDArray[np.uint64]
_STREAMS = ("migration", "hits", "division", "priority", "apoptosis", "binding")


def patterns(count: int) -> dict[str, Keys]:
    """Keys in patterns that occur, and in patterns that are hard for a generator."""
    number = np.arange(count, dtype=np.uint64)
    return {
        "consecutive": number,
        "strided": number * np.uint64(4096) + np.uint64(17),
        "in the high bits": number << np.uint64(40),
        "daughters": draws.child_keys(number, 3),
        "Gray code": number ^ (number >> np.uint64(1)),
    }


def _uniform(bits: NDArray[np.uint64]) -> Array:
    return np.asarray((bits >> np.uint64(11)) * 2.0**-53)


def two_sided(p: float) -> float:
    """The p-value of both tails from that of one."""
    return 2 * min(p, 1 - p)


def even(counts: NDArray[np.integer]) -> float:
    """The p-value of Pearson's χ² for counts that should be equal."""
    return two_sided(float(stats.chisquare(counts.ravel()).pvalue))


def even_bits(bits: Keys, shift: int) -> float:
    """The p-value of ten bits from `shift` on, in 1024 bins."""
    return even(np.bincount(((bits >> np.uint64(shift)) & np.uint64(1023)).astype(np.int64), minlength=1024))


def monobit(bits: Keys) -> float:
    """The p-value of that bit of 64 which is set most unevenly."""
    set_bits = ((bits[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)).sum(axis=0)
    worst = np.abs(set_bits - len(bits) / 2).max() / np.sqrt(len(bits) / 4)
    return float(min(1.0, 64 * 2 * stats.norm.sf(worst)))


def joint(one: Array, other: Array) -> float:
    """The p-value of pairs in 32 × 32 boxes."""
    return even(np.bincount((one * 32).astype(np.int64) * 32 + (other * 32).astype(np.int64), minlength=1024))


def correlation(one: Array, other: Array) -> float:
    """The p-value of Pearson's correlation of uniform numbers, which is normal for many."""
    r = float(np.corrcoef(one, other)[0, 1])
    return float(2 * stats.norm.sf(abs(r) * np.sqrt(len(one))))


def kolmogorov(drawn: Array) -> float:
    """The p-value of Kolmogorov and Smirnov against the uniform distribution."""
    return two_sided(float(stats.kstest(drawn, "uniform").pvalue))


def orders(drawn: Array) -> float:
    """The p-value of the 120 orders of five successive numbers."""
    ranks = np.argsort(drawn[: len(drawn) // 5 * 5].reshape(-1, 5), axis=1)
    return even(np.unique(ranks @ 5 ** np.arange(5), return_counts=True)[1])


def runs(drawn: Array) -> float:
    """The p-value of the number of times that successive numbers cross one half (Wald and Wolfowitz)."""
    high = drawn > 0.5
    crossings = int((high[1:] != high[:-1]).sum())
    return two_sided(float(stats.binom.cdf(crossings, len(high) - 1, 0.5)))


def collisions(bits: Keys) -> float:
    """The p-value of coincidences among the high 32 bits, which are Poisson with mean n²/2^33 (birthdays)."""
    met = len(bits) - len(np.unique(bits >> np.uint64(32)))
    expected = len(bits) ** 2 / 2**33
    return two_sided(float(stats.poisson.cdf(met, expected) - stats.poisson.pmf(met, expected) / 2))


def avalanche(bits: Callable[[int], Keys], count: int) -> float:
    """The p-value of changes by a flipped bit of an address: every bit of the outcome changes in half of the cases."""
    before = bits(0)
    places = np.arange(64, dtype=np.uint64)
    flips = np.stack([(((before ^ bits(1 << bit))[:, None] >> places) & np.uint64(1)).sum(axis=0) for bit in range(64)])
    worst = np.abs(flips - count / 2).max() / np.sqrt(count / 4)
    return float(min(1.0, flips.size * 2 * stats.norm.sf(worst)))


def _uniformity(bits: Bits, count: int) -> dict[str, float]:
    """p-values of each stream and pattern of keys."""
    found: dict[str, float] = {}
    for pattern, keys in patterns(count).items():
        for stream in _STREAMS[:3]:
            drawn = bits(1, stream, 2, keys, 0)
            numbers = _uniform(drawn)
            where = f"{stream}, keys {pattern}"
            found |= {f"bits {shift}+, {where}": even_bits(drawn, shift) for shift in (0, 11, 27, 43, 54)}
            found |= {
                f"each bit, {where}": monobit(drawn[: 1 << 15]),
                f"Kolmogorov, {where}": kolmogorov(numbers),
                f"orders of five, {where}": orders(numbers),
                f"runs, {where}": runs(numbers),
                f"birthdays, {where}": collisions(drawn),
            }
    return found


def _serial(bits: Bits, count: int) -> dict[str, float]:
    """p-values of neighboring keys, and of one key over the steps."""
    found: dict[str, float] = {}
    for pattern, keys in patterns(count).items():
        numbers = _uniform(bits(1, "migration", 2, keys, 0))
        found[f"neighbors, {pattern}"] = joint(numbers[::2], numbers[1::2])
        found |= {f"lag {lag}, {pattern}": correlation(numbers[:-lag], numbers[lag:]) for lag in (1, 2, 64, 1001)}
    course = np.stack([_uniform(bits(1, "migration", step, np.arange(64), 0)) for step in range(count // 64)])
    found["one key, step to step"] = joint(course[:-1:2].ravel(), course[1::2].ravel())
    for lag in (1, 2, 144):
        found[f"one key, lag {lag} steps"] = correlation(course[:-lag].ravel(), course[lag:].ravel())
    found["one key, all steps"] = kolmogorov(course.ravel())
    return found


def _independence(bits: Bits, count: int) -> dict[str, float]:
    """p-values of addresses that differ in one part."""
    keys = np.arange(count, dtype=np.uint64)
    base = _uniform(bits(1, "migration", 2, keys, 0))
    others = {f"stream {stream}": (1, stream, 2, 0) for stream in _STREAMS[1:]}
    others |= {f"step {step}": (1, "migration", step, 0) for step in (0, 1, 3, 4, 1026)}
    others |= {f"lane {lane}": (1, "migration", 2, lane) for lane in (1, 2, 3, 64)}
    others |= {f"seed {seed}": (seed, "migration", 2, 0) for seed in (0, 2, 3, 2**32 + 1)}
    others["seed 2, step 1"] = (2, "migration", 1, 0)
    others["step 1, lane 1"] = (1, "migration", 1, 1)
    found = {}
    for name, (seed, stream, step, lane) in others.items():
        other = _uniform(bits(seed, stream, step, keys, lane))
        found[f"{name}: pairs"] = joint(base, other)
        found[f"{name}: correlation"] = correlation(base, other)
        # Streams that are shifted copies of each other would pass both.
        found[f"{name}: shifted by one"] = correlation(base[1:], other[:-1])
    return found


def _flipped(bits: Bits, count: int) -> dict[str, float]:
    """p-values of flipped bits of key, seed, step and lane."""
    keys = draws.child_keys(np.arange(count), 0)
    of_part: dict[str, Callable[[int], Keys]] = {
        "key": lambda flip: bits(5, "hits", 9, keys ^ np.uint64(flip), 3),
        "seed": lambda flip: bits(5 ^ flip, "hits", 9, keys, 3),
        "step": lambda flip: bits(5, "hits", 9 ^ flip, keys, 3),
        "lane": lambda flip: bits(5, "hits", 9, keys, 3 ^ flip),
    }
    return {part: avalanche(partial(change), count) for part, change in of_part.items()}


def _laws(bits: Bits, count: int) -> dict[str, float]:
    """p-values of the Poisson numbers of the model."""
    keys = np.arange(count, dtype=np.uint64)
    found: dict[str, float] = {}
    for mean in (0.02, 0.5, 3.0, 9.9, 10.1, 60.0, 2000.0):
        drawn = draws.poisson(4, "hits", 0, keys, mean)
        low, high = (int(stats.poisson.ppf(q, mean)) for q in (1e-3, 1 - 1e-3))
        edges = np.arange(low, high + 1)
        expected = np.diff(np.concatenate([[0.0], stats.poisson.cdf(edges, mean), [1.0]])) * drawn.size
        observed = np.bincount(np.clip(drawn, low, high + 1) - low, minlength=edges.size + 1)
        found[f"Poisson, mean {mean:g}"] = two_sided(float(stats.chisquare(observed, expected).pvalue))
    # The uniform numbers of the model are those of its bits.
    if not np.array_equal(draws.uniform(1, "hits", 2, keys), _uniform(bits(1, "hits", 2, keys, 0))):
        found["uniform numbers are those of the bits"] = 0.0
    return found


_FLIPPED = "a flipped bit of the address changes half"
_KINDS: dict[str, Callable[[Bits, int], dict[str, float]]] = {
    "even": _uniformity,
    "independent between keys and in time": _serial,
    "independent between streams, steps, lanes, seeds": _independence,
    _FLIPPED: _flipped,
    "Poisson numbers": _laws,
}
def _tested(works: Works, sizes: dict[str, int]) -> Found:
    figures: dict[str, float] = {}
    every: list[float] = []
    for kind, tests in _KINDS.items():
        found = tests(works.bits, sizes[kind])
        figures[f"{kind}: p"] = min(1.0, len(found) * min(found.values()))
        every += [p for name, p in found.items() if "each bit" not in name and kind != _FLIPPED]
    ordered = np.sort(every)
    # Spread over 0 to 1 as chances are; tests on the same numbers are not quite independent, hence a distance and no p.
    rank = (np.arange(len(ordered)) + 0.5) / len(ordered)
    figures["p-values of all tests: distance from even"] = float(np.abs(ordered - rank).max())
    curves: list[Series] = [("tests", rank, ordered, "dots"), ("expected", (0.0, 1.0), (0.0, 1.0), "dashes")]
    return figures, [plot(f"p-values of {len(ordered)} tests, in order", "rank", "p", curves)]


_of_draws = partial(
    Check,
    topic=TOPIC,
    formula="χ², Kolmogorov–Smirnov, runs, orders of five, birthdays, correlations, avalanche; smallest p × number of "
    "tests; false-alarm rate 1e-6 over all",
    source="doi:10.1145/1268776.1268777",
    bounds=(
        *(at_least(f"{kind}: p", FALSE_ALARM / len(_KINDS),
                   reason="smallest p-value times number of tests; good draws fall below in any of the five kinds "
                   "once in a million times")
          for kind in _KINDS),
        at_most("p-values of all tests: distance from even", 0.2,
                reason="Kolmogorov's distance of 200 and more: 2 exp(−2 · 200 · 0.2²), less than once in a million "
                "times"),
    ),
    defect=counting(),
    defect_says="draws are multiples of the golden ratio: even, but each follows from the one before",
)
_SAYS = (
    "The draws are even and independent between keys, streams, steps, lanes and seeds, whatever the pattern of the keys"
)


@_of_draws(name="random-draws", says=f"{_SAYS} (about 300 tests of up to 65,536 numbers each).")
def random_draws(works: Works) -> Found:
    """Sizes that take a few seconds."""
    return _tested(works, dict.fromkeys(_KINDS, 1 << 16) | {_FLIPPED: 1 << 10})


@_of_draws(name="random-draws-long", says=f"{_SAYS} (the same tests of up to a million numbers each).", quick=False)
def random_draws_long(works: Works) -> Found:
    """Eight to sixteen times as many numbers."""
    return _tested(works, dict.fromkeys(_KINDS, 1 << 20) | {"even": 1 << 19, _FLIPPED: 1 << 14})


CHECKS = (common_random_numbers, random_draws, random_draws_long)
