"""Solvers of c' = D lap(c) - (k + u(x)) c + s(x) on a lattice with no-flux walls, one field at a time.

All of them discretize the same operator and share one signature; ``choose_method`` says which fits a field.
"""

from __future__ import annotations

from .balance import Budget, budget
from .choose import METHODS, Method, Step, choose_method
from .implicit import Solve, implicit_solve, implicit_step, implicit_steps
from .problem import Array
from .sdirk2 import sdirk2_step
from .spectral import Modes, modes, spectral_step, spectral_steps
from .stencil import laplacian, stencil_step

__all__ = [
    "METHODS",
    "Array",
    "Budget",
    "Method",
    "Modes",
    "Solve",
    "Step",
    "budget",
    "choose_method",
    "implicit_solve",
    "implicit_step",
    "implicit_steps",
    "laplacian",
    "modes",
    "sdirk2_step",
    "spectral_step",
    "spectral_steps",
    "stencil_step",
]
