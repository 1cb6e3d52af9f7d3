"""What changes how cells respond: receptors are blocked, pathways inhibited, behaviors clamped, genes lost, traits set.

Which cells one of them can concern follows from the catalogue: those that carry the receptor, have a rule of the
pathway, have the behavior, or make the product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, ValidationInfo, model_serializer
from pydantic import model_validator as checked

from ...core.errors import InputError
from ..values import (
    BehaviorName,
    Concentration,
    Fraction,
    PathwayName,
    PositiveConcentration,
    Product,
    Quantity,
    ReceptorName,
    TraitName,
    behavior_quantity,
    trait_quantity,
)
from ..vocabulary import vocabulary
from .acting import DO_HELP, Able, Cells, Timed, all_that

__all__ = ["Block", "Fix", "Inhibit", "KnockOut", "SetTrait"]


def _carriers(receptor: str) -> Able:
    return vocabulary().carriers.get(receptor, ()), f"carries {receptor}"


def _responders(pathway: str) -> Able:
    return vocabulary().pathways.get(pathway, ()), f"has a rule of {pathway}"


def _actors(behavior: str) -> Able:
    return vocabulary().behaviors.get(behavior, ()), f"has the behavior '{behavior}'"


def _makers(product: str) -> Able:
    known = vocabulary()
    verb = "carries" if product in known.carriers else "makes"
    return known.carriers.get(product, ()) or known.producers.get(product, ()), f"{verb} {product}"


def _in_unit_of(target: str, quantity: Callable[[str], Quantity]) -> BeforeValidator:
    """A value is read with the unit and the bounds of what the field `target` names."""

    def read(value: object, info: ValidationInfo) -> object:
        name = info.data.get(target)
        return value if name is None else quantity(name).read(value)  # without a name: refused already

    return BeforeValidator(read)


class Block(Timed):
    """An inhibitor sits on a receptor: a stated fraction of it, or what concentration and Ki give."""

    do: Literal["block"] = Field(description=DO_HELP)
    receptor: ReceptorName = Field(description="The receptor or checkpoint.")
    fraction: Fraction | None = Field(default=None, description="Share of the receptors that is occupied.")
    inhibitor: Concentration | None = Field(default=None, description="Concentration of the inhibitor.")
    ki: PositiveConcentration | None = Field(default=None, description="Its inhibition constant.")
    cells: Annotated[Cells, all_that(_carriers, "receptor")] = Field(
        default=(),
        validate_default=True,
        description="Only on these cells; without it, on all that carry the receptor.",
    )

    @checked(mode="after")
    def _one_strength(self) -> Self:
        if (self.inhibitor is None) != (self.ki is None):
            raise InputError("inhibitor and ki go together", place="ki" if self.ki is None else "inhibitor")
        if (self.fraction is None) == (self.inhibitor is None):
            raise InputError("needs either fraction, or inhibitor with ki", place="fraction")
        return self

    @property
    def occupied(self) -> float:
        """Share of the receptors held by the inhibitor in the absence of ligand: I / (I + Ki)."""
        if self.inhibitor is not None and self.ki is not None:
            return self.inhibitor / (self.inhibitor + self.ki)
        return self.fraction if self.fraction is not None else 0.0


class Inhibit(Timed):
    """A signaling pathway is inhibited: the rules it carries lose a fraction of their drive."""

    do: Literal["inhibit"] = Field(description=DO_HELP)
    pathway: PathwayName = Field(description="The pathway, by the name that rules give it.")
    fraction: Fraction = Field(default=1.0, description="Share of the drive that is lost.")
    cells: Annotated[Cells, all_that(_responders, "pathway")] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all that have a rule of the pathway.",
    )


class Fix(Timed):
    """A behavior is clamped to a value, whatever the signals say."""

    do: Literal["fix"] = Field(description=DO_HELP)
    behavior: BehaviorName = Field(description="The behavior that is clamped.")
    value: Annotated[Any, _in_unit_of("behavior", behavior_quantity)] = Field(
        description="The value, with the unit of the behavior."
    )
    cells: Annotated[Cells, all_that(_actors, "behavior")] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all that have the behavior.",
    )

    @model_serializer(mode="wrap")
    def _with_unit(self, handler: SerializerFunctionWrapHandler, info: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        if info.mode == "json":
            found["value"] = behavior_quantity(self.behavior).write(self.value)
        return found


class KnockOut(Timed):
    """Cells no longer make a gene product: a molecule is not secreted or shown, a receptor not carried."""

    do: Literal["knock out"] = Field(description=DO_HELP)
    product: Product = Field(description="The molecule or receptor that is lost.")
    cells: Annotated[Cells, all_that(_makers, "product")] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all that make the product.",
    )


class SetTrait(Timed):
    """A tumor trait takes another value, and its old one again after `stop`."""

    do: Literal["set trait"] = Field(description=DO_HELP)
    trait: TraitName = Field(description="The trait that changes.")
    value: Annotated[Any, _in_unit_of("trait", trait_quantity)] = Field(
        description="The value, with the unit of the trait."
    )

    @model_serializer(mode="wrap")
    def _with_unit(self, handler: SerializerFunctionWrapHandler, info: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        if info.mode == "json":
            found["value"] = trait_quantity(self.trait).write(self.value)
        return found
