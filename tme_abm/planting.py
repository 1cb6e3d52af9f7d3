"""Planting: the starting tissue of a scenario, drawn site by site from the seed.

Vessels are scattered, a ball of tumor cells stands in the center, and leukocytes are sprinkled over all
tissue at the densities of the scenario. Every draw is addressed by its site, so that two scenarios with
the same densities and seed start from the same leukocytes on the same sites.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .biology import Biology
from .core import draws
from .processes import expression_column, kinds_with, signal_columns
from .processes.responding import Response
from .scenario import Scenario
from .tissue import IMMUNE, TISSUE, Cells, Clock, Controls, Fields, Lattice, Tissue

__all__ = ["plant"]


def plant(scenario: Scenario, biology: Biology, seed: int) -> Tissue:
    """The tissue at time zero; the same scenario, catalogue and seed give the same bytes."""
    lattice = Lattice(tuple(scenario.lattice.shape), scenario.lattice.spacing)
    away = lattice.distance_from_center()
    inside = np.zeros(lattice.n_sites, dtype=bool)
    inside[_tumor_sites(lattice, away, scenario.tumor.cells, seed)] = True
    tissue = Tissue(
        seed=seed,
        clock=Clock(scenario.clock.dt),
        lattice=lattice,
        cells=Cells(signal_columns(biology)),
        fields=Fields(_active(scenario, biology), lattice.shape, scenario.fields.precision),
        kinds=biology.cells,
        layer_of=np.array([TISSUE if layer == "tissue" else IMMUNE for layer in biology.layer], dtype=np.int8),
        tumor_kinds=tumor_kinds(biology),
        vessels=_vessels(scenario, lattice, inside, seed),
        matrix=np.where(inside, scenario.stroma.matrix_in_tumor, scenario.stroma.matrix).astype(np.float64),
        pools={name: pool.cells for name, pool in scenario.blood.items()},
        push=scenario.growth.push,
    )
    tissue.controls = Controls.none(len(biology.cells), len(biology.receptors))
    for molecule in biology.molecules:
        if molecule.name in tissue.fields:
            tissue.fields[molecule.name].fill(molecule.background)
    _add(tissue, biology, np.flatnonzero(inside), np.full(int(inside.sum()), tumor_kinds(biology)[0]))
    _add(tissue, biology, *_leukocytes(scenario, biology, lattice, seed))
    tissue.reindex()
    _show_what_rules_ask(tissue, biology)
    return tissue


def tumor_kinds(biology: Biology) -> NDArray[np.int8]:
    """The kinds that count as tumor: those on the tissue layer that killers hunt."""
    hunted = {kind for prey in biology.hunts for kind in prey}
    return np.array(sorted(hunted), dtype=np.int8)


def _active(scenario: Scenario, biology: Biology) -> list[str]:
    """The molecules worth an array: those that something makes or that are there from the start."""
    made = {
        name.removeprefix("secretion ")
        for name in biology.behaviors
        if name.startswith("secretion ") and _is_used(biology, name)
    }
    given = {item.molecule for item in scenario.protocol if item.do == "dose"}
    given |= {molecule for molecule, rate in scenario.stroma.secretion.items() if rate > 0}
    return [m.name for m in biology.molecules if m.name in made | given or m.background > 0 or m.exchange > 0]


def _is_used(biology: Biology, behavior: str) -> bool:
    column = biology.behavior_index[behavior]
    return bool((biology.base[:, column] != 0).any()) or any(p.behavior == column for p in biology.programs)


def _tumor_sites(lattice: Lattice, away: NDArray[np.float64], count: int, seed: int) -> NDArray[np.int64]:
    """The `count` sites nearest to the center; ties, and only ties, are broken by the seed."""
    tie = draws.uniform(seed, "placement", 0, np.arange(lattice.n_sites), lane=1)
    chosen: NDArray[np.int64] = np.lexsort((tie, away.round(6)))[:count]
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


def _add(tissue: Tissue, biology: Biology, sites: NDArray[np.int64], kinds: NDArray[np.integer]) -> None:
    # Identities name the starting site and the layer, and are scattered so that no pattern of sites shows in draws.
    layer = tissue.layer_of[kinds].astype(np.uint64)
    keys = draws.bits(tissue.seed, "placement", 0, sites.astype(np.uint64) * np.uint64(2) + layer, lane=2)
    phase = draws.uniform(tissue.seed, "phase", 0, keys)
    divides = np.isin(kinds, kinds_with(biology, "division"))
    tissue.cells.append(len(sites), key=keys, site=sites, kind=kinds, phase=np.where(divides, phase, 0.0))


def _show_what_rules_ask(tissue: Tissue, biology: Biology) -> None:
    """Start contact molecules at the level their rules ask for in the fresh tissue, not at zero."""
    response = Response(biology, tissue)
    for contact in biology.contacts:
        name = f"expression {contact.name}"
        for kind in kinds_with(biology, name):
            rows = np.flatnonzero(tissue.cells.kind == kind)
            tissue.cells[expression_column(contact.name)][rows] = response.of_rows(kind, name, rows)
