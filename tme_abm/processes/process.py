"""What a process is: one biological process, called once a step, with a sentence that says what it does."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..tissue import Tissue

__all__ = ["Array", "Process", "Rows"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


class Process(Protocol):
    """One biological process.

    `writes` names the columns it changes itself; births, deaths, arrivals and moves it asks the tissue for.
    """

    @property
    def writes(self) -> frozenset[str]:
        """Names of the columns it changes itself."""

    def __call__(self, tissue: Tissue, dt: float) -> None:
        """Advance the tissue by `dt` [min]."""
