"""Sets of cells: Mesa's AgentSet over columns instead of objects.

A set is either *live* (all cells of an agent class, asked of the tissue at every use; this is what a model's
`agents` are) or *fixed* (the keys of chosen cells in a chosen order; this is what select, shuffle and sort return).
Both hold living cells only: cells that die drop out.

Mesa's own set cannot hold these agents: it keeps them by weak references, so that views without other references
are gone at once, and its methods return sets of its own class. With a list that holds all views, it was compared with
this one (Mesa 3.3.1; its time over ours for a live set and for a fixed one of 50,000 cells; those of 10,000 are alike):

    get, agg     2,000 and 7 to 14      sort by name     46 and 11      groupby by name     44 and 12
    set          4,100 and 27           shuffle         440 and 15      agg of its groups   18 and 10
    get "pos"      110 and 36           select type     130 and 1.5     copy                80,000

Calling a function for each agent (do, map, select, sort and groupby by functions, reporters of a data collector) takes
0.1 to 1.6: it makes the views, 2 µs each, which Mesa's set was given. These methods are here because Mesa's would find
no agents; `agg` and what `collections.abc` gives (index, count, reversed, the operators) are inherited.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn, Self

import mesa.agent
import numpy as np
from numpy.typing import NDArray

from ..core.errors import TmeError
from .cell import Cell, Rows, agent_class

if TYPE_CHECKING:
    from .populations import Populations

try:
    from mesa.agentset import GroupBy  # from Mesa 3.4 on
except ImportError:
    from mesa.agent import GroupBy

__all__ = ["CellSet", "Keys"]

Keys = NDArray[np.uint64]
By = Callable[[Cell], Any] | str


class CellSet(mesa.agent.AgentSet):
    """An ordered set of living cells of one model, live or fixed."""

    def __init__(self, populations: Populations, cells: str | Keys = "Cell") -> None:
        """The cells of an agent class, now and later, or those with some keys, which must differ."""
        self._populations, self._cells = populations, cells
        self.random = populations.model.random

    # ------------------------------------------------------------- members

    def rows(self) -> Rows:
        """Rows of the members in the tissue's columns, in the order of the set; valid until cells come or go."""
        if isinstance(self._cells, str):
            return self._populations.living(agent_class(self._cells))
        rows = self._populations.rows(self._cells)
        return rows[rows >= 0]

    def keys(self) -> Keys:
        """Keys of the members, in the order of the set."""
        return self._populations.model.tissue.cells.key[self.rows()]

    def __len__(self) -> int:
        return len(self.rows())

    def __contains__(self, agent: object) -> bool:
        if not isinstance(agent, Cell) or agent.model is not self._populations.model or not agent.alive:
            return False
        if isinstance(self._cells, str):
            return bool(self._populations.is_a(agent_class(self._cells))[agent["kind"]])
        return bool((self._cells == np.uint64(agent.unique_id)).any())

    def __iter__(self) -> Iterator[Cell]:
        """The members at this moment, in order; those that die before their turn are left out."""
        return self._populations.views(self.rows())

    def __getitem__(self, item: int | slice) -> Any:
        """One member, or a list of members for a slice."""
        found = list(self._populations.views(np.atleast_1d(self.rows()[item])))
        return found if isinstance(item, slice) else found[0]

    def to_list(self) -> list[Cell]:
        """The members as a list."""
        return list(self)

    def __repr__(self) -> str:
        which = self._cells if isinstance(self._cells, str) else "chosen"
        return f"<{type(self).__name__} of {len(self)} cells ({which})>"

    # ------------------------------------------------------------- choosing and ordering

    def select(
        self,
        filter_func: Callable[[Cell], bool] | NDArray[np.bool_] | None = None,
        at_most: int | float = float("inf"),
        inplace: bool = False,
        agent_type: type | None = None,
    ) -> CellSet:
        """The members of `agent_type` that `filter_func` is true for, or `at_most` of them (a float ≤ 1: a share).

        `filter_func` may also be a mask, one truth value per member: `cells.select(cells.get("damage") > 1)`.
        """
        rows, cells = self.rows(), self._populations.model.tissue.cells
        limit = int(min(len(rows) * at_most if isinstance(at_most, float) and at_most <= 1 else at_most, len(rows)))
        mask = np.ones(len(rows), dtype=bool)
        if isinstance(filter_func, np.ndarray):
            if filter_func.shape != mask.shape or filter_func.dtype != np.bool_:
                raise TmeError(f"a mask has one truth value for each of {len(rows)} cells")
            mask &= filter_func
        if agent_type is not None:
            mask &= self._populations.is_a(agent_type)[cells.kind[rows]]
        if callable(filter_func):
            agents = filter(filter_func, self._populations.views(rows[mask]))
            return self._chosen(self._keys_of(islice(agents, limit)), inplace)
        return self._chosen(cells.key[rows[mask][:limit]], inplace)

    def shuffle(self, inplace: bool = False) -> CellSet:
        """The members in random order, by the generator `random`."""
        return self._chosen(np.random.default_rng(self.random.getrandbits(64)).permutation(self.keys()), inplace)

    def sort(self, key: By, ascending: bool = False, inplace: bool = False) -> CellSet:
        """The members in the order of an attribute or a function, the largest first unless `ascending`."""
        keys, values = self._asked(key)
        # Members that are equal keep their order in both directions.
        order = sorted(range(len(keys)), key=values.__getitem__, reverse=not ascending)
        return self._chosen(keys[order], inplace)

    def groupby(self, by: By, result_type: str = "agentset") -> GroupBy:
        """The members by the value of an attribute or a function, as sets or as lists of agents."""
        keys, values = self._asked(by)
        places: dict[Hashable, list[int]] = defaultdict(list)
        for place, value in enumerate(values):
            places[value].append(place)
        groups = {value: self._chosen(keys[at]) for value, at in places.items()}
        return _Groups(groups if result_type == "agentset" else {value: list(one) for value, one in groups.items()})

    # ------------------------------------------------------------- reading and writing

    def get(self, attr_names: Any, handle_missing: str = "error", default_value: Any = None) -> Any:
        """An attribute of every member: a numpy array for numbers, else a list; for several, a list of lists."""
        if handle_missing not in ("error", "default"):
            raise ValueError(f"handle_missing is 'error' or 'default', not {handle_missing!r}")
        if not isinstance(attr_names, str):
            columns = [self.get(name, handle_missing, default_value) for name in attr_names]
            return [list(values) for values in zip(*columns, strict=True)]
        values = self._values(attr_names)
        if values is not None:
            return values
        default = (default_value,) if handle_missing == "default" else ()
        return [getattr(agent, attr_names, *default) for agent in self]

    def set(self, attr_name: str, value: Any) -> CellSet:
        """Write one value, or an array with one value per member, to an attribute of all members."""
        self._populations.write(attr_name, value, self.rows())
        return self

    def senses(self, molecule: str) -> NDArray[np.float64]:
        """What every member senses of a molecule; see `Cell.senses`."""
        return self._populations.sensed(molecule, self.rows())

    def behavior(self, name: str) -> NDArray[np.float64]:
        """The value of a behavior for every member; see `Cell.behavior`."""
        return self._populations.behavior(name, self.rows())

    # ------------------------------------------------------------- doing

    def do(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> CellSet:
        """Call a method, or a function with each agent as first argument; cells that died meanwhile are left out."""
        if method == "remove":
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

    # ------------------------------------------------------------- what Mesa does to its own members

    def add(self, agent: Any) -> NoReturn:
        """Raises TmeError: cells are planted, born or arrive; see `Cell.remove` and `select`."""
        raise TmeError(
            "cells cannot be put into or taken out of a set by hand: they are planted, born or arrive, and "
            "agent.remove() takes one out of the tissue. For a part of a set use select()"
        )

    discard = remove = add

    def copy(self) -> Self:
        """A set with the same members; live if this one is."""
        return copy.copy(self)

    def __getstate__(self) -> object:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _update(self, agents: Iterable[Cell]) -> CellSet:
        return self._chosen(self._keys_of(agents), inplace=True)

    def _from_iterable(self, agents: Iterable[Cell]) -> CellSet:  # for unions and differences
        return self._chosen(self._keys_of(agents))

    # ------------------------------------------------------------- helpers

    def _chosen(self, keys: Keys, inplace: bool = False) -> CellSet:
        """A fixed set of some cells, or this one made so."""
        if not inplace:
            return CellSet(self._populations, keys)
        self._cells = keys
        return self

    def _keys_of(self, agents: Iterable[Cell]) -> Keys:
        keys: dict[int, None] = {}
        for agent in agents:
            if getattr(agent, "model", None) is not self._populations.model:
                raise TmeError(f"a set of cells holds cells of one model, not {agent!r}")
            keys[agent.unique_id] = None
        return np.fromiter(keys, dtype=np.uint64, count=len(keys))

    def _asked(self, by: By) -> tuple[Keys, list[Any]]:
        """The keys of the members, and an attribute or a function of each."""
        values = self._values(by) if isinstance(by, str) else None
        if values is not None:
            return self.keys(), values.tolist() if isinstance(values, np.ndarray) else values
        agents = self.to_list()
        return self._keys_of(agents), [getattr(one, by) if isinstance(by, str) else by(one) for one in agents]

    def _values(self, name: str) -> NDArray[Any] | list[Any] | None:
        return self._populations.values(name, self.rows())


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
