"""All mutable state: cells, lattice, fields and clock, and the few verbs that change it."""

from .behaviors import Behaviors
from .cells import ALIVE, APOPTOTIC, COLUMNS, NECROTIC, Cells, Column
from .controls import Controls
from .fields import Fields
from .lattice import EMPTY, IMMUNE, TISSUE, Lattice
from .tissue import Clock, Process, Tissue

__all__ = [
    "ALIVE",
    "APOPTOTIC",
    "COLUMNS",
    "EMPTY",
    "IMMUNE",
    "NECROTIC",
    "TISSUE",
    "Behaviors",
    "Cells",
    "Clock",
    "Column",
    "Controls",
    "Fields",
    "Lattice",
    "Process",
    "Tissue",
]
