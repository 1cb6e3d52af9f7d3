"""The catalogue: everything the package knows, as read from its files and not yet turned into arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..core.units import show
from .grammar import BEHAVIORS, DEFAULT_BASE, FRACTIONS, Vocabulary, behavior, family_members, signal
from .parameter import Parameter
from .schema import CellEntry, MoleculeEntry, Pack, ReceptorEntry, ReferenceEntry, Rule, TraitEntry

__all__ = ["Catalogue", "Entry", "file_of", "in_words"]

_FAMILIES = {"secretion": "of", "expression": "of", "differentiation": "into"}  # behaviors of one molecule or cell each


class Entry(NamedTuple):
    """One number of the catalogue: its place, such as ``cell.CD8.behaviors.attack`` or ``rule (CD8: PD1 occupancy
    decreases attack): towards``, its kind of quantity, whether 0 is impossible, and whether it is a share of 1.
    """

    place: str
    parameter: Parameter
    kind: str
    positive: bool = False
    share: bool = False


@dataclass(frozen=True)
class Catalogue:
    """References, molecules, receptors, traits and cells by id, and the rules in the order of their files; `origins`
    has the file that said what is at a place, `packs` what was laid over the shipped files.
    """

    references: dict[str, ReferenceEntry]
    molecules: dict[str, MoleculeEntry]
    receptors: dict[str, ReceptorEntry]
    traits: dict[str, TraitEntry]
    cells: dict[str, CellEntry]
    rules: tuple[Rule, ...]
    packs: tuple[Pack, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __hash__(self) -> int:
        return id(self)  # for caches: a table has no hash of its own

    def file_of(self, place: str) -> str:
        """The file of the value at `place`, or of the nearest table around it; "" if there is no such file."""
        return file_of(self.origins, place)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names that rules may use."""
        diffusing = tuple(name for name, entry in self.molecules.items() if entry.reach == "diffusing")
        return Vocabulary(
            diffusing=diffusing,
            levels=tuple(name for name in self.molecules if name not in diffusing),
            inside=frozenset(name for name, entry in self.molecules.items() if entry.reach == "inside"),
            receptors=tuple(self.receptors),
            cells=tuple(self.cells),
        )

    @property
    def diffusing(self) -> tuple[str, ...]:
        """The molecules that can be fields."""
        return self.vocabulary.diffusing

    @cached_property
    def placed(self) -> tuple[str, ...]:
        """The cells that stand on the lattice."""
        return tuple(name for name, cell in self.cells.items() if cell.layer != "vessel")

    @cached_property
    def pool_of(self) -> Mapping[str, str]:
        """Immune cell -> its blood pool."""
        return {name: cell.pool or name for name, cell in self.cells.items() if cell.layer == "immune"}

    @property
    def immune(self) -> tuple[str, ...]:
        """The cells of the immune layer."""
        return tuple(self.pool_of)

    def of_layer(self, layer: str) -> tuple[str, ...]:
        """The cells of a layer: ``"tissue"``, ``"immune"`` or ``"vessel"``."""
        return tuple(name for name, cell in self.cells.items() if cell.layer == layer)

    @cached_property
    def stromal(self) -> tuple[str, ...]:
        """The cells of the tissue layer that nothing hunts: the stroma's own."""
        hunted = {prey for cell in self.cells.values() for prey in cell.hunts}
        return tuple(name for name in self.of_layer("tissue") if name not in hunted)

    @property
    def pools(self) -> tuple[str, ...]:
        """The blood pools."""
        return tuple(dict.fromkeys(self.pool_of.values()))

    @property
    def products(self) -> tuple[str, ...]:
        """What a gene can make: molecules and receptors."""
        return tuple(dict.fromkeys((*self.molecules, *self.receptors)))

    @cached_property
    def behaviors(self) -> Mapping[str, tuple[str, ...]]:
        """Behavior -> the cells that have it by a base, a rule or, in the immune layer, a default."""
        found: dict[str, set[str]] = {}
        for name, cell in self.cells.items():
            for what in (*cell.behaviors, *(DEFAULT_BASE if cell.layer == "immune" else ())):
                found.setdefault(what, set()).add(name)
        for rule in self.rules:
            found.setdefault(rule.behavior, set()).update(rule.cell)
        known = (*BEHAVIORS, *family_members(self.vocabulary))
        return {what: self._in_order(found[what]) for what in known if what in found}

    @cached_property
    def pathways(self) -> Mapping[str, tuple[str, ...]]:
        """Pathway, in alphabetical order -> the cells with a rule that it carries."""
        found: dict[str, set[str]] = {}
        for rule in self.rules:
            for name in rule.pathway:
                found.setdefault(name, set()).update(rule.cell)
        return {name: self._in_order(found[name]) for name in sorted(found)}

    @cached_property
    def carriers(self) -> Mapping[str, tuple[str, ...]]:
        """Receptor -> the cells that carry it."""
        return {
            receptor: tuple(name for name, cell in self.cells.items() if receptor in cell.receptors)
            for receptor in self.receptors
        }

    @cached_property
    def producers(self) -> Mapping[str, tuple[str, ...]]:
        """Molecule -> the cells with a base or a rule for secreting it, or for having a level of it."""
        ways = {molecule: (f"secretion {molecule}", f"expression {molecule}") for molecule in self.molecules}
        return {
            molecule: self._in_order({cell for one in way for cell in self.behaviors.get(one, ())})
            for molecule, way in ways.items()
        }

    @property
    def outside(self) -> tuple[str, ...]:
        """The molecules outside of cells: those that diffuse, and those that neighbors feel."""
        return (*self.vocabulary.diffusing, *self.vocabulary.contacts)

    @cached_property
    def sensed(self) -> frozenset[str]:
        """The molecules that a rule reads, that a receptor of some cell binds, or that digest the matrix."""
        said = [rule.signal for rule in self.rules]
        bases = [base for cell in self.cells.values() for base in cell.behaviors.values()]
        said += [base.scaled_by.signal for base in bases if base.scaled_by is not None]
        heard = {signal(text, self.vocabulary).name for text in said}
        carried = [entry for receptor, entry in self.receptors.items() if self.carriers[receptor]]
        bound = {ligand for entry in carried for ligand in entry.ligands}
        digesting = {name for name, entry in self.molecules.items() if entry.digestion is not None}
        return frozenset((heard | bound | digesting) & set(self.molecules))

    @cached_property
    def exchange(self) -> Mapping[str, float]:
        """Molecule -> exchange between blood and a vessel's site [1/min], where the catalogue has one."""
        supplied = {name: molecule.supply for name, molecule in self.molecules.items()}
        return {name: supply.exchange.number("rate") for name, supply in supplied.items() if supply is not None}

    def kind_of(self, what: str) -> str:
        """The kind of quantity of a behavior."""
        return behavior(what, self.vocabulary).kind

    @cached_property
    def trait_ranges(self) -> Mapping[str, tuple[float | None, float | None]]:
        """Trait -> the ends of its range, internal units; None where it has none."""
        return {name: entry.bounds(entry.kind) or (None, None) for name, entry in self.traits.items()}

    @cached_property
    def trait_defaults(self) -> dict[str, float]:
        """Value of every trait, internal units, when a scenario does not say otherwise."""
        return {name: entry.number(entry.kind, place=f"trait.{name}") for name, entry in self.traits.items()}

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(place, parameter) of every number; a trait is a number, a reference to it is not."""
        for entry in self.entries():
            if not entry.parameter.is_trait:
                yield entry.place, entry.parameter

    def entries(self) -> Iterator[Entry]:
        """Every number with its kind of quantity. Raises InputError for an unknown behavior or signal."""
        for name, trait in self.traits.items():
            yield Entry(f"trait.{name}", trait, trait.kind)
        for name, molecule in self.molecules.items():
            yield from _of_molecule(name, molecule)
        for name, receptor in self.receptors.items():
            for ligand, constant in receptor.ligands.items():
                kind = "concentration" if ligand in self.vocabulary.diffusing else "number"
                yield Entry(f"receptor.{name}.ligands.{ligand}", constant, kind, positive=True)
        for name, cell in self.cells.items():
            yield from self._of_cell(name, cell)
        for rule in self.rules:
            yield from self._of_rule(rule)

    def sentences(self) -> list[str]:
        """The rules in plain English, one sentence for each cell they hold in; then the scales."""
        said = [self._sentence(rule, cell) for rule in self.rules for cell in rule.cell]
        for name, cell in self.cells.items():
            for what, base in cell.behaviors.items():
                if base.scaled_by is not None:
                    half_max, hill = self._curve(base.scaled_by.signal, base.scaled_by.half_max, base.scaled_by.hill)
                    said.append(
                        f"In {_plural(self.cells[name].name)}, {in_words(what)} is multiplied by a Hill function of "
                        f"{base.scaled_by.signal} (half-max {half_max}, Hill {hill})."
                    )
        return said

    def base_text(self, cell: str, name: str) -> str:
        """The base of a behavior as text."""
        kind = behavior(name, self.vocabulary).kind
        base = self.cells[cell].behaviors.get(name)
        if base is not None:
            return base.text(kind)
        default = DEFAULT_BASE.get(name, 0.0)
        return show(default, kind) if default else "0"

    def _in_order(self, cells: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in self.cells if name in cells)

    def _sentence(self, rule: Rule, cell: str) -> str:
        kind = behavior(rule.behavior, self.vocabulary).kind
        half_max, hill = self._curve(rule.signal, rule.half_max, rule.hill)
        memory = f", memory {rule.memory.text('time')}" if rule.memory is not None else ""
        given, base = self.cells[cell].behaviors.get(rule.behavior), self.base_text(cell, rule.behavior)
        # What lowers a behavior with base 0 lowers what other rules have made of it.
        start = "" if base == "0" and rule.effect == "decreases" else f"from {base} "
        through = f"through {' and '.join(rule.pathway)} " if rule.pathway else ""
        return (
            f"In {_plural(self.cells[cell].name)}, {rule.signal} {rule.effect} {in_words(rule.behavior)} "
            f"{through}{start}towards {rule.towards.text(kind, like=given)} (half-max {half_max}, Hill {hill}{memory})."
        )

    def _curve(self, said: str, half_max: Parameter, hill: Parameter | None) -> tuple[str, str]:
        kind = signal(said, self.vocabulary).quantity(self.vocabulary)
        return half_max.text(kind), "1" if hill is None else hill.text("number")

    def _of_cell(self, name: str, cell: CellEntry) -> Iterator[Entry]:
        for what, base in cell.behaviors.items():
            place = f"cell.{name}.behaviors.{what}"
            yield Entry(place, base, behavior(what, self.vocabulary).kind, share=what in FRACTIONS)
            if base.scaled_by is not None:
                scale = base.scaled_by
                heard = signal(scale.signal, self.vocabulary)
                half_max, kind = scale.half_max, heard.quantity(self.vocabulary)
                yield Entry(f"{place}.scaled_by.half_max", half_max, kind, positive=True, share=heard.is_share)
                if scale.hill is not None:
                    yield Entry(f"{place}.scaled_by.hill", scale.hill, "number", positive=True)
        for receptor, weight in cell.receptors.items():
            yield Entry(f"cell.{name}.receptors.{receptor}", weight, "number")
        for molecule, clearance in cell.uptake.items():
            yield Entry(f"cell.{name}.uptake.{molecule}", clearance, "clearance")

    def _of_rule(self, rule: Rule) -> Iterator[Entry]:
        place = rule.place
        kind, share = behavior(rule.behavior, self.vocabulary).kind, rule.behavior in FRACTIONS
        yield Entry(f"{place}: towards", rule.towards, kind, share=share)
        heard = signal(rule.signal, self.vocabulary)
        kind, share = heard.quantity(self.vocabulary), heard.is_share
        yield Entry(f"{place}: half_max", rule.half_max, kind, positive=True, share=share)
        if rule.hill is not None:
            yield Entry(f"{place}: hill", rule.hill, "number", positive=True)
        if rule.memory is not None:
            yield Entry(f"{place}: memory", rule.memory, "time", positive=True)


def file_of(origins: Mapping[str, str], place: str) -> str:
    """The origin of `place`, or of the nearest table around it; "" if it has none."""
    while place and place not in origins:
        place = place.rpartition(": " if place.startswith("rule (") else ".")[0]
    return origins.get(place, "")


def _of_molecule(name: str, molecule: MoleculeEntry) -> Iterator[Entry]:
    kinds = {
        "diffusivity": "diffusivity",
        "decay": "rate",
        "weight": "mass",
        "background": "concentration",
        "saturation": "concentration",
        "turnover": "rate",
        "digestion": "digestion",
    }
    for key, kind in kinds.items():
        parameter: Parameter | None = getattr(molecule, key)
        if parameter is not None:
            yield Entry(f"molecule.{name}.{key}", parameter, kind, positive=key in ("weight", "saturation", "turnover"))
    if molecule.supply is not None:
        yield Entry(f"molecule.{name}.supply.exchange", molecule.supply.exchange, "rate")
        yield Entry(f"molecule.{name}.supply.level", molecule.supply.level, "concentration")


def in_words(behavior: str) -> str:
    """The name of a behavior inside a sentence: "secretion of CXCL9"."""
    family, _, what = behavior.partition(" ")
    return f"{family} {_FAMILIES[family]} {what}" if family in _FAMILIES else behavior


def _plural(name: str) -> str:
    """Names of cells read better in the plural, those of tissues (endothelium) do not have one."""
    return name if name.endswith(("s", "um")) else f"{name}s"
