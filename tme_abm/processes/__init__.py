"""One biological process a class; each reads the tissue, changes its own columns, and requests other changes.

`planting` sets up the tissue of a scenario, with the fields that `presence` finds needed; in every step `treatment`
does what the scenario's protocol says.
"""

from ..tissue import Process
from .fates import Apoptosis, Clearance, Differentiation, Division, Necrosis
from .killing import Binding, Killing
from .migration import Migration
from .recruitment import Recruitment
from .remodeling import Remodeling
from .responding import Responding, Response
from .senses import Senses, exposure_column, expression_column, free_level, signal_columns
from .states import Activation, Exhaustion, Exposure, Expression, Healing, Polarization
from .transport import Secretion, Transport

__all__ = [
    "Activation",
    "Apoptosis",
    "Binding",
    "Clearance",
    "Differentiation",
    "Division",
    "Exhaustion",
    "Exposure",
    "Expression",
    "Healing",
    "Killing",
    "Migration",
    "Necrosis",
    "Polarization",
    "Process",
    "Recruitment",
    "Remodeling",
    "Responding",
    "Response",
    "Secretion",
    "Senses",
    "Transport",
    "exposure_column",
    "expression_column",
    "free_level",
    "signal_columns",
]
