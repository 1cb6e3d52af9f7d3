"""Small, crowded tissues in which everything goes on at once: all cell kinds, bonds, corpses, vessels, fields."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from tests.support.tissues import respond, tissue_of
from tme_abm.biology import Biology
from tme_abm.processes import exposure_column, expression_column
from tme_abm.tissue import ALIVE, APOPTOTIC, IMMUNE, NECROTIC, TISSUE, Tissue

__all__ = ["crowd", "half_maxima"]


def half_maxima(biology: Biology) -> dict[str, float]:
    """A level [nM] of every diffusing molecule at which its rules and receptors are about half-way."""
    found: dict[str, list[float]] = defaultdict(list)
    for program in biology.programs:
        for term in (*program.ups, *program.downs):
            if biology.signals[term.signal].kind in ("concentration", "exposure"):
                found[biology.signals[term.signal].name].append(term.half_max)
    for receptor in biology.receptors:
        for name, dissociation in receptor.ligands:
            found[name].append(dissociation)
    return {m.name: math.exp(np.mean(np.log(found.get(m.name, [1.0])))) for m in biology.molecules}


def crowd(
    biology: Biology, seed: int, shape: tuple[int, ...] = (12, 9), *, dt: float = 10.0, dead: bool = True
) -> Tissue:
    """Tumor on most sites, some leukocytes of every kind, killers most of all; states and fields scattered at random.

    Killers in contact with tumor are bound as often as not, and one bond is broken. Half of the vessels
    are engulfed by tumor.
    """
    rng = np.random.default_rng(seed)
    everywhere = [tuple(int(i) for i in at) for at in np.ndindex(*shape)]
    order = [everywhere[i] for i in rng.permutation(len(everywhere))]
    tissue_kinds = [c for c, layer in zip(biology.cells, biology.layer, strict=True) if layer == "tissue"]
    tissue_kinds += 4 * len(tissue_kinds) * [biology.cells[kind] for kind in biology.tumor_kinds]
    immune_kinds = [c for c, layer in zip(biology.cells, biology.layer, strict=True) if layer == "immune"]
    killers = [c for c, sees in zip(biology.cells, biology.sees, strict=True) if sees is not None]
    immune_kinds += 3 * killers
    cells = [(tissue_kinds[i % len(tissue_kinds)], at) for i, at in enumerate(order[: len(order) * 2 // 3])]
    shuffled = [everywhere[i] for i in rng.permutation(len(everywhere))]
    many = max(len(immune_kinds) + 8, len(everywhere) // 3)
    cells += [(immune_kinds[i % len(immune_kinds)], at) for i, at in enumerate(shuffled[:many])]
    tissue = tissue_of(
        biology,
        cells,
        shape=shape,
        dt=dt,
        seed=seed,
        vessels=[*order[:3], *order[-3:]],
        pools={pool: float(rng.uniform(50, 200)) for pool in biology.pool if pool is not None},
    )
    tissue.clock.step = 40
    _scatter_states(tissue, biology, rng, dead)
    for name, level in half_maxima(biology).items():
        tissue.fields[name][...] = level * rng.lognormal(0.0, 0.7, shape)
    tissue.matrix[:] = rng.uniform(0, 1, tissue.lattice.n_sites)
    tissue.matrix_lives = True
    return respond(tissue, biology)


def _scatter_states(tissue: Tissue, biology: Biology, rng: np.random.Generator, dead: bool) -> None:
    cells, count = tissue.cells, len(tissue.cells)
    for score in ("activation", "exhaustion", "polarization"):
        cells[score] = rng.uniform(0, 1, count)
    cells.damage = rng.choice([0.0, 0.4, 1.7, 2.4], count)
    cells.phase = rng.uniform(0.5, 1.1, count)
    cells.born = -rng.uniform(0, 5000, count)
    cells.heading = rng.integers(-1, len(tissue.lattice.step_lengths), count)
    for contact in biology.contacts:
        cells[expression_column(contact.name)] = rng.uniform(0, 2, count)
    levels = half_maxima(biology)
    for signal in biology.signals:
        if signal.kind == "exposure":
            cells[exposure_column(signal.name, signal.memory)] = rng.uniform(0, 2, count) * levels.get(signal.name, 0.3)
    if dead:
        cells.fate = rng.choice([ALIVE] * 8 + [APOPTOTIC, NECROTIC], count)
    killers = np.flatnonzero([biology.sees[kind] is not None for kind in cells.kind] & (cells.fate == ALIVE))
    around = tissue.lattice.occupant[TISSUE][tissue.lattice.contacts(cells.site[killers])]
    for killer, touched in zip(killers, around, strict=True):
        if rng.uniform() < 0.6 and (touched >= 0).any():
            partner = int(rng.choice(touched[touched >= 0]))
            cells.partner[killer] = cells.key[partner]
            cells.binding[killer] = 0.5
    # A bond whose partner is out of reach: the partner is long gone.
    cells.partner[killers[:1]] = np.uint64(12345)
    assert set(np.unique(tissue.layer)) == {TISSUE, IMMUNE}
