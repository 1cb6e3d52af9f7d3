"""Reading tables a person wrote: TOML in, a validated frozen model out, every refusal an InputError.

:func:`read_toml` turns each way a file can fail (absent, a directory, not UTF-8, bad syntax) into one readable error.
:func:`validated` runs a pydantic model over a table and translates *all* of its complaints: unknown keys list the
allowed ones and the nearest, and nobody sees a validation traceback.
"""

from __future__ import annotations

import re
import tomllib
import types
import typing
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import InputError, combine

__all__ = ["Frozen", "WordedError", "problems", "read_toml", "validated"]


class Frozen(BaseModel):
    """A model that never changes, takes no unknown key, and reads text as text (no guessing between types)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, arbitrary_types_allowed=False)


Model = TypeVar("Model", bound=BaseModel)


def read_toml(source: Path | Traversable, *, name: str | None = None) -> dict[str, Any]:
    """The table in a TOML file; `name` is what errors call it (default: its path). Raises InputError."""
    label = name if name is not None else str(source)
    if source.is_dir():
        raise InputError("this is a directory, not a TOML file", file=label)
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", file=label) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", file=label) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=label) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.fullmatch(r"(.*?) \((?:at )?(.*)\)", str(error), re.DOTALL)
        what, place = (said[1], said[2]) if said else (str(error), None)
        if place == "end of document":
            place = f"line {text.count(chr(10)) + 1}, end of document"
        raise InputError(f"not valid TOML: {what}", file=label, place=place) from None
    except RecursionError:
        raise InputError("not valid TOML: nested too deeply", file=label) from None
    except ValueError as error:  # a number with more digits than Python reads
        raise InputError(f"not valid TOML: {error}", file=label) from None


def validated(model: type[Model], table: object, *, file: Path | str | None = None, place: str | None = None) -> Model:
    """`table` as a `model`. Raises one InputError that tells everything wrong with it."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise combine(problems(error, model, file=file, place=place)) from None


def problems(
    error: ValidationError,
    model: type[BaseModel],
    *,
    file: Path | str | None = None,
    place: str | None = None,
) -> list[InputError]:
    """What pydantic refused, in our words: one InputError a complaint, in the order of the fields."""
    found: list[InputError] = []
    for item in error.errors(include_url=False):
        path = [part for part in item["loc"] if not _is_tag(part)]
        kind, context, given = item["type"], item.get("ctx", {}), item.get("input")
        allowed: tuple[str, ...] = ()
        word: str | None = None
        if kind in ("extra_forbidden", "missing"):
            key = str(path.pop())
            if kind == "missing":
                what = f"the key '{key}' is missing"
            else:
                what, word, allowed = f"unknown key '{key}'", key, _keys(model, path)
        elif kind == "literal_error":
            what, word = f"{given!r} is not a choice here", str(given)
            allowed = tuple(re.findall(r"'([^']*)'", context.get("expected", "")))
        elif kind == "value_error":
            cause = context.get("error")
            what = str(cause)
            if isinstance(cause, WordedError):
                allowed, word = cause.allowed, cause.word
        elif kind in _WORDS:
            what = f"{given!r} must be {_WORDS[kind]}"
        else:
            what = f"{given!r}: {item['msg'][:1].lower()}{item['msg'][1:]}"
        inner = ".".join(str(part) for part in path)
        joint = ": " if place and place.endswith(")") else "."
        where = joint.join(part for part in (place, inner) if part)
        found.append(InputError(what, file=file, place=where or None, allowed=allowed, word=word))
    return found


class WordedError(ValueError):
    """A refusal for a pydantic validator to raise when it knows the allowed words."""

    def __init__(self, what: str, allowed: tuple[str, ...], word: str) -> None:
        super().__init__(what)
        self.allowed, self.word = allowed, word


_WORDS: Mapping[str, str] = types.MappingProxyType(
    {
        "model_type": "a table",
        "model_attributes_type": "a table",
        "dict_type": "a table",
        "string_type": "a text",
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


def _is_tag(part: int | str) -> bool:
    """Whether pydantic put this into the path itself, to tell branches of a union apart."""
    return isinstance(part, str) and bool(re.search(r"\[|\(\)", part))


def _keys(model: Any, path: list[int | str]) -> tuple[str, ...]:
    """The keys allowed at `path` inside `model`."""
    here = model
    for part in path:
        here = _inside(here, part)
    return tuple(field.alias or name for name, field in here.model_fields.items()) if _is_model(here) else ()


def _inside(annotation: Any, part: int | str) -> Any:
    """The type found at `part` of something of type `annotation`."""
    if _is_model(annotation):
        fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        return _bare(fields.get(str(part)))
    arguments = typing.get_args(annotation)
    return _bare(arguments[-1] if not isinstance(part, int) else arguments[0]) if arguments else None


def _bare(annotation: Any) -> Any:
    """`annotation` without Annotated and without `| None`; of a union the branch that is a model."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        branches = [_bare(branch) for branch in typing.get_args(annotation) if branch is not type(None)]
        return next((branch for branch in branches if _is_model(branch)), branches[0])
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
