"""The exact solver for a uniform sink: cosine modes decay on their own, each by its exponential.

Where no cell takes the molecule up, the equation has constant coefficients and the type-II discrete cosine
transform diagonalizes the lattice Laplacian with no-flux walls. A step of any length is then exact in time:
one multiplication per mode. It solves the same lattice operator as the stencil, so the two agree to roundoff
when the stencil's steps are small enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np

from .problem import Array, Problem, Sums, by_well, precision, total

__all__ = ["close", "eigenvalues", "from_modes", "spectral_step", "to_modes"]

# Length of a column whose lines do not stay in the first cache of 32 to 64 kB.
_LONG = 1024
# Bytes of such a line, and the distance in bytes at which two lines have the same place there, on most processors.
_LINE, _PERIOD = 64, 4096
# Longest side up to which a transform is faster as a product of matrices (of 24 voxels 1.4 ns a voxel, not 3.3).
_SMALL = 48
# Longest side up to which, and the multiplications a voxel up to which, a product for the slow modes alone is faster.
_LARGE, _DEAR = 320, 60
# Multiplications of a product that no BLAS in use shares among threads.
_ONE_THREAD = 1 << 18


@lru_cache(maxsize=16)
def eigenvalues(shape: tuple[int, ...], spacing: float, dtype: str) -> Array:
    """Eigenvalues of the lattice Laplacian, (*shape), of its cosine modes m: -(4 / h^2) sin^2(pi m / 2n) with
    m = 0 .. n-1, summed over the axes; 1/um^2. Cached and read-only.

    ``dtype`` is a character such as "f" or "d", which is quicker to get than a name. Source: Strang 1999,
    doi:10.1137/S0036144598336745 (DCT-2).
    """
    result = np.zeros(shape)
    for axis, n in enumerate(shape):
        along = -4.0 / spacing**2 * np.sin(np.pi * np.arange(n) / (2 * n)) ** 2
        result += along.reshape([n if a == axis else 1 for a in range(len(shape))])
    values: Array = result.astype(dtype)
    values.flags.writeable = False
    return values


def to_modes(c: Array, *, overwrite: bool = False) -> Array:
    """Orthonormal cosine coefficients of ``c`` (wells, *space), c's dtype; may use its memory if ``overwrite``."""
    if _is_small(c.shape[1:]):
        return _multiplied(c, [_cosines(n, c.dtype.char) for n in c.shape[1:]])
    if max(c.shape[1:-1], default=0) >= _LONG:
        c, overwrite = _with_room(c), True
    from scipy.fft import dctn  # slow to import, and needed from the first step on only

    result: Array = dctn(c, type=2, norm="ortho", axes=range(1, c.ndim), overwrite_x=overwrite)
    return result


def from_modes(coefficients: Array) -> Array:
    """The inverse of ``to_modes``; may overwrite its argument."""
    if _is_small(coefficients.shape[1:]):
        return _multiplied(coefficients, [_cosines(n, coefficients.dtype.char).T for n in coefficients.shape[1:]])
    from scipy.fft import idctn

    result: Array = idctn(coefficients, type=2, norm="ortho", axes=range(1, coefficients.ndim), overwrite_x=True)
    return np.ascontiguousarray(result)


def _slow_modes(c: Array, kept: tuple[int, ...]) -> Array:
    """The first ``kept`` coefficients of ``to_modes`` along each axis, (wells, *kept)."""
    space = c.shape[1:]
    each, products = 1.0, 0.0
    for few, all_of_them in zip(reversed(kept), reversed(space), strict=True):
        products += each * few
        each *= few / all_of_them
    if len(space) == 1 or products > _DEAR or max(space) > _LARGE:
        return to_modes(c)[(slice(None), *map(slice, kept))]
    return _multiplied(c, [_cosines(n, c.dtype.char)[:few] for n, few in zip(space, kept, strict=True)])


def _is_small(space: tuple[int, ...]) -> bool:
    # Along a single axis the result of a product may depend on the number of wells.
    return len(space) > 1 and max(space) <= _SMALL


def _multiplied(c: Array, matrices: Sequence[Array]) -> Array:
    """``c`` (wells, *space) multiplied along each axis of space by a matrix (new length, length)."""
    result = _product(c, matrices[-1].T)
    for axis, matrix in enumerate(matrices[:-1], start=1):
        shape = result.shape
        rows = _product(matrix, result.reshape(*shape[: axis + 1], -1))
        result = rows.reshape(*shape[:axis], len(matrix), *shape[axis + 1 :])
    return result


def _product(a: Array, b: Array) -> Array:
    """``a @ b``, in pieces that one thread works on: of a larger product the last bit depends on how many do."""
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    result = np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), rows, columns), dtype=a.dtype)
    longest = max(rows, columns)
    # Even pieces: a last one of a single row would go to another routine, which is shared sooner.
    pieces = -(-longest * inner * min(rows, columns) // _ONE_THREAD)
    at_once = -(-longest // min(pieces, longest))
    for first in range(0, longest, at_once):
        piece = slice(first, first + at_once)
        if rows >= columns:
            np.matmul(a[..., piece, :], b, out=result[..., piece, :])
        else:
            np.matmul(a, b[..., piece], out=result[..., piece])
    return result


@lru_cache(maxsize=16)
def _cosines(n: int, dtype: str) -> Array:
    """The orthonormal cosine transform along an axis of ``n`` voxels as a matrix (n, n): rows are modes."""
    modes = np.sqrt(2.0 / n) * np.cos(np.pi / n * np.outer(np.arange(n), np.arange(n) + 0.5))
    modes[0] *= math.sqrt(0.5)
    result: Array = modes.astype(dtype)
    result.flags.writeable = False
    return result


def _with_room(c: Array) -> Array:
    """A copy of ``c`` whose rows begin on lines of the cache, of which no two columns of lines fall on each other.

    A transform along a long column takes a few numbers from each of a thousand rows, and soon after that the next ones
    from the same lines. That is up to twice as fast when every row begins a line, and when the distance of rows is no
    multiple of 4 kB, for then all of them would compete for the same few places of the cache. The copy is cheap.
    """
    line = _LINE // c.itemsize
    width = -(-c.shape[-1] // line) * line
    if width * c.itemsize % _PERIOD == 0:
        width += line
    room = np.empty((*c.shape[:-1], width), dtype=c.dtype)[..., : c.shape[-1]]
    room[...] = c
    return room


def close(c: Array, amount: Sums, weight: Array | None = None) -> Sums:
    """Make ``c`` (wells, *space) nonnegative in place and scale each well so that its sum of ``weight * c`` is
    ``amount`` (wells,); return what was cut (wells,).

    Cutting off the negative values alone would create mass. Scaling everything by one factor takes exactly
    that mass back, keeps the sign and changes every voxel by the same *relative* amount, so that it cannot
    disturb places where there is almost nothing. Since the true solution is nonnegative, the cut never moves
    a voxel away from it. The return value is the negative part, weighted, as a share of ``amount`` (0 when
    nothing was cut, inf when ``amount`` is not positive though something is there).
    """
    flat = c.reshape(len(c), -1)
    lowest, highest = flat.min(axis=1), flat.max(axis=1)
    dust = np.maximum(highest, -lowest) < precision(c.dtype)[2]
    if dust.any():
        # Subnormal numbers have no digits left and slow the processor down.
        c[dust] = 0
    held = with_negatives = total(c, weight)
    if (lowest < 0).any():
        c[c < 0] = 0  # twice as fast as np.maximum with a number
        held = total(c, weight)
    scaled = (amount > 0) & (held > 0)
    c *= by_well(np.divide(amount, held, out=np.ones(len(c)), where=scaled), c)
    cut = np.divide(held - with_negatives, amount, out=np.full(len(c), math.inf), where=scaled)
    return np.where(dust, 0.0, cut)


def spectral_step(
    c: Array,
    problem: Problem,
    *,
    tolerance: float | None = None,  # noqa: ARG001
    mean: Array | None = None,
) -> Array:
    """Advance ``c`` exactly in time; the source is constant over the step and the uptake the same everywhere.

        c_m <- e_m c_m + phi_m s_m,   a_m = k + u + D q_m^2,   e_m = exp(-a_m dt),   phi_m = (1 - e_m) / a_m

    The lattice semigroup maps nonnegative to nonnegative. Roundoff of the transforms may leave values of
    either sign of about eps * rms(c); the negative ones are cut and the field is scaled back to the total
    that the zero mode dictates, so no mass is created (``close``). Concentrations below eps * rms(c) are
    therefore noise. Several fields at once get the bits they get one by one: on small lattices the calls cost most.

    ``tolerance`` is ignored (the common signature of the solvers). Other arguments and the result: see
    ``implicit_step``. Raises ValueError if ``c`` does not fit the problem, and for an uptake that varies in space.
    """
    shape = c.shape
    c, uptake, source = problem.fit(c)
    lowest = float(uptake.min())
    if float(uptake.max()) > lowest:
        raise ValueError("uptake varies in space: the spectral method needs a uniform sink, use 'implicit'")
    space = c.shape[1:]
    if source.ndim:
        modes = to_modes(source)
    else:
        modes = np.zeros_like(c)
        modes[(slice(None),) + (0,) * len(space)] = float(source) * math.sqrt(c[0].size)
    diffusivity, decay, dt = problem.constants(len(c))
    runs = list(_runs(diffusivity, decay + lowest, dt))
    fixed = (space, problem.spacing, c.dtype.char)
    average = None if mean is None else _average(c, modes, runs, fixed)
    advance = _advance_all if _is_small(space) else _advance_slow
    advance(c, modes, runs, fixed)
    # The zero mode is the amount, and the transform back may lose some of it.
    amount = modes[(slice(None),) + (0,) * len(space)].astype(np.float64) * math.sqrt(c[0].size)
    new = from_modes(modes)
    close(new, amount)
    if mean is not None and average is not None:
        mean[...] = average.reshape(shape)
    return new.reshape(shape)


_Rates = tuple[float, float, float]  # D, k + u, dt
_Runs = Sequence[tuple[_Rates, slice]]
_Fixed = tuple[tuple[int, ...], float, str]  # shape, spacing, dtype


def _runs(*constants: Sums) -> Iterator[tuple[_Rates, slice]]:
    """The lattices with the same D, k + u and dt that stand side by side, with these constants."""
    first = 0
    for (spread, sink, dt), run in groupby(zip(*(values.tolist() for values in constants), strict=True)):
        last = first + sum(1 for _ in run)
        yield (spread, sink, dt), slice(first, last)
        first = last


def _advance_all(c: Array, modes: Array, runs: _Runs, fixed: _Fixed) -> None:
    """Turn the ``modes`` of the sources into those of the new field, all at once: in small lattices calls cost most."""
    counts = [wells.stop - wells.start for _, wells in runs]
    each = [_propagator(*fixed, *rates) for rates, _ in runs]
    keep, gain = (np.repeat(several, counts, axis=0) for several in zip(*each, strict=True))
    modes *= gain
    modes += keep * to_modes(c)


def _advance_slow(c: Array, modes: Array, runs: _Runs, fixed: _Fixed) -> None:
    """The same, molecule by molecule; only those modes of ``c`` are transformed that outlive a step."""
    for (spread, sink, dt), wells in runs:
        inflow = modes[wells]
        keep, fed = _slow_propagator(*fixed, spread, sink, dt)
        inflow *= _steady(*fixed, spread, sink)
        slow = inflow[(slice(None), *map(slice, keep.shape))]
        slow *= fed
        slow += keep * _slow_modes(c[wells], keep.shape)


@lru_cache(maxsize=512)  # more than there are fields and time steps: in turn they would push each other out
def _propagator(
    shape: tuple[int, ...], spacing: float, dtype: str, diffusivity: float, sink: float, dt: float
) -> tuple[Array, Array]:
    """Per mode: e and phi."""
    rate = sink - diffusivity * eigenvalues(shape, spacing, "d")
    gain = np.where(rate > 0, -np.expm1(-rate * dt) / np.where(rate > 0, rate, 1.0), dt)
    return np.exp(-rate * dt).astype(dtype), gain.astype(dtype)


@lru_cache(maxsize=64)
def _steady(shape: tuple[int, ...], spacing: float, dtype: str, diffusivity: float, sink: float) -> Array:
    """Per mode: 1 / a, what a unit source leads to in the end; 1 where a is zero."""
    rate = sink - diffusivity * eigenvalues(shape, spacing, "d")
    steady: Array = (1.0 / np.where(rate > 0, rate, 1.0)).astype(dtype)
    return steady


@lru_cache(maxsize=256)
def _slow_propagator(
    shape: tuple[int, ...], spacing: float, dtype: str, diffusivity: float, sink: float, dt: float
) -> tuple[Array, Array]:
    """Per slow mode: e, and phi a (dt where a is zero). Slow are the first along each axis, up to those whose e would
    be lost in the roundoff of the transforms.
    """
    least = math.log(0.25 * precision(np.dtype(dtype))[0])
    kept = tuple(
        min(max(int(np.count_nonzero((diffusivity * eigenvalues((n,), spacing, "d") - sink) * dt >= least)), 2), n)
        for n in shape
    )
    rate = sink - diffusivity * eigenvalues(shape, spacing, "d")[tuple(map(slice, kept))]
    return np.exp(-rate * dt).astype(dtype), np.where(rate > 0, -np.expm1(-rate * dt), dt).astype(dtype)


def _average(c: Array, modes: Array, runs: _Runs, fixed: _Fixed) -> Array:
    """The average of the field over the step, from the modes of the sources."""
    average = to_modes(c)
    for (spread, sink, dt), wells in runs:
        gain, lag = _averages(*fixed, spread, sink, dt)
        average[wells] *= gain / dt
        average[wells] += lag / dt * modes[wells]
    return from_modes(average)


def _averages(
    shape: tuple[int, ...], spacing: float, dtype: str, diffusivity: float, sink: float, dt: float
) -> tuple[Array, Array]:
    """Per mode: phi and (dt - phi) / a, dt times the averages over the step of what was there and of a unit source."""
    rate = sink - diffusivity * eigenvalues(shape, spacing, "d")
    # Where a dt is small the differences lose digits, while two terms of their series are exact to 1e-9.
    small = rate * dt < 1e-4
    safe = np.where(small, 1.0, rate)
    gain = np.where(small, dt * (1.0 - rate * dt / 2.0), -np.expm1(-rate * dt) / safe)
    lag = np.where(small, dt**2 * (0.5 - rate * dt / 6.0), (dt + np.expm1(-rate * dt) / safe) / safe)
    return gain.astype(dtype), lag.astype(dtype)
