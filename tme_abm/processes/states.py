"""Cell states that rise and fall: polarization, activation, exhaustion, expression, healing, exposure."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..biology.compiled import Biology
from ..kernels.chance import decay_factor, relax, two_way
from ..tissue import Tissue
from ..tissue.tissue import Rows
from .responding import Response
from .senses import Senses, exposure_column, expression_column, free_level

__all__ = ["Activation", "Exhaustion", "Exposure", "Expression", "Healing", "Polarization", "show_at_once"]


class _Score:
    """A score in [0, 1] that one behavior raises and another lowers: x' = up·(1 − x) − down·x."""

    column: ClassVar[str]
    up: ClassVar[str]
    down: ClassVar[str]

    def __init__(self, biology: Biology) -> None:
        self.kinds = sorted({*biology.kinds_with(self.up), *biology.kinds_with(self.down)})

    def __call__(self, tissue: Tissue, dt: float) -> None:
        score = tissue.cells[self.column]
        rows, up = tissue.behavior.over(self.kinds, self.up)
        _, down = tissue.behavior.over(self.kinds, self.down)
        score[rows] = two_way(score[rows], up, down, dt)


class Polarization(_Score):
    """Macrophages and neutrophils drift between the M2/N2 (0) and the M1/N1 (1) end of one score."""

    writes: ClassVar[frozenset[str]] = frozenset({"polarization"})
    column, up, down = "polarization", "polarization up", "polarization down"


class Activation(_Score):
    """Lymphocytes become active on engagement and calm down after it."""

    writes: ClassVar[frozenset[str]] = frozenset({"activation"})
    column, up, down = "activation", "activation", "deactivation"


class Exhaustion(_Score):
    """Lymphocytes that stay engaged lose their function, and partly recover without."""

    writes: ClassVar[frozenset[str]] = frozenset({"exhaustion"})
    column, up, down = "exhaustion", "exhaustion", "recovery"


class Expression:
    """Cells show contact molecules at the level their rules ask for, as fast as those turn over."""

    def __init__(self, biology: Biology) -> None:
        family = biology.family("expression")
        self.shown = [
            (contact, family[contact.name], biology.kinds_with(family[contact.name]))
            for contact in biology.contacts
            if contact.name in family
        ]
        self.writes = frozenset(expression_column(contact.name) for contact in biology.contacts)

    def __call__(self, tissue: Tissue, dt: float) -> None:
        # One contact molecule may decide on another: all is asked before any changes.
        asked = [(contact, *tissue.behavior.over(kinds, behavior)) for contact, behavior, kinds in self.shown]
        for contact, rows, target in asked:
            if not len(rows):
                continue
            level = tissue.cells[expression_column(contact.name)]
            level[rows] = target if contact.turnover is None else relax(level[rows], target, contact.turnover, dt)


def show_at_once(biology: Biology, tissue: Tissue, rows: Rows) -> None:
    """Let new cells `rows` show contact molecules at the level that their rules ask for where they are."""
    if not len(rows):
        return
    shown = [
        (expression_column(contact), behavior, kind)
        for contact, behavior in biology.family("expression").items()
        for kind in biology.kinds_with(behavior)
    ]
    # One contact molecule may decide on another: all is asked before any changes, and once more when all are there.
    for _ in range(2):
        response = Response(biology, tissue)
        asked = []
        for column, behavior, kind in shown:
            mine = rows[tissue.cells.kind[rows] == kind]
            asked.append((column, mine, response.of_rows(kind, behavior, mine)))
        for column, mine, level in asked:
            tissue.cells[column][mine] = level


class Exposure:
    """Cells remember a molecule: a low-passed level distinguishes chronic from acute exposure, and lets a touch last.

    Of a diffusing molecule the level is its free concentration at the cell; of a contact molecule, what the cell feels
    of its neighbors. The second is followed only in cells that have a rule for it, or can become such cells.
    """

    def __init__(self, biology: Biology) -> None:
        self.biology = biology
        heard = [(number, signal) for number, signal in enumerate(biology.signals) if signal.kind == "exposure"]
        self.dissolved = [(signal.name, signal.memory) for _, signal in heard if signal.name in biology.molecule_index]
        self.felt = [
            (signal.name, signal.memory, _may_listen(biology, number))
            for number, signal in heard
            if signal.name in biology.contact_index
        ]
        self.writes = frozenset(exposure_column(signal.name, signal.memory) for _, signal in heard)

    def __call__(self, tissue: Tissue, dt: float) -> None:
        sites, living = tissue.cells.site.astype(np.intp), tissue.living
        for name, memory in self.dissolved:
            column = tissue.cells[exposure_column(name, memory)]
            # Few are dead: a pass over all is faster than picking the living.
            np.copyto(column, relax(column, free_level(tissue, name, sites), 1.0 / memory, dt), where=living)
        if not self.felt:
            return
        senses = Senses(self.biology, tissue)
        for name, memory, kinds in self.felt:
            rows = tissue.behavior.rows_over(kinds)
            column = tissue.cells[exposure_column(name, memory)]
            column[rows] = relax(column[rows], senses.level(name, sites[rows], rows), 1.0 / memory, dt)


def _may_listen(biology: Biology, signal: int) -> list[int]:
    """The kinds with a rule on `signal`, and those that can become one of them."""
    kinds = {program.cell for program in biology.programs if any(term.signal == signal for term in program.terms)}
    becomes = [
        (biology.cell_index[target], biology.kinds_with(name))
        for target, name in biology.family("differentiation").items()
    ]
    while new := {kind for target, sources in becomes if target in kinds for kind in sources} - kinds:
        kinds |= new
    return sorted(kinds)


class Healing:
    """Sub-lethal damage heals unless further hits come in time."""

    writes: ClassVar[frozenset[str]] = frozenset({"damage"})

    def __init__(self, biology: Biology) -> None:
        self.kinds = biology.kinds_with("healing")

    def __call__(self, tissue: Tissue, dt: float) -> None:
        rows, rate = tissue.behavior.over(self.kinds, "healing")
        tissue.cells.damage[rows] *= decay_factor(rate, dt)
