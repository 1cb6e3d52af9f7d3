"""A scenario as it was written: files merged along `extends`, then single values, each with its origin.

Tables merge key by key and anything else is replaced. Every value remembers the file or the `--set` that
said it last, so that an error names what the reader has to change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..biology import Pack, read_pack
from ..core.errors import InputError, brief, combine
from ..core.toml import read_toml, toml_value

__all__ = ["CATALOGUE", "SET", "Document", "parse_override", "read"]

Key = str | int
SET = "--set "
CATALOGUE = "catalogue"


@dataclass(slots=True)
class Document:
    """Plain values as read, and for each dotted place its origin: a file or a `--set`."""

    file: str
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    merged: list[str] = field(default_factory=list)
    packs: dict[str, str] = field(default_factory=dict)  # what errors call a pack, by its name

    def merge(self, values: Mapping[str, Any], origin: str) -> None:
        """Merge `values` over the present ones; packs of the catalogue are added to the present ones."""
        self.merged.append(origin)
        before = self.values.get("packs")
        self._merge(self.values, {key: value for key, value in values.items() if key != CATALOGUE}, origin, "")
        if isinstance(values.get("packs"), list) and isinstance(before, list):
            inside, self.values["packs"] = self.values["packs"], before
            self._add_packs(inside, origin)
        if CATALOGUE in values:
            self.add_catalogue(values[CATALOGUE], origin)

    def add_catalogue(self, files: object, origin: str) -> None:
        """Read pack files, whose paths are relative to the file `origin`, and put their text into the document."""
        names = [files] if isinstance(files, str) else files
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise InputError(f"should be a list of files, not {brief(files)}", file=origin, place=CATALOGUE)
        directory = Path(origin).parent if Path(origin).is_file() else Path()
        for name in names:
            try:
                self.add_pack(directory / name, origin)
            except InputError as error:
                if error.file == origin:
                    raise
                raise error.replace(what=f"{error.what}: {error.file}", file=origin, place=CATALOGUE) from None

    def add_pack(self, pack: Pack | Path | str, origin: str) -> None:
        """Put the text of a pack, or of the file of one, into the document."""
        read = pack if isinstance(pack, Pack) else read_pack(pack)
        self.packs.setdefault(read.name, read.name if pack is read else str(pack))
        self._add_packs([read.model_dump()], origin)

    def _add_packs(self, packs: Sequence[Any], origin: str) -> None:
        there = self.values.setdefault("packs", [])
        named = {one["name"]: one for one in there if isinstance(one, dict) and "name" in one}
        for pack in packs:
            name = pack.get("name") if isinstance(pack, dict) else None
            if named.get(name, pack) != pack:
                what = f"another file {name!r} is in the catalogue already, with another text; rename one"
                raise InputError(what, file=origin, place=CATALOGUE)
            if pack not in there:
                there.append(pack)
                self.origins["packs"] = origin

    def set(self, path: Sequence[Key], value: object, origin: str) -> None:
        """Set one value by its path; missing tables are made, items of a list are counted from 0."""
        node: Any = self.values
        for depth, key in enumerate(path[:-1]):
            if isinstance(node, dict):
                if key not in node:
                    node[key] = {}
                    self.origins[_dotted(path[: depth + 1])] = origin
                node = node[key]
            else:
                node = node[self._item(node, key, path[:depth], origin)]
        last: Key = path[-1]
        if not isinstance(node, dict):
            last = self._item(node, last, path[:-1], origin)
        node[last] = value
        self._forget(_dotted(path))
        self.origins[_dotted(path)] = origin

    def put(self, place: str, value: object, *, like: str) -> None:
        """Set a value that follows from another one; it counts as set in the same file as that at `like`."""
        self.set(place.split("."), value, self._who(like))

    def rank(self, place: str) -> int:
        """How late a value at `place` or inside was set: larger is later, every `--set` is last, −1 is never."""
        return self._order(self.origins.get(self.last(place), ""))

    def last(self, place: str) -> str:
        """The place, at `place` or inside, of the value that was set last."""
        inside = [where for where in self.origins if _within(where, place)]
        return max(inside, key=lambda where: self._order(self.origins[where]), default=place)

    def folder_of(self, place: str) -> Path:
        """The directory of the file that set the value at `place`; the current directory if no file did."""
        who = Path(self._who(place))
        return who.parent if who.is_file() else Path()

    def blamed(self, error: InputError) -> InputError:
        """`error` with the file or the `--set` that caused it.

        If values contradict each other, that is the one that was set last, so that an extended file is not blamed for
        a change in the file that extends it; the message adds where the other value is set.
        """
        if len(error.parts) > 1:
            return combine([self.blamed(part) for part in error.parts])
        places = (error.place or "", *error.because)
        who = self._who(max(places, key=lambda place: self._order(self._who(place))))
        what = error.what
        if other := next((place for place in places if self._who(place) != who), None):
            what = f"{what} ({other} is set in {self._who(other)})"
        extended = who in self.merged and self._order(who) < self._order(self.file)
        return error.replace(what=what, file=f"{who} (extended by {self.file})" if extended else who)

    def _who(self, place: str) -> str:
        """The origin of the value at `place` or inside that was set last, else of the nearest table around it."""
        while place and (last := self.last(place)) not in self.origins:
            place = place.rpartition(".")[0]
        return self.origins[last] if place else self.file

    def _order(self, who: str) -> int:
        if who.startswith(SET):
            return len(self.merged)
        return len(self.merged) - 1 - self.merged[::-1].index(who) if who in self.merged else -1

    def _merge(self, mine: dict[str, Any], theirs: Mapping[str, Any], origin: str, prefix: str) -> None:
        for key, value in theirs.items():
            place = f"{prefix}{key}"
            if isinstance(value, Mapping):
                if not isinstance(mine.get(key), dict):
                    mine[key] = {}
                    self.origins[place] = origin
                self._merge(mine[key], value, origin, f"{place}.")
            else:
                mine[key] = value
                self._forget(place)
                self.origins[place] = origin

    def _forget(self, place: str) -> None:
        """Forget who set what was at `place`, and in it: something else is there now."""
        for old in [old for old in self.origins if _within(old, place)]:
            del self.origins[old]

    @staticmethod
    def _item(node: object, key: Key, path: Sequence[Key], origin: str) -> int:
        place = _dotted(path)
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
    """The file at `path` laid over those that it extends; `find(name, directory)` locates an extended file."""
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
            raise error.at("extends", file=here) from error
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
    """The path and the value in a text such as ``clock.days=5``. Raises InputError for another text.

    The value is read as TOML where it is TOML, else as text: ``clock.dt=5 min`` needs no quotes.
    """
    key, equals, value = text.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        raise InputError("should have the form key=value, such as clock.days=5", file=f"{SET}{text}")
    return path, toml_value(value)


def _dotted(path: Sequence[Key]) -> str:
    return ".".join(str(key) for key in path)


def _within(place: str, outer: str) -> bool:
    return place == outer or place.startswith(f"{outer}.")
