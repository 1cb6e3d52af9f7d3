"""Recruitment: vessels admit leukocytes from a finite blood pool, as chemokines and adhesion allow."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import numpy as np

from ..biology.compiled import Biology
from ..core import draws
from ..kernels.chance import relax
from ..scenario.sections import BloodPool
from ..tissue import Tissue
from ..tissue.tissue import Keys, Rows

__all__ = ["Recruitment"]

# Room for the number of leukocytes of one kind that one vessel admits in one step.
_MOST_PER_VESSEL = 1 << 10


class Recruitment:
    """At each vessel a leukocyte leaves the blood at a rate set by what its receptors sense there, by the
    endothelium's adhesion and by how full the blood pool is.

    A vessel that the tumor has grown around still lies in a sleeve of stroma: a leukocyte that leaves it must
    cross into the tumor like one from outside, and does so only as often as its infiltration says.
    """

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology, pools: Mapping[str, BloodPool]) -> None:
        self.biology = biology
        self.pools = dict(pools)
        self.recruited = [kind for kind in biology.kinds_with("extravasation") if biology.pool[kind] in pools]
        self.endothelium = [kind for kind, layer in enumerate(biology.layer) if layer == "vessel"]

    def __call__(self, tissue: Tissue, dt: float) -> None:
        for name, source in self.pools.items():
            tissue.pools[name] = relax(tissue.pools[name], source.cells, source.renewal, dt)
        if not len(tissue.vessels):
            return
        adhesion = self._adhesion(tissue)
        engulfed = tissue.tumor_territory[tissue.vessels]
        well = tissue.lattice.well_of(tissue.vessels)
        offered = [
            (kind, pool)
            for kind in self.recruited
            if (pool := self.biology.pool[kind]) is not None and self.pools[pool].cells
        ]
        # All kinds at once, (kinds, vessels): few leukocytes come, and what costs is asking.
        rate = np.empty((len(offered), len(tissue.vessels)))
        for expected, (kind, pool) in zip(rate, offered, strict=True):
            fullness = tissue.pools[pool][well] / self.pools[pool].cells
            expected[...] = tissue.behavior.at_sites(kind, "extravasation", tissue.vessels) * adhesion * fullness
            crossing = tissue.behavior.at_sites(kind, "infiltration", tissue.vessels)
            expected *= np.where(engulfed, crossing, 1.0)
        kinds = np.array([kind for kind, _ in offered], dtype=np.uint64)
        vessel_keys = tissue.vessels.astype(np.uint64) * np.uint64(256) + kinds[:, None]
        arriving = draws.poisson(tissue.seed, "recruitment", tissue.clock.step, vessel_keys, rate * dt)
        arriving = np.minimum(arriving, _MOST_PER_VESSEL)
        at, keys = self._admitted(tissue, vessel_keys.ravel(), arriving.ravel())
        edges = np.cumsum([0, *arriving.sum(axis=1)]).tolist()
        for (kind, pool), (first, last) in zip(offered, pairwise(edges), strict=True):
            if last > first:
                sites = tissue.vessels[at[first:last] % len(tissue.vessels)]
                tissue.request_arrival(kind, pool, sites, keys[first:last])

    def _adhesion(self, tissue: Tissue) -> np.ndarray:
        adhesion = np.ones(len(tissue.vessels))
        for kind in self.endothelium:
            adhesion *= tissue.behavior.at_sites(kind, "adhesion", tissue.vessels)
        return adhesion

    @staticmethod
    def _admitted(tissue: Tissue, offers: Keys, arriving: Rows) -> tuple[Rows, Keys]:
        """Of every leukocyte that comes, the place of its offer (kind at vessel), and its key."""
        at = np.repeat(np.arange(len(arriving)), arriving)
        # Each of several arrivals at one vessel in one step has an identity of its own.
        rank = np.arange(len(at)) - np.repeat(np.cumsum(arriving) - arriving, arriving)
        seeds = offers[at] * np.uint64(_MOST_PER_VESSEL) + rank.astype(np.uint64)
        return at, draws.bits(tissue.seed, "recruitment", tissue.clock.step, seeds, lane=1)
