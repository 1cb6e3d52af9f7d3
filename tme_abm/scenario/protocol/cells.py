"""Cells that come and go: removed at a rate, given to the blood, or put into the tissue."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator
from pydantic import model_validator as checked

from ...core.errors import InputError
from ...core.toml import Frozen
from ..values import ArealDensity, Duration, Fraction, ImmuneCell, LatticeCell, Length, PositiveCount, PositiveRate
from .acting import DO_HELP, Timed

__all__ = ["Add", "Deplete", "Infuse"]


class Deplete(Timed):
    """Cells of the named kinds are removed at a rate."""

    do: Literal["deplete"] = Field(description=DO_HELP)
    cells: tuple[LatticeCell, ...] = Field(min_length=1, description="The cells that are removed.")
    rate: PositiveRate = Field(description="Hazard of each cell.")


class Infuse(Frozen):
    """Cells are added to their blood pool at one moment."""

    do: Literal["infuse"] = Field(description=DO_HELP)
    start: Duration = Field(default=0.0, description="When they are given.")
    cell: ImmuneCell = Field(description="The cells that are given.")
    count: PositiveCount = Field(description="How many reach the blood that serves this tissue.")


class Add(Frozen):
    """Cells are put on free sites drawn at random, all at one moment; at the start of the run they are planted."""

    do: Literal["add"] = Field(description=DO_HELP)
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
            raise InputError("should be two lengths, the smaller one first")
        return ends

    @checked(mode="after")
    def _one_number(self) -> Self:
        if (self.count is None) == (self.density is None):
            raise InputError("needs either count or density", place="count")
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
