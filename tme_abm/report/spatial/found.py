"""The sections of runs: what was cut from their pictures and measured, and where it lies among real sections."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.files import write_json
from ...export.source import Picture, Source, read_source
from ...observe.compartments import region
from ...observe.real_sections import LEVELS, real_sections
from ...observe.sections import (
    STATISTICS,
    Measured,
    Section,
    border_fields,
    center_field,
    definitions,
    field_width,
    measure_section,
    spread_over_sites,
)
from ...tissue import ALIVE

__all__ = ["CENTER", "WHOLE", "Field", "Sections", "as_table", "cut_sections", "measure_runs", "write_sections"]

CENTER, WHOLE = "center", "whole section"


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field that was cut, at the `box` ((x, y), (x, y)) [µm], and what was measured in it."""

    name: str
    box: NDArray[np.float64]
    measured: Measured

    def __getitem__(self, statistic: str) -> float:
        return self.measured.statistics[statistic]


@dataclass(frozen=True, kw_only=True)
class Sections:
    """The section of one run on one day, and the fields cut from it.

    heading : what it is of, as in "hot, seed 1, day 5"
    file : the picture
    border : the fields at the tumor's border, at most four; none without a tumor
    center : the field in its middle
    """

    heading: str
    run: Path
    scenario: str
    seed: int
    day: float
    state: str
    file: Path
    sliced: bool
    border: tuple[Field, ...]
    center: Field | None
    whole: Field

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields, the whole section last."""
        return (*self.border, *([self.center] if self.center else []), self.whole)

    def at_border(self, statistic: str) -> tuple[float, float, float]:
        """The median, least and largest value over the fields at the border; NaN where none has one."""
        return _spread(field[statistic] for field in self.border)

    @cached_property
    def densities(self) -> Mapping[str, tuple[tuple[float, float], ...]]:
        """By type of leukocyte, the density [1/mm²] in tumor and in stroma: at the border (median), center, whole."""
        kinds = sorted(self.whole.measured.densities)
        return {kind: tuple(self._density(kind, fields) for fields in self._places()) for kind in kinds}

    def _places(self) -> tuple[tuple[Field, ...], ...]:
        return self.border, (self.center,) if self.center else (), (self.whole,)

    def _density(self, kind: str, fields: Sequence[Field]) -> tuple[float, float]:
        def median(side: int) -> float:
            # A type that a field does not hold is not missing there: it has a density of zero, or NaN without the area.
            return _spread(_density_of(field.measured, kind)[side] for field in fields)[0]

        return median(0), median(1)


def measure_runs(runs: Sequence[Path], days: Sequence[float] = ()) -> list[Sections]:
    """Cut and measure the last picture of each run, or those of `days`.

    Raises InputError if a directory is not a run, or has no such picture.
    """
    found = []
    for run in runs:
        source = read_source(run)
        files = [file for day in days for file in source.pictures(day)] if days else source.pictures()
        found += [cut_sections(source, file) for file in dict.fromkeys(files)]
    return found


def cut_sections(source: Source, file: Path, heading: str = "") -> Sections:
    """Cut and measure a picture of a run; of a three-dimensional tissue the middle slice.

    Raises InputError if the file is damaged or from another version.
    """
    picture = source.open(file)
    scenario, seed = source.scenario.name, source.manifest["seed"]
    whole, inside = _section(picture, seed)
    width = field_width(picture.spacing)

    def field(name: str, sites: tuple[slice, ...]) -> Field:
        low, high = ([getattr(one, end) * picture.spacing for one in reversed(sites)] for end in ("start", "stop"))
        cut = whole.cut(np.array([low, high]))
        return Field(name=name, box=cut.box, measured=measure_section(cut))

    middle = center_field(inside, width)
    return Sections(
        heading=heading or f"{scenario}, seed {seed}, day {picture.day:g}",
        run=source.directory,
        scenario=scenario,
        seed=seed,
        day=picture.day,
        state=str(source.verdict(picture.day)["state"]),
        file=file,
        sliced=len(picture.shape) == 3,
        border=tuple(field(f"border {n}", sites) for n, sites in enumerate(border_fields(inside, width), 1)),
        center=field(CENTER, middle) if middle else None,
        whole=Field(name=WHOLE, box=whole.box, measured=measure_section(whole)),
    )


def _section(picture: Picture, seed: int) -> tuple[Section, NDArray[np.bool_]]:
    """The cells of a picture, and the mask (ny, nx) of the sites of its tumor."""
    index = np.array(np.unravel_index(picture.cell("site"), picture.shape))
    here = np.ones(index.shape[1], dtype=bool)
    if len(picture.shape) == 3:
        here = index[0] == picture.shape[0] // 2
    rows, columns = index[-2:, here]
    kind = picture.cell("kind")[here]
    shape = picture.shape[-2:]
    tumor = np.isin(kind, picture.biology.tumor_kinds)
    occupied = np.zeros(shape, dtype=bool)
    occupied[rows[tumor], columns[tumor]] = True
    sites = np.stack([columns, rows], axis=1).astype(np.float64)
    immune = np.array([layer == "immune" for layer in picture.biology.layer])
    section = Section(
        places=spread_over_sites(sites, picture.cell("key")[here], picture.spacing, seed),
        kind=np.array(picture.biology.cells)[kind],
        tumor=tumor,
        immune=immune[kind],
        living=picture.cell("fate")[here] == ALIVE,
        box=np.array([[0.0, 0.0], [shape[1] * picture.spacing, shape[0] * picture.spacing]]),
    )
    return section, region(occupied, picture.spacing)


# ------------------------------------------------------------------ JSON


def write_sections(found: Sequence[Sections], path: Path, *, command: str) -> None:
    """Write everything as JSON. Raises InputError if the file cannot be written."""
    write_json(path, as_table(found, command=command))


def as_table(found: Sequence[Sections], *, command: str) -> dict[str, Any]:
    """Everything as plain values, null for what is not defined: densities in 1/mm², areas in mm², lengths in µm."""
    from ...runs.fingerprint import package_version

    return {
        "version": package_version(),
        "command": command,
        "definitions": dict(definitions()),
        "statistics": {
            one.name: {"title": one.title, "unit": one.unit, "about": one.about} for one in STATISTICS.values()
        },
        "sections": [_as_table(one) for one in found],
        "real": [
            {"noun": one.noun, "count": one.count, "field_mm2": one.field, "source": one.source, "doi": one.doi,
             "percentiles": LEVELS, "quantiles": {name: list(values) for name, values in one.quantiles.items()}}
            for one in real_sections()
        ],
    }  # fmt: skip


def _as_table(one: Sections) -> dict[str, Any]:
    return {
        "run": str(one.run),
        "scenario": one.scenario,
        "seed": one.seed,
        "day": one.day,
        "state": one.state,
        "fields": [
            {
                "name": field.name,
                "box_um": field.box.tolist(),
                "area_mm2": field.measured.area,
                "tumor_mm2": field.measured.tumor_area,
                "cells": field.measured.cells,
                "statistics": {name: _plain(value) for name, value in field.measured.statistics.items()},
                "densities": {
                    kind: {"tumor": _plain(inside), "stroma": _plain(outside)}
                    for kind, (inside, outside) in field.measured.densities.items()
                },
            }
            for field in one.fields
        ],
        "border": {
            name: {
                **dict(zip(("median", "least", "largest"), map(_plain, one.at_border(name)), strict=True)),
                "lies": [said for real in real_sections() if (said := real.lies(name, one.at_border(name)[0]))],
            }
            for name in STATISTICS
        },
    }


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _density_of(measured: Measured, kind: str) -> tuple[float, float]:
    if kind in measured.densities:
        return measured.densities[kind]
    return (0.0 if measured.tumor_area > 0 else math.nan), (0.0 if measured.tumor_area < measured.area else math.nan)


def _spread(values: Iterator[float]) -> tuple[float, float, float]:
    known = [value for value in values if not math.isnan(value)]
    return (float(np.median(known)), min(known), max(known)) if known else (math.nan, math.nan, math.nan)
