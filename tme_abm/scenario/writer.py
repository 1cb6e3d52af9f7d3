"""Writing a tree of plain values as TOML in one canonical way: the same tree is always the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["flatten", "write"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write(tree: Mapping[str, Any]) -> str:
    """The tree as TOML: in a table its plain values first, in their order, then its tables."""
    lines: list[str] = []
    _table(tree, (), lines)
    return "\n".join(lines).lstrip("\n") + "\n"


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Dotted key -> value as text; the items of a list of tables are counted from 0."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        inner = {str(number): item for number, item in enumerate(value)} if _tables(value) else value
        if isinstance(inner, Mapping):
            flat |= flatten(inner, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else _plain(value)
    return flat


def _table(tree: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    nested = {key: value for key, value in tree.items() if isinstance(value, Mapping) or _tables(value)}
    for key, value in tree.items():
        if key not in nested:
            lines.append(f"{_key(key)} = {_plain(value)}")
    for key, value in nested.items():
        inner = (*path, key)
        header = ".".join(_key(part) for part in inner)
        if isinstance(value, Mapping):
            if not value or any(not isinstance(item, Mapping) for item in value.values()):
                lines += ["", f"[{header}]"]
            _table(value, inner, lines)
        else:
            for item in value:
                lines += ["", f"[[{header}]]"]
                _table(item, inner, lines)


def _tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return repr(value)  # the shortest digits that read back to the same float


def _text(text: str) -> str:
    # a JSON string is a TOML basic string but for the one control character JSON leaves bare
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
