"""What is done to the tissue now: blocked receptors, silenced genes, held and neutralized molecules, doses, clamps.

The protocol sets these at the beginning of every step from the clock alone, so they are no state and need
no checkpoint. Every process reads them; none asks which treatment or scenario set them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Controls"]

Array = NDArray[np.float64]


@dataclass
class Controls:
    """Interventions in force; indices follow the compiled biology.

    free_receptor: (n_cells, n_receptors) share of each receptor that is neither blocked nor knocked out.
    inhibition: (n_cells, n_receptors) Σ I/Ki of competing antagonists.
    free: share of a molecule that is not neutralized, by name (missing: 1).
    held: level of a molecule [nM] that the medium holds on top of what cells make, by name; (n_sites,) or one number.
    silenced: (cell index, molecule name) pairs whose gene product is knocked out.
    signaling: share of a pathway's drive that is left, by (cell index, pathway) (missing: 1).
    fixed: value to which a behavior is clamped, by (cell index, behavior name).
    bath: production everywhere [nM/min], by molecule.
    blood: level carried by the vessels [nM] and rate of exchange at a vessel [1/min], by molecule.
    depots: (molecule, sites, molecules/min over all of these sites of a well together).
    """

    free_receptor: Array
    inhibition: Array
    free: dict[str, float] = field(default_factory=dict)
    held: dict[str, Array | float] = field(default_factory=dict)
    silenced: set[tuple[int, str]] = field(default_factory=set)
    signaling: dict[tuple[int, str], float] = field(default_factory=dict)
    fixed: dict[tuple[int, str], float] = field(default_factory=dict)
    bath: dict[str, float] = field(default_factory=dict)
    blood: dict[str, tuple[float, float]] = field(default_factory=dict)
    depots: list[tuple[str, NDArray[np.int64], float]] = field(default_factory=list)

    @classmethod
    def none(cls, n_cells: int, n_receptors: int) -> Controls:
        """No intervention."""
        return cls(free_receptor=np.ones((n_cells, n_receptors)), inhibition=np.zeros((n_cells, n_receptors)))
