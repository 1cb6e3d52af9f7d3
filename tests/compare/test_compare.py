from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.toy import ToySimulator, results, small
from tme_abm.compare.compare import compare
from tme_abm.compare.comparison import Comparison, read_comparison
from tme_abm.compare.statistics import mean_interval, paired_correlation, paired_difference
from tme_abm.compare.swap import swaps
from tme_abm.core import files
from tme_abm.core.errors import InputError
from tme_abm.runs.results import read_manifest, read_series
from tme_abm.scenario import load

RARELY = {"record.snapshots": "10 day", "record.every": "4 h"}
COLD, HOT = small("cold", **RARELY), small("hot", **RARELY)
DAYS = 6


def compared(out: Path, simulator: ToySimulator, **more: Any) -> Comparison:
    options: dict[str, Any] = {"replicates": 3, "days": DAYS, "jobs": 2} | more
    return compare([COLD, HOT], out=out, simulator=simulator, **options)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compare") / "a"
    compared(out, ToySimulator(), command="compare cold hot")
    return out


def test_comparison_json_is_as_promised(done: Path) -> None:
    found = json.loads((done / "comparison.json").read_text())
    assert list(found["scenarios"]) == ["cold", "hot"]
    for one in found["scenarios"].values():
        assert set(one["state"]) == {"hot", "cold", "excluded"}
        assert sum(one["state"].values()) + one["unclassified"] == 3
        assert {state for day in ("5", "6") for state in one["states"][day]} <= {"hot", "cold", "none"}
        for metric in one["metrics"].values():
            assert set(metric) == {"mean", "ci95", "values"}
            assert len(metric["values"]) == 3
            assert metric["mean"] == pytest.approx(mean_interval(metric["values"]).mean)
            assert metric["ci95"] == pytest.approx(mean_interval(metric["values"]).interval)
    assert (found["seeds"], found["days"], found["failures"]) == ([1, 2, 3], 6, [])
    assert found["command"] == "compare cold hot"
    assert {"python", "numpy", "scipy", "mesa", "tme_abm"} == set(found["versions"])
    changed = {one["key"]: (one["a_value"], one["b_value"]) for one in found["differences"]}
    assert changed == {key: (a, b) for key, a, b in COLD.differences(HOT)}


def test_a_comparison_is_read_back_as_it_was_written(done: Path) -> None:
    before = {path.name: path.read_bytes() for path in done.glob("*.json")}
    found = read_comparison(done)
    assert found.content == json.loads(before["comparison.json"])
    assert math.isnan(found.tumors["hot"].courses["Treg:CD8"].mean[0])
    found.write()
    assert {path.name: path.read_bytes() for path in done.glob("*.json")} == before


def test_values_are_those_of_the_runs(done: Path) -> None:
    found = json.loads((done / "comparison.json").read_text())
    hot = found["scenarios"]["hot"]
    for index, one in enumerate(hot["runs"]):
        series = read_series(done / one["directory"])
        assert hot["metrics"]["CD8 core"]["values"][index] == series.last()["CD8 core"]
        assert hot["states"]["6"][index] == ToySimulator().classify(series.last())
        assert hot["states"]["5"][index] == ToySimulator().classify(series.row(5) or {})
        assert read_manifest(done / one["directory"])["seed"] == one["seed"]


def test_contrasts_are_a_minus_b_in_pairs(done: Path) -> None:
    found = json.loads((done / "comparison.json").read_text())
    a, b = (found["scenarios"][name]["metrics"]["CD8 core"]["values"] for name in ("cold", "hot"))
    contrast = next(one for one in found["contrasts"] if one["metric"] == "CD8 core")
    assert (contrast["a"], contrast["b"]) == ("cold", "hot")
    assert contrast["difference"] == pytest.approx(paired_difference(a, b).mean)
    assert contrast["ci95"] == pytest.approx(paired_difference(a, b).interval)
    assert contrast["paired_correlation"] == pytest.approx(paired_correlation(a, b))
    assert len(found["contrasts"]) == 5


def test_time_courses_are_means_over_replicates(done: Path) -> None:
    found = json.loads((done / "time_courses.json").read_text())["scenarios"]["hot"]
    series = [read_series(done / f"runs/hot/seed_{seed:03d}") for seed in (1, 2, 3)]
    assert found["days"] == series[0].times.tolist()
    course = found["metrics"]["Treg:CD8"]
    assert (course["mean"][0], course["low"][0]) == (None, None)
    expected = mean_interval([one.metrics["Treg:CD8"][7] for one in series])
    assert (course["mean"][7], course["low"][7], course["high"][7]) == (
        pytest.approx(expected.mean),
        pytest.approx(expected.low),
        pytest.approx(expected.high),
    )


def test_finished_runs_are_used_again_and_short_ones_made_longer(tmp_path: Path) -> None:
    first = compared(tmp_path / "a", ToySimulator(), replicates=1, days=1)
    assert first.content["scenarios"]["hot"]["metrics"]["CD8 core"]["ci95"] is None
    again = compared(tmp_path / "a", ToySimulator(fails_at=1), replicates=1, days=1, jobs=1)  # would fail if it ran
    assert again.failures == ()
    longer = compared(tmp_path / "a", ToySimulator(), replicates=2, days=2)
    fresh = compared(tmp_path / "b", ToySimulator(), replicates=2, days=2, jobs=1)
    assert longer.content["scenarios"] == fresh.content["scenarios"]
    assert results(tmp_path / "a/runs") == results(tmp_path / "b/runs")


def test_a_failed_run_is_told_and_the_rest_go_on(tmp_path: Path) -> None:
    found = compared(tmp_path / "a", ToySimulator(fails_at=100, fails_for="hot"), replicates=2, days=1)
    assert [(one.scenario, one.seed) for one in found.failures] == [("hot", 1), ("hot", 2)]
    assert "ZeroDivisionError: no cells left" in found.failures[0].error
    assert len(found.runs) == 4
    assert found.content["scenarios"]["hot"]["failed"] == 2
    assert found.content["scenarios"]["cold"]["metrics"]["CD8 core"]["mean"] is not None
    assert found.content["contrasts"] == []


def test_a_process_that_dies_does_not_take_the_others_along(tmp_path: Path) -> None:
    found = compared(
        tmp_path / "a", ToySimulator(dies_at=50, fails_for="hot", seconds_a_step=0.01), replicates=1, days=1
    )
    assert [(one.scenario, one.error[:16]) for one in found.failures] == [("hot", "its process died")]
    assert found.content["scenarios"]["cold"]["failed"] == 0


def test_earlier_runs_of_something_else_are_not_touched(done: Path, tmp_path: Path) -> None:
    before = results(done)
    with pytest.raises(InputError, match="holds another run of 'hot'"):
        compare(
            [small("hot", **{"tumor.cells": "300"})],
            out=done,
            replicates=1,
            days=DAYS,
            simulator=ToySimulator(),
        )
    with pytest.raises(InputError, match="holds another run"):
        compared(done, ToySimulator(version="toy 2"))
    with pytest.raises(InputError, match="holds another run"):
        compared(done, ToySimulator(), days=1)
    assert results(done) == before
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(InputError, match="not empty and holds no comparison"):
        compared(tmp_path, ToySimulator())
    with pytest.raises(InputError, match="cannot"):
        compared(Path("/proc/a"), ToySimulator())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"replicates": 0}, "at least one replicate, not 0"),
        ({"jobs": 0}, "at least one process is needed, not 0"),
        ({"days": 0}, "positive number of days"),
    ],
)
def test_impossible_numbers(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compared(tmp_path / "a", ToySimulator(), **more)
    assert not (tmp_path / "a").exists()


def test_two_scenarios_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two scenarios are called 'hot'"):
        compare([HOT, HOT], out=tmp_path / "a")


def _endless(out: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    compared(out, ToySimulator(seconds_a_step=0.5))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_parent(tmp_path: Path, how: signal.Signals) -> None:
    parent = multiprocessing.get_context("fork").Process(target=_endless, args=(tmp_path / "a",))
    parent.start()
    begun = [tmp_path / f"a/runs/{name}/seed_001" for name in ("cold", "hot")]
    while not all(path.exists() for path in begun):
        time.sleep(0.05)
    os.kill(parent.pid or 0, how)
    parent.join(8)
    assert not parent.is_alive()
    deadline = time.monotonic() + 8
    while any(map(files.is_locked, begun)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(files.is_locked, begun))


def test_swaps_give_one_group_at_a_time_and_all() -> None:
    cold, hot = load("cold"), load("hot")
    differing = {key.removeprefix("tumor.traits.") for key, _, _ in hot.differences(cold) if "traits" in key}
    made = swaps(cold, hot)
    groups = [one.group for one in made.variants[:-1]]
    assert set(groups) <= {one.group or "other traits" for one in hot.catalogue.traits.values()}
    assert made.variants[-1].group == "all traits"
    single = [set(one.traits) for one in made.variants[:-1]]
    assert set.union(*single) == set(made.variants[-1].traits) == differing
    assert sum(map(len, single)) == len(differing)
    for one in made.variants:
        changed = {key.removeprefix("tumor.traits."): value for key, _, value in hot.differences(one.scenario)}
        assert changed == dict(one.traits)
        assert all(cold.tumor.traits[name] == one.scenario.tumor.traits[name] for name in one.traits)
    assert len({one.name for one in made.scenarios}) == len(made.scenarios) == len(made.variants) + 2


def test_nothing_to_swap() -> None:
    with pytest.raises(InputError, match="do not differ in any trait"):
        swaps(HOT, small("hot", **{"tumor.cells": "300"}))
