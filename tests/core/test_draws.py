"""Addressed randomness: exactness and refusals; its statistics are a check of `verification` (random-draws)."""

from __future__ import annotations

import numpy as np
import pytest

from tme_abm.core import draws
from tme_abm.core.errors import TmeError

KEYS = np.arange(1 << 18, dtype=np.uint64)
GOLDEN_BITS = [6665532699715821247, 10099526103932520429, 8554944863328808542]
GOLDEN_UNIFORM = [0.862820595517545]
GOLDEN_CHILDREN = [3416180857649857548, 11199400077541252693]


def test_a_draw_does_not_depend_on_the_array_it_is_in() -> None:
    keys = np.arange(20_000, dtype=np.uint64)
    whole = draws.bits(7, "push", 1, keys)
    order = np.argsort(whole)
    assert (draws.bits(7, "push", 1, keys[order]) == whole[order]).all()
    assert (draws.bits(7, "push", 1, keys[8190:8195]) == whole[8190:8195]).all()
    assert (draws.bits(7, "push", 1, keys.reshape(100, 200)[:, ::2]) == whole.reshape(100, 200)[:, ::2]).all()
    assert draws.bits(7, "push", 1, 12) == whole[12]
    assert (draws.bits(7, "push", 1, -keys.astype(np.int64)) == draws.bits(7, "push", 1, -keys)).all()
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
