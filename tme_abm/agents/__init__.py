"""Cells as Mesa agents: flyweight views of the tissue's columns, and sets of them that are fast on columns."""

from .cell import (
    MDSC,
    TAM,
    TAN,
    Cell,
    NKCell,
    TCell,
    TumorCell,
    agent_class,
    refuse_registration,
)
from .cellset import CellSet
from .census import Census
from .column import DeadCellError, UnknownColumnError
from .populations import Populations

__all__ = [
    "MDSC",
    "TAM",
    "TAN",
    "Cell",
    "CellSet",
    "Census",
    "DeadCellError",
    "NKCell",
    "Populations",
    "TCell",
    "TumorCell",
    "UnknownColumnError",
    "agent_class",
    "refuse_registration",
]
