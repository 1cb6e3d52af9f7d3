"""From what the schema refuses to one message for a person: file, dotted place, what, what is allowed."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from ..core.errors import InputError
from .document import Document
from .protocol import DO, ROUTES
from .values import RefusalError, brief

__all__ = ["input_error"]

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


def input_error(error: ValidationError, document: Document) -> InputError:
    """The first thing that is wrong, told with the file (or the --set) that said it."""
    first = error.errors(include_url=False)[0]
    what, allowed, word, further = _told(dict(first))
    where = (*document.real_place(tuple(first["loc"]), (*DO, *ROUTES)), *further)
    return InputError(
        what,
        file=document.origin(where),
        place=".".join(str(part) for part in where) or None,
        allowed=allowed,
        word=word,
    )


def _told(found: dict[str, Any]) -> tuple[str, tuple[str, ...], str | None, tuple[str | int, ...]]:
    """What is wrong, what is allowed, the word that was not, and keys that lead further in."""
    context, given = found.get("ctx", {}), found["input"]
    refusal = context.get("error")
    if isinstance(refusal, RefusalError):
        return refusal.what, refusal.allowed, refusal.word, refusal.at
    match found["type"]:
        case "missing":
            hint = '; extends = "base" brings the shared surroundings' if len(found["loc"]) == 1 else ""
            return f"missing{hint}", (), None, ()
        case "union_tag_not_found":
            key = context["discriminator"].strip("'")
            return "missing", DO if key == "do" else ROUTES, None, (key,)
        case "union_tag_invalid":
            key = context["discriminator"].strip("'")
            return _unknown(given[key], context["expected_tags"], (key,))
        case "literal_error":
            return _unknown(given, context["expected"], ())
        case "model_attributes_type" | "model_type" | "dict_type" | "mapping_type":
            return f"should be a table, not {brief(given)}", (), None, ()
        case "tuple_type" | "list_type":
            return f"should be a list, not {brief(given)}", (), None, ()
        case "string_type":
            return f"should be text, not {brief(given)}", (), None, ()
        case "too_short" | "string_too_short":
            return "should not be empty", (), None, ()
        case _:
            return f"{found['msg'].lower()}, not {brief(given)}", (), None, ()


def _unknown(
    given: object, expected: str, further: tuple[str | int, ...]
) -> tuple[str, tuple[str, ...], str | None, tuple[str | int, ...]]:
    return f"unknown value {brief(given)}", tuple(_QUOTED.findall(expected)), str(given), further
