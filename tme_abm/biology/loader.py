"""Reading the catalogue from its six TOML files.

The shipped catalogue is found through `importlib.resources`, so it loads from a wheel, and is read once. A directory
of one's own takes the same six files. Everything wrong with the files is told in one error.
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
from ..core.tables import read_toml, validated
from .catalogue import FILES, Catalogue
from .check import check
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
    return _load(folder, {f"{name}.toml": str(folder / f"{name}.toml") for name in FILES})


@lru_cache(maxsize=1)
def _shipped() -> Catalogue:
    return _load(resources.files(__package__).joinpath("data"), {f"{name}.toml": f"{name}.toml" for name in FILES})


def _load(folder: Traversable, labels: Mapping[str, str]) -> Catalogue:
    errors: list[InputError] = []
    raw: dict[str, dict[str, Any]] = {}
    for name in FILES:
        file = f"{name}.toml"
        try:
            raw[name] = read_toml(folder.joinpath(file), name=labels[file])
        except InputError as error:
            errors.append(error)
    if errors:
        raise combine(errors)
    catalogue = Catalogue(
        references=_tables(raw["references"], ReferenceEntry, labels["references.toml"], errors),
        molecules=_tables(raw["molecules"], MoleculeEntry, labels["molecules.toml"], errors),
        receptors=_tables(raw["receptors"], ReceptorEntry, labels["receptors.toml"], errors),
        traits=_tables(raw["traits"], TraitEntry, labels["traits.toml"], errors),
        cells=_tables(raw["cells"], CellEntry, labels["cells.toml"], errors),
        rules=_rules(raw["rules"], labels["rules.toml"], errors),
    )
    errors = errors or check(catalogue, labels)
    if errors:
        raise combine(errors)
    return catalogue


def _tables(raw: Mapping[str, Any], model: type[Model], file: str, errors: list[InputError]) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for name, table in raw.items():
        try:
            found[name] = validated(model, table, file=file, place=name)
        except InputError as error:
            errors.extend(error.parts)
    return found


def _rules(raw: Mapping[str, Any], file: str, errors: list[InputError]) -> tuple[Rule, ...]:
    errors.extend(
        InputError(f"unknown key '{key}'", file=file, allowed=("rule",), word=key) for key in raw if key != "rule"
    )
    tables = raw.get("rule", [])
    if not isinstance(tables, list):
        errors.append(InputError("rules are written as [[rule]], with double brackets", file=file, place="rule"))
        return ()
    found: list[Rule] = []
    for index, table in enumerate(tables, start=1):
        try:
            found.append(validated(Rule, table, file=file, place=_raw_place(index, table)))
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
