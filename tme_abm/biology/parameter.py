"""A number with its evidence.

No number enters the model without saying where it comes from. :class:`Evidence` is that statement (basis, source,
note, claims) and :class:`Parameter` adds the number itself, as its author wrote it: a text with a unit, or
``"trait:NAME"`` where tumors differ. Numbers inside a rule inherit the rule's evidence unless they bring their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainValidator, StrictStr, ValidationError, model_validator

from ..core.errors import InputError
from ..core.toml import Frozen
from ..core.units import parse, show

__all__ = ["Basis", "Evidence", "Number", "Parameter", "StringList", "inherit"]

Basis = Literal["measured", "model", "derived", "fitted", "assumed"]
"""Where a number comes from: a primary measurement of that very quantity, the same number of another model, a
computation from sources, a fit to something, or an assumption.
"""

_TRAIT = "trait:"
_EVIDENCE = ("basis", "source", "note", "claims")


def _number(value: object) -> str | float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{value!r} must be a number, or a text with a number and a unit")
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Number = Annotated[str | float, PlainValidator(_number)]
"""A number as written: bare, or a text with its unit, or a trait."""

StringList = Annotated[tuple[StrictStr, ...], BeforeValidator(_listed)]
"""A list of texts; a single text is a list of one."""


class Evidence(Frozen):
    """The evidence for a number: taken from a source, computed or fitted from one, or assumed for a reason."""

    basis: Basis
    source: StringList = ()
    note: StrictStr = ""
    claims: StringList = ()

    @model_validator(mode="after")
    def _has_a_reason(self) -> Evidence:
        if self.basis in ("measured", "model", "derived") and not self.source:
            raise ValueError(f"basis '{self.basis}' needs a 'source'")
        if self.basis == "fitted" and not (self.source or self.note.strip()):
            raise ValueError("basis 'fitted' needs a 'source', or a 'note' that says what it was fitted to")
        if self.basis == "assumed" and not self.note.strip():
            raise ValueError("basis 'assumed' needs a 'note' that says why")
        return self


class Parameter(Evidence):
    """One number: `value` as written, the `range` it may plausibly lie in, and its evidence."""

    value: Number
    range: tuple[Number, Number] | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_trait_brings_its_own_evidence(cls, table: Any) -> Any:
        if isinstance(table, str) and table.startswith(_TRAIT):
            table = {"value": table}
        if not isinstance(table, Mapping):
            return table
        value = table.get("value")
        if isinstance(value, str) and value.startswith(_TRAIT) and "basis" not in table:
            return {
                **table,
                "basis": "assumed",
                "note": table.get("note") or "differs between tumors; see traits.toml",
            }
        return table

    @property
    def trait(self) -> str | None:
        """Name of the trait that gives the value, or None."""
        return self.value.removeprefix(_TRAIT).strip() if isinstance(self.value, str) and self.is_trait else None

    @property
    def is_trait(self) -> bool:
        """Whether a trait gives the value."""
        return isinstance(self.value, str) and self.value.startswith(_TRAIT)

    def number(
        self,
        kind: str,
        traits: Mapping[str, float] | None = None,
        *,
        file: Path | str | None = None,
        place: str | None = None,
    ) -> float:
        """The value in the internal unit of `kind`; `traits` gives those of the tumor. Raises InputError."""
        name = self.trait
        if name is None:
            return parse(self.value, kind, file=file, place=place)
        known = traits or {}
        if name not in known:
            raise InputError(f"no trait '{name}'", file=file, place=place, allowed=known, word=name)
        return known[name]

    def bounds(
        self, kind: str, *, file: Path | str | None = None, place: str | None = None
    ) -> tuple[float, float] | None:
        """The range in the internal unit of `kind`. Raises InputError."""
        if self.range is None:
            return None
        low, high = (parse(end, kind, file=file, place=place) for end in self.range)
        return low, high

    def text(self, kind: str, *, like: Parameter | None = None) -> str:
        """The value for a reader, in the unit of `like` if given; nothing is nothing in every unit."""
        if self.trait is not None:
            return f"the tumor's {self.trait}"
        number = self.number(kind)
        other = 0.0 if like is None or like.is_trait else like.number(kind)
        return show(number, kind, like=other) if number else "0"


def inherit(table: Any, keys: Iterable[str], evidence: Mapping[str, Any] | None = None) -> Any:
    """`table` with the numbers at `keys` written out as parameters that share its evidence (or the one given).

    A number that states its own basis keeps its own evidence. Faulty evidence is refused where it stands; here it is
    replaced, so that it is not refused again for each number. Without evidence to share, each number is refused.
    """
    if not isinstance(table, Mapping):
        return table
    given_evidence = table if evidence is None else evidence
    shared = {key: given_evidence[key] for key in _EVIDENCE if key in given_evidence}
    try:
        Evidence.model_validate(shared)
    except ValidationError:
        shared = {"basis": "assumed", "note": "replaced"} if evidence is None or "basis" in shared else {}
    filled = dict(table)
    for key in keys:
        given = table.get(key)
        if given is None:
            continue
        if not isinstance(given, Mapping):
            filled[key] = {"value": given, **shared}
        elif "basis" not in given:
            filled[key] = {**shared, **given}
    return filled
