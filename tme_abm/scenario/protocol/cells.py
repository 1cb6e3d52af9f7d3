"""Interventions on cells: remove them at a rate, give them to the blood, or put them into the tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from ...core import draws
from ...core.errors import InputError
from ...core.units import show
from ...tissue import APOPTOTIC, EMPTY, Lattice
from ..values import (
    ArealDensity,
    Duration,
    Fraction,
    ImmuneCell,
    LatticeCell,
    Length,
    PositiveCount,
    PositiveRate,
)
from .intervention import DO_HELP, Event, Lasting

if TYPE_CHECKING:
    from ...biology import Biology, Catalogue
    from ...tissue import Tissue
    from ..schema import Scenario

__all__ = ["Add", "Deplete", "Infuse"]

_MOST_KINDS = 128  # kinds are int8


class Deplete(Lasting):
    """Cells of the named kinds are removed at a rate."""

    do: Literal["deplete"] = Field(description=DO_HELP)
    cells: tuple[LatticeCell, ...] = Field(min_length=1, description="The cells that are removed.")
    rate: PositiveRate = Field(description="Hazard of each cell.")

    @property
    def drawn(self) -> tuple[str, ...]:
        """The cells that are removed."""
        return self.cells

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Request the death of each of the cells with the probability of this step."""
        kinds = [biology.cell_index[cell] for cell in self.cells]
        rows = np.flatnonzero(tissue.living & np.isin(tissue.cells.kind, kinds))
        tissue.request_death(rows[tissue.happens("depletion", self.rate, rows, lane)], APOPTOTIC, "depletion")

    def _what(self, catalogue: Catalogue) -> str:
        return f"deplete {', '.join(self.cells)} at {show(self.rate, 'rate')}"


class Infuse(Event):
    """Cells are added to their blood pool at one moment."""

    do: Literal["infuse"] = Field(description=DO_HELP)
    start: Duration = Field(default=0.0, description="When they are given.")
    cell: ImmuneCell = Field(description="The cells that are given.")
    count: PositiveCount = Field(description="How many reach the blood that serves this tissue.")

    def check(self, scenario: Scenario) -> None:
        """The blood must offer such cells, since how fast they leave it is relative to that; there must be vessels."""
        pool = scenario.catalogue.pool_of[self.cell]
        if not scenario.blood[pool].cells:
            raise InputError(
                f"the blood offers no {self.cell} to this tissue at rest, and how fast infused ones leave it is "
                f"relative to that; give blood.{pool}.cells",
                place="cell",
            )
        if not scenario.vessels.density:
            raise InputError("there are no vessels here to leave the blood by; give vessels.density", place="cell")

    def brings(self, scenario: Scenario) -> tuple[str, ...]:
        """The cells that are given, if there are vessels for them to leave."""
        return (self.cell,) if scenario.vessels.density > 0 else ()

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Add the cells to their pool."""
        pool = biology.pool[biology.cell_index[self.cell]]
        if pool is not None:
            tissue.pools[pool] = tissue.pools[pool] + self.count

    def _what(self, catalogue: Catalogue) -> str:
        return f"infuse {self.count:,} {self.cell}"


class Add(Event):
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

    planted: ClassVar[bool] = True

    @field_validator("x", "y", "z", mode="after")
    @classmethod
    def _from_to(cls, ends: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if ends is not None and (len(ends) != 2 or ends[0] >= ends[1]):
            raise InputError("should be two lengths, the smaller one first")
        return ends

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if (self.count is None) == (self.density is None):
            raise InputError("needs either count or density", place="count")
        return self

    @property
    def box(self) -> tuple[tuple[float, ...] | None, ...]:
        """The box for the cells: (from, to) [µm] along x, y and z, None without a limit."""
        return self.x, self.y, self.z

    @property
    def states(self) -> dict[str, float]:
        """The inner states of the added cells, by column."""
        given = {name: getattr(self, name) for name in ("activation", "exhaustion", "polarization")}
        return {name: value for name, value in given.items() if value is not None}

    def check(self, scenario: Scenario) -> None:
        """The box must lie in the lattice and have sites for all; cells that lay matrix down need one that lives."""
        lattice, stroma = scenario.lattice, scenario.stroma
        builds = self.cell in scenario.catalogue.behaviors.get("deposition", ())
        if builds and not stroma.lives and stroma.matrix + stroma.matrix_in_tumor > 0:
            raise InputError(
                f"the matrix of this tissue does not live, so {self.cell} would neither lay it down nor cut it; "
                "give stroma.cells, which may be empty, and the matrix lives",
                place="cell",
                because=("stroma.cells",),
            )
        sites = 1
        for name, ends, end in zip("xyz", self.box, (*lattice.ends, None), strict=False):
            if end is None:
                if ends is not None:
                    raise InputError("this lattice has no z", place="z")
                continue
            near, far = ends or (0.0, end)
            if far > end * (1.0 + 1e-9):  # the last digits of a converted length do not matter
                raise InputError(f"reaches beyond the lattice of {lattice.size}", place=name)
            along = sum(near <= (n + 0.5) * lattice.spacing < far for n in range(round(end / lattice.spacing)))
            if not along:
                raise InputError("the center of no site lies between these", place=name)
            sites *= along
        if self.count is not None and self.count > sites:
            raise InputError(f"{self.count} cells do not fit on the {sites} sites of the box", place="count")
        if self.density is not None:
            count = round(self.density * lattice.spacing**2 * sites)
            if not 1 <= count <= sites:
                raise InputError(f"makes {count} cells on the {sites} sites of the box", place="density")

    def brings(self, scenario: Scenario) -> tuple[str, ...]:
        """The cells that are added."""
        return (self.cell,)

    @property
    def drawn(self) -> tuple[str, ...]:
        """The cells that are added."""
        return (self.cell,)

    def claims(self, tissue: Tissue, biology: Biology) -> dict[int, int]:
        """A site for each cell, if their number is given."""
        return {int(tissue.layer_of[biology.cell_index[self.cell]]): self.count or 0}

    def acts(self, time: float, dt: float = 0.0) -> bool:
        """Whether its moment lies in the step; cells added at the start are planted instead."""
        return self.start > 0 and super().acts(time, dt)

    def plant(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Put the cells there, if they are added at the start."""
        if not self.start:
            self.act(tissue, biology, lane)

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Put the cells on the free sites of the box with the lowest draws; they show no contact molecules yet.

        So two arms of an experiment with the same `add` get the same cells on the same sites, unless one of these is
        occupied. Raises InputError if there is no room.
        """
        lattice, kind = tissue.lattice, biology.cell_index[self.cell]
        layer = int(tissue.layer_of[kind])
        box = self._sites(lattice)
        per_well = self.count
        if per_well is None:
            per_well = round((self.density or 0.0) * lattice.site_area * len(box) / lattice.wells)
        free = box[lattice.occupant[layer, box] == EMPTY]
        well = lattice.well_of(free)
        room = np.bincount(well, minlength=lattice.wells)
        if room.min() < per_well:
            which = f" of well {int(room.argmin())}" if lattice.wells > 1 else ""
            raise InputError(
                f"no room for {per_well} {self.cell}: {int(room.min())} sites are free in the box{which}"
            )
        step = tissue.clock.step
        drawn = draws.uniform(tissue.seed, "infusion", step, free, lane=1 + lane * _MOST_KINDS + kind)
        order = np.lexsort((drawn, well))
        first = np.cumsum(room) - room
        chosen = order[np.arange(len(free)) - first[well[order]] < per_well]
        sites = np.sort(free[chosen])
        keys = draws.bits(tissue.seed, "infusion", step, lattice.addresses(layer, sites))
        tissue.put(np.full(len(sites), kind), sites, keys, dividing=biology.kinds_with("division"), **self.states)

    def _sites(self, lattice: Lattice) -> NDArray[np.int64]:
        """The sites of all wells whose centers lie in the box."""
        at = lattice.coordinates(np.arange(lattice.n_sites))[:, ::-1]
        inside = np.ones(lattice.n_sites, dtype=bool)
        for axis, ends in enumerate(self.box):
            if ends is not None:
                inside &= (ends[0] <= at[:, axis]) & (at[:, axis] < ends[1])
        return np.flatnonzero(inside)

    def _what(self, catalogue: Catalogue) -> str:
        return f"add {self.who}"

    @property
    def who(self) -> str:
        """The number, place and states of the added cells, such as "50 CD8, x 0 µm to 60 µm, activation 1"."""
        dense = "" if self.density is None else show(self.density, "areal_density")
        number, _, area = dense.partition(" ") if dense else (f"{self.count:,}", "", "")
        where = [
            f"{axis} {show(ends[0], 'length')} to {show(ends[1], 'length')}"
            for axis, ends in zip("xyz", self.box, strict=True)
            if ends is not None
        ]
        states = [f"{name} {value:g}" for name, value in self.states.items()]
        return ", ".join([f"{number} {self.cell}{area}", *where, *states])
