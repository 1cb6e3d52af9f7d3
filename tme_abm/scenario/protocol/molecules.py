"""Interventions on molecules: give them, hold them at a level in the medium, or neutralize them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from ...core.errors import InputError
from ...core.units import show
from ...tissue import Lattice
from ..values import (
    Concentration,
    DiffusingMolecule,
    Fraction,
    Length,
    OuterMolecule,
    PositiveLength,
    Production,
    Rate,
    Secretion,
    known,
)
from .intervention import DO_HELP, Lasting, percent

if TYPE_CHECKING:
    from ...biology import Biology, Catalogue
    from ...tissue import Tissue
    from ..schema import Scenario

__all__ = ["DoseBath", "DoseDepot", "DoseVessels", "Hold", "Neutralize"]

_ROUTE = "How the molecule is given."


def _someone_senses(molecule: str, catalogue: Catalogue) -> None:
    """Raises InputError if nothing changes with `molecule`."""
    if molecule not in catalogue.sensed:
        allowed = tuple(name for name in catalogue.outside if name in catalogue.sensed)
        what = f"no cell senses {molecule}, so this does nothing"
        raise InputError(what, place="molecule", allowed=allowed, word=molecule)


class Neutralize(Lasting):
    """An antibody neutralizes a molecule, dissolved or on cells: only the remaining fraction is sensed."""

    do: Literal["neutralize"] = Field(description=DO_HELP)
    molecule: OuterMolecule = Field(description="The molecule that is bound.")
    fraction: Fraction = Field(description="Share of the molecule that is bound.")

    def check(self, scenario: Scenario) -> None:
        """There must be some of the molecule, and someone who senses it."""
        _someone_senses(self.molecule, scenario.catalogue)
        entry = scenario.catalogue.molecules[self.molecule]
        made = scenario.catalogue.producers[self.molecule] or scenario.stroma.secretion.get(self.molecule)
        comes = any(self.molecule in (item.gives, item.replaces) for item in scenario.protocol)
        if not (made or comes or entry.background is not None or entry.supply is not None):
            what = f"there is no {self.molecule} here: no cell makes it, and nothing gives it"
            raise InputError(what, place="molecule")

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Leave a share of what other antibodies leave."""
        free = tissue.controls.free
        free[self.molecule] = free.get(self.molecule, 1.0) * (1.0 - self.fraction)

    def _what(self, catalogue: Catalogue) -> str:
        return f"neutralize {percent(self.fraction)} of {self.molecule}"


class _Dose(Lasting):
    """A molecule that is given gets a field."""

    if TYPE_CHECKING:
        molecule: str

    @property
    def gives(self) -> str | None:
        """The molecule that is given."""
        return self.molecule


class DoseBath(_Dose):
    """A molecule is produced everywhere at one rate."""

    do: Literal["dose"] = Field(description=DO_HELP)
    route: Literal["bath"] = Field(description=_ROUTE)
    molecule: DiffusingMolecule = Field(description="The molecule that is given.")
    rate: Production = Field(description="Production everywhere.")

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Produce it everywhere, on top of other baths."""
        bath = tissue.controls.bath
        bath[self.molecule] = bath.get(self.molecule, 0.0) + self.rate

    def _what(self, catalogue: Catalogue) -> str:
        return f"dose {self.molecule} by bath at {show(self.rate, 'production')}"


class DoseDepot(_Dose):
    """A molecule leaks from a depot: a ball around a place, whole leak shared by the sites in it."""

    do: Literal["dose"] = Field(description=DO_HELP)
    route: Literal["depot"] = Field(description=_ROUTE)
    molecule: DiffusingMolecule = Field(description="The molecule that is given.")
    rate: Secretion = Field(description="Molecules that the whole depot releases.")
    place: tuple[Length, ...] = Field(description="Center, as x, y (and z) from the corner of the lattice.")
    radius: PositiveLength = Field(description="Radius of the depot.")

    def check(self, scenario: Scenario) -> None:
        """The place must lie in the lattice."""
        ends = scenario.lattice.ends
        if len(self.place) != len(ends) or any(x > end for x, end in zip(self.place, ends, strict=False)):
            what = f"should be {len(ends)} coordinates inside the lattice of {scenario.lattice.size}"
            raise InputError(what, place="place")

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Release it from the sites within the radius, at least from the nearest."""
        lattice = tissue.lattice
        at = lattice.coordinates(np.arange(lattice.n_sites))
        away = np.linalg.norm(at - np.array(self.place[::-1]), axis=1)
        sites = np.flatnonzero(away <= max(self.radius, away.min()))
        tissue.controls.depots.append((self.molecule, sites, self.rate))

    def _what(self, catalogue: Catalogue) -> str:
        rate = show(self.rate, "secretion").replace("/cell", "")
        place = ", ".join(show(x, "length") for x in self.place)
        return f"dose {self.molecule} by depot at {rate}, within {show(self.radius, 'length')} of ({place})"


class DoseVessels(_Dose):
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
            exchange = known(info).exchange.get(molecule)
            if exchange is None:
                raise InputError(f"missing; the catalogue has no exchange of {molecule} with the blood")
        return exchange

    def check(self, scenario: Scenario) -> None:
        """There must be vessels."""
        if not scenario.vessels.density:
            raise InputError("there are no vessels here; give vessels.density", place="route")

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Set the level in the blood."""
        # The catalogue's exchange is filled in where none was given.
        tissue.controls.blood[self.molecule] = (self.level, self.exchange or 0.0)

    def _what(self, catalogue: Catalogue) -> str:
        exchange = show(self.exchange or 0.0, "rate")
        return f"dose {self.molecule} by vessels at {show(self.level, 'concentration')} (exchange {exchange})"


class Hold(Lasting):
    """The medium holds a molecule at a level, on top of what cells make; cells do not use it up."""

    do: Literal["hold"] = Field(description=DO_HELP)
    molecule: DiffusingMolecule = Field(description="The molecule that is held.")
    level: Concentration = Field(description="Its concentration; with to, that at the near wall.")
    to: Concentration | None = Field(
        default=None, description="Concentration at the far wall; in between it changes linearly."
    )
    axis: Literal["x", "y", "z"] | None = Field(
        default=None, validate_default=True, description="Along which axis it changes: x, unless it is said."
    )

    planted: ClassVar[bool] = True

    @field_validator("axis", mode="after")
    @classmethod
    def _of_a_gradient(cls, axis: str | None, info: ValidationInfo) -> str | None:
        if "to" not in info.data:  # refused already
            return axis
        if info.data["to"] is None and axis is not None:
            raise InputError("needs to, the level at the far wall")
        return axis if info.data["to"] is None else axis or "x"

    def check(self, scenario: Scenario) -> None:
        """Someone must sense the molecule, and the lattice must have the axis."""
        _someone_senses(self.molecule, scenario.catalogue)
        if self.axis == "z" and len(scenario.lattice.shape) == 2:
            raise InputError("this lattice has no z", place="axis", allowed=("x", "y"))

    @property
    def replaces(self) -> str | None:
        """The molecule that is held."""
        return self.molecule

    def plant(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Make the level sensed by planted cells, if it replaces a background."""
        background = biology.molecules[biology.molecule_index[self.molecule]].background
        if background > 0 and self.acts(0.0):
            self.act(tissue, biology, lane)

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Add the level to that of other media."""
        held = tissue.controls.held
        held[self.molecule] = held.get(self.molecule, 0.0) + self._level(tissue.lattice)

    def _level(self, lattice: Lattice) -> NDArray[np.float64] | float:
        """The level [nM]: one number, or (n_sites,) along a gradient from wall to wall."""
        if self.to is None:
            return self.level
        axis = lattice.ndim - 1 - "xyz".index(self.axis or "x")
        length = lattice.shape[axis]
        at = (np.arange(length) + 0.5) * lattice.spacing / (length * lattice.spacing)
        level = self.level + (self.to - self.level) * at
        level = level.reshape([-1 if other == axis else 1 for other in range(lattice.ndim)])
        return np.broadcast_to(level, (lattice.wells, *lattice.shape)).ravel()

    def _what(self, catalogue: Catalogue) -> str:
        to = "" if self.to is None else f" to {show(self.to, 'concentration')} along {self.axis}"
        return f"hold {self.molecule} at {show(self.level, 'concentration')}{to}"
