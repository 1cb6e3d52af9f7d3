"""Exact answers on a lattice, by methods that share no code with the solvers.

Green's functions by quadrature, small systems by their eigenvectors, modes in closed form.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

__all__ = ["SPACING", "Array", "cosine_mode", "evolved", "green", "mode_rate", "places"]

Array = NDArray[np.float64]

SPACING = 15.0  # µm; any will do, the figures are quoted for this one
_QUADRATURE = 600  # nodes; the integrand is smooth in the logarithm of time and fades at both ends


def green(offsets: NDArray[np.integer], *, diffusivity: float, decay: float, spacing: float) -> Array:
    """Lattice Green's function of (k − D lap) G = δ without walls, at `offsets` (n, ndim) in sites; min.

        G(m) = ∫ exp(−k t) ∏ exp(−2 D t / h²) I_|m_i|(2 D t / h²) dt

    A random walker's chance to be at m after t, integrated over its life. I is the modified Bessel function.
    """
    fading = decay * spacing**2 / diffusivity
    at = np.linspace(np.log(1e-17), np.log(60.0 / fading), _QUADRATURE)
    time = np.exp(at)
    weight = np.exp(-fading * time) * time * (at[1] - at[0])
    # Offsets that differ only in sign and order have the same value.
    orders = np.sort(np.abs(offsets), axis=1)
    largest = int(orders.max(initial=0))
    number = orders @ (largest + 1) ** np.arange(orders.shape[1])
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    bessel = np.stack([ive(order, 2.0 * time) for order in range(largest + 1)])
    result: Array = (np.prod(bessel[orders[first]], axis=1) @ weight)[which]
    result *= spacing**2 / diffusivity
    return result


def places(shape: Sequence[int]) -> NDArray[np.int64]:
    """The index of every site, (n_sites, ndim)."""
    return np.array(list(itertools.product(*(range(n) for n in shape))), dtype=np.int64)


def cosine_mode(shape: Sequence[int], wave: Sequence[int]) -> Array:
    """The product of cos(π m_i x_i / L_i) at the centers of the sites: a mode between walls without flux."""
    mode = np.ones(tuple(shape))
    for axis, (n, m) in enumerate(zip(shape, wave, strict=True)):
        along = np.cos(np.pi * m * (np.arange(n) + 0.5) / n)
        mode *= along.reshape([n if other == axis else 1 for other in range(len(shape))])
    return mode


def mode_rate(shape: Sequence[int], wave: Sequence[int], spacing: float) -> float:
    """−eigenvalue of the Laplacian in space for a cosine mode [1/µm²]: Σ (π m / L)²."""
    half = [np.pi * m / (2 * n) for n, m in zip(shape, wave, strict=True)]
    return float(sum(angle**2 for angle in half) * 4.0 / spacing**2)


def evolved(
    start: Array, source: Array, time: float, *, diffusivity: float, decay: float, uptake: Array, spacing: float
) -> Array:
    """c at `time` of c' = D lap c − (k + u(x)) c + s on a small lattice with walls without flux.

    By the eigenvectors of the symmetric operator: exact to roundoff at any time.
    """
    index = np.arange(start.size).reshape(start.shape)
    matrix = np.diag((decay + uptake).ravel())
    flow = diffusivity / spacing**2
    for axis in range(start.ndim):
        ahead = np.swapaxes(index, 0, axis)
        one, other = ahead[:-1].ravel(), ahead[1:].ravel()
        for a, b in ((one, other), (other, one)):
            matrix[a, a] += flow
            matrix[a, b] -= flow
    rates, vectors = np.linalg.eigh(matrix)
    keep = np.exp(-rates * time)
    gain = np.where(rates > 0, -np.expm1(-rates * time) / np.where(rates > 0, rates, 1.0), time)
    modes = keep * (vectors.T @ start.ravel()) + gain * (vectors.T @ source.ravel())
    return np.asarray((vectors @ modes).reshape(start.shape))
