"""The implicit solver: diffusion, decay and uptake together in one linear system per step.

Near consumers diffusion and uptake balance each other within a step, and treating them one after the other is
wrong there. Backward Euler solves for both at once. Its matrix is diffusion plus a diagonal, so conjugate
gradients with a preconditioner that knows diffusion exactly (cosine transform) need few iterations, whatever
D dt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .conjugate import bound, conjugate
from .problem import Array, Sums, by_well, check_numbers, checked, dot, precision, total
from .spectral import close, from_modes, modes, to_modes
from .stencil import neighbor_sum

__all__ = ["Operator", "Solve", "implicit_solve", "implicit_step", "implicit_steps", "operator_for", "solve"]


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
    sink: Array  # a = dt (k + u)
    excess: Array  # a minus M's uniform sink
    inverse: Array  # of M, per mode


def operator_for(
    c: Array, *, dt: float, diffusivity: float | Sums, decay: float | Sums, uptake: Array, spacing: float
) -> Operator:
    """Prepare A for ``c`` (wells, *space); the uniform sink of M is the mean of a well's *saturated* sinks.

    No voxel consumes faster than diffusion brings: with g, the mean over the modes of 1 / M_m (the lattice Green
    function at its own voxel), a lone sink ``a`` acts like ``a / (1 + a g)``. For weak uptake the shift is the mean
    uptake; at u dt = 1e4 it halves the iterations that the mean uptake would need. ``diffusivity`` and ``decay`` are
    numbers, or one for each well.
    """
    kind, wells, space = c.dtype.type, len(c), c.shape[1:]
    diffusion, rate = np.full(wells, diffusivity) * dt, by_well(np.full(wells, decay), c)
    sink = (uptake + rate) * kind(dt)
    if sink.shape != c.shape:
        sink = np.broadcast_to(sink, c.shape)
    lowest = sink.reshape(wells, -1).min(axis=1).astype(np.float64)
    excess = sink - by_well(lowest, c)
    pairs = zip(diffusion.tolist(), lowest.tolist(), strict=True)
    green = np.array([_green(space, spacing, spread, 1.0 + least) for spread, least in pairs])
    weak = excess * by_well(green, c)
    weak += kind(1.0)
    shift = total(np.divide(excess, weak, out=weak)) / c[0].size
    excess -= by_well(shift, c)
    inverse = modes(space, spacing, c.dtype.name).laplacian * by_well(-diffusion, c)
    inverse += by_well(1.0 + lowest + shift, c)
    np.divide(kind(1.0), inverse, out=inverse)
    return Operator(number=diffusion / spacing**2, sink=sink, excess=excess, inverse=inverse)


@lru_cache(maxsize=64)
def _green(shape: tuple[int, ...], spacing: float, diffusion: float, diagonal: float) -> float:
    """What a unit source leaves in its own voxel, lattice average of the Green function of diagonal - D dt lap."""
    return float((1.0 / (diagonal - diffusion * modes(shape, spacing, "float64").laplacian)).mean())


def solve(operator: Operator, b: Array, start: Array, tolerance: float, workers: int | None) -> Solve:
    """A x = b from the guess ``start``: one step with M, conjugate gradients where that is not enough, then polished,
    nonnegative and in balance.

    Where M fits well, as in most fields, the first pair of transforms is the last. Each well is solved as if it were
    alone, and one that is done leaves.
    """
    wells = len(b)
    if not b.any():
        return Solve(c=np.zeros_like(b), iterations=0, error=0.0, cut=np.zeros(wells))
    eps, tiny, _ = precision(b.dtype)
    tolerance = max(tolerance, 20.0 * eps)
    # M x = b - excess start leaves the residual excess (start - x): neither needs a stencil.
    r = operator.excess * start
    x: Array = b - r
    x = to_modes(x, workers, overwrite=True)
    x *= operator.inverse
    x = from_modes(x, workers)
    np.subtract(start, x, out=r)
    r *= operator.excess
    diagonal = operator.sink + b.dtype.type(1.0)
    weight = b.dtype.type(1.0) / diagonal
    error = bound(r, weight, dot(x, x))
    # What fades away must not underflow when it is squared; the polish takes care of such dust.
    dust = b.reshape(wells, -1).max(axis=1) <= 100.0 * math.sqrt(tiny)
    further = np.flatnonzero((error > tolerance) & ~dust)
    iterations = 1
    if len(further):
        # A slice is a view: a single well is not copied.
        part = slice(None) if len(further) == wells else further
        excess, inverse = operator.excess[part], operator.inverse[part]
        x[part], error[part], more = conjugate(
            excess, inverse, weight[part], x[part], r[part], error[part], tolerance, workers
        )
        iterations += more
    x = _polish(operator, b, x, r)
    cut = close(x, total(b), diagonal)
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
    out /= operator.sink + by_well(1.0 + 2 * (b.ndim - 1) * operator.number, b)
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

    From ``c``, until the relative L2 error is known to be below ``tolerance`` (``solve``). A Jacobi step makes the
    result nonnegative and one factor closes the budget: what is stored is secreted - decayed - taken up to roundoff,
    at any tolerance.

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


def implicit_steps(
    c: Array,
    *,
    dt: float,
    diffusivity: Sequence[float],
    decay: Sequence[float],
    uptake: Array,
    source: Array,
    spacing: float,
    tolerance: float = 1e-2,
) -> Array:
    """``implicit_step`` for many lattices at once, to the same bits: small ones cost mostly the calls, not the numbers.

    Parameters
    ----------
    c, uptake, source : (n, *space), each lattice as in ``implicit_step``; nM, 1/min, nM/min
    diffusivity, decay : n numbers; um^2/min and 1/min
    dt, spacing, tolerance : as in ``implicit_step``

    Returns
    -------
    array like ``c``; nM
    """
    spreads, rates = np.array(diffusivity, dtype=np.float64), np.array(decay, dtype=np.float64)
    for spread, rate in ((spreads.min(), rates.min()), (spreads.max(), rates.max())):
        check_numbers(dt=dt, diffusivity=spread, decay=rate, spacing=spacing)
    c, uptake, source = checked(
        c, dt=dt, diffusivity=0.0, decay=0.0, uptake=uptake, source=source, spacing=spacing, ndim=c.ndim - 1
    )
    operator = operator_for(c, dt=dt, diffusivity=spreads, decay=rates, uptake=uptake, spacing=spacing)
    return solve(operator, c + c.dtype.type(dt) * source, c, tolerance, None).c
