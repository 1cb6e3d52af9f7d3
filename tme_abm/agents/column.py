"""Columns of the tissue as attributes of agents, and the errors of reading and writing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import InputError, TmeError

if TYPE_CHECKING:
    from .cell import Cell

__all__ = ["FIXED", "DeadCellError", "State", "UnknownColumnError"]

FIXED = {
    "key": "a cell keeps its identity",
    "kind": "cells change their type through the rules 'differentiation'",
    "site": "cells move through the process of migration",
    "fate": "to take a cell out of the model call its remove()",
    "partner": "bonds are made and broken by the process of binding",
    "binding": "bonds are made and broken by the process of binding",
    "heading": "cells turn through the process of migration",
}
"""Columns that agents may read and not write, with the reason: writing them would leave the tissue inconsistent."""


class DeadCellError(TmeError, LookupError):
    """The cell of this agent is dead or gone, so there is nothing to read or write.

    Not an AttributeError: `getattr(agent, name, default)` and data collectors would silently pass over it.
    """


class UnknownColumnError(InputError, AttributeError, KeyError):
    """Cells have no such property, or it may not be written."""


class State:
    """A column of the tissue as an attribute of an agent."""

    def __init__(self, meaning: str) -> None:
        self.__doc__ = meaning

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, agent: Cell | None, owner: type | None = None) -> Any:
        return self if agent is None else agent[self.name]

    def __set__(self, agent: Cell, value: float) -> None:
        agent[self.name] = value
