"""A snapshot: a picture of the tissue as plain arrays, enough to draw it without the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..tissue import ALIVE, IMMUNE, TISSUE
from .metrics import compartments

if TYPE_CHECKING:
    from ..model import TumorModel

__all__ = ["snapshot"]


def snapshot(model: TumorModel, well: int = 0) -> dict[str, NDArray[Any]]:
    """The tissue of a well now: kinds by layer (−1 for an empty site), dead cells, vessels, core, all fields [nM]."""
    tissue = model.tissue
    lattice, cells = tissue.lattice, tissue.cells
    shape = lattice.shape
    core, _ = compartments(tissue, well)

    def of_well(values: NDArray[Any]) -> NDArray[Any]:
        grid: NDArray[Any] = values.reshape(lattice.wells, *shape)[well]
        return grid

    def layer_of_kinds(layer: int) -> NDArray[np.int8]:
        grid = np.full(lattice.n_sites, -1, dtype=np.int8)
        here = tissue.layer == layer
        grid[cells.site[here]] = cells.kind[here]
        return of_well(grid)

    dead = np.zeros(lattice.n_sites, dtype=bool)
    dead[cells.site[(cells.fate != ALIVE) & (tissue.layer == TISSUE)]] = True
    vessel = np.zeros(lattice.n_sites, dtype=bool)
    vessel[tissue.vessels] = True
    picture: dict[str, NDArray[Any]] = {
        "time": np.array(tissue.clock.time),
        "shape": np.array(shape),
        "spacing": np.array(lattice.spacing),
        "tissue_kind": layer_of_kinds(TISSUE),
        "immune_kind": layer_of_kinds(IMMUNE),
        "dead": of_well(dead),
        "vessel": of_well(vessel),
        "core": core.reshape(shape),
        "cell_names": np.array(model.biology.cells),
        "molecule_names": np.array(list(tissue.fields)),
    }
    return picture | {f"field/{name}": of_well(tissue.fields[name]).astype(np.float32) for name in tissue.fields}
