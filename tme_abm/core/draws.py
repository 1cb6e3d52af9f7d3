"""Randomness that is addressed, never consumed.

A draw is a pure function of (seed, stream, step, key, lane). No generator exists, so none is stored, passed or
advanced: two arms of an experiment share their randomness cell by cell (common random numbers), a run resumes
exactly from its arrays and its step number, and neither the order of processes nor the number of workers matters.

The stream names the purpose of the draw (:data:`STREAMS`), the key is the identity of a cell or a site, the
lane distinguishes several draws for one purpose in one step. (seed, stream, step, lane) is hashed once into two words;
each key then passes two rounds of a 64-bit finalizer (Stafford's variant 13 of MurmurHash3's), one word added before
each round, so that streams are not shifted copies of one another. Arrays are worked on in blocks that stay in cache.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import TmeError, nearest

__all__ = ["STREAMS", "bits", "child_keys", "poisson", "uniform", "uniforms"]

STREAMS: Mapping[str, str] = MappingProxyType(
    {
        "placement": "where the starting cells are",
        "vessels": "where the vessels are",
        "stroma": "where the cells of the stroma are",
        "phase": "where in its cycle or state a starting cell is",
        "division": "whether a cell divides in this step",
        "apoptosis": "whether a cell dies by apoptosis",
        "necrosis": "whether a cell dies by necrosis",
        "clearance": "whether a dead cell is removed",
        "binding": "whether a killer binds a target it touches",
        "detachment": "whether a bound killer lets go",
        "target": "which of several touched targets is chosen",
        "hits": "how many hits a bound killer lands",
        "differentiation": "whether a cell becomes another type",
        "recruitment": "how many leukocytes leave a vessel",
        "arrival": "at which site around a vessel an arriving leukocyte stands",
        "migration": "where a moving cell goes",
        "priority": "who wins when several want one site",
        "push": "in which direction a daughter pushes",
        "depletion": "which cells an intervention removes",
        "infusion": "which cells an intervention adds",
        "lineage": "the key of a daughter",
        "section": "where in its site a cell of a section is shown",
        "prior": "which of its plausible values a number of the catalogue has",
    }
)
"""Stream -> what it decides. A stream's number is a hash of its name: adding one changes no other."""

_BLOCK = 1 << 15  # keys worked on at once: few calls; block and scratch, 256 kB each, stay in the second-level cache
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, the increment of splitmix64
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # Stafford's variant 13 multipliers, as in splitmix64
# As arrays, which numpy reads in half the time of scalars; for some hundred keys that is most of a draw.
_SHIFTS = tuple(np.array(number, dtype=np.uint64) for number in (30, 27, 31))
_FACTORS = tuple(np.array(number, dtype=np.uint64) for number in (_FIRST, _SECOND))
# Bits beyond the 53 of a float. What is left has no sign, and signed integers become floats in half the time.
_REST = np.array(11, dtype=np.uint64)
_EXACT_MEAN = 10.0  # below it the Poisson distribution is summed term by term


def bits(seed: int, stream: str, step: int, keys: ArrayLike, lane: int = 0) -> NDArray[np.uint64]:
    """64 random bits for each key, in the shape of `keys` (integers of any width).

    Raises TmeError if the stream is unknown, a seed, step or lane is no integer of 0 .. 2^64 - 1, or keys are not
    integers.
    """
    before, between = _words(seed, stream, step, lane)
    array = _as_keys(keys)
    if array.size <= _BLOCK:
        return _mixed(array, before, between)
    flat, mixed = array.reshape(-1), np.empty(array.size, dtype=np.uint64)
    for start in range(0, array.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        mixed[block] = _mixed(flat[block], before, between)
    return mixed.reshape(array.shape)


def uniform(seed: int, stream: str, step: int, keys: ArrayLike, lane: int = 0) -> NDArray[np.float64]:
    """A number in [0, 1) for each key, a multiple of 2^-53."""
    drawn = bits(seed, stream, step, keys, lane)
    np.right_shift(drawn, _REST, out=drawn)
    return np.multiply(drawn.view(np.int64), 2.0**-53, dtype=np.float64)


def uniforms(
    seed: int, stream: str, step: int, keys: NDArray[np.uint64], lanes: Sequence[int]
) -> NDArray[np.float64]:
    """`uniform` for the same `keys` (n,) in several `lanes`, (len(lanes), n); faster than one call a lane."""
    words = [_words(seed, stream, step, lane) for lane in lanes]
    before, between = (np.array(word, dtype=np.uint64)[:, None] for word in zip(*words, strict=True))
    drawn = np.empty((len(lanes), len(keys)))
    width = max(_BLOCK // len(lanes), 1)
    for start in range(0, len(keys), width):
        block = _mixed(keys[start : start + width], before, between)
        np.right_shift(block, _REST, block)
        np.multiply(block.view(np.int64), 2.0**-53, out=drawn[:, start : start + width])
    return drawn


def poisson(seed: int, stream: str, step: int, keys: ArrayLike, mean: ArrayLike, lane: int = 0) -> NDArray[np.int64]:
    """A Poisson count for each key; `mean` broadcasts to the shape of `keys`.

    By inversion of one uniform a key: for the same address a larger mean never gives a smaller count. Raises TmeError
    if a mean is negative or not finite.
    """
    chance = uniform(seed, stream, step, keys, lane)
    means = np.broadcast_to(np.asarray(mean, dtype=np.float64), chance.shape)
    if means.size and not (np.isfinite(means).all() and means.min() >= 0.0):
        raise TmeError("the mean of a Poisson draw must be finite and not negative")
    chance_flat, means_flat = chance.ravel(), means.ravel()
    counts = np.zeros(chance_flat.shape, dtype=np.int64)
    large = means_flat >= _EXACT_MEAN
    if large.any():
        rows = np.flatnonzero(large)
        counts[rows] = _inverse_poisson(chance_flat[rows], means_flat[rows])
    _count_up(counts, chance_flat, means_flat, ~large)
    return counts.reshape(chance.shape)


def child_keys(keys: ArrayLike, step: int, lane: int = 0) -> NDArray[np.uint64]:
    """The keys of the daughters of `keys` in `step`. They do not depend on the seed, so arms and replicates agree."""
    return bits(0, "lineage", step, keys, lane)


def _mixed(keys: NDArray[np.uint64], before: NDArray[np.uint64], between: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`keys` after both rounds, one word added before each; the words broadcast."""
    block = np.asarray(keys + before)
    spare = np.empty_like(block)
    _finalize(block, spare)
    np.add(block, between, block)
    _finalize(block, spare)
    return block


def _finalize(block: NDArray[np.uint64], spare: NDArray[np.uint64]) -> None:
    """Stafford's variant 13, in place: a bijection in which each input bit flips half of the output bits."""
    np.right_shift(block, _SHIFTS[0], spare)
    np.bitwise_xor(block, spare, block)
    np.multiply(block, _FACTORS[0], block)
    np.right_shift(block, _SHIFTS[1], spare)
    np.bitwise_xor(block, spare, block)
    np.multiply(block, _FACTORS[1], block)
    np.right_shift(block, _SHIFTS[2], spare)
    np.bitwise_xor(block, spare, block)


@lru_cache(maxsize=4096)
def _words(seed: int, stream: str, step: int, lane: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The two words that (seed, stream, step, lane) is hashed to, each an array without axes."""
    word = _hashed(_hashed(_start(seed, stream), _number("step", step)), _number("lane", lane))
    return np.array(word, dtype=np.uint64), np.array(_hashed(word, 0), dtype=np.uint64)


@lru_cache(maxsize=256)
def _start(seed: int, stream: str) -> int:
    """The word that a seed and a stream are hashed to; cached, since it is the same in every step."""
    if stream not in STREAMS:
        guess = nearest(stream, STREAMS)
        raise TmeError(f"unknown stream of randomness '{stream}'" + (f"; did you mean '{guess}'?" if guess else ""))
    number = int.from_bytes(hashlib.blake2b(stream.encode(), digest_size=8).digest(), "little")
    return _hashed(_hashed(0, _number("seed", seed)), number)


def _hashed(word: int, part: int) -> int:
    """A word that depends on every bit of `word` and `part`."""
    word = (word + _GOLDEN) & _MASK ^ part
    word = (word ^ (word >> 30)) * _FIRST & _MASK
    word = (word ^ (word >> 27)) * _SECOND & _MASK
    return word ^ (word >> 31)


def _number(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TmeError(f"the {name} of a draw must be an integer, not {value!r}") from None
    if not 0 <= number <= _MASK:
        raise TmeError(f"the {name} of a draw must lie between 0 and 2^64 - 1, not {number}")
    return number


def _as_keys(keys: ArrayLike) -> NDArray[np.uint64]:
    array = np.asarray(keys)
    if array.size == 0:
        return np.zeros(array.shape, dtype=np.uint64)
    if array.dtype.kind not in "iu":
        raise TmeError(f"keys must be integers, not {array.dtype}")
    return array.astype(np.uint64, copy=False)


def _count_up(
    counts: NDArray[np.int64],
    chance: NDArray[np.float64],
    mean: NDArray[np.float64],
    small: NDArray[np.bool_],
) -> None:
    """Write the inverse of the distribution for small means into `counts`, term by term for all rows at once."""
    term = np.exp(-mean)
    rows = np.flatnonzero(small & (chance >= term))
    term, chance, mean = term[rows], chance[rows], mean[rows]
    total = term.copy()
    count = 0
    while rows.size:
        count += 1
        counts[rows] = count
        term = term * mean / count
        total = total + term
        # terms too small to move the sum: the rest of the distribution is below the resolution of the uniform
        going = (chance >= total) & ((term > total * 2.0**-54) | (count < mean))
        rows, term, chance, mean, total = rows[going], term[going], chance[going], mean[going], total[going]


def _inverse_poisson(chance: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.int64]:
    """Smallest count whose cumulative probability exceeds `chance`, for large means."""
    from scipy import special  # slow to import, and needed for large means only

    guess = np.ceil(special.pdtrik(np.maximum(chance, 2.0**-54), mean))
    below = np.maximum(guess - 1.0, 0.0)  # the continuous inverse may overshoot by one where it is flat
    counts: NDArray[np.int64] = np.where(special.pdtr(below, mean) > chance, below, guess).astype(np.int64)
    return counts
