"""Killing by contact: cytotoxic cells bind a target they see, hit it while bound, and let go again."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..core import draws
from ..kernels.choice import choose
from ..kernels.rates import rebinding
from ..tissue import APOPTOTIC, TISSUE, Tissue
from .process import Array, Rows, kinds_with

__all__ = ["Binding", "Killing"]

VISIBILITY = {"antigen": "antigen visibility", "stress": "stress visibility"}


class Binding:
    """Killers keep a bound target while it lives, stays in contact and the bond holds; free ones look for another.

    `binding` remembers how well the partner is seen: by antigen on MHC-I for T cells, by stress ligands and
    missing self for NK cells.
    """

    writes: ClassVar[frozenset[str]] = frozenset({"partner", "binding"})

    def __init__(self, biology: Biology) -> None:
        self.hunters = [
            (kind, VISIBILITY[sees], biology.hunts[kind])
            for kind, sees in enumerate(biology.sees)
            if sees is not None
        ]

    def __call__(self, tissue: Tissue, dt: float) -> None:
        for kind, sight, prey in self.hunters:
            rows = tissue.behavior.rows_of(kind)
            if not len(rows):
                continue
            touched, visible = self._visible_targets(tissue, rows, sight, prey)
            released = self._let_go(tissue, kind, rows, touched, visible)
            self._bind(tissue, kind, rows, touched, visible, released, dt)

    @staticmethod
    def _visible_targets(tissue: Tissue, rows: Rows, sight: str, prey: tuple[int, ...]) -> tuple[Rows, Array]:
        """Rows of the tissue cells in contact (n, k), and how visible each is as a target (0 where it is none)."""
        cells, lattice = tissue.cells, tissue.lattice
        touched = lattice.occupant[TISSUE][lattice.contacts(cells.site[rows])]
        # Empty sites and the wall have negative rows; they all read the last entry, which no cell has.
        touched = np.where(touched < 0, len(cells), touched)
        seen = np.zeros(len(cells) + 1)
        hunted, visibility = tissue.behavior.over(prey, sight)
        seen[hunted] = visibility
        return touched, seen[touched]

    @staticmethod
    def _let_go(tissue: Tissue, kind: int, rows: Rows, touched: Rows, visible: Array) -> NDArray[np.bool_]:
        """Open the bonds whose target is gone and those that do not hold; mark (n,) the latter."""
        cells = tissue.cells
        keys = np.append(cells.key, np.uint64(0))
        held = (keys[touched] == cells.partner[rows][:, None]) & (cells.partner[rows] != 0)[:, None]
        strength = (visible * held).max(axis=1)
        rate = tissue.behavior.each(kind, "detachment")
        released: NDArray[np.bool_] = (strength > 0) & tissue.happens("detachment", rate, rows)
        loses = (strength <= 0) | released
        cells.binding[rows] = np.where(loses, 0.0, strength)
        cells.partner[rows[loses]] = 0
        return released

    @staticmethod
    def _bind(
        tissue: Tissue, kind: int, rows: Rows, touched: Rows, visible: Array, released: NDArray[np.bool_], dt: float
    ) -> None:
        cells = tissue.cells
        free = np.flatnonzero(cells.partner[rows] == 0)
        seekers = rows[free]
        # Each visible neighbor is an independent chance to form a bond.
        on = tissue.behavior.each(kind, "binding")[free] * visible[free].sum(axis=1)
        off = tissue.behavior.each(kind, "detachment")[free]
        # Within a step a killer may let go and bind again, or bind and let go.
        bound, again = rebinding(on, off, dt)
        chance = np.where(released[free], again, bound)
        binds = np.flatnonzero(tissue.draw("binding", cells.key[seekers]) < chance)
        pick = choose(visible[free[binds]], tissue.draw("target", cells.key[seekers[binds]]))
        target = touched[free[binds], pick]
        cells.partner[seekers[binds]] = cells.key[target]
        cells.binding[seekers[binds]] = visible[free[binds], pick]


class Killing:
    """Bound killers hit their target; hits add up, heal, and kill past the lethal damage."""

    writes: ClassVar[frozenset[str]] = frozenset({"damage"})

    def __init__(self, biology: Biology) -> None:
        self.killers = [kind for kind in kinds_with(biology, "attack") if biology.sees[kind] is not None]
        self.targets = sorted({prey for kind in self.killers for prey in biology.hunts[kind]})

    def __call__(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        for kind in self.killers:
            rows = tissue.behavior.rows_of(kind)
            bound = np.flatnonzero(cells.partner[rows] != 0)
            if not len(bound):
                continue
            killers = rows[bound]
            attack = tissue.behavior.each(kind, "attack")[bound]
            expected = attack * cells.binding[killers] * dt
            hits = draws.poisson(tissue.seed, "hits", tissue.clock.step, cells.key[killers], expected)
            np.add.at(cells.damage, self._partners(tissue, killers), hits)
            tissue.count(f"hits by {tissue.kinds[kind]}", cells.site[killers], hits)
            tissue.count(f"engaged minutes of {tissue.kinds[kind]}", cells.site[killers], dt)
        for kind in self.targets:
            rows = tissue.behavior.rows_of(kind)
            lethal = tissue.behavior.each(kind, "lethal damage")
            # A cell for which no lethal damage is stated cannot be killed by hits.
            dying = rows[(lethal > 0) & (cells.damage[rows] >= lethal)]
            tissue.request_death(dying, APOPTOTIC, "cytotoxicity")

    @staticmethod
    def _partners(tissue: Tissue, killers: Rows) -> Rows:
        """Rows of the cells that `killers` are bound to, found among their contacts."""
        cells, lattice = tissue.cells, tissue.lattice
        touched = lattice.occupant[TISSUE][lattice.contacts(cells.site[killers])]
        held = (touched >= 0) & (cells.key[np.maximum(touched, 0)] == cells.partner[killers][:, None])
        partners: Rows = touched[np.arange(len(killers)), np.argmax(held, axis=1)].astype(np.int64)
        return partners
