"""The tables of a scenario, one class each, with the meaning of every key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, SerializationInfo, ValidationInfo, field_serializer, field_validator

from ..core.errors import InputError, brief
from ..core.toml import Frozen
from ..core.units import show
from ..kernels.fields import Method
from .values import (
    Amount,
    ArealDensity,
    Count,
    DiffusingMolecule,
    Fraction,
    Length,
    PositiveDuration,
    PositiveLength,
    PositiveNumber,
    Production,
    Rate,
    Shape,
    StromalCell,
    Tolerance,
    TraitName,
    known,
    trait_quantity,
)

__all__ = ["BloodPool", "Clock", "FieldSolvers", "Growth", "Lattice", "Record", "Ring", "Stroma", "Tumor", "Vessels"]

Value = TypeVar("Value")


def in_order(given: dict[str, Value], info: ValidationInfo) -> dict[str, Value]:
    """The table in the order of the catalogue, so that the order in a file does not change the scenario."""
    return {name: given[name] for name in known(info).diffusing if name in given}


def names_in_order(given: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Each name once, in the order of the catalogue."""
    return tuple(in_order(dict.fromkeys(given), info))


class Lattice(Frozen):
    """The piece of tissue that is simulated."""

    shape: Shape = Field(description="Sites along [y, x] or [z, y, x].")
    spacing: PositiveLength = Field(description="Distance between neighboring sites.")
    margin: Length = Field(description="Room that must stay between the starting tumor and every wall.")

    @property
    def ends(self) -> tuple[float, ...]:
        """Its size [µm] along x, y (and z)."""
        return tuple(n * self.spacing for n in reversed(self.shape))

    @property
    def size(self) -> str:
        """Its size in words."""
        return " x ".join(show(end, "length") for end in self.ends)


class Clock(Frozen):
    """Step and length of the run."""

    dt: PositiveDuration = Field(description="Length of one step.")
    days: PositiveNumber = Field(description="Length of the run in days.")


class Tumor(Frozen):
    """The tumor as it is planted: a ball in the center, and the traits of its cells."""

    cells: Count = Field(description="Tumor cells at the start.")
    traits: dict[TraitName, Any] = Field(
        default_factory=dict,
        validate_default=True,
        description="What may differ between tumors; a trait that is not named has its catalogue value.",
    )

    @field_validator("traits", mode="before")
    @classmethod
    def _all_of_their_kind(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(given, Mapping):
            raise InputError(f"should be a table, not {brief(given)}")
        catalogue = known(info)
        values = dict(catalogue.trait_defaults)
        for name, value in given.items():
            if name not in values:
                raise InputError("unknown tumor trait", place=name, allowed=values, word=str(name))
            try:
                values[name] = trait_quantity(catalogue, name).read(value)
            except InputError as refusal:
                raise refusal.at(name) from refusal
        return values

    @field_serializer("traits", when_used="json")
    def _with_units(self, traits: dict[str, float], info: SerializationInfo) -> dict[str, float | str]:
        return {name: trait_quantity(known(info), name).write(value) for name, value in traits.items()}


class Vessels(Frozen):
    """Blood vessels, spread evenly, at places that are drawn."""

    density: ArealDensity = Field(description="Vessels per area of tissue.")
    in_tumor: Amount = Field(description="Density inside the starting tumor, relative to outside.")


class BloodPool(Frozen):
    """Leukocytes of one kind that the blood of the body offers to this tumor, however much tissue around it is drawn.

    How fast they enter depends on how full the pool is. Those that are called draw on it; those that enter without a
    chemokine are part of a traffic that is in balance.
    """

    cells: Amount = Field(description="How many there are at rest, of the body's, for the tumor that is simulated.")
    renewal: Rate = Field(description="Rate at which a pool that the tumor drew on returns to rest.")
    loss: Rate | None = Field(
        default=None,
        description="Rate at which a surplus, as after an infusion, goes back to rest; without it, as renewal.",
    )

    @property
    def settling(self) -> float:
        """Rate [1/min] at which a surplus goes."""
        return self.renewal if self.loss is None else self.loss


def cells_in_order(given: dict[str, Value] | None, info: ValidationInfo) -> dict[str, Value] | None:
    """The cells of the stroma in the order of the catalogue."""
    return None if given is None else {name: given[name] for name in known(info).stromal if name in given}


Densities = Annotated[dict[StromalCell, ArealDensity], AfterValidator(cells_in_order)]


class Ring(Frozen):
    """A rim of stroma around the starting tumor whose cells are denser, or others, than further out."""

    width: PositiveLength = Field(description="Distance from the tumor up to which it reaches.")
    cells: Densities = Field(description="Density of the cells in it.")


class Stroma(Frozen):
    """The tissue around the tumor."""

    matrix: Fraction = Field(description="Density of the matrix outside the starting tumor, 0 to 1.")
    matrix_in_tumor: Fraction = Field(description="Density of the matrix inside it, 0 to 1.")
    secretion: Annotated[dict[DiffusingMolecule, Production], AfterValidator(in_order)] = Field(
        default_factory=dict, description="Molecules that the stroma outside the tumor produces."
    )
    cells: Densities | None = Field(
        default=None,
        description="Density of the cells of the stroma outside the starting tumor; with this table the matrix lives.",
    )
    ring: Ring | None = Field(default=None, description="A rim around the starting tumor with other densities.")

    @property
    def lives(self) -> bool:
        """Whether cells of the stroma, and with them a matrix that is laid down and cut, are part of the tissue."""
        return self.cells is not None or self.ring is not None

    @property
    def planted(self) -> frozenset[str]:
        """The cells of the stroma at the start."""
        tables = (self.cells or {}, self.ring.cells if self.ring else {})
        return frozenset(cell for table in tables for cell, density in table.items() if density > 0)


class Growth(Frozen):
    """The growth of the tumor: how a dividing cell makes room."""

    push: Length = Field(description="Distance within which a daughter may push its neighbors aside.")


class FieldSolvers(Frozen):
    """The numerical solution of the fields."""

    precision: Literal["float32", "float64"] = Field(description="Number type of the fields.")
    tolerance: Tolerance = Field(description="Relative error, in the L2 norm, at which the implicit solver stops.")
    lag: Fraction = Field(
        default=0.0,
        description="Relative change of a field up to which it waits to be solved anew; 0 solves all in every step.",
    )
    method: Annotated[dict[DiffusingMolecule, Method], AfterValidator(in_order)] = Field(
        default_factory=dict,
        description="Solver by molecule; one that is not named is chosen by its stiffness.",
    )


class Record(Frozen):
    """What is recorded, and how often."""

    every: PositiveDuration = Field(description="Interval of the time series.")
    snapshots: PositiveDuration = Field(description="Interval of the pictures.")
    precision: Literal["float32"] | None = Field(
        default=None,
        description="Number type of the fields in pictures; without it, they are rounded to 0.1 %.",
    )
    checkpoints: PositiveDuration | None = Field(
        default=None,
        description="Interval of the states that are kept to branch from; without it, only the last state is kept.",
    )
    molecules: Annotated[tuple[DiffusingMolecule, ...], AfterValidator(names_in_order)] = Field(
        default=(), description="Molecules to follow as fields even if no cell here senses them."
    )
