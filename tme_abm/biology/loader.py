"""Reading the catalogue from its six tables, each one TOML file and, beside it, a folder of more of the same.

`rules.toml` and every `rules/*.toml` are one table of rules, read in the order of their names; so it is with the other
five. The shipped catalogue is found through `importlib.resources`, so it loads from a wheel, and is read once. A
directory of one's own takes the same files. Everything wrong with them is told in one error.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from ..core.errors import InputError, combine
from ..core.toml import read_toml, validated
from .catalogue import FILES, Catalogue
from .check import Origins, check
from .schema import CellEntry, MoleculeEntry, ReceptorEntry, ReferenceEntry, Rule, TraitEntry

__all__ = ["load_catalogue"]

Model = TypeVar("Model", bound=BaseModel)


def load_catalogue(directory: Path | str | None = None) -> Catalogue:
    """The catalogue in `directory`, or the shipped one. Raises InputError, which lists all problems."""
    if directory is None:
        return _shipped()
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError("no such directory" if not folder.exists() else "not a directory", file=folder)
    return _load(folder, f"{folder}/")


@lru_cache(maxsize=1)
def _shipped() -> Catalogue:
    return _load(resources.files(__package__).joinpath("data"), "")


def _load(folder: Traversable, prefix: str) -> Catalogue:
    errors: list[InputError] = []
    tables: dict[str, dict[str, Any]] = {}
    origins = Origins(prefix)
    for name in FILES:
        tables[name] = _merged(folder, name, origins, errors)
    if errors:
        raise combine(errors)
    catalogue = Catalogue(
        references=_tables(tables["references"], ReferenceEntry, "references.toml", origins, errors),
        molecules=_tables(tables["molecules"], MoleculeEntry, "molecules.toml", origins, errors),
        receptors=_tables(tables["receptors"], ReceptorEntry, "receptors.toml", origins, errors),
        traits=_tables(tables["traits"], TraitEntry, "traits.toml", origins, errors),
        cells=_tables(tables["cells"], CellEntry, "cells.toml", origins, errors),
        rules=_rules(tables["rules"].get("rule", []), origins, errors),
    )
    errors = errors or check(catalogue, origins)
    if errors:
        raise combine(errors)
    return catalogue


def _merged(folder: Traversable, name: str, origins: Origins, errors: list[InputError]) -> dict[str, Any]:
    """The entries of `name.toml` and of every file in the folder `name`; whose file an entry came from is noted."""
    merged: dict[str, Any] = {}
    for path in (f"{name}.toml", *_beside(folder, name)):
        label = f"{origins.prefix}{path}"
        try:
            table = read_toml(folder.joinpath(*path.split("/")), name=label)
        except InputError as error:
            errors.append(error)
            continue
        if name == "rules":
            rules = _list_of_rules(table, label, errors)
            origins.rules += [path] * len(rules)
            merged.setdefault("rule", []).extend(rules)
            continue
        for key, entry in table.items():
            if key in merged:
                first = origins.label(f"{name}.toml", key)
                errors.append(InputError(f"'{key}' is in {first} already", file=label, place=key))
                continue
            merged[key] = entry
            origins.entries[f"{name}.toml", key] = path
    return merged


def _beside(folder: Traversable, name: str) -> list[str]:
    """The files of the folder that goes with a table, by name."""
    more = folder.joinpath(name)
    if not more.is_dir():
        return []
    return sorted(f"{name}/{file.name}" for file in more.iterdir() if file.name.endswith(".toml"))


def _list_of_rules(table: Mapping[str, Any], label: str, errors: list[InputError]) -> list[Any]:
    errors.extend(
        InputError(f"unknown key '{key}'", file=label, allowed=("rule",), word=key) for key in table if key != "rule"
    )
    rules = table.get("rule", [])
    if not isinstance(rules, list):
        errors.append(InputError("rules are written as [[rule]], with double brackets", file=label, place="rule"))
        return []
    return rules


def _tables(
    raw: Mapping[str, Any], model: type[Model], file: str, origins: Origins, errors: list[InputError]
) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for name, table in raw.items():
        try:
            found[name] = validated(model, table, file=origins.label(file, name), place=name)
        except InputError as error:
            errors.extend(error.parts)
    return found


def _rules(raw: list[Any], origins: Origins, errors: list[InputError]) -> tuple[Rule, ...]:
    found: list[Rule] = []
    for index, table in enumerate(raw, start=1):
        place = _raw_place(index, table)
        try:
            found.append(validated(Rule, table, file=origins.label("rules.toml", place), place=place))
        except InputError as error:
            errors.extend(error.parts)
    return tuple(found)


def _raw_place(index: int, table: Any) -> str:
    """What errors call a rule that may not be one."""
    if not isinstance(table, Mapping):
        return f"rule {index}"
    cell = table.get("cell", "?")
    cells = ", ".join(map(str, cell)) if isinstance(cell, list) else cell
    return f"rule {index} ({cells}: {table.get('signal', '?')} {table.get('effect', '?')} {table.get('behavior', '?')})"
