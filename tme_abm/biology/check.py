"""What only shows when the whole catalogue is seen: names, units, sources, ranges and directions.

:func:`check` finds every contradiction it can and returns them all, so that a person who edits the files mends
them in one round. Numbers are looked at only when every name is known, for a name decides a number's unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from ..core.errors import InputError
from ..core.units import show
from .catalogue import Catalogue, Entry, rule_place
from .grammar import DEFAULT_BASE, FRACTIONS, OWN_STATES, behavior, signal
from .parameter import Evidence
from .schema import CellEntry, Rule

__all__ = ["Origins", "base_number", "check"]

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_\-]*")
_RESERVED = frozenset({"crowding", "matrix", "dead", *OWN_STATES})
P = ParamSpec("P")
Result = TypeVar("Result")

_SLACK = 1e-9  # a value on the end of its range lies inside it, whatever the conversion rounded


@dataclass
class Origins:
    """Which file every entry was read from, for errors to name; `prefix` is the directory they call it by."""

    prefix: str = ""
    entries: dict[tuple[str, str], str] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)

    def label(self, file: str, place: str) -> str:
        """The file of the entry at `place` in the table that `file` is the first file of."""
        path = file
        numbered = re.match(r"rule (\d+)", place)
        if file == "rules.toml" and numbered is not None and int(numbered[1]) <= len(self.rules):
            path = self.rules[int(numbered[1]) - 1]
        else:
            path = self.entries.get((file, place.split(".", maxsplit=1)[0]), file)
        return f"{self.prefix}{path}"


def check(catalogue: Catalogue, origins: Origins | None = None) -> list[InputError]:
    """Every contradiction in `catalogue`; `origins` says which file errors call each entry's."""
    origins = origins or Origins()
    names = _Found(origins)
    _check_ids(catalogue, names)
    for name, receptor in catalogue.receptors.items():
        for ligand in receptor.ligands:
            names.known("receptors.toml", f"{name}.ligands", "molecule", ligand, catalogue.molecules)
    for name, entry in catalogue.cells.items():
        _check_cell(catalogue, name, entry, names)
    for index, rule in enumerate(catalogue.rules, start=1):
        _check_words(catalogue, rule_place(index, rule), rule, names)
    _check_duplicates(catalogue, names)
    _check_pathways(catalogue, names)
    if names.errors:
        return names.errors

    numbers = _Found(origins)
    traits: dict[str, float] = {}
    for name, trait in catalogue.traits.items():
        value = numbers.attempt("traits.toml", name, trait.number, trait.kind)
        if value is not None:
            traits[name] = value
    for number in catalogue.entries():
        if number.file == "traits.toml" and number.place not in traits:
            continue  # refused just above
        numbers.attempt(number.file, number.place, _check_number, catalogue, number, traits)
    for file, place, evidence in _evidence(catalogue):
        for source in evidence.source:
            numbers.known(file, place, "reference", source, catalogue.references)
    if numbers.errors:
        return numbers.errors

    for index, rule in enumerate(catalogue.rules, start=1):
        for cell in rule.cell:
            place = rule_place(index, rule)
            numbers.attempt("rules.toml", place, _check_direction, catalogue, rule, cell, traits)
    return numbers.errors


def base_number(catalogue: Catalogue, cell: str, name: str, traits: Mapping[str, float]) -> float:
    """Base of behavior `name` in `cell`, internal units; the default where the cell does not mention it."""
    entry = catalogue.cells[cell].behaviors.get(name)
    if entry is None:
        return DEFAULT_BASE.get(name, 0.0)
    return entry.number(behavior(name, catalogue.vocabulary).kind, traits)


class _Found:
    """Errors found so far."""

    def __init__(self, origins: Origins) -> None:
        self.origins = origins
        self.errors: list[InputError] = []

    def add(self, file: str, place: str, error: InputError) -> None:
        self.errors.append(error.replace(file=self.origins.label(file, place), place=place))

    def attempt(
        self, file: str, place: str, action: Callable[P, Result], /, *given: P.args, **named: P.kwargs
    ) -> Result | None:
        try:
            return action(*given, **named)
        except InputError as error:
            self.add(file, place, error)
            return None

    def known(self, file: str, place: str, what: str, word: str, allowed: Iterable[str]) -> None:
        names = tuple(allowed)
        if word not in names:
            self.add(file, place, InputError(f"no {what} '{word}'", allowed=names, word=word))


def _check_ids(catalogue: Catalogue, found: _Found) -> None:
    groups: tuple[tuple[str, Iterable[str]], ...] = (
        ("molecules.toml", catalogue.molecules),
        ("receptors.toml", catalogue.receptors),
        ("traits.toml", catalogue.traits),
        ("cells.toml", catalogue.cells),
    )
    for file, names in groups:
        for name in names:
            if _ID.fullmatch(name) is None:
                what = f"'{name}' cannot be a name; use letters, digits, '_' and '-', a letter first"
                found.add(file, name, InputError(what))
            elif name in _RESERVED:
                found.add(file, name, InputError(f"'{name}' already means something in rules; choose another name"))


def _check_cell(catalogue: Catalogue, name: str, cell: CellEntry, found: _Found) -> None:
    words = catalogue.vocabulary
    for prey in cell.hunts:
        found.known("cells.toml", f"{name}.hunts", "cell", prey, catalogue.cells)
    for what, base in cell.behaviors.items():
        place = f"{name}.behaviors.{what}"
        found.attempt("cells.toml", place, behavior, what, words)
        if base.scaled_by is not None:
            said = base.scaled_by.signal
            found.attempt("cells.toml", f"{place}.scaled_by", _sensible, catalogue, name, said, False)
    for receptor in cell.receptors:
        found.known("cells.toml", f"{name}.receptors", "receptor", receptor, catalogue.receptors)
    for molecule in cell.uptake:
        found.known("cells.toml", f"{name}.uptake", "diffusing molecule", molecule, words.diffusing)


def _check_words(catalogue: Catalogue, place: str, rule: Rule, found: _Found) -> None:
    if not rule.cell:
        found.add("rules.toml", place, InputError("the rule names no cell", allowed=catalogue.cells))
    for cell in rule.cell:
        found.known("rules.toml", place, "cell", cell, catalogue.cells)
    found.attempt("rules.toml", place, behavior, rule.behavior, catalogue.vocabulary)
    known: list[str | None] = [cell for cell in rule.cell if cell in catalogue.cells]
    for listener in known or [None]:
        before = len(found.errors)
        found.attempt("rules.toml", place, _sensible, catalogue, listener, rule.signal, rule.memory is not None)
        if len(found.errors) > before:
            break  # the other cells would say the same


def _sensible(catalogue: Catalogue, cell: str | None, said: str, remembers: bool) -> None:
    """Refuse a signal that does not exist, that the cell has no receptor for, or whose memory is wrong."""
    heard = signal(said, catalogue.vocabulary)
    if heard.kind == "exposure" and not remembers:
        raise InputError(f"'{said}' needs a 'memory', the time over which the exposure is averaged")
    if heard.kind != "exposure" and remembers:
        raise InputError(f"'{said}' has no 'memory'; only 'exposure to MOLECULE' has")
    if heard.kind == "occupancy" and cell is not None and heard.name not in catalogue.cells[cell].receptors:
        carried = tuple(catalogue.cells[cell].receptors)
        what = f"{cell} cannot sense '{said}': cells.toml gives it no receptor '{heard.name}'"
        raise InputError(what, allowed=carried, word=heard.name)


def _check_duplicates(catalogue: Catalogue, found: _Found) -> None:
    seen: dict[tuple[str, str, str, str], int] = {}
    for index, rule in enumerate(catalogue.rules, start=1):
        for cell in rule.cell:
            first = seen.setdefault((cell, rule.signal, rule.effect, rule.behavior), index)
            if first != index or rule.cell.count(cell) > 1:
                what = f"says again what rule {first} says of {cell}"
                found.add("rules.toml", rule_place(index, rule), InputError(what))
                break


def _check_pathways(catalogue: Catalogue, found: _Found) -> None:
    """Refuse two spellings of one pathway: who inhibits the one would miss the rules of the other."""
    spelled: dict[str, tuple[str, int]] = {}
    for index, rule in enumerate(catalogue.rules, start=1):
        for name in rule.pathway:
            place = rule_place(index, rule)
            if _ID.fullmatch(name) is None:
                what = f"'{name}' cannot be the name of a pathway; use letters, digits, '_' and '-', a letter first"
                found.add("rules.toml", place, InputError(what))
                continue
            first, where = spelled.setdefault(re.sub(r"[_\-]", "", name).lower(), (name, index))
            if first != name:
                found.add("rules.toml", place, InputError(f"pathway '{name}' is spelled '{first}' in rule {where}"))


def _check_number(catalogue: Catalogue, entry: Entry, traits: Mapping[str, float]) -> None:
    name = entry.parameter.trait
    if name is not None:
        if name not in catalogue.traits:
            raise InputError(f"no trait '{name}'", allowed=catalogue.traits, word=name)
        kind = catalogue.traits[name].kind
        if kind != entry.kind:
            raise InputError(f"trait '{name}' is of kind '{kind}', but here a '{entry.kind}' is due")
        if name not in traits:
            return  # its value is refused where it is defined
    value = entry.parameter.number(entry.kind, traits)
    shown = show(value, entry.kind)
    written = shown if entry.parameter.is_trait else str(entry.parameter.value)  # as it is found in the file
    if entry.positive and value <= 0.0:
        raise InputError(f"{written} must be above zero")
    if entry.kind != "number" and value < 0.0:
        raise InputError(f"{written} must not be negative")
    bounds = entry.parameter.bounds(entry.kind)
    if bounds is None:
        return
    low, high = bounds
    if low > high:
        raise InputError(f"the range runs backwards, from {show(low, entry.kind)} to {show(high, entry.kind)}")
    if value < low - _SLACK * abs(low) or value > high + _SLACK * abs(high):
        raise InputError(f"{shown} lies outside its range, {show(low, entry.kind)} to {show(high, entry.kind)}")


def _check_direction(catalogue: Catalogue, rule: Rule, cell: str, traits: Mapping[str, float]) -> None:
    kind = behavior(rule.behavior, catalogue.vocabulary).kind
    base = base_number(catalogue, cell, rule.behavior, traits)
    towards = rule.towards.number(kind, traits)
    wrong_way = towards < base if rule.effect == "increases" else towards > base
    if wrong_way:
        side = "below" if rule.effect == "increases" else "above"
        raise InputError(
            f"'{rule.effect}', but 'towards' ({show(towards, kind)}) is {side} the base of {cell} ({show(base, kind)})"
        )
    if rule.behavior in FRACTIONS and not 0.0 <= towards <= 1.0:
        raise InputError(f"'towards' of {rule.behavior} must lie between 0 and 1")


def _evidence(catalogue: Catalogue) -> Iterator[tuple[str, str, Evidence]]:
    """Everything that cites; a number that only repeats what its rule or its behavior cites is left out."""
    cited: dict[str, tuple[str, ...]] = {}
    for index, rule in enumerate(catalogue.rules, start=1):
        place = rule_place(index, rule)
        cited[place] = rule.source
        yield "rules.toml", place, rule
    for entry in catalogue.entries():
        parent = entry.place.rpartition(": ")[0] or entry.place.partition(".scaled_by")[0]
        if cited.get(parent) == entry.parameter.source:
            continue
        cited[entry.place] = entry.parameter.source
        yield entry.file, entry.place, entry.parameter
