"""The diffusing molecules: one concentration array [nM] per molecule on the lattice.

This is state only. What is secreted and taken up is gathered here during a step; the transport process
then solves the diffusion equation and clears the gathered sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["Fields"]

Grid = NDArray[np.floating]


class Fields:
    """Concentrations, sources and uptake rates by molecule name, each of the lattice's `field_shape`."""

    def __init__(self, names: Sequence[str], shape: tuple[int, ...], precision: DTypeLike) -> None:
        self.shape = shape
        self.dtype = np.dtype(precision)
        self.concentration: dict[str, Grid] = {name: np.zeros(shape, self.dtype) for name in names}
        self.source: dict[str, Grid] = {name: np.zeros(shape, self.dtype) for name in names}
        self.uptake: dict[str, Grid] = {}

    def __getitem__(self, name: str) -> Grid:
        return self.concentration[name]

    def __contains__(self, name: str) -> bool:
        return name in self.concentration

    def __iter__(self) -> Iterator[str]:
        return iter(self.concentration)

    def follow(self, names: Sequence[str]) -> None:
        """Have a field of every one of `names`, in this order; those that were not there are empty."""
        for grids in (self.concentration, self.source):
            kept = {name: grids[name] if name in grids else np.zeros(self.shape, self.dtype) for name in names}
            grids.clear()
            grids.update(kept)

    def add_source(self, name: str, sites: NDArray[np.integer], rate: NDArray[np.float64] | float) -> None:
        """Add production `rate` [nM/min] at `sites`, which must be distinct."""
        self.source[name].ravel()[sites] += np.asarray(rate, dtype=self.dtype)

    def add_uptake(self, name: str, sites: NDArray[np.integer], rate: NDArray[np.float64] | float) -> None:
        """Add an uptake `rate` [1/min] at `sites`, which must be distinct."""
        if name not in self.uptake:
            self.uptake[name] = np.zeros(self.shape, self.dtype)
        self.uptake[name].ravel()[sites] += np.asarray(rate, dtype=self.dtype)

    def clear(self) -> None:
        """Forget the sources and uptake gathered in the last step."""
        for grid in self.source.values():
            grid.fill(0)
        for grid in self.uptake.values():
            grid.fill(0)
