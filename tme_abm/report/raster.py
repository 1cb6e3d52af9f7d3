"""The tissue as an image: one k×k block of pixels a site, leukocytes as dots over the tissue they lie in.

Blocks are filled with the color of the tissue cell (or of empty stroma, or of dead cells); vessels get an
outline; then each immune cell is stamped as an anti-aliased disc or square, smaller than its block, so that
the tumor cell beneath stays visible. Everything is array work: a 160×160 tissue takes a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runs.results import read_snapshot
from .style.palette import DEAD, EMPTY, VESSEL, cell_color, cell_shape, rgb
from .style.raster import CLEAR, RIM, Window, dot

__all__ = ["Snapshot", "busiest_edge", "common_window", "read_picture", "tissue_image"]

_DOT = 0.84  # diameter of an immune cell in blocks


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The tissue at one moment. Lattice arrays are 2D here: of a 3D tissue, the middle slice."""

    day: float
    spacing: float
    sliced: bool
    tissue_kind: NDArray[np.int64]
    immune_kind: NDArray[np.int64]
    dead: NDArray[np.bool_]
    vessel: NDArray[np.bool_]
    core: NDArray[np.bool_]
    cell_names: tuple[str, ...]
    fields: Mapping[str, NDArray[np.float32]]


def read_picture(file: Path, day: float) -> Snapshot:
    """The snapshot in a file of a run. Raises InputError if the file is damaged."""
    arrays = read_snapshot(file)

    def flat(name: str) -> NDArray[Any]:
        array = arrays[name]
        return array[array.shape[0] // 2] if array.ndim == 3 else array

    return Snapshot(
        day=day,
        spacing=float(arrays["spacing"]),
        sliced=arrays["tissue_kind"].ndim == 3,
        tissue_kind=flat("tissue_kind").astype(np.int64),
        immune_kind=flat("immune_kind").astype(np.int64),
        dead=flat("dead").astype(bool),
        vessel=flat("vessel").astype(bool),
        core=flat("core").astype(bool),
        cell_names=tuple(str(name) for name in arrays["cell_names"]),
        fields={name.removeprefix("field/"): flat(name) for name in sorted(arrays) if name.startswith("field/")},
    )


def common_window(snapshots: list[Snapshot], around: float) -> Window:
    """The square of sites that holds every tumor with `around` µm of surroundings, the same for all pictures."""
    ny = min(s.core.shape[0] for s in snapshots)
    nx = min(s.core.shape[1] for s in snapshots)
    reach = 0
    for snapshot in snapshots:
        rows, columns = np.nonzero(snapshot.core[:ny, :nx] | _tumor(snapshot)[:ny, :nx])
        if rows.size:
            away = np.maximum(np.abs(rows - ny / 2), np.abs(columns - nx / 2))
            reach = max(reach, int(np.quantile(away, 0.99)))
    half = reach + round(around / min(s.spacing for s in snapshots))
    if reach == 0 or 2 * half >= min(ny, nx):
        return Window(top=0, bottom=ny, left=0, right=nx)
    return Window(top=ny // 2 - half, bottom=ny // 2 + half, left=nx // 2 - half, right=nx // 2 + half)


def busiest_edge(snapshot: Snapshot, size: int) -> Window:
    """The size×size window that straddles the border of the tumor core and holds the most immune cells."""
    ny, nx = snapshot.core.shape
    size = min(size, ny, nx)
    inside = _box_sums(snapshot.core, size) / size**2
    immune = _box_sums(snapshot.immune_kind >= 0, size)
    balanced = np.maximum(0.0, 1 - np.abs(inside - 1 / 2) * 4)
    score = balanced * (1 + immune)
    top, left = np.unravel_index(int(np.argmax(score)), score.shape)
    if not score.any():
        top, left = (ny - size) // 2, (nx - size) // 2
    return Window(top=int(top), bottom=int(top) + size, left=int(left), right=int(left) + size)


def tissue_image(snapshot: Snapshot, window: Window, k: int) -> NDArray[np.uint8]:
    """Colors (rows·k, columns·k, 3) of the window's sites."""
    tissue, immune = window.of(snapshot.tissue_kind), window.of(snapshot.immune_kind)
    dead, vessel = window.of(snapshot.dead), window.of(snapshot.vessel)
    colors = np.array([rgb(EMPTY), *(rgb(cell_color(name)) for name in snapshot.cell_names)], dtype=np.float32)
    ground = colors[tissue + 1]
    ground[dead] = rgb(DEAD)
    image = np.repeat(np.repeat(ground, k, axis=0), k, axis=1)
    blocks = image.reshape(tissue.shape[0], k, tissue.shape[1], k, 3).transpose(0, 2, 1, 3, 4)

    rows, columns = np.nonzero(vessel)
    faint = np.float32(min(1.0, k / CLEAR))
    _stamp(blocks, rows, columns, np.array(rgb(VESSEL), dtype=np.float32), _frame(k) * faint)
    for kind, name in enumerate(snapshot.cell_names):
        rows, columns = np.nonzero(immune == kind)
        if rows.size:
            square = cell_shape(name) == "square"
            color = colors[kind + 1]
            _stamp(blocks, rows, columns, color * RIM, dot(k, _DOT, square=square))
            _stamp(blocks, rows, columns, color, dot(k, _DOT - 2.2 / max(k, 7), square=square))
    return np.asarray(np.rint(image).clip(0, 255), dtype=np.uint8)


def _tumor(snapshot: Snapshot) -> NDArray[np.bool_]:
    return (snapshot.tissue_kind >= 0) & ~snapshot.dead


def _box_sums(mask: NDArray[np.bool_], size: int) -> NDArray[np.float64]:
    """Sum of `mask` over every size×size window, by its upper left site."""
    total = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1))
    total[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
    return total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]


def _stamp(
    blocks: NDArray[np.float32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    color: NDArray[np.float32],
    alpha: NDArray[np.float32],
) -> None:
    """Blend `color` into the blocks (ny, nx, k, k, 3) of the sites, weighted by `alpha` (k, k)."""
    cover = alpha[None, :, :, None]
    blocks[rows, columns] = (1 - cover) * blocks[rows, columns] + cover * color


def _frame(k: int) -> NDArray[np.float32]:
    """Opacity (k, k) of an outline along the border of a block."""
    frame = np.zeros((k, k), dtype=np.float32)
    width = max(1, round(k / 8))
    frame[:width], frame[-width:], frame[:, :width], frame[:, -width:] = 1, 1, 1, 1
    return frame
