"""Planting: the starting tissue of a scenario, drawn site by site from the seed.

Vessels are scattered, a ball of tumor cells stands in the center, leukocytes are sprinkled over all tissue at
the densities of the scenario, and what its protocol adds at the start is put among them. Every draw is addressed by
its site, so that two scenarios with the same densities and seed start from the same leukocytes on the same sites,
and the wells of a model differ. A scenario with a slide has its cells where they were measured instead.
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from ..biology import Biology
from ..core import draws
from ..scenario import Scenario, Slide, remarks
from ..tissue import IMMUNE, TISSUE, Cells, Clock, Controls, Fields, Lattice, Tissue
from . import signal_columns
from .adding import add_cells, additions, place, show_what_rules_ask
from .presence import fields_needed, held, level_held, tumor_kinds

__all__ = ["plant", "tumor_kinds"]

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
    tissue = Tissue(
        seed=seed,
        clock=Clock(scenario.clock.dt),
        lattice=lattice,
        cells=Cells(signal_columns(biology)),
        fields=Fields(fields_needed(scenario, biology), lattice.field_shape, scenario.fields.precision),
        kinds=biology.cells,
        layer_of=np.array([TISSUE if layer == "tissue" else IMMUNE for layer in biology.layer], dtype=np.int8),
        tumor_kinds=tumor_kinds(biology),
        vessels=_vessels(scenario, lattice, inside, seed),
        matrix=np.where(inside, scenario.stroma.matrix_in_tumor, scenario.stroma.matrix).astype(np.float64),
        pools={name: pool.cells for name, pool in scenario.blood.items()},
        push=scenario.growth.push,
    )
    tissue.controls = Controls.none(len(biology.cells), len(biology.receptors))
    _fill(tissue, scenario, biology)
    _plant(tissue, biology, sites, kinds)
    for number, rank, item in additions(scenario.protocol):
        if not item.start:
            add_cells(tissue, biology, number, rank, item)
    show_what_rules_ask(tissue, biology, np.arange(len(tissue.cells)))
    return tissue


def _fill(tissue: Tissue, scenario: Scenario, biology: Biology) -> None:
    """Give every molecule its background; where a medium holds one from the start, it takes the place of that."""
    for molecule in biology.molecules:
        medium = [item for _, item in held(scenario.protocol, 0.0) if item.molecule == molecule.name]
        if not medium and molecule.name in tissue.fields:
            tissue.fields[molecule.name].fill(molecule.background)
        elif molecule.background > 0:
            for item in medium:
                level = level_held(item, tissue.lattice)
                tissue.controls.held[molecule.name] = tissue.controls.held.get(molecule.name, 0.0) + level


Cast = tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]


def _drawn(scenario: Scenario, biology: Biology, lattice: Lattice, seed: int) -> Cast:
    """Where tumor tissue is, (n_sites,), and the sites and kinds of the cells: a ball, and leukocytes all over."""
    ball = _tumor_sites(lattice, lattice.distance_from_center(), scenario.tumor.cells, seed)
    inside = np.zeros(lattice.n_sites, dtype=bool)
    inside[ball] = True
    sites, kinds = _leukocytes(scenario, biology, lattice, seed)
    tumor = np.full(len(ball), tumor_kinds(biology)[0], dtype=np.int64)
    return inside, np.concatenate([ball, sites]), np.concatenate([tumor, kinds])


def _measured(slide: Slide, scenario: Scenario, biology: Biology, lattice: Lattice) -> Cast:
    """The same of a slide: every cell on the site it was measured on, in all wells alike. Nothing is drawn."""
    fitted = slide.fitted(scenario.lattice)
    for one in fitted.classes:
        logger.info("%s: %s", slide.source, one)
    for remark in remarks(slide, scenario.lattice):
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
    density = scenario.vessels.density * np.where(inside, scenario.vessels.in_tumor, 1.0)
    drawn = draws.uniform(seed, "vessels", 0, np.arange(lattice.n_sites))
    return np.flatnonzero(drawn < density * lattice.site_area)


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


def _plant(tissue: Tissue, biology: Biology, sites: NDArray[np.int64], kinds: NDArray[np.integer]) -> None:
    # Identities name the starting site and the layer, and are scattered so that no pattern of sites shows in draws.
    layer = tissue.layer_of[kinds].astype(np.uint64)
    keys = draws.bits(tissue.seed, "placement", 0, sites.astype(np.uint64) * np.uint64(2) + layer, lane=2)
    place(tissue, biology, kinds, sites, keys)
