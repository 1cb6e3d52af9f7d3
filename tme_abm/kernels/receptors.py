"""Receptor occupancy: how much of a receptor is bound, given its ligands and what competes with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Receptors", "occupancies", "occupancy", "receptors"]

Array = NDArray[np.float64]
Grid = NDArray[np.floating]


def occupancy(
    ligands: Iterable[tuple[Grid, float]],
    inhibition: Grid | float = 0.0,
) -> Grid | float:
    """Fraction of a receptor that is bound: Σ L/Kd / (1 + Σ L/Kd + I/Ki).

    `ligands` yields pairs (free concentration, Kd) in one unit; `inhibition` is Σ I/Ki of competitors.
    """
    bound: Grid | float = 0.0
    for number, (level, dissociation) in enumerate(ligands):
        here = level * (1.0 / dissociation)
        bound = np.add(bound, here, out=here) if number else here
    rest = 1.0 + bound
    # Most receptors have no competitor, and then a pass over the array is saved.
    if not isinstance(inhibition, float) or inhibition:
        rest = rest + inhibition
    return np.divide(bound, rest, out=bound) if isinstance(bound, np.ndarray) else bound / rest


@dataclass(frozen=True, eq=False)
class Receptors:
    """The ligands of several receptors in layers: the first of each, then the second of those that have two, and so on.

    ligands: the row of its level, of every ligand. inverse: 1 / Kd, (ligands, 1). layers: (first row, row past the
    last) of each.
    """

    ligands: NDArray[np.intp]
    inverse: Array
    layers: tuple[tuple[int, int], ...]


def receptors(ligands: Sequence[Sequence[tuple[int, float]]]) -> Receptors:
    """Arrange receptors by their (row of the level, Kd), at least one each, those with most of them first."""
    deepest = max(map(len, ligands), default=0)
    layers = [[bound[depth] for bound in ligands if len(bound) > depth] for depth in range(deepest)]
    flat = [ligand for layer in layers for ligand in layer]
    return Receptors(
        ligands=np.array([row for row, _ in flat], dtype=np.intp),
        inverse=np.array([1.0 / dissociation for _, dissociation in flat]).reshape(-1, 1),
        layers=tuple(pairwise(np.cumsum([0, *map(len, layers)]).tolist())),
    )


def occupancies(these: Receptors, levels: Array, inhibition: Array | None = None) -> Array:
    """`occupancy` of several receptors at once, bit for bit the same, (receptors, n).

    `levels` (molecules, n) are free concentrations; `inhibition` (receptors,) is Σ I/Ki of competitors.
    """
    pairs = levels.take(these.ligands, axis=0)
    pairs *= these.inverse
    # The first layer becomes the sums.
    bound: Array = pairs[: these.layers[0][1]]
    for first, last in these.layers[1:]:
        bound[: last - first] += pairs[first:last]
    rest = 1.0 + bound
    if inhibition is not None:
        rest += inhibition[:, None]
    bound /= rest
    return bound
