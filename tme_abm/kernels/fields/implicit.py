"""The implicit solver: diffusion, decay and uptake together in one linear system per step.

Near consumers diffusion and uptake balance each other within a step, and treating them one after the other is
wrong there. Backward Euler solves for both at once. Its matrix is diffusion plus a diagonal, so conjugate
gradients with a preconditioner that knows diffusion exactly (cosine transform) need few iterations, whatever
D dt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .problem import Array, Sums, by_well, checked, dot, total
from .spectral import close, from_modes, modes, to_modes
from .stencil import laplacian, neighbor_sum

__all__ = ["Operator", "Solve", "implicit_solve", "implicit_step", "operator_for", "solve"]

_MOST_ITERATIONS = 500


@dataclass(frozen=True, eq=False)
class Solve:
    """Result of a linear solve.

    ``c``: the solution, nonnegative; nM. ``iterations``: of the conjugate gradients, one pair of
    transforms each. ``error``: estimated relative L2 error of the last but one iterate, of the worst well.
    ``cut``: share of a well's amount that was negative and was cut, (wells,) (``close``).
    """

    c: Array
    iterations: int
    error: float
    cut: Sums


@dataclass(frozen=True, eq=False)
class Operator:
    """A = 1 + a(x) - D dt lap = M + excess(x), M with a sink uniform in each well, diagonal in cosine modes."""

    diffusion: float  # D dt; um^2
    number: float  # D dt / h^2
    spacing: float
    sink: Array  # a = dt (k + u), array or 0-d
    excess: Array  # a minus M's uniform sink, array or 0-d
    inverse: Array  # of M, per mode


def operator_for(c: Array, *, dt: float, diffusivity: float, decay: float, uptake: Array, spacing: float) -> Operator:
    """Prepare A for ``c`` (wells, *space); the uniform sink of M is the mean of a well's *saturated* sinks.

    No voxel consumes faster than diffusion brings: with g, the mean over the modes of 1 / M_m (the lattice Green
    function at its own voxel), a lone sink ``a`` acts like ``a / (1 + a g)``. For weak uptake the shift is the mean
    uptake; at u dt = 1e4 it halves the iterations that the mean uptake would need.
    """
    kind = c.dtype.type
    sink = np.asarray((uptake + kind(decay)) * kind(dt))
    space = c.shape[1:]
    if sink.ndim:
        lowest = sink.reshape(len(c), -1).min(axis=1).astype(np.float64)
        excess = sink - by_well(lowest, sink)
        green = np.array([_green(space, spacing, diffusivity * dt, 1.0 + float(least)) for least in lowest])
        weak = excess * by_well(green, excess)
        weak += kind(1.0)
        shift = total(np.divide(excess, weak, out=weak)) / c[0].size
        excess -= by_well(shift, excess)
        diagonal = by_well(1.0 + lowest + shift, c)
    else:
        excess = np.zeros((), dtype=c.dtype)
        diagonal = np.asarray(kind(1.0 + float(sink)))
    inverse = modes(space, spacing, c.dtype.name).laplacian * kind(-diffusivity * dt) + diagonal
    np.divide(kind(1.0), inverse, out=inverse)
    return Operator(
        diffusion=diffusivity * dt,
        number=diffusivity * dt / spacing**2,
        spacing=spacing,
        sink=sink,
        excess=excess,
        inverse=inverse,
    )


@lru_cache(maxsize=64)
def _green(shape: tuple[int, ...], spacing: float, diffusion: float, diagonal: float) -> float:
    """What a unit source leaves in its own voxel, lattice average of the Green function of diagonal - D dt lap."""
    return float((1.0 / (diagonal - diffusion * modes(shape, spacing, "float64").laplacian)).mean())


def solve(operator: Operator, b: Array, start: Array, tolerance: float, workers: int | None) -> Solve:
    """A x = b by preconditioned CG from ``start``, then polished, nonnegative and in balance.

    The wells iterate side by side, each with step lengths of its own, and one that is done rests.
    """
    wells = len(b)
    # What fades away must not underflow when it is squared; the last step below takes care of such dust.
    running = np.asarray(b.reshape(wells, -1).max(axis=1) > 100.0 * math.sqrt(np.finfo(b.dtype).tiny), dtype=bool)
    if not b.any():
        return Solve(c=np.zeros_like(b), iterations=0, error=0.0, cut=np.zeros(wells))
    tolerance = max(tolerance, 20.0 * float(np.finfo(b.dtype).eps))
    tiny = float(np.finfo(b.dtype).tiny)
    x: Array = start * by_well(running, start)
    r = laplacian(x, operator.spacing, ndim=b.ndim - 1)
    r *= operator.diffusion
    r += b
    r -= x
    work = operator.sink * x
    r -= work
    z, ap, p, mp = np.empty_like(r), np.empty_like(r), np.zeros_like(r), np.zeros_like(r)
    # M alone solves a well in which every voxel takes up alike.
    alike = ~operator.excess.reshape(wells, -1).any(axis=1) if operator.excess.ndim else np.ones(wells, dtype=bool)
    previous, error, iterations = np.full(wells, math.inf), np.zeros(wells), 0
    while True:
        # z = M^-1 r; M p is carried along (M z = r), so that A p = M p + excess p needs no stencil.
        np.copyto(z, r)
        z = to_modes(z, workers, overwrite=True)
        z *= operator.inverse
        z = from_modes(z, workers)
        squared = dot(r, z)
        running &= squared > 0
        if not running.any():
            break
        ratio = by_well(np.divide(squared, previous, out=np.zeros(wells), where=running), b)
        p *= ratio
        p += z
        mp *= ratio
        mp += r
        np.multiply(operator.excess, p, out=ap)
        ap += mp
        length = np.divide(squared, dot(p, ap), out=np.zeros(wells), where=running)
        pace = by_well(length, b)
        np.multiply(p, pace, out=work)
        x += work
        ap *= pace
        r -= ap
        previous = squared
        iterations += 1
        # Energy that this iteration removed: bounds the squared L2 error before it (A >= 1).
        removed = np.sqrt(length * squared / np.maximum(dot(x, x), tiny))
        error = np.where(running, removed, error)
        running &= (error > tolerance) & ~alike
        if not running.any():
            break
        if iterations >= _MOST_ITERATIONS:
            raise ArithmeticError(
                f"conjugate gradients left a relative error of {error.max():.1e} after {iterations} iterations,"
                f" allowed {tolerance:.1e}"
            )
    x = _polish(operator, b, x, work)
    cut = close(x, total(b), operator.sink + b.dtype.type(1.0))
    return Solve(c=x, iterations=iterations, error=float(error.max()), cut=cut)


def _polish(operator: Operator, b: Array, x: Array, out: Array) -> Array:
    """One Jacobi step (1 + a + 2 ndim N) x_new = b + N sum of the neighbors of max(x, 0), N = D dt / h^2.

    A is an M-matrix: neither the cut nor the step moves the largest error away from the (nonnegative)
    solution, and for b >= 0 the result is nonnegative. At strong sinks, where x is small and CG is relatively
    worst, it is nearly exact.
    """
    np.maximum(x, 0, out=x)
    neighbor_sum(x, out)
    out *= operator.number
    out += b
    out /= operator.sink + b.dtype.type(1.0 + 2 * (b.ndim - 1) * operator.number)
    return out


def implicit_solve(
    c: Array,
    *,
    dt: float,
    diffusivity: float,
    decay: float,
    uptake: Array | float = 0.0,
    source: Array | float = 0.0,
    spacing: float,
    tolerance: float = 1e-2,
    workers: int | None = None,
    ndim: int | None = None,
) -> Solve:
    """``implicit_step`` with the number of iterations and the error estimate beside the result; same arguments."""
    shape = c.shape
    c, uptake, source = checked(
        c, dt=dt, diffusivity=diffusivity, decay=decay, uptake=uptake, source=source, spacing=spacing, ndim=ndim
    )
    operator = operator_for(c, dt=dt, diffusivity=diffusivity, decay=decay, uptake=uptake, spacing=spacing)
    solved = solve(operator, c + c.dtype.type(dt) * source, c, tolerance, workers)
    return replace(solved, c=solved.c.reshape(shape))


def implicit_step(
    c: Array,
    *,
    dt: float,
    diffusivity: float,
    decay: float,
    uptake: Array | float = 0.0,
    source: Array | float = 0.0,
    spacing: float,
    tolerance: float = 1e-2,
    workers: int | None = None,
    mean: Array | None = None,
    ndim: int | None = None,
) -> Array:
    """Advance c' = D lap(c) - (k + u) c + s by ``dt`` with backward Euler (first order, L-stable, positive).

        (1 + dt (k + u) - D dt lap) c_new = c + dt s

    CG starts from ``c`` and stops at an estimated relative L2 error of ``tolerance`` (the energy removed by
    the last iteration, Strakos & Tichy 2002, ETNA 13:56). A Jacobi step makes the result nonnegative and one
    factor closes the budget: what is stored is secreted - decayed - taken up to roundoff, at any tolerance.

    Parameters
    ----------
    c : (ny, nx) or (nz, ny, nx), float32 or float64, >= 0; nM. Not changed. Of several wells: see ``ndim``.
    dt, diffusivity, decay, spacing : min, um^2/min, 1/min, um
    uptake, source : arrays like ``c`` or a number, >= 0; 1/min and nM/min
    tolerance : relative error of the linear solve (not below 20 eps of the dtype)
    workers : threads of the transform
    mean : array like ``c`` that receives the average concentration over the step as this method sees it; nM
    ndim : number of the last axes that are space, all by default; an axis before them counts wells

    Returns
    -------
    array like ``c``; nM

    Raises
    ------
    ValueError
        A negative parameter or a shape that does not fit.
    ArithmeticError
        The iterations did not converge.
    """
    solved = implicit_solve(
        c,
        dt=dt,
        diffusivity=diffusivity,
        decay=decay,
        uptake=uptake,
        source=source,
        spacing=spacing,
        tolerance=tolerance,
        workers=workers,
        ndim=ndim,
    )
    if mean is not None:
        mean[...] = solved.c
    return solved.c
