"""Arms of one tissue are compared in pairs, and so are runs that were made one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.toy import ToySimulator, results, small
from tme_abm.compare.arms import compare_arms, read_arms
from tme_abm.compare.comparison import Comparison
from tme_abm.compare.finished import compare_runs
from tme_abm.core.errors import InputError
from tme_abm.report.comparison import write_comparison
from tme_abm.runs.branch import branch, branch_point, branch_scenario
from tme_abm.runs.results import read_series
from tme_abm.runs.run import run

TOY = ToySimulator()
SETTINGS = {"record.checkpoints": "12 h", "record.snapshots": "10 day", "record.every": "4 h", "clock.days": "2"}
HOT = small("hot", **SETTINGS)
ARMS = """
[arms.control]
[arms.treated]
title = "PD-1 blocked"
protocol = [{ do = "block", receptor = "PD1", fraction = 0.9, start = "30 h" }]
[arms.blind]
protocol = "drug.toml"
[arms.blind.set]
"tumor.traits.antigenicity" = 0.1
record.every = "2 h"
"""


@pytest.fixture(scope="module")
def tissues(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("tissues")
    return [run(HOT, out=out / f"seed_{seed:03d}", seed=seed, simulator=TOY).directory for seed in (1, 2, 3)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "drug.toml").write_text('[[protocol]]\ndo = "neutralize"\nmolecule = "IFNG"\nfraction = 0.5\n')
    (tmp_path / "arms.toml").write_text(ARMS)
    return tmp_path / "arms.toml"


def compared(tissues: list[Path], file: Path, out: Path, **more: Any) -> Comparison:
    points = [branch_point(one, at=1, simulator=TOY) for one in tissues]
    return compare_arms(points, read_arms(file)[0], out=out, jobs=1, **{"simulator": TOY, **more})


def test_every_arm_goes_on_from_every_tissue(tissues: list[Path], file: Path, tmp_path: Path) -> None:
    found = compared(tissues[::-1], file, tmp_path / "a")
    assert found.failures == ()
    content = json.loads((tmp_path / "a/comparison.json").read_text())
    assert list(content["scenarios"]) == ["control", "treated", "blind"]
    assert (content["seeds"], content["days"], content["branched"]["days"]) == ([1, 2, 3], 2, [1.0])
    assert content["scenarios"]["treated"]["title"] == "PD-1 blocked"
    for seed, tissue in zip((1, 2, 3), tissues, strict=True):
        original, ends = read_series(tissue), {}
        for name, scenario in content["scenarios"].items():
            place = tmp_path / "a" / scenario["runs"][seed - 1]["directory"]
            series = read_series(place)
            assert str(series.row(1)) == str(original.row(1))
            ends[name] = series.last()["CD8 core"]
            assert scenario["metrics"]["CD8 core"]["values"][seed - 1] == ends[name]
        assert ends["control"] == original.last()["CD8 core"]
        assert len(set(ends.values())) == 3
    contrast = next(one for one in content["contrasts"] if one["metric"] == "CD8 core")
    assert (contrast["a"], contrast["b"]) == ("control", "treated")
    assert contrast["paired_correlation"] is not None
    keys = {one["key"] for one in content["differences"] if (one["a"], one["b"]) == ("control", "blind")}
    assert keys >= {"protocol.0.do", "tumor.traits.antigenicity", "record.every"}


def test_what_has_been_walked_is_used_again(tissues: list[Path], file: Path, tmp_path: Path) -> None:
    broken = compared(tissues, file, tmp_path / "a", simulator=ToySimulator(fails_at=200, fails_for="treated"))
    assert [one.seed for one in broken.failures] == [1, 2, 3]
    assert len(broken.runs) == 9
    for path in (tmp_path / "a/runs/blind/seed_002/checkpoint").iterdir():
        path.unlink()  # as if stopped while it was laid out
    (tmp_path / "a/runs/blind/seed_002/series.csv").unlink()
    again = compared(tissues, file, tmp_path / "a")
    fresh = compared(tissues, file, tmp_path / "b")
    assert again.failures == ()
    assert results(tmp_path / "a/runs") == results(tmp_path / "b/runs")
    assert again.content["contrasts"] == fresh.content["contrasts"]
    idle = compared(tissues, file, tmp_path / "a", simulator=ToySimulator(fails_at=150))  # would fail if it walked
    assert idle.failures == ()


def test_another_branching_is_not_mixed_in(tissues: list[Path], file: Path, tmp_path: Path) -> None:
    compared(tissues[:1], file, tmp_path / "a")
    before = results(tmp_path / "a")
    points = [branch_point(tissues[0], at=0.5, simulator=TOY)]
    with pytest.raises(InputError, match=r"another run of 'control' \(another branching"):
        compare_arms(points, read_arms(file)[0][:1], out=tmp_path / "a", simulator=TOY)
    assert results(tmp_path / "a") == before


def test_tissues_that_do_not_belong_together(tissues: list[Path], file: Path, tmp_path: Path) -> None:
    run(small("cold", **SETTINGS), out=tmp_path / "cold", seed=5, simulator=TOY)
    points = [branch_point(one, at=1, simulator=TOY) for one in (*tissues, tmp_path / "cold")]
    arms, out = read_arms(file)[0], tmp_path / "a"
    for which, message in [
        ([points[0], points[3]], r"is a run of another scenario \('cold'\)"),
        ([points[0], points[0]], "have the same seed, 1: they are the same tissue"),
        ([points[0], branch_point(tissues[1], at=1.5, simulator=TOY)], r"branches at day 1.5 and .* at day 1; choose"),
        ([], "name the runs"),
    ]:
        with pytest.raises(InputError, match=message):
            compare_arms(which, arms, out=out, simulator=TOY)
    with pytest.raises(InputError, match=r"arms.toml: arms.treated: protocol.0: 'block' starts at 1.25 day,"):
        compare_arms([branch_point(tissues[0], at=1.5, simulator=TOY)], arms, out=out, simulator=TOY)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no arm"),
        ("arms = 3", "names no arm"),
        ("day = 3\n[arms.a]", r"day: unknown key.*Did you mean 'days'"),
        ('days = "3"\n[arms.a]', "days: should be a number"),
        ("[arms.a]\nsett = {}", r"arms.a.sett: unknown key.*Did you mean 'set'"),
        ("[arms.a]\nset = 3", "arms.a.set: should be a table"),
        ("[arms.a]\nprotocol = 3", "arms.a.protocol: should be a list or text, not 3"),
        ('[arms.a]\nprotocol = "none.toml"', "none.toml: no such file"),
        ("[arms]\na = 3", "arms.a: should be a table"),
    ],
)
def test_impossible_arms(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "arms.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_arms(tmp_path / "arms.toml")


# ---------------------------------------------------------------- runs that are there


def treated(tissue: Path, out: Path, **settings: str) -> Path:
    point = branch_point(tissue, at=1, simulator=TOY)
    items = [{"do": "block", "receptor": "PD1", "fraction": 0.9}]
    scenario = branch_scenario(point, protocol=items, settings=settings)
    return branch(point, scenario, out=out, simulator=TOY).directory


def test_a_run_and_its_branch_are_compared_as_they_are(tissues: list[Path], tmp_path: Path) -> None:
    directories = [tissues[0], treated(tissues[0], tmp_path / "drug")]
    found = compare_runs(directories, out=tmp_path / "a", simulator=TOY).content
    assert list(found["scenarios"]) == [tissues[0].parent.name, "drug"]  # both scenarios are called 'hot'
    for name, directory in zip(found["scenarios"], directories, strict=True):
        entry = found["scenarios"][name]
        assert (tmp_path / "a" / entry["runs"][0]["directory"]).resolve() == directory.resolve()
        assert entry["metrics"]["CD8 core"]["values"] == [read_series(directory).last()["CD8 core"]]
        assert entry["hash"] == branch_point(directory, simulator=TOY).scenario.hash
        assert entry["resolved"] == (directory / "scenario.resolved.toml").read_text()
    assert found["branched"] == {"days": [1.0], "from": [str(tissues[0].resolve())]}
    assert "before they parted on day 1" in write_comparison(tmp_path / "a").read_text()


def test_several_runs_are_sorted_into_arms(tissues: list[Path], tmp_path: Path) -> None:
    drug = [treated(one, tmp_path / f"drug{n}", name="drug") for n, one in enumerate(tissues)]
    found = compare_runs([*tissues, *drug[::-1]], out=tmp_path / "a", simulator=TOY).content
    assert (list(found["scenarios"]), found["seeds"]) == (["hot", "drug"], [1, 2, 3])
    ends = [read_series(one).last()["CD8 core"] for one in drug]
    assert found["scenarios"]["drug"]["metrics"]["CD8 core"]["values"] == ends


def test_runs_of_scenarios_that_never_were_one(tissues: list[Path], tmp_path: Path) -> None:
    run(small("cold", **SETTINGS), out=tmp_path / "cold", seed=1, simulator=TOY)
    found = compare_runs([tissues[0], tmp_path / "cold"], out=tmp_path / "a", simulator=TOY).content
    assert (list(found["scenarios"]), "branched" in found) == (["hot", "cold"], False)
    drug = treated(tissues[0], tmp_path / "drug", name="drug")
    with pytest.raises(InputError, match="runs with seed 1 have no past in common"):
        compare_runs([drug, tmp_path / "cold"], out=tmp_path / "b", simulator=TOY)


def test_runs_that_cannot_be_paired(tissues: list[Path], tmp_path: Path) -> None:
    drug = treated(tissues[0], tmp_path / "drug", name="drug")
    run(HOT, out=tmp_path / "long", seed=1, days=3, simulator=TOY)
    run(HOT, out=tmp_path / "twin", seed=1, simulator=TOY)
    run(HOT, out=tmp_path / "other", seed=2, simulator=ToySimulator(version="toy 2"))
    with pytest.raises(Exception, match="no cells left"):
        run(HOT, out=tmp_path / "broken", seed=2, simulator=ToySimulator(fails_at=9))
    for directories, message in [
        ([tissues[0], tmp_path / "long"], "ends at day 3 and .* at day 2; make the shorter"),
        ([tissues[0], tmp_path / "twin"], "is a run of 'hot' with seed 1, and so is"),
        ([tissues[0], tmp_path / "other"], "another version of the model"),
        ([tissues[0], tmp_path / "broken"], "has not ended"),
        ([tissues[0], tissues[1], drug], "no run of 'drug' with seed 2"),
        ([tissues[0], tissues[1]], "these are all runs of 'hot'"),
        ([tissues[0], tmp_path], "is not the directory of a run"),
    ]:
        with pytest.raises(InputError, match=message):
            compare_runs(directories, out=tmp_path / "a", simulator=TOY)
    assert not (tmp_path / "a").exists()
