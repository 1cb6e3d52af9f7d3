"""Rates, responses, neighborhoods, choices and paths against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tme_abm.kernels.chance import choose, decay_factor, happened, probability, relax, rivals, two_way, winners
from tme_abm.kernels.receptors import occupancies, occupancy, receptors
from tme_abm.kernels.rules import respond, rulebook
from tme_abm.kernels.space import (
    contact_sum,
    direction_weights,
    moore_offsets,
    neighbor_table,
    offset_lengths,
    rimmed,
    rimmed_sum,
    site_steps,
    sites_within,
    spread,
    straight_path,
    sums_around,
)


def test_probability_composes_over_halved_steps() -> None:
    rate = np.array([0.0, 1e-6, 0.01, 0.3, 5.0])
    whole, half = probability(rate, 10.0), probability(rate, 5.0)
    np.testing.assert_allclose(1 - (1 - half) ** 2, whole, rtol=1e-12)
    assert whole[0] == 0.0
    np.testing.assert_allclose(whole[1], 1e-5, rtol=1e-5)


@pytest.mark.parametrize("dt", [0.1, 10.0, 1e5])
def test_two_way_reaches_the_balance_of_both_rates(dt: float) -> None:
    start = np.array([0.0, 0.2, 1.0])
    once = two_way(start, 0.03, 0.01, dt)
    twice = two_way(two_way(start, 0.03, 0.01, dt / 2), 0.03, 0.01, dt / 2)
    np.testing.assert_allclose(once, twice, rtol=1e-12)
    np.testing.assert_allclose(two_way(start, 0.03, 0.01, 1e9), 0.75)
    np.testing.assert_array_equal(two_way(start, 0.0, 0.0, dt), start)


def test_relax_follows_the_exponential() -> None:
    np.testing.assert_allclose(relax(np.array([3.0]), 1.0, 0.1, 10.0), 1.0 + 2.0 * np.exp(-1.0))


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0, 4.0, 1.26])
def test_a_scale_is_half_at_its_half_max(power: float) -> None:
    signal = np.array([[0.0, 0.5, 2.0, 7.0]])
    drive = (signal[0] / 2.0) ** power
    scaled = respond(rulebook([3.0], [[]], [[]], [(0, 2.0, power)]), signal)
    np.testing.assert_allclose(scaled[0], 3.0 * drive / (1.0 + drive))


def test_signals_with_one_target_give_the_joint_hill_of_the_grammar_paper() -> None:
    a, b = np.array([0.5]), np.array([2.0])
    joint = (a + b) / (1 + a + b)
    weights = [(n, 1.0, 1.0, ()) for n in range(2)]
    one, none = (rulebook([1.0], [[(weight, 5.0) for weight in some]], [[]], [None]) for some in (weights, []))
    np.testing.assert_allclose(respond(one, np.stack([a, b]))[0], (1 - joint) * 1.0 + joint * 5.0)
    assert respond(none, np.zeros((0, 1))) == 1.0


def test_occupancy_of_competing_ligands_and_an_antagonist() -> None:
    one, two = np.array([3.0]), np.array([8.0])
    np.testing.assert_allclose(occupancy([(one, 3.0)]), 0.5)
    np.testing.assert_allclose(occupancy([(one, 3.0), (two, 4.0)], 4.0), 3.0 / 8.0)
    # At the same antagonist, the shift of the half-occupancy is Gaddum's factor 1 + I/Ki.
    np.testing.assert_allclose(occupancy([(one * 5.0, 3.0)], 4.0), 0.5)


@pytest.mark.parametrize("antagonist", [False, True])
def test_receptors_at_once_are_one_after_the_other_bit_for_bit(antagonist: bool) -> None:
    levels = np.random.default_rng(4).uniform(0.0, 3.0, (4, 30))
    bound = [[(3, 0.3), (0, 1.7), (1, 0.9)], [(2, 0.4), (3, 5.0)], [(0, 0.11)], [(1, 2.3)]]
    inhibition = np.array([0.7, 0.0, 3.0, 0.1])
    together = occupancies(receptors(bound), levels, inhibition if antagonist else None)
    for one, ligands, against in zip(together, bound, inhibition, strict=True):
        alone = occupancy([(levels[row], kd) for row, kd in ligands], against if antagonist else 0.0)
        np.testing.assert_array_equal(one, alone)


def test_what_is_left_of_a_constant_is_what_is_left_of_an_array() -> None:
    rates = np.random.default_rng(5).uniform(0.0, 0.5, 50)
    expected = decay_factor(rates, 10.0)
    assert [decay_factor(rate, 10.0) for rate in rates.tolist()] == expected.tolist()
    assert [decay_factor(rate, 5.0) for rate in rates.tolist()] == decay_factor(rates, 5.0).tolist()


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
def test_neighbor_table_agrees_with_the_definition(shape: tuple[int, ...]) -> None:
    table, offsets = neighbor_table(shape), moore_offsets(len(shape))
    for site in range(int(np.prod(shape))):
        here = np.array(np.unravel_index(site, shape))
        for k, offset in enumerate(offsets):
            there = here + offset
            inside = ((there >= 0) & (there < shape)).all()
            expected = np.ravel_multi_index(tuple(there), shape) if inside else np.prod(shape)
            assert table[site, k] == expected
    np.testing.assert_allclose(offset_lengths(len(shape)) ** 2, (offsets**2).sum(axis=1))


@pytest.mark.parametrize("ndim", [2, 3])
def test_direction_weights_integrate_over_the_circle_or_sphere(ndim: int) -> None:
    """Powers up to the seventh of the component along any line have the mean that they have over all directions."""
    units, weights = moore_offsets(ndim) / offset_lengths(ndim)[:, None], direction_weights(ndim)
    for along in np.random.default_rng(1).normal(size=(20, ndim)):
        component = units @ (along / np.linalg.norm(along))
        for power in range(8):
            even = {2: math.comb(power, power // 2) / 2**power, 3: 1 / (power + 1)}[ndim]
            mean = 0.0 if power % 2 else even
            assert weights @ component**power == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 5)])
def test_contact_sum_agrees_with_the_definition(shape: tuple[int, ...]) -> None:
    levels = np.random.default_rng(1).random(int(np.prod(shape)))
    padded = np.append(levels, 0.0)
    expected = levels + padded[neighbor_table(shape)].sum(axis=1)
    before = levels.copy()
    np.testing.assert_allclose(contact_sum(levels, shape), expected)
    np.testing.assert_array_equal(levels, before)


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 5)])
def test_sums_around_a_few_sites_are_those_of_all_bit_for_bit(shape: tuple[int, ...]) -> None:
    wells, size = 2, int(np.prod(shape))
    rng = np.random.default_rng(1)
    place = rimmed(shape, wells)
    # Something stands at a third of the sites, the spots; several sites may share one.
    spots = np.zeros(wells * math.prod(n + 2 for n in shape), dtype=np.intp)
    spots[place] = np.maximum(rng.integers(-40, 20, wells * size), 0)
    levels = [rng.random(20), rng.integers(0, 2, 20).astype(np.float64)]
    for level in levels:
        level[0] = 0.0
    # More sites than are looked at in one go, many of them again and again.
    sites = np.random.default_rng(2).integers(wells * size, size=3000)
    some = sums_around(levels, spots, place[sites], shape)
    for one, level in zip(some, levels, strict=True):
        np.testing.assert_array_equal(one, contact_sum(level[spots[place]], shape)[sites])
        np.testing.assert_array_equal(one, rimmed_sum(level[spots], shape)[place[sites]])


@pytest.mark.parametrize("shape", [(15, 17), (11, 12, 13)])
@pytest.mark.parametrize("reach", [0, 1, 2, 4])
def test_nothing_within_reach_is_left_unmarked(shape: tuple[int, ...], reach: int) -> None:
    at = np.stack(np.unravel_index(np.arange(math.prod(shape)), shape), axis=-1)
    middle = np.array(shape) // 2
    within = np.abs(at - middle).max(axis=1) <= reach
    np.testing.assert_array_equal(spread((at == middle).all(axis=1), shape, reach), within)
    corner = np.abs(at - at[0]).max(axis=1) <= reach
    marked = spread((at == at[0]).all(axis=1), shape, reach)
    assert marked[corner].all()
    assert marked.sum() <= (2 * reach + 1) ** len(shape)


def test_counts_stay_whole_numbers() -> None:
    ones = np.ones(12, dtype=np.uint8)
    counts = contact_sum(ones, (3, 4))
    assert counts.dtype == np.uint8
    assert counts.tolist() == [4, 6, 6, 4, 6, 9, 9, 6, 4, 6, 6, 4]


def test_choose_follows_the_weights() -> None:
    n = 40_000
    weights = np.tile([1.0, 0.0, 3.0, 0.0], (n, 1))
    chosen = choose(weights, (np.arange(n) + 0.5) / n)
    np.testing.assert_allclose(np.bincount(chosen, minlength=4) / n, [0.25, 0, 0.75, 0], atol=1e-4)


def test_choose_at_the_edges() -> None:
    weights = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1e-300]])
    np.testing.assert_array_equal(choose(weights, np.array([0.5, 1 - 2**-53, 0.0])), [-1, 0, 1])
    assert choose(np.zeros((0, 3)), np.zeros(0)).shape == (0,)


def test_each_claimed_place_has_one_winner_with_the_best_priority() -> None:
    places = np.array([4, 2, 4, 9, 2, 4])
    priority = np.array([0.3, 0.9, 0.1, 0.5, 0.2, 0.8])
    np.testing.assert_array_equal(winners(places, priority), [False, False, True, True, True, False])


@pytest.mark.parametrize("rate", [0.0, 1e-12, 1e-4, 0.02, 3.0])
def test_events_happen_below_their_probability(rate: float) -> None:
    at = float(probability(rate, 10.0))
    draws = np.array([0.0, np.nextafter(at, 0.0), at, np.nextafter(at, 1.0), min(10.0 * rate, 1.0), 0.999])
    np.testing.assert_array_equal(happened(draws, rate, 10.0), draws < at)
    np.testing.assert_array_equal(happened(draws, np.full(draws.shape, rate), 10.0), draws < at)


def test_rivals_among_many() -> None:
    places = np.random.default_rng(3).integers(40, 900, size=1000)
    claims = np.bincount(places)
    np.testing.assert_array_equal(rivals(places), np.flatnonzero(claims[places] > 1))


def test_rivals_claim_a_place_that_another_claims() -> None:
    np.testing.assert_array_equal(rivals(np.array([4, 2, 4, 9, 2, 4, 7])), [0, 1, 2, 4, 5])
    assert rivals(np.array([4, 2, 9])).shape == (0,)
    assert rivals(np.zeros(0, dtype=np.int64)).shape == (0,)


@pytest.mark.parametrize("shape", [(9, 11), (5, 6, 7)])
def test_steps_lead_to_the_neighbors_inside(shape: tuple[int, ...]) -> None:
    neighbors = neighbor_table(shape, wells=2)
    reached = np.arange(len(neighbors))[:, None] + site_steps(shape)
    inside = neighbors < len(neighbors)
    np.testing.assert_array_equal(reached[inside], neighbors[inside])


@pytest.mark.parametrize("shape", [(9, 11), (5, 6, 7)])
def test_straight_paths_go_from_neighbor_to_neighbor(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    starts, ends = rng.integers(np.prod(shape), size=(2, 50))
    path = straight_path(starts, ends, shape)
    np.testing.assert_array_equal(path[:, 0], starts)
    np.testing.assert_array_equal(path[:, -1], ends)
    at = np.stack(np.unravel_index(path, shape), axis=-1)
    steps = np.abs(np.diff(at, axis=1)).max(axis=2)
    assert steps.max() == 1
    # No detour: the number of moves is the Chebyshev distance.
    np.testing.assert_array_equal(steps.sum(axis=1), np.abs(at[:, -1] - at[:, 0]).max(axis=1))


@pytest.mark.parametrize("shape", [(9, 11), (5, 6, 7)])
@pytest.mark.parametrize("reach", [0.0, 1.0, 2.3])
def test_sites_within_are_those_within_nearest_first(shape: tuple[int, ...], reach: float) -> None:
    n_sites = int(np.prod(shape))
    everywhere = np.stack(np.unravel_index(np.arange(n_sites), shape), axis=-1)
    for site in (0, n_sites // 2, n_sites - 1):
        away = np.linalg.norm(everywhere - everywhere[site], axis=1)
        found = sites_within(np.array([site]), shape, reach)[0]
        found = found[found < n_sites]
        assert set(found.tolist()) == set(np.flatnonzero(away <= reach).tolist())
        assert (np.diff(away[found]) >= -1e-9).all()


@pytest.mark.parametrize("shape", [(9, 11), (5, 6, 7)])
def test_wells_are_numbered_one_after_the_other_and_do_not_touch(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(6)
    size, wells = int(np.prod(shape)), 3
    alone = neighbor_table(shape)
    levels = rng.random(wells * size)
    sites, ends = rng.integers(size, size=(2, 20))
    around = sites_within(sites, shape, 2.3)
    path = straight_path(sites, ends, shape)
    for well in range(wells):
        first = well * size
        in_well = np.append(np.arange(first, first + size), wells * size)  # the last one is outside
        np.testing.assert_array_equal(neighbor_table(shape, wells)[first : first + size], in_well[alone])
        total = contact_sum(levels, shape)[first : first + size]
        np.testing.assert_array_equal(total, contact_sum(levels[first : first + size], shape))
        np.testing.assert_array_equal(sites_within(sites + first, shape, 2.3, wells), in_well[around])
        np.testing.assert_array_equal(straight_path(sites + first, ends + first, shape), path + first)
