"""Numbers as text."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from tme_abm.report.style.numbers import (
    Unit,
    coefficient,
    compact,
    duration,
    effect,
    fixed,
    interval,
    join,
    listed,
    number,
    percent,
    plain,
    share,
    short,
    signed,
    significant,
    size,
    unit_for,
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "ci95", "shown"),
    [
        (963.4, (881.0, 1045.0), "963"),
        (0.04233, (0.0406, 0.044), "0.0423"),
        (174.68, (170.1, 179.2), "175"),
        (5439.0, None, "5,439"),
        (-3.14159, (-3.3, -3.0), "−3.14"),
        (0.002, (-0.5, 0.5), "0.00"),
        (-0.002, (-0.5, 0.5), "0.00"),
        (float("nan"), None, "–"),
    ],
)
def test_digits_follow_the_interval(value: float, ci95: tuple[float, float] | None, shown: str) -> None:
    assert number(value, ci95) == shown


def test_signs_and_intervals() -> None:
    assert signed(12.0, (5.0, 19.0)) == "+12.0"
    assert interval(-924.0, (-1083.0, -764.0), plus=True) == "−1,083 to −764"
    assert interval(3.0, None) == "–"
    assert join(["a", "b", "c"]) == "a, b and c"


def test_concentrations_are_shown_in_a_unit_that_fits() -> None:
    assert [unit_for("nM", [v]).name for v in (4e4, 5.0, 0.02)] == ["µM", "nM", "pM"]
    assert unit_for("nM", [0.02]).factor * 0.02 == pytest.approx(20)
    assert unit_for("cells", [1e6]) == Unit(name="cells", factor=1.0)


def test_three_digits() -> None:
    shown = {0.0: "0", 0.2174: "0.217", -12.34: "−12.3", 1234.5: "1,230", float("nan"): "–"}
    assert {value: significant(value) for value in shown} == shown
    assert [short(value) for value in (-12.34, 1234.5, None, float("nan"))] == ["-12.3", "1,234", "–", "–"]
    assert [coefficient(value) for value in (0.5, -0.001, -9.999, 1234.5)] == ["0.50", "0.00", "−10.00", "1,230"]
    assert [plain(value) for value in (0.0, 0.1 + 0.2, 2.5e-4, 1500.0)] == ["0", "0.3", "0.00025", "1,500"]
    assert plain(1e-12) == "1e-12"
    assert [compact(value) for value in (0.001, 1200.0, 250_000.0)] == ["0.001", "1,200", "250k"]
    assert [fixed(value, 1, plus=True) for value in (0.04, 2.0, -1234.5)] == ["0.0", "+2.0", "−1,234.5"]


def test_times_and_sizes_for_readers() -> None:
    assert [duration(seconds) for seconds in (0.4, 89, 100, 6000, 200000)] == [
        "0 s", "89 s", "2 min", "1.7 h", "2.3 days",
    ]  # fmt: skip
    assert [size(count) for count in (12, 1234, 5.67e7, 8e9, 3e12)] == ["12 B", "1.23 kB", "56.7 MB", "8 GB", "3 TB"]


def test_long_lists_are_cut() -> None:
    assert (listed(["a", "b"], 2), listed(["a", "b", "c"], 2)) == ("a, b", "a, b, … (3 in all)")


def test_the_commands_and_the_kit_load_no_heavy_library() -> None:
    modules = "tme_abm.cli.main, tme_abm.report.style.svg"
    code = f"import sys, {modules}; print({{'matplotlib', 'PIL', 'numpy', 'scipy', 'pandas'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("value", "ci95", "unit", "said"),
    [
        (0.412, (0.331, 0.49), "/day", "+0.412 [0.331, 0.490] /day"),
        (-0.02, (-0.5, 0.4), "", "−0.02 [−0.50, 0.40]"),
        (2.03e-5, (1.2e-5, 2.9e-5), "nM", "+2.03 [1.20, 2.90] ×10⁻⁵ nM"),
        (1234.5, (1100.0, 1350.0), "cells", "+1,234 [1,100, 1,350] cells"),
        (0.0, (0.0, 0.0), "", "0 [0, 0]"),
        (3.0, None, "h", "+3 h"),
        (None, None, "h", "–"),
        (math.nan, None, "", "–"),
    ],
)
def test_effects(value: float | None, ci95: tuple[float, float] | None, unit: str, said: str) -> None:
    assert str(effect(value, ci95, unit)) == said


def test_shares() -> None:
    assert [percent(x) for x in (0.631, -0.0413, 25.0, 0.0, None)] == ["+63 %", "−4.1 %", "×26", "0.0 %", ""]
    assert [share(*x) for x in ((139, 147), (899, 900), (1, 900), (0, 3), (3, 3), (0, 0))] == [
        "95 %", "99 %", "1 %", "0 %", "100 %", "–",
    ]  # fmt: skip
