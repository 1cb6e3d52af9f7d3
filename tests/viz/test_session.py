"""The session of a tab: finished frames only, interventions without reset, and files that repeat what was seen."""

from __future__ import annotations

import csv
import io
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.support.models import TINY, same
from tme_abm.cli import main
from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.runs.results import read_series
from tme_abm.runs.run import run
from tme_abm.scenario import Scenario, changed, load
from viz.frame import Frame
from viz.session import Session

PD1 = {"do": "block", "receptor": "PD1", "fraction": 0.9}
MEDIUM = {"do": "hold", "molecule": "CXCL10", "level": "2 nM"}
DEPLETION = {"do": "deplete", "cells": ["TAM"], "rate": "20 /day"}


def played(scenario: Scenario, steps: int, stride: int = 1) -> tuple[Session, list[Frame]]:
    """A session that has played in its thread until `steps` were done."""
    frames: list[Frame] = []
    enough, ended = threading.Event(), threading.Event()

    def publish(frame: Frame) -> None:
        frames.append(frame)
        if frame.step >= steps:
            session.pause()
            enough.set()

    session = Session(scenario, 1, publish, stopped=ended.set)
    session.stride = stride
    session.play()
    assert enough.wait(30)
    assert ended.wait(30)
    return session, frames


def test_playing_publishes_finished_steps_in_order(tiny: Scenario) -> None:
    _, frames = played(tiny, 5)
    steps = [frame.step for frame in frames]
    assert steps == sorted(set(steps))
    control = Session(tiny, 1)
    for frame in frames:
        control.step(frame.step - control.frame.step)
        assert frame.measures == pytest.approx(dict(control.frame.measures), nan_ok=True)
        np.testing.assert_array_equal(frame.fields["IFNG"], control.frame.fields["IFNG"])


def test_a_stride_skips_pictures_not_steps(tiny: Scenario) -> None:
    session, frames = played(tiny, 6, stride=3)
    assert {frame.step % 3 for frame in frames} == {0}
    control = Session(tiny, 1)
    control.step(session.model.clock.step)
    assert same(session.model.state(), control.model.state())


def test_in_slow_motion_pictures_are_at_least_as_far_apart_as_asked(tiny: Scenario) -> None:
    shown: list[float] = []
    session = Session(tiny, 1, lambda frame: shown.append(time.monotonic()))
    session.rest = 0.5
    session.play()
    until = time.monotonic() + 60
    while len(shown) < 4:
        assert time.monotonic() < until
        time.sleep(0.01)
    session.pause()
    # What another thread draws may come late, the picture after it then all the sooner: the mean tells.
    assert (shown[3] - shown[0]) / 3 > 0.4


def test_the_mean_of_a_behavior_is_that_of_its_living_cells(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.step()
    cells = session.model.agents.select(lambda one: one.cell == "CD8")
    assert session.mean_behavior(["CD8"], "speed") == pytest.approx(np.mean(cells.behavior("speed")))
    session.intervene({"do": "fix", "behavior": "speed", "value": "1.5 um/min", "cells": ["CD8"]})
    session.step()
    assert session.mean_behavior(["CD8"], "speed") == 1.5
    for cell in list(session.model.agents.select(lambda one: one.cell == "CD8")):
        cell.remove()
    assert np.isnan(session.mean_behavior(["CD8"], "speed"))


def test_a_slow_drawing_costs_pictures_and_no_steps(tiny: Scenario) -> None:
    drawn: list[int] = []
    drawing, go_on = threading.Event(), threading.Event()

    def publish(frame: Frame) -> None:
        drawn.append(frame.step)
        drawing.set()
        go_on.wait(60)

    session = Session(tiny, 1, publish)
    session.play()
    assert drawing.wait(60)
    began = session.frame.step
    while session.frame.step < began + 4:
        assert session.playing
        time.sleep(0.01)
    session.pause()
    assert len(drawn) == 1  # it is still at the first
    go_on.set()
    until = time.monotonic() + 60
    while drawn[-1] != session.frame.step:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert len(drawn) == 2  # then comes the newest, not those in between


def test_a_picture_that_fails_is_told_and_the_next_one_comes(tiny: Scenario) -> None:
    told, drawn = [], threading.Event()

    def publish(frame: Frame) -> None:
        if frame.step == 1:
            raise ZeroDivisionError
        drawn.set()

    session = Session(tiny, 1, publish, told.append)
    session.step()
    until = time.monotonic() + 60
    while not told:
        assert time.monotonic() < until
        time.sleep(0.01)
    session.step()
    assert drawn.wait(60)
    assert "ZeroDivisionError" in told[0]


def test_playing_ends_with_the_scenario() -> None:
    ended = threading.Event()
    session = Session(load("hot", TINY | {"clock.days": 0.03}), 1, stopped=ended.set)
    session.play()
    assert ended.wait(30)
    assert session.frame.step == session.model.scenario.steps
    assert not session.playing


def test_an_error_while_playing_is_told_and_stops_it(tiny: Scenario) -> None:
    told: list[str] = []
    ended = threading.Event()
    session = Session(tiny, 1, complain=told.append, stopped=ended.set)

    def broken(tissue: object, dt: float) -> None:
        raise ZeroDivisionError("no cells left")

    session.model.processes["killing"] = broken
    session.play()
    assert ended.wait(30)
    assert told == ["The simulation stopped: ZeroDivisionError: no cells left"]
    assert not session.playing


def test_sessions_are_independent(tiny: Scenario) -> None:
    one, other = Session(tiny, 1), Session(tiny, 1)
    one.intervene(PD1)
    one.step(3)
    assert other.frame.step == 0
    assert other.model.scenario.protocol == ()


@pytest.fixture(scope="module")
def untreated(tiny: Scenario) -> dict[str, np.ndarray]:
    """The state after five steps in which nothing was done."""
    control = Session(tiny, 1)
    control.step(5)
    return control.model.state()


TREATMENTS = {
    "block": PD1,
    "neutralize": {"do": "neutralize", "molecule": "IFNG", "fraction": 0.8},
    "deplete": DEPLETION,
    "infuse": {"do": "infuse", "cell": "CD8", "count": 5000},
    "inhibit": {"do": "inhibit", "pathway": "STAT3", "fraction": 0.9},
    "inhibit in some": {"do": "inhibit", "pathway": "STAT3", "fraction": 0.9, "cells": ["Treg", "CD8"]},
    "hold": MEDIUM | {"molecule": "IFNG"},  # it acts on cells at once; what only calls may call nobody in three steps
    "hold a gradient": MEDIUM | {"to": "0 nM"},
    "knock out": {"do": "knock out", "product": "IFNG"},
    "knock out in some": {"do": "knock out", "product": "PD1", "cells": ["CD8"]},
    "fix": {"do": "fix", "behavior": "speed", "value": "0 um/min", "cells": ["CD8"]},
    "add": {"do": "add", "cell": "CD8", "count": 40},
    "trait": {"do": "set trait", "trait": "antigenicity", "value": 0.2},
    "depot": {"do": "dose", "route": "depot", "molecule": "CXCL10", "rate": "1e6 molecules/cell/min"}
    | {"place": ["144 um", "288 um"], "radius": "40 um", "start": "20 min", "stop": "44 min"},
}


@pytest.mark.parametrize("table", TREATMENTS.values(), ids=TREATMENTS)
def test_what_was_done_by_hand_can_be_saved_and_repeated(
    tiny: Scenario, untreated: dict[str, np.ndarray], table: dict[str, object], tmp_path: Path
) -> None:
    session = Session(tiny, 1)
    session.step(2)
    untouched = session.model
    session.intervene(table)
    assert session.model is untouched  # no reset
    session.step(3)
    path = tmp_path / "mine.toml"
    path.write_text(session.scenario_toml(), encoding="utf-8")
    again = TumorModel(path, rng=1)
    for _ in range(5):
        again.step()
    assert same(again.state(), session.model.state())
    assert not same(untreated, session.model.state())


def test_lifting_ends_an_intervention_and_keeps_the_tissue(tiny: Scenario, tmp_path: Path) -> None:
    session = Session(tiny, 1)
    session.step(1)
    session.intervene(PD1)
    session.intervene(DEPLETION)
    session.step(2)
    before = session.model.state()
    session.lift(0)
    assert same(session.model.state(), before)
    assert [item.do for _, item in session.in_force()] == ["deplete"]
    session.step(2)
    path = tmp_path / "mine.toml"
    path.write_text(session.scenario_toml(), encoding="utf-8")
    again = TumorModel(path, rng=1)
    for _ in range(5):
        again.step()
    assert same(again.state(), session.model.state())


def test_lifting_one_intervention_leaves_the_others_on_the_screen(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.intervene(MEDIUM)
    session.intervene(PD1 | {"receptor": "CXCR4", "fraction": 1.0})
    session.step(2)
    session.lift(1)
    assert session.frame.fields["CXCL10"].min() >= 2
    session.step()
    assert session.frame.fields["CXCL10"].min() >= 2
    session.lift(0)
    session.step()
    assert session.frame.fields["CXCL10"].min() < 1


def test_what_has_not_begun_is_taken_back(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.intervene(PD1)
    session.lift(0)
    assert session.model.scenario.protocol == ()
    assert session.in_force() == []


@pytest.mark.parametrize(
    "table",
    [
        {"do": "block", "receptor": "PD2", "fraction": 0.5},
        {"do": "neutralize", "molecule": "IFNG", "fraction": 1.5},
        {"do": "deplete", "cells": ["CD9"], "rate": "1 /day"},
        {"do": "dose", "route": "depot", "molecule": "IL2", "rate": "1 /min"}
        | {"place": ["9 mm", "0 um"], "radius": "5 um"},
    ],
    ids=lambda table: table["do"],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(tiny: Scenario, table: dict[str, object]) -> None:
    session = Session(tiny, 1)
    with pytest.raises(InputError) as refused:
        session.intervene(table)
    assert "protocol" not in str(refused.value)  # said to a person at a page, who wrote no file
    assert session.model.scenario.hash == tiny.hash
    session.step()


def test_the_series_is_tidy_and_complete(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.step(2)
    session.step(3)
    rows = list(csv.DictReader(io.StringIO(session.history.csv())))
    assert {row["time_day"] for row in rows} == {repr(step * 10 / 1440) for step in (0, 2, 5)}
    last = {row["metric"]: float(row["value"]) for row in rows if row["time_day"] == repr(50 / 1440)}
    assert session.frame.measures == pytest.approx({name: last[name] for name in session.frame.measures}, nan_ok=True)
    assert last["called by CXCR3"] > 0


def test_a_restart_begins_anew(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.step(2)
    session.restart(tiny, 7)
    assert (session.frame.step, session.history.days) == (0, [0.0])
    assert same(session.model.state(), TumorModel(tiny, rng=7).state())


def unzipped(session: Session, where: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(session.checkpoint("mine"))) as archive:
        archive.extractall(where)
    return where / "mine"


def test_a_checkpoint_is_a_run_that_goes_on(tiny: Scenario, tmp_path: Path) -> None:
    session = Session(changed(tiny, {"clock.days": 0.5}), 1)
    session.step(9)
    session.intervene(PD1)
    session.step(4)
    directory = unzipped(session, tmp_path)
    assert main(["run", "--resume", str(directory), "--quiet"]) == 0
    whole = tmp_path / "whole"
    scenario = tmp_path / "mine.toml"
    scenario.write_text(session.scenario_toml(), encoding="utf-8")
    run(load(scenario), seed=1, out=whole)
    for name in ("series.csv", "scenario.resolved.toml"):
        assert (directory / name).read_bytes() == (whole / name).read_bytes()
    saved, once = ({file.name: file.read_bytes() for file in at.glob("[cs]*/*.npz")} for at in (directory, whole))
    assert saved == once
    assert {"day_000.00000_step_000000000.npz", "step_000000072.npz"} <= saved.keys()


def test_a_checkpoint_can_be_taken_up_by_hand(tiny: Scenario, tmp_path: Path) -> None:
    session = Session(tiny, 1)
    session.step(3)
    directory = unzipped(session, tmp_path)
    with np.load(directory / "checkpoint" / "step_000000003.npz") as saved:
        state = {name: saved[name] for name in saved.files}
    again = TumorModel.from_state(load(directory / "scenario.resolved.toml"), 1, state)
    session.step(2)
    again.step()
    again.step()
    assert same(again.state(), session.model.state())


def test_a_checkpoint_before_the_first_step_has_what_was_given_before_it(tiny: Scenario, tmp_path: Path) -> None:
    session = Session(changed(tiny, {"clock.days": 0.1}), 1)
    session.intervene({"do": "add", "cell": "NK", "count": 20})
    directory = unzipped(session, tmp_path)
    planted = read_series(directory).row(0.0)
    assert planted is not None
    assert planted["NK cells"] == session.frame.measures["NK cells"] == float(
        (TumorModel(session.model.scenario, rng=1).tissue.cells.kind == session.model.biology.cell_index["NK"]).sum()
    )  # fmt: skip


def test_more_cells_than_there_is_room_for_are_refused_at_once(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.step()
    session.intervene({"do": "add", "cell": "CD8", "count": 500})
    with pytest.raises(InputError, match="sites are free"):
        session.intervene({"do": "add", "cell": "NK", "count": 500})
    session.step()  # and what was granted is done
    assert session.frame.measures["CD8 cells"] > 500


def test_what_was_added_before_the_first_step_is_taken_back(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.intervene({"do": "add", "cell": "CD8", "count": 100})
    session.lift(0)
    assert same(session.model.state(), TumorModel(tiny, rng=1).state())
