"""The kinds of value a scenario may hold.

Quantities are read from text with a unit once, here, into the internal units of `core.units`; names are
looked up in the catalogue, which is the context of the validation. Whatever does not fit raises an `InputError`,
which knows what is allowed; `Document.blamed` adds the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from ..biology import Catalogue
from ..biology.grammar import FRACTIONS
from ..core.errors import InputError, brief
from ..core.units import KINDS, parse, show

__all__ = [
    "Amount",
    "AnyCell",
    "ArealDensity",
    "BehaviorName",
    "Concentration",
    "Count",
    "DiffusingMolecule",
    "Duration",
    "Fraction",
    "ImmuneCell",
    "LatticeCell",
    "Length",
    "Name",
    "OuterMolecule",
    "PathwayName",
    "PoolName",
    "PositiveConcentration",
    "PositiveCount",
    "PositiveDuration",
    "PositiveLength",
    "PositiveNumber",
    "PositiveRate",
    "Product",
    "Production",
    "Quantity",
    "Rate",
    "ReceptorName",
    "Secretion",
    "Shape",
    "StromalCell",
    "Tolerance",
    "TraitName",
    "behavior_quantity",
    "exact_text",
    "known",
    "trait_quantity",
]

_MOST = 2**31 - 1  # what a 32-bit index reaches
_WITH_UNIT = r"[0-9.][0-9._]*([eE][+-]?[0-9]+)?(\s+\S|[A-Za-zµμ/(]).*$"  # a hint to editors, not the check
_PLAIN = str.maketrans({"µ": "u", "²": "^2", "³": "^3"})  # files stay in ASCII


@lru_cache(maxsize=4096)
def exact_text(value: float, kind: str) -> str:
    """Text that `parse` turns back into exactly `value`: readable where that is exact, else all digits."""
    readable = show(value, kind).translate(_PLAIN)
    # Equality to the last bit is the point here: the text is stored and hashed in place of the number.
    return readable if parse(readable, kind) == value else f"{value!r} {KINDS[kind]}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit of one kind and with bounds in internal units; kind "number" has no unit."""

    kind: str
    low: float | None = 0.0
    high: float | None = None
    exclusive: bool = False  # of both bounds

    def read(self, value: object) -> float:
        """The value in internal units. Raises InputError if the unit is missing or wrong or the value out of bounds."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InputError(f"should be {self.expected}, not {brief(value)}")
        number = parse(value, self.kind)
        outside = (self.low is not None and (number <= self.low if self.exclusive else number < self.low)) or (
            self.high is not None and (number >= self.high if self.exclusive else number > self.high)
        )
        if outside:
            raise InputError(f"should be {self.bounds}, not {brief(value)}")
        return number

    def write(self, value: float) -> float | str:
        """The form in which a resolved file holds the value."""
        return value if self.kind == "number" else exact_text(value, self.kind)

    @property
    def expected(self) -> str:
        """The expected kind of value, in words."""
        return (
            "a number"
            if self.kind == "number"
            else f"text with a unit of {self.kind.replace('_', ' ')}, such as {KINDS[self.kind]}"
        )

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        low, high = (None if end is None else show(end, self.kind) if end else "0" for end in (self.low, self.high))
        if low is not None and high is not None:
            return f"strictly between {low} and {high}" if self.exclusive else f"between {low} and {high}"
        if low is not None:
            return f"above {low}" if self.exclusive else f"{low} or more"
        return "any number"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return self.json_schema()

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of the value; `editor` adds the `hint` to the description."""
        if self.kind != "number":
            sign = "[+-]?" if self.low is None or self.low < 0 else "[+]?"
            return {
                "type": "string",
                "hint": f"{self.expected}; {self.bounds}",
                "pattern": f"^{sign}{_WITH_UNIT}",
            }
        found: dict[str, Any] = {"type": ["number", "string"], "hint": self.bounds}
        if self.low is not None:
            found["exclusiveMinimum" if self.exclusive else "minimum"] = self.low
        if self.high is not None:
            found["exclusiveMaximum" if self.exclusive else "maximum"] = self.high
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Plain:
    """A value that a function reads, with its JSON Schema for editors."""

    read: Callable[[object], object]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


def _whole(low: int) -> Callable[[object], int]:
    """Reads a whole number of at least `low`, small enough for cells to be numbered."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise InputError(f"should be a whole number, {low} or more, not {brief(value)}")
        if value > _MOST:
            raise InputError(f"should be at most {_MOST}, not {brief(value)}")
        return value

    return read


def _shape(value: object) -> tuple[int, ...]:
    """Reads the shape of a lattice, `(ny, nx)` or `(nz, ny, nx)`."""
    whole = isinstance(value, list | tuple) and all(
        isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in value
    )
    if not whole or len(cast("list[int]", value)) not in (2, 3):
        raise InputError(f"should be 2 or 3 whole numbers above 0, [ny, nx] or [nz, ny, nx], not {brief(value)}")
    shape = tuple(cast("list[int]", value))
    if math.prod(shape) > _MOST:
        raise InputError(f"should have at most {_MOST} sites, not {brief(value)}")
    return shape


@dataclass(frozen=True, slots=True)
class Name:
    """A name of the catalogue: the kind of thing (`what`), and the attribute of the catalogue that lists it."""

    what: str
    field: str

    def read(self, value: object, info: ValidationInfo) -> str:
        """The name itself, if the catalogue has it."""
        allowed = getattr(known(info), self.field)
        if not isinstance(value, str):
            raise InputError(f"should be the name of a {self.what}, not {brief(value)}", allowed=allowed)
        if value not in allowed:
            raise InputError(f"unknown {self.what} {value!r}", allowed=allowed, word=value)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "names": self.field}  # `editor` lists them


Length = Annotated[float, Quantity("length")]
PositiveLength = Annotated[float, Quantity("length", exclusive=True)]
Duration = Annotated[float, Quantity("time")]
PositiveDuration = Annotated[float, Quantity("time", exclusive=True)]
Rate = Annotated[float, Quantity("rate")]
PositiveRate = Annotated[float, Quantity("rate", exclusive=True)]
ArealDensity = Annotated[float, Quantity("areal_density")]
Concentration = Annotated[float, Quantity("concentration")]
PositiveConcentration = Annotated[float, Quantity("concentration", exclusive=True)]
Production = Annotated[float, Quantity("production")]
Secretion = Annotated[float, Quantity("secretion")]
Amount = Annotated[float, Quantity("number")]
PositiveNumber = Annotated[float, Quantity("number", exclusive=True)]
Fraction = Annotated[float, Quantity("number", high=1.0)]
Tolerance = Annotated[float, Quantity("number", high=1.0, exclusive=True)]
Count = Annotated[int, _Plain(_whole(0), {"type": "integer", "minimum": 0})]
PositiveCount = Annotated[int, _Plain(_whole(1), {"type": "integer", "minimum": 1})]
Shape = Annotated[
    tuple[int, ...],
    _Plain(_shape, {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 3}),
]

TraitName = Annotated[str, Name("tumor trait", "traits")]
AnyCell = Annotated[str, Name("cell", "cells")]
LatticeCell = Annotated[str, Name("cell of the lattice", "placed")]
StromalCell = Annotated[str, Name("cell of the stroma", "stromal")]
ImmuneCell = Annotated[str, Name("immune cell", "immune")]
PoolName = Annotated[str, Name("blood pool", "pools")]
DiffusingMolecule = Annotated[str, Name("diffusing molecule", "diffusing")]
OuterMolecule = Annotated[str, Name("molecule outside of cells", "outside")]
ReceptorName = Annotated[str, Name("receptor", "receptors")]
BehaviorName = Annotated[str, Name("behavior", "behaviors")]
PathwayName = Annotated[str, Name("pathway", "pathways")]
Product = Annotated[str, Name("gene product (molecule or receptor)", "products")]


def known(info: ValidationInfo | SerializationInfo) -> Catalogue:
    """The catalogue for validating or writing a value."""
    if not isinstance(info.context, Catalogue):
        raise TypeError("scenarios and interventions are validated and written in the context of a catalogue")
    return info.context


def trait_quantity(catalogue: Catalogue, name: str) -> Quantity:
    """How the value of a tumor trait is read: its kind of unit, and its range in the catalogue as bounds."""
    low, high = catalogue.trait_ranges[name]
    return Quantity(catalogue.traits[name].kind, low=low, high=high)


def behavior_quantity(catalogue: Catalogue, name: str) -> Quantity:
    """How the value of a behavior is read: its kind of unit; a share is at most 1."""
    return Quantity(catalogue.kind_of(name), high=1.0 if name in FRACTIONS else None)
