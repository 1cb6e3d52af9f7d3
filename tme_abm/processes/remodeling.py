"""Remodeling: cells lay matrix down around them and cut it; proteases digest it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..biology.compiled import Biology
from ..kernels.chance import two_way
from ..kernels.space import contact_sum
from ..tissue import Tissue
from ..tissue.tissue import Array
from .senses import free_level

__all__ = ["Remodeling"]


class Remodeling:
    """Matrix is laid down around cells that deposit it, and cut around cells that digest it and where proteases are.

    At every site M' = a (1 - M) - (b + Σ k [P]) M. A cell's `deposition` and `proteolysis` are volumes of dense matrix
    that it makes or removes in a minute, spread evenly over the sites in contact with it: a and b are what falls to a
    site over the site's volume, so that they do not depend on the lattice. k is the digestion by 1 nM of a protease P.
    The spontaneous loss of collagen is that by the cells of healthy stroma. A step is exact for the rates at its
    beginning.
    """

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology) -> None:
        self.kinds = {name: biology.kinds_with(name) for name in ("deposition", "proteolysis")}
        self.proteases = [(m.name, m.digestion) for m in biology.molecules if m.digestion > 0]

    def __call__(self, tissue: Tissue, dt: float) -> None:
        if not tissue.matrix_lives:
            return
        laid, cut = (self._around(tissue, name) for name in ("deposition", "proteolysis"))
        for name, digestion in self.proteases:
            if name in tissue.fields or name in tissue.controls.held:
                cut = cut + digestion * free_level(tissue, name, slice(None))
        tissue.matrix = two_way(tissue.matrix, laid, cut, dt)

    def _around(self, tissue: Tissue, behavior: str) -> Array:
        """The rate [1/min] at which cells lay down or cut matrix at every site, (n_sites,)."""
        lattice = tissue.lattice
        rows, volume = tissue.behavior.over(self.kinds[behavior], behavior)
        # A site may hold a cell of each layer.
        here = np.bincount(tissue.cells.site[rows], weights=volume, minlength=lattice.n_sites)
        share: Array = contact_sum(here, lattice.shape) / (3**lattice.ndim * lattice.site_volume)
        return share
