"""Small tissues by hand, for tests that need no scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tme_abm.biology import Biology
from tme_abm.core import draws
from tme_abm.processes import Responding, signal_columns
from tme_abm.processes.planting import bare
from tme_abm.tissue import Cells, Fields, Lattice, Tissue


def tissue_of(
    biology: Biology,
    cells: Sequence[tuple[str, tuple[int, ...]]],
    *,
    shape: tuple[int, ...] = (20, 20),
    spacing: float = 15.0,
    dt: float = 10.0,
    seed: int = 7,
    vessels: Sequence[tuple[int, ...]] = (),
    pools: Mapping[str, float] | None = None,
    push: float = 90.0,
    levels: Mapping[str, float] | None = None,
    wells: int = 1,
) -> Tissue:
    """A tissue with `cells` as (cell name, lattice index); fields are uniform at `levels` [nM], else zero.

    Of several wells, the number of the well comes first in an index.
    """
    lattice = Lattice(shape, spacing, wells)
    names = [molecule.name for molecule in biology.molecules]
    tissue = bare(
        biology,
        lattice,
        seed=seed,
        dt=dt,
        fields=Fields(names, lattice.field_shape, np.float64),
        vessels=[site_of(lattice, at) for at in vessels],
        pools=pools,
        push=push,
    )
    tissue.cells = Cells(signal_columns(biology), capacity=8)  # so that it has to grow
    if cells:
        sites = np.array([site_of(lattice, at) for _, at in cells])
        kinds = np.array([biology.cell_index[name] for name, _ in cells])
        keys = draws.bits(seed, "placement", 0, np.arange(len(cells), dtype=np.uint64))
        tissue.cells.append(len(cells), key=keys, site=sites, kind=kinds)
    tissue.reindex()
    for name, level in (levels or {}).items():
        tissue.fields[name].fill(level)
    return respond(tissue, biology)


def respond(tissue: Tissue, biology: Biology) -> Tissue:
    """Set the behaviors of the present step."""
    Responding(biology)(tissue, tissue.clock.dt)
    return tissue


def site_of(lattice: Lattice, at: tuple[int, ...]) -> int:
    """Site number of a lattice index."""
    return int(np.ravel_multi_index(at, lattice.field_shape))
