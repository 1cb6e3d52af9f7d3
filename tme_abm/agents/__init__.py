"""Cells as Mesa agents: flyweight views of the tissue's columns, and sets of them that are fast on columns."""

from .cell import (
    MDSC,
    TAM,
    TAN,
    Cell,
    DeadCellError,
    Fibroblast,
    NKCell,
    TCell,
    TumorCell,
    UnknownColumnError,
    refuse_registration,
)
from .cellset import CellSet
from .census import Census
from .populations import Populations

__all__ = [
    "MDSC",
    "TAM",
    "TAN",
    "Cell",
    "CellSet",
    "Census",
    "DeadCellError",
    "Fibroblast",
    "NKCell",
    "Populations",
    "TCell",
    "TumorCell",
    "UnknownColumnError",
    "refuse_registration",
]
