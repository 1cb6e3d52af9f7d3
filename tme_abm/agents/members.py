"""Which cells are in a set: membership, order, and the agents made so far.

A set is either *live* (all cells of an agent class, asked of the tissue at every use; this is what a model's
`agents` are) or *fixed* (the keys of chosen cells in a chosen order; this is what select, shuffle and sort
return). Both hold living cells only: cells that die drop out. Agents are made when they are iterated over; a
fixed set holds those it has made, a live one does not.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn, Self

import mesa.agent
import numpy as np
from numpy.typing import NDArray

from ..core.errors import TmeError
from .cell import Cell, agent_class

if TYPE_CHECKING:
    from .populations import Populations

__all__ = ["Keys", "Members", "Rows"]

Rows = NDArray[np.int64]
Keys = NDArray[np.uint64]


class Members(mesa.agent.AgentSet):
    """An ordered set of living cells."""

    _populations: Populations | None
    _which: type[Cell] | None  # the class a live set asks for, None for a fixed set
    _keys: Keys
    _held: dict[int, Cell]

    def __init__(self, agents: Iterable[Cell], random: Random | None = None) -> None:
        """A fixed set of `agents`, without repetitions, in their order; `random` defaults to their model's."""
        self._fix(agents)
        if random is None and self._populations is None:
            warnings.warn("an empty set of cells without `random` cannot be reproduced", UserWarning, stacklevel=2)
            random = Random()
        self.random = random if random is not None else self._populations.model.random  # type: ignore[union-attr]

    @classmethod
    def live(cls, populations: Populations, which: type[Cell]) -> Self:
        """All living cells that are instances of `which`, now and later."""
        cells = cls.of_keys(populations, np.zeros(0, dtype=np.uint64))
        cells._which = which
        return cells

    @classmethod
    def of_keys(cls, populations: Populations, keys: Keys) -> Self:
        """A fixed set of the cells with `keys`, which must differ."""
        cells = cls.__new__(cls)
        cells._populations, cells._which, cells._keys, cells._held = populations, None, keys, {}
        cells.random = populations.model.random
        return cells

    # ------------------------------------------------------------- members

    def rows(self) -> Rows:
        """Rows of the members in the tissue's columns, in the order of the set; valid until cells come or go."""
        if self._populations is None:
            return np.zeros(0, dtype=np.int64)
        if self._which is not None:
            return self._populations.living(self._which)
        rows = self._populations.rows(self._keys)
        return rows[rows >= 0]

    def keys(self) -> Keys:
        """Keys of the members, in the order of the set."""
        rows = self.rows()
        return rows.astype(np.uint64) if self._populations is None else self._populations.model.tissue.cells.key[rows]

    def __len__(self) -> int:
        return len(self.rows())

    def __contains__(self, agent: object) -> bool:
        if not isinstance(agent, Cell) or self._populations is None or agent.model is not self._populations.model:
            return False
        if not agent.alive:
            return False
        if self._which is not None:
            return bool(self._populations.is_a(self._which)[agent["kind"]])
        return bool((self._keys == np.uint64(agent.unique_id)).any())

    def __iter__(self) -> Iterator[Cell]:
        """The members at this moment, in order; those that die before their turn are left out."""
        if self._populations is None:
            return
        for agent in self._populations.views(self.rows()):
            yield self._hold(agent)

    def __reversed__(self) -> Iterator[Cell]:
        return reversed(self.to_list())

    def __getitem__(self, item: int | slice) -> Any:
        """One member, or a list of members for a slice."""
        chosen = self.keys()[item]
        if isinstance(item, slice):
            return self._fixed(chosen).to_list()
        assert self._populations is not None
        found = self._populations.find(int(chosen))
        assert found is not None
        return self._hold(found)

    def to_list(self) -> list[Cell]:
        """The members as a list."""
        return list(self)

    def index(self, agent: Cell, start: int = 0, stop: int | None = None) -> int:
        """Position of a member."""
        keys = self.keys()
        inside = range(*slice(start, stop).indices(len(keys)))
        found = np.flatnonzero(keys == np.uint64(agent.unique_id)) if agent in self else keys[:0]
        if not len(found) or int(found[0]) not in inside:
            raise ValueError(f"{agent!r} is not in the set")
        return int(found[0])

    def count(self, agent: object) -> int:
        """1 if the agent is a member, else 0."""
        return int(agent in self)

    def __repr__(self) -> str:
        what = self._which.__name__ if self._which is not None else "chosen"
        return f"<{type(self).__name__} of {len(self)} cells ({what})>"

    # ------------------------------------------------------------- what a set of cells refuses

    def add(self, agent: Any) -> NoReturn:
        """Refused: cells are planted, born or arrive."""
        _refuse()

    def discard(self, agent: Any) -> NoReturn:
        """Refused: see `Cell.remove` and `select`."""
        _refuse()

    def remove(self, agent: Any) -> NoReturn:
        """Refused: see `Cell.remove` and `select`."""
        _refuse()

    # ------------------------------------------------------------- copying and keeping

    def copy(self) -> Self:
        """A set with the same members; live if this one is."""
        copied = self.__class__.__new__(self.__class__)
        copied.__setstate__(self.__getstate__())
        return copied

    __copy__ = copy

    def __getstate__(self) -> dict[str, Any]:
        # A class made for a catalogue cannot be pickled; its name can. "" stands for all cells.
        which = None if self._which is None else "" if self._which is Cell else self._which.__name__
        return {"populations": self._populations, "which": which, "keys": self._keys, "random": self.random}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._populations, self._keys, self.random = state["populations"], state["keys"], state["random"]
        which = state["which"]
        self._which = None if which is None else agent_class(which) if which else Cell
        self._held = {}

    def _update(self, agents: Iterable[Cell]) -> Self:
        self._fix(agents, self._populations)
        return self

    # ------------------------------------------------------------- helpers

    def _fix(self, agents: Iterable[Any], populations: Populations | None = None) -> None:
        """Become a fixed set of `agents`, all of one model."""
        held = {}
        for agent in agents:
            if not isinstance(agent, Cell) or (populations and agent.model is not populations.model):
                raise TmeError(f"a set of cells holds cells of one model, not {agent!r}")
            populations = agent.model.populations
            held[agent.unique_id] = agent
        self._populations, self._which, self._held = populations, None, held
        self._keys = np.fromiter(held, dtype=np.uint64, count=len(held))

    def _fixed(self, keys: Keys) -> Self:
        """A fixed set of some members, sharing the generator and the agents already made."""
        if self._populations is None:
            return self.__class__([], random=self.random)
        chosen = self.__class__.of_keys(self._populations, keys)
        chosen.random = self.random
        if self._held:
            chosen._held = {key: self._held[key] for key in keys.tolist() if key in self._held}
        return chosen

    def _take(self, other: Members) -> Self:
        self._which, self._keys, self._held = None, other._keys, other._held
        return self

    def _hold(self, agent: Cell) -> Cell:
        if self._which is None:
            self._held[agent.unique_id] = agent
        return agent


def _refuse() -> NoReturn:
    raise TmeError(
        "cells cannot be put into or taken out of a set by hand: they are planted, born or arrive, and agent.remove() "
        "takes one out of the tissue. For a part of a set use select()"
    )
