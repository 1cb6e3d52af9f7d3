"""Indices against functions whose indices are known; honesty where runs are missing."""

from __future__ import annotations

import csv
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from tests.support.studies import Floats, made_up, parameter, sampled
from tme_abm.core.errors import InputError
from tme_abm.studies.sensitivity import Analysis, Sensitivity, analyze
from tme_abm.studies.sensitivity.ends import newcombe
from tme_abm.studies.sensitivity.outcomes import Outcome, noise
from tme_abm.studies.sensitivity.tables import write

KEYS = [f"tumor.traits.p{k}" for k in range(3)]


def ishigami(position: Floats, seed: int) -> float:
    x = (2 * position - 1) * math.pi
    return float(np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0]))


def slope(position: Floats, seed: int) -> float:
    return 300 + 50 * position[0] - 20 * position[1] + 100 * seed


def core(found: Sensitivity, scenario: str = "hot") -> Analysis:
    return found.of(scenario, "CD8 core")


def value(found: Analysis, key: str, name: str) -> float:
    assert found.indices is not None
    return found.indices.by_parameter[key][name].value


# ------------------------------------------------------------------ Sobol


@pytest.fixture(scope="module")
def of_ishigami() -> Analysis:
    pytest.importorskip("SALib")
    positions = sampled("sobol indices", 3, 1024, second=True)
    return core(analyze(made_up(positions, ishigami, kind="sobol indices", samples=1024, seeds=(1,)), ["CD8 core"]))


def test_sobol_indices_of_the_ishigami_function(of_ishigami: Analysis) -> None:
    # Closed forms for a = 7, b = 0.1.
    for key, first, total in zip(KEYS, (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437), strict=True):
        assert value(of_ishigami, key, "S1") == pytest.approx(first, abs=0.02)
        assert value(of_ishigami, key, "ST") == pytest.approx(total, abs=0.02)


def test_sobol_intervals_hold_the_true_values_and_pairs_are_told(of_ishigami: Analysis) -> None:
    assert of_ishigami.indices is not None
    total = of_ishigami.indices.by_parameter[KEYS[0]]["ST"]
    assert total.low is not None
    assert total.high is not None
    assert total.low < 0.5576 < total.high
    assert 0 < total.high - total.low < 0.3
    pairs = {(pair.a, pair.b): pair.S2.value for pair in of_ishigami.indices.pairs}
    assert pairs[KEYS[0], KEYS[2]] == pytest.approx(0.2437, abs=0.05)
    assert pairs[KEYS[0], KEYS[1]] == pytest.approx(0, abs=0.05)


def test_sobol_without_second_order_has_the_same_first_and_no_pairs() -> None:
    pytest.importorskip("SALib")
    positions = sampled("sobol indices", 3, 512)
    found = core(analyze(made_up(positions, ishigami, kind="sobol indices", samples=512, seeds=(1,)), ["CD8 core"]))
    assert found.indices is not None
    assert found.indices.pairs == ()
    assert value(found, KEYS[1], "S1") == pytest.approx(0.4424, abs=0.04)


def test_sobol_refuses_when_a_run_is_missing_and_says_what_to_do() -> None:
    pytest.importorskip("SALib")
    positions = sampled("sobol indices", 3, 16)
    study = made_up(positions, ishigami, kind="sobol indices", samples=16, missing=[(7, 2)])
    found = analyze(study, ["CD8 core"])
    assert core(found).indices is not None
    assert core(found).indices.by_parameter == {}
    assert "1 of 160 values are missing" in found.refusals[0]
    assert "batch --retry-failed" in found.refusals[0]
    # What does not need every run is told all the same.
    assert core(found).changes
    assert core(found).regression.by_parameter


def test_a_design_that_is_not_the_stated_one_is_refused() -> None:
    pytest.importorskip("SALib")
    positions = sampled("sobol indices", 3, 16)[:-1]
    with pytest.raises(InputError, match="do not belong to 16 base samples"):
        analyze(made_up(positions, ishigami, kind="sobol indices", samples=16))


# ------------------------------------------------------------------ Morris


def test_morris_of_a_linear_function_is_its_slopes() -> None:
    pytest.importorskip("SALib")
    found = core(analyze(made_up(sampled("morris", 3, 10), slope, kind="morris", samples=10), ["CD8 core"]))
    for key, expected in zip(KEYS, (50, -20, 0), strict=True):
        assert value(found, key, "mu") == pytest.approx(expected)
        assert value(found, key, "mu_star") == pytest.approx(abs(expected))
        assert value(found, key, "sigma") == pytest.approx(0, abs=1e-9)
    # A step goes two thirds of the way.
    assert {one.key: one.change for one in found.changes} == pytest.approx(
        {key: expected * 2 / 3 for key, expected in zip(KEYS, (50, -20, 0), strict=True)}
    )


def test_morris_sigma_tells_an_interaction() -> None:
    pytest.importorskip("SALib")

    def product(position: Floats, seed: int) -> float:
        return float(position[0] * position[1] + 0.5 * position[2])

    found = core(analyze(made_up(sampled("morris", 3, 20), product, kind="morris", samples=20), ["CD8 core"]))
    assert value(found, KEYS[0], "sigma") > 0.2
    assert value(found, KEYS[2], "sigma") == pytest.approx(0, abs=1e-9)


def test_morris_on_a_logarithmic_range_counts_in_factors() -> None:
    pytest.importorskip("SALib")
    parameters = [parameter("vessels.density", 20, 200, unit="/mm^2", scale="log"), *map(parameter, KEYS[1:])]
    study = made_up(sampled("morris", 3, 10), slope, parameters=parameters, kind="morris", samples=10)
    assert value(core(analyze(study, ["CD8 core"])), "vessels.density", "mu") == pytest.approx(50)


def test_morris_leaves_out_trajectories_that_lack_a_run_and_makes_up_nothing() -> None:
    pytest.importorskip("SALib")
    positions = sampled("morris", 3, 6)
    # Trajectory 1 lacks all of point 5; trajectory 2 lacks one seed of point 8, and is compared over the other.
    study = made_up(positions, slope, kind="morris", samples=6, missing=[(5, 1), (5, 2), (8, 1)])
    found = core(analyze(study, ["CD8 core"]))
    assert found.indices is not None
    assert (found.indices.used, found.indices.planned) == (5, 6)
    assert "1 of 6 trajectories lack a run" in found.indices.note
    assert "1 of 6 trajectories lack runs of a seed, and are compared over those that all" in found.indices.note
    # Seeds differ by 100: a mean over other seeds than its neighbor's would show as a slope.
    assert value(found, KEYS[0], "mu_star") == pytest.approx(50)
    assert value(found, KEYS[0], "sigma") == pytest.approx(0, abs=1e-9)


def test_points_that_are_no_trajectories_are_refused() -> None:
    pytest.importorskip("SALib")
    positions = sampled("morris", 3, 4)
    positions[[1, 2]] = positions[[2, 1]]
    with pytest.raises(InputError, match="changes no parameter or more than one"):
        analyze(made_up(positions, slope, kind="morris", samples=4))


# ------------------------------------------------------------------ other designs


def cube(points: int = 80) -> Floats:
    return np.asarray(qmc.LatinHypercube(3, seed=1).random(points))


def monotone(position: Floats, seed: int) -> float:
    return float(np.exp(6 * position[0]) - 40 * position[1] ** 3)


def test_prcc_of_a_monotone_function_and_the_textbook_way_to_it() -> None:
    found = core(analyze(made_up(cube(), monotone), ["CD8 core"])).regression
    prcc = {key: found.by_parameter[key]["PRCC"] for key in KEYS}
    assert prcc[KEYS[0]].value > 0.9
    assert prcc[KEYS[1]].value < -0.5
    assert prcc[KEYS[2]].low is not None
    assert prcc[KEYS[2]].high is not None
    assert prcc[KEYS[2]].low < 0 < prcc[KEYS[2]].high
    # Residuals of ranks on the other ranks, correlated.
    ranks = stats.rankdata(np.column_stack([cube(), [monotone(x, 1) for x in cube()]]), axis=0)
    for k, key in enumerate(KEYS):
        others = np.column_stack([np.ones(len(ranks)), *(ranks[:, j] for j in range(3) if j != k)])
        pair = ranks[:, [k, 3]]
        rest = pair - others @ np.linalg.lstsq(others, pair, rcond=None)[0]
        assert prcc[key].value == pytest.approx(stats.pearsonr(*rest.T).statistic)


def test_standardized_coefficients_are_those_of_least_squares() -> None:
    found = core(analyze(made_up(cube(), monotone), ["CD8 core"])).regression
    table = np.column_stack([cube(), [monotone(x, 1) for x in cube()]])
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    slopes, left, *_ = np.linalg.lstsq(table[:, :3], table[:, 3], rcond=None)
    assert [found.by_parameter[key]["SRC"].value for key in KEYS] == pytest.approx(slopes)
    assert found.r2 == pytest.approx(1 - left[0] / len(table))
    assert found.r2_of_ranks is not None
    assert found.r2_of_ranks > found.r2


def test_bootstrap_intervals_cover_about_as_often_as_they_say() -> None:
    def noisy(draw: int) -> Analysis:
        rng = np.random.default_rng(draw)
        values = iter(rng.normal(size=40))
        positions = rng.random((40, 2))
        return core(analyze(made_up(positions, lambda x, seed: x[0] + next(values), seeds=(1,)), ["CD8 core"]))

    # The second parameter does nothing: its interval should hold 0 in 95 of 100 cases.
    held = 0
    for draw in range(40):
        index = noisy(draw).regression.by_parameter[KEYS[1]]["PRCC"]
        assert index.low is not None
        assert index.high is not None
        held += index.low <= 0 <= index.high
    assert 34 <= held <= 40


def test_no_salib_is_needed_without_its_designs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "SALib", None)
    monkeypatch.setitem(__import__("sys").modules, "SALib.analyze", None)
    assert core(analyze(made_up(cube(), monotone))).indices is None
    positions = np.array([[0.0, 0.0], [2 / 3, 0.0], [2 / 3, 2 / 3]] * 2)
    with pytest.raises(InputError, match=r"needs SALib; install it with: pip install 'tme_abm\[sensitivity\]'"):
        analyze(made_up(positions, slope, kind="morris", samples=2))


GRID = np.array(list(itertools.product((0.0, 0.5, 1.0), (0.0, 1.0))))


def test_a_full_grid_is_taken_apart_by_its_variance() -> None:
    def function(position: Floats, seed: int) -> float:
        return float(2 * position[0] + position[0] * position[1])

    found = core(analyze(made_up(GRID, function, kind="grid"), ["CD8 core"]))
    table = np.array([[function(np.array([x, y]), 1) for y in (0.0, 1.0)] for x in (0.0, 0.5, 1.0)])
    total = table.var()
    assert value(found, KEYS[0], "S1") == pytest.approx(table.mean(axis=1).var() / total)
    assert value(found, KEYS[0], "ST") == pytest.approx(1 - table.mean(axis=0).var() / total)
    shared = value(found, KEYS[0], "ST") - value(found, KEYS[0], "S1")
    assert shared == pytest.approx(value(found, KEYS[1], "ST") - value(found, KEYS[1], "S1"))
    assert shared > 0.01


def test_a_grid_with_a_hole_is_not_taken_apart_but_the_rest_is_told() -> None:
    found = core(analyze(made_up(GRID, slope, kind="grid", missing=[(2, 1), (2, 2)]), ["CD8 core"]))
    assert found.indices is not None
    assert found.indices.refused
    assert "1 of 6 points" in found.indices.note
    assert {one.key: one.change for one in found.changes} == pytest.approx({KEYS[0]: 50, KEYS[1]: -20})


# ------------------------------------------------------------------ ends, noise, maps


def test_ends_of_a_grid_are_paired_by_seed() -> None:
    def function(position: Floats, seed: int) -> float:
        return float(100 * seed + (10 + seed) * position[0])  # the seed moves the outcome far more than the parameter

    found = core(analyze(made_up(GRID, function, kind="grid", seeds=(1, 2, 3))))
    one = next(change for change in found.changes if change.key == KEYS[0])
    assert one.change == pytest.approx(12)
    student = stats.t.interval(0.95, 2, loc=12, scale=1 / math.sqrt(3))
    assert one.interval == pytest.approx(student)
    assert (one.low_end, one.high_end) == ("0", "1")
    assert one.counted == (6, 6)


def test_a_missing_run_takes_its_pair_along() -> None:
    # Without its twin, seed 2 at the low end would lift the mean there by tens.
    found = core(analyze(made_up(GRID, slope, kind="grid", missing=[(4, 1), (4, 2), (5, 1)])))
    one = next(c for c in found.changes if c.key == KEYS[0])
    assert one.change == pytest.approx(50)
    assert one.counted == (1, 1)


def test_samples_compare_their_outer_thirds_by_welch() -> None:
    found = core(analyze(made_up(cube(), monotone, seeds=(1,))))
    outcome = np.array([monotone(x, 1) for x in cube()])
    low, high = outcome[cube()[:, 0] <= 1 / 3], outcome[cube()[:, 0] >= 2 / 3]
    one = next(c for c in found.changes if c.key == KEYS[0])
    assert one.change == pytest.approx(high.mean() - low.mean())
    welch = stats.ttest_ind(high, low, equal_var=False).confidence_interval()
    assert one.interval == pytest.approx((welch.low, welch.high))
    assert (one.low_end, one.high_end) == ("<0.33", ">0.67")


def test_score_interval_of_two_proportions() -> None:
    # Newcombe 1998, table II, method 10: 56/70 − 48/80 and 10/10 − 0/20.
    assert newcombe(48 / 80, 80, 56 / 70, 70) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe(0.0, 20, 1.0, 10) == pytest.approx((0.6791, 1.0), abs=5e-5)


def test_probabilities_of_states_are_shares_of_seeds() -> None:
    study = made_up(GRID, lambda x, seed: 400.0 if x[0] > 0.4 and seed < 4 else 100.0, kind="grid", seeds=(1, 2, 3, 4))
    found = analyze(study)
    hot = found.of("hot", "P(hot)")
    one = next(change for change in hot.changes if change.key == KEYS[0])
    assert (one.at_low, one.at_high) == (0.0, 0.75)
    assert one.interval == pytest.approx(newcombe(0, 8, 0.75, 8))
    assert found.of("hot", "P(excluded)").constant == 0
    assert found.of("hot", "P(cold)").changes[0].change == pytest.approx(-0.75)
    (picture,) = found.maps
    assert picture.means["P(hot)"].tolist() == [[0.0, 0.75, 0.75]] * 2
    assert picture.runs.tolist() == [[4, 4, 4]] * 2
    assert picture.means["CD8 core"][0].tolist() == [100.0, 325.0, 325.0]


def test_maps_of_samples_count_every_run_once_and_leave_empty_cells_empty() -> None:
    positions = np.array([[0.1, 0.1], [0.2, 0.2], [0.9, 0.95], [1.0, 1.0]])
    parameters = [parameter("vessels.density", 10, 1000, unit="/mm^2", scale="log"), parameter(KEYS[1])]
    many = np.repeat(positions, 4, axis=0) + np.tile(np.linspace(-1e-3, 0, 4), 4)[:, None]
    study = made_up(many, lambda x, seed: 400.0 * (x[0] > 0.5), parameters=parameters)
    (picture,) = analyze(study, plane=["vessels.density", KEYS[1]]).maps
    assert picture.x.edges == pytest.approx((10, 10 * 100 ** (1 / 3), 10 * 100 ** (2 / 3), 1000))
    assert picture.runs.tolist() == [[16, 0, 0], [0, 0, 0], [0, 0, 16]]
    assert picture.means["P(hot)"][0, 0] == 0
    assert picture.means["P(hot)"][2, 2] == 1
    assert math.isnan(picture.means["P(hot)"][1, 1])


def test_the_map_shows_the_two_parameters_that_matter_most() -> None:
    study = made_up(cube(), lambda x, seed: 500 * x[2] - 300 * x[0])
    (picture,) = analyze(study).maps
    assert picture.y is not None
    assert (picture.x.key, picture.y.key) == (KEYS[2], KEYS[0])


def test_few_points_of_a_sample_are_no_levels() -> None:
    # Six points of a sample have six values of a parameter, which nobody listed: they are compared by thirds.
    found = core(analyze(made_up(cube(6), slope)))
    assert {(one.low_end, one.high_end) for one in found.changes} <= {("<0.33", ">0.67")}
    (picture,) = analyze(made_up(cube(6), slope)).maps
    assert picture.x.labels == ()


def test_twenty_parameters_are_not_too_many() -> None:
    positions = np.asarray(qmc.LatinHypercube(20, seed=1).random(90))
    found = core(analyze(made_up(positions, lambda x, seed: 800 + 50 * x[3] + 20 * x[7] * seed), ["CD8 core"]))
    assert found.indices is None
    largest = sorted(found.regression.by_parameter, key=lambda key: -found.effect(key))
    assert largest[:2] == ["tumor.traits.p3", "tumor.traits.p7"]


def test_noise_is_what_neither_point_nor_seed_explains() -> None:
    rng = np.random.default_rng(1)
    values = 3 * rng.normal(size=(400, 1)) + 2 * rng.normal(size=(1, 60)) + rng.normal(size=(400, 60))
    found = noise(Outcome(name="CD8 core", scenario="hot", values=values))
    total = 9 + values.mean(axis=0).var(ddof=1) + 1
    assert found.between == pytest.approx(9 / total, abs=0.06)
    assert found.alone == pytest.approx(1 / total, abs=0.02)
    assert found.of_means == pytest.approx(1 / 60 / (9 + 1 / 60), rel=0.2)
    values[0, 0] = np.nan
    gap = noise(Outcome(name="CD8 core", scenario="hot", values=values))
    assert gap.points == 399
    assert gap.between == pytest.approx(found.between, abs=0.01)
    one_seed = noise(Outcome(name="CD8 core", scenario="hot", values=values[:, :1]))
    assert (one_seed.alone, one_seed.of_means) == (None, None)


# ------------------------------------------------------------------ what is refused, what is written


def test_what_cannot_be_analyzed_is_told() -> None:
    study = made_up(cube(), slope)
    with pytest.raises(InputError, match="Did you mean 'CD8 core'"):
        analyze(study, ["CD8 cor"])
    with pytest.raises(InputError, match=r"Did you mean 'tumor\.traits\.p1'"):
        analyze(study, plane=["tumor.traits.p0", "tumor.trait.p1"])
    with pytest.raises(InputError, match="two different parameters"):
        analyze(study, plane=[KEYS[0], KEYS[0]])
    with pytest.raises(InputError, match="varies no parameter"):
        analyze(made_up(np.zeros((1, 2)), slope))
    with pytest.raises(InputError, match="no run of the study is finished"):
        analyze(made_up(GRID, slope, missing=[(p, s) for p in range(6) for s in (1, 2)]))


def test_json_and_csv_hold_the_same_numbers(tmp_path: Path) -> None:
    found = analyze(made_up(cube(), monotone, missing=[(0, 1)], scenarios=("hot", "cold")))
    write(found, tmp_path / "new", command="sensitivity made-up")
    kept = json.loads((tmp_path / "new/sensitivity.json").read_text())
    with (tmp_path / "new/sensitivity.csv").open() as file:
        table = list(csv.DictReader(file))
    assert kept["study"]["runs_without_result"] == {"failed": 2}
    assert kept["method"] == "regression"
    mine = next(one for one in kept["analyses"] if (one["scenario"], one["outcome"]) == ("cold", "CD8 core"))
    rows = {(row["parameter"], row["quantity"]): row for row in table if (row["scenario"], row["outcome"]) == ("cold", "CD8 core")}  # fmt: skip # noqa: E501
    for key in KEYS:
        index, row = mine["regression"]["by_parameter"][key]["PRCC"], rows[key, "PRCC"]
        told = [float(row[name]) for name in ("value", "low95", "high95")]
        assert told == [index["value"], index["low"], index["high"]]
    change = next(one for one in mine["changes"] if one["key"] == KEYS[0])
    assert float(rows[KEYS[0], "change"]["value"]) == change["change"]
    assert kept["maps"][0]["runs"]


def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    study = made_up(cube(), monotone)
    for name in ("a", "b"):
        write(analyze(study), tmp_path / name)
    assert (tmp_path / "a/sensitivity.json").read_bytes() == (tmp_path / "b/sensitivity.json").read_bytes()
