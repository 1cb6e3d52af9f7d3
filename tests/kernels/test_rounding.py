"""Rounding to significant bits: the bound, the nearest value, and what stays."""

from __future__ import annotations

import numpy as np
import pytest

from tme_abm.kernels.rounding import rounded


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", [4, 11, 20])
def test_the_error_is_within_its_bound_over_all_sizes(dtype: type, bits: int) -> None:
    rng = np.random.default_rng(1)
    values = (rng.uniform(-1, 1, 20_000) * 10.0 ** rng.uniform(-30, 30, 20_000)).astype(dtype)
    found = rounded(values, bits)
    assert found.dtype == dtype
    error = np.abs(found.astype(np.float64) / values - 1)
    assert 0.4 * 2.0**-bits < error.max() <= 2.0**-bits
    fraction, _ = np.frexp(found)
    assert np.array_equal(fraction * 2.0**bits, np.rint(fraction * 2.0**bits))


def test_float16_is_rounded_alike_within_its_range() -> None:
    values = np.geomspace(1e-3, 6e4, 5000).astype(np.float32)
    assert np.array_equal(rounded(values, 11), values.astype(np.float16).astype(np.float32))


def test_nothing_and_no_number_stay() -> None:
    values = np.array([0.0, np.inf, -np.inf, np.nan, 1.0, 2.0**-140], dtype=np.float32)
    np.testing.assert_array_equal(rounded(values, 11), values)
