"""Addressed randomness: statistics at a false alarm of 1e-6 a test, exactness, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tme_abm.core import draws
from tme_abm.core.errors import TmeError

FALSE_ALARM = 1e-6
KEYS = np.arange(1 << 18, dtype=np.uint64)
GOLDEN_BITS = [6665532699715821247, 10099526103932520429, 8554944863328808542]
GOLDEN_UNIFORM = [0.862820595517545]
GOLDEN_CHILDREN = [3416180857649857548, 11199400077541252693]
PATTERNS = {
    "consecutive": KEYS,
    "high bits": KEYS << np.uint64(40),
    "strided": KEYS * np.uint64(4096) + np.uint64(17),
    "signed": -np.arange(1 << 18, dtype=np.int64),
    "lineage": draws.child_keys(KEYS, 3),
}


def even(counts: NDArray[np.int64]) -> bool:
    """Whether counts could come from equally likely bins."""
    return bool(stats.chisquare(counts.ravel()).pvalue > FALSE_ALARM)


def joint(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.bincount((first * 32).astype(int) * 32 + (second * 32).astype(int), minlength=1024)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("shift", [0, 27, 54])
def test_high_middle_and_low_bits_are_even(pattern: str, shift: int) -> None:
    drawn = draws.bits(1, "hits", 2, PATTERNS[pattern])
    bins = (drawn >> np.uint64(shift)) & np.uint64(1023)
    assert even(np.bincount(bins.astype(np.int64), minlength=1024))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_neighboring_keys_are_independent(pattern: str) -> None:
    drawn = draws.uniform(1, "hits", 2, PATTERNS[pattern])
    assert even(joint(drawn[::2], drawn[1::2]))


@pytest.mark.parametrize(
    "other",
    [(2, "hits", 2, 0), (1, "migration", 2, 0), (1, "hits", 3, 0), (1, "hits", 2, 1), (2, "hits", 1, 0)],
    ids=["seed", "stream", "step", "lane", "seed and step"],
)
def test_addresses_that_differ_in_one_part_are_independent(other: tuple[int, str, int, int]) -> None:
    seed, stream, step, lane = other
    first = draws.uniform(1, "hits", 2, KEYS)
    second = draws.uniform(seed, stream, step, KEYS, lane)
    assert even(joint(first, second))


def test_one_key_through_many_steps_is_even_and_serially_independent() -> None:
    drawn = np.concatenate([draws.uniform(1, "hits", step, np.arange(16)) for step in range(2048)])
    by_key = drawn.reshape(2048, 16)
    assert even(np.bincount((drawn * 256).astype(int), minlength=256))
    pairs = np.stack([by_key[:-1].ravel(), by_key[1:].ravel()])[:, ::2]
    assert even(np.bincount((pairs[0] * 16).astype(int) * 16 + (pairs[1] * 16).astype(int), minlength=256))


@pytest.mark.parametrize("part", ["key", "seed", "step"])
def test_every_input_bit_flips_half_of_the_output_bits(part: str) -> None:
    keys = draws.child_keys(np.arange(2048), 0)
    before = draws.bits(5, "hits", 9, keys)
    flips = np.empty((64, 64))
    for bit in range(64):
        flip = 1 << bit
        after = draws.bits(
            5 ^ flip if part == "seed" else 5,
            "hits",
            9 ^ flip if part == "step" else 9,
            keys ^ np.uint64(flip) if part == "key" else keys,
        )
        changed = (before ^ after)[:, None] >> np.arange(64, dtype=np.uint64)
        flips[bit] = (changed & np.uint64(1)).sum(axis=0)
    limit = stats.norm.isf(FALSE_ALARM / flips.size / 2)
    assert np.abs(flips - keys.size / 2).max() < limit * np.sqrt(keys.size) / 2


def test_a_draw_does_not_depend_on_the_array_it_is_in() -> None:
    keys = np.arange(20_000, dtype=np.uint64)
    whole = draws.bits(7, "push", 1, keys)
    order = np.argsort(whole)
    assert (draws.bits(7, "push", 1, keys[order]) == whole[order]).all()
    assert (draws.bits(7, "push", 1, keys[8190:8195]) == whole[8190:8195]).all()
    assert (draws.bits(7, "push", 1, keys.reshape(100, 200)[:, ::2]) == whole.reshape(100, 200)[:, ::2]).all()
    assert draws.bits(7, "push", 1, 12) == whole[12]
    assert len(np.unique(whole)) == whole.size


def test_the_keys_are_left_alone() -> None:
    keys = np.arange(10, dtype=np.uint64)
    draws.uniform(1, "hits", 0, keys)
    assert (keys == np.arange(10)).all()


def test_golden_values_hold_on_every_machine() -> None:
    assert draws.bits(1, "hits", 2, np.array([0, 1, 2**64 - 1], dtype=np.uint64)).tolist() == GOLDEN_BITS
    assert draws.uniform(2026, "migration", 100, [42]).tolist() == GOLDEN_UNIFORM
    assert draws.child_keys([1, 2], 7).tolist() == GOLDEN_CHILDREN


def test_uniform_lies_below_one() -> None:
    drawn = draws.uniform(3, "phase", 0, KEYS)
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0


@pytest.mark.parametrize("mean", [0.02, 0.5, 3.0, 9.9, 10.1, 60.0, 2000.0])
def test_poisson_counts_follow_the_distribution(mean: float) -> None:
    drawn = draws.poisson(4, "hits", 0, KEYS[:60_000], mean)
    low, high = (int(stats.poisson.ppf(q, mean)) for q in (1e-3, 1 - 1e-3))
    edges = np.arange(low, high + 1)
    expected = np.diff(np.concatenate([[0.0], stats.poisson.cdf(edges, mean), [1.0]])) * drawn.size
    observed = np.bincount(np.clip(drawn, low, high + 1) - low, minlength=edges.size + 1)
    assert stats.chisquare(observed, expected).pvalue > FALSE_ALARM


def test_poisson_is_monotone_in_the_mean_and_does_not_mix_rows() -> None:
    keys = KEYS[:500]
    means = np.linspace(0.0, 14.0, 57)
    counts = np.stack([draws.poisson(4, "hits", 0, keys, mean) for mean in means])
    assert (np.diff(counts, axis=0) >= 0).all()
    assert not counts[0].any()
    mixed = np.resize(means, keys.size)
    assert (draws.poisson(4, "hits", 0, keys, mixed) == counts[np.arange(keys.size) % 57, np.arange(keys.size)]).all()


def test_daughters_have_keys_of_their_own() -> None:
    mothers = np.arange(1000, dtype=np.uint64)
    everyone = np.concatenate([mothers, draws.child_keys(mothers, 1), draws.child_keys(mothers, 2)])
    everyone = np.concatenate([everyone, draws.child_keys(mothers, 1, lane=1)])
    assert len(np.unique(everyone)) == 4000


def test_no_keys_no_draws() -> None:
    assert draws.uniform(1, "hits", 0, []).shape == (0,)
    assert draws.poisson(1, "hits", 0, np.empty(0, dtype=np.uint64), 3.0).shape == (0,)


def test_what_cannot_be_an_address_is_refused() -> None:
    with pytest.raises(TmeError, match="did you mean 'migration'"):
        draws.uniform(1, "migrations", 0, KEYS[:3])
    with pytest.raises(TmeError, match="step"):
        draws.uniform(1, "hits", -1, KEYS[:3])
    with pytest.raises(TmeError, match="seed"):
        draws.uniform(1.5, "hits", 0, KEYS[:3])  # type: ignore[arg-type]
    with pytest.raises(TmeError, match="integers"):
        draws.uniform(1, "hits", 0, np.zeros(3))
    for mean in (-1.0, np.nan, np.inf):
        with pytest.raises(TmeError, match="Poisson"):
            draws.poisson(1, "hits", 0, KEYS[:3], mean)


def test_several_lanes_at_once_are_one_after_the_other() -> None:
    lanes = (4, 0, 7)
    for keys in (KEYS[:0], KEYS[:5], KEYS[:20_000]):
        together = draws.uniforms(3, "migration", 9, keys, lanes)
        assert together.shape == (3, len(keys))
        for lane, drawn in zip(lanes, together, strict=True):
            np.testing.assert_array_equal(drawn, draws.uniform(3, "migration", 9, keys, lane))
