"""Killing by contact: cytotoxic cells bind a target they see, hit it while bound, and let go again."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..core import draws
from ..kernels.chance import choose, rebinding
from ..tissue import APOPTOTIC, TISSUE, Tissue
from ..tissue.tissue import Array, Rows

__all__ = ["Binding", "Killing"]

VISIBILITY = {"antigen": "antigen visibility", "stress": "stress visibility"}


class Binding:
    """Killers keep a bound target while it lives, stays in contact and the bond holds; free ones look for another.

    `binding` remembers how well the partner is seen: by antigen on MHC-I for T cells, by stress ligands and
    missing self for NK cells.
    """

    writes: ClassVar[frozenset[str]] = frozenset({"partner", "binding"})

    def __init__(self, biology: Biology) -> None:
        self.hunters = {kind: (VISIBILITY[sees], biology.hunts[kind]) for kind, sees in enumerate(biology.sees) if sees}

    def __call__(self, tissue: Tissue, dt: float) -> None:
        # All hunters at once; they differ in what they see only.
        hunters = [kind for kind in self.hunters if len(tissue.behavior.rows_of(kind))]
        if not hunters:
            return
        rows = tissue.behavior.rows_over(hunters)
        on, off = tissue.behavior.table(hunters, ("binding", "detachment"))
        touched, visible = self._visible_targets(tissue, hunters, rows)
        released = self._let_go(tissue, rows, touched, visible, off)
        self._bind(tissue, rows, touched, visible, released, on, off, dt)

    def _visible_targets(self, tissue: Tissue, hunters: list[int], rows: Rows) -> tuple[Rows, Array]:
        """Rows of the tissue cells in contact (n, k), and how visible each is as a target (0: not at all)."""
        cells, lattice = tissue.cells, tissue.lattice
        touched = lattice.occupant[TISSUE][lattice.contacts(cells.site[rows])].astype(np.intp)
        # Empty sites and the wall have negative rows; they all read the last entry, which no cell has.
        touched[touched < 0] = len(cells)
        visible, first = np.empty(touched.shape), 0
        for kind in hunters:
            sight, prey = self.hunters[kind]
            hunted, visibility = tissue.behavior.over(prey, sight)
            seen = np.zeros(len(cells) + 1)
            seen[hunted] = visibility
            last = first + len(tissue.behavior.rows_of(kind))
            visible[first:last] = seen[touched[first:last]]
            first = last
        return touched, visible

    @staticmethod
    def _let_go(tissue: Tissue, rows: Rows, touched: Rows, visible: Array, off: Array) -> NDArray[np.bool_]:
        """Open the bonds whose target is gone and those that do not hold; mark (n,) the latter."""
        cells = tissue.cells
        bound = np.flatnonzero(cells.partner[rows] != 0)
        keys = np.append(cells.key, np.uint64(0))
        held = keys[touched[bound]] == cells.partner[rows[bound]][:, None]
        strength = np.zeros(len(rows))
        strength[bound] = (visible[bound] * held).max(axis=1)
        holding = np.flatnonzero(strength > 0)
        released = np.zeros(len(rows), dtype=bool)
        released[holding] = tissue.happens("detachment", off[holding], rows[holding])
        strength[released] = 0.0
        cells.binding[rows] = strength
        cells.partner[rows[strength <= 0]] = 0
        return released

    @staticmethod
    def _bind(
        tissue: Tissue,
        rows: Rows,
        touched: Rows,
        visible: Array,
        released: NDArray[np.bool_],
        on: Array,
        off: Array,
        dt: float,
    ) -> None:
        cells = tissue.cells
        # Each visible neighbor is an independent chance to form a bond; most seekers touch none.
        free = np.flatnonzero((cells.partner[rows] == 0) & visible.any(axis=1))
        seekers = rows[free]
        on = on[free] * visible[free].sum(axis=1)
        off = off[free]
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
        self.killers = [kind for kind in biology.kinds_with("attack") if biology.sees[kind] is not None]
        self.targets = sorted({prey for kind in self.killers for prey in biology.hunts[kind]})

    def __call__(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows, attack = tissue.behavior.over(self.killers, "attack")
        bound = np.flatnonzero(cells.partner[rows] != 0)
        killers, site, kind_of = rows[bound], cells.site[rows[bound]], cells.kind[rows[bound]]
        expected = attack[bound] * cells.binding[killers] * dt
        hits = draws.poisson(tissue.seed, "hits", tissue.clock.step, cells.key[killers], expected)
        np.add.at(cells.damage, self._partners(tissue, killers), hits)
        for kind in self.killers:
            of_kind = np.flatnonzero(kind_of == kind)
            if len(of_kind):
                tissue.count(f"hits by {tissue.kinds[kind]}", site[of_kind], hits[of_kind])
                tissue.count(f"engaged minutes of {tissue.kinds[kind]}", site[of_kind], dt)
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
