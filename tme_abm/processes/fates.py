"""Birth, death and change of type: division, apoptosis, necrosis, clearance of the dead, differentiation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..biology.compiled import Biology
from ..tissue import ALIVE, APOPTOTIC, NECROTIC, Tissue
from .responding import Response

__all__ = ["Apoptosis", "Clearance", "Differentiation", "Division", "Necrosis"]


class Division:
    """Cells advance through their cycle and request a daughter at its end; without room they wait."""

    writes: ClassVar[frozenset[str]] = frozenset({"phase"})

    def __init__(self, biology: Biology) -> None:
        self.kinds = biology.kinds_with("division")

    def __call__(self, tissue: Tissue, dt: float) -> None:
        rows, speed = tissue.behavior.over(self.kinds, "division")
        phase = tissue.cells.phase[rows]
        phase += np.where(phase >= 1.0, 0.0, speed * dt)
        tissue.cells.phase[rows] = phase
        tissue.request_division(rows[phase >= 1.0])


class _Death:
    """Cells die at the rate of a behavior."""

    behavior: ClassVar[str]
    fate: ClassVar[int]
    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology) -> None:
        self.kinds = biology.kinds_with(self.behavior)

    def __call__(self, tissue: Tissue, dt: float) -> None:
        rows, rate = tissue.behavior.over(self.kinds, self.behavior)
        tissue.request_death(rows[tissue.happens(self.behavior, rate, rows)], self.fate, self.behavior)


class Apoptosis(_Death):
    """Cells die by apoptosis, at a rate that signals raise and lower."""

    behavior, fate = "apoptosis", APOPTOTIC


class Necrosis(_Death):
    """Cells starved of oxygen die by necrosis."""

    behavior, fate = "necrosis", NECROTIC


class Clearance:
    """Dead cells dissolve or are eaten, and free their site."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology) -> None:
        self.biology = biology
        self.kinds = biology.kinds_with("clearance")

    def __call__(self, tissue: Tissue, dt: float) -> None:
        # The behaviors of this step are those of living cells; the dead are asked here.
        dead = np.flatnonzero(tissue.cells.fate != ALIVE)
        if not len(dead):
            return
        response, kind_of = Response(self.biology, tissue), tissue.cells.kind[dead]
        settled = {kind: response.settled(kind).get("clearance") for kind in self.kinds}
        rate = np.array([settled.get(kind) or 0.0 for kind in range(len(self.biology.cells))])[kind_of]
        for kind in (kind for kind, value in settled.items() if value is None):
            which = np.flatnonzero(kind_of == kind)
            rate[which] = response.of_rows(kind, "clearance", dead[which])
        tissue.request_removal(dead[tissue.happens("clearance", rate, dead)])


class Differentiation:
    """Cells become another type, keeping their identity and their site."""

    writes: ClassVar[frozenset[str]] = frozenset({"kind", "polarization"})

    def __init__(self, biology: Biology) -> None:
        self.fates = [
            (source, behavior, biology.cell_index[target])
            for target, behavior in biology.family("differentiation").items()
            for source in biology.kinds_with(behavior)
        ]

    def __call__(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        for source, behavior, target in self.fates:
            rows = tissue.behavior.rows_of(source)
            if not len(rows):
                continue
            rate = tissue.behavior.each(source, behavior)
            changing = rows[tissue.happens("differentiation", rate, rows, lane=target)]
            cells.kind[changing] = target
            cells.polarization[changing] = cells.columns["polarization"].default
            tissue.count(f"differentiation into {tissue.kinds[target]}", cells.site[changing])
