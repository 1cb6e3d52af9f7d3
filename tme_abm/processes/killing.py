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

Touched = NDArray[np.int32]

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

    def _visible_targets(self, tissue: Tissue, hunters: list[int], rows: Rows) -> tuple[Touched, Array]:
        """Rows of the tissue cells in contact (n, k), and how visible each is as a target (0: not at all)."""
        cells, lattice = tissue.cells, tissue.lattice
        touched = lattice.occupant[TISSUE].take(lattice.contacts(cells.site.take(rows)))
        visible, first = np.empty(touched.shape), 0
        for kind in hunters:
            sight, prey = self.hunters[kind]
            hunted, visibility = tissue.behavior.over(prey, sight)
            # Empty sites and the wall have the rows −1 and −2: they read the last entries, which no cell has.
            seen = np.zeros(len(cells) + 2)
            seen[hunted] = visibility
            last = first + len(tissue.behavior.rows_of(kind))
            seen.take(touched[first:last], out=visible[first:last])
            first = last
        return touched, visible

    @staticmethod
    def _let_go(tissue: Tissue, rows: Rows, touched: Touched, visible: Array, off: Array) -> NDArray[np.bool_]:
        """Open the bonds whose target is gone and those that do not hold; mark (n,) the latter."""
        cells = tissue.cells
        bound = np.flatnonzero(cells.partner.take(rows))
        held = _holds(tissue, rows[bound], touched[bound])
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
        touched: Touched,
        visible: Array,
        released: NDArray[np.bool_],
        on: Array,
        off: Array,
        dt: float,
    ) -> None:
        cells = tissue.cells
        # Each visible neighbor is an independent chance to form a bond; most seekers touch none.
        free = np.flatnonzero((cells.partner.take(rows) == 0) & (visible @ np.ones(visible.shape[1]) > 0))
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
        bound = np.flatnonzero(cells.partner.take(rows))
        killers, site, kind_of = rows[bound], cells.site[rows[bound]], cells.kind[rows[bound]]
        expected = attack[bound] * cells.binding[killers] * dt
        hits = draws.poisson(tissue.seed, "hits", tissue.clock.step, cells.key[killers], expected)
        # Hits of several killers are added up first: of whole numbers the sum does not depend on the order of the rows.
        cells.damage += np.bincount(self._partners(tissue, killers), weights=hits, minlength=len(cells))
        for kind in self.killers:
            of_kind = np.flatnonzero(kind_of == kind)
            if len(of_kind):
                tissue.count(f"hits by {tissue.kinds[kind]}", site[of_kind], hits[of_kind])
                tissue.count(f"engaged minutes of {tissue.kinds[kind]}", site[of_kind], dt)
        for kind in self.targets:
            rows = tissue.behavior.rows_of(kind)
            lethal = np.asarray(tissue.behavior.of(kind, "lethal damage"))
            # A cell for which no lethal damage is stated cannot be killed by hits.
            dying = np.flatnonzero((lethal > 0) & (cells.damage.take(rows) >= lethal))
            tissue.request_death(rows[dying], APOPTOTIC, "cytotoxicity")

    @staticmethod
    def _partners(tissue: Tissue, killers: Rows) -> Rows:
        """Rows of the cells that `killers` are bound to, found among their contacts."""
        cells, lattice = tissue.cells, tissue.lattice
        touched = lattice.occupant[TISSUE].take(lattice.contacts(cells.site[killers]))
        held = _holds(tissue, killers, touched)
        partners: Rows = touched[np.arange(len(killers)), np.argmax(held, axis=1)].astype(np.int64)
        return partners


def _holds(tissue: Tissue, killers: Rows, touched: Touched) -> NDArray[np.bool_]:
    """Mark the cell (n, k), among the rows `touched` or negative numbers, to which each of `killers` (n,) is bound."""
    keys = tissue.cells.key.take(touched, mode="clip")
    held: NDArray[np.bool_] = (touched >= 0) & (keys == tissue.cells.partner[killers][:, None])
    return held
