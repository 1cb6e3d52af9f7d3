"""From a name or a file to a `Scenario`: find, merge what it extends, set single values, resolve, check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..biology import Catalogue, Pack, load_catalogue
from ..core.errors import InputError, brief, combine
from ..core.toml import Frozen, toml_value, validated
from .document import CATALOGUE, SET, Document, parse_override, read
from .protocol import AnyIntervention, Intervention
from .schema import Scenario
from .slide.section import complete

__all__ = ["assembled", "changed", "extended", "find", "intervention", "load", "shipped"]

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = (_PACKAGE / "_scenarios", _PACKAGE.parent / "scenarios")  # in a wheel, in a checkout
_SUFFIX = ".toml"


def shipped() -> tuple[str, ...]:
    """The names of the scenarios that come with the package, in alphabetical order."""
    return tuple(sorted(path.stem for path in _directory().glob(f"*{_SUFFIX}")))


def find(name_or_path: str | Path, directory: Path | None = None) -> Path:
    """The file of a shipped scenario, given by its name, or of any other, given by its path.

    A text without a slash and without the ending .toml is a name; a relative path starts at `directory`, by
    default the current one. Raises InputError if there is no such scenario.
    """
    text = str(name_or_path)
    named = _directory() / f"{text}{_SUFFIX}"
    is_name = isinstance(name_or_path, str) and not text.endswith(_SUFFIX) and not any(s in text for s in "/\\")
    if is_name and text and named.is_file():
        return named
    path = Path(text) if directory is None else directory / text
    try:
        found = path.exists()
    except (OSError, ValueError) as error:  # too long a name, a null character
        raise InputError(f"{brief(text)} cannot be a file name") from error
    if found:
        return path
    if is_name:
        raise InputError(f"no scenario {text!r}, by name or as a file", allowed=shipped(), word=text)
    raise InputError("no such file", file=path, allowed=shipped(), word=path.stem)


def load(
    name_or_path: str | Path,
    overrides: Mapping[str, object] | Sequence[str] = (),
    catalogue: Catalogue | None = None,
    packs: Iterable[Pack | Path | str] = (),
) -> Scenario:
    """The resolved scenario.

    Parameters
    ----------
    name_or_path : the name of a shipped scenario or the path of a file.
    overrides : values to set on top, as texts ``"clock.days=5"`` or a mapping ``{"clock.days": 5}``.
    catalogue : the biology in place of the shipped one and the scenario's packs.
    packs : catalogue files in addition to those that the scenario names.

    Raises
    ------
    InputError : one message with the file (or the --set), the dotted place, what is wrong, what is allowed.
    """
    path = find(name_or_path)
    document = read(path, find)
    document.values.setdefault("name", path.stem.lstrip(".") or "scenario")
    for pack in packs:
        document.add_pack(pack, "--catalogue")
    return _resolved(document, overrides, catalogue)


def assembled(
    values: Mapping[str, Any], *, name: str, extends: str | None = None, catalogue: Catalogue | None = None
) -> Scenario:
    """The scenario that a table of values describes, laid over the one it `extends`; errors call the table `name`.

    catalogue : the biology in place of the shipped one
    """
    document = Document(name) if extends is None else read(find(extends), find)
    document.merge(values, name)
    return _resolved(document, (), catalogue)


def changed(
    scenario: Scenario, overrides: Mapping[str, object] | Sequence[str] = (), catalogue: Catalogue | None = None
) -> Scenario:
    """A scenario with some of its values replaced, or with another biology, and everything checked again."""
    document = Document(scenario.name)
    document.merge(scenario.document(), scenario.name)
    return _resolved(document, overrides, catalogue or scenario.given_catalogue)


def extended(scenario: Scenario, protocol: Sequence[Mapping[str, Any]], origin: str) -> Scenario:
    """The scenario with further interventions after its own; errors name `origin` and count from 0 what it adds."""
    document = Document(scenario.name)
    values = scenario.document()
    own = values.get("protocol", [])
    document.merge(values, scenario.name)
    document.merge({"protocol": [*own, *protocol]}, origin)
    try:
        return _resolved(document, (), scenario.given_catalogue)
    except InputError as error:
        raise combine([_counted(part, len(own), origin) for part in error.parts]) from error


class _One(Frozen):
    item: AnyIntervention


def intervention(
    table: Mapping[str, Any], *, name: str = "intervention", catalogue: Catalogue | None = None
) -> Intervention:
    """The intervention that a `[[protocol]]` table says, by the shipped catalogue or the one given; errors call the
    table `name`.
    """
    try:
        return validated(_One, {"item": table}, context=catalogue or load_catalogue()).item
    except InputError as error:
        parts = [part.replace(file=name, place=(part.place or "").removeprefix("item.")) for part in error.parts]
        raise combine(parts) from error


def _counted(error: InputError, own: int, origin: str) -> InputError:
    """`error` with the number of an added intervention counted from the first one that was added."""
    key, _, rest = (error.place or "").partition(".")
    number, dot, rest = rest.partition(".")
    if key != "protocol" or not number.isdecimal():
        return error
    return error.replace(file=origin, place=f"protocol.{int(number) - own}{dot}{rest}")


def _resolved(
    document: Document, overrides: Mapping[str, object] | Sequence[str], catalogue: Catalogue | None = None
) -> Scenario:
    for path, value, origin in _settings(overrides):
        if path[0] == "extends":
            raise InputError("can only be said in a file", file=origin, place="extends")
        if path == (CATALOGUE,):
            document.add_catalogue(value, origin)
        else:
            document.set(path, value, origin)
    if catalogue is None:
        catalogue = _catalogue(document)
    complete(document, catalogue)
    try:
        return validated(Scenario, document.values, context=catalogue)
    except InputError as error:
        raise document.blamed(_with_hint(error)) from None


class _Packs(Frozen):
    packs: tuple[Pack, ...] = ()


def _catalogue(document: Document) -> Catalogue:
    """The shipped catalogue with the packs of the document."""
    try:
        packs = validated(_Packs, {"packs": document.values.get("packs", ())}).packs
    except InputError as error:
        raise document.blamed(error) from None
    try:
        return load_catalogue(packs=packs)
    except InputError as error:
        names = {pack.name: document.packs.get(pack.name, f"{pack.name} in {document.file}") for pack in packs}
        raise combine([part.replace(file=names.get(part.file or "", part.file)) for part in error.parts]) from None


def _with_hint(error: InputError) -> InputError:
    """`error` with all tables that are missing in one part, which says where they usually come from."""
    missing = [part.place or "" for part in error.parts if part.what == "missing" and "." not in (part.place or "")]
    if not missing:
        return error
    more = f", and so {'is' if len(missing) == 2 else 'are'} {', '.join(missing[1:])}" if missing[1:] else ""
    hint = InputError(f'missing{more}; extends = "base" brings the shared surroundings', place=missing[0])
    return combine([hint, *(part for part in error.parts if part.place not in missing)])


def _settings(overrides: Mapping[str, object] | Sequence[str]) -> list[tuple[tuple[str, ...], Any, str]]:
    if isinstance(overrides, Mapping):
        return [
            (
                parse_override(f"{key}=")[0],
                toml_value(value) if isinstance(value, str) else value,
                f"{SET}{key}={value}",
            )
            for key, value in overrides.items()
        ]
    texts = [overrides] if isinstance(overrides, str) else list(overrides)
    return [(*parse_override(text), f"{SET}{text}") for text in texts]


def _directory() -> Path:
    return next((directory for directory in _SHIPPED if directory.is_dir()), _SHIPPED[0])
