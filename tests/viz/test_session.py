"""The session of a tab: finished frames only, interventions without reset, and files that repeat what was seen."""

from __future__ import annotations

import csv
import io
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.model.test_model import TINY, same
from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.scenario import Scenario, load
from viz import treatments
from viz.frame import Frame
from viz.session import Session


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
    assert [frame.step for frame in frames] == [1, 2, 3, 4, 5]
    control = Session(tiny, 1)
    for frame in frames:
        control.step()
        assert frame.measures == pytest.approx(dict(control.frame.measures), nan_ok=True)
        np.testing.assert_array_equal(frame.fields["IFNG"], control.frame.fields["IFNG"])


def test_a_stride_skips_pictures_not_steps(tiny: Scenario) -> None:
    session, frames = played(tiny, 6, stride=3)
    assert [frame.step for frame in frames] == [3, 6]
    control = Session(tiny, 1)
    control.step(6)
    assert same(session.model.state(), control.model.state())


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
    one.intervene(treatments.block("PD1", 0.9))
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
    "block": treatments.block("PD1", 0.9),
    "neutralize": treatments.neutralize("IFNG", 0.8),
    "deplete": treatments.deplete("TAM", 20.0),
    "infuse": treatments.infuse("CD8", 5000),
    "trait": {"do": "set trait", "trait": "antigenicity", "value": 0.2},
    "depot": treatments.Depot(molecule="CXCL10", per_minute=1e6, radius=40.0, hours=0.4).at(
        load("hot", TINY), 0.3, 0.6, time=20.0
    ),
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
    session.intervene(treatments.block("PD1", 0.9))
    session.intervene(treatments.deplete("TAM", 20.0))
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


def test_what_has_not_begun_is_taken_back(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.intervene(treatments.block("PD1", 0.9))
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
    with pytest.raises(InputError):
        session.intervene(table)
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
    assert last["called by CXCR3"] == session.frame.called["CXCR3"]


def test_a_restart_begins_anew(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.step(2)
    session.restart(tiny, 7)
    assert (session.frame.step, session.history.days) == (0, [0.0])
    assert same(session.model.state(), TumorModel(tiny, rng=7).state())


def test_a_checkpoint_goes_on(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    session.step(3)
    saved = np.load(io.BytesIO(session.checkpoint()))
    again = TumorModel.from_state(session.model.scenario, 1, {name: saved[name] for name in saved.files})
    session.step(2)
    again.step()
    again.step()
    assert same(again.state(), session.model.state())
