"""The catalogue: everything the package knows, as read from its files and not yet turned into arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import BaseModel

from ..core.errors import InputError, combine, nearest
from ..core.toml import Frozen
from ..core.units import show
from .grammar import DEFAULT_BASE, Vocabulary, behavior, signal
from .parameter import Parameter
from .schema import CellEntry, MoleculeEntry, ReceptorEntry, ReferenceEntry, Rule, TraitEntry

__all__ = ["FILES", "Catalogue", "Entry", "in_words"]

FILES: tuple[str, ...] = ("references", "molecules", "receptors", "traits", "cells", "rules")
"""The files of a catalogue, without ``.toml``."""

_FAMILIES = {"secretion": "of", "expression": "of", "differentiation": "into"}  # behaviors of one molecule or cell each


class Entry(NamedTuple):
    """One number of the catalogue: which file, where in it, its kind of quantity, and whether 0 is impossible."""

    file: str
    place: str
    parameter: Parameter
    kind: str
    positive: bool = False


class Catalogue(Frozen):
    """References, molecules, receptors, traits and cells by id, and the rules in the order of their file."""

    references: dict[str, ReferenceEntry]
    molecules: dict[str, MoleculeEntry]
    receptors: dict[str, ReceptorEntry]
    traits: dict[str, TraitEntry]
    cells: dict[str, CellEntry]
    rules: tuple[Rule, ...]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names rules may use."""
        diffusing = tuple(name for name, entry in self.molecules.items() if entry.reach == "diffusing")
        contacts = tuple(name for name, entry in self.molecules.items() if entry.reach == "contact")
        return Vocabulary(diffusing, contacts, tuple(self.receptors), tuple(self.cells))

    @property
    def trait_defaults(self) -> dict[str, float]:
        """Value of every trait, internal units, when a scenario does not say otherwise."""
        return {name: entry.number(entry.kind, file="traits.toml", place=name) for name, entry in self.traits.items()}

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(place, parameter) of every number; a reference to a trait is not one, the trait is."""
        for entry in self.entries():
            if not entry.parameter.is_trait:
                yield f"{entry.file}: {entry.place}", entry.parameter

    def entries(self) -> Iterator[Entry]:
        """Every number with its kind of quantity. Raises InputError for an unknown behavior or signal."""
        for name, trait in self.traits.items():
            yield Entry("traits.toml", name, trait, trait.kind)
        for name, molecule in self.molecules.items():
            yield from _of_molecule(name, molecule)
        for name, receptor in self.receptors.items():
            for ligand, constant in receptor.ligands.items():
                kind = "concentration" if ligand in self.vocabulary.diffusing else "number"
                yield Entry("receptors.toml", f"{name}.ligands.{ligand}", constant, kind, positive=True)
        for name, cell in self.cells.items():
            yield from self._of_cell(name, cell)
        for index, rule in enumerate(self.rules, start=1):
            yield from self._of_rule(index, rule)

    def changed(self, values: Mapping[str, str | float]) -> Catalogue:
        """A catalogue in which the numbers at some places, as `parameters` names them, have other values.

        Everything that is checked on loading is checked again, the range of each number included. Raises InputError,
        which lists all problems.
        """
        from .check import check

        places = dict(self.parameters())
        errors = [_no_number(place, places) for place in values if place not in places]
        changed = self
        for place, value in values.items():
            if place in places:
                # Trusted as it is: what `value` may say is for `check` to find out, as in a file.
                changed = _replaced(changed, _steps(place), value)
        errors = errors or check(changed)
        if errors:
            raise combine(errors)
        return changed

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
        """The base of a behavior for a reader."""
        kind = behavior(name, self.vocabulary).kind
        base = self.cells[cell].behaviors.get(name)
        if base is not None:
            return base.text(kind)
        default = DEFAULT_BASE.get(name, 0.0)
        return show(default, kind) if default else "0"

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
            place = f"{name}.behaviors.{what}"
            yield Entry("cells.toml", place, base, behavior(what, self.vocabulary).kind)
            if base.scaled_by is not None:
                scale = base.scaled_by
                kind = signal(scale.signal, self.vocabulary).quantity(self.vocabulary)
                yield Entry("cells.toml", f"{place}.scaled_by.half_max", scale.half_max, kind, positive=True)
                if scale.hill is not None:
                    yield Entry("cells.toml", f"{place}.scaled_by.hill", scale.hill, "number", positive=True)
        for receptor, weight in cell.receptors.items():
            yield Entry("cells.toml", f"{name}.receptors.{receptor}", weight, "number")
        for molecule, clearance in cell.uptake.items():
            yield Entry("cells.toml", f"{name}.uptake.{molecule}", clearance, "clearance")

    def _of_rule(self, index: int, rule: Rule) -> Iterator[Entry]:
        place = rule_place(index, rule)
        yield Entry("rules.toml", f"{place}: towards", rule.towards, behavior(rule.behavior, self.vocabulary).kind)
        kind = signal(rule.signal, self.vocabulary).quantity(self.vocabulary)
        yield Entry("rules.toml", f"{place}: half_max", rule.half_max, kind, positive=True)
        if rule.hill is not None:
            yield Entry("rules.toml", f"{place}: hill", rule.hill, "number", positive=True)
        if rule.memory is not None:
            yield Entry("rules.toml", f"{place}: memory", rule.memory, "time", positive=True)


def rule_place(index: int, rule: Rule) -> str:
    """What errors call the rule, counted from 1."""
    return f"rule {index} ({rule.title})"


def _no_number(place: str, places: Mapping[str, Parameter]) -> InputError:
    guess = nearest(place, places)
    return InputError(f"the catalogue has no number '{place}'" + (f"; did you mean '{guess}'?" if guess else ""))


def _steps(place: str) -> list[str | int]:
    """The way from the catalogue to the number that `place` names."""
    file, _, inner = place.partition(".toml: ")
    rule = re.fullmatch(r"rule (\d+) \(.*\): (\w+)", inner)
    where: list[str | int] = [int(rule[1]) - 1, rule[2]] if rule else [*inner.split(".")]
    return [file, *where, "value"]


def _replaced(item: Any, steps: Sequence[str | int], value: str | float) -> Any:
    """A copy of `item` with `value` at the end of `steps`; what lies beside the way is shared."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return (*item[:step], _replaced(item[step], rest, value), *item[step + 1 :])
    if isinstance(item, BaseModel):
        return item.model_copy(update={step: _replaced(getattr(item, step), rest, value)})
    return {**item, step: _replaced(item[step], rest, value)}


def _of_molecule(name: str, molecule: MoleculeEntry) -> Iterator[Entry]:
    kinds = {
        "diffusivity": "diffusivity",
        "decay": "rate",
        "weight": "mass",
        "background": "concentration",
        "turnover": "rate",
    }
    for key, kind in kinds.items():
        parameter: Parameter | None = getattr(molecule, key)
        if parameter is not None:
            yield Entry("molecules.toml", f"{name}.{key}", parameter, kind, positive=key in ("weight", "turnover"))
    if molecule.supply is not None:
        yield Entry("molecules.toml", f"{name}.supply.exchange", molecule.supply.exchange, "rate")
        yield Entry("molecules.toml", f"{name}.supply.level", molecule.supply.level, "concentration")


def in_words(behavior: str) -> str:
    """The name of a behavior inside a sentence: "secretion of CXCL9"."""
    family, _, what = behavior.partition(" ")
    return f"{family} {_FAMILIES[family]} {what}" if family in _FAMILIES else behavior


def _plural(name: str) -> str:
    """Names of cells read better in the plural, those of tissues (endothelium) do not have one."""
    return name if name.endswith(("s", "um")) else f"{name}s"
