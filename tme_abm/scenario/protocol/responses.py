"""Interventions on how cells respond: block receptors, inhibit pathways, fix behaviors, knock out genes, set traits.

Which cells one of them can concern follows from the catalogue: those that carry the receptor, have a rule of the
pathway, have the behavior, or make the product.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, SerializationInfo, ValidationInfo, field_serializer, field_validator, model_validator

from ...core.errors import InputError
from ...core.units import show
from ..values import (
    BehaviorName,
    Concentration,
    Fraction,
    PathwayName,
    PositiveConcentration,
    Product,
    ReceptorName,
    TraitName,
    behavior_quantity,
    known,
    trait_quantity,
)
from .intervention import DO_HELP, Cells, Lasting, among, only_in, percent

if TYPE_CHECKING:
    from ...biology import Biology, Catalogue
    from ...tissue import Tissue

__all__ = ["Block", "Fix", "Inhibit", "KnockOut", "SetTrait"]

_Able = tuple[tuple[str, ...], str]


def _carriers(catalogue: Catalogue, receptor: str) -> _Able:
    return catalogue.carriers.get(receptor, ()), f"carries {receptor}"


def _responders(catalogue: Catalogue, pathway: str) -> _Able:
    return catalogue.pathways.get(pathway, ()), f"has a rule of {pathway}"


def _actors(catalogue: Catalogue, behavior: str) -> _Able:
    return catalogue.behaviors.get(behavior, ()), f"has the behavior '{behavior}'"


def _makers(catalogue: Catalogue, product: str) -> _Able:
    verb = "carries" if product in catalogue.carriers else "makes"
    return catalogue.carriers.get(product, ()) or catalogue.producers.get(product, ()), f"{verb} {product}"


class Block(Lasting):
    """An inhibitor sits on a receptor: a stated fraction of it, or what concentration and Ki give."""

    do: Literal["block"] = Field(description=DO_HELP)
    receptor: ReceptorName = Field(description="The receptor or checkpoint.")
    fraction: Fraction | None = Field(default=None, description="Share of the receptors that is occupied.")
    inhibitor: Concentration | None = Field(default=None, description="Concentration of the inhibitor.")
    ki: PositiveConcentration | None = Field(default=None, description="Its inhibition constant.")
    cells: Annotated[Cells, among(_carriers, "receptor")] = Field(
        default=(),
        validate_default=True,
        description="Only on these cells; without it, on all cells that carry the receptor.",
    )

    @model_validator(mode="after")
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

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Take a share of the receptors away, or let the inhibitor compete for them."""
        receptor = biology.receptor_index[self.receptor]
        kinds = [biology.cell_index[cell] for cell in self.cells]
        if self.fraction is not None:
            tissue.controls.free_receptor[kinds, receptor] *= 1.0 - self.fraction
        elif self.inhibitor is not None and self.ki is not None:
            tissue.controls.inhibition[kinds, receptor] += self.inhibitor / self.ki

    def _what(self, catalogue: Catalogue) -> str:
        drug = ""
        if self.inhibitor is not None and self.ki is not None:
            drug = f" (inhibitor {show(self.inhibitor, 'concentration')}, Ki {show(self.ki, 'concentration')})"
        where = only_in(self.cells, _carriers(catalogue, self.receptor)[0])
        return f"block {self.receptor} by {percent(self.occupied)}{drug}{where}"


class Inhibit(Lasting):
    """A signaling pathway is inhibited: the rules it carries lose a fraction of their drive."""

    do: Literal["inhibit"] = Field(description=DO_HELP)
    pathway: PathwayName = Field(description="The pathway, by the name that rules give it.")
    fraction: Fraction = Field(default=1.0, description="Share of the drive that is lost.")
    cells: Annotated[Cells, among(_responders, "pathway")] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all cells that have a rule of the pathway.",
    )

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Leave a share of what other inhibitors leave."""
        signaling = tissue.controls.signaling
        for kind in (biology.cell_index[cell] for cell in self.cells):
            signaling[kind, self.pathway] = signaling.get((kind, self.pathway), 1.0) * (1.0 - self.fraction)

    def _what(self, catalogue: Catalogue) -> str:
        where = only_in(self.cells, _responders(catalogue, self.pathway)[0])
        return f"inhibit {self.pathway} by {percent(self.fraction)}{where}"


class Fix(Lasting):
    """A behavior is fixed at a value, whatever the signals are."""

    do: Literal["fix"] = Field(description=DO_HELP)
    behavior: BehaviorName = Field(description="The behavior that is clamped.")
    value: Any = Field(description="The value, with the unit of the behavior.")
    cells: Annotated[Cells, among(_actors, "behavior")] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all cells that have the behavior.",
    )

    @field_validator("value", mode="before")
    @classmethod
    def _with_bounds(cls, value: object, info: ValidationInfo) -> object:
        name = info.data.get("behavior")  # none if it was refused already
        return value if name is None else behavior_quantity(known(info), name).read(value)

    @field_serializer("value", when_used="json")
    def _with_unit(self, value: float, info: SerializationInfo) -> float | str:
        return behavior_quantity(known(info), self.behavior).write(value)

    def silences(self, biology: Biology) -> set[tuple[str, int]]:
        """The behavior, if it is fixed at zero for the whole run."""
        return self._clamped(biology) if not self.value and not self.start and self.stop is None else set()

    def enables(self, biology: Biology, silent: set[tuple[str, int]]) -> set[tuple[str, int]]:
        """The behavior, if it is not fixed at zero."""
        return self._clamped(biology) if self.value else set()

    def _clamped(self, biology: Biology) -> set[tuple[str, int]]:
        return {(self.behavior, biology.cell_index[cell]) for cell in self.cells}

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Fix the behavior; the last of several values holds."""
        tissue.controls.fixed |= {(biology.cell_index[cell], self.behavior): self.value for cell in self.cells}

    def _what(self, catalogue: Catalogue) -> str:
        value = show(self.value, catalogue.kind_of(self.behavior)).replace("molecules/cell/min", "/min")
        return f"fix {self.behavior} of {', '.join(self.cells)} at {value}"


class KnockOut(Lasting):
    """Cells no longer make a gene product: a molecule is not secreted or shown, a receptor not carried."""

    do: Literal["knock out"] = Field(description=DO_HELP)
    product: Product = Field(description="The molecule or receptor that is lost.")
    cells: Annotated[Cells, among(_makers, "product")] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all cells that make the product.",
    )

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Take all of the receptor away, or silence the gene of the molecule."""
        kinds = [biology.cell_index[cell] for cell in self.cells]
        if self.product in biology.receptor_index:
            tissue.controls.free_receptor[kinds, biology.receptor_index[self.product]] = 0.0
        else:
            tissue.controls.silenced |= {(kind, self.product) for kind in kinds}

    def _what(self, catalogue: Catalogue) -> str:
        return f"knock out {self.product}{only_in(self.cells, _makers(catalogue, self.product)[0])}"


class SetTrait(Lasting):
    """A tumor trait takes another value, and its old one again after `stop`."""

    do: Literal["set trait"] = Field(description=DO_HELP)
    trait: TraitName = Field(description="The trait that changes.")
    value: Any = Field(description="The value, with the unit of the trait.")

    @field_validator("value", mode="before")
    @classmethod
    def _with_bounds(cls, value: object, info: ValidationInfo) -> object:
        name = info.data.get("trait")  # none if it was refused already
        return value if name is None else trait_quantity(known(info), name).read(value)

    @field_serializer("value", when_used="json")
    def _with_unit(self, value: float, info: SerializationInfo) -> float | str:
        return trait_quantity(known(info), self.trait).write(value)

    @property
    def traits(self) -> Mapping[str, float]:
        """The trait with its value; the model compiles the biology anew when it changes."""
        return {self.trait: self.value}

    def enables(self, biology: Biology, silent: set[tuple[str, int]]) -> set[tuple[str, int]]:
        """The behaviors whose base is the trait, if its value is not zero."""
        bases = biology.bases_of.get(self.trait, ()) if self.value else ()
        return {(biology.behaviors[number], kind) for kind, number in bases} - silent

    def _what(self, catalogue: Catalogue) -> str:
        return f"set {self.trait.replace('_', ' ')} to {show(self.value, catalogue.traits[self.trait].kind)}"
