"""How cells answer to signals: receptor occupancy, the Hill function, and the joint Hill of several signals.

The grammar is the one of Johnson et al. 2025 (doi:10.1016/j.cell.2025.06.048): up-regulating signals act
first on the base value, down-regulating ones on the result. Each signal here pulls towards its own value;
with one common value the published formula comes back.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["drive", "hill", "occupancy", "pull"]

Array = NDArray[np.float64]
Grid = NDArray[np.floating]


def drive(signal: Array, half_max: float, power: float) -> Array:
    """Return (s/h)^n for `signal` (n,) in the unit of `half_max`; small integer powers avoid `pow`."""
    ratio = signal * (1.0 / half_max)
    # Most rules have power 1, 2 or 4, and `pow` costs ten times a multiplication.
    if power == 1.0:
        return ratio
    if power == 2.0:
        return ratio * ratio
    if power == 4.0:
        ratio *= ratio
        return ratio * ratio
    return np.power(ratio, power)


def hill(signal: Array, half_max: float, power: float) -> Array:
    """Return s^n / (h^n + s^n), in [0, 1], shape of `signal`."""
    ratio = drive(signal, half_max, power)
    return ratio / (1.0 + ratio)


def pull(value: Array | float, weights: Iterable[tuple[Array, float]]) -> Array | float:
    """Pull `value` towards each target by its weight: (value + Σ wᵢ·tᵢ) / (1 + Σ wᵢ).

    `weights` yields pairs (drive (n,), target); the result has the unit of `value`.
    """
    top: Array | float = value
    bottom: Array | float = 1.0
    for weight, target in weights:
        top = top + weight * target
        bottom = bottom + weight
    return top / bottom


def occupancy(
    ligands: Iterable[tuple[Grid, float]],
    inhibition: Grid | float = 0.0,
) -> Grid | float:
    """Fraction of a receptor that is bound: Σ L/Kd / (1 + Σ L/Kd + I/Ki).

    `ligands` yields pairs (free concentration, Kd) in one unit; `inhibition` is Σ I/Ki of competitors.
    """
    bound: Grid | float = 0.0
    for level, dissociation in ligands:
        bound = bound + level * (1.0 / dissociation)
    return bound / (1.0 + bound + inhibition)
