"""The catalogue as arrays: every name an index, every number in internal units, for one tumor's traits.

Processes and kernels see only this. A behavior that no rule touches is one number a cell type (`base`); one that
rules or a scale touch has a :class:`Program`, the joint Hill response of Johnson et al. 2025
(doi:10.1016/j.cell.2025.06.048): with w_i = (s_i/h_i)^n_i over the terms that increase,
up = (base + Σ w_i T_i) / (1 + Σ w_i); with v_j over those that decrease, (up + Σ v_j T_j) / (1 + Σ v_j); then times
the Hill function of the scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .catalogue import Catalogue
from .check import base_number
from .grammar import BEHAVIORS, Signal, behavior, family_members, signal
from .parameter import Parameter
from .schema import MoleculeEntry, Rule, Scale

__all__ = ["Biology", "ContactMolecule", "Molecule", "Program", "Receptor", "Term", "compile"]


@dataclass(frozen=True)
class Molecule:
    """A diffusing molecule: diffusivity [µm²/min], decay [1/min], background [nM]; vessels exchange [1/min] with a
    blood level [nM], both 0 where blood does not matter.
    """

    name: str
    diffusivity: float
    decay: float
    background: float = 0.0
    exchange: float = 0.0
    level: float = 0.0


@dataclass(frozen=True)
class ContactMolecule:
    """A molecule that a cell has a level of, on its surface or inside; turnover [1/min], None when the level follows
    its target at once.
    """

    name: str
    turnover: float | None = None


@dataclass(frozen=True)
class Receptor:
    """A receptor: (molecule, Kd) of each ligand, Kd in nM, or in units of level for a contact molecule."""

    name: str
    ligands: tuple[tuple[str, float], ...]
    checkpoint: bool = False


@dataclass(frozen=True)
class Term:
    """One signal's pull: index of the signal, half-max (unit of the signal), Hill power, value it pulls towards, and
    the pathways that carry it.
    """

    signal: int
    half_max: float
    hill: float
    towards: float
    pathway: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """How one behavior of one cell type answers its signals. `scale` has towards 1 and multiplies the result."""

    cell: int
    behavior: int
    base: float
    ups: tuple[Term, ...] = ()
    downs: tuple[Term, ...] = ()
    scale: Term | None = None


@dataclass(frozen=True, eq=False)
class Biology:
    """The compiled catalogue. Tuples are indexed as their `*_index` says; arrays are read-only float64 or bool.

    layer : "tissue", "immune" or "vessel" of each cell type. pool : its blood pool, None outside the immune layer.
    molecules : the diffusing ones; contacts : those a cell has a level of, on its surface or inside.
    base (cells, behaviors) : value without signals, in the internal unit of the behavior's kind (`kinds`).
    chemotaxis (cells, receptors) : weight with which a cell follows occupancy; expresses : whether it has the receptor.
    uptake (cells, molecules) : µm³ cleared a minute by one cell.
    bases_of : (cell, behavior) of the bases that a trait gives, by trait.
    """

    cells: tuple[str, ...]
    layer: tuple[str, ...]
    agent: tuple[str, ...]
    pool: tuple[str | None, ...]
    sees: tuple[str | None, ...]
    hunts: tuple[tuple[int, ...], ...]
    molecules: tuple[Molecule, ...]
    contacts: tuple[ContactMolecule, ...]
    receptors: tuple[Receptor, ...]
    behaviors: tuple[str, ...]
    kinds: tuple[str, ...]
    signals: tuple[Signal, ...]
    programs: tuple[Program, ...]
    base: NDArray[np.float64]
    chemotaxis: NDArray[np.float64]
    expresses: NDArray[np.bool_]
    uptake: NDArray[np.float64]
    traits: Mapping[str, float]
    cell_index: Mapping[str, int]
    molecule_index: Mapping[str, int]
    contact_index: Mapping[str, int]
    receptor_index: Mapping[str, int]
    behavior_index: Mapping[str, int]
    signal_index: Mapping[str, int]
    bases_of: Mapping[str, tuple[tuple[int, int], ...]]

    def kinds_with(self, behavior: str) -> list[int]:
        """Kinds on the lattice in which `behavior` is ever other than zero: a base value or a rule gives it one."""
        column = self.behavior_index[behavior]
        ruled = {program.cell for program in self.programs if program.behavior == column}
        return [
            kind
            for kind, layer in enumerate(self.layer)
            if layer != "vessel" and (kind in ruled or self.base[kind, column] != 0)
        ]

    def family(self, name: str) -> Mapping[str, str]:
        """The behaviors of a family such as "secretion": what follows the family's name -> the behavior's name."""
        prefix = f"{name} "
        return {one.removeprefix(prefix): one for one in self.behaviors if one.startswith(prefix)}

    @property
    def tumor_kinds(self) -> NDArray[np.int8]:
        """The kinds that count as tumor: those that killers hunt."""
        return np.array(sorted({kind for prey in self.hunts for kind in prey}), dtype=np.int8)


def compile(catalogue: Catalogue, traits: Mapping[str, float] | None = None) -> Biology:
    """`catalogue` for a tumor with `traits` (name -> value in internal units; the defaults for those left out).

    Raises InputError for a trait nobody defined.
    """
    tumor = dict(catalogue.trait_defaults)
    for name, value in (traits or {}).items():
        if name not in tumor:
            raise InputError(f"no trait '{name}'", allowed=tumor, word=name)
        tumor[name] = float(value)
    words = catalogue.vocabulary
    cells = tuple(catalogue.cells)
    behaviors = (*BEHAVIORS, *_used_family_members(catalogue))
    cell_index, behavior_index = _index(cells), _index(behaviors)
    molecule_index, receptor_index = _index(words.diffusing), _index(words.receptors)
    signals: dict[Signal, int] = {}
    entries = catalogue.cells.values()
    return Biology(
        cells=cells,
        layer=tuple(cell.layer for cell in entries),
        agent=tuple(cell.agent for cell in entries),
        pool=tuple(cell.pool or (name if cell.layer == "immune" else None) for name, cell in catalogue.cells.items()),
        sees=tuple(cell.sees for cell in entries),
        hunts=tuple(tuple(cell_index[prey] for prey in cell.hunts) for cell in entries),
        molecules=tuple(_molecule(name, catalogue.molecules[name], tumor) for name in words.diffusing),
        contacts=tuple(
            ContactMolecule(name, _optional(catalogue.molecules[name].turnover, "rate", tumor, None))
            for name in words.levels
        ),
        receptors=tuple(
            Receptor(
                name,
                tuple(
                    (ligand, kd.number("concentration" if ligand in words.diffusing else "number", tumor))
                    for ligand, kd in receptor.ligands.items()
                ),
                receptor.checkpoint,
            )
            for name, receptor in catalogue.receptors.items()
        ),
        behaviors=behaviors,
        kinds=tuple(behavior(name, words).kind for name in behaviors),
        programs=_programs(catalogue, tumor, cell_index, behavior_index, signals),
        signals=tuple(signals),
        base=_frozen([[base_number(catalogue, cell, name, tumor) for name in behaviors] for cell in cells]),
        chemotaxis=_frozen(_grid([cell.receptors for cell in entries], words.receptors, "number", tumor)),
        expresses=_frozen([[name in cell.receptors for name in words.receptors] for cell in entries], np.bool_),
        uptake=_frozen(_grid([cell.uptake for cell in entries], words.diffusing, "clearance", tumor)),
        traits=tumor,
        cell_index=cell_index,
        molecule_index=molecule_index,
        contact_index=_index(words.levels),
        receptor_index=receptor_index,
        behavior_index=behavior_index,
        signal_index=_index(str(heard) for heard in signals),
        bases_of=_bases_of(catalogue, cell_index, behavior_index),
    )


def _programs(
    catalogue: Catalogue,
    traits: Mapping[str, float],
    cell_index: Mapping[str, int],
    behavior_index: Mapping[str, int],
    signals: dict[Signal, int],
) -> tuple[Program, ...]:
    """A program for every (cell, behavior) with a rule or a scale, or whose base is zero only for want of a trait: it
    may be set later. Numbers `signals` in the order they are met.
    """
    rules: dict[tuple[int, int], list[Rule]] = {}
    scales: dict[tuple[int, int], Scale] = {}
    latent: set[tuple[int, int]] = set()
    for rule in catalogue.rules:
        for cell in rule.cell:
            rules.setdefault((cell_index[cell], behavior_index[rule.behavior]), []).append(rule)
    for cell, entry in catalogue.cells.items():
        for name, base in entry.behaviors.items():
            if base.scaled_by is not None:
                scales[cell_index[cell], behavior_index[name]] = base.scaled_by
            if base.is_trait and not base_number(catalogue, cell, name, traits):
                latent.add((cell_index[cell], behavior_index[name]))
    cells, behaviors = tuple(cell_index), tuple(behavior_index)
    programs = []
    for where in sorted({*rules, *scales, *latent}):
        terms = [(rule.effect, _rule_term(catalogue, rule, traits, signals)) for rule in rules.get(where, [])]
        scale = scales.get(where)
        programs.append(
            Program(
                cell=where[0],
                behavior=where[1],
                base=base_number(catalogue, cells[where[0]], behaviors[where[1]], traits),
                ups=tuple(term for effect, term in terms if effect == "increases"),
                downs=tuple(term for effect, term in terms if effect == "decreases"),
                scale=None
                if scale is None
                else _term(catalogue, scale.signal, scale.half_max, scale.hill, 0.0, 1.0, traits, signals),
            )
        )
    return tuple(programs)


def _bases_of(
    catalogue: Catalogue, cell_index: Mapping[str, int], behavior_index: Mapping[str, int]
) -> Mapping[str, tuple[tuple[int, int], ...]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for cell, entry in catalogue.cells.items():
        for name, base in entry.behaviors.items():
            if base.trait is not None:
                found.setdefault(base.trait, []).append((cell_index[cell], behavior_index[name]))
    return {trait: tuple(bases) for trait, bases in found.items()}


def _rule_term(catalogue: Catalogue, rule: Rule, traits: Mapping[str, float], signals: dict[Signal, int]) -> Term:
    memory = _optional(rule.memory, "time", traits, 0.0)
    towards = rule.towards.number(behavior(rule.behavior, catalogue.vocabulary).kind, traits)
    term = _term(catalogue, rule.signal, rule.half_max, rule.hill, memory or 0.0, towards, traits, signals)
    return replace(term, pathway=rule.pathway)


def _term(
    catalogue: Catalogue,
    said: str,
    half_max: Parameter,
    hill: Parameter | None,
    memory: float,
    towards: float,
    traits: Mapping[str, float],
    signals: dict[Signal, int],
) -> Term:
    heard = signal(said, catalogue.vocabulary)
    heard = Signal(heard.kind, heard.name, memory)
    half = half_max.number(heard.quantity(catalogue.vocabulary), traits)
    power = _optional(hill, "number", traits, 1.0) or 0.0
    if half <= 0.0 or power <= 0.0:
        raise InputError(f"with these traits the half-max or the Hill power of '{said}' is not above zero")
    return Term(signals.setdefault(heard, len(signals)), half, power, towards)


def _molecule(name: str, entry: MoleculeEntry, traits: Mapping[str, float]) -> Molecule:
    supply = entry.supply
    return Molecule(
        name=name,
        diffusivity=_optional(entry.diffusivity, "diffusivity", traits, 0.0) or 0.0,
        decay=_optional(entry.decay, "rate", traits, 0.0) or 0.0,
        background=_optional(entry.background, "concentration", traits, 0.0) or 0.0,
        exchange=0.0 if supply is None else supply.exchange.number("rate", traits),
        level=0.0 if supply is None else supply.level.number("concentration", traits),
    )


def _optional(
    parameter: Parameter | None, kind: str, traits: Mapping[str, float], default: float | None
) -> float | None:
    return default if parameter is None else parameter.number(kind, traits)


def _used_family_members(catalogue: Catalogue) -> tuple[str, ...]:
    """Behaviors such as "secretion IFNG" that some cell has a base or a rule for, in the catalogue's order."""
    used = {name for cell in catalogue.cells.values() for name in cell.behaviors}
    used |= {rule.behavior for rule in catalogue.rules}
    return tuple(name for name in family_members(catalogue.vocabulary) if name in used)


def _grid(
    rows: list[dict[str, Parameter]], columns: tuple[str, ...], kind: str, traits: Mapping[str, float]
) -> list[list[float]]:
    return [[row[name].number(kind, traits) if name in row else 0.0 for name in columns] for row in rows]


def _index(names: Iterable[str]) -> Mapping[str, int]:
    return {name: index for index, name in enumerate(names)}


def _frozen(rows: list[list[Any]], dtype: type[Any] = np.float64) -> NDArray[Any]:
    array = np.array(rows, dtype=dtype).reshape(len(rows), -1)
    array.flags.writeable = False
    return array
