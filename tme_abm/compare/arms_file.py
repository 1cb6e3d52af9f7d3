"""The form of an arms file: what several arms of one tissue do from the branching on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..core.toml import read_toml
from ..runs.branch import read_protocol

__all__ = ["Arm", "Arms", "read_arms"]

_KEYS = ("arms", "days")
_ARM_KEYS = ("title", "description", "set", "protocol")


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to go on: values that are set and interventions that are added."""

    name: str
    settings: dict[str, object] = field(default_factory=dict)
    protocol: list[dict[str, Any]] = field(default_factory=list)
    origin: str = "--protocol"


@dataclass(frozen=True, kw_only=True)
class Arms:
    """The arms of a file, and when they end if it says so."""

    arms: tuple[Arm, ...]
    days: float | None = None


def read_arms(file: Path) -> Arms:
    """An arms file: `[arms.NAME]` tables with `set`, `protocol` (tables, or a file of them), `title`, `description`."""
    table = read_toml(file)
    _only(table, _KEYS, file, "")
    named = table.get("arms")
    if not isinstance(named, dict) or not named:
        raise InputError("names no arm; each is a table [arms.NAME]", file=file, place="arms")
    days = table.get("days")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int | float)):
        raise InputError("should be a number of days", file=file, place="days")
    return Arms(arms=tuple(_arm(file, name, one) for name, one in named.items()), days=days)


def _arm(file: Path, name: str, table: object) -> Arm:
    place = f"arms.{name}"
    if not isinstance(table, dict):
        raise InputError("should be a table", file=file, place=place)
    _only(table, _ARM_KEYS, file, f"{place}.")
    settings, protocol = table.get("set", {}), table.get("protocol", [])
    if not isinstance(settings, dict):
        raise InputError("should be a table of dotted keys and values", file=file, place=f"{place}.set")
    origin = f"{file}: {place}"
    if isinstance(protocol, str):
        origin = str(file.parent / protocol)
        protocol = read_protocol(file.parent / protocol)
    if not isinstance(protocol, list) or not all(isinstance(item, dict) for item in protocol):
        raise InputError("should be a list of interventions, or the name of a file of them", file=file,
                         place=f"{place}.protocol")
    words = {key: table.get(key, "") for key in ("title", "description")}
    return Arm(name=name, settings={**_dotted(settings), **words, "name": name}, protocol=protocol, origin=origin)


def _dotted(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Dotted keys and values, also of tables in tables."""
    flat: dict[str, object] = {}
    for key, value in table.items():
        flat |= _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _only(table: Mapping[str, object], allowed: Sequence[str], file: Path, prefix: str) -> None:
    for key in table:
        if key not in allowed:
            raise InputError("unknown key", file=file, place=f"{prefix}{key}", allowed=allowed, word=key)
