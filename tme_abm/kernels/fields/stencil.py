"""The explicit solver: many small steps of the 5-point (7-point) stencil, sinks and sources taken implicitly
on the spot.

It is simple on purpose: slow fields need few of these steps, and every other solver is tested against many of
them. Diffusion is explicit; decay, uptake and source act on the *new* concentration of
the same voxel, so that a strong consumer empties its own voxel without a small time step, and the steady
state is that of the unsplit equation.
"""

from __future__ import annotations

import math

import numpy as np

from .problem import Array, Problem, precision

__all__ = ["neighbor_sum", "stencil_step", "substeps_for"]

# D tau / h^2 of one substep. Positivity needs <= 1/(2 ndim), that is 1/6 in 3D; at 0.15 the error is about
# 1e-3.
_DIFFUSION_NUMBER = 0.15
# Below this number of substeps the backward treatment of decay and uptake is coarse (3 % at k dt = 0.7).
_FEWEST_SUBSTEPS = 8


def neighbor_sum(c: Array, out: Array) -> Array:
    """Sum over the 2 ndim lattice neighbors in (wells, *space); behind a wall lies a copy of the voxel itself.

    Then ``laplacian = (neighbor_sum - 2 ndim c) / h^2`` (no flux); only sums of ``c`` occur, so nonnegative in is
    nonnegative out even in floating point. ``out``: array like ``c``, not ``c`` itself; it is returned. nM.
    """
    for axis in range(1, c.ndim):
        if axis == c.ndim - 1 > 1 and c.flags.c_contiguous and out.flags.c_contiguous:
            _add_along_rows(c, out)
            break
        left, right = _shifted(c.ndim, axis)
        first, last = _walls(c.ndim, axis)
        if axis == 1:
            out[right] = c[left]
            out[first] = c[first]
        else:
            out[right] += c[left]
            out[first] += c[first]
        out[left] += c[right]
        out[last] += c[last]
    return out


def _add_along_rows(c: Array, out: Array) -> None:
    """Add the neighbors along the last axis: all rows as one, twice as fast as row by row, then the walls anew."""
    whole, added = c.reshape(-1), out.reshape(-1)
    first = out[..., 0] + c[..., 0]
    added[1:] += whole[:-1]
    out[..., 0] = first
    last = out[..., -1] + c[..., -1]
    added[:-1] += whole[1:]
    out[..., -1] = last


def substeps_for(*, dt: float, diffusivity: float, spacing: float) -> int:
    """Number of substeps that is stable, positive and accurate to about 1e-3: D tau / h^2 <= 0.15, and at
    least 8.

    ``dt`` min, ``diffusivity`` um^2/min, ``spacing`` um.
    """
    return max(_FEWEST_SUBSTEPS, math.ceil(diffusivity * dt / spacing**2 / _DIFFUSION_NUMBER))


def stencil_step(
    c: Array,
    problem: Problem,
    *,
    tolerance: float | None = None,  # noqa: ARG001
    substeps: int | None = None,
    mean: Array | None = None,
) -> Array:
    """Advance ``c`` in n substeps tau = dt / n.

        (1 + tau (k + u)) c_new = c + tau D lap(c) + tau s

    Every coefficient is nonnegative when D tau / h^2 <= 1 / (2 ndim), hence so is the result, roundoff
    included. First order in tau. The budget closes to roundoff with ``mean``, the average of the new
    concentrations.

    ``substeps`` is n, by default ``substeps_for(...)``; ``tolerance`` is ignored (the common signature of the solvers).
    Other arguments and the result: see ``implicit_step``, but for lattices with the same constants. Raises
    ValueError if ``c`` does not fit the problem, and for ``substeps`` too few to be positive.
    """
    shape, spacing = c.shape, problem.spacing
    c, uptake, source = problem.fit(c)
    constants = set(zip(*(values.tolist() for values in problem.constants(len(c))), strict=True))
    if len(constants) > 1:
        raise ValueError("the stencil solves lattices with the same constants: others need other substeps")
    [(diffusivity, decay, dt)] = constants
    average = None if mean is None else mean.reshape(c.shape)
    n = substeps_for(dt=dt, diffusivity=diffusivity, spacing=spacing) if substeps is None else substeps
    tau = dt / n if n >= 1 else math.inf
    number = diffusivity * tau / spacing**2
    neighbors = 2 * (c.ndim - 1)
    if neighbors * number > 1.0 + 1e-12:
        raise ValueError(
            f"substeps={n} is too few: D tau / h^2 = {number:.3g}, allowed up to 1/{neighbors} (positivity)"
        )
    kept = 1.0 / (1.0 + tau * (decay + uptake))
    if number > 0:
        new = _march(c, n, number, np.asarray(kept * number, dtype=c.dtype), source * (tau / number), average)
    else:
        new = _react(c, n, np.asarray(kept, dtype=c.dtype), source * tau, average)
    # Dust below this has no digits left and slows the processor down (subnormal numbers).
    _, _, least = precision(c.dtype)
    if float(new.min()) < least:
        new *= new >= least
    return new.reshape(shape)


def _march(c: Array, n: int, number: float, move: Array, inflow: Array, mean: Array | None) -> Array:
    """n substeps new = move (stay c + neighbors + inflow), stay = (1 - 2 ndim N) / N, N = D tau / h^2.

    Each well lives inside a rim of copies of its wall voxels, and all of them in one flat array: neighbors are then
    flat shifts, which numpy adds without a break at the rows. What ends up in the rim is overwritten before a
    voxel reads it.
    """
    padded = np.zeros([len(c), *(size + 2 for size in c.shape[1:])], dtype=c.dtype)
    inner = (slice(None),) + (slice(1, -1),) * (c.ndim - 1)
    padded[inner] = c
    flat = padded.reshape(-1)
    strides = [stride // padded.itemsize for stride in padded.strides[1:]]
    low, high = strides[0], flat.size - strides[0]
    core = flat[low:high]
    shifted = [flat[low + sign * stride : high + sign * stride] for stride in strides for sign in (-1, 1)]
    walls = [
        (padded[(slice(None),) * axis + (rim,)], padded[(slice(None),) * axis + (wall,)])
        for axis in range(1, c.ndim)
        for rim, wall in ((0, 1), (-1, -2))
    ]
    move, inflow = _rimmed(move, padded, low, high), _rimmed(inflow, padded, low, high)
    has_inflow = bool(inflow.any())
    stay = c.dtype.type((1.0 - 2 * (c.ndim - 1) * number) / number)
    around = np.empty_like(core)
    if mean is not None:
        mean.fill(0)
    for _ in range(n):
        for rim, wall in walls:
            rim[...] = wall
        np.multiply(core, stay, out=around)
        for neighbor in shifted:
            around += neighbor
        if has_inflow:
            around += inflow
        np.multiply(around, move, out=core)
        if mean is not None:
            mean += padded[inner]
    if mean is not None:
        mean *= 1.0 / n
    return np.ascontiguousarray(padded[inner])


def _rimmed(term: Array, like: Array, low: int, high: int) -> Array:
    """A term laid out like the padded lattice, flat from ``low`` to ``high``; a number stays a number."""
    if not term.ndim:
        return term
    padded = np.zeros_like(like)
    padded[(slice(None),) + (slice(1, -1),) * (term.ndim - 1)] = term
    return padded.reshape(-1)[low:high]


def _react(c: Array, n: int, kept: Array, inflow: Array, mean: Array | None) -> Array:
    """The substeps of a molecule that does not diffuse: new = kept (c + inflow)."""
    new = c.copy()
    if mean is not None:
        mean.fill(0)
    for _ in range(n):
        new += inflow
        new *= kept
        if mean is not None:
            mean += new
    if mean is not None:
        mean *= 1.0 / n
    return new


def _shifted(ndim: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Index of all voxels but the last, and of all but the first, along ``axis``."""
    everything = [slice(None)] * ndim
    left, right = list(everything), list(everything)
    left[axis], right[axis] = slice(None, -1), slice(1, None)
    return tuple(left), tuple(right)


def _walls(ndim: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Index of the first and of the last layer of voxels along ``axis``."""
    first, last = [slice(None)] * ndim, [slice(None)] * ndim
    first[axis], last[axis] = slice(0, 1), slice(-1, None)
    return tuple(first), tuple(last)
