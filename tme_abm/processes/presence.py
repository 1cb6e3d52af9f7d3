"""What is present in a run: the cell types that can occur, and the molecules that need a field.

A field costs more than all else in a step, so a molecule has one only if it is made and sensed here, is recorded by
request, or is given as a dose.
"""

from __future__ import annotations

import numpy as np

from ..biology import Biology
from ..scenario import Scenario

__all__ = ["fields_needed", "kinds_present"]


def kinds_present(scenario: Scenario, biology: Biology) -> frozenset[int]:
    """The kinds of cell that the scenario starts with, adds, infuses or recruits, and what these can become."""
    there = {name for name, density in scenario.immune.items() if density > 0}
    there |= {cell for item in scenario.protocol for cell in item.brings(scenario)}
    there |= scenario.stroma.planted
    if scenario.tumor.cells:
        there.add(biology.cells[biology.tumor_kinds[0]])
    if scenario.vessels.density > 0:
        offered = {pool for pool, blood in scenario.blood.items() if blood.cells > 0}
        there |= {name for name, pool in zip(biology.cells, biology.pool, strict=True) if pool in offered}
        there |= {name for name, layer in zip(biology.cells, biology.layer, strict=True) if layer == "vessel"}
    kinds = {biology.cell_index[name] for name in there}
    turns = _turns(scenario, biology)
    while new := {target for source, target in turns if source in kinds} - kinds:
        kinds |= new
    return frozenset(kinds)


def fields_needed(scenario: Scenario, biology: Biology) -> list[str]:
    """The molecules that get a field: those made here and sensed or recorded (`record.molecules`), and those dosed."""
    kinds = kinds_present(scenario, biology)
    made, sensed = _made(scenario, biology, kinds), _sensed(biology, kinds)
    given = {item.gives for item in scenario.protocol}
    if scenario.stroma.lives:
        sensed |= {molecule.name for molecule in biology.molecules if molecule.digestion > 0}
    needed = given | made & (sensed | set(scenario.record.molecules))
    return [molecule.name for molecule in biology.molecules if molecule.name in needed]


def _turns(scenario: Scenario, biology: Biology) -> list[tuple[int, int]]:
    """(source, target) of every differentiation that can happen."""
    return [
        (kind, biology.cell_index[name.removeprefix("differentiation ")])
        for name, kind in _doing(scenario, biology)
        if name.startswith("differentiation ")
    ]


def _made(scenario: Scenario, biology: Biology, kinds: frozenset[int]) -> set[str]:
    """Molecules that cells, stroma, vessels or the starting tissue bring."""
    made = {name.removeprefix("secretion ") for name, kind in _doing(scenario, biology) if kind in kinds}
    made |= {molecule for molecule, rate in scenario.stroma.secretion.items() if rate > 0}
    replaced = scenario.replaced
    made |= {m.name for m in biology.molecules if m.background > 0 and m.name not in replaced}
    if scenario.vessels.density > 0:
        made |= {m.name for m in biology.molecules if m.exchange > 0}
    return made


def _sensed(biology: Biology, kinds: frozenset[int]) -> set[str]:
    """Molecules that the cells read as such, remember, or have a receptor for."""
    sensed: set[str] = set()
    for program in biology.programs:
        if program.cell in kinds:
            terms = (*program.ups, *program.downs, *([program.scale] if program.scale is not None else []))
            heard = (biology.signals[term.signal] for term in terms)
            sensed |= {signal.name for signal in heard if signal.kind in ("concentration", "exposure")}
    for number, receptor in enumerate(biology.receptors):
        if any(biology.expresses[kind, number] for kind in kinds):
            sensed |= {ligand for ligand, _ in receptor.ligands}
    return sensed


def _doing(scenario: Scenario, biology: Biology) -> set[tuple[str, int]]:
    """(behavior, kind) of every behavior that can be other than zero in this run."""
    silent = {one for item in scenario.protocol for one in item.silences(biology)}
    able = {(biology.behaviors[behavior], int(kind)) for behavior, kind in np.argwhere(biology.base.T != 0)}
    able |= {(biology.behaviors[program.behavior], program.cell) for program in biology.programs if program.ups}
    return (able - silent).union(*(item.enables(biology, silent) for item in scenario.protocol))
