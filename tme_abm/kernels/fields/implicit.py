"""The implicit solvers: diffusion, decay and uptake together in linear systems, one or two for each step.

Near consumers diffusion and uptake balance each other within a step, and treating them one after the other is wrong
there. Backward Euler solves for both at once; SDIRK2 does it twice and is second order, the right one where a step
changes much, as after sources are switched on.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .linear import Solve, operator_for, solve
from .problem import Array, Problem, by_well

__all__ = ["implicit_solve", "implicit_step", "sdirk2_step"]

# L-stable, stiffly accurate, two stages: Alexander 1977, doi:10.1137/0714068.
_GAMMA = 1.0 - math.sqrt(0.5)


def implicit_step(c: Array, problem: Problem, *, tolerance: float = 1e-2, mean: Array | None = None) -> Array:
    """Advance ``c`` by one step of backward Euler (first order, L-stable, positive).

        (1 + dt (k + u) - D dt lap) c_new = c + dt s

    From ``c``, until the relative L2 error is known to be below ``tolerance`` (``solve``). A Jacobi step makes the
    result nonnegative and one factor closes the budget: what is stored is secreted - decayed - taken up to roundoff,
    at any tolerance.

    Parameters
    ----------
    c : ([lattices,] *space), float32 or float64, >= 0; nM. Not changed.
    problem : the equation and the time step
    tolerance : relative error of the linear solve (not below 20 eps of the dtype)
    mean : array like ``c`` that receives the average concentration over the step as this method sees it; nM

    Returns
    -------
    array like ``c``; nM

    Raises
    ------
    ValueError
        ``c`` does not fit the problem.
    ArithmeticError
        The iterations did not converge.
    """
    new = implicit_solve(c, problem, tolerance=tolerance).c
    if mean is not None:
        mean[...] = new
    return new


def implicit_solve(c: Array, problem: Problem, *, tolerance: float = 1e-2) -> Solve:
    """Like ``implicit_step``, and returns the number of iterations and the error estimate, too."""
    shape = c.shape
    c, uptake, source = problem.fit(c)
    inflow = source * by_well(problem.constants(len(c))[2], c)
    solved = solve(operator_for(c, uptake, problem), c + inflow, c, tolerance)
    return replace(solved, c=solved.c.reshape(shape))


def sdirk2_step(c: Array, problem: Problem, *, tolerance: float = 1e-3, mean: Array | None = None) -> Array:
    """Advance c' = f(c) by one step of SDIRK2 (second order, L-stable).

        c_1 = c + g dt f(c_1),   c_new = c + (1 - g) dt f(c_1) + g dt f(c_new),   g = 1 - 1/sqrt(2)

    No second-order method of this kind is positive for every dt: after a sudden change the second stage may
    undershoot. If no more than ``tolerance`` of a lattice's amount is negative, it is cut and the budget closed by
    one factor; otherwise that lattice takes two positive backward Euler steps of dt / 2 instead.

    Arguments, result and errors: see ``implicit_step``. Source of the coefficients: doi:10.1137/0714068.
    """
    shape, kind = c.shape, c.dtype.type
    c, uptake, source = problem.fit(c)
    diffusivity, decay, dt = problem.constants(len(c))
    operator = operator_for(c, uptake, replace(problem, dt=_GAMMA * problem.dt))
    inflow = source * by_well(_GAMMA * dt, c)
    first = solve(operator, c + inflow, c, tolerance).c
    b = first - c
    b *= kind((1.0 - _GAMMA) / _GAMMA)
    b += c
    b += inflow
    second = solve(operator, b, first, tolerance)
    new, average = second.c, first * kind(1.0 - _GAMMA) + kind(_GAMMA) * second.c
    again = np.flatnonzero(second.cut > tolerance)
    if len(again):
        part = replace(
            problem,
            dt=dt[again] / 2,
            diffusivity=diffusivity[again],
            decay=decay[again],
            uptake=uptake[again] if uptake.ndim else uptake,
            source=source[again] if source.ndim else source,
            ndim=c.ndim - 1,
        )
        new[again], average[again] = _two_halves(c[again], first[again], part, tolerance)
    if mean is not None:
        mean[...] = average.reshape(shape)
    return new.reshape(shape)


def _two_halves(c: Array, start: Array, problem: Problem, tolerance: float) -> tuple[Array, Array]:
    """Two backward Euler steps, for lattices where SDIRK2 is negative; dt is half of theirs. Returns the field and its
    mean.
    """
    c, uptake, source = problem.fit(c)
    operator = operator_for(c, uptake, problem)
    inflow = source * by_well(problem.constants(len(c))[2], c)
    middle = solve(operator, c + inflow, start, tolerance).c
    new = solve(operator, middle + inflow, middle, tolerance).c
    return new, (middle + new) * c.dtype.type(0.5)
