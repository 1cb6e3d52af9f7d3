"""Solvers of c' = D lap(c) - (k + u(x)) c + s(x) on a lattice with no-flux walls.

All of them solve the same ``Problem`` by the same operator; ``choose_method`` says which fits a field: slow fields are
solved by the stencil, fast ones by the implicit or the spectral solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

from .implicit import implicit_solve, implicit_step, sdirk2_step
from .linear import Solve
from .problem import Array, Budget, Problem, budget, relative_change, total
from .spectral import spectral_step
from .stencil import stencil_step

__all__ = [
    "METHODS",
    "Array",
    "Budget",
    "Method",
    "Problem",
    "Solve",
    "Step",
    "budget",
    "choose_method",
    "implicit_solve",
    "implicit_step",
    "relative_change",
    "sdirk2_step",
    "spectral_step",
    "stencil_step",
    "total",
]

Method = Literal["stencil", "implicit", "spectral", "sdirk2"]

# D dt / h^2 up to which some 30 substeps of the stencil cost less than an implicit solve, at a smaller error.
_STENCIL_REACH = 5.0


class Step(Protocol):
    """One step of a field, c -> c_new; see ``implicit_step`` for shapes and units."""

    def __call__(self, c: Array, problem: Problem, *, tolerance: float = ..., mean: Array | None = ...) -> Array:
        """Return the field after the step of ``problem``."""
        ...


METHODS: Mapping[Method, Step] = MappingProxyType(
    {"stencil": stencil_step, "implicit": implicit_step, "spectral": spectral_step, "sdirk2": sdirk2_step}
)


def choose_method(*, diffusivity: float, dt: float, spacing: float, has_uptake: bool) -> Method:
    """'stencil' up to D dt / h^2 = 5, beyond that 'implicit' where cells take the molecule up, else 'spectral'.

    ``diffusivity`` um^2/min, ``dt`` min, ``spacing`` um; ``has_uptake``: uptake may vary in space.
    """
    if diffusivity * dt <= _STENCIL_REACH * spacing**2:
        return "stencil"
    return "implicit" if has_uptake else "spectral"
