"""The implicit solver: diffusion, decay and uptake together in one linear system per step.

Near consumers diffusion and uptake balance each other within a step, and treating them one after the other is
wrong there. Backward Euler solves for both at once. Its matrix is diffusion plus a diagonal, so conjugate
gradients with a preconditioner that knows diffusion exactly (cosine transform) need few iterations, whatever
D dt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .problem import Array, checked, dot, total
from .spectral import close, from_modes, modes, to_modes
from .stencil import laplacian, neighbor_sum

__all__ = ["Operator", "Solve", "implicit_solve", "implicit_step", "operator_for", "solve"]

_MOST_ITERATIONS = 500


@dataclass(frozen=True, eq=False)
class Solve:
    """Result of a linear solve.

    ``c``: the solution, nonnegative; nM. ``iterations``: of the conjugate gradients, one pair of
    transforms each. ``error``: estimated relative L2 error of the last but one iterate. ``cut``: share of the
    amount that was negative and was cut (``close``).
    """

    c: Array
    iterations: int
    error: float
    cut: float


@dataclass(frozen=True, eq=False)
class Operator:
    """A = 1 + a(x) - D dt lap = M + excess(x), M with a uniform sink, diagonal in cosine modes."""

    diffusion: float  # D dt; um^2
    number: float  # D dt / h^2
    spacing: float
    sink: Array  # a = dt (k + u), array or 0-d
    excess: Array  # a minus M's uniform sink, array or 0-d
    inverse: Array  # of M, per mode


def operator_for(c: Array, *, dt: float, diffusivity: float, decay: float, uptake: Array, spacing: float) -> Operator:
    """Prepare A; the uniform sink of M is the mean of the *saturated* sinks.

    No voxel consumes faster than diffusion brings: with g, the mean over the modes of 1 / M_m (the lattice Green
    function at its own voxel), a lone sink ``a`` acts like ``a / (1 + a g)``. For weak uptake the shift is the mean
    uptake; at u dt = 1e4 it halves the iterations that the mean uptake would need.
    """
    kind = c.dtype.type
    sink = np.asarray((uptake + kind(decay)) * kind(dt))
    lowest = float(sink.min())
    shift = 0.0
    excess = np.asarray(sink - kind(lowest))
    if float(excess.max()) > 0:
        weak = excess * kind(_green(c.shape, spacing, diffusivity * dt, 1.0 + lowest))
        weak += kind(1.0)
        shift = total(np.divide(excess, weak, out=weak)) / c.size
        excess -= kind(shift)
    inverse = modes(c.shape, spacing, c.dtype.name).laplacian * kind(-diffusivity * dt)
    inverse += kind(1.0 + lowest + shift)
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
    """A x = b by preconditioned CG from ``start``, then polished, nonnegative and in balance."""
    if not b.any():
        return Solve(c=np.zeros_like(b), iterations=0, error=0.0, cut=0.0)
    tolerance = max(tolerance, 20.0 * float(np.finfo(b.dtype).eps))
    x = start.copy()
    r = laplacian(x, operator.spacing)
    r *= operator.diffusion
    r += b
    r -= x
    work = operator.sink * x
    r -= work
    z, ap, p, mp = np.empty_like(r), np.empty_like(r), np.zeros_like(r), np.zeros_like(r)
    previous, error, iterations = math.inf, 0.0, 0
    while True:
        # z = M^-1 r; M p is carried along (M z = r), so that A p = M p + excess p needs no stencil.
        np.copyto(z, r)
        z = to_modes(z, workers, overwrite=True)
        z *= operator.inverse
        z = from_modes(z, workers)
        squared = dot(r, z)
        if squared <= 0:
            break
        ratio = squared / previous
        p *= ratio
        p += z
        mp *= ratio
        mp += r
        np.multiply(operator.excess, p, out=ap)
        ap += mp
        length = squared / dot(p, ap)
        np.multiply(p, length, out=work)
        x += work
        ap *= length
        r -= ap
        previous = squared
        iterations += 1
        # Energy that this iteration removed: bounds the squared L2 error before it (A >= 1).
        error = math.sqrt(length * squared / max(dot(x, x), float(np.finfo(b.dtype).tiny)))
        if error <= tolerance or not operator.excess.any():
            break
        if iterations >= _MOST_ITERATIONS:
            raise ArithmeticError(
                f"conjugate gradients left a relative error of {error:.1e} after {iterations} iterations,"
                f" allowed {tolerance:.1e}"
            )
    x = _polish(operator, b, x, work)
    cut = close(x, total(b), operator.sink + b.dtype.type(1.0))
    return Solve(c=x, iterations=iterations, error=error, cut=cut)


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
    out /= operator.sink + b.dtype.type(1.0 + 2 * b.ndim * operator.number)
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
) -> Solve:
    """``implicit_step`` with the number of iterations and the error estimate beside the result; same arguments."""
    uptake, source = checked(
        c, dt=dt, diffusivity=diffusivity, decay=decay, uptake=uptake, source=source, spacing=spacing
    )
    operator = operator_for(c, dt=dt, diffusivity=diffusivity, decay=decay, uptake=uptake, spacing=spacing)
    return solve(operator, c + c.dtype.type(dt) * source, c, tolerance, workers)


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
) -> Array:
    """Advance c' = D lap(c) - (k + u) c + s by ``dt`` with backward Euler (first order, L-stable, positive).

        (1 + dt (k + u) - D dt lap) c_new = c + dt s

    CG starts from ``c`` and stops at an estimated relative L2 error of ``tolerance`` (the energy removed by
    the last iteration, Strakos & Tichy 2002, ETNA 13:56). A Jacobi step makes the result nonnegative and one
    factor closes the budget: what is stored is secreted - decayed - taken up to roundoff, at any tolerance.

    Parameters
    ----------
    c : (ny, nx) or (nz, ny, nx), float32 or float64, >= 0; nM. Not changed.
    dt, diffusivity, decay, spacing : min, um^2/min, 1/min, um
    uptake, source : arrays like ``c`` or a number, >= 0; 1/min and nM/min
    tolerance : relative error of the linear solve (not below 20 eps of the dtype)
    workers : threads of the transform
    mean : array like ``c`` that receives the average concentration over the step as this method sees it; nM

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
    )
    if mean is not None:
        mean[...] = solved.c
    return solved.c
