"""A set of cells does what Mesa's AgentSet does for the same agents, only by columns."""

from __future__ import annotations

import copy
import inspect
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import mesa
import numpy as np
import pytest

from tme_abm.agents import MDSC, Cell, CellSet, TCell, TumorCell
from tme_abm.core.errors import InputError, TmeError
from tme_abm.model import TumorModel
from tme_abm.scenario import Scenario
from tme_abm.tissue import APOPTOTIC


@pytest.fixture(scope="module")
def shared(small: Scenario) -> TumorModel:
    """One model for all tests that change nothing but damage."""
    return TumorModel(small, rng=1)


@pytest.fixture
def agents(model: TumorModel) -> CellSet:
    cells = model.tissue.cells
    cells["damage"] = np.arange(len(cells)) * 7 % 11
    return model.agents


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "len": len,
    "list": list,
    "reversed": lambda s: list(reversed(s)),
    "first": lambda s: s[0],
    "last": lambda s: s[-1],
    "slice": lambda s: s[3:20:4],
    "index": lambda s: s.index(s[9]),
    "count": lambda s: s.count(s[9]),
    "select": lambda s: list(s.select()),
    "select filter": lambda s: list(s.select(lambda a: a.damage > 4)),
    "select type": lambda s: list(s.select(agent_type=TCell)),
    "select both": lambda s: list(s.select(lambda a: a.damage > 4, agent_type=TCell)),
    "select some": lambda s: list(s.select(at_most=5)),
    "select all but one": lambda s: list(s.select(at_most=len(s) - 1)),
    "select one": lambda s: list(s.select(at_most=1)),
    "select share": lambda s: list(s.select(at_most=0.31)),
    "select all": lambda s: list(s.select(at_most=1.0)),
    "select none": lambda s: list(s.select(at_most=0)),
    "select some of": lambda s: list(s.select(lambda a: a.damage > 4, at_most=5, agent_type=TCell)),
    "select share of": lambda s: list(s.select(agent_type=TCell, at_most=0.02)),
    "sort down": lambda s: list(s.sort("damage")),
    "sort up": lambda s: list(s.sort("damage", ascending=True)),
    "sort text": lambda s: list(s.sort("cell")),
    "sort function": lambda s: list(s.sort(lambda a: -a.site, ascending=True)),
    "get": lambda s: list(s.get("damage")),
    "get id": lambda s: list(s.get("unique_id")),
    "get text": lambda s: s.get("cell"),
    "get pos": lambda s: s.get("pos"),
    "get um": lambda s: s.get("position_um"),
    "get age": lambda s: list(s.get("age")),
    "get alive": lambda s: list(s.get("alive")),
    "get tumor": lambda s: list(s.get("is_tumor")),
    "get layer": lambda s: s.get("layer"),
    "get site": lambda s: list(s.get("site")),
    "get partner": lambda s: s.get("partner"),
    "get two": lambda s: s.get(["damage", "cell"]),
    "get default": lambda s: s.get("mood", handle_missing="default", default_value="good"),
    "agg": lambda s: s.agg("damage", sum),
    "agg small integers": lambda s: s.agg("site", sum),
    "agg several": lambda s: s.agg("damage", [min, max, np.mean]),
    "map": lambda s: s.map(lambda a, k: a.damage + k, 3),
    "map name": lambda s: s.map("behavior", "division"),
    "groups": lambda s: {k: list(v) for k, v in s.groupby("cell")},
    "groups by number": lambda s: {k: list(v) for k, v in s.groupby("damage")},
    "groups by function": lambda s: {k: list(v) for k, v in s.groupby(lambda a: a.damage % 3)},
    "groups by class": lambda s: {k: list(v) for k, v in s.groupby(type)},
    "groups as lists": lambda s: s.groupby("cell", result_type="list").groups,
    "group counts": lambda s: s.groupby("cell").count(),
    "group agg": lambda s: s.groupby("cell").agg("damage", sum),
    "group agg lists": lambda s: s.groupby("cell", result_type="list").agg("damage", sum),
    "group map": lambda s: s.groupby("cell").map(len),
    "set": lambda s: (s.select(at_most=9).set("damage", 5), list(s.get("damage")))[1],
    "do": lambda s: (s.do(lambda a: setattr(a, "damage", a.damage + 1)), list(s.get("damage")))[1],
    "in place": lambda s: [list(s.select(agent_type=TCell, inplace=True)), list(s)],
    "sort in place": lambda s: [list(s.sort("damage", inplace=True)), list(s)],
    "and": lambda s: list(s.select(at_most=9) & s.select(agent_type=TumorCell)),
    "or": lambda s: sorted(a.unique_id for a in s.select(at_most=9) | s.select(agent_type=MDSC)),
    "minus": lambda s: list(s - s.select(agent_type=TumorCell)),
    "xor": lambda s: sorted(a.unique_id for a in s.select(at_most=99) ^ s.select(agent_type=TCell)),
    "subset": lambda s: [s.select(at_most=9) <= s, s <= s.select(at_most=9), s.isdisjoint(s.select(at_most=1))],
    "equal": lambda s: [s == s.select(), s == s.select(at_most=3)],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning", "ignore:No Agents specified")
@pytest.mark.parametrize("fixed", [False, True], ids=["live", "fixed"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_as_mesa_does(shared: TumorModel, name: str, fixed: bool) -> None:
    agents, model = shared.agents, shared
    agents.set("damage", np.arange(len(agents)) * 7 % 11)
    held = agents.to_list()  # Mesa's own set holds agents weakly
    theirs = mesa.agent.AgentSet(held, random=model.random)
    ours = agents.select(lambda a: True) if fixed else agents
    start = agents.get("damage").copy()
    expected = OPERATIONS[name](theirs)
    agents.set("damage", start)
    assert OPERATIONS[name](ours) == expected


def test_no_method_of_mesa_reads_its_own_members() -> None:
    """Mesa keeps the members of a set in `_agents`, which a set of cells does not have."""
    methods = {name: getattr(CellSet, name) for name in dir(mesa.agent.AgentSet)}
    inherited = {name: method.__code__ for name, method in methods.items() if inspect.isfunction(method)}
    assert {"select", "do", "agg", "_update"} <= set(inherited)
    assert [name for name, code in inherited.items() if "_agents" in code.co_names] == []


def test_a_model_s_agents_follow_the_tissue(model: TumorModel) -> None:
    agents, tumor, chosen = model.agents, model.agents_by_type[TumorCell], model.agents.select()
    keys = chosen.keys()
    first = chosen[0]
    for _ in range(30):
        model.step()
    living = model.tissue.living
    assert len(agents) == living.sum()
    assert set(agents.get("unique_id")) == set(model.tissue.cells.key[living])
    assert set(tumor.get("cell")) == {"tumor"}
    assert len(tumor) > 60
    assert len(chosen) == np.isin(keys, model.tissue.cells.key[living]).sum() < len(agents)
    assert first in chosen


def test_populations_part_the_living(model: TumorModel) -> None:
    model.tissue.cells.fate[::5] = APOPTOTIC
    by_class = model.agents_by_type
    assert list(by_class) == model.agent_types
    keys = np.concatenate([population.keys() for population in by_class.values()])
    assert sorted(keys) == sorted(model.agents.keys())
    assert len(keys) == model.tissue.living.sum()
    for which, population in by_class.items():
        assert all(type(agent) is which for agent in population)


@pytest.mark.parametrize("fixed", [False, True], ids=["live", "fixed"])
def test_cells_that_die_meanwhile_are_left_out(agents: CellSet, fixed: bool) -> None:
    chosen = agents.select(lambda a: a.damage > 4) if fixed else agents
    before = len(chosen)

    def visit(agent: Cell) -> float:
        agents.select(lambda other: other is not agent, at_most=3).do("remove")
        return agent.damage

    visited = chosen.map(visit)
    assert 0 < len(visited) < before
    assert 0 < len(chosen) < before
    assert all(agent.alive for agent in chosen)


def test_removing_nobody_changes_nobody(agents: CellSet, model: TumorModel) -> None:
    """A tissue that settles may order its cells anew, at the very start for one."""
    cells, keys = model.tissue.cells, model.tissue.cells.key.copy()
    for agent in agents:
        agents.select(at_most=0).do("remove")
        assert type(agent) is model.populations.class_of[cells.kind[cells.key == agent.unique_id].item()]
    assert np.array_equal(cells.key, keys)


def test_removing_a_set_removes_its_cells(agents: CellSet, model: TumorModel) -> None:
    chosen = agents.select(agent_type=TCell)
    total, gone = len(agents), len(chosen)
    chosen.do("remove")
    assert (len(chosen), len(agents)) == (0, total - gone)
    agents.select(at_most=2).shuffle_do("remove")
    agents.select(at_most=2).map("remove")
    assert len(agents) == total - gone - 4
    model.remove_all_agents()
    assert len(model.agents) == 0
    assert model.tissue.lattice.occupant.max() < 0


def test_writing_columns(agents: CellSet, model: TumorModel) -> None:
    chosen = agents.select(agent_type=TCell).sort("unique_id")
    chosen.set("damage", np.arange(len(chosen)))
    assert [agent.damage for agent in chosen] == list(range(len(chosen)))
    chosen.set("expression PDL1", 0.5)
    others = ~np.isin(model.tissue.cells.key, chosen.keys())
    assert (model.tissue.cells["expression PDL1"][others] != 0.5).all()
    for name, value in (("mood", 1), ("pos", 1), ("partner", 1), ("damage", "much"), ("damage", [1.0, 2.0])):
        with pytest.raises(InputError, match=name):
            chosen.set(name, value)


def test_select_by_mask(agents: CellSet) -> None:
    damage = agents.get("damage")
    assert agents.select(damage > 4) == agents.select(lambda a: a.damage > 4)
    for mask in (damage, damage[:3] > 1):
        with pytest.raises(TmeError, match="mask"):
            agents.select(mask)


def test_shuffling_is_repeatable(agents: CellSet, model: TumorModel) -> None:
    def order(make: Callable[[], Any]) -> list[Any]:
        model.random.seed(3)
        return make()

    orders = [order(lambda: list(agents.shuffle().get("unique_id"))) for _ in range(2)]
    assert orders[0] == orders[1] != list(agents.get("unique_id"))
    assert sorted(orders[0]) == sorted(agents.get("unique_id"))
    seen: list[int] = []
    order(lambda: agents.shuffle_do(lambda a: seen.append(a.unique_id)))
    assert seen == orders[0]
    assert order(lambda: list(agents.select().shuffle(inplace=True).get("unique_id"))) == orders[0]


def test_sets_take_nobody_by_hand(agents: CellSet) -> None:
    agent = agents[0]
    for cells in (agents, agents.select()):
        for refused in (cells.add, cells.discard, cells.remove):
            with pytest.raises(TmeError, match="by hand"):
                refused(agent)
        with pytest.raises(TmeError, match="by hand"):
            cells.clear()
    with pytest.raises(TmeError, match="cells of one model"):
        _ = agents | ["a cell"]


@pytest.mark.parametrize("fixed", [False, True], ids=["live", "fixed"])
def test_sets_hold_no_agents(agents: CellSet, fixed: bool) -> None:
    cells = agents.select(agent_type=TCell) if fixed else agents
    made = [weakref.ref(cells[2]), *(weakref.ref(agent) for agent in cells)]
    assert len(made) == 1 + len(cells)
    assert all(ref() is None for ref in made)


def test_copies_and_pickles(agents: CellSet, model: TumorModel) -> None:
    chosen = agents.select(agent_type=TCell)
    for cells in (agents, chosen, model.agents_by_type[MDSC]):
        for same in (copy.copy(cells), cells.copy(), cells.select()):
            assert same == cells
        kept = pickle.loads(pickle.dumps(cells))
        assert list(kept.get("unique_id")) == list(cells.get("unique_id"))
        assert kept[0].model is not model
    count = len(agents)
    assert len(chosen._update(agents[:2])) == 2
    assert len(pickle.loads(pickle.dumps(agents))) == count
    agents.copy()[0].remove()
    assert len(agents) == count - 1


def test_sets_may_be_empty(agents: CellSet) -> None:
    for empty in (agents.select(at_most=0), agents.select(agent_type=str)):
        assert len(empty) == 0
        assert list(empty.sort("damage")) == list(empty.shuffle()) == empty.map("step") == []
        assert len(empty.get("damage")) == 0
        assert empty.groupby("cell").count() == {}
        assert agents[0] not in empty
        empty.do("step").set("damage", 1.0)
        with pytest.raises(IndexError):
            empty[0]
        with pytest.raises(ValueError):  # noqa: PT011  # collections.abc says no more
            empty.index(agents[0])
