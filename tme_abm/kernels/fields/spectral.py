"""The exact solver for a uniform sink: cosine modes decay on their own, each by its exponential.

Where no cell takes the molecule up, the equation has constant coefficients and the type-II discrete cosine
transform diagonalizes the lattice Laplacian with no-flux walls. A step of any length is then exact in time:
one multiplication per mode. It solves the same lattice operator as the stencil, so the two agree to roundoff
when the stencil's steps are small enough.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .problem import Array, Problem, Sums, by_well, precision, total

__all__ = ["close", "eigenvalues", "from_modes", "spectral_step", "to_modes"]

# Length of a column whose lines of cache do not stay in the first cache of 32 to 64 kB, and what most processors have.
_LONG = 1024
_LINE, _PERIOD = 64, 4096


@lru_cache(maxsize=16)
def eigenvalues(shape: tuple[int, ...], spacing: float, dtype: str) -> Array:
    """Eigenvalues of the lattice Laplacian, (*shape), of its cosine modes m: -(4 / h^2) sin^2(pi m / 2n) with
    m = 0 .. n-1, summed over the axes; 1/um^2. Cached and read-only.

    ``dtype`` is a name such as "float32". Source: Strang 1999, doi:10.1137/S0036144598336745 (DCT-2).
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
    if max(c.shape[1:-1], default=0) >= _LONG:
        c, overwrite = _with_room(c), True
    from scipy.fft import dctn  # slow to import, and needed from the first step on only

    result: Array = dctn(c, type=2, norm="ortho", axes=range(1, c.ndim), overwrite_x=overwrite)
    return result


def from_modes(coefficients: Array) -> Array:
    """The inverse of ``to_modes``; may overwrite its argument."""
    from scipy.fft import idctn

    result: Array = idctn(coefficients, type=2, norm="ortho", axes=range(1, coefficients.ndim), overwrite_x=True)
    return np.ascontiguousarray(result)


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


def close(c: Array, amount: Sums, weight: Array | float = 1.0) -> Sums:
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
    shape, dt = c.shape, problem.dt
    c, uptake, source = problem.fit(c)
    lowest = float(uptake.min())
    if float(uptake.max()) > lowest:
        raise ValueError("uptake varies in space: the spectral method needs a uniform sink, use 'implicit'")
    space = c.shape[1:]
    rates = tuple((diffusivity, decay + lowest) for diffusivity, decay in problem.each())
    fields = len(rates)
    terms = (space, problem.spacing, c.dtype.name, dt)
    keep, gain = _propagators(*terms, rates)
    coefficients = to_modes(c)
    by_field = coefficients.reshape(fields, -1, *space)
    average = by_field * gain if mean is not None else None
    by_field *= keep
    if source.ndim:
        fed = np.flatnonzero(source.reshape(fields, -1).any(axis=1))
        if len(fed):
            # A slice is a view: nothing is copied when all are fed.
            part = slice(None) if len(fed) == fields else fed
            inflow = source.reshape(by_field.shape)[part]
            inflow_modes = to_modes(inflow.reshape(-1, *space)).reshape(inflow.shape)
            if average is not None:
                average[part] += np.stack([_lag(*terms, *rates[field]) for field in fed])[:, None] * inflow_modes
            inflow_modes *= gain[part]
            by_field[part] += inflow_modes
    elif source:
        uniform = float(source) * math.sqrt(c[0].size)
        for field, rate in enumerate(rates):
            zero = (field, slice(None)) + (0,) * len(space)
            by_field[zero] += _phi(rate[1], dt) * uniform
            if average is not None:
                average[zero] += _lag(*terms, *rate)[zero[2:]] * uniform
    # The zero mode is the amount, and the transform back may lose some of it.
    amount = coefficients[(slice(None),) + (0,) * len(space)].astype(np.float64) * math.sqrt(c[0].size)
    new = from_modes(coefficients)
    close(new, amount)
    if mean is not None and average is not None:
        average *= 1.0 / dt
        mean[...] = from_modes(average.reshape(c.shape)).reshape(shape)
    return new.reshape(shape)


def _propagators(
    shape: tuple[int, ...], spacing: float, dtype: str, dt: float, rates: tuple[tuple[float, float], ...]
) -> tuple[Array, Array]:
    """The propagators of fields with these (D, k + u), each (fields, 1, *shape)."""
    if len(rates) == 1:
        keep, gain = _propagator(shape, spacing, dtype, dt, *rates[0])
        return keep[None, None], gain[None, None]
    return _stacked_propagators(shape, spacing, dtype, dt, rates)


@lru_cache(maxsize=4)
def _stacked_propagators(
    shape: tuple[int, ...], spacing: float, dtype: str, dt: float, rates: tuple[tuple[float, float], ...]
) -> tuple[Array, Array]:
    each = [_propagator(shape, spacing, dtype, dt, *rate) for rate in rates]
    keep, gain = (np.stack(parts)[:, None] for parts in zip(*each, strict=True))
    return keep, gain


def _phi(rate: float, dt: float) -> float:
    """(1 - exp(-rate dt)) / rate, dt for rate = 0."""
    return -math.expm1(-rate * dt) / rate if rate > 0 else dt


@lru_cache(maxsize=64)  # more than there are fields: in turn they would push each other out of a smaller one
def _propagator(
    shape: tuple[int, ...], spacing: float, dtype: str, dt: float, diffusivity: float, sink: float
) -> tuple[Array, Array]:
    """Per mode: e and phi. Cached, since a field's constants and the time step hardly ever change in a run."""
    rate = sink - diffusivity * eigenvalues(shape, spacing, "float64")
    gain = np.where(rate > 0, -np.expm1(-rate * dt) / np.where(rate > 0, rate, 1.0), dt)
    return np.exp(-rate * dt).astype(dtype), gain.astype(dtype)


@lru_cache(maxsize=1)
def _lag(shape: tuple[int, ...], spacing: float, dtype: str, dt: float, diffusivity: float, sink: float) -> Array:
    """Per mode: (dt - phi) / a, dt times the time average of the response to a unit source."""
    rate = sink - diffusivity * eigenvalues(shape, spacing, "float64")
    # Where a dt is small the difference loses digits, while two terms of its series are exact to 1e-9.
    small = rate * dt < 1e-4
    safe = np.where(small, 1.0, rate)
    lag: Array = np.where(small, dt**2 * (0.5 - rate * dt / 6.0), (dt + np.expm1(-rate * dt) / safe) / safe)
    return lag.astype(dtype)
