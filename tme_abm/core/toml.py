"""TOML files: read, validate, write.

:func:`read_toml` turns every failure of reading (no file, a directory, not UTF-8, bad syntax) into a readable error.
:func:`validated` makes a pydantic model of a table and translates *all* complaints of pydantic into one `InputError`;
for an unknown key, it lists the allowed ones and the nearest.
:func:`write_toml` writes a tree of plain values in one canonical way: the same tree is always the same bytes.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from .errors import InputError, brief, combine

__all__ = [
    "FileName", "Frozen", "dotted", "flatten", "parse_toml", "read_text", "read_toml", "toml_value", "validated",
    "write_toml",
]  # fmt: skip

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


class Frozen(BaseModel):
    """An immutable table without unknown keys; `also` names allowed keys that are removed before it is validated."""

    # Deferred, for most tables are only ever part of another one, which has all that is built of them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    also: ClassVar[tuple[str, ...]] = ()


Model = TypeVar("Model", bound=BaseModel)


def _usable_in_paths(name: str) -> str:
    if name.startswith(".") or not name.isprintable() or any(sign in name for sign in "/\\"):
        raise InputError(f"{brief(name)} cannot serve as a name: no slashes, no leading dot")
    return name


FileName = typing.Annotated[str, AfterValidator(_usable_in_paths)]
"""A name that can serve as the name of a file or directory."""


def read_toml(source: Path | Traversable, *, name: str | None = None) -> dict[str, Any]:
    """The table in a TOML file; errors call it `name` (default: its path). Raises InputError if it is not TOML."""
    return parse_toml(read_text(source, name=name), name=name or str(source))


def read_text(source: Path | Traversable, *, name: str | None = None) -> str:
    """The text of a file; errors call it `name` (default: its path). Raises InputError if it cannot be read."""
    label = name or str(source)
    if source.is_dir():
        raise InputError("this is a directory, not a TOML file", file=label)
    try:
        return source.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", file=label) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", file=label) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise InputError(f"cannot be read ({getattr(error, 'strerror', error)})", file=label) from None


def parse_toml(text: str, *, name: str) -> dict[str, Any]:
    """The table in a TOML text; errors call the text `name`. Raises InputError if it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.fullmatch(r"(.*) \((?:at )?([^()]*)\)", str(error), re.DOTALL)
        what, place = (said[1], said[2]) if said else (str(error), None)
        if place == "end of document":
            place = f"line {text.count(chr(10)) + 1}, end of document"
        what = re.sub(r"\('.*'.*\)", lambda keys: f"[{_header(ast.literal_eval(keys[0]))}]", what)
        raise InputError(f"not valid TOML: {what}", file=name, place=place) from None
    except RecursionError:
        raise InputError("not valid TOML: nested too deeply", file=name) from None
    except ValueError as error:  # a number with more digits than Python reads
        raise InputError(f"not valid TOML: {error}", file=name) from None


def toml_value(text: str) -> object:
    """The value of a text that is a TOML value, else the text itself."""
    try:
        parsed = tomllib.loads(f"value = {text.strip()}")
    except (ValueError, RecursionError):  # ValueError: not TOML, or a whole number of absurd length
        return text.strip()
    return parsed["value"] if set(parsed) == {"value"} else text.strip()


def validated(
    model: type[Model],
    table: object,
    *,
    file: Path | str | None = None,
    place: str | None = None,
    context: object = None,
) -> Model:
    """`table` as a `model`, whose validators get `context`. Raises one InputError that lists all problems."""
    try:
        return model.model_validate(table, context=context)
    except ValidationError as error:
        found = [problem for item in error.errors(include_url=False) for problem in _problems(dict(item), model, table)]
        raise combine(_merged(found)).at(place, file=file) from error


def _problems(item: dict[str, Any], model: type[BaseModel], table: object) -> list[InputError]:
    """One complaint of pydantic in our words: one problem, or all that a validator raised together."""
    path, annotations = _located(item, model, table)
    kind, context, given = item["type"], item.get("ctx", {}), item["input"]
    cause = context.get("error")
    allowed: Iterable[str] = ()
    word: str | None = None
    if isinstance(cause, InputError):
        return [part.at(".".join(path)) for part in cause.parts]
    if kind == "value_error":
        what = str(cause)
    elif kind == "missing":
        what = "missing"
    elif kind == "extra_forbidden":
        what, word = "unknown key", path[-1]
        allowed = [key for one in annotations if _is_model(one) for key in (*getattr(one, "also", ()), *_fields(one))]
    elif kind in ("union_tag_not_found", "union_tag_invalid"):
        key = context["discriminator"].strip("'")
        allowed = [tag for one in annotations for tag in typing.get_args(_fields(one).get(key))]
        path.append(key)
        what = "missing"
        if kind == "union_tag_invalid":
            what, word = f"unknown value {brief(given[key])}", str(given[key])
    elif kind == "literal_error":
        what, word, allowed = f"unknown value {brief(given)}", str(given), _QUOTED.findall(context["expected"])
    elif kind in ("too_short", "string_too_short"):
        what = "should not be empty"
    else:
        what = f"should be {_EXPECTED[kind]}" if kind in _EXPECTED else item["msg"].removeprefix("Input ").lower()
        what += f", not {brief(given)}"
    return [InputError(what, place=".".join(path), allowed=dict.fromkeys(allowed), word=word)]


def _merged(found: Sequence[InputError]) -> list[InputError]:
    """One problem a place. The complaints of the branches of a union are joined: "should be text or a list, not 3".

    A problem of a list or table is dropped if there is one of something inside it.
    """
    kept: dict[str, InputError] = {}
    for one in found:
        place = one.place or ""
        first = kept.get(place)
        if first is not None and one.what.startswith("should be "):
            kept[place] = first.replace(what=f"{first.what.rpartition(', not ')[0]} or {one.what[len('should be '):]}")
        else:
            kept[place if first is None else f"{place} {len(kept)}"] = one
    return [one for one in kept.values() if not one.place or not any(key.startswith(f"{one.place}.") for key in kept)]


_EXPECTED: Mapping[str, str] = types.MappingProxyType(
    {
        "model_type": "a table",
        "model_attributes_type": "a table",
        "dict_type": "a table",
        "mapping_type": "a table",
        "string_type": "text",
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "float_parsing": "a number",
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "tuple_type": "a list",
        "list_type": "a list",
    }
)


def _located(item: dict[str, Any], model: type[BaseModel], table: object) -> tuple[list[str], list[Any]]:
    """The keys that lead to a complaint, and the types that the innermost table on the way may have.

    Pydantic's path also has steps that are not keys but name the branch of a union; they are left out.
    """
    path: list[str] = []
    node: Any = table
    annotations: list[Any] = [model]
    last = len(item["loc"]) - 1
    for number, step in enumerate(item["loc"]):
        items = node if isinstance(node, Mapping) else dict(enumerate(node)) if isinstance(node, list | tuple) else {}
        absent = number == last and (item["type"] == "missing" or any(step in _fields(one) for one in annotations))
        if step in items or absent:
            path.append(str(step))
            node = items.get(step)
            if item["type"] != "extra_forbidden" or number < last:
                annotations = [one for outer in annotations for one in _inner(outer, step)]
        else:
            annotations = [one for one in annotations if step in _tags(one)] or annotations
    return path, annotations


def _inner(annotation: Any, step: int | str) -> list[Any]:
    """The types that the item `step` of something of type `annotation` may have."""
    if _is_model(annotation):
        return _branches(_fields(annotation).get(str(step)))
    arguments = typing.get_args(annotation)
    return _branches(arguments[0 if isinstance(step, int) else -1]) if arguments else []


def _branches(annotation: Any) -> list[Any]:
    """The types that `annotation` may stand for, without Annotated and without None."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _branches(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [one for branch in typing.get_args(annotation) for one in _branches(branch)]
    return [] if annotation in (None, type(None)) else [annotation]


def _tags(annotation: Any) -> set[str]:
    """The words that may mark a branch of a union."""
    return {word for inner in _fields(annotation).values() for word in typing.get_args(inner) if isinstance(word, str)}


def _fields(annotation: Any) -> dict[str, Any]:
    """The keys of a table and their types."""
    if not _is_model(annotation):
        return {}
    return {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def write_toml(tree: Mapping[str, Any]) -> str:
    """The tree as TOML: of each table first the plain values, in their order, then the tables."""
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


def dotted(
    tree: Mapping[str, Any], is_value: Callable[[Mapping[str, Any]], bool] = lambda table: False, prefix: str = ""
) -> dict[str, Any]:
    """Dotted key -> value, without tables except those that are values (`is_value`).

    Raises InputError if a table is empty or a key is given twice.
    """
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        inner = {f"{prefix}{key}": value}
        if isinstance(value, Mapping) and not is_value(value):
            if not value:
                raise InputError("is an empty table", place=f"{prefix}{key}")
            inner = dotted(value, is_value, f"{prefix}{key}.")
        if twice := sorted(set(inner) & set(flat)):
            raise InputError("is given twice", place=twice[0])
        flat |= inner
    return flat


def _table(tree: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    nested = {key: value for key, value in tree.items() if isinstance(value, Mapping) or _tables(value)}
    for key, value in tree.items():
        if key not in nested:
            lines.append(f"{_key(key)} = {_plain(value)}")
    for key, value in nested.items():
        inner = (*path, key)
        header = _header(inner)
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


def _header(path: Iterable[str]) -> str:
    return ".".join(_key(part) for part in path)


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
