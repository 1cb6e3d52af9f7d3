"""Statistics of point patterns against closed forms, and against slow twins that loop over cells."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tme_abm.kernels import patterns

Array = NDArray[np.float64]

FALSE_ALARM = 1e-6
FIELD = np.array([[100.0, -50.0], [400.0, 150.0]])


def scattered(count: int, seed: int, box: Array = FIELD) -> Array:
    return box[0] + np.random.default_rng(seed).random((count, 2)) * (box[1] - box[0])


def off(samples: Array, expected: float | Array) -> Array:
    """Whether the mean of independent `samples` (n, ...) lies beyond what chance allows once in a million tests."""
    error = samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
    return np.abs(samples.mean(axis=0) - expected) > stats.t.isf(FALSE_ALARM / 2, len(samples) - 1) * error


# ------------------------------------------------------------------ distances


def test_g_cross_of_cells_scattered_at_random_is_that_of_a_poisson_process() -> None:
    density, radii = 1e-3, np.array([5.0, 10.0, 20.0, 30.0])
    narrow, rng = FIELD - [[0.0, 0.0], [0.0, 100.0]], np.random.default_rng(4)
    corrected, naive = [], []
    for field in range(100):
        tumor = scattered(rng.poisson(density * 300 * 100), 1000 + field, narrow)
        killers = scattered(400, 2000 + field, narrow)
        distance, edge = patterns.nearest(killers, tumor), patterns.edge_distance(killers, narrow)
        corrected.append(patterns.border_corrected(distance, edge, radii))
        naive.append([(distance <= radius).mean() for radius in radii])
    expected = patterns.random_reach(density, radii)
    assert expected[1] == pytest.approx(1 - math.exp(-density * math.pi * 100))
    assert not off(np.array(corrected), expected).any()
    assert off(np.array(naive), expected)[-1]  # cells near the edge miss neighbors that were not seen


def test_g_cross_agrees_with_a_loop_over_cells() -> None:
    killers, tumor, radii = scattered(60, 1), scattered(90, 2), np.array([5.0, 20.0, 50.0, 99.0, 101.0])
    found = patterns.border_corrected(
        patterns.nearest(killers, tumor), patterns.edge_distance(killers, FIELD), radii
    )
    (left, low), (right, high) = FIELD
    for radius, share in zip(radii, found, strict=True):
        seen = [
            min(math.dist(one, other) for other in tumor) <= radius
            for one in killers
            if min(one[0] - left, right - one[0], one[1] - low, high - one[1]) >= radius
        ]
        assert share == pytest.approx(np.mean(seen) if seen else math.nan, nan_ok=True)
    assert np.isnan(found[-1])  # the field is 200 wide: no cell is 101 from its edge
    assert np.isnan(patterns.border_corrected(np.zeros(0), np.zeros(0), radii)).all()
    assert len(patterns.nearest(killers, tumor[:0])) == 0


# ------------------------------------------------------------------ contacts


def test_enrichment_has_the_moments_of_all_permutations() -> None:
    pairs = np.array([[0, 1], [0, 2], [1, 2], [2, 3], [3, 4], [2, 5], [5, 6]])
    one, other = np.arange(7) < 2, (np.arange(7) >= 2) & (np.arange(7) < 5)
    counts = []
    for first in itertools.combinations(range(7), 2):
        for second in itertools.combinations(sorted(set(range(7)) - set(first)), 3):
            a, b = np.isin(np.arange(7), first), np.isin(np.arange(7), second)
            counts.append(patterns.between(pairs, a, b))
    found = patterns.between(pairs, one, other)
    score, log2 = patterns.enrichment(pairs, one, other)
    assert score == pytest.approx((found - np.mean(counts)) / np.std(counts))
    assert log2 == pytest.approx(math.log2(found / np.mean(counts)))


def test_enrichment_of_types_given_at_random_is_a_standard_score() -> None:
    places = scattered(300, 3)
    pairs, rng = patterns.delaunay_pairs(places, 30.0), np.random.default_rng(8)
    scores = []
    for _ in range(400):
        kind = rng.permutation(np.repeat([0, 1, 2], [150, 50, 100]))
        scores.append(patterns.enrichment(pairs, kind == 0, kind == 1)[0])
    assert not off(np.array(scores), 0.0)
    assert not off(np.array(scores) ** 2, 1.0)


def test_what_cells_do_not_define_is_not_a_number() -> None:
    places, some, none = scattered(30, 5), np.arange(30) < 9, np.zeros(30, dtype=bool)
    pairs = patterns.delaunay_pairs(places, 60.0)
    assert np.isnan(patterns.enrichment(pairs, some, none)).all()
    assert np.isnan(patterns.enrichment(pairs[:0], some, ~some)).all()
    everyone = np.array(list(itertools.combinations(range(30), 2)))
    assert np.isnan(patterns.enrichment(everyone, some, ~some)[0])  # whoever is what, all contacts are the same
    assert np.isnan(patterns.morisita_horn(np.ones(4), np.zeros(4)))
    assert np.isnan(patterns.ratio(1.0, 0.0))
    for few in (places[:0], places[:2], np.arange(8.0).reshape(4, 2)):  # nothing, an edge, a line
        assert patterns.delaunay_pairs(few, 1e3).shape == (0, 2)
    assert patterns.near_pairs(places[:1], 50.0).shape == (0, 2)


def test_contacts_agree_with_a_loop_over_cells() -> None:
    places = scattered(40, 6)
    kind = np.random.default_rng(9).integers(0, 3, 40)
    near = {(i, j) for i in range(40) for j in range(i) if math.dist(places[i], places[j]) <= 35.0}
    pairs = patterns.near_pairs(places, 35.0)
    assert {(max(pair), min(pair)) for pair in pairs.tolist()} == near
    assert len(pairs) == len(near) > 20
    mixed = sum({kind[i], kind[j]} == {0, 1} for i, j in near)
    assert patterns.between(pairs, kind == 0, kind == 1) == mixed > 0
    assert patterns.between(pairs, kind == 0, kind == 0) == sum(kind[i] == kind[j] == 0 for i, j in near)


def test_a_delaunay_edge_has_an_empty_circle() -> None:
    places = scattered(40, 7)
    edges = {tuple(pair) for pair in patterns.delaunay_pairs(places, 60.0).tolist()}
    # A triangle is one of the triangulation if no other cell lies in the circle through its corners.
    expected = set()
    for corners in itertools.combinations(range(40), 3):
        (ax, ay), (bx, by), (cx, cy) = places[list(corners)]
        double = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
        squares = [x * x + y * y for x, y in ((ax, ay), (bx, by), (cx, cy))]
        x = (squares[0] * (by - cy) + squares[1] * (cy - ay) + squares[2] * (ay - by)) / double
        y = (squares[0] * (cx - bx) + squares[1] * (ax - cx) + squares[2] * (bx - ax)) / double
        away = np.hypot(*(places - (x, y)).T)
        if (away < away[corners[0]] * (1 - 1e-9)).sum() == 0:
            expected |= {pair for pair in itertools.combinations(corners, 2) if math.dist(*places[list(pair)]) <= 60.0}
    assert edges == expected


# ------------------------------------------------------------------ tiles


def test_the_overlap_is_one_for_like_and_zero_for_apart() -> None:
    counts = np.array([3.0, 0.0, 5.0, 1.0])
    assert patterns.morisita_horn(counts, 4 * counts) == pytest.approx(1.0)
    assert patterns.morisita_horn(counts, np.array([0.0, 7.0, 0.0, 0.0])) == 0.0
    assert patterns.morisita_horn(np.array([2.0, 1.0]), np.array([1.0, 2.0])) == pytest.approx(0.8)
    places = np.array([[100.0, -50.0], [199.0, 49.0], [399.0, 149.0], [400.0, 150.0]])
    assert patterns.tile_counts(places, FIELD, 100.0).tolist() == [2, 0, 0, 0, 0, 2]
    assert patterns.tile_counts(places, FIELD, 180.0).tolist() == [2, 0, 0, 2]  # the last tiles are cut


# ------------------------------------------------------------------ tumor and stroma


def test_a_density_counts_the_part_of_the_disc_that_was_seen() -> None:
    at = np.array([[250.0, 50.0], [100.0, 50.0], [400.0, 150.0], [250.0, -40.0]])
    density = patterns.disc_density(at, at, 20.0, FIELD)
    disc = math.pi * 20**2
    cap = 20**2 * math.acos(0.5) - 10 * math.sqrt(20**2 - 10**2)
    assert density == pytest.approx([1 / disc, 2 / disc, 4 / disc, 1 / (disc - cap)], rel=1e-4)
    assert patterns.disc_density(at[:0], at, 20.0, FIELD).tolist() == [0.0] * 4


def packed(mask: NDArray[np.bool_], spacing: float) -> tuple[Array, Array]:
    """Cells in the middle of the marked sites, and the field."""
    return (np.argwhere(mask) + 0.5) * spacing, np.array([[0.0, 0.0], np.array(mask.shape) * spacing])


KNOWN = {"pixel": 5.0, "radius": 25.0, "share": 0.5, "smallest": 3000.0}


def test_the_border_of_a_packed_half_plane_runs_along_its_edge() -> None:
    sites = np.zeros((60, 50), dtype=bool)
    sites[:30] = True
    tumor, field = packed(sites, 10.0)
    mask = patterns.tumor_mask(tumor, field, **KNOWN)
    assert mask.shape == (120, 100)
    assert mask[:58].all()
    assert not mask[62:].any()
    depth = patterns.signed_depth(mask, 5.0)
    assert depth[0] == pytest.approx(300, abs=10)
    assert depth[-1] == pytest.approx(-300, abs=10)
    at = patterns.pixels_of(np.array([[0.0, 0.0], [600.0, 499.0]]), field, 5.0, mask.shape)
    assert depth[at] == pytest.approx([300, -300], abs=10)


def test_small_islands_and_holes_are_left_out() -> None:
    sites = np.zeros((60, 50), dtype=bool)
    sites[:30] = True
    sites[10:14, 20:24] = False  # a hole of 1,600 µm²
    sites[45:49, 20:24] = True
    sites[2:25, 35:48] = False  # and one of 29,900
    tumor, field = packed(sites, 10.0)
    mask = patterns.tumor_mask(tumor, field, **KNOWN)
    assert mask[24, 44]
    assert not mask[94, 44]
    assert not mask[26, 82]
    assert patterns.tumor_mask(tumor, field, **KNOWN | {"smallest": 0.0})[94, 44]


def test_without_tumor_or_stroma_there_is_no_border() -> None:
    mask = patterns.tumor_mask(np.zeros((0, 2)), FIELD, **KNOWN)
    assert mask.shape == (60, 40)
    assert not mask.any()
    assert np.isnan(patterns.signed_depth(mask, 5.0)).all()
    assert np.isnan(patterns.signed_depth(~mask, 5.0)).all()
