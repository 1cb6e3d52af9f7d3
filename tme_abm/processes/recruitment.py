"""Recruitment: vessels admit leukocytes from the blood, as chemokines and adhesion allow.

A pool is the body's: what it holds for this tumor, however much tissue around it is drawn. Leukocytes that enter
without being called belong to the traffic of the whole body, which is in balance; only those that are called draw on
the pool.
"""

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
from ..tissue.tissue import Array, Keys, Rows

__all__ = ["Recruitment"]

# Room for the number of leukocytes of one kind that one vessel admits in one step.
_MOST_PER_VESSEL = 1 << 10


class Recruitment:
    """At each vessel a leukocyte leaves the blood at a rate set by what its receptors sense there, by the
    endothelium's adhesion and by how full the blood pool is. Of an arrival, the share that was called is drawn from
    the pool: what the rate exceeds the base of the kind by, where vessels sense nothing.

    A vessel that the tumor has grown around still lies in a sleeve of stroma: a leukocyte that leaves it must
    cross into the tumor like one from outside, and does so only as often as its infiltration says.
    """

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology, pools: Mapping[str, BloodPool]) -> None:
        self.biology = biology
        self.pools = dict(pools)
        self.recruited = [kind for kind in biology.kinds_with("extravasation") if biology.pool[kind] in pools]
        # A behavior with a scale is zero where nothing is sensed.
        column = biology.behavior_index["extravasation"]
        scaled = {p.cell for p in biology.programs if p.behavior == column and p.scale is not None}
        self.at_rest = [0.0 if kind in scaled else rate for kind, rate in enumerate(biology.base[:, column].tolist())]
        self.endothelium = [kind for kind, layer in enumerate(biology.layer) if layer == "vessel"]

    def __call__(self, tissue: Tissue, dt: float) -> None:
        for name, source in self.pools.items():
            level = tissue.pools[name]
            rate = np.where(level > source.cells, source.settling, source.renewal)
            tissue.pools[name] = relax(level, source.cells, rate, dt)
        if not len(tissue.vessels):
            return
        adhesion, at_rest = self._adhesion(tissue)
        engulfed = tissue.tumor_territory[tissue.vessels]
        well = tissue.lattice.well_of(tissue.vessels)
        offered = [
            (kind, pool)
            for kind in self.recruited
            if (pool := self.biology.pool[kind]) is not None and self.pools[pool].cells
        ]
        # All kinds at once, (kinds, vessels): few leukocytes come, and what costs is asking.
        rate = np.empty((len(offered), len(tissue.vessels)))
        called = np.zeros_like(rate)
        for expected, share, (kind, pool) in zip(rate, called, offered, strict=True):
            expected[...] = tissue.behavior.at_sites(kind, "extravasation", tissue.vessels) * adhesion
            uncalled = self.at_rest[kind] * at_rest
            np.divide(np.maximum(expected - uncalled, 0.0), expected, out=share, where=expected > 0)
            expected *= tissue.pools[pool][well] / self.pools[pool].cells
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
                who = at[first:last]
                sites = tissue.vessels[who % len(tissue.vessels)]
                tissue.request_arrival(kind, pool, sites, keys[first:last], drawn=called.ravel()[who])

    def _adhesion(self, tissue: Tissue) -> tuple[Array, float]:
        """The adhesion of every vessel, and that of vessels that sense nothing."""
        adhesion, at_rest = np.ones(len(tissue.vessels)), 1.0
        for kind in self.endothelium:
            adhesion *= tissue.behavior.at_sites(kind, "adhesion", tissue.vessels)
            at_rest *= float(self.biology.base[kind, self.biology.behavior_index["adhesion"]])
        return adhesion, at_rest

    @staticmethod
    def _admitted(tissue: Tissue, offers: Keys, arriving: Rows) -> tuple[Rows, Keys]:
        """Of every leukocyte that comes, the place of its offer (kind at vessel), and its key."""
        at = np.repeat(np.arange(len(arriving)), arriving)
        # Each of several arrivals at one vessel in one step has an identity of its own.
        rank = np.arange(len(at)) - np.repeat(np.cumsum(arriving) - arriving, arriving)
        seeds = offers[at] * np.uint64(_MOST_PER_VESSEL) + rank.astype(np.uint64)
        return at, draws.bits(tissue.seed, "recruitment", tissue.clock.step, seeds, lane=1)
