"""Round numbers, limits and scales of drawings."""

from __future__ import annotations

import pytest

from tme_abm.report.style.svg import decades, limits, nice_above, nice_length, tick_texts, ticks


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 7.3), (0.0, 0.00021), (0.0, 12345.0)])
def test_ticks_are_few_and_round(low: float, high: float) -> None:
    found = ticks(low, high, 4.5)
    assert 2 <= len(found) <= 5
    assert low <= found[0]
    assert found[-1] <= high * (1 + 1e-9)
    assert {f"{tick:.0e}"[0] for tick in found[1:2]} <= {"1", "2", "5"}


def test_ticks_are_round_and_limits_have_a_width() -> None:
    assert ticks(0.0, 1.0, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(-47.0, 13.0, 5) == pytest.approx([-40, -20, 0])
    assert tick_texts([0.0, 2e-4, 4e-4]) == (["0", "2", "4"], "×10⁻⁴")
    assert tick_texts([-0.5, 0.0, 1500.0]) == (["−0.5", "0", "1,500"], "")
    for numbers in ([0.0], [3.0, 3.0], [-2.0], [1.0, 1.5], [0.2, 5.0]):
        low, high = limits(numbers)
        assert low < high
        assert low <= min(numbers) <= max(numbers) <= high
    assert limits([0.2, 5.0]) == (0.0, 5.0)


def test_decades_are_ticked_on_a_logarithmic_axis() -> None:
    assert decades(1e-3, 1.0) == pytest.approx([1e-3, 1e-2, 1e-1, 1.0])


def test_scale_bars_are_round() -> None:
    assert [nice_length(span) for span in (2400.0, 660.0, 90.0)] == [500.0, 100.0, 20.0]


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 1.0), (1.0, 1.0), (1.01, 1.5), (0.0041, 0.005), (99.0, 100.0), (float("nan"), 1.0)]
)
def test_round_numbers_above(value: float, expected: float) -> None:
    assert nice_above(value) == pytest.approx(expected)
