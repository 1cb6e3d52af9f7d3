"""What is done to molecules: they are given, held at a level by the medium, or bound out of action."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from ...core.errors import InputError
from ..values import Concentration, DiffusingMolecule, Fraction, Length, PositiveLength, Production, Rate, Secretion
from ..vocabulary import vocabulary
from .acting import DO_HELP, Timed

__all__ = ["DoseBath", "DoseDepot", "DoseVessels", "Hold", "Neutralize"]

_ROUTE = "How the molecule is given."


class Neutralize(Timed):
    """An antibody takes a molecule out of action: receptors see only the remaining fraction."""

    do: Literal["neutralize"] = Field(description=DO_HELP)
    molecule: DiffusingMolecule = Field(description="The molecule that is bound.")
    fraction: Fraction = Field(description="Share of the molecule that is bound.")


class DoseBath(Timed):
    """A molecule is produced everywhere at one rate."""

    do: Literal["dose"] = Field(description=DO_HELP)
    route: Literal["bath"] = Field(description=_ROUTE)
    molecule: DiffusingMolecule = Field(description="The molecule that is given.")
    rate: Production = Field(description="Production everywhere.")


class DoseDepot(Timed):
    """A molecule leaks from a depot: a ball around a place, whole leak shared by the sites in it."""

    do: Literal["dose"] = Field(description=DO_HELP)
    route: Literal["depot"] = Field(description=_ROUTE)
    molecule: DiffusingMolecule = Field(description="The molecule that is given.")
    rate: Secretion = Field(description="Molecules that the whole depot releases.")
    place: tuple[Length, ...] = Field(description="Center, as x, y (and z) from the corner of the lattice.")
    radius: PositiveLength = Field(description="Radius of the depot.")


class DoseVessels(Timed):
    """A molecule is held at a level in the blood and enters through the vessel walls."""

    do: Literal["dose"] = Field(description=DO_HELP)
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
                raise InputError(f"missing; the catalogue has no exchange of {molecule} with the blood")
        return exchange


class Hold(Timed):
    """The medium holds a molecule at a level, on top of what cells make; nobody uses it up."""

    do: Literal["hold"] = Field(description=DO_HELP)
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
            raise InputError("goes with to, the level at the far wall")
        return axis if info.data["to"] is None else axis or "x"
