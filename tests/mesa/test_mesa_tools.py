"""Mesa's own tools run on the model unchanged: batch runs, data collectors, portrayals."""

from __future__ import annotations

import inspect
from typing import Any

import mesa
import numpy as np
import pytest

from tme_abm.agents import Census, TCell
from tme_abm.model import TumorModel
from tme_abm.scenario import Scenario, changed

STEPS = 4


def batch(which: type[mesa.Model], seeds: list[int], max_steps: int, **parameters: Any) -> list[dict[str, Any]]:
    """The same runs on every version of Mesa: the newer take seeds apart, and do as many steps as they are told."""
    new = "rng" in inspect.signature(mesa.batch_run).parameters
    seeding: dict[str, Any] = {"rng": seeds} if new else {}
    return mesa.batch_run(
        which,
        parameters if new else {"rng": seeds, **parameters},
        max_steps=max_steps,
        data_collection_period=1,
        display_progress=False,
        **seeding,
    )


def test_batch_run_gives_our_numbers(small: Scenario) -> None:
    scenarios = [small, changed(small, {"tumor.cells": 30})]
    rows = batch(TumorModel, [1, 2], STEPS, scenario=scenarios)
    for seed in (1, 2):
        for scenario in scenarios:
            found = {row["Step"]: row for row in rows if row["rng"] == seed and row["scenario"] is scenario}
            model = TumorModel(scenario, rng=seed)
            for step in range(STEPS + 1):
                row = found[step]
                assert row["day"] == pytest.approx(step * scenario.clock.dt / 1440)
                for kind in ("tumor", "CD8", "TAN"):
                    count = np.sum((model.tissue.cells.kind == model.biology.cell_index[kind]) & model.tissue.living)
                    assert row[f"{kind} cells"] == count
                model.step()


class Watched(TumorModel):
    """A model as a user of Mesa writes it."""

    def __init__(self, scenario: Any = "hot", rng: int | None = None) -> None:
        super().__init__(scenario, rng)
        self.datacollector = mesa.DataCollector(
            model_reporters={"damage": lambda m: float(m.agents.agg("damage", np.sum)), "day": "day"},
            agent_reporters={"damage": "damage", "cell": "cell", "x": lambda a: a.pos[0]},
            agenttype_reporters={TCell: {"exhaustion": "exhaustion"}},
        )
        self.datacollector.collect(self)

    def step(self) -> None:
        super().step()
        self.datacollector.collect(self)


def test_a_data_collector_of_a_user(small: Scenario) -> None:
    model, plain = Watched(small, rng=1), TumorModel(small, rng=1)
    plain.step()
    model.step()
    frame = model.datacollector.get_model_vars_dataframe()
    assert len(frame) == 2
    assert frame["day"].iloc[1] == plain.day
    by_agent = model.datacollector.get_agent_vars_dataframe().xs(1, level="Step")
    assert list(by_agent.index) == list(plain.agents.get("unique_id"))
    assert list(by_agent["cell"]) == plain.agents.get("cell")
    assert list(by_agent["x"]) == [x for x, _ in plain.agents.get("pos")]
    t_cells = model.datacollector.get_agenttype_vars_dataframe(TCell).xs(1, level="Step")
    assert list(t_cells.index) == list(plain.agents_by_type[TCell].get("unique_id"))


def test_batch_run_with_agents(small: Scenario) -> None:
    rows = [row for row in batch(Watched, [5], 1, scenario=[small]) if row["Step"] == 1]
    model = TumorModel(small, rng=5)
    model.step()
    found = {row["AgentID"]: row["cell"] for row in rows if "cell" in row}
    living, cells = model.tissue.living, model.tissue.cells
    names = [model.biology.cells[kind] for kind in cells.kind[living]]
    assert found == dict(zip(cells.key[living].tolist(), names, strict=True))


def test_the_census_is_kept_by_the_model(small: Scenario) -> None:
    model = TumorModel(small, rng=1)
    for _ in range(3):
        model.step()
        model.datacollector.collect(model)  # asking twice does no harm
    frame = model.datacollector.get_model_vars_dataframe()
    assert list(frame["day"] * 1440) == pytest.approx([0, 10, 20, 30])
    assert frame.filter(like=" cells").iloc[-1].sum() == len(model.agents)
    assert "endothelium cells" not in frame

    resumed = TumorModel.from_state(small, 1, model.state())
    resumed.step()
    model.step()
    later = resumed.datacollector.get_model_vars_dataframe()
    assert list(later["day"] * 1440) == pytest.approx([30, 40])
    assert later.iloc[-1].equals(model.datacollector.get_model_vars_dataframe().iloc[-1])


def test_a_census_with_agents(small: Scenario) -> None:
    model = TumorModel(small, rng=1)
    model.datacollector = Census(model, {"total": lambda m: len(m.agents)}, {"phase": "phase"})
    model.step()
    assert list(model.datacollector.get_model_vars_dataframe()["total"])[-1] == len(model.agents)
    phases = model.datacollector.get_agent_vars_dataframe().xs(1, level="Step")["phase"]
    assert list(phases) == list(model.agents.get("phase"))


def test_drawing_agents_one_by_one(model: TumorModel) -> None:
    def portray(agent: Any) -> dict[str, Any]:
        return {"x": agent.pos[0], "y": agent.pos[1], "color": "red" if agent.is_tumor else "blue"}

    picture = np.zeros(model.tissue.lattice.shape, dtype=bool)
    for agent in model.agents:
        style = portray(agent)
        if style["color"] == "red":
            picture[style["y"], style["x"]] = True
    assert np.array_equal(picture.ravel(), model.tissue.tumor_sites)


def test_the_scenario_is_ours_on_every_version(model: TumorModel, small: Scenario) -> None:
    assert model.scenario is small
    parameters = inspect.signature(TumorModel).parameters.values()
    assert "rng" in {parameter.name for parameter in parameters}
    # Mesa's pages make a model by keywords and cannot reset one that takes any.
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty for p in parameters)
