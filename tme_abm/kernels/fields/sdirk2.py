"""The accurate implicit solver: two solves of the backward Euler kind per step, second order in time.

The right one where a step changes much, as after sources are switched on.
"""

from __future__ import annotations

import math

import numpy as np

from .implicit import operator_for, solve
from .problem import Array, checked

__all__ = ["sdirk2_step"]

# L-stable, stiffly accurate, two stages: Alexander 1977, doi:10.1137/0714068.
_GAMMA = 1.0 - math.sqrt(0.5)


def sdirk2_step(
    c: Array,
    *,
    dt: float,
    diffusivity: float,
    decay: float,
    uptake: Array | float = 0.0,
    source: Array | float = 0.0,
    spacing: float,
    tolerance: float = 1e-3,
    workers: int | None = None,
    mean: Array | None = None,
    ndim: int | None = None,
) -> Array:
    """Advance c' = f(c) = D lap(c) - (k + u) c + s by ``dt`` with SDIRK2 (second order, L-stable).

        c_1 = c + g dt f(c_1),   c_new = c + (1 - g) dt f(c_1) + g dt f(c_new),   g = 1 - 1/sqrt(2)

    No second-order method of this kind is positive for every dt: after a sudden change the second stage may
    undershoot. If no more than ``tolerance`` of a well's amount is negative, it is cut and the budget closed by
    one factor; otherwise that well takes two positive backward Euler steps of dt / 2 instead.

    Arguments, result and errors: see ``implicit_step``. Source of the coefficients: doi:10.1137/0714068.
    """
    shape = c.shape
    c, uptake, source = checked(
        c, dt=dt, diffusivity=diffusivity, decay=decay, uptake=uptake, source=source, spacing=spacing, ndim=ndim
    )
    kind = c.dtype.type
    operator = operator_for(c, dt=_GAMMA * dt, diffusivity=diffusivity, decay=decay, uptake=uptake, spacing=spacing)
    inflow = source * kind(_GAMMA * dt)
    first = solve(operator, c + inflow, c, tolerance, workers).c
    b = first - c
    b *= kind((1.0 - _GAMMA) / _GAMMA)
    b += c
    b += inflow
    second = solve(operator, b, first, tolerance, workers)
    new, average = second.c, first * kind(1.0 - _GAMMA) + kind(_GAMMA) * second.c
    again = np.flatnonzero(second.cut > tolerance)
    if len(again):
        new[again], average[again] = _two_halves(
            c[again],
            first[again],
            dt=dt,
            diffusivity=diffusivity,
            decay=decay,
            uptake=uptake[again] if uptake.ndim else uptake,
            source=source[again] if source.ndim else source,
            spacing=spacing,
            tolerance=tolerance,
            workers=workers,
        )
    if mean is not None:
        mean[...] = average.reshape(shape)
    return new.reshape(shape)


def _two_halves(
    c: Array,
    start: Array,
    *,
    dt: float,
    diffusivity: float,
    decay: float,
    uptake: Array,
    source: Array,
    spacing: float,
    tolerance: float,
    workers: int | None,
) -> tuple[Array, Array]:
    """Two backward Euler steps of dt / 2: the positive way out of SDIRK2. Returns the field and its mean."""
    operator = operator_for(c, dt=dt / 2, diffusivity=diffusivity, decay=decay, uptake=uptake, spacing=spacing)
    inflow = source * c.dtype.type(dt / 2)
    middle = solve(operator, c + inflow, start, tolerance, workers).c
    new = solve(operator, middle + inflow, middle, tolerance, workers).c
    return new, (middle + new) * c.dtype.type(0.5)
