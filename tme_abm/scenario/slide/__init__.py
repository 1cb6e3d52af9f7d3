"""A measured slide: the table of its cells, their fit to the sites of a lattice, and the section that names it."""

from __future__ import annotations

from .fit import SKIP, ClassFit, Fitted, advised_spacing, crowded, fit, shape_for
from .section import WRITTEN, Slide, complete, planted, remarks, report
from .table import Columns, Measured, read_table

__all__ = [
    "SKIP",
    "WRITTEN",
    "ClassFit",
    "Columns",
    "Fitted",
    "Measured",
    "Slide",
    "advised_spacing",
    "complete",
    "crowded",
    "fit",
    "planted",
    "read_table",
    "remarks",
    "report",
    "shape_for",
]
