"""What is present in a run: the cell types that can ever be there, the molecules worth a field, the medium.

A field costs more than all else in a step, so a molecule has one only if something here makes it and something here
senses it, or somebody asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..biology import Biology
from ..scenario import Hold, Intervention, Scenario
from ..tissue import Lattice

__all__ = ["fields_needed", "held", "kinds_present", "level_held", "tumor_kinds"]


def tumor_kinds(biology: Biology) -> NDArray[np.int8]:
    """The kinds that count as tumor: those on the tissue layer that killers hunt."""
    hunted = {kind for prey in biology.hunts for kind in prey}
    return np.array(sorted(hunted), dtype=np.int8)


def kinds_present(scenario: Scenario, biology: Biology) -> frozenset[int]:
    """The kinds of cell that the scenario starts with, adds, infuses or recruits, and what these can become."""
    protocol = scenario.protocol
    there = {name for name, density in scenario.immune.items() if density > 0}
    there |= {item.cell for item in protocol if item.do == "add"}
    if scenario.tumor.cells:
        there.add(biology.cells[tumor_kinds(biology)[0]])
    if scenario.vessels.density > 0:
        offered = {pool for pool, blood in scenario.blood.items() if blood.cells > 0}
        there |= {name for name, pool in zip(biology.cells, biology.pool, strict=True) if pool in offered}
        there |= {item.cell for item in protocol if item.do == "infuse"}
        there |= {name for name, layer in zip(biology.cells, biology.layer, strict=True) if layer == "vessel"}
    kinds = {biology.cell_index[name] for name in there}
    turns = _turns(scenario, biology)
    while new := {target for source, target in turns if source in kinds} - kinds:
        kinds |= new
    return frozenset(kinds)


def fields_needed(scenario: Scenario, biology: Biology) -> list[str]:
    """The molecules that get a field: made here and sensed here, or made and asked for, or given as a dose."""
    kinds = kinds_present(scenario, biology)
    made, sensed = _made(scenario, biology, kinds), _sensed(biology, kinds)
    given = {item.molecule for item in scenario.protocol if item.do == "dose"}
    wanted = given | made & (sensed | set(scenario.record.molecules))
    return [molecule.name for molecule in biology.molecules if molecule.name in wanted]


def held(protocol: Sequence[Intervention], time: float) -> Iterator[tuple[int, Hold]]:
    """What the medium holds at `time` [min], with its number in the protocol."""
    for number, item in enumerate(protocol):
        if isinstance(item, Hold) and item.active(time):
            yield number, item


def level_held(item: Hold, lattice: Lattice) -> NDArray[np.float64] | float:
    """The level [nM] that the medium holds: one number, or (n_sites,) along a gradient from wall to wall."""
    if item.to is None:
        return item.level
    axis = {"x": -1, "y": -2, "z": -3}[item.axis or "x"]
    at = lattice.coordinates(np.arange(lattice.n_sites))[:, axis]
    far: NDArray[np.float64] = at / (lattice.shape[axis] * lattice.spacing)
    return item.level + (item.to - item.level) * far


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
    replaced = {item.molecule for _, item in held(scenario.protocol, 0.0)}
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


def _doing(scenario: Scenario, biology: Biology) -> Iterator[tuple[str, int]]:
    """(behavior, kind) of every behavior that can be other than zero in this run."""
    silent = _silent(scenario, biology)
    able = {(biology.behaviors[behavior], int(kind)) for behavior, kind in np.argwhere(biology.base.T != 0)}
    able |= {(biology.behaviors[program.behavior], program.cell) for program in biology.programs if program.ups}
    yield from able - silent
    for item in scenario.protocol:
        if item.do == "fix" and item.value:
            for cell in item.cells:
                yield item.behavior, biology.cell_index[cell]
        elif item.do == "set trait" and item.value:
            bases = {(biology.behaviors[number], kind) for kind, number in biology.bases_of.get(item.trait, ())}
            yield from bases - silent


def _silent(scenario: Scenario, biology: Biology) -> set[tuple[str, int]]:
    """(behavior, kind) of what is clamped to zero from beginning to end."""
    return {
        (item.behavior, biology.cell_index[cell])
        for item in scenario.protocol
        if item.do == "fix" and not item.value and not item.start and item.stop is None
        for cell in item.cells
    }
