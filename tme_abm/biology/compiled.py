"""The catalogue as arrays: every name an index, every number in internal units, for one tumor's traits.

Processes and kernels see only this. A behavior that no rule touches is one number a cell type (`base`); one that
rules or a scale touch has a :class:`Program`, the joint Hill response of Johnson et al. 2025
(doi:10.1016/j.cell.2025.06.048): with w_i = (s_i/h_i)^n_i over the terms that increase,
up = (base + Σ w_i T_i) / (1 + Σ w_i); with v_j over those that decrease, (up + Σ v_j T_j) / (1 + Σ v_j); then times
the Hill function of the scale.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .catalogue import Catalogue
from .check import base_number
from .grammar import BEHAVIORS, Signal, signal
from .parameter import Parameter
from .schema import MoleculeEntry, Rule

__all__ = ["Biology", "ContactMolecule", "Molecule", "Program", "Receptor", "Term", "compile"]


@dataclass(frozen=True)
class Molecule:
    """A diffusing molecule: diffusivity [µm²/min], decay [1/min], background [nM]; vessels exchange [1/min] with a
    blood level [nM], both 0 where blood does not matter. Cells clear less of it the more there is: half at `saturation`
    [nM], infinite where uptake does not saturate; digestion of matrix [1/(nM min)], 0 but for proteases.
    """

    name: str
    diffusivity: float
    decay: float
    background: float = 0.0
    exchange: float = 0.0
    level: float = 0.0
    saturation: float = math.inf
    digestion: float = 0.0


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
    """The response of one behavior of one cell type to its signals. `scale` has towards 1 and multiplies the result."""

    cell: int
    behavior: int
    base: float
    ups: tuple[Term, ...] = ()
    downs: tuple[Term, ...] = ()
    scale: Term | None = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """All its terms: those that increase, those that decrease, the scale."""
        return (*self.ups, *self.downs, *(() if self.scale is None else (self.scale,)))

    def without(self, number: int) -> Program:
        """The program without the term of this number in `terms`; without its scale, a behavior is not scaled."""
        ups, downs = len(self.ups), len(self.downs)
        if number < ups:
            return replace(self, ups=self.ups[:number] + self.ups[number + 1 :])
        if number < ups + downs:
            number -= ups
            return replace(self, downs=self.downs[:number] + self.downs[number + 1 :])
        return replace(self, scale=None)


@dataclass(frozen=True, eq=False)
class Biology:
    """The compiled catalogue. Tuples are indexed as their `*_index` says; arrays are read-only float64 or bool.

    layer : "tissue", "immune" or "vessel" of each cell type. pool : its blood pool, None outside the immune layer.
    molecules : the diffusing ones; contacts : those a cell has a level of, on its surface or inside.
    base (cells, behaviors) : value without signals, in the internal unit of the behavior's kind (`kinds`).
    chemotaxis (cells, receptors) : weight with which a cell follows occupancy; expresses : whether it has the receptor.
    uptake (cells, molecules) : µm³ cleared a minute by one cell, where there is little of the molecule.
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
        """Kinds on the lattice in which `behavior` can be nonzero, by its base or a rule."""
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
        """The kinds of tumor cells, which killers attack."""
        return np.array(sorted({kind for prey in self.hunts for kind in prey}), dtype=np.int8)


def compile(catalogue: Catalogue, traits: Mapping[str, float] | None = None) -> Biology:
    """`catalogue` compiled for a tumor with `traits` (name -> value in internal units, by default the catalogue's).

    Raises InputError if a trait is not defined.
    """
    tumor = dict(catalogue.trait_defaults)
    for name, value in (traits or {}).items():
        if name not in tumor:
            raise InputError(f"no trait '{name}'", allowed=tumor, word=name)
        tumor[name] = float(value)
    return _Compiler(catalogue, tumor).biology()


class _Compiler:
    """Compiles a catalogue for a tumor with `traits`; numbers signals in the order in which they are met."""

    def __init__(self, catalogue: Catalogue, traits: Mapping[str, float]) -> None:
        self.catalogue, self.traits, self.words = catalogue, traits, catalogue.vocabulary
        self.cells = _index(catalogue.cells)
        self.behaviors = _index((*BEHAVIORS, *(name for name in catalogue.behaviors if name not in BEHAVIORS)))
        self.signals: dict[Signal, int] = {}

    def biology(self) -> Biology:
        """The compiled catalogue."""
        words, molecules, entries = self.words, self.catalogue.molecules, self.catalogue.cells.values()
        return Biology(
            cells=tuple(self.cells),
            layer=tuple(cell.layer for cell in entries),
            agent=tuple(cell.agent for cell in entries),
            pool=tuple(self.catalogue.pool_of.get(name) for name in self.cells),
            sees=tuple(cell.sees for cell in entries),
            hunts=tuple(tuple(self.cells[prey] for prey in cell.hunts) for cell in entries),
            molecules=tuple(self.molecule(name, molecules[name]) for name in words.diffusing),
            contacts=tuple(
                ContactMolecule(name, None if turnover is None else self.number(turnover, "rate"))
                for name, turnover in ((name, molecules[name].turnover) for name in words.levels)
            ),
            receptors=tuple(
                Receptor(
                    name,
                    tuple(
                        (ligand, self.number(kd, "concentration" if ligand in words.diffusing else "number"))
                        for ligand, kd in receptor.ligands.items()
                    ),
                    receptor.checkpoint,
                )
                for name, receptor in self.catalogue.receptors.items()
            ),
            behaviors=tuple(self.behaviors),
            kinds=tuple(self.catalogue.kind_of(name) for name in self.behaviors),
            programs=tuple(self.programs()),
            signals=tuple(self.signals),
            base=_frozen([[self.base(cell, name) for name in self.behaviors] for cell in self.cells]),
            chemotaxis=self.grid([cell.receptors for cell in entries], words.receptors, "number"),
            expresses=_frozen([[name in cell.receptors for name in words.receptors] for cell in entries], np.bool_),
            uptake=self.grid([cell.uptake for cell in entries], words.diffusing, "clearance"),
            traits=self.traits,
            cell_index=self.cells,
            molecule_index=_index(words.diffusing),
            contact_index=_index(words.levels),
            receptor_index=_index(words.receptors),
            behavior_index=self.behaviors,
            signal_index=_index(str(heard) for heard in self.signals),
            bases_of=self.bases_of(),
        )

    def number(self, parameter: Parameter | None, kind: str, default: float = 0.0) -> float:
        """A number for these traits, internal units."""
        return default if parameter is None else parameter.number(kind, self.traits)

    def base(self, cell: str, name: str) -> float:
        """The value of a behavior of a cell without signals."""
        return base_number(self.catalogue, cell, name, self.traits)

    def molecule(self, name: str, entry: MoleculeEntry) -> Molecule:
        """A diffusing molecule."""
        supply = entry.supply
        return Molecule(
            name=name,
            diffusivity=self.number(entry.diffusivity, "diffusivity"),
            decay=self.number(entry.decay, "rate"),
            background=self.number(entry.background, "concentration"),
            exchange=0.0 if supply is None else self.number(supply.exchange, "rate"),
            level=0.0 if supply is None else self.number(supply.level, "concentration"),
            saturation=self.number(entry.saturation, "concentration", math.inf),
            digestion=self.number(entry.digestion, "digestion"),
        )

    def programs(self) -> Iterator[Program]:
        """A program for every (cell, behavior) with a rule or a scale, or whose base is zero only for want of a trait:
        it may be set later.
        """
        rules: dict[tuple[str, str], list[Rule]] = {}
        for rule in self.catalogue.rules:
            for cell in rule.cell:
                rules.setdefault((cell, rule.behavior), []).append(rule)
        for cell, name in itertools.product(self.cells, self.behaviors):
            own, given = rules.get((cell, name), []), self.catalogue.cells[cell].behaviors.get(name)
            scale, base = None if given is None else given.scaled_by, self.base(cell, name)
            latent = given is not None and given.is_trait and not base
            if own or scale is not None or latent:
                terms = [(rule.effect, self.rule_term(rule)) for rule in own]
                yield Program(
                    cell=self.cells[cell],
                    behavior=self.behaviors[name],
                    base=base,
                    ups=tuple(term for effect, term in terms if effect == "increases"),
                    downs=tuple(term for effect, term in terms if effect == "decreases"),
                    scale=None if scale is None else self.term(scale.signal, scale.half_max, scale.hill, 1.0),
                )

    def rule_term(self, rule: Rule) -> Term:
        """The pull of a rule's signal."""
        towards = self.number(rule.towards, self.catalogue.kind_of(rule.behavior))
        memory = self.number(rule.memory, "time")
        return self.term(rule.signal, rule.half_max, rule.hill, towards, memory, rule.pathway)

    def term(
        self,
        said: str,
        half_max: Parameter,
        hill: Parameter | None,
        towards: float,
        memory: float = 0.0,
        pathway: tuple[str, ...] = (),
    ) -> Term:
        """The pull of the signal that `said` names."""
        heard = replace(signal(said, self.words), memory=memory)
        half, power = self.number(half_max, heard.quantity(self.words)), self.number(hill, "number", 1.0)
        if half <= 0.0 or power <= 0.0:
            raise InputError(f"with these traits the half-max or the Hill power of '{said}' is not above zero")
        return Term(self.signals.setdefault(heard, len(self.signals)), half, power, towards, pathway)

    def bases_of(self) -> Mapping[str, tuple[tuple[int, int], ...]]:
        """Trait -> (cell, behavior) of the bases that it gives."""
        found: dict[str, list[tuple[int, int]]] = {}
        for cell, entry in self.catalogue.cells.items():
            for name, base in entry.behaviors.items():
                if base.trait is not None:
                    found.setdefault(base.trait, []).append((self.cells[cell], self.behaviors[name]))
        return {trait: tuple(bases) for trait, bases in found.items()}

    def grid(self, rows: list[dict[str, Parameter]], columns: tuple[str, ...], kind: str) -> NDArray[np.float64]:
        """The numbers of `rows` by column, 0 where a row has no such number."""
        return _frozen([[self.number(row.get(name), kind) for name in columns] for row in rows])


def _index(names: Iterable[str]) -> Mapping[str, int]:
    return {name: index for index, name in enumerate(names)}


def _frozen(rows: list[list[Any]], dtype: type[Any] = np.float64) -> NDArray[Any]:
    array = np.array(rows, dtype=dtype).reshape(len(rows), -1)
    array.flags.writeable = False
    return array
