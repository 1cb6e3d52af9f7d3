"""Treatment: the protocol of a scenario becomes the controls of a step, and its one-off events happen.

Controls follow from the clock alone and are made anew in every step. What happens at one moment (an
infusion) happens in the step that contains it; what lasts at a rate (a depletion) asks the tissue like any
other process. Added cells stand in the tissue before anything else happens in their step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology import Biology
from ..scenario.protocol import (
    Add,
    Block,
    Deplete,
    DoseBath,
    DoseDepot,
    DoseVessels,
    Fix,
    Hold,
    Infuse,
    Inhibit,
    Intervention,
    KnockOut,
    Neutralize,
    SetTrait,
)
from ..tissue import APOPTOTIC, Controls, Tissue
from .adding import add_cells, additions, show_what_rules_ask
from .presence import level_held

__all__ = ["Treatment", "depletions", "traits_at"]


def traits_at(traits: dict[str, float], protocol: Sequence[Intervention], time: float) -> dict[str, float]:
    """The tumor's traits at `time` [min]: those it was planted with, and what the protocol sets them to."""
    current = dict(traits)
    for item in protocol:
        if isinstance(item, SetTrait) and item.active(time):
            current[item.trait] = item.value
    return current


def depletions(protocol: Sequence[Intervention]) -> dict[int, int]:
    """The rank of every depletion, by its number in the protocol: above those before it that share a cell with it.

    Chances hang on the rank, so that an arm with more of other items still loses the same cells.
    """
    ranks: dict[int, int] = {}
    highest: dict[str, int] = {}
    for number, item in enumerate(protocol):
        if isinstance(item, Deplete):
            ranks[number] = max(highest.get(cell, -1) for cell in item.cells) + 1
            highest |= dict.fromkeys(item.cells, ranks[number])
    return ranks


class Treatment:
    """The interventions in force set the controls, and doses, depletions, infusions and additions take effect."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology, protocol: Sequence[Intervention]) -> None:
        self.biology = biology
        self.protocol = tuple(protocol)
        self._depletions = depletions(self.protocol)
        self._media: dict[int, float | NDArray[np.float64]] = {}

    def __call__(self, tissue: Tissue, dt: float) -> None:
        controls = Controls.none(len(self.biology.cells), len(self.biology.receptors))
        tissue.controls = controls
        for number, item in enumerate(self.protocol):
            match item:
                case Infuse():
                    pool = self.biology.pool[self.biology.cell_index[item.cell]]
                    if pool is not None and self._is_now(item, tissue, dt):
                        tissue.pools[pool] = tissue.pools[pool] + item.count
                case SetTrait():
                    pass  # the model compiles the biology anew when a trait changes
                case Add():
                    pass  # below, when all controls are set
                case _ if not item.active(tissue.clock.time):
                    pass
                case Deplete():
                    self._deplete(tissue, item, self._depletions[number])
                case Hold():
                    self._hold(tissue, controls, item, number)
                case _:
                    self._set(tissue, controls, item)
        for number, rank, item in additions(self.protocol):
            # What is added at the start was planted.
            if item.start > 0 and self._is_now(item, tissue, dt):
                rows = add_cells(tissue, self.biology, number, rank, item)
                show_what_rules_ask(tissue, self.biology, rows)

    @staticmethod
    def _is_now(item: Infuse | Add, tissue: Tissue, dt: float) -> bool:
        return tissue.clock.time <= item.start < tissue.clock.time + dt

    def _hold(self, tissue: Tissue, controls: Controls, item: Hold, number: int) -> None:
        if number not in self._media:
            self._media[number] = level_held(item, tissue.lattice)
        controls.held[item.molecule] = controls.held.get(item.molecule, 0.0) + self._media[number]

    def _set(self, tissue: Tissue, controls: Controls, item: Intervention) -> None:
        match item:
            case Block():
                receptor = self.biology.receptor_index[item.receptor]
                kinds = [self.biology.cell_index[cell] for cell in item.cells]
                if item.fraction is not None:
                    controls.free_receptor[kinds, receptor] *= 1.0 - item.fraction
                elif item.inhibitor is not None and item.ki is not None:
                    controls.inhibition[kinds, receptor] += item.inhibitor / item.ki
            case Neutralize():
                controls.free[item.molecule] = controls.free.get(item.molecule, 1.0) * (1.0 - item.fraction)
            case Inhibit():
                for kind in (self.biology.cell_index[cell] for cell in item.cells):
                    left = controls.signaling.get((kind, item.pathway), 1.0)
                    controls.signaling[kind, item.pathway] = left * (1.0 - item.fraction)
            case Fix():
                controls.fixed |= {(self.biology.cell_index[cell], item.behavior): item.value for cell in item.cells}
            case KnockOut():
                kinds = [self.biology.cell_index[cell] for cell in item.cells]
                if item.product in self.biology.receptor_index:
                    controls.free_receptor[kinds, self.biology.receptor_index[item.product]] = 0.0
                else:
                    controls.silenced |= {(kind, item.product) for kind in kinds}
            case DoseBath():
                controls.bath[item.molecule] = controls.bath.get(item.molecule, 0.0) + item.rate
            case DoseVessels():
                # The scenario has filled in the catalogue's exchange where none was given.
                controls.blood[item.molecule] = (item.level, item.exchange or 0.0)
            case DoseDepot():
                away = np.linalg.norm(
                    tissue.lattice.coordinates(np.arange(tissue.lattice.n_sites)) - np.array(item.place[::-1]), axis=1
                )
                sites = np.flatnonzero(away <= max(item.radius, away.min()))
                controls.depots.append((item.molecule, sites, item.rate))

    def _deplete(self, tissue: Tissue, item: Deplete, rank: int) -> None:
        kinds = [self.biology.cell_index[cell] for cell in item.cells]
        rows = np.flatnonzero(tissue.living & np.isin(tissue.cells.kind, kinds))
        tissue.request_death(rows[tissue.happens("depletion", item.rate, rows, lane=rank)], APOPTOTIC, "depletion")
