"""What a process is: one biological process, called once a step, with a sentence that says what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..tissue import Tissue

__all__ = ["Array", "Process", "Rows", "behavior_family", "kinds_with"]

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


def kinds_with(biology: Biology, behavior: str) -> list[int]:
    """Kinds on the lattice in which `behavior` is ever other than zero: a base value or a rule gives it one."""
    column = biology.behavior_index[behavior]
    ruled = {program.cell for program in biology.programs if program.behavior == column}
    return [
        kind
        for kind, layer in enumerate(biology.layer)
        if layer != "vessel" and (kind in ruled or biology.base[kind, column] != 0)
    ]


def behavior_family(biology: Biology, family: str) -> Mapping[str, str]:
    """The behaviors of a `family` such as "secretion": what follows the family's name → the behavior's name."""
    prefix = family + " "
    return {name.removeprefix(prefix): name for name in biology.behaviors if name.startswith(prefix)}
