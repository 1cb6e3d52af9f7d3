"""The linear system of an implicit step, A x = b: what A is, and how it is solved.

A = M + excess(x), where M is diagonal in cosine modes and stands for most of it: conjugate gradients with M as the
preconditioner need few iterations, whatever D dt. All lattices iterate side by side, each with step lengths of its
own, and one that is done leaves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .problem import Array, Problem, Sums, by_well, dot, precision, total
from .spectral import close, eigenvalues, from_modes, to_modes
from .stencil import neighbor_sum

__all__ = ["Operator", "Solve", "operator_for", "solve"]

_MOST_ITERATIONS = 500


@dataclass(frozen=True, eq=False)
class Solve:
    """Result of a linear solve.

    ``c``: the solution, nonnegative; nM. ``iterations``: pairs of transforms. ``error``: an upper bound of the relative
    L2 error before the polish or, where that says little, an estimate; of the worst well.
    ``cut``: share of a well's amount that was negative and was cut, (wells,) (``close``).
    """

    c: Array
    iterations: int
    error: float
    cut: Sums


@dataclass(frozen=True, eq=False)
class Operator:
    """A = 1 + a(x) - D dt lap = M + excess(x), M with a sink uniform in each well, diagonal in cosine modes."""

    number: Sums  # D dt / h^2 of each well
    diagonal: Array  # 1 + a = 1 + dt (k + u)
    excess: Array  # a minus M's uniform sink
    inverse: Array  # of M, per mode


def operator_for(c: Array, uptake: Array, problem: Problem) -> Operator:
    """Prepare A for ``c`` (lattices, *space); the uniform sink of M is the mean of a lattice's *saturated* sinks.

    No voxel consumes faster than diffusion brings: with g, the mean over the modes of 1 / M_m (the lattice Green
    function at its own voxel), a lone sink ``a`` acts like ``a / (1 + a g)``. For weak uptake the shift is the mean
    uptake; at u dt = 1e4 it halves the iterations that the mean uptake would need.
    """
    kind, wells, space, spacing = c.dtype.type, len(c), c.shape[1:], problem.spacing
    diffusivity, decay, dt = problem.constants(wells)
    diffusion = diffusivity * dt
    diagonal = uptake * by_well(dt, c) + by_well(1.0 + decay * dt, c)
    if diagonal.shape != c.shape:
        diagonal = np.broadcast_to(diagonal, c.shape)
    lowest = diagonal.reshape(wells, -1).min(axis=1).astype(np.float64)
    excess = diagonal - by_well(lowest, c)
    pairs = zip(diffusion.tolist(), lowest.tolist(), strict=True)
    green = np.array([_green(space, spacing, spread, least) for spread, least in pairs])
    weak = excess * by_well(green, c)
    weak += kind(1.0)
    shift = total(np.divide(excess, weak, out=weak)) / c[0].size
    excess -= by_well(shift, c)
    inverse = eigenvalues(space, spacing, c.dtype.char) * by_well(-diffusion, c)
    inverse += by_well(lowest + shift, c)
    np.divide(kind(1.0), inverse, out=inverse)
    return Operator(number=diffusion / spacing**2, diagonal=diagonal, excess=excess, inverse=inverse)


@lru_cache(maxsize=512)
def _green(shape: tuple[int, ...], spacing: float, diffusion: float, diagonal: float) -> float:
    """The Green function of diagonal - D dt lap at its own voxel, averaged over the lattice."""
    return float((1.0 / (diagonal - diffusion * eigenvalues(shape, spacing, "d"))).mean())


def solve(operator: Operator, b: Array, start: Array, tolerance: float) -> Solve:
    """A x = b from the guess ``start``: one step with M, conjugate gradients where that is not enough, then polished,
    nonnegative and in balance.

    Where M fits well, as in most fields, the first pair of transforms is the last. Each well is solved as if it were
    alone, and one that is done leaves.
    """
    wells = len(b)
    highest = b.reshape(wells, -1).max(axis=1)
    if not highest.any():
        return Solve(c=np.zeros_like(b), iterations=0, error=0.0, cut=np.zeros(wells))
    eps, tiny, _ = precision(b.dtype)
    tolerance = max(tolerance, 20.0 * eps)
    # M x = b - excess start leaves the residual excess (start - x): neither needs a stencil.
    r = operator.excess * start
    x: Array = b - r
    x = to_modes(x, overwrite=True)
    x *= operator.inverse
    x = from_modes(x)
    np.subtract(start, x, out=r)
    r *= operator.excess
    error = _bound(r, operator.diagonal, dot(x, x))
    # What fades away must not underflow when it is squared; the polish takes care of such dust.
    dust = highest <= 100.0 * math.sqrt(tiny)
    further = np.flatnonzero((error > tolerance) & ~dust)
    iterations = 1
    if len(further):
        # A slice is a view: a single well is not copied.
        part = slice(None) if len(further) == wells else further
        excess, inverse, diagonal = operator.excess[part], operator.inverse[part], operator.diagonal[part]
        x[part], error[part], more = _conjugate(excess, inverse, diagonal, x[part], r[part], error[part], tolerance)
        iterations += more
    x = _polish(operator, b, x, r)
    cut = close(x, total(b), operator.diagonal)
    return Solve(c=x, iterations=iterations, error=float(error.max()), cut=cut)


def _polish(operator: Operator, b: Array, x: Array, out: Array) -> Array:
    """One Jacobi step (1 + a + 2 ndim N) x_new = b + N sum of the neighbors of max(x, 0), N = D dt / h^2.

    A is an M-matrix: neither the cut nor the step moves the largest error away from the (nonnegative)
    solution, and for b >= 0 the result is nonnegative. At strong sinks, where x is small and the solution so far is
    relatively worst, it is nearly exact.
    """
    if float(x.min()) < 0:
        x[x < 0] = 0
    neighbor_sum(x, out)
    out *= by_well(operator.number, b)
    out += b
    out /= operator.diagonal + by_well(2 * (b.ndim - 1) * operator.number, b)
    return out


def _bound(r: Array, diagonal: Array, size: Sums) -> Sums:
    """Upper bound of the relative L2 error of x with the residual ``r``, (lattices,); ``diagonal`` is 1 + a, and
    ``size`` the sum of x^2.

    The error is e = A^-1 r, and A >= 1 + a >= 1 as quadratic forms: |e|^2 <= e A e = r A^-1 r <= sum r^2 / (1 + a).
    """
    squared = dot(r / diagonal, r)
    return np.sqrt(np.divide(squared, size, out=np.zeros(len(r)), where=size > 0))


def _conjugate(
    excess: Array, inverse: Array, diagonal: Array, x: Array, r: Array, error: Sums, tolerance: float
) -> tuple[Array, Sums, int]:
    """Conjugate gradients, preconditioned by M, from ``x`` with residual ``r`` (both are overwritten) until the error
    is known to be below ``tolerance``; returns the solution, its error (lattices,) and the number of iterations.
    """
    _, tiny, _ = precision(x.dtype)
    solution, errors, rows = x, error, np.arange(len(x))
    running = np.ones(len(x), dtype=bool)
    ap, work, mp = (np.empty_like(r) for _ in range(3))
    p, previous = ap, np.empty(0)
    for iteration in range(_MOST_ITERATIONS):
        # z = M^-1 r; M p is carried along (M z = r), so that A p = M p + excess p needs no stencil.
        z = to_modes(r)
        z *= inverse
        z = from_modes(z)
        squared = dot(r, z)
        running &= squared > 0
        if running.any():
            if iteration:
                ratio = by_well(np.divide(squared, previous, out=np.zeros(len(x)), where=running), x)
                p *= ratio
                p += z
                mp *= ratio
                mp += r
            else:
                p = z
                np.copyto(mp, r)
            np.multiply(excess, p, out=ap)
            ap += mp
            length = np.divide(squared, dot(p, ap), out=np.zeros(len(x)), where=running)
            pace = by_well(length, x)
            np.multiply(p, pace, out=work)
            x += work
            ap *= pace
            r -= ap
            # Two ways to know: the energy that this step removed bounds, as far as it goes, the error before it
            # (Strakos & Tichy 2002, ETNA 13:56), and the residual bounds the error after it.
            size = dot(x, x)
            removed = np.sqrt(length * squared / np.maximum(size, tiny))
            error = np.where(running, np.minimum(removed, _bound(r, diagonal, size)), error)
            running &= error > tolerance
        if not running.all():
            # Only wells that are not done go on: most need one iteration, few a second or third.
            errors[rows] = error
            if x is not solution:
                solution[rows] = x
            if not running.any():
                return solution, errors, iteration + 1
            rows, squared, error = rows[running], squared[running], error[running]
            excess, inverse, diagonal = excess[running], inverse[running], diagonal[running]
            x, r, p, mp = x[running], r[running], p[running], mp[running]
            ap, work, running = ap[: len(rows)], work[: len(rows)], np.ones(len(rows), dtype=bool)
        previous = squared
    raise ArithmeticError(
        f"conjugate gradients left a relative error of {error.max():.1e} after {_MOST_ITERATIONS} iterations,"
        f" allowed {tolerance:.1e}"
    )
