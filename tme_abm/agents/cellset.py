"""Sets of cells: Mesa's AgentSet over columns instead of objects.

Reading, writing, sorting and grouping by the name of an attribute are numpy operations and make no agents;
functions of agents work too, one agent at a time, as in Mesa.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import TmeError
from .cell import Cell
from .column import UnknownColumnError
from .members import Members

try:
    from mesa.agentset import GroupBy  # from Mesa 3.4 on
except ImportError:
    from mesa.agent import GroupBy

__all__ = ["CellSet"]

By = Callable[[Cell], Any] | str


class CellSet(Members):
    """An ordered set of living cells, live or fixed; see `members`."""

    # ------------------------------------------------------------- choosing and ordering

    def select(
        self,
        filter_func: Callable[[Cell], bool] | NDArray[np.bool_] | None = None,
        at_most: int | float = float("inf"),
        inplace: bool = False,
        agent_type: type | None = None,
    ) -> CellSet:
        """The members of `agent_type` that `filter_func` is true for, at most so many (a float ≤ 1: that share).

        `filter_func` may also be a mask, one truth value per member: `cells.select(cells.get("damage") > 1)`.
        """
        rows, n_members = self.rows(), len(self)
        mask = np.ones(n_members, dtype=bool)
        if isinstance(filter_func, np.ndarray):
            if filter_func.shape != mask.shape or filter_func.dtype != np.bool_:
                raise TmeError(f"a mask has one truth value for each of {n_members} cells")
            mask &= filter_func
        limit = int(n_members * at_most) if isinstance(at_most, float) and at_most <= 1.0 else at_most
        if self._populations is not None and agent_type is not None:
            mask &= self._populations.is_a(agent_type)[self._populations.model.tissue.cells.kind[rows]]
        chosen = self._fixed(self.keys()[mask])
        if callable(filter_func):
            picked: list[Cell] = []
            for agent in chosen:
                if len(picked) >= limit:
                    break
                if filter_func(agent):
                    picked.append(agent)
            chosen._fix(picked, self._populations)
        elif limit < len(chosen._keys):
            chosen._keys = chosen._keys[: int(limit)]
        return self._take(chosen) if inplace else chosen

    def shuffle(self, inplace: bool = False) -> CellSet:
        """The members in random order, by the generator `random`."""
        keys = self.keys()
        order = np.random.default_rng(self.random.getrandbits(64)).permutation(len(keys))
        shuffled = self._fixed(keys[order])
        return self._take(shuffled) if inplace else shuffled

    def sort(self, key: By, ascending: bool = False, inplace: bool = False) -> CellSet:
        """The members in the order of an attribute or a function, the largest first unless `ascending`."""
        values = self._values(key) if isinstance(key, str) else None
        if isinstance(values, np.ndarray):
            # Members that are equal keep their order in both directions.
            order = np.argsort(values if ascending else values[::-1], kind="stable")
            sorted_set = self._fixed(self.keys()[order if ascending else len(order) - 1 - order[::-1]])
        else:
            function = operator.attrgetter(key) if isinstance(key, str) else key
            sorted_set = self._fixed(np.zeros(0, dtype=np.uint64))
            sorted_set._fix(sorted(self, key=function, reverse=not ascending), self._populations)
        return self._take(sorted_set) if inplace else sorted_set

    def groupby(self, by: By, result_type: str = "agentset") -> GroupBy:
        """The members by the value of an attribute or a function, as sets or as lists of agents."""
        values = self._values(by) if isinstance(by, str) else None
        members = self.keys()
        if values is None:
            agents = self.to_list()
            members = np.array([agent.unique_id for agent in agents], dtype=np.uint64)
            values = [getattr(agent, by) if isinstance(by, str) else by(agent) for agent in agents]
        places: dict[Hashable, list[int]] = {}
        for place, value in enumerate(values.tolist() if isinstance(values, np.ndarray) else values):
            places.setdefault(value, []).append(place)
        groups = {value: self._fixed(members[at]) for value, at in places.items()}
        if result_type == "agentset":
            return _Groups(groups)
        return _Groups({value: group.to_list() for value, group in groups.items()})

    # ------------------------------------------------------------- reading and writing

    def get(self, attr_names: Any, handle_missing: str = "error", default_value: Any = None) -> Any:
        """An attribute of every member: a numpy array for numbers, else a list; for several, a list of lists."""
        if handle_missing not in ("error", "default"):
            raise ValueError(f"handle_missing is 'error' or 'default', not {handle_missing!r}")
        if isinstance(attr_names, str):
            values = self._values(attr_names)
            if values is not None:
                return values
            if handle_missing == "default":
                return [getattr(agent, attr_names, default_value) for agent in self]
            return [getattr(agent, attr_names) for agent in self]
        columns = [self.get(name, handle_missing, default_value) for name in attr_names]
        return [list(values) for values in zip(*columns, strict=True)]

    def agg(self, attribute: str, func: Callable[..., Any] | Iterable[Callable[..., Any]]) -> Any:
        """A function of the values of an attribute, or a list for several functions."""
        values = self.get(attribute)
        return func(values) if callable(func) else [one(values) for one in func]

    def set(self, attr_name: str, value: Any) -> CellSet:
        """Write one value, or an array with one value per member, to an attribute of all members."""
        if self._populations is not None:
            if attr_name in vars(Cell) and self._values(attr_name) is None:
                raise UnknownColumnError(f"'{attr_name}' of a cell cannot be written")
            self._populations.write(attr_name, value, self.rows())
        return self

    def senses(self, molecule: str) -> NDArray[np.float64]:
        """What every member senses of a molecule; see `Cell.senses`."""
        return np.zeros(0) if self._populations is None else self._populations.sensed(molecule, self.rows())

    def behavior(self, name: str) -> NDArray[np.float64]:
        """The value of a behavior for every member; see `Cell.behavior`."""
        return np.zeros(0) if self._populations is None else self._populations.behavior(name, self.rows())

    # ------------------------------------------------------------- doing

    def do(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> CellSet:
        """Call a method, or a function with each agent as first argument; cells that died meanwhile are left out."""
        if method == "remove" and self._populations is not None:
            self._populations.remove(self.rows())
        else:
            self.map(method, *args, **kwargs)
        return self

    def shuffle_do(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> CellSet:
        """`do` in random order."""
        self.shuffle().do(method, *args, **kwargs)
        return self

    def map(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """`do`, and what the calls return."""
        if isinstance(method, str):
            return [getattr(agent, method)(*args, **kwargs) for agent in self]
        return [method(agent, *args, **kwargs) for agent in self]

    def _values(self, name: str) -> NDArray[Any] | list[Any] | None:
        return None if self._populations is None else self._populations.values(name, self.rows())


class _Groups(GroupBy):
    """Mesa's groups, aggregating by columns."""

    def agg(self, attr_name: str, func: Callable[..., Any]) -> dict[Hashable, Any]:
        """A function of the values of an attribute, by group."""
        return {
            name: group.agg(attr_name, func)
            if isinstance(group, CellSet)
            else func([getattr(agent, attr_name) for agent in group])
            for name, group in self.groups.items()
        }
