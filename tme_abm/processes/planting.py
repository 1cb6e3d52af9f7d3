"""Planting: the starting tissue of a scenario, drawn site by site from the seed.

Vessels are spread evenly, a ball of tumor cells stands in the center, the cells of the stroma stand around it,
leukocytes are sprinkled over all tissue at the densities of the scenario, and what its protocol adds at the start is
put among them. Every draw of a cell is addressed by its site, that of a vessel by its patch, so that two scenarios
with the same densities and seed start from the same leukocytes and vessels on the same sites, and the wells of a
model differ. A scenario with a slide has its cells where they were measured instead.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..biology import Biology
from ..core import draws
from ..scenario import Scenario, Slide, remarks
from ..scenario.protocol import lanes, naming
from ..scenario.sections import Stroma
from ..tissue import IMMUNE, TISSUE, Cells, Clock, Controls, Fields, Lattice, Tissue
from .presence import fields_needed
from .senses import signal_columns
from .states import show_at_once

__all__ = ["bare", "plant"]

logger = logging.getLogger(__name__)


def plant(scenario: Scenario, biology: Biology, seed: int, wells: int = 1) -> Tissue:
    """The tissue at time zero; the same scenario, catalogue and seed give the same bytes.

    Each of the `wells` has the scenario's lattice, tumor and blood to itself. What a well is does not depend on how
    many there are; the first is the tissue of a model without wells.
    """
    lattice = Lattice(tuple(scenario.lattice.shape), scenario.lattice.spacing, wells)
    if scenario.slide is None:
        inside, sites, kinds = _drawn(scenario, biology, lattice, seed)
    else:
        inside, sites, kinds = _measured(scenario.slide, scenario, biology, lattice)
    if scenario.stroma.lives:
        taken = np.zeros(lattice.n_sites, dtype=bool)
        taken[sites[np.array([layer == "tissue" for layer in biology.layer])[kinds]]] = True
        around, stromal = _stromal(scenario.stroma, biology, lattice, inside, taken, seed)
        sites, kinds = np.concatenate([sites, around]), np.concatenate([kinds, stromal])
    tissue = bare(
        biology,
        lattice,
        seed=seed,
        dt=scenario.clock.dt,
        fields=Fields(fields_needed(scenario, biology), lattice.field_shape, scenario.fields.precision, wells),
        vessels=_vessels(scenario, lattice, inside, seed),
        matrix=np.where(inside, scenario.stroma.matrix_in_tumor, scenario.stroma.matrix).astype(np.float64),
        pools={name: pool.cells for name, pool in scenario.blood.items()},
        push=scenario.growth.push,
        matrix_lives=scenario.stroma.lives,
    )
    for molecule in biology.molecules:
        if molecule.name in tissue.fields and molecule.name not in scenario.replaced:
            tissue.fields[molecule.name].fill(molecule.background)
    # Identities name the starting site and the layer, and are scattered so that no pattern of sites shows in draws.
    keys = draws.bits(seed, "placement", 0, lattice.addresses(tissue.layer_of[kinds], sites), lane=2)
    tissue.put(kinds, sites, keys, dividing=biology.kinds_with("division"))
    for number, (lane, item) in enumerate(zip(lanes(scenario.protocol), scenario.protocol, strict=True)):
        with naming(number):
            item.plant(tissue, biology, lane)
    show_at_once(biology, tissue, np.arange(len(tissue.cells)))
    return tissue


def bare(
    biology: Biology,
    lattice: Lattice,
    *,
    seed: int,
    dt: float,
    fields: Fields,
    vessels: Sequence[int] | NDArray[np.int64] = (),
    matrix: NDArray[np.float64] | None = None,
    pools: Mapping[str, float] | None = None,
    push: float = 0.0,
    matrix_lives: bool = False,
) -> Tissue:
    """A tissue for the cells of `biology`, without cells and interventions; see `Tissue`."""
    tissue = Tissue(
        seed=seed,
        clock=Clock(dt),
        lattice=lattice,
        cells=Cells(signal_columns(biology)),
        fields=fields,
        kinds=biology.cells,
        layer_of=np.array([TISSUE if layer == "tissue" else IMMUNE for layer in biology.layer], dtype=np.int8),
        tumor_kinds=biology.tumor_kinds,
        vessels=np.asarray(vessels, dtype=np.int64),
        matrix=np.zeros(lattice.n_sites) if matrix is None else matrix,
        pools=pools or {},
        push=push,
        matrix_lives=matrix_lives,
    )
    tissue.controls = Controls.none(len(biology.cells), len(biology.receptors))
    return tissue


Cast = tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]


def _drawn(scenario: Scenario, biology: Biology, lattice: Lattice, seed: int) -> Cast:
    """A mask of the tumor tissue (n_sites,), and the sites and kinds of the cells: a ball and leukocytes."""
    ball = _tumor_sites(lattice, lattice.distance_from_center(), scenario.tumor.cells, seed)
    inside = np.zeros(lattice.n_sites, dtype=bool)
    inside[ball] = True
    sites, kinds = _leukocytes(scenario, biology, lattice, seed)
    tumor = np.full(len(ball), biology.tumor_kinds[0], dtype=np.int64)
    return inside, np.concatenate([ball, sites]), np.concatenate([tumor, kinds])


def _measured(slide: Slide, scenario: Scenario, biology: Biology, lattice: Lattice) -> Cast:
    """The same of a slide: every cell on the site it was measured on, in all wells alike. Nothing is drawn."""
    fitted = slide.fitted(scenario.lattice, scenario.catalogue)
    for one in fitted.classes:
        logger.info("%s: %s", slide.source, one)
    for remark in remarks(slide, scenario.lattice, scenario.catalogue):
        logger.warning("%s: %s", slide.source, remark)
    first = np.arange(lattice.wells)[:, None] * lattice.n_sites_per_well
    sites = [(first + at).ravel() for at in fitted.sites.values()]
    kinds = [np.full(len(at), biology.cell_index[name]) for name, at in zip(fitted.sites, sites, strict=True)]
    return np.tile(fitted.tumor, lattice.wells), np.concatenate(sites), np.concatenate(kinds)


def _tumor_sites(lattice: Lattice, away: NDArray[np.float64], count: int, seed: int) -> NDArray[np.int64]:
    """The `count` sites nearest to the center of each well; ties, and only ties, are broken by the seed."""
    sites = np.arange(lattice.n_sites)
    tie = draws.uniform(seed, "placement", 0, sites, lane=1)
    order = np.lexsort((tie, away.round(6), lattice.well_of(sites))).reshape(lattice.wells, -1)
    chosen: NDArray[np.int64] = order[:, :count].ravel()
    return np.sort(chosen)


def _vessels(scenario: Scenario, lattice: Lattice, inside: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """The sites of vessels. Tissue is cut along a curve that fills it into patches in which one vessel is expected, and
    each whole patch has one, at a place that is drawn: vessels supply all tissue, more evenly than chance would. Two
    scenarios share their vessels only if density, `in_tumor` and starting tumor are the same.
    """
    order = _filling_curve(lattice.shape)
    density = scenario.vessels.density * np.where(inside, scenario.vessels.in_tumor, 1.0)
    expected = np.cumsum(density.reshape(lattice.wells, -1)[:, order] * lattice.site_area, axis=1)
    planted = np.zeros(expected.shape, dtype=bool)
    for well, passed in enumerate(expected):
        patches = np.arange(np.ceil(passed[-1]), dtype=np.int64)
        at = np.searchsorted(passed, patches + draws.uniform(seed, "vessels", well, patches), side="right")
        planted[well, order[at[at < len(order)]]] = True
    return np.flatnonzero(planted)


def _filling_curve(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The sites of a well in the order of a Morton curve: near each other on it is mostly near in space."""
    axes = np.unravel_index(np.arange(np.prod(shape)), shape)
    code = np.zeros(len(axes[0]), dtype=np.int64)
    for bit in range(int(max(shape) - 1).bit_length()):
        for axis, index in enumerate(axes):
            code |= ((index >> bit) & 1) << (bit * len(shape) + axis)
    return np.argsort(code)


def _leukocytes(
    scenario: Scenario, biology: Biology, lattice: Lattice, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sites and kinds of the starting leukocytes, one draw a site."""
    kinds = np.array([biology.cell_index[name] for name in scenario.immune], dtype=np.int64)
    edges = np.cumsum([density * lattice.site_area for density in scenario.immune.values()])
    drawn = draws.uniform(seed, "placement", 0, np.arange(lattice.n_sites))
    slot = np.searchsorted(edges, drawn, side="right")
    sites = np.flatnonzero(slot < len(kinds))
    return sites, kinds[slot[sites]]


def _stromal(
    stroma: Stroma,
    biology: Biology,
    lattice: Lattice,
    inside: NDArray[np.bool_],
    taken: NDArray[np.bool_],
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sites and kinds of the cells of the stroma, one draw a site; none `inside` the tumor (n_sites,) or where a tissue
    cell is, `taken`. In the ring its densities hold, elsewhere those of the stroma.
    """
    drawn = draws.uniform(seed, "stroma", 0, np.arange(lattice.n_sites))
    sites, kinds = [], []
    for where, densities in _parts_of_stroma(stroma, lattice, inside):
        names = np.array([biology.cell_index[name] for name in densities], dtype=np.int64)
        edges = np.cumsum([density * lattice.site_area for density in densities.values()])
        slot = np.searchsorted(edges, drawn, side="right")
        here = np.flatnonzero(where & ~inside & ~taken & (slot < len(names)))
        sites.append(here)
        kinds.append(names[slot[here]])
    return np.concatenate(sites), np.concatenate(kinds)


def _parts_of_stroma(
    stroma: Stroma, lattice: Lattice, inside: NDArray[np.bool_]
) -> list[tuple[NDArray[np.bool_], Mapping[str, float]]]:
    """The ring around the tumor and the stroma beyond it: masks (n_sites,) and the densities of their cells."""
    everywhere = np.ones(lattice.n_sites, dtype=bool)
    if stroma.ring is None:
        return [(everywhere, stroma.cells or {})]
    from scipy import ndimage  # slow to import, and only a ring needs it

    wells = inside.reshape(lattice.wells, *lattice.shape)
    away = [ndimage.distance_transform_edt(~well) if well.any() else np.full(well.shape, np.inf) for well in wells]
    near = np.stack(away).ravel() * lattice.spacing <= stroma.ring.width
    return [(near, stroma.ring.cells), (~near, stroma.cells or {})]
