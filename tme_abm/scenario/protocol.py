"""What is done to a tumor, and when: the few primitives that every treatment and every assay is made of.

An intervention acts from `start` until `stop` (for ever, if it has none). Each primitive is a frozen table
that says `do = "..."`; together they form a union told apart by that key. Drugs with pharmacokinetics, the
assays and the browser page are built from these and need no others.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, ValidationInfo, field_validator, model_serializer
from pydantic import model_validator as checked

from .values import (
    AnyCell,
    ArealDensity,
    BehaviorName,
    Concentration,
    DiffusingMolecule,
    Duration,
    Fraction,
    ImmuneCell,
    LatticeCell,
    Length,
    PathwayName,
    PositiveConcentration,
    PositiveCount,
    PositiveLength,
    PositiveRate,
    Product,
    Production,
    Rate,
    ReceptorName,
    RefusalError,
    Secretion,
    Section,
    TraitName,
    behavior_quantity,
    trait_quantity,
)
from .vocabulary import vocabulary

__all__ = [
    "DO",
    "ROUTES",
    "Add",
    "Block",
    "Deplete",
    "Dose",
    "DoseBath",
    "DoseDepot",
    "DoseVessels",
    "Fix",
    "Hold",
    "Infuse",
    "Inhibit",
    "Intervention",
    "KnockOut",
    "Neutralize",
    "SetTrait",
]

_DO = "Which intervention this is."
_ROUTE = "How the molecule is given."


class Timed(Section):
    """An intervention that lasts: in force at `start <= time < stop`."""

    start: Duration = Field(default=0.0, description="When it begins, counted from the start of the run.")
    stop: Duration | None = Field(default=None, description="When it ends; without it, it lasts.")

    @checked(mode="after")
    def _in_order(self) -> Self:
        if self.stop is not None and self.stop <= self.start:
            raise RefusalError("should come after start", at=("stop",))
        return self

    def active(self, time: float) -> bool:
        """Whether it is in force at `time` [min]."""
        return self.start <= time and (self.stop is None or time < self.stop)


class Block(Timed):
    """An inhibitor sits on a receptor: a stated fraction of it, or what concentration and Ki give."""

    do: Literal["block"] = Field(description=_DO)
    receptor: ReceptorName = Field(description="The receptor or checkpoint.")
    fraction: Fraction | None = Field(default=None, description="Share of the receptors that is occupied.")
    inhibitor: Concentration | None = Field(default=None, description="Concentration of the inhibitor.")
    ki: PositiveConcentration | None = Field(default=None, description="Its inhibition constant.")
    cells: tuple[AnyCell, ...] = Field(
        default=(),
        validate_default=True,
        description="Only on these cells; without it, on all that carry the receptor.",
    )

    @field_validator("cells", mode="before")
    @classmethod
    def _named(cls, cells: object) -> object:
        return some(cells)

    @field_validator("cells", mode="after")
    @classmethod
    def _carry_it(cls, cells: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        receptor = info.data.get("receptor")
        if receptor is None:  # refused already
            return cells
        return among(cells, vocabulary().carriers.get(receptor, ()), f"carries {receptor}")

    @checked(mode="after")
    def _one_strength(self) -> Self:
        if (self.inhibitor is None) != (self.ki is None):
            raise RefusalError("inhibitor and ki go together", at=("ki" if self.ki is None else "inhibitor",))
        if (self.fraction is None) == (self.inhibitor is None):
            raise RefusalError("needs either fraction, or inhibitor with ki", at=("fraction",))
        return self

    @property
    def occupied(self) -> float:
        """Share of the receptors held by the inhibitor in the absence of ligand: I / (I + Ki)."""
        if self.inhibitor is not None and self.ki is not None:
            return self.inhibitor / (self.inhibitor + self.ki)
        return self.fraction if self.fraction is not None else 0.0


class Neutralize(Timed):
    """An antibody takes a molecule out of action: receptors see only the remaining fraction."""

    do: Literal["neutralize"] = Field(description=_DO)
    molecule: DiffusingMolecule = Field(description="The molecule that is bound.")
    fraction: Fraction = Field(description="Share of the molecule that is bound.")


class DoseBath(Timed):
    """A molecule is produced everywhere at one rate."""

    do: Literal["dose"] = Field(description=_DO)
    route: Literal["bath"] = Field(description=_ROUTE)
    molecule: DiffusingMolecule = Field(description="The molecule that is given.")
    rate: Production = Field(description="Production everywhere.")


class DoseDepot(Timed):
    """A molecule leaks from a depot: a ball around a place, whole leak shared by the sites in it."""

    do: Literal["dose"] = Field(description=_DO)
    route: Literal["depot"] = Field(description=_ROUTE)
    molecule: DiffusingMolecule = Field(description="The molecule that is given.")
    rate: Secretion = Field(description="Molecules that the whole depot releases.")
    place: tuple[Length, ...] = Field(description="Center, as x, y (and z) from the corner of the lattice.")
    radius: PositiveLength = Field(description="Radius of the depot.")


class DoseVessels(Timed):
    """A molecule is held at a level in the blood and enters through the vessel walls."""

    do: Literal["dose"] = Field(description=_DO)
    route: Literal["vessels"] = Field(description=_ROUTE)
    molecule: DiffusingMolecule = Field(description="The molecule that is given.")
    level: Concentration = Field(description="Concentration in the blood.")
    exchange: Rate | None = Field(
        default=None,
        description="Exchange between blood and a vessel's site; needed unless the catalogue has it.",
        validate_default=True,
    )

    @field_validator("exchange", mode="after")
    @classmethod
    def _known(cls, exchange: float | None, info: ValidationInfo) -> float | None:
        molecule = info.data.get("molecule")
        if exchange is None and molecule is not None:
            exchange = vocabulary().exchange.get(molecule)
            if exchange is None:
                raise RefusalError(f"missing; the catalogue has no exchange of {molecule} with the blood")
        return exchange


class Hold(Timed):
    """The medium holds a molecule at a level, on top of what cells make; nobody uses it up."""

    do: Literal["hold"] = Field(description=_DO)
    molecule: DiffusingMolecule = Field(description="The molecule that is held.")
    level: Concentration = Field(description="Its concentration; with to, that at the near wall.")
    to: Concentration | None = Field(
        default=None, description="Concentration at the far wall; in between it changes linearly."
    )
    axis: Literal["x", "y", "z"] | None = Field(
        default=None, validate_default=True, description="Along which axis it changes: x, unless it is said."
    )

    @field_validator("axis", mode="after")
    @classmethod
    def _of_a_gradient(cls, axis: str | None, info: ValidationInfo) -> str | None:
        if "to" not in info.data:  # refused already
            return axis
        if info.data["to"] is None and axis is not None:
            raise RefusalError("goes with to, the level at the far wall")
        return axis if info.data["to"] is None else axis or "x"


class Deplete(Timed):
    """Cells of the named kinds are removed at a rate."""

    do: Literal["deplete"] = Field(description=_DO)
    cells: tuple[LatticeCell, ...] = Field(min_length=1, description="The cells that are removed.")
    rate: PositiveRate = Field(description="Hazard of each cell.")


class Infuse(Section):
    """Cells are added to their blood pool at one moment."""

    do: Literal["infuse"] = Field(description=_DO)
    start: Duration = Field(default=0.0, description="When they are given.")
    cell: ImmuneCell = Field(description="The cells that are given.")
    count: PositiveCount = Field(description="How many reach the blood that serves this tissue.")


class Add(Section):
    """Cells are put on free sites drawn at random, all at one moment; at the start of the run they are planted."""

    do: Literal["add"] = Field(description=_DO)
    start: Duration = Field(default=0.0, description="When they are put there.")
    cell: LatticeCell = Field(description="The cells that are added.")
    count: PositiveCount | None = Field(default=None, description="How many, in every well.")
    density: ArealDensity | None = Field(default=None, description="How many by area of the box.")
    x: tuple[Length, ...] | None = Field(default=None, description="From where to where along x; anywhere without it.")
    y: tuple[Length, ...] | None = Field(default=None, description="From where to where along y; anywhere without it.")
    z: tuple[Length, ...] | None = Field(default=None, description="From where to where along z; anywhere without it.")
    activation: Fraction | None = Field(default=None, description="Their activation, 0 to 1.")
    exhaustion: Fraction | None = Field(default=None, description="Their exhaustion, 0 to 1.")
    polarization: Fraction | None = Field(default=None, description="Their polarization, 0 (M2, N2) to 1 (M1, N1).")

    @field_validator("x", "y", "z", mode="after")
    @classmethod
    def _from_to(cls, ends: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if ends is not None and (len(ends) != 2 or ends[0] >= ends[1]):
            raise RefusalError("should be two lengths, the smaller one first")
        return ends

    @checked(mode="after")
    def _one_number(self) -> Self:
        if (self.count is None) == (self.density is None):
            raise RefusalError("needs either count or density", at=("count",))
        return self

    @property
    def box(self) -> tuple[tuple[float, float] | None, ...]:
        """Where they may stand, (from, to) [µm] along x, y and z, None for anywhere."""
        return tuple(None if ends is None else (ends[0], ends[1]) for ends in (self.x, self.y, self.z))

    @property
    def states(self) -> dict[str, float]:
        """The inner states they are given, by column."""
        given = {name: getattr(self, name) for name in ("activation", "exhaustion", "polarization")}
        return {name: value for name, value in given.items() if value is not None}


class Inhibit(Timed):
    """A signaling pathway is inhibited: the rules it carries lose a fraction of their drive."""

    do: Literal["inhibit"] = Field(description=_DO)
    pathway: PathwayName = Field(description="The pathway, by the name that rules give it.")
    fraction: Fraction = Field(default=1.0, description="Share of the drive that is lost.")
    cells: tuple[AnyCell, ...] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all that have a rule of the pathway.",
    )

    @field_validator("cells", mode="before")
    @classmethod
    def _named(cls, cells: object) -> object:
        return some(cells)

    @field_validator("cells", mode="after")
    @classmethod
    def _have_it(cls, cells: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        pathway = info.data.get("pathway")
        if pathway is None:  # refused already
            return cells
        return among(cells, vocabulary().pathways.get(pathway, ()), f"has a rule of {pathway}")


class Fix(Timed):
    """A behavior is clamped to a value, whatever the signals say."""

    do: Literal["fix"] = Field(description=_DO)
    behavior: BehaviorName = Field(description="The behavior that is clamped.")
    value: Any = Field(description="The value, with the unit of the behavior.")
    cells: tuple[AnyCell, ...] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all that have the behavior.",
    )

    @field_validator("value", mode="before")
    @classmethod
    def _of_its_kind(cls, value: object, info: ValidationInfo) -> object:
        behavior = info.data.get("behavior")
        return value if behavior is None else behavior_quantity(behavior).read(value)

    @field_validator("cells", mode="before")
    @classmethod
    def _named(cls, cells: object) -> object:
        return some(cells)

    @field_validator("cells", mode="after")
    @classmethod
    def _have_it(cls, cells: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        behavior = info.data.get("behavior")
        if behavior is None:  # refused already
            return cells
        return among(cells, vocabulary().behaviors.get(behavior, ()), f"has the behavior '{behavior}'")

    @model_serializer(mode="wrap")
    def _with_unit(self, handler: SerializerFunctionWrapHandler, info: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        if info.mode == "json":
            found["value"] = behavior_quantity(self.behavior).write(self.value)
        return found


class KnockOut(Timed):
    """Cells no longer make a gene product: a molecule is not secreted or shown, a receptor not carried."""

    do: Literal["knock out"] = Field(description=_DO)
    product: Product = Field(description="The molecule or receptor that is lost.")
    cells: tuple[AnyCell, ...] = Field(
        default=(),
        validate_default=True,
        description="Only in these cells; without it, in all that make the product.",
    )

    @field_validator("cells", mode="before")
    @classmethod
    def _named(cls, cells: object) -> object:
        return some(cells)

    @field_validator("cells", mode="after")
    @classmethod
    def _make_it(cls, cells: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        product = info.data.get("product")
        if product is None:  # refused already
            return cells
        known = vocabulary()
        verb = "carries" if product in known.carriers else "makes"
        makers = known.carriers.get(product, ()) or known.producers.get(product, ())
        return among(cells, makers, f"{verb} {product}")


class SetTrait(Timed):
    """A tumor trait takes another value, and its old one again after `stop`."""

    do: Literal["set trait"] = Field(description=_DO)
    trait: TraitName = Field(description="The trait that changes.")
    value: Any = Field(description="The value, with the unit of the trait.")

    @field_validator("value", mode="before")
    @classmethod
    def _of_its_kind(cls, value: object, info: ValidationInfo) -> object:
        trait = info.data.get("trait")
        return value if trait is None else trait_quantity(trait).read(value)

    @model_serializer(mode="wrap")
    def _with_unit(self, handler: SerializerFunctionWrapHandler, info: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        if info.mode == "json":
            found["value"] = trait_quantity(self.trait).write(self.value)
        return found


Dose = DoseBath | DoseDepot | DoseVessels
Intervention = Annotated[
    Block
    | Inhibit
    | Neutralize
    | Hold
    | Annotated[Dose, Field(discriminator="route")]
    | Deplete
    | Infuse
    | Add
    | Fix
    | KnockOut
    | SetTrait,
    Field(discriminator="do"),
]
"""Any one primitive."""

DO = (
    "block",
    "inhibit",
    "neutralize",
    "hold",
    "dose",
    "deplete",
    "infuse",
    "add",
    "fix",
    "knock out",
    "set trait",
)
ROUTES = ("bath", "depot", "vessels")


def some(cells: object) -> object:
    """An empty list is refused: it could mean none or all."""
    if isinstance(cells, list) and not cells:
        raise RefusalError("names no cell; leave it out to mean every cell it concerns")
    return cells


def among(cells: tuple[str, ...], able: tuple[str, ...], does: str) -> tuple[str, ...]:
    """`cells`, or all that are `able` when none is named; a cell that is not able is refused."""
    if not able:
        raise RefusalError(f"no cell {does}")
    for cell in cells:
        if cell not in able:
            raise RefusalError(f"{cell} is not a cell that {does}", allowed=able, word=cell)
    return cells or able
