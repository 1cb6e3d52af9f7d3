"""What there is to export: the pictures of a run as tables of cells and stacks of fields, and where they come from.

Everything is in µm, nM, minutes and days. Coordinates are those of the lattice, from its corner at (0, 0): a cell
stands in the middle of its site, and y grows with the row of an image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..biology import Biology
from ..core.errors import InputError
from ..core.files import read_npz
from ..core.units import MINUTES_PER_DAY
from ..observe.state import classify
from ..runs.results import RESOLVED, list_snapshots, read_manifest, read_series
from ..scenario import Scenario, load
from ..tissue import ALIVE, APOPTOTIC, NECROTIC

__all__ = ["FATES", "LAYERS", "METADATA", "WRITTEN_BY", "Picture", "Source", "read_source"]

METADATA = "metadata.json"
WRITTEN_BY = "tme_abm export"

Columns = dict[str, NDArray[Any]]

FATES = {ALIVE: "alive", APOPTOTIC: "apoptotic", NECROTIC: "necrotic"}
LAYERS = ("tissue", "immune")

_STATES = {  # column -> the behaviors that move it; a kind that has neither has no such state
    "phase": ("division",),
    "damage": ("healing", "lethal damage"),
    "activation": ("activation", "deactivation"),
    "exhaustion": ("exhaustion", "recovery"),
    "polarization": ("polarization up", "polarization down"),
}
_SAME_TIME = 1e-3  # [day] a day may be asked for by three decimals


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The tissue at one moment. `arrays` are those of the snapshot."""

    day: float
    arrays: Mapping[str, NDArray[Any]]
    biology: Biology

    @property
    def spacing(self) -> float:
        """Distance between neighboring sites [µm]."""
        return float(self.arrays["spacing"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Sites along ((z,) y, x)."""
        return tuple(int(n) for n in self.arrays["shape"])

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the lattice as points have them: x first."""
        return ("x", "y", "z")[: len(self.shape)]

    @cached_property
    def places(self) -> NDArray[np.float64]:
        """Centers of the cells [µm], (n, 2) as x, y or (n, 3) as x, y, z."""
        return self.centers(self.cell("site"))

    def centers(self, sites: NDArray[np.integer]) -> NDArray[np.float64]:
        """Centers of `sites` [µm], x first."""
        index = np.stack(np.unravel_index(sites, self.shape)[::-1], axis=-1).astype(np.float64)
        centers: NDArray[np.float64] = (index + 0.5) * self.spacing
        return centers

    def cell(self, column: str) -> NDArray[Any]:
        """A column of the cells as the model keeps it."""
        return self.arrays[f"cell/{column}"]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of cell that stand on the lattice."""
        return tuple(
            name for name, layer in zip(self.biology.cells, self.biology.layer, strict=True) if layer != "vessel"
        )

    @cached_property
    def ids(self) -> list[str]:
        """The permanent identity of every cell, as text: the numbers are larger than other tools keep exactly."""
        return [f"{key:016x}" for key in self.cell("key").tolist()]

    @cached_property
    def described(self) -> Columns:
        """What every cell is: type, layer, fate, whether it is in the tumor core, when it came and if it is bound."""
        kind = self.cell("kind")
        layer = np.array([LAYERS.index(name) if name in LAYERS else 0 for name in self.biology.layer])
        fates = np.array([FATES[number] for number in sorted(FATES)])
        return {
            "cell_type": np.array(self.biology.cells)[kind],
            "layer": np.array(LAYERS)[layer[kind]],
            "fate": fates[self.cell("fate")],
            "in_core": self.arrays["core"].ravel()[self.cell("site")],
            "born_day": self.cell("born").astype(np.float64) / MINUTES_PER_DAY,
            "bound": self.cell("partner") != 0,
        }

    @cached_property
    def states(self) -> Columns:
        """The inner states of every cell; NaN in cells of a type that has no such state."""
        found: Columns = {}
        for column, behaviors in _STATES.items():
            able = sorted({kind for name in behaviors for kind in self.biology.kinds_with(name)})
            values = self.cell(column).astype(np.float64)
            values[~np.isin(self.cell("kind"), able)] = np.nan
            found[column] = values
        return found

    @cached_property
    def surface(self) -> Columns:
        """The level of every contact molecule that the cells show (1 is that of a healthy cell)."""
        return self._named("expression ")

    @cached_property
    def exposures(self) -> Columns:
        """What the cells remember of a molecule, nM or, of a contact molecule, level felt: `NAME over M min`."""
        found = self._named("exposure ")
        return {_remembered(name): values for name, values in found.items()}

    @cached_property
    def sensed(self) -> Columns:
        """The concentration [nM] of every molecule where the cells stand, as they sense it."""
        site = self.cell("site")
        levels: Columns = {name: field.ravel()[site] for name, field in self.fields.items()}
        return levels | self._named("sensed ")

    @cached_property
    def fields(self) -> Columns:
        """The concentration [nM] of every molecule that has a field, of the shape of the lattice."""
        return {str(name): self.arrays[f"field/{name}"] for name in self.arrays["molecule_names"]}

    @property
    def vessels(self) -> NDArray[np.float64]:
        """Centers of the sites with a vessel [µm], x first."""
        return self.centers(np.flatnonzero(self.arrays["vessel"]))

    def _named(self, prefix: str) -> Columns:
        start = f"cell/{prefix}"
        return {name.removeprefix(start): v for name, v in sorted(self.arrays.items()) if name.startswith(start)}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A run that is exported."""

    directory: Path
    manifest: Mapping[str, Any]
    scenario: Scenario

    @cached_property
    def biology(self) -> Biology:
        """The biology of the scenario."""
        return self.scenario.biology()

    def pictures(self, day: float | None = None, *, every: bool = False) -> list[Path]:
        """The file of the picture at `day`, or of all, or (by default) of the last one.

        Raises:
            InputError: the run has no picture, or none at that day.
        """
        found = list_snapshots(self.directory)
        if not found:
            raise InputError("the run has no snapshots yet", file=self.directory)
        if day is None:
            return [file for _, file in (found if every else found[-1:])]
        nearest = min(found, key=lambda one: abs(one[0] - day))
        if not abs(nearest[0] - day) <= _SAME_TIME:  # so that a day that is not a number is refused
            days = ", ".join(f"{when:g}" for when, _ in found)
            raise InputError(f"the run has no snapshot of day {day:g}; it has those of {days}", file=self.directory)
        return [nearest[1]]

    def open(self, file: Path) -> Picture:
        """One picture of this run.

        Raises:
            InputError: damaged, or written by a version that kept no cells in pictures.
        """
        arrays = read_npz(file)
        if "cell/key" not in arrays:
            raise InputError("holds no cells: it was written by another version; run the scenario again", file=file)
        if arrays["cell_names"].tolist() != list(self.biology.cells):
            raise InputError("was written with another catalogue of cells; run the scenario again", file=file)
        day = float(arrays["time"]) / MINUTES_PER_DAY
        return Picture(day=day, arrays=arrays, biology=self.biology)

    @property
    def origin(self) -> dict[str, Any]:
        """What a table has to carry with it to be found again: plain numbers and text."""
        return {
            "scenario": self.scenario.name,
            "title": self.scenario.title,
            "scenario_hash": self.manifest["scenario_hash"],
            **({"packs": self.scenario.pack_hashes} if self.scenario.packs else {}),
            "seed": self.manifest["seed"],
            "model": self.manifest.get("model", ""),
            "versions": dict(self.manifest.get("versions", {})),
        }

    def verdict(self, day: float) -> dict[str, Any]:
        """The state of the tumor on a day, and the measures (those that are no NaN) it was read from."""
        measures = read_series(self.directory).row(day) or {}
        return {
            "day": day,
            "state": classify(measures) if measures else "none",
            "measures": {name: value for name, value in measures.items() if not math.isnan(value)},
        }

    def described(self, names: Sequence[str]) -> list[str]:
        """The full names of molecules."""
        molecules = self.scenario.catalogue.molecules
        return [molecules[name].name if name in molecules else "" for name in names]


def read_source(directory: Path) -> Source:
    """The run in a directory.

    Raises:
        InputError: it is not a run, or its scenario cannot be read.
    """
    return Source(directory=directory, manifest=read_manifest(directory), scenario=load(directory / RESOLVED))


def _remembered(name: str) -> str:
    molecule, _, minutes = name.rpartition(" ")
    return f"{molecule} over {float(minutes):g} min"
