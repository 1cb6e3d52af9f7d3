"""Branches share the past of their run to the byte, and chances afterwards; what is past stays as it was."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.toy import ToySimulator, results, small
from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.runs.branch import BranchPoint, branch, branch_point, branch_scenario, prepare, read_protocol
from tme_abm.runs.results import list_snapshots, read_manifest, read_series
from tme_abm.runs.run import resume, run
from tme_abm.runs.walk import Progress

TOY = ToySimulator()
KEPT = small("hot", **{"record.checkpoints": "12 h"})
TINY = {
    "lattice.shape": "[40, 40]",
    "lattice.margin": "100 um",
    "tumor.cells": "80",
    "clock.dt": "20 min",
    "clock.days": "0.5",
    "record.checkpoints": "4 h",
}
ANTI_PD1 = {"do": "block", "receptor": "PD1", "fraction": 0.95}
DEPLETION = {"do": "deplete", "cells": ["TAM"], "rate": "0.2 /h"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a toy over two days that keeps its state twice a day."""
    out = tmp_path_factory.mktemp("branch") / "toy"
    run(KEPT, out=out, seed=3, days=2, simulator=TOY)
    return out


@pytest.fixture(scope="module")
def tumor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a day of a small tumor that keeps its state every four hours."""
    out = tmp_path_factory.mktemp("branch") / "tumor"
    run(small("hot", **TINY), out=out, seed=2)
    return out


def arm(parent: Path, out: Path, *, at: float = 1.0, simulator: Any = TOY, **changes: Any) -> BranchPoint:
    """Branch off and walk to the end."""
    point = branch_point(parent, at=at, simulator=simulator)
    days = changes.pop("days", None)
    branch(point, branch_scenario(point, **changes), out=out, days=days, simulator=simulator)
    return point


def without_earlier_states(found: dict[str, bytes], day: float, dt: float = 10) -> dict[str, bytes]:
    """The files of a run but for the states that it kept before `day`."""
    first = round(day * 1440 / dt)
    return {name: content for name, content in found.items()
            if not name.startswith("checkpoint/") or int(name[16:25]) >= first}  # fmt: skip


def last_state(out: Path) -> dict[str, np.ndarray]:
    with np.load(sorted((out / "checkpoint").glob("*.npz"))[-1]) as archive:
        return dict(archive)


# ---------------------------------------------------------------- states that are kept


def test_a_run_keeps_the_states_it_was_told_to(toy: Path, tmp_path: Path) -> None:
    assert [path.name for path in sorted((toy / "checkpoint").glob("*.npz"))] == [
        f"step_{step:09d}.npz" for step in (72, 144, 216, 288)
    ]
    run(small(), out=tmp_path / "a", seed=3, days=2, simulator=TOY)
    assert [path.name for path in sorted((tmp_path / "a/checkpoint").glob("*.npz"))] == ["step_000000288.npz"]
    assert (tmp_path / "a/series.csv").read_bytes() == (toy / "series.csv").read_bytes()


def test_keeping_states_is_not_in_the_hash_of_who_keeps_none() -> None:
    assert "checkpoints" not in small().resolved_toml()
    assert 'checkpoints = "12 h"' in KEPT.resolved_toml()


def test_a_killed_run_keeps_the_same_states(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no cells left"):
        run(KEPT, out=tmp_path / "a", seed=3, days=2, simulator=ToySimulator(fails_at=200))
    resume(tmp_path / "a", simulator=TOY)
    assert results(tmp_path / "a") == results(toy)


# ---------------------------------------------------------------- the same past


def test_a_branch_without_any_change_is_the_run_itself(toy: Path, tumor: Path, tmp_path: Path) -> None:
    arm(toy, tmp_path / "a", days=2)
    assert results(tmp_path / "a") == without_earlier_states(results(toy), 1)
    arm(tumor, tmp_path / "b", at=1 / 6, simulator=None)
    assert results(tmp_path / "b") == without_earlier_states(results(tumor), 1 / 6, 20)


def test_the_last_state_goes_on_beyond_the_end(toy: Path, tmp_path: Path) -> None:
    run(KEPT, out=tmp_path / "long", seed=3, days=3.2, simulator=TOY)
    point = branch_point(toy, simulator=TOY)
    assert (point.day, point.seed) == (2.0, 3)
    branch(point, point.scenario, out=tmp_path / "a", days=3.2, simulator=TOY)
    assert results(tmp_path / "a") == without_earlier_states(results(tmp_path / "long"), 2)


def test_a_branch_shares_the_past_and_says_where_it_came_from(toy: Path, tmp_path: Path) -> None:
    point = arm(toy, tmp_path / "a", protocol=[ANTI_PD1], settings=["name=treated"], days=2)
    mine, theirs = read_series(tmp_path / "a"), read_series(toy)
    assert np.array_equal(mine.times, theirs.times)
    same = np.array([mine.row(day) == theirs.row(day) for day in mine.times])
    assert same[1:].tolist() == (mine.times <= 1)[1:].tolist()  # the ratio of the first row is no number
    past = [path.name for day, path in list_snapshots(toy) if day <= 1]
    assert all((tmp_path / "a/snapshots" / n).read_bytes() == (toy / "snapshots" / n).read_bytes() for n in past)
    manifest = read_manifest(tmp_path / "a")
    assert manifest["branched_from"] == {
        "directory": str(toy.resolve()),
        "scenario_hash": KEPT.hash,
        "step": 144,
        "time_day": 1.0,
        "state_sha256": point.checkpoint.sha256,
    }
    assert (manifest["scenario"], manifest["status"], manifest["resumed"]) == ("treated", "done", 0)
    assert 'start = "1 day"' in (tmp_path / "a/scenario.resolved.toml").read_text()
    assert point.is_of(manifest)
    assert not branch_point(toy, at=1.5, simulator=TOY).is_of(manifest)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_killed_branch_goes_on_to_the_same_bytes(tumor: Path, tmp_path: Path) -> None:
    changes = {"protocol": [ANTI_PD1, DEPLETION], "settings": {"tumor.traits.antigenicity": 0.2}}

    def die(now: Progress) -> None:
        if now.step == 20:
            os.kill(os.getpid(), 9)

    def begin() -> None:
        point = branch_point(tumor, at=1 / 6)
        branch(point, branch_scenario(point, **changes), out=tmp_path / "a", progress=die)

    child = multiprocessing.get_context("fork").Process(target=begin)
    child.start()
    child.join()
    assert child.exitcode == -9
    assert resume(tmp_path / "a").resumed_from == 12
    arm(tumor, tmp_path / "b", at=1 / 6, simulator=None, **changes)
    assert results(tmp_path / "a") == results(tmp_path / "b")
    ends = [read_series(out).last()["TAM cells"] for out in (tmp_path / "b", tumor)]
    assert ends[0] < ends[1]


def test_a_branch_of_a_branch(tumor: Path, tmp_path: Path) -> None:
    arm(tumor, tmp_path / "a", at=1 / 6, simulator=None, protocol=[ANTI_PD1], settings=["record.checkpoints=2 h"])
    arm(tmp_path / "a", tmp_path / "b", at=1 / 3, simulator=None)
    assert results(tmp_path / "b") == without_earlier_states(results(tmp_path / "a"), 1 / 3, 20)
    assert read_manifest(tmp_path / "b")["branched_from"]["time_day"] == pytest.approx(1 / 3)


def test_a_branch_that_lost_its_state_does_not_begin_anew(toy: Path, tmp_path: Path) -> None:
    point = branch_point(toy, at=1, simulator=TOY)
    prepare(point, KEPT, out=tmp_path / "a", days=2, simulator=TOY)
    for path in (tmp_path / "a/checkpoint").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="lost the state it branched from"):
        resume(tmp_path / "a", simulator=TOY)


# ---------------------------------------------------------------- chances


def test_twins_are_equal_until_the_treatment_begins(tumor: Path, tmp_path: Path) -> None:
    later = {**ANTI_PD1, "start": "6 h"}
    arm(tumor, tmp_path / "a", at=1 / 6, simulator=None, protocol=[later], settings=["record.every=20 min"])
    arm(tumor, tmp_path / "b", at=1 / 6, simulator=None, settings=["record.every=20 min"])
    treated, twin = (read_series(tmp_path / name) for name in "ab")
    equal = [str(treated.row(day)) == str(twin.row(day)) for day in treated.times]
    assert all(same for same, day in zip(equal, treated.times, strict=True) if day <= 0.25)
    assert not equal[-1]


def test_arms_with_other_items_lose_and_get_the_same_cells(tumor: Path, tmp_path: Path) -> None:
    """What an item does hangs neither on its place in the list nor on what stands before it."""
    add = {"do": "add", "cell": "NK", "count": 9}
    deplete = {**DEPLETION, "rate": "1 /h", "stop": "260 min"}
    idle = {"do": "deplete", "cells": ["CD8"], "rate": "1 /h", "start": "100 day"}
    other = {"do": "neutralize", "molecule": "CCL2", "fraction": 0.0}
    more = {"do": "add", "cell": "NK", "count": 1, "start": "100 day"}
    states = []
    for name, items in {"a": [deplete, add], "b": [other, idle, deplete, add, more]}.items():
        arm(tumor, tmp_path / name, at=1 / 6, simulator=None, protocol=items, days=4.6 / 24)
        states.append(last_state(tmp_path / name))
    assert states[0].keys() == states[1].keys()
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    assert states[0]["ledger/depletion of TAM"] > 0


def test_a_molecule_that_is_dosed_first_in_the_branch_gets_its_field(
    tumor: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = {name.removeprefix("fields/") for name in last_state(tumor) if name.startswith("fields/")}
    molecule = next(name for name in load_catalogue().diffusing if name not in there)
    dose = {"do": "dose", "route": "bath", "molecule": molecule, "rate": "1 pM/min"}
    arm(tumor, tmp_path / "a", at=1 / 6, simulator=None, protocol=[dose])
    assert f"{molecule} had no field until day 0.166667" in caplog.text
    assert (last_state(tmp_path / "a")[f"fields/{molecule}"] > 0).all()
    series = read_series(tmp_path / "a")
    assert np.isnan(series.metrics[f"{molecule} core"][series.times <= 1 / 6]).all()
    # A field that is there is kept, also in a branch that would not ask for it.
    arm(tumor, tmp_path / "b", at=1 / 6, simulator=None, protocol=[{**dose, "start": "10 h"}])
    arm(tmp_path / "b", tmp_path / "c", at=1 / 3, simulator=None, settings={"protocol": []})
    assert f"fields/{molecule}" in last_state(tmp_path / "c")


def test_blood_may_dry_up_in_a_branch(tumor: Path, tmp_path: Path) -> None:
    settings = {f"blood.{pool}.cells": 0 for pool in ("monocyte", "CD8", "Th1", "NK", "Treg")}
    arm(tumor, tmp_path / "a", at=1 / 6, simulator=None, settings=settings)
    assert last_state(tmp_path / "a").keys() >= {name for name in last_state(tumor) if name.startswith("fields/")}
    came = [f"ledger/arrival of {cell}" for cell in ("TAM", "CD8", "Th1", "NK", "Treg")]
    at = [sum(last_state(out)[one][0] for one in came if one in last_state(out)) for out in (tmp_path / "a", tumor)]
    assert at[0] < at[1]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["lattice.shape=[50, 50]"], r"lattice.shape: cannot change from .* to \[50, 50\] .* stand on this lattice"),
        (["clock.dt=5 min"], "clock.dt: cannot change from .* chances are drawn by the number of the step"),
        (["tumor.cells=70"], "tumor.cells: .* planted already"),
        (["immune.CD8=90 /mm^2"], "immune.CD8: .* can 'add' or 'deplete' cells"),
        (["vessels.density=90 /mm^2"], "vessels.density: .* planted already"),
        (["stroma.matrix=0.9"], "stroma.matrix: .* laid down already"),
        (["stroma.cells.myCAF=9 /mm^2", "stroma.secretion={}"], "stroma.cells.myCAF: .* stroma are planted already"),
        (["fields.tolerance=0.5"], "fields.tolerance: .* computed alike.*Allowed: protocol, tumor.traits, blood"),
    ],
)
def test_what_made_the_tissue_cannot_change(tumor: Path, settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        branch_scenario(branch_point(tumor), settings=settings)


def test_what_acts_from_now_on_can_change(tumor: Path) -> None:
    settings = {
        "tumor.traits.pdl1": 0.0,
        "blood.CD8.cells": 10,
        "stroma.secretion.CXCL12": "1 pM/min",
        "growth.push": "30 um",
        "clock.days": 3,
        "record.every": "1 h",
        "name": "x",
    }
    found = branch_scenario(branch_point(tumor), settings=settings)
    assert len(found.differences(small("hot", **TINY))) == len(settings) - 1


def test_the_past_cannot_change(tumor: Path, tmp_path: Path) -> None:
    point = branch_point(tumor, at=1 / 3)
    with pytest.raises(InputError, match=r"protocol.0: 'block' starts at 2 h, and what happened .* day 0.333333 "):
        branch_scenario(point, protocol=[{**ANTI_PD1, "start": "2 h"}])
    early = {**ANTI_PD1, "start": "5 h"}
    arm(tumor, tmp_path / "a", at=1 / 6, simulator=None, protocol=[early, {**DEPLETION, "start": "9 h"}])
    treated = branch_point(tmp_path / "a", at=1 / 3)
    for settings in ({"protocol": []}, {"protocol.0.fraction": 0.5}, {"protocol.0.stop": "6 h"}):
        with pytest.raises(InputError, match=r"protocol.0: 'block' .* before the branching at day 0.333333"):
            branch_scenario(treated, settings=settings)
    assert branch_scenario(treated, settings={"protocol.0.stop": "8 h"}).protocol[0].stop == 480  # type: ignore[union-attr]
    assert branch_scenario(treated, settings={"protocol.1.rate": "1 /h"}).protocol[1] != treated.scenario.protocol[1]


def test_an_error_in_a_protocol_names_its_file_and_its_own_number(tumor: Path, tmp_path: Path) -> None:
    file = tmp_path / "drug.toml"
    file.write_text('[[protocol]]\ndo = "block"\nreceptor = "PD1"\nfraction = 0.9\n')
    point = branch_point(tumor, at=1 / 3)
    scenario = branch_scenario(point, protocol=read_protocol(file), origin=str(file))
    assert scenario.protocol[0].start == 480
    file.write_text('[[protocol]]\ndo = "block"\nreceptor = "PD2"\nfraction = 0.9\n')
    with pytest.raises(InputError, match=r"drug.toml: protocol.0.receptor: .*PD1"):
        branch_scenario(point, protocol=read_protocol(file), origin=str(file))
    for text, message in [
        ("", "holds no intervention"),
        ("days = 3", "days: a file of interventions"),
        ("protocol = 3", "holds no"),
    ]:
        file.write_text(text)
        with pytest.raises(InputError, match=message):
            read_protocol(file)


def test_states_that_are_not_there(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no state of day 1.2 to branch from, only of days 0.5, 1, 1.5, 2; a"):
        branch_point(toy, at=1.2, simulator=TOY)
    with pytest.raises(InputError, match="another version of the model"):
        branch_point(toy, simulator=ToySimulator(version="toy 2"))
    with pytest.raises(InputError, match="no such directory"):
        branch_point(tmp_path / "none", simulator=TOY)
    point = branch_point(toy, simulator=TOY)
    with pytest.raises(InputError, match="branches at day 2 and would end at day 2; give a later end with --days"):
        branch(point, KEPT, out=tmp_path / "a", days=2, simulator=TOY)
    with pytest.raises(InputError, match="holds a run already"):
        branch(point, KEPT, out=toy, days=3, simulator=TOY)
    assert not (tmp_path / "a").exists()


def test_the_start_is_no_past_to_branch_from(tmp_path: Path) -> None:
    run(small(), out=tmp_path / "a", seed=3, days=0, simulator=TOY)
    for at in (None, 0.0):
        with pytest.raises(InputError, match=r"no past to share.*--seed 3"):
            branch_point(tmp_path / "a", at=at, simulator=TOY)


def test_a_damaged_state_is_not_believed(tmp_path: Path) -> None:
    run(KEPT, out=tmp_path / "a", seed=3, days=1, simulator=TOY)
    path = tmp_path / "a/checkpoint/step_000000144.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="damaged"):
        branch_point(tmp_path / "a", at=1, simulator=TOY)
    assert branch_point(tmp_path / "a", simulator=TOY).day == 0.5
