"""Measured cells on a lattice: each on the site it lies in, or, where that is taken, on the nearest free one in reach.

The two layers are filled apart. Of the cells that lie in one site the one nearest to its center keeps it; of the others
and the free sites the nearest pairs are joined first. No chance is involved: the same slide on the same lattice is
always the same tissue. Who finds no site is counted and named, not forgotten.

*Tumor tissue* are the sites around which, within 30 µm, most of the measured cells (all of them, also those that are
left out) are tumor cells: what a pathologist outlines as a nest, whatever the spacing of the lattice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SKIP", "ClassFit", "Fitted", "advised_spacing", "crowded", "fit", "shape_for"]

Points = NDArray[np.float64]
Sites = NDArray[np.int64]
Places = Mapping[str, tuple[tuple[float, float], ...]]

SKIP = "skip"  # what a class is mapped to that is left out on purpose
CROWDED = 0.2  # share of cells that lie in a taken site from which on the lattice is too coarse
NEST = 30.0  # [µm] two cell diameters
_STEP, _FINEST = 0.5, 2.0  # [µm] spacings that are advised


@dataclass(frozen=True, kw_only=True)
class ClassFit:
    """The fit of one class: how many cells were measured, kept their site, were moved (how far at most [µm]), or found
    none.
    """

    name: str
    cell: str
    measured: int
    kept: int = 0
    moved: int = 0
    farthest: float = 0.0
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A slide on a lattice: sites by cell type, tumor tissue (n_sites,), and the fit of every class."""

    sites: Mapping[str, Sites]
    tumor: NDArray[np.bool_]
    classes: tuple[ClassFit, ...]

    @property
    def shared(self) -> float:
        """Share of the cells that lie in a site with another cell of their layer."""
        fitted = sum(one.kept + one.moved + one.left_out for one in self.classes)
        return sum(one.moved + one.left_out for one in self.classes) / max(fitted, 1)

    @property
    def left_out(self) -> int:
        """Cells that found no site."""
        return sum(one.left_out for one in self.classes)


def shape_for(places: Places, spacing: float) -> tuple[int, int]:
    """The smallest lattice [ny, nx] of this `spacing` [µm] that holds the slide.

    Places are centers of cells, so cells that lie a spacing apart get a site each, from the first to the last.
    """
    low, high = _bounds(places)
    nx, ny = (math.floor(extent / spacing + 1e-6) + 1 for extent in (high - low).tolist())
    return ny, nx


def fit(
    places: Places,
    cells: Mapping[str, str],
    *,
    immune: Collection[str],
    tumor: Collection[str],
    shape: tuple[int, ...],
    spacing: float,
    reach: float,
) -> Fitted:
    """The cells of `places`, by class, as the types `cells` says, on a lattice; the slide lies in its middle.

    `immune` and `tumor` are the types of the immune layer and those that count as tumor; `reach` [µm] is how far a cell
    may be moved. Raises ValueError if the slide is larger than the lattice.
    """
    return _fit(
        tuple(places.items()),
        tuple(sorted((name, cells[name]) for name in places)),
        frozenset(immune),
        frozenset(tumor),
        tuple(shape),
        spacing,
        reach,
    )


def crowded(fitted: Fitted) -> bool:
    """Whether the lattice is too coarse for the slide."""
    return fitted.shared > CROWDED


def advised_spacing(
    places: Places, cells: Mapping[str, str], *, immune: Collection[str], below: float
) -> tuple[float, float] | None:
    """The largest spacing [µm] under `below` at which few enough cells share a site, and the share that still does.

    The largest, because on a fine lattice the cells of a nest no longer touch.
    """
    low, _ = _bounds(places)
    layers = [
        np.array([at for name, ats in places.items() if _placed(cells[name]) and (cells[name] in immune) == which
                  for at in ats]).reshape(-1, 2) - low
        for which in (False, True)
    ]
    total = sum(len(layer) for layer in layers)
    spacing = math.ceil(below / _STEP - 1e-9) * _STEP - _STEP
    while spacing >= _FINEST and total:
        ny, nx = shape_for(places, spacing)
        single = 0
        for points in layers:
            home, _ = _homes(_middled(points, places, (ny, nx), spacing), (ny, nx), spacing)
            single += len(np.unique(home))
        if (share := 1.0 - single / total) <= CROWDED:
            return spacing, share
        spacing -= _STEP
    return None


@lru_cache(maxsize=4)  # resolving, checking and planting ask for the same one
def _fit(
    places: tuple[tuple[str, tuple[tuple[float, float], ...]], ...],
    cells: tuple[tuple[str, str], ...],
    immune: frozenset[str],
    tumor: frozenset[str],
    shape: tuple[int, ...],
    spacing: float,
    reach: float,
) -> Fitted:
    by_class, type_of = dict(places), dict(cells)
    low, high = _bounds(by_class)
    if any(n * spacing < extent - 1e-6 for n, extent in zip(shape[::-1], (high - low).tolist(), strict=True)):
        raise ValueError("the slide is larger than the lattice")
    names = list(by_class)
    points = np.array([at for ats in by_class.values() for at in ats])
    points = _middled(points - low, by_class, shape, spacing)
    which = np.repeat(np.arange(len(names)), [len(ats) for ats in by_class.values()])
    site = np.full(len(points), -1, dtype=np.int64)
    moved = np.zeros(len(points))
    for layer in (False, True):
        mine = [n for n, name in enumerate(names) if _placed(type_of[name]) and (type_of[name] in immune) == layer]
        rows = np.flatnonzero(np.isin(which, mine))
        site[rows], moved[rows] = _settle(points[rows], shape, spacing, reach)
    kind_of = np.array([type_of[name] for name in names])[which]
    is_tumor = np.array([type_of[name] in tumor for name in names], dtype=bool)[which]
    return Fitted(
        sites={
            kind: np.sort(site[(kind_of == kind) & (site >= 0)])
            for kind in dict.fromkeys(one for one in type_of.values() if _placed(one))
        },
        tumor=_nests(points, is_tumor, shape, spacing),
        classes=tuple(_told(name, type_of[name], site[which == n], moved[which == n]) for n, name in enumerate(names)),
    )


def _told(name: str, cell: str, site: Sites, moved: NDArray[np.float64]) -> ClassFit:
    if not _placed(cell):
        return ClassFit(name=name, cell=SKIP, measured=len(site))
    return ClassFit(
        name=name,
        cell=cell,
        measured=len(site),
        kept=int(((site >= 0) & (moved == 0)).sum()),
        moved=int((moved > 0).sum()),
        farthest=float(moved.max(initial=0.0)),
        left_out=int((site < 0).sum()),
    )


def _settle(points: Points, shape: tuple[int, ...], spacing: float, reach: float) -> tuple[Sites, NDArray[np.float64]]:
    """The site of every point, −1 for none, and how far [µm] it was moved: from where it lies to its site's center."""
    home, away = _homes(points, shape, spacing)
    # Ties go to the point that is first by y, then by x: something that the slide says, not the order of its rows.
    order = np.lexsort((points[:, 0], points[:, 1], away, home))
    first = np.ones(len(points), dtype=bool)
    first[1:] = home[order][1:] != home[order][:-1]
    site = np.full(len(points), -1, dtype=np.int64)
    site[order[first]] = home[order[first]]
    moved = np.zeros(len(points))
    late = order[~first]
    free = np.setdiff1d(np.arange(math.prod(shape)), site[site >= 0])
    if not len(late) or not len(free):
        return site, moved
    centers = _centers(free, shape, spacing)
    near = _tree(centers).query_ball_point(points[late], reach)
    who = np.repeat(np.arange(len(late)), [len(found) for found in near])
    where = np.concatenate([np.asarray(found, dtype=np.int64) for found in near])
    distance = np.linalg.norm(points[late][who] - centers[where], axis=1)
    taken = np.zeros(len(free), dtype=bool)
    by = np.lexsort((where, points[late][who, 0], points[late][who, 1], distance.round(9)))
    for pair in by:
        cell, target = late[who[pair]], where[pair]
        if site[cell] < 0 and not taken[target]:
            site[cell], moved[cell], taken[target] = free[target], distance[pair], True
    return site, moved


def _tree(points: Points) -> Any:
    from scipy.spatial import cKDTree  # slow to import, and most scenarios have no slide

    return cKDTree(points)


def _nests(points: Points, is_tumor: NDArray[np.bool_], shape: tuple[int, ...], spacing: float) -> NDArray[np.bool_]:
    centers = _centers(np.arange(math.prod(shape)), shape, spacing)
    everyone = _tree(points).query_ball_point(centers, NEST, return_length=True)
    if not is_tumor.any():
        return np.zeros(len(centers), dtype=bool)
    tumor = _tree(points[is_tumor]).query_ball_point(centers, NEST, return_length=True)
    nest: NDArray[np.bool_] = 2 * tumor > everyone
    return nest


def _placed(cell: str) -> bool:
    return cell not in ("", SKIP)


def _bounds(places: Places) -> tuple[Points, Points]:
    """The corners of the slide: of all its cells, also those that are left out."""
    everyone = np.array([at for ats in places.values() for at in ats])
    return everyone.min(axis=0), everyone.max(axis=0)


def _middled(points: Points, places: Places, shape: tuple[int, ...], spacing: float) -> Points:
    """Points counted from the corner of the slide, counted from the corner of the lattice it lies in the middle of."""
    low, high = _bounds(places)
    # Rounded, so that it does not show in the last digits where the slide was cut out.
    moved: Points = (points + (np.array(shape[::-1]) * spacing - (high - low)) / 2).round(6)
    return moved


def _homes(points: Points, shape: tuple[int, ...], spacing: float) -> tuple[Sites, NDArray[np.float64]]:
    """The site each point lies in, and how far [µm] from its center."""
    index = np.clip((points // spacing).astype(np.int64), 0, np.array(shape[::-1]) - 1)
    home = index[:, 1] * shape[1] + index[:, 0]
    return home, np.linalg.norm(points - _centers(home, shape, spacing), axis=1).round(9)


def _centers(sites: Sites, shape: tuple[int, ...], spacing: float) -> Points:
    """Centers of sites [µm] as x, y."""
    index = np.stack([sites % shape[1], sites // shape[1]], axis=-1).astype(np.float64)
    centers: Points = (index + 0.5) * spacing
    return centers
