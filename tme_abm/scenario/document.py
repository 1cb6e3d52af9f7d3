"""A scenario as it was written: files merged along `extends`, then single values set, with who said what.

Tables merge key by key and anything else is replaced. Every value remembers the file or the `--set` that
said it last, so that an error names what the reader has to change.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..core.toml import read_toml
from .values import brief

__all__ = ["SET", "Document", "parse_override", "read", "toml_value"]

Key = str | int
SET = "--set "


@dataclass(slots=True)
class Document:
    """Plain values as read, and for each path of keys who said it."""

    file: str
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[tuple[Key, ...], str] = field(default_factory=dict)
    merged: list[str] = field(default_factory=list)

    def merge(self, values: Mapping[str, Any], origin: str) -> None:
        """Lay `values` over what is there."""
        self.merged.append(origin)
        self._merge(self.values, values, origin, ())

    def set(self, path: Sequence[Key], value: object, origin: str) -> None:
        """Set one value by its path; tables on the way are made, items of a list are counted from 0."""
        node: Any = self.values
        for depth, key in enumerate(path[:-1]):
            if isinstance(node, dict):
                if key not in node:
                    node[key] = {}
                    self.origins[tuple(path[: depth + 1])] = origin
                node = node[key]
            else:
                node = node[self._item(node, key, path[:depth], origin)]
        last: Key = path[-1]
        if not isinstance(node, dict):
            last = self._item(node, last, path[:-1], origin)
        node[last] = value
        self.origins[tuple(path)] = origin

    def put(self, path: tuple[str, ...], value: object, *, like: tuple[str, ...]) -> None:
        """Set a value that follows from another one, as if whoever said that at `like` had said this too."""
        who = self._who(like)
        for old in [old for old in self.origins if old[: len(path)] == path]:
            del self.origins[old]
        self.set(path, value, who)

    def rank(self, path: tuple[str, ...]) -> int:
        """How late something at `path` or inside was said: larger is later, every `--set` is last, −1 not at all."""
        return self._order(self.origins[last]) if (last := self.last(path)) in self.origins else -1

    def last(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Where, at `path` or inside, something was said last."""
        inside = [tuple(str(key) for key in where) for where in self.origins if where[: len(path)] == path]
        return max(inside, key=lambda where: self._order(self.origins[where]), default=path)

    def _order(self, who: str) -> int:
        if who.startswith(SET):
            return len(self.merged)
        return len(self.merged) - 1 - self.merged[::-1].index(who) if who in self.merged else -1

    def beside(self, path: tuple[Key, ...]) -> Path:
        """The directory of the file that said the value at `path`; of what no file said, the current one."""
        who = Path(self._who(path))
        return who.parent if who.is_file() else Path()

    def origin(self, path: tuple[Key, ...]) -> str:
        """Who said the value at `path`, or said the nearest table or list around it."""
        who = self._who(path)
        extended = who != self.file and not who.startswith(SET)
        return f"{who} (extended by {self.file})" if extended else who

    def _who(self, path: tuple[Key, ...]) -> str:
        written = tuple(str(key) for key in path)
        said = {tuple(str(key) for key in where): who for where, who in self.origins.items()}
        for length in range(len(written), 0, -1):
            if written[:length] in said:
                return said[written[:length]]
        return self.file

    def real_place(self, path: tuple[Key, ...], tags: Collection[str]) -> tuple[Key, ...]:
        """`path` without the steps that are no keys of the file: the `tags` of a union, the mark of a key."""
        node: Any = self.values
        real: list[Key] = []
        for key in path:
            inside_list = isinstance(node, list | tuple) and isinstance(key, int) and key < len(node)
            if inside_list or (isinstance(node, dict) and key in node):
                node = node[key]
            elif key == "[key]" or key in tags:
                continue
            real.append(key)
        return tuple(real)

    def _merge(self, mine: dict[str, Any], theirs: Mapping[str, Any], origin: str, path: tuple[Key, ...]) -> None:
        for key, value in theirs.items():
            here = (*path, key)
            if isinstance(value, Mapping):
                if not isinstance(mine.get(key), dict):
                    mine[key] = {}
                    self.origins[here] = origin
                self._merge(mine[key], value, origin, here)
            else:
                mine[key] = value
                self.origins[here] = origin

    @staticmethod
    def _item(node: object, key: Key, path: Sequence[Key], origin: str) -> int:
        place = ".".join(str(part) for part in path)
        if not isinstance(node, list):
            raise InputError(f"is not a table, so it has no key {str(key)!r}", file=origin, place=place)
        if not str(key).isdecimal() or int(key) >= len(node):
            raise InputError(
                f"is a list of {len(node)}, so it has no item {str(key)!r} (they are counted from 0)",
                file=origin,
                place=place,
            )
        return int(key)


def read(path: Path, find: Callable[[str, Path], Path]) -> Document:
    """The file at `path` laid over all that it extends; `find(name, directory)` locates what a file names."""
    chain: list[tuple[Path, dict[str, Any]]] = []
    origin, here = str(path), path
    while True:
        seen = [one.resolve() for one, _ in chain]
        if here.resolve() in seen:
            raise _cycle(chain, here)
        values = read_toml(here)
        parent = values.pop("extends", None)
        chain.append((here, values))
        if parent is None:
            break
        if not isinstance(parent, str) or not parent:
            raise InputError(
                f"should be the name or the path of a scenario, not {brief(parent)}",
                file=here,
                place="extends",
            )
        try:
            parent_path = find(parent, here.parent)
        except InputError as error:
            raise InputError(error.what, file=here, place="extends", allowed=error.allowed, word=error.word) from error
        here = parent_path
    document = Document(origin)
    for file, values in reversed(chain):
        if file is not path:
            values.pop("name", None)  # a name says which file this is, so it is not inherited
        document.merge(values, str(file))
    return document


def _cycle(chain: list[tuple[Path, dict[str, Any]]], again: Path) -> InputError:
    names = [one.name for one, _ in chain]
    last = chain[-1][0]
    if last.resolve() == again.resolve():
        return InputError("the scenario extends itself", file=last, place="extends")
    start = [one.resolve() for one, _ in chain].index(again.resolve())
    circle = " → ".join([*names[start:], again.name])
    return InputError(f"the scenarios extend each other in a circle: {circle}", file=last, place="extends")


def parse_override(text: str) -> tuple[tuple[str, ...], object]:
    """The path and the value that a text such as ``clock.days=5`` sets; `InputError` if it is no such text.

    The value is read as TOML where it is TOML, else as text: ``clock.dt=5 min`` needs no quotes.
    """
    key, equals, value = text.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        raise InputError("should have the form key=value, such as clock.days=5", file=f"{SET}{text}")
    return path, toml_value(value)


def toml_value(text: str) -> object:
    """A text as a TOML value where it is one, else as itself."""
    try:
        parsed = tomllib.loads(f"value = {text.strip()}")
    except (ValueError, RecursionError):  # ValueError: not TOML, or a whole number of absurd length
        return text.strip()
    return parsed["value"] if set(parsed) == {"value"} else text.strip()
