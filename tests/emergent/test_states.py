"""Cold, hot and excluded emerge from one biology; knock-outs and swaps of traits say why.

The criteria were fixed before the runs: counts of seeds out of eight for the states, medians for the densities,
three seeds for each knock-out and swap. Everything runs at the shipped size, ten days, common random numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tme_abm.compare.compare import compare
from tme_abm.compare.swap import ALL, swaps
from tme_abm.observe.state import classify
from tme_abm.runs.results import read_series
from tme_abm.scenario import Scenario, changed, load

pytestmark = pytest.mark.slow

DAYS = (5.0, 10.0)
Row = Mapping[str, float]

# Cells per mm² of core reported for hot and cold tumors; PMN are PMN-MDSC and TAN together.
REPORTED = {
    "hot": {"Treg": (30, 300), "TAM": (100, 1000), "M-MDSC": (5, 100), "PMN": (10, 200)},
    "cold": {"Treg": (2, 60), "TAM": (50, 1000), "M-MDSC": (10, 200), "PMN": (10, 500)},
}


def rows_of(scenarios: list[Scenario], out: Path, replicates: int) -> dict[str, dict[float, list[Row]]]:
    """Measures by scenario and day, one entry a seed."""
    compare(scenarios, out=out, replicates=replicates, days=max(DAYS), command="tests")
    found: dict[str, dict[float, list[Row]]] = {}
    for scenario in scenarios:
        runs = sorted((out / "runs" / scenario.name).glob("seed_*"))
        assert len(runs) == replicates
        found[scenario.name] = {day: [read_series(run).row(day) for run in runs] for day in DAYS}
    return found


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[float, list[Row]]]:
    """Eight seeds of the three shipped tumors."""
    scenarios = [load(name) for name in ("cold", "hot", "excluded")]
    return rows_of(scenarios, tmp_path_factory.mktemp("states"), 8)


@pytest.mark.parametrize("day", DAYS)
def test_hot_and_cold_cores(three: Any, day: float) -> None:
    hot = [row["CD8 core"] for row in three["hot"][day]]
    cold = [row["CD8 core"] for row in three["cold"][day]]
    assert sum(density > 295 for density in hot) >= 7
    assert 400 <= median(hot) <= 2000
    assert sum(density < 150 for density in cold) >= 7


@pytest.mark.parametrize("day", DAYS)
def test_excluded_is_called_excluded(three: Any, day: float) -> None:
    assert [classify(row) for row in three["excluded"][day]].count("excluded") >= 6


@pytest.mark.parametrize("day", DAYS)
def test_only_tumors_with_enough_cells_are_judged(three: Any, day: float) -> None:
    assert all(row["tumor cells"] > 200 for rows in three.values() for row in rows[day])


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("name", ["hot", "cold"])
def test_suppressors_stay_within_reported_densities(three: Any, name: str, day: float) -> None:
    for cell, (low, high) in REPORTED[name].items():
        parts = ("PMN-MDSC", "TAN") if cell == "PMN" else (cell,)
        densities = [sum(row[f"{part} core"] for part in parts) for row in three[name][day]]
        assert low <= median(densities) <= high, cell
        for part in parts:
            assert all(row[f"{part} cells"] > 0 for row in three[name][day]), part


def test_the_hot_tumor_is_held(three: Any) -> None:
    pairs = zip(three["hot"][10.0], three["cold"][10.0], strict=True)
    assert all(0 < hot["tumor cells"] <= cold["tumor cells"] / 2 for hot, cold in pairs)


def test_knock_outs_turn_hot_cold_and_blockade_thins_the_suppressors(tmp_path: Path) -> None:
    hot, cold = load("hot"), load("cold")
    arms = [
        changed(hot, {"name": "no CXCR3", "protocol": [{"do": "knock out", "product": "CXCR3", "cells": ["CD8"]}]}),
        changed(hot, {"name": "no IFNG", "protocol": [{"do": "knock out", "product": "IFNG"}]}),
        cold,
        changed(
            cold,
            {
                "name": "blocked",
                "protocol": [{"do": "block", "receptor": name, "fraction": 0.95} for name in ("CXCR2", "CCR2")],
            },
        ),
    ]
    rows = rows_of(arms, tmp_path, 3)
    for name in ("no CXCR3", "no IFNG"):
        assert [classify(row) for row in rows[name][10.0]] == ["cold"] * 3, name
    for cells in (("PMN-MDSC", "M-MDSC"), ("TAM",)):
        untreated, treated = (
            median(sum(row[f"{cell} core"] for cell in cells) for row in rows[name][10.0])
            for name in ("cold", "blocked")
        )
        assert treated <= untreated / 2, cells


def test_no_single_group_of_traits_decides(tmp_path: Path) -> None:
    swap = swaps(load("cold"), load("hot"))
    rows = rows_of([variant.scenario for variant in swap.variants], tmp_path, 3)
    for variant in swap.variants:
        states = [classify(row) for row in rows[variant.scenario.name][10.0]]
        assert states == (["cold"] if variant.group == ALL else ["hot"]) * 3, variant.group


def test_time_steps_agree(tmp_path: Path) -> None:
    """Five, ten and twenty minutes: the same states, and medians that agree within a fifth."""
    arms = [
        changed(load(name), {"name": f"{name} {dt}", "clock.dt": f"{dt} min"})
        for name in ("hot", "cold")
        for dt in (5, 10, 20)
    ]
    rows = rows_of(arms, tmp_path, 3)
    for name in ("hot", "cold"):
        states = {classify(row) for dt in (5, 10, 20) for row in rows[f"{name} {dt}"][10.0]}
        assert states == {name}
    sizes = [median(row["tumor cells"] for row in rows[f"cold {dt}"][10.0]) for dt in (5, 10, 20)]
    assert max(sizes) < 1.2 * min(sizes)
