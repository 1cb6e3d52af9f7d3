from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tme_abm.compare.statistics import mean_interval, paired_correlation, paired_difference, paired_ratio

A = [3.0, 5.5, 4.0, 8.0, 6.5]
B = [2.0, 5.0, 5.0, 6.0, 3.5]


def test_interval_is_students() -> None:
    found = mean_interval(A)
    low, high = stats.t.interval(0.95, 4, loc=5.4, scale=stats.sem(A))
    assert (found.mean, found.low, found.high, found.n) == (
        pytest.approx(5.4),
        pytest.approx(low),
        pytest.approx(high),
        5,
    )


def test_interval_covers_as_often_as_it_says() -> None:
    draws = stats.norm.rvs(size=(4000, 3), random_state=1)
    covered = sum(found.low <= 0 <= found.high for found in map(mean_interval, draws))
    # 4000 trials at 0.95: outside these bounds once in a million
    assert stats.binom.ppf(5e-7, 4000, 0.95) <= covered <= stats.binom.isf(5e-7, 4000, 0.95)


def test_one_replicate_has_no_interval() -> None:
    found = mean_interval([4.5])
    assert (found.mean, found.interval, found.n) == (4.5, None, 1)
    assert mean_interval([4.5, math.nan, None, math.inf]).interval is None


def test_nothing_has_no_mean() -> None:
    assert (mean_interval([]).mean, mean_interval([math.nan]).mean) == (None, None)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert mean_interval([0.1, 0.1, 0.1]).interval == pytest.approx([0.1, 0.1])


def test_differences_are_of_pairs() -> None:
    found = paired_difference(A, B)
    test = stats.ttest_rel(A, B).confidence_interval()
    assert found.mean == pytest.approx(1.1)
    assert found.interval == pytest.approx([test.low, test.high])
    assert paired_difference([*A, 100.0, None], [*B, None, -3.0]) == found
    with pytest.raises(ValueError, match="as many values on both sides, not 5 and 4"):
        paired_difference(A, B[:-1])


def test_correlation_is_of_pairs() -> None:
    assert paired_correlation(A, B) == pytest.approx(stats.pearsonr(A, B).statistic)
    assert paired_correlation([*A, math.nan], [*B, 1e9]) == paired_correlation(A, B)
    assert paired_correlation([*A, 1e9], [*B, math.nan]) == paired_correlation(A, B)
    assert paired_correlation(A, A) == pytest.approx(1.0)


@pytest.mark.parametrize("b", [[1.0, 2.0], [0.3, 0.3, 0.1 + 0.2], [1.0, 2.0, None], [7.0, 7.0, 7.0]])
def test_correlation_that_would_mean_nothing(b: list[float | None]) -> None:
    assert paired_correlation([1.0, 2.0, 4.0][: len(b)], b) is None


def test_a_paired_ratio_is_that_of_means_and_its_interval_covers() -> None:
    seeds = np.array([1.0, 20.0, 3.0, 40.0])
    exact = paired_ratio(0.3 * seeds, seeds)
    assert exact.mean == pytest.approx(0.3)
    assert exact.interval == pytest.approx((0.3, 0.3))
    gone = paired_ratio([0.0, 0.0, 0.0], [5.0, 6.0, None])
    assert (gone.mean, gone.n) == (0.0, 2)
    assert paired_ratio([1.0, 2.0], [0.0, 0.0]).mean is None
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        below = 100 + 10 * rng.standard_normal(4)
        found = paired_ratio(0.7 * below + 5 * rng.standard_normal(4), below).interval
        assert found is not None
        covered += found[0] < 0.7 < found[1]
    # 1,900 expected, with a standard deviation of 10: six of them either way happen once in 500 million runs.
    assert 1840 < covered < 1960
