"""The checks that need the whole catalogue: names, units, sources, ranges and directions.

:func:`check` finds every contradiction it can and returns them all, so that a person who edits the files mends
them in one round. Numbers are looked at only when every name is known, for a name decides a number's unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import get_args

from ..core.errors import InputError
from ..core.units import show
from .catalogue import Catalogue, Entry
from .grammar import DEFAULT_BASE, FRACTIONS, OWN_STATES, behavior, signal
from .inert import inert
from .parameter import Basis, Evidence
from .schema import CellEntry, Rule

__all__ = ["base_number", "check"]

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_\-]*")
_RESERVED = frozenset({"crowding", "matrix", "dead", *OWN_STATES})

_SLACK = 1e-9  # a value on the end of its range lies inside it, whatever the conversion rounded


def check(catalogue: Catalogue) -> list[InputError]:
    """The contradictions in `catalogue`, each with its place."""
    names = _Found()
    _check_ids(catalogue, names)
    for name, receptor in catalogue.receptors.items():
        for ligand in receptor.ligands:
            with names.at(f"receptor.{name}.ligands.{ligand}"):
                _check_ligand(catalogue, ligand)
    for name, entry in catalogue.cells.items():
        _check_cell(catalogue, name, entry, names)
    for rule in catalogue.rules:
        _check_words(catalogue, rule, names)
    _check_pathways(catalogue, names)
    if names.errors:
        return names.errors

    numbers = _Found()
    traits: dict[str, float] = {}
    for name, trait in catalogue.traits.items():
        with numbers.at(f"trait.{name}"):
            traits[name] = trait.number(trait.kind)
    for number in catalogue.entries():
        if number.place.startswith("trait.") and number.place.removeprefix("trait.") not in traits:
            continue  # refused just above
        with numbers.at(number.place):
            _check_number(catalogue, number, traits)
    for place, evidence in _evidence(catalogue):
        for source in evidence.source:
            with numbers.at(place):
                _known("reference", source, catalogue.references)
        with numbers.at(place):
            _check_measured(catalogue, evidence)
    if numbers.errors:
        return numbers.errors

    for rule in catalogue.rules:
        for cell in rule.cell:
            with numbers.at(rule.place):
                _check_direction(catalogue, rule, cell, traits)
    return [*numbers.errors, *inert(catalogue)]


def base_number(catalogue: Catalogue, cell: str, name: str, traits: Mapping[str, float]) -> float:
    """Base of behavior `name` in `cell`, internal units; the default if the cell does not have it."""
    entry = catalogue.cells[cell].behaviors.get(name)
    if entry is None:
        return DEFAULT_BASE.get(name, 0.0)
    return entry.number(behavior(name, catalogue.vocabulary).kind, traits)


class _Found:
    """Errors found so far."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Keep an InputError that is raised inside, with its place."""
        try:
            yield
        except InputError as error:
            self.errors.append(error.replace(place=place))


def _known(what: str, word: str, allowed: Iterable[str]) -> None:
    """Raises InputError if `word` is not one of the `allowed`."""
    names = tuple(allowed)
    if word not in names:
        raise InputError(f"no {what} '{word}'", allowed=names, word=word)


def _check_ids(catalogue: Catalogue, found: _Found) -> None:
    groups: Mapping[str, Iterable[str]] = {
        "molecule": catalogue.molecules,
        "receptor": catalogue.receptors,
        "trait": catalogue.traits,
        "cell": catalogue.cells,
    }
    for kind, names in groups.items():
        for name in names:
            with found.at(f"{kind}.{name}"):
                _check_id(name, "a name")
                if name in _RESERVED:
                    raise InputError(f"'{name}' already means something in rules; choose another name")


def _check_id(name: str, what: str) -> None:
    if _ID.fullmatch(name) is None:
        raise InputError(f"'{name}' cannot be {what}; use letters, digits, '_' and '-', a letter first")


def _check_ligand(catalogue: Catalogue, ligand: str) -> None:
    _known("molecule", ligand, catalogue.molecules)
    if catalogue.molecules[ligand].reach == "inside":
        raise InputError(f'{ligand} is inside the cell (reach = "inside"), so it binds no receptor')


def _check_cell(catalogue: Catalogue, name: str, cell: CellEntry, found: _Found) -> None:
    words = catalogue.vocabulary
    for prey in cell.hunts:
        with found.at(f"cell.{name}.hunts"):
            _known("cell", prey, catalogue.cells)
    for what, base in cell.behaviors.items():
        with found.at(f"cell.{name}.behaviors.{what}"):
            behavior(what, words)
        if base.scaled_by is not None:
            with found.at(f"cell.{name}.behaviors.{what}.scaled_by"):
                _sensible(catalogue, name, base.scaled_by.signal, False)
    for receptor in cell.receptors:
        with found.at(f"cell.{name}.receptors.{receptor}"):
            _known("receptor", receptor, catalogue.receptors)
    for molecule in cell.uptake:
        with found.at(f"cell.{name}.uptake.{molecule}"):
            _known("diffusing molecule", molecule, words.diffusing)


def _check_words(catalogue: Catalogue, rule: Rule, found: _Found) -> None:
    with found.at(rule.place):
        if not rule.cell:
            raise InputError("the rule names no cell", allowed=catalogue.cells)
    for cell in rule.cell:
        with found.at(rule.place):
            _known("cell", cell, catalogue.cells)
    with found.at(rule.place):
        behavior(rule.behavior, catalogue.vocabulary)
    known: list[str | None] = [cell for cell in rule.cell if cell in catalogue.cells]
    with found.at(rule.place):  # the first cell that cannot sense it is enough
        for listener in known or [None]:
            _sensible(catalogue, listener, rule.signal, rule.memory is not None)


def _sensible(catalogue: Catalogue, cell: str | None, said: str, remembers: bool) -> None:
    """Refuse a signal that does not exist, that the cell has no receptor for, or whose memory is wrong."""
    heard = signal(said, catalogue.vocabulary)
    if heard.kind == "exposure" and not remembers:
        raise InputError(f"'{said}' needs a 'memory', the time over which the exposure is averaged")
    if heard.kind != "exposure" and remembers:
        raise InputError(f"'{said}' has no 'memory'; only 'exposure to MOLECULE' has")
    if heard.kind == "occupancy" and cell is not None and heard.name not in catalogue.cells[cell].receptors:
        carried = tuple(catalogue.cells[cell].receptors)
        what = f"{cell} cannot sense '{said}': it has no receptor '{heard.name}'"
        raise InputError(what, allowed=carried, word=heard.name)


def _check_pathways(catalogue: Catalogue, found: _Found) -> None:
    """Refuse two spellings of one pathway: an inhibitor of one would miss the rules of the other."""
    spelled: dict[str, tuple[str, str]] = {}
    for rule in catalogue.rules:
        for name in rule.pathway:
            with found.at(rule.place):
                _check_id(name, "the name of a pathway")
                first, where = spelled.setdefault(re.sub(r"[_\-]", "", name).lower(), (name, rule.place))
                if first != name:
                    raise InputError(f"pathway '{name}' is spelled '{first}' in {where}")


def _check_number(catalogue: Catalogue, entry: Entry, traits: Mapping[str, float]) -> None:
    name = entry.parameter.trait
    if name is not None:
        _known("trait", name, catalogue.traits)
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
            f"'{rule.effect}', but 'towards' ({show(towards, kind)}) is {side} the base of {cell} ({show(base, kind)})",
            because=(f"cell.{cell}.behaviors.{rule.behavior}",),
        )
    if rule.behavior in FRACTIONS and not 0.0 <= towards <= 1.0:
        raise InputError(f"'towards' of {rule.behavior} must lie between 0 and 1")


def _check_measured(catalogue: Catalogue, evidence: Evidence) -> None:
    """Raises InputError for a measurement whose sources are all programs, without a paper or data."""
    entries = [catalogue.references[source] for source in evidence.source if source in catalogue.references]
    if evidence.basis != "measured" or not entries or any(entry.doi or entry.url for entry in entries):
        return
    raise InputError(  # people measure, too: an address of their data will do
        "basis 'measured' needs a source with a 'doi' or a 'url', the paper or the data; of "
        f"{', '.join(evidence.source)} there is only a 'repository', and the number of a model has basis 'model'",
        allowed=[basis for basis in get_args(Basis) if basis != "measured"],
    )


def _evidence(catalogue: Catalogue) -> Iterator[tuple[str, Evidence]]:
    """Everything that cites; a number that only repeats what its rule or its behavior says is left out."""
    cited: dict[str, tuple[str, tuple[str, ...]]] = {}
    for rule in catalogue.rules:
        cited[rule.place] = (rule.basis, rule.source)
        yield rule.place, rule
    for entry in catalogue.entries():
        parent = entry.place.rpartition(": ")[0] or entry.place.partition(".scaled_by")[0]
        said = (entry.parameter.basis, entry.parameter.source)
        if cited.get(parent) == said:
            continue
        cited[entry.place] = said
        yield entry.place, entry.parameter
