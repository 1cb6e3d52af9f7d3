"""The whole model on a tiny tissue: its invariants after every step, and that its runs can be had again exactly."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.models import TINY, State, assert_sound, ran, same
from tme_abm.model import SCHEDULE, TumorModel
from tme_abm.scenario import Scenario, load

ROOT = Path(__file__).parents[2]
SHAPES = [pytest.param([32, 32], id="2D"), pytest.param([14, 13, 12], id="3D")]


@cache
def tiny(shape: tuple[int, ...] = (32, 32)) -> Scenario:
    return load("hot", TINY | {"lattice.shape": list(shape)})


def digest(state: State) -> str:
    summary = hashlib.sha256()
    for name in sorted(state):
        summary.update(name.encode() + str(state[name].dtype).encode() + state[name].tobytes())
    return summary.hexdigest()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_step_leaves_a_sound_tissue(shape: list[int]) -> None:
    model = TumorModel(tiny(tuple(shape)), rng=3)
    assert_sound(model)
    for _ in range(25):
        model.step()
        assert_sound(model)
    happened = model.tissue.ledger
    for event in ("birth of tissue cells", "hits by CD8", "arrival of CD8", "cytotoxicity of tumor"):
        assert happened.get(event, 0) > 0, happened


@pytest.mark.parametrize("shape", SHAPES)
def test_cells_are_accounted_for(shape: list[int]) -> None:
    """Who is there now was there at the start, born or arrived, and has not been removed."""
    model = TumorModel(tiny(tuple(shape)), rng=3)
    for _ in range(15):
        before, keys = dict(model.tissue.ledger), set(model.tissue.cells.key.tolist())
        model.step()
        now = set(model.tissue.cells.key.tolist())
        new = {event: (n - before.get(event, 0.0)).item() for event, n in model.tissue.ledger.items()}
        layers = ("birth of tissue cells", "birth of immune cells")
        born = sum(new.get(event, 0.0) for event in layers)
        assert born == sum(new.get(f"birth of {kind}", 0.0) for kind in model.biology.cells)
        arrived = sum(number for event, number in new.items() if event.startswith("arrival of "))
        assert len(now - keys) == born + arrived


def test_the_schedule_is_what_runs_in_its_order() -> None:
    model = TumorModel(tiny(), rng=1)
    ran_now: list[str] = []
    for name, process in model.processes.items():
        model.processes[name] = lambda tissue, dt, name=name, process=process: (
            ran_now.append(name),
            process(tissue, dt),
        )
    model.step()
    assert ran_now == [name for name, _ in SCHEDULE]
    assert model.clock.step == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_a_resumed_run_is_the_undisturbed_run(shape: list[int]) -> None:
    scenario = tiny(tuple(shape))
    model = ran(scenario, 8)
    saved = model.state()
    copies = {name: values.copy() for name, values in saved.items()}
    resumed = TumorModel.from_state(scenario, 1, saved)
    assert same(resumed.state(), copies)
    for _ in range(8):
        model.step()
        resumed.step()
    assert same(model.state(), resumed.state())
    # What was saved is a copy, not a view of the run that went on.
    assert same(saved, copies)
    assert not same(saved, model.state())


@pytest.mark.parametrize("copy", [deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"])
def test_a_copy_goes_on_as_its_model_does_and_apart_from_it(copy: Callable[[Any], Any]) -> None:
    model = ran(tiny(), 6)  # so many steps that fields wait
    twin, before = copy(model), model.state()
    ran(twin, 20)
    assert same(model.state(), before)
    assert same(ran(model, 20).state(), twin.state())


def test_the_order_of_the_rows_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are sorted in every step or never: the cells, found by their keys, the fields and the ledger agree."""
    states = []
    for every in (1, 10**9):
        monkeypatch.setattr("tme_abm.tissue.tissue._TIDIED_EVERY", every)
        state = ran(tiny(), 60).state()
        order = state["cells/key"].argsort()
        states.append({name: one[order] if name.startswith("cells/") else one for name, one in state.items()})
    assert digest(states[0]) == digest(states[1])


def test_same_seed_same_run_other_seed_other_run() -> None:
    assert same(ran(tiny(), 6).state(), ran(tiny(), 6).state())
    assert not same(ran(tiny(), 1, seed=2).state(), ran(tiny(), 1).state())
    assert not same(ran(tiny(), 0, seed=2).state(), ran(tiny(), 0).state())


def test_a_fresh_process_makes_the_same_bytes() -> None:
    script = (
        "from tests.model.test_model import digest, ran, tiny\n"
        "import sys; sys.stdout.write(digest(ran(tiny(), 5).state()))\n"
    )
    # Another hash seed: the order of sets must not matter.
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env={"PYTHONHASHSEED": "77", "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout == digest(ran(tiny(), 5).state())


def test_arms_are_identical_until_they_differ() -> None:
    """Common random numbers: a block that starts in the seventh step changes nothing before it."""
    late = {"do": "block", "receptor": "CXCR3", "fraction": 1.0, "start": "60 min"}
    control = TumorModel(tiny(), rng=4)
    treated = TumorModel(load("hot", TINY | {"protocol": [late]}), rng=4)
    for _ in range(6):
        control.step()
        treated.step()
        assert same(control.state(), treated.state())
    # In a tissue so small, a step may well pass in which nobody follows that receptor.
    for _ in range(12):
        control.step()
        treated.step()
    assert not same(control.state(), treated.state())


def test_run_until_and_running() -> None:
    model = TumorModel(load("hot", TINY | {"clock.days": 0.05}), rng=1)
    model.run_until(0.02)
    # 28.8 min: the third step passes it.
    assert model.clock.time == 30.0
    assert model.day == pytest.approx(30 / 1440)
    assert model.running
    model.run_until(0.05)
    assert model.clock.step == model.scenario.steps == 8
    assert not model.running
