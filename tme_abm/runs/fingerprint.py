"""The fingerprint of the model and the versions of the packages that produced a result.

The fingerprint covers the files that decide the numbers: the modules that the model imports, directly or through
others, and the shipped catalogue (a scenario's own packs are part of the scenario's hash). The modules are found by
reading the import statements, so the fingerprint does not depend on what is loaded. It does not depend on line ends
either, and is the same for a checkout and an installed wheel. Statements are found line by line, which takes a tenth of
the time that parsing the files takes; a test compares the two.

A package whose `__init__` only imports names is an index: a name imported from it leads to the module that defines it,
and to nothing else. So the JSON Schema for editors, which `scenario` exports, does not count.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import re
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

__all__ = ["fingerprint", "model_fingerprint", "package_version", "versions"]

_PACKAGES = ("numpy", "scipy", "mesa")
_ROOT = Path(__file__).parents[1]
_MODEL = ("simulation", "observe.metrics", "observe.snapshot")
_DATA = "biology/data/**/*.toml"


def package_version() -> str:
    """The version of this package, "unknown" in a checkout that was never installed."""
    return _version("tme-abm")


def versions() -> dict[str, str]:
    """The versions of this package, of Python, and of the packages that results depend on."""
    found = {"tme_abm": package_version(), "python": platform.python_version()}
    return found | {name: _version(name) for name in _PACKAGES}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


@cache
def model_fingerprint(root: Path = _ROOT) -> str:
    """The fingerprint of the model, its metrics, its snapshots, and the shipped catalogue.

    A result is resumed or used again only if this has not changed: a stale result that looks like a new one is worse
    than an hour of computing.
    """
    return fingerprint(*_MODEL, root=root)


@cache
def fingerprint(*modules: str, data: tuple[str, ...] = (), root: Path = _ROOT) -> str:
    """SHA-256 over `modules` of the package in `root` (such as "observe.metrics"), the modules of the package that they
    import, the shipped catalogue, and the files that match the patterns in `data`.
    """
    imports = _Imports(root)
    for module in modules:
        imports.follow(tuple(module.split(".")))
    found = {file for pattern in (_DATA, *data) for file in root.glob(pattern)}
    digest = hashlib.sha256("\n".join(sorted(imports.links)).encode())
    for place, file in sorted((file.relative_to(root).as_posix(), file) for file in found | imports.files):
        digest.update(f"\0{place}\0".encode())
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


Name = tuple[str, ...]
"""A module of the package, without the name of the package."""


class _Imports:
    """The files of modules and of those that they import; `links` lists where the names of an index are defined."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: set[Path] = set()
        self.links: set[str] = set()
        self._seen: set[tuple[Name, str]] = set()

    def follow(self, module: Name, name: str = "") -> None:
        """Add the file of a module, or of that which defines its `name`, and the files that it imports."""
        if (module, name) in self._seen:
            return
        self._seen.add((module, name))
        if name and self._file((*module, name)):
            module, name = (*module, name), ""
        file = self._file(module)
        if file is None:
            return
        index = _index(file)
        if index is None:
            if file not in self.files:
                self.files.add(file)
                for length in range(1, len(module)):  # a package is imported before what is in it
                    if (package := self._file(module[:length])) and _index(package) is None:
                        self.follow(module[:length])
                for other, names in _imported(file, self.root):
                    for one in names:
                        self.follow(other, one)
            return
        for one in index.keys() & {name} if name else index:
            place = _absolute(file, self.root, *index[one][:2])
            link = f"{'.'.join(module)}.{one} is {'.'.join(place)}.{index[one][2]}"
            if link not in self.links:
                self.links.add(link)
                self.follow(place, index[one][2])

    def _file(self, module: Name) -> Path | None:
        place = self.root.joinpath(*module)
        found = (place / "__init__.py", place.with_suffix(".py"))
        return next((file for file in found if module and file.is_file()), None)


def _absolute(file: Path, root: Path, level: int, module: str) -> Name:
    """The module that `file` calls `module`, relative by `level` dots; empty for one outside of the package."""
    parts = tuple(filter(None, module.split(".")))
    if level == 0:
        return parts[1:] if parts[:1] == (root.name,) else ()
    folder = file.parent.relative_to(root).parts
    return folder[: len(folder) - level + 1] + parts


_FOR_TYPE_CHECKERS = re.compile(r"^( *)if TYPE_CHECKING:\n(?:\1 +.*\n|\n)*", re.MULTILINE)
_IMPORT = re.compile(
    r"^ *(?:from +(?P<dots>\.*)(?P<module>[\w.]*) +import +(?P<names>\([^)]*\)|.*)|import +(?P<modules>.*))",
    re.MULTILINE,
)
_COMMENT = re.compile(r"#.*")


def _imported(file: Path, root: Path) -> Iterator[tuple[Name, list[str]]]:
    """The modules of the package that a file imports, each with the names imported from it ("" for the module).

    An import inside a function counts, one for type checkers does not. A line of text that reads like an import counts,
    too, which does no harm.
    """
    text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
    for found in _IMPORT.finditer(_FOR_TYPE_CHECKERS.sub("", text)):
        names = [
            one.split()[0]
            for one in _COMMENT.sub("", found["names"] or found["modules"] or "").strip("() \n").split(",")
            if one.strip()
        ]
        if found["names"]:
            yield _absolute(file, root, len(found["dots"]), found["module"]), names
        else:
            for one in names:
                yield _absolute(file, root, 0, one), [""]


@cache
def _index(file: Path) -> dict[str, tuple[int, str, str]] | None:
    """Name -> (level, module, name there) of an `__init__` that holds only imports and `__all__`, else None."""
    if file.name != "__init__.py":
        return None
    found: dict[str, tuple[int, str, str]] = {}
    for statement in ast.parse(file.read_bytes()).body:
        if isinstance(statement, ast.ImportFrom) and statement.level:
            where = (statement.level, statement.module or "")
            found |= {one.asname or one.name: (*where, one.name) for one in statement.names}
        elif not isinstance(statement, ast.Expr | ast.ImportFrom) and not ast.unparse(statement).startswith("__all__"):
            return None
    return found
