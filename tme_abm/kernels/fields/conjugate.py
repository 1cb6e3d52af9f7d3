"""Conjugate gradients for the implicit solver, with what is known about the error of an iterate.

The matrix is A = M + excess(x), where M is diagonal in cosine modes and stands for most of it. All wells iterate side
by side, each with step lengths of its own, and one that is done leaves.
"""

from __future__ import annotations

import numpy as np

from .problem import Array, Sums, by_well, dot, precision
from .spectral import from_modes, to_modes

__all__ = ["bound", "conjugate"]

_MOST_ITERATIONS = 500


def bound(r: Array, weight: Array, size: Sums) -> Sums:
    """Upper bound of the relative L2 error of x with the residual ``r``, (wells,); ``weight`` is 1 / (1 + a), and
    ``size`` the sum of x^2.

    The error is e = A^-1 r, and A >= 1 + a >= 1 as quadratic forms: |e|^2 <= e A e = r A^-1 r <= sum r^2 / (1 + a).
    """
    squared = dot(r * weight, r)
    return np.sqrt(np.divide(squared, size, out=np.zeros(len(r)), where=size > 0))


def conjugate(
    excess: Array, inverse: Array, weight: Array, x: Array, r: Array, error: Sums, tolerance: float, workers: int | None
) -> tuple[Array, Sums, int]:
    """Conjugate gradients, preconditioned by M, from ``x`` with residual ``r`` (both are overwritten) until the error
    is known to be below ``tolerance``; returns the solution, its error (wells,) and the number of iterations.
    """
    _, tiny, _ = precision(x.dtype)
    solution, errors, rows = x, error, np.arange(len(x))
    running = np.ones(len(x), dtype=bool)
    ap, work, mp = (np.empty_like(r) for _ in range(3))
    p, previous = ap, np.empty(0)
    for iteration in range(_MOST_ITERATIONS):
        # z = M^-1 r; M p is carried along (M z = r), so that A p = M p + excess p needs no stencil.
        z = to_modes(r, workers)
        z *= inverse
        z = from_modes(z, workers)
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
            error = np.where(running, np.minimum(removed, bound(r, weight, size)), error)
            running &= error > tolerance
        if not running.all():
            # Only wells that are not done go on: most need one iteration, few a second or third.
            errors[rows] = error
            if x is not solution:
                solution[rows] = x
            if not running.any():
                return solution, errors, iteration + 1
            rows, squared, error = rows[running], squared[running], error[running]
            excess, inverse, weight = excess[running], inverse[running], weight[running]
            x, r, p, mp = x[running], r[running], p[running], mp[running]
            ap, work, running = ap[: len(rows)], work[: len(rows)], np.ones(len(rows), dtype=bool)
        previous = squared
    raise ArithmeticError(
        f"conjugate gradients left a relative error of {error.max():.1e} after {_MOST_ITERATIONS} iterations,"
        f" allowed {tolerance:.1e}"
    )
