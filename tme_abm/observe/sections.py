"""Sections of a tumor as a pathologist cuts and measures them: fields at its border and in its center.

The definitions are those by which the real sections of `real_sections` were measured (`sections.toml` has the numbers),
so that a simulated field can be put beside them. Densities and statistics count living cells; tumor and stroma are told
apart by all tumor cells, for one that died and was not yet cleared is still seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import nan

import numpy as np
from numpy.typing import NDArray

from ..core.draws import uniforms
from ..kernels import patterns
from .state import criteria

__all__ = [
    "STATISTICS", "Measured", "Section", "Statistic", "border_fields", "center_field", "definitions", "field_width",
    "measure_section", "spread_over_sites",
]  # fmt: skip

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Box = tuple[slice, ...]
"""A block of sites of a lattice."""

CYTOTOXIC = "CD8"
_MM2 = 1e6  # [µm²]


@cache
def definitions() -> Mapping[str, float]:
    """The numbers of `sections.toml`: lengths [µm], `smallest` [µm²], and the share `cover`."""
    import tomllib
    from importlib import resources

    from ..core.units import parse

    text = resources.files(__package__).joinpath("sections.toml").read_text(encoding="utf-8")
    kinds = {"cover": "number", "smallest": "area"}
    return {name: parse(one["value"], kinds.get(name, "length")) for name, one in tomllib.loads(text).items()}


# ------------------------------------------------------------------ cut


def field_width(spacing: float) -> float:
    """The width of a pathologist's field, in sites."""
    return criteria().field / spacing


def border_fields(inside: Mask, width: float) -> Iterator[Box]:
    """Fields `width` sites wide around the points where lines from the tumor's center along each axis leave it.

    `inside` is the mask of the tumor on its lattice; at the edge of the lattice a field is cut. None without a tumor.
    """
    if not inside.any():
        return
    at = np.argwhere(inside)
    center = np.round(at.mean(axis=0)).astype(int)
    for axis in range(inside.ndim):
        others = np.arange(inside.ndim) != axis
        line = at[(at[:, others] == center[others]).all(axis=1), axis]
        for end in (line.min(), line.max()) if len(line) else ():
            yield _around(np.where(others, center, end), width, inside.shape)


def center_field(inside: Mask, width: float) -> Box | None:
    """The field `width` sites wide around the tumor's center; None without a tumor."""
    if not inside.any():
        return None
    return _around(np.round(np.argwhere(inside).mean(axis=0)).astype(int), width, inside.shape)


def _around(point: NDArray[np.integer], width: float, shape: tuple[int, ...]) -> Box:
    low, high = np.ceil(point - width / 2).astype(int), np.floor(point + width / 2).astype(int) + 1
    return tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(low.tolist(), high.tolist(), shape, strict=True))


# ------------------------------------------------------------------ cells


@dataclass(frozen=True, kw_only=True)
class Section:
    """The cells in a flat field.

    places : (n, 2) [µm]
    kind : (n,) names of cell types
    tumor, immune, living : (n,) masks
    box : (2, 2) the low and the high corner of the field [µm]
    """

    places: Array
    kind: NDArray[np.str_]
    tumor: Mask
    immune: Mask
    living: Mask
    box: Array

    @property
    def area(self) -> float:
        """The area of the field [mm²]."""
        return float(np.prod(self.box[1] - self.box[0])) / _MM2

    def cut(self, box: Array) -> Section:
        """The part in a smaller `box`, a field of its own: what lies outside is not seen."""
        here = ((self.places >= box[0]) & (self.places < box[1])).all(axis=1)
        return Section(
            places=self.places[here],
            kind=self.kind[here],
            tumor=self.tumor[here],
            immune=self.immune[here],
            living=self.living[here],
            box=box,
        )

    @cached_property
    def mask(self) -> Mask:
        """The pixels of the field that are tumor."""
        known = definitions()
        return patterns.tumor_mask(
            self.places[self.tumor],
            self.box,
            pixel=known["pixel"],
            radius=known["disc"],
            share=known["cover"],
            smallest=known["smallest"],
        )


def spread_over_sites(sites: Array, keys: NDArray[np.uint64], spacing: float, seed: int) -> Array:
    """Places (n, 2) [µm] of cells that stand on `sites` (n, 2), spread evenly over them.

    On their lattice cells have no distances but multiples of the spacing. The place of a cell in its site is a function
    of the seed and the cell's key, so that a section is the same whenever it is cut.
    """
    return np.asarray((sites + uniforms(seed, "section", 0, keys, (0, 1)).T) * spacing, dtype=np.float64)


# ------------------------------------------------------------------ measure


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """What a section is measured by."""

    name: str
    title: str
    unit: str
    about: str


def _statistics() -> Iterator[Statistic]:
    known = {name: f"{value:g} µm" for name, value in definitions().items()}
    contact, near, reach, tile = (known[name] for name in ("contact", "near", "reach", "tile"))
    depth = "median signed distance to the tumor's border, inside positive"
    shuffled, number = "contacts over those of shuffled types", "grows with the number of cells; for fields of one size"
    overlap = f"overlap over tiles of {tile}: 0 apart, 1 in one proportion everywhere"
    for name, title, unit, about in (
        ("cell density", "All cells", "/mm²", "of the area of the field"),
        ("immune share", "Immune share", "", "leukocytes among all cells"),
        ("immune per tumor cell", "Leukocytes per tumor cell", "", "does not depend on who else was counted"),
        ("leukocytes in tumor", "Leukocytes in the tumor", "/mm²", "of the tumor's area"),
        ("leukocytes in stroma", "Leukocytes in the stroma", "/mm²", "of the stroma's area"),
        ("leukocytes tumor over stroma", "Leukocytes, tumor over stroma", "", "ratio of the two densities"),
        ("CD8 in tumor", "CD8 in the tumor", "/mm²", "of the tumor's area"),
        ("CD8 in stroma", "CD8 in the stroma", "/mm²", "of the stroma's area"),
        ("CD8 tumor over stroma", "CD8, tumor over stroma", "", "ratio of the two densities"),
        ("leukocytes inside", "Share of leukocytes inside", "", "in the tumor, of all in the field"),
        ("CD8 inside", "Share of CD8 inside", "", "in the tumor, of all in the field"),
        ("leukocyte depth", "Depth of leukocytes", "µm", depth),
        ("CD8 depth", "Depth of CD8", "µm", depth),
        ("mixing score", "Mixing score", "", f"immune-tumor over immune-immune contacts (Delaunay, to {contact})"),
        ("normalized mixing score", "Normalized mixing score", "", f"pairs to {near}, for equal numbers; 1 at random"),
        ("leukocyte enrichment", "Contacts of leukocytes with tumor cells", "log₂", shuffled),
        ("CD8 enrichment", "Contacts of CD8 with tumor cells", "log₂", shuffled),
        ("leukocyte enrichment z", "The same as a score, leukocytes", "z", number),
        ("CD8 enrichment z", "The same as a score, CD8", "z", number),
        ("leukocyte overlap", "Morisita-Horn, leukocytes and tumor cells", "", overlap),
        ("CD8 overlap", "Morisita-Horn, CD8 and tumor cells", "", overlap),
        ("G-cross", f"G-cross at {near}", "", f"share of CD8 with a tumor cell within {near}, border-corrected"),
        ("G-cross mean", f"G-cross, mean to {reach}", "", f"area under the curve to {reach}, over {reach}"),
        ("G-cross excess", f"G-cross, mean to {reach} over random", "", "less that of as many scattered tumor cells"),
        ("CD8 to tumor cell", "CD8 to nearest tumor cell", "µm", "median"),
        ("tumor cell to CD8", "Tumor cell to nearest CD8", "µm", "median"),
        ("leukocyte to tumor cell", "Leukocyte to nearest tumor cell", "µm", "median"),
        ("tumor cell to leukocyte", "Tumor cell to nearest leukocyte", "µm", "median"),
    ):
        yield Statistic(name=name, title=title, unit=unit, about=about)


STATISTICS: Mapping[str, Statistic] = {one.name: one for one in _statistics()}
"""The statistics of a section by their names."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured on a section.

    area, tumor_area : [mm²]
    cells : the number of living cells
    statistics : by name (`STATISTICS`); NaN where the cells define none
    densities : by type of leukocyte, in the tumor and in the stroma [1/mm²]; NaN where there is no tumor or no stroma
    """

    area: float
    tumor_area: float
    cells: int
    statistics: Mapping[str, float]
    densities: Mapping[str, tuple[float, float]]


def measure_section(section: Section) -> Measured:
    """Measure a section."""
    tumor, immune = section.tumor & section.living, section.immune & section.living
    cd8 = immune & (section.kind == CYTOTOXIC)
    cells, pixel = int(section.living.sum()), definitions()["pixel"]
    depth = patterns.signed_depth(section.mask, pixel)
    of_pixel = pixel**2 / _MM2
    inside, outside = int(section.mask.sum()) * of_pixel, int((~section.mask).sum()) * of_pixel
    at = patterns.pixels_of(section.places, section.box, pixel, section.mask.shape)
    within, depths = section.mask[at], depth[at]

    def densities(of: Mask) -> tuple[float, float]:
        return patterns.ratio(float((of & within).sum()), inside), patterns.ratio(float((of & ~within).sum()), outside)

    found: dict[str, float] = {
        "cell density": cells / (inside + outside),
        "immune share": patterns.ratio(float(immune.sum()), cells),
        "immune per tumor cell": patterns.ratio(float(immune.sum()), float(tumor.sum())),
    }
    for plural, name, of in (("leukocytes", "leukocyte", immune), ("CD8", CYTOTOXIC, cd8)):
        there = densities(of)
        found[f"{plural} in tumor"], found[f"{plural} in stroma"] = there
        found[f"{plural} tumor over stroma"] = patterns.ratio(*there)
        found[f"{plural} inside"] = patterns.ratio(float((of & within).sum()), float(of.sum()))
        found[f"{name} depth"] = _median(depths[of])
        found |= _distances(section, of, tumor, name)
    found |= _contacts(section, tumor, immune, cd8) | _reach(section, tumor, cd8)
    leukocytes = sorted(set(section.kind[immune].tolist()))
    return Measured(
        area=section.area,
        tumor_area=inside,
        cells=cells,
        statistics={name: found[name] for name in STATISTICS},
        densities={name: densities(immune & (section.kind == name)) for name in leukocytes},
    )


def _distances(section: Section, of: Mask, tumor: Mask, name: str) -> dict[str, float]:
    """How far cells and tumor cells are from one another, and the overlap of the two over tiles."""
    places, box, tile = section.places, section.box, definitions()["tile"]
    one, other = (patterns.tile_counts(places[mask], box, tile) for mask in (of, tumor))
    return {
        f"{name} to tumor cell": _median(patterns.nearest(places[of], places[tumor])),
        f"tumor cell to {name}": _median(patterns.nearest(places[tumor], places[of])),
        f"{name} overlap": patterns.morisita_horn(one, other),
    }


def _contacts(section: Section, tumor: Mask, immune: Mask, cd8: Mask) -> dict[str, float]:
    """The mixing scores and the enrichments, from the contacts of living cells."""
    living, known = section.living, definitions()
    places, tumor, immune, cd8 = section.places[living], tumor[living], immune[living], cd8[living]
    touching = patterns.delaunay_pairs(places, known["contact"])
    near = patterns.near_pairs(places, known["near"])
    score, log2 = patterns.enrichment(touching, immune, tumor)
    cd8_score, cd8_log2 = patterns.enrichment(touching, cd8, tumor)
    # The tumor cells are the reference: each of their pairs has two ends that could have met a leukocyte.
    mixed = patterns.ratio(patterns.between(near, immune, tumor), patterns.between(near, tumor, tumor))
    return {
        "mixing score": patterns.ratio(
            patterns.between(touching, immune, tumor), patterns.between(touching, immune, immune)
        ),
        "normalized mixing score": 0.5 * mixed * patterns.ratio(float(tumor.sum()) - 1.0, float(immune.sum())),
        "leukocyte enrichment": log2,
        "leukocyte enrichment z": score,
        "CD8 enrichment": cd8_log2,
        "CD8 enrichment z": cd8_score,
    }


def _reach(section: Section, tumor: Mask, cd8: Mask) -> dict[str, float]:
    """G-cross of CD8 to tumor cells: its value at one radius, its mean up to another, and that less the random one."""
    known = definitions()
    radii = np.linspace(0.0, known["reach"], round(known["reach"] / known["step"]) + 1)
    distance = patterns.nearest(section.places[cd8], section.places[tumor])
    if not len(distance):
        return {"G-cross": nan, "G-cross mean": nan, "G-cross excess": nan}
    edge = patterns.edge_distance(section.places[cd8], section.box)
    shares = patterns.border_corrected(distance, edge, radii)
    mean = float(np.trapezoid(shares, radii)) / known["reach"]
    scattered = patterns.random_reach(float(tumor.sum()) / (section.area * _MM2), radii)
    return {
        "G-cross": float(patterns.border_corrected(distance, edge, np.array([known["near"]]))[0]),
        "G-cross mean": mean,
        "G-cross excess": mean - float(np.trapezoid(scattered, radii)) / known["reach"],
    }


def _median(values: Array) -> float:
    return float(np.median(values)) if len(values) else nan
