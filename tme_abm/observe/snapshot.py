"""A snapshot: a picture of the tissue as plain arrays, from which it can be drawn and exported without the model.

It holds grids and columns with one row a cell (`cell/...`). Rows are in the order of the cells' keys, so a snapshot
does not depend on the order of rows in the model or on the number of its wells.

Numbers are float32. Those of fields are rounded to 10 significant bits, a relative error of at most 0.1 %, a tenth of
that of the solvers, which makes the files half as large; `record.precision = "float32"` keeps all bits. Nothing goes on
from a snapshot: the states of a run (its checkpoints) are exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.rounding import rounded
from ..processes import free_level
from ..tissue import ALIVE, IMMUNE, TISSUE, Tissue
from .compartments import compartments

if TYPE_CHECKING:
    from ..simulation import Simulation

__all__ = ["FIELD_BITS", "snapshot"]

FIELD_BITS = 10
"""Significant bits of the fields: a relative error of at most 2^-10, or 0.1 %."""
_OF_THE_STEP = ("heading", "binding")  # columns that matter from one step to the next only


def snapshot(model: Simulation, well: int = 0) -> dict[str, NDArray[Any]]:
    """The tissue of a well: kinds by layer (−1 for an empty site), dead cells, vessels, core, all fields [nM], the
    columns of its cells, and the matrix (0 to 1) where cells remodel it.
    """
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
    if tissue.matrix_lives:
        picture["matrix"] = of_well(tissue.matrix).astype(np.float32)
    exact = model.scenario.record.precision is not None
    for name in tissue.fields:
        levels = of_well(tissue.fields[name]).astype(np.float32)
        picture[f"field/{name}"] = levels if exact else rounded(levels, FIELD_BITS)
    return picture | {f"cell/{name}": values for name, values in _cells(tissue, well).items()}


def _cells(tissue: Tissue, well: int) -> dict[str, NDArray[Any]]:
    """The columns of the cells of a well, and `sensed NAME` [nM] of molecules whose sensed level is not that of the
    field: a medium adds to it, and a neutralizing antibody takes from it.
    """
    cells, lattice, controls = tissue.cells, tissue.lattice, tissue.controls
    rows = np.flatnonzero(lattice.well_of(cells.site) == well)
    rows = rows[np.argsort(cells.key[rows], kind="stable")]
    table: dict[str, NDArray[Any]] = {}
    for name in cells.columns:
        if name not in _OF_THE_STEP:
            values = cells[name][rows]
            table[name] = values.astype(np.float32) if values.dtype == np.float64 else values
    table["site"] = table["site"] % lattice.n_sites_per_well
    for name in sorted({*controls.held, *(name for name, share in controls.free.items() if share != 1.0)}):
        table[f"sensed {name}"] = free_level(tissue, name, cells.site[rows]).astype(np.float32)
    return table
