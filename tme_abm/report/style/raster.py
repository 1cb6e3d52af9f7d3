"""Tissue as blocks of k×k pixels a site: the part of a lattice that is shown, and the dots for leukocytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["CLEAR", "RIM", "Window", "dot"]

Scalar = TypeVar("Scalar", bound=np.generic)

CLEAR = 12
"""Pixels a block from which on outlines of vessels have full strength; smaller ones would be noise."""
RIM = 0.62
"""Brightness of a dot's rim relative to its fill; the rim keeps yellow visible on white."""
_SUPERSAMPLING = 8


@dataclass(frozen=True, kw_only=True)
class Window:
    """A rectangle of sites: rows [top, bottom), columns [left, right)."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    def of(self, array: NDArray[Scalar]) -> NDArray[Scalar]:
        """The part of a lattice array (ny, nx) inside the window."""
        return array[self.top : self.bottom, self.left : self.right]


@cache
def dot(k: int, diameter: float, *, square: bool) -> NDArray[np.float32]:
    """Share (k, k) of each pixel of a block that a centered disc, or a square of its area, covers; `diameter` in
    blocks.
    """
    n = k * _SUPERSAMPLING
    y, x = np.mgrid[:n, :n]
    y, x = np.abs((y + 0.5) / n - 0.5), np.abs((x + 0.5) / n - 0.5)
    covered = np.maximum(x, y) <= diameter * np.sqrt(np.pi) / 4 if square else np.hypot(x, y) <= diameter / 2
    fine = covered.astype(np.float32).reshape(k, _SUPERSAMPLING, k, _SUPERSAMPLING)
    return np.asarray(fine.mean(axis=(1, 3)), dtype=np.float32)
