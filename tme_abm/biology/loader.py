"""Read a catalogue from files, each of which may hold any table, and from packs, which are laid over it.

The files of a folder are merged table by table. New numbers and entries are added; one that exists already is refused,
unless the table that gives it again has ``replaces = true``. The shipped catalogue is found through
`importlib.resources`, so it loads from a wheel. One error reports all problems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from ..core.errors import InputError, combine, nearest
from ..core.toml import parse_toml, read_text, validated
from .catalogue import Catalogue, file_of
from .check import check
from .parameter import Parameter
from .schema import CellEntry, MoleculeEntry, Pack, ReceptorEntry, ReferenceEntry, Rule, TraitEntry

__all__ = ["changed", "load_catalogue", "read_pack"]

Model = TypeVar("Model", bound=BaseModel)

_TABLES: Mapping[str, str] = {
    "reference": "references",
    "molecule": "molecules",
    "receptor": "receptors",
    "trait": "traits",
    "cell": "cells",
}
"""Table of a file, whose entries have names -> field of the catalogue."""

_NUMBER = {"value", "basis"}  # a table with these is one number, and is replaced as a whole or not at all
_AGAIN = "is in {} already; to change it, add replaces = true"
_NOTHING = "replaces nothing: no earlier file defines it"


def load_catalogue(directory: Path | str | None = None, packs: Iterable[Pack | Path | str] = ()) -> Catalogue:
    """The catalogue in `directory`, or the shipped one, with `packs` (files, if they are not read yet) laid over it.

    Raises InputError, which lists all problems.
    """
    over = tuple(pack if isinstance(pack, Pack) else read_pack(pack) for pack in packs)
    if directory is None:
        return _shipped(over)
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError("no such directory" if not folder.exists() else "not a directory", file=folder)
    return _assembled(_files(folder, f"{folder}/"), over, str(folder))


def read_pack(file: Path | str) -> Pack:
    """The pack in a file, with the same text whatever its line ends are. Raises InputError if it cannot be read."""
    path = Path(file)
    return Pack(name=path.name, toml=read_text(path).replace("\r\n", "\n"))


def changed(catalogue: Catalogue, values: Mapping[str, str | float], *, ranged: bool = True) -> Catalogue:
    """A catalogue in which the numbers at some places, as `Catalogue.parameters` names them, have other values.

    Everything that is checked on loading is checked again, the range of each number included if it is `ranged`; else
    these numbers have no range anymore, but for traits, whose range scenarios are held to. Raises InputError, which
    lists all problems.
    """
    places = dict(catalogue.parameters())
    errors = [_no_number(place, places) for place in values if place not in places]
    if errors:
        raise combine(errors)
    fields: dict[str, Any] = {name: getattr(catalogue, name) for name in ("rules", *_TABLES.values())}
    for place, value in values.items():
        # Trusted as it is: what `value` may say is for `check` to find out, as in a file.
        *steps, last = _steps(catalogue, place)
        fields = _replaced(fields, [*steps, last], value)
        if not ranged and not place.startswith("trait."):
            fields = _replaced(fields, [*steps, "range"], None)
    return _checked(replace(catalogue, **fields))


@lru_cache(maxsize=8)
def _shipped(packs: tuple[Pack, ...]) -> Catalogue:
    return _assembled(_files(resources.files(__package__).joinpath("data"), ""), packs, "the shipped catalogue")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    """(name in errors, file) of every TOML file in `folder`, by name, then of the folders in it."""
    for item in sorted(folder.iterdir(), key=lambda one: (one.is_dir(), one.name)):
        if item.is_dir():
            yield from _files(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".toml"):
            yield f"{prefix}{item.name}", item


def _assembled(files: Iterable[tuple[str, Traversable]], packs: Sequence[Pack], name: str) -> Catalogue:
    laid = _Laid()
    sources: list[tuple[str, Traversable | Pack]] = [*files, *((pack.name, pack) for pack in packs)]
    for label, source in sources:
        try:
            text = source.toml if isinstance(source, Pack) else read_text(source, name=label)
            laid.add(label, parse_toml(text, name=label))
        except InputError as error:
            laid.errors.append(error)
    if not (laid.origins or laid.errors):
        raise InputError("there is nothing in it", file=name)
    laid.put_in_order()
    if laid.errors:
        raise combine(laid.errors)
    errors: list[InputError] = []
    catalogue = Catalogue(
        references=_valid(ReferenceEntry, laid.tables["reference"], "reference.", errors),
        molecules=_valid(MoleculeEntry, laid.tables["molecule"], "molecule.", errors),
        receptors=_valid(ReceptorEntry, laid.tables["receptor"], "receptor.", errors),
        traits=_valid(TraitEntry, laid.tables["trait"], "trait.", errors),
        cells=_valid(CellEntry, laid.tables["cell"], "cell.", errors),
        rules=tuple(laid.rules.values()),
        origins=laid.origins,
        packs=tuple(packs),
    )
    return _checked(catalogue, [laid.explained(error) for error in errors])


def _checked(catalogue: Catalogue, errors: Sequence[InputError] = ()) -> Catalogue:
    """`catalogue`, unless there are `errors` or contradictions; of each the file is said that is to blame: a pack, if
    one of the numbers that do not go together is from a pack.
    """
    packs = {pack.name for pack in catalogue.packs}

    def blamed(error: InputError) -> InputError:
        files = [catalogue.file_of(place) for place in (error.place or "", *error.because)]
        return error.replace(file=next((file for file in files if file in packs), files[0]), because=())

    if found := errors or check(catalogue):
        raise combine([blamed(error) for error in found])
    return catalogue


def _valid(model: type[Model], tables: Mapping[str, Any], prefix: str, errors: list[InputError]) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for name, table in tables.items():
        try:
            found[name] = validated(model, table, place=f"{prefix}{name}")
        except InputError as error:
            errors.extend(error.parts)
    return found


class _Laid:
    """The tables of all files, laid one over the other; the file that said what is at a place; and what was refused."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {table: {} for table in (*_TABLES, "order")}
        self.rules: dict[str, Rule] = {}
        self.origins: dict[str, str] = {}
        self.errors: list[InputError] = []
        self._said: dict[tuple[str, ...], str] = {}  # (cell, signal, effect, behavior) -> place of the rule
        self._replaced: set[str] = set()  # places of whole tables that a mark replaced

    def add(self, label: str, content: Mapping[str, Any]) -> None:
        """Merge the tables of the file `label` over the present ones."""
        for key, value in content.items():
            if key == "rule" and isinstance(value, list):
                for number, table in enumerate(value, start=1):
                    self._add_rule(table, number, label)
            elif key == "rule":
                self._refuse("rules are written as [[rule]], with double brackets", label, key)
            elif key not in self.tables:
                self._refuse(f"unknown table '{key}'", label, None, allowed=(*_TABLES, "rule"), word=key)
            elif not isinstance(value, dict):
                self._refuse(f"should be a table such as [{key}.NAME]", label, key)
            else:
                self._lay(self.tables[key], value, key, label)

    def explained(self, error: InputError) -> InputError:
        """`error`; of a key that a replaced table has lost it says how."""
        table, _, _ = (error.place or "").rpartition(".")
        if table not in self._replaced or not error.what.startswith("missing"):
            return error
        how = f"missing, for replaces = true replaces all of [{table}]; put it into the inner table that is to change"
        return error.replace(what=how)

    def put_in_order(self) -> None:
        """Put the entries that [order] lists first; the others stay in the order of the files."""
        for table, names in self.tables.pop("order").items():
            label, place = self.origins[f"order.{table}"], f"order.{table}"
            if table not in self.tables or not isinstance(names, list):
                self._refuse("should be the list of names of a table", label, place, allowed=_TABLES, word=table)
                continue
            entries = self.tables[table]
            for name in names:
                if name not in entries:
                    self._refuse(f"no {table} '{name}'", label, place, allowed=entries, word=str(name))
            self.tables[table] = {name: entries[name] for name in names if name in entries} | entries

    def _lay(self, under: dict[str, Any], over: Mapping[str, Any], path: str, label: str) -> None:
        """Add `over` to `under`; what is in both is refused, unless it is marked as a replacement."""
        for key, value in over.items():
            place, there = f"{path}.{key}", under.get(key)
            replaces = self._unmarked(value, place, label)
            if key not in under or replaces:
                if replaces and key in under:
                    self._replaced.add(place)
                    self.origins = {at: file for at, file in self.origins.items() if not at.startswith(f"{place}.")}
                elif replaces:
                    self._refuse(_NOTHING, label, place)
                self.origins[place] = label
                under[key] = value
                self._refuse_marks(value, place, label)
            elif isinstance(value, dict) and isinstance(there, dict) and not _NUMBER & there.keys():
                self._lay(there, value, place, label)
            elif key == "hunts" and (more := [prey for prey in _listed(value) if prey not in _listed(there)]):
                under[key], self.origins[place] = [*_listed(there), *more], label
            elif path.count(".") == 1 and not isinstance(there, dict):
                self._refuse(_AGAIN.format(self._file(place)), label, path)
                return  # the entry is defined again: one error is enough
            else:
                self._refuse(_AGAIN.format(self._file(place)), label, place)

    def _add_rule(self, table: Any, number: int, label: str) -> None:
        place = f"rule {number}"
        if isinstance(table, dict) and all(word in table for word in ("cell", "signal", "effect", "behavior")):
            cell = table["cell"]
            cells = ", ".join(map(str, cell)) if isinstance(cell, list) else cell
            place = f"rule ({cells}: {table['signal']} {table['effect']} {table['behavior']})"
        replaces = self._unmarked(table, place, label)
        try:
            rule = validated(Rule, table, file=label, place=place)
        except InputError as error:
            self.errors.extend(error.parts)
            return
        says = [(cell, rule.signal, rule.effect, rule.behavior) for cell in rule.cell]
        before = {one: self._said[one] for one in says if one in self._said}
        if len(set(says)) < len(says):
            self._refuse("names a cell twice", label, place)
        elif before and not replaces:
            where = " and ".join(dict.fromkeys(f"{self._file(old)}: {old}" for old in before.values()))
            self._refuse(_AGAIN.format(where), label, place)
        elif replaces and not before:
            self._refuse(_NOTHING, label, place)
        for old in dict.fromkeys(before.values() if replaces else ()):
            self._narrow(old, rule.cell)
        self.rules[place] = rule
        self.origins[place] = label
        self._said |= dict.fromkeys(says, place)

    def _narrow(self, place: str, without: Sequence[str]) -> None:
        """Remove cells from a rule; a rule without cells is dropped."""
        old = self.rules.pop(place)
        left = old.model_copy(update={"cell": tuple(cell for cell in old.cell if cell not in without)})
        if left.cell:
            self.rules[left.place] = left
            self.origins[left.place] = self.origins[place]
            self._said |= {(cell, left.signal, left.effect, left.behavior): left.place for cell in left.cell}

    def _unmarked(self, table: object, place: str, label: str) -> bool:
        """Remove the mark `replaces` from a table; return whether the table had it."""
        mark = table.pop("replaces", False) if isinstance(table, dict) else False
        if not isinstance(mark, bool):
            self._refuse(f"should be true, not {mark!r}", label, f"{place}.replaces")
        return mark is True

    def _refuse_marks(self, table: object, place: str, label: str) -> None:
        """Refuse the marks of tables inside a table that is new as a whole."""
        for key, value in table.items() if isinstance(table, dict) else ():
            if self._unmarked(value, f"{place}.{key}", label):
                self._refuse(_NOTHING, label, f"{place}.{key}")
            self._refuse_marks(value, f"{place}.{key}", label)

    def _file(self, place: str) -> str:
        return file_of(self.origins, place)

    def _refuse(
        self, what: str, label: str, place: str | None, *, allowed: Iterable[str] = (), word: str | None = None
    ) -> None:
        self.errors.append(InputError(what, file=label, place=place, allowed=allowed, word=word))


def _listed(names: object) -> list[Any]:
    """The items of a list, or the one that stands for a list of itself."""
    return list(names) if isinstance(names, list) else [names]


def _no_number(place: str, places: Mapping[str, Parameter]) -> InputError:
    guess = nearest(place, places)
    return InputError(f"the catalogue has no number '{place}'" + (f"; did you mean '{guess}'?" if guess else ""))


def _steps(catalogue: Catalogue, place: str) -> list[str | int]:
    """The way from the catalogue to the number at `place`."""
    if place.startswith("rule ("):
        rule, _, number = place.rpartition(": ")
        return ["rules", [one.place for one in catalogue.rules].index(rule), number, "value"]
    table, *keys = place.split(".")
    return [_TABLES[table], *keys, "value"]


def _replaced(item: Any, steps: Sequence[str | int], value: str | float | None) -> Any:
    """A copy of `item` with `value` at the end of `steps`; the other parts are shared with it."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return (*item[:step], _replaced(item[step], rest, value), *item[step + 1 :])
    if isinstance(item, BaseModel):
        return item.model_copy(update={step: _replaced(getattr(item, step), rest, value)})
    return {**item, step: _replaced(item[step], rest, value)}
