"""An agent is a view of a row: it reads and writes the columns, and knows when its cell is gone."""

from __future__ import annotations

import copy
import dataclasses
import gc
import pickle
import weakref

import mesa
import numpy as np
import pytest

from tme_abm.agents import MDSC, TAM, Cell, DeadCellError, Populations, TumorCell, UnknownColumnError
from tme_abm.core.errors import InputError, TmeError
from tme_abm.model import TumorModel
from tme_abm.processes import Responding
from tme_abm.scenario import Scenario
from tme_abm.tissue import APOPTOTIC


def row_of(agent: Cell) -> int:
    return int(np.flatnonzero(agent.model.tissue.cells.key == np.uint64(agent.unique_id))[0])


def check_lattice(model: TumorModel) -> None:
    tissue = model.tissue
    rows = np.arange(len(tissue.cells))
    assert np.array_equal(tissue.lattice.occupant[tissue.layer, tissue.cells.site], rows)
    assert (tissue.lattice.occupant >= 0).sum() == len(rows)


def test_attributes_are_the_columns(model: TumorModel) -> None:
    cells = model.tissue.cells
    cells["damage"] = np.arange(len(cells))
    for agent in model.agents:
        row = row_of(agent)
        assert agent.damage == cells.damage[row]
        assert agent["expression PDL1"] == cells["expression PDL1"][row]
        assert dict(agent)["phase"] == agent.phase == cells.phase[row]
        assert agent.cell == model.biology.cells[cells.kind[row]]
        assert type(agent).__name__ == model.biology.agent[cells.kind[row]]
        assert agent.layer == model.biology.layer[cells.kind[row]]
        assert agent.is_tumor == (agent.cell == "tumor")
        ny, nx = model.tissue.lattice.shape
        assert ny != nx
        assert agent.pos == (agent.site % nx, agent.site // nx)
        assert agent.position_um == tuple((i + 0.5) * model.tissue.lattice.spacing for i in agent.pos)


def test_writing_an_attribute_writes_one_cell(model: TumorModel) -> None:
    agent = model.agents[7]
    before = model.tissue.cells.arrays()
    agent.damage = 2.5
    agent["expression PDL1"] = 0.25
    for name, column in model.tissue.cells.arrays().items():
        changed = np.flatnonzero(column != before[name]).tolist()
        assert changed == ([row_of(agent)] if name in ("damage", "expression PDL1") else [])
    assert (agent.damage, agent["expression PDL1"]) == (2.5, 0.25)


def test_an_agent_follows_its_cell_through_steps(model: TumorModel) -> None:
    held = list(model.agents)
    last = {agent.unique_id: agent.site for agent in held}
    for _ in range(20):
        model.step()
    alive = [agent for agent in held if agent.alive]
    assert 0 < len(alive) < len(model.agents)
    assert [agent.site for agent in alive] == [int(model.tissue.cells.site[row_of(agent)]) for agent in alive]
    assert any(agent.site != last[agent.unique_id] for agent in alive)
    assert {agent.age for agent in alive} == {model.clock.time}


def test_one_cell_is_one_object_while_it_is_held(model: TumorModel, small: Scenario) -> None:
    agent = model.agents[3]
    model.step()
    assert next(a for a in model.agents if a.unique_id == agent.unique_id) is agent
    key, old = agent.unique_id, weakref.ref(agent)
    again = Populations(model).find(key)
    assert again == agent
    assert len({again, agent}) == 1
    del agent, again
    assert old() is None
    assert TumorModel(small, rng=1).agents[0] != model.agents[0]


@pytest.mark.parametrize("how", ["apoptotic", "removed"])
def test_a_dead_cell_says_so(model: TumorModel, how: str) -> None:
    agent, other = model.agents[0], model.agents[1]
    if how == "apoptotic":
        model.tissue.cells.fate[row_of(agent)] = APOPTOTIC
    else:
        agent.remove()
    assert not agent.alive
    assert other.alive
    assert agent.unique_id > 0
    assert agent not in model.agents
    for read in ("damage", "pos", "cell", "age", "born"):
        with pytest.raises(DeadCellError, match="dead or gone"):
            getattr(agent, read, None)
    with pytest.raises(DeadCellError):
        agent["damage"]
    with pytest.raises(DeadCellError):
        agent.damage = 1
    with pytest.raises(DeadCellError):
        agent.remove()


def test_unknown_names_are_refused(model: TumorModel) -> None:
    agent = model.agents[0]
    with pytest.raises(UnknownColumnError, match="Did you mean 'exhaustion'"):
        _ = agent.exhaustoin
    with pytest.raises(UnknownColumnError, match="mood"):
        agent.mood = 3
    assert not hasattr(agent, "mood")
    for name, value in (("pos", (1, 1)), ("site", 3), ("cell", "CD8"), ("kind", 1), ("partner", 5)):
        with pytest.raises(UnknownColumnError, match="cannot be written"):
            setattr(agent, name, value)
    for value in ("much", np.nan, [1, 2]):
        with pytest.raises(InputError, match="damage"):
            agent.damage = value
    with pytest.raises(InputError, match="no molecule"):
        agent.senses("water")
    with pytest.raises(InputError, match="no behavior"):
        agent.behavior("boredom")


def test_removing_keeps_the_tissue_in_order(model: TumorModel) -> None:
    agent = model.agents_by_type[TumorCell][0]
    site, count = agent.site, len(model.tissue.cells)
    agent.remove()
    assert len(model.tissue.cells) == count - 1
    assert model.tissue.lattice.occupant[0, site] == -1
    assert model.tissue.ledger["removal of tumor"] == 1
    check_lattice(model)
    model.step()
    check_lattice(model)


def test_contacts_are_the_cells_around(model: TumorModel) -> None:
    def touch(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        return abs(a[0] - b[0]) <= 1 and abs(a[1] - b[1]) <= 1

    dead = model.agents[0]
    model.tissue.cells.fate[row_of(dead)] = APOPTOTIC
    everyone = list(model.agents)
    for agent in everyone[::7]:
        near = {other for other in everyone if other != agent and touch(other.pos, agent.pos)}
        assert set(agent.contacts()) == near
        assert set(agent.neighbors()) == near


def test_a_partner_is_an_agent(model: TumorModel) -> None:
    killer, target = model.agents[0], model.agents[1]
    assert killer.partner is None
    model.tissue.cells.partner[row_of(killer)] = target.unique_id
    assert killer.partner is target
    target.remove()
    assert killer.partner is None


def test_senses_and_behaviors_are_those_of_the_model(model: TumorModel) -> None:
    model.step()
    agents = model.agents
    field = model.tissue.fields["IFNG"]
    field[...] = np.arange(field.size).reshape(field.shape)
    assert [a.senses("IFNG") for a in agents] == [field[a.pos[::-1]] for a in agents]
    assert agents.senses("IFNG").tolist() == [a.senses("IFNG") for a in agents]
    Responding(model.biology)(model.tissue, model.clock.dt)
    for name in ("division", "attack", "speed", "expression PDL1"):
        expected = model.tissue.behavior[name][agents.rows()]
        assert expected.any(), name
        assert np.allclose(agents.behavior(name), expected)
        assert agents[5].behavior(name) == pytest.approx(expected[5])


def test_a_catalogue_may_name_new_agents(model: TumorModel) -> None:
    names = tuple(
        "BCell" if cell == "Treg" else agent
        for cell, agent in zip(model.biology.cells, model.biology.agent, strict=True)
    )
    model.biology = dataclasses.replace(model.biology, agent=names)
    model.populations = Populations(model)
    found = {which.__name__: which for which in model.agent_types}
    assert list(found) == ["TumorCell", "TCell", "BCell", "NKCell", "MDSC", "TAM", "TAN", "Fibroblast"]
    assert issubclass(found["BCell"], Cell)
    cells = model.agents_by_type[found["BCell"]]
    assert len(cells) > 0
    assert set(cells.get("cell")) == {"Treg"}
    assert pickle.loads(pickle.dumps(cells))[0].cell == "Treg"


def test_a_cell_that_differentiates_changes_its_class(model: TumorModel) -> None:
    agent = model.agents_by_type[MDSC].to_list()[0]
    model.tissue.cells.kind[row_of(agent)] = model.biology.cell_index["TAM"]
    assert agent in model.agents_by_type[TAM]
    assert next(a for a in model.agents if a == agent) is agent
    assert isinstance(agent, TAM)


def test_agents_cannot_be_made_or_registered_by_hand(model: TumorModel) -> None:
    class Doctor(mesa.Agent):
        pass

    for make in (TumorCell, Doctor):
        with pytest.raises(TmeError):
            make(model)
    with pytest.raises(TmeError):
        TumorCell.create_agents(model, 3)


def test_steps_of_agents_do_nothing(model: TumorModel) -> None:
    before = model.state()
    model.agents.shuffle_do("step").do("advance")
    after = model.state()
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_models_are_freed(small: Scenario) -> None:
    model = TumorModel(small, rng=1)
    model.step()
    held = model.agents.select(lambda agent: agent.is_tumor)
    assert len(held)
    gone = weakref.ref(model)
    del model, held
    gc.collect()
    assert gone() is None


def test_copies_are_independent_and_agents_go_with_their_model(model: TumorModel) -> None:
    agent = model.agents[4]
    for other, twin in (copy.deepcopy((model, agent)), pickle.loads(pickle.dumps((model, agent)))):
        assert twin.model is other
        assert twin.unique_id == agent.unique_id
        twin.damage = 9.0
        assert agent.damage != 9.0
        other.step()
        assert other.clock.step == 1
        assert model.clock.step == 0
    assert copy.copy(agent) is agent
    assert copy.deepcopy(agent) is agent
