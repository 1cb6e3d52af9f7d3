"""A scenario: what is particular about one tumor, resolved to the last value, frozen and hashed.

Everything the biology leaves open is here: the lattice and the clock, the traits of the tumor, the cells it
starts among, its vessels, blood and stroma, and the protocol. All numbers are in internal units (µm, min,
nM). The canonical text of a scenario (`resolved_toml`) holds every value and reads back to the same
scenario, bit for bit.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from ..biology import Biology, Catalogue, Pack, compile, load_catalogue
from ..core.errors import InputError, brief
from ..core.toml import FileName, Frozen, flatten, write_toml
from ..core.units import MINUTES_PER_DAY, show
from .protocol import AnyIntervention, naming
from .sections import BloodPool, Clock, FieldSolvers, Growth, Lattice, Record, Stroma, Tumor, Vessels
from .slide.section import Slide, planted
from .values import ArealDensity, ImmuneCell, PoolName, known

__all__ = ["Scenario"]

_HEADER = "# A resolved scenario: every value is stated. It can be run as it is.\n"
_FROM_SLIDE = ("slide", "lattice.spacing")
_NOT_COMPARED = ("name", "title", "description")
_PLACES = "slide.places_um."  # too long to be read; slide.sha256 shows whether they differ


@lru_cache(maxsize=8)
def _compiled(catalogue: Catalogue, traits: tuple[tuple[str, float], ...]) -> Biology:
    """Compiled once for all models of one tumor, as arms are."""
    return compile(catalogue, dict(traits))


class Scenario(Frozen):
    """One tumor and what is done to it. See the module's text."""

    also: ClassVar[tuple[str, ...]] = ("extends", "catalogue")

    name: FileName = Field(min_length=1, description="Short name in results; without it, the name of the file.")
    title: str = Field(default="", description="One line for people.")
    description: str = Field(default="", description="What this scenario is for.")
    lattice: Lattice
    clock: Clock
    tumor: Tumor
    immune: dict[ImmuneCell, ArealDensity] = Field(
        default_factory=dict, validate_default=True, description="Starting density over all tissue, by cell."
    )
    slide: Slide | None = Field(default=None, description="Measured cells that the tissue starts from.")
    vessels: Vessels
    blood: dict[PoolName, BloodPool] = Field(
        default_factory=dict, validate_default=True, description="Blood pools by name."
    )
    stroma: Stroma
    growth: Growth
    fields: FieldSolvers
    record: Record
    protocol: tuple[AnyIntervention, ...] = Field(default=(), description="Timed interventions.")
    packs: tuple[Pack, ...] = Field(default=(), description="Catalogue files of one's own, as they were read.")

    _catalogue: Catalogue | None = PrivateAttr(default=None)

    @field_validator("name", "title", "description", mode="after")
    @classmethod
    def _can_be_written(cls, text: str) -> str:
        if not text.isascii() and text != text.encode("utf-8", "replace").decode("utf-8"):
            raise InputError(f"{brief(text)} holds what is no character of a text")
        return text

    @field_validator("immune", mode="after")
    @classmethod
    def _every_immune_cell(cls, given: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        return {cell: given.get(cell, 0.0) for cell in known(info).immune}

    @field_validator("blood", mode="after")
    @classmethod
    def _every_pool(cls, given: dict[str, BloodPool], info: ValidationInfo) -> dict[str, BloodPool]:
        empty = BloodPool.model_construct(cells=0.0, renewal=0.0)
        return {pool: given.get(pool, empty) for pool in known(info).pools}

    @field_validator("protocol", mode="before")
    @classmethod
    def _a_list(cls, given: object) -> object:
        if not isinstance(given, list | tuple):
            raise InputError("should be a list of tables, each under [[protocol]]")
        return given

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> Self:
        if known(info) is not load_catalogue(packs=self.packs):
            self._catalogue = known(info)
        if self.slide is None:
            self._check_room()
        else:
            self._check_slide(self.slide)
        self._check_crowding()
        self._check_stroma()
        self._check_protocol()
        if self.record.every < self.clock.dt:
            raise InputError(
                f"should be at least one step of the clock ({show(self.clock.dt, 'time')})",
                place="record.every",
                because=("clock.dt",),
            )
        return self

    def _check_room(self) -> None:
        lattice, radius = self.lattice, self.tumor_radius
        room = min(lattice.shape) * lattice.spacing / 2 - radius
        if self.tumor.cells and room < lattice.margin:
            raise InputError(
                f"too small for its tumor: {self.tumor.cells} cells make a ball of radius "
                f"{show(radius, 'length')}, which leaves {show(max(room, 0.0), 'length')} to the nearest "
                f"wall where lattice.margin asks for {show(lattice.margin, 'length')}. "
                "Enlarge lattice.shape or plant fewer tumor.cells",
                place="lattice.shape",
                because=("tumor.cells", "lattice.spacing", "lattice.margin"),
            )

    def _check_slide(self, slide: Slide) -> None:
        """Whether the slide fits on the lattice and the numbers of cells are those it starts with."""
        counts = planted(slide.fitted(self.lattice, self.catalogue), self.catalogue)
        follows = "is by the slide {} at this spacing; leave it out"
        if self.tumor.cells != (tumor := counts.pop("tumor")):
            raise InputError(follows.format(tumor), place="tumor.cells", because=_FROM_SLIDE)
        area = math.prod(self.lattice.shape) * self.lattice.spacing**2
        for cell, density in self.immune.items():
            if round(density * area, 3) != (count := counts.get(cell, 0)):
                said = show(count / area, "areal_density")
                raise InputError(follows.format(said), place=f"immune.{cell}", because=_FROM_SLIDE)

    def _check_crowding(self) -> None:
        site = self.lattice.spacing**2
        starting = sum(self.immune.values()) * site
        if starting > 1:
            raise InputError(
                f"the starting densities add up to {starting:.3g} cells a site; a site holds one immune cell",
                place="immune",
                because=("lattice.spacing",),
            )
        vessels = self.vessels.density * max(1.0, self.vessels.in_tumor) * site
        if vessels > 1:
            raise InputError(
                f"{vessels:.3g} vessels a site, and a site holds one",
                place="vessels.density",
                because=("vessels.in_tumor", "lattice.spacing"),
            )

    def _check_stroma(self) -> None:
        """The cells of the stroma must have room, and nothing else may make what they make."""
        stroma, site = self.stroma, self.lattice.spacing**2
        tables = {"stroma.cells": stroma.cells or {}, "stroma.ring.cells": stroma.ring.cells if stroma.ring else {}}
        for place, densities in tables.items():
            if (number := sum(densities.values()) * site) > 1:
                raise InputError(
                    f"the densities add up to {number:.3g} cells a site; a site holds one tissue cell",
                    place=place,
                    because=("lattice.spacing",),
                )
        if stroma.ring is not None and stroma.ring.width < self.lattice.spacing:
            raise InputError(
                f"{show(stroma.ring.width, 'length')} is less than the distance to the next site "
                f"({show(self.lattice.spacing, 'length')}), so no site lies in the ring",
                place="stroma.ring.width",
                because=("lattice.spacing",),
            )
        added = {cell for item in self.protocol for cell in item.brings(self)}
        for molecule, rate in stroma.secretion.items():
            makers = [cell for cell in self.catalogue.producers[molecule] if cell in self.catalogue.stromal]
            if rate > 0 and makers and (stroma.planted or added.intersection(makers)):
                raise InputError(
                    f"the cells of the stroma make {molecule} ({', '.join(makers)}), so the stroma as such must not; "
                    "set it to 0 pM/min",
                    place=f"stroma.secretion.{molecule}",
                    because=("stroma.cells",) if stroma.planted else ("protocol",),
                )

    def _check_protocol(self) -> None:
        """Whether everything that is done fits this piece of tissue; a refusal names the item by its number."""
        for number, item in enumerate(self.protocol):
            with naming(number):
                item.check(self)

    @property
    def tumor_radius(self) -> float:
        """Radius of the starting tumor [µm]: a disk in 2D, a ball in 3D, one cell a site."""
        sites = self.tumor.cells
        if len(self.lattice.shape) == 2:
            return self.lattice.spacing * math.sqrt(sites / math.pi)
        return self.lattice.spacing * math.cbrt(3.0 * sites / (4.0 * math.pi))

    @property
    def steps(self) -> int:
        """Steps of the whole run, the last one whole."""
        minutes = self.clock.days * MINUTES_PER_DAY
        return math.ceil(round(minutes / self.clock.dt, 9))

    def traits_at(self, time: float) -> dict[str, float]:
        """The tumor's traits at `time` [min]: those it was planted with, and what the protocol sets them to."""
        traits = dict(self.tumor.traits)
        for item in self.protocol:
            if item.acts(time):
                traits |= item.traits
        return traits

    @property
    def replaced(self) -> frozenset[str]:
        """The molecules whose background something takes the place of from the start."""
        return frozenset(item.replaces for item in self.protocol if item.replaces and item.acts(0.0))

    def document(self) -> dict[str, Any]:
        """Every value as it stands in a file: quantities as text that reads back exactly."""
        found = self.model_dump(mode="json", exclude_none=True, context=self.catalogue)
        if not self.packs:
            del found["packs"]
        return found

    def resolved_toml(self) -> str:
        """The canonical file: every value explicit; loading it gives an equal scenario with the same hash."""
        return self._text

    @cached_property
    def _text(self) -> str:
        return _HEADER + write_toml(self.document())

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical file, in hex."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    @property
    def catalogue(self) -> Catalogue:
        """The biology of this tumor: the shipped catalogue with its packs, or the one it was loaded with."""
        return self._catalogue or load_catalogue(packs=self.packs)

    @property
    def pack_hashes(self) -> dict[str, str]:
        """Name of each pack -> SHA-256 of its text."""
        return {pack.name: pack.sha256 for pack in self.packs}

    @property
    def given_catalogue(self) -> Catalogue | None:
        """The catalogue that it was loaded with in place of the shipped one and its packs, else None."""
        return self._catalogue

    def biology(self, traits: Mapping[str, float] | None = None) -> Biology:
        """The catalogue compiled with this tumor's traits, or with others."""
        return _compiled(self.catalogue, tuple((self.tumor.traits if traits is None else traits).items()))

    def differences(self, other: Scenario) -> list[tuple[str, str, str]]:
        """(dotted key, value here, value there) of all values that differ; "" if one scenario has no such key.

        Names, titles and descriptions are not compared; slides and packs are compared by their fingerprints.
        """
        mine, theirs = (
            flatten(one.document() | {"packs": one.pack_hashes})
            for one in (self, other)
        )
        places = dict.fromkeys([*mine, *theirs])
        keys = [key for key in places if key not in _NOT_COMPARED and not key.startswith(_PLACES)]
        return [(key, mine.get(key, ""), theirs.get(key, "")) for key in keys if mine.get(key) != theirs.get(key)]
