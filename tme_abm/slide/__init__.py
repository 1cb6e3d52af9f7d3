"""A measured slide: reading a table of cells, and finding each a site of a lattice.

Knows neither the catalogue nor scenarios.
"""

from __future__ import annotations

from .fit import SKIP, ClassFit, Fitted, advised_spacing, crowded, fit, shape_for
from .table import Columns, Measured, read_table

__all__ = [
    "SKIP",
    "ClassFit",
    "Columns",
    "Fitted",
    "Measured",
    "advised_spacing",
    "crowded",
    "fit",
    "read_table",
    "shape_for",
]
