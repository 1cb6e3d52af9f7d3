"""Pictures of the tissue and of the fields in it, as PNG.

The tissue is an image of one k×k block of pixels a site, with leukocytes as dots over the tissue they lie in.

Blocks are filled with the color of the tissue cell (or of empty stroma, or of dead cells); vessels get an
outline; then each immune cell is stamped as an anti-aliased disc or square, smaller than its block, so that
the tumor cell beneath stays visible. Everything is array work: a 160×160 tissue takes a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ...core.files import read_npz
from .figure import as_png, style
from .palette import (
    CORE_LINE,
    DEAD,
    EMPTY,
    FIELD_COLORS,
    INK,
    VESSEL,
    cell_color,
    cell_shape,
    rgb,
)  # fmt: skip
from .raster import CLEAR, RIM, Window, dot
from .svg import nice_length

__all__ = [
    "FieldPanel", "Snapshot", "busiest_edge", "common_window", "field_row", "read_picture", "tissue_image",
    "tissue_picture",
]  # fmt: skip

_DOT = 0.84  # diameter of an immune cell in blocks
_PIXELS_PER_INCH = 100
_SHARPNESS = 170  # dots per inch of the field pictures: sharp on screens with two pixels to a dot


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
    arrays = read_npz(file)

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


@dataclass(frozen=True, kw_only=True)
class FieldPanel:
    """One field picture: concentrations (ny, nx) in the unit shown, and the outline of the tumor core."""

    label: str
    values: NDArray[np.float32]
    core: NDArray[np.bool_]


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


# ------------------------------------------------------------------ figures


def tissue_picture(
    snapshot: Snapshot, window: Window, *, width: int, frames: Mapping[str, Window] = MappingProxyType({})
) -> bytes:
    """PNG of the tissue in `window`, about `width` pixels wide: core outline, scale bar, `frames` by what is written in
    their upper left corners.
    """
    rows, columns = window.shape
    k = max(2, round(width / columns))
    drawn, axes = _bare(columns * k, rows * k)
    axes.imshow(tissue_image(snapshot, window, k), interpolation="nearest", extent=(0, columns * k, rows * k, 0))
    _outline(axes, window.of(snapshot.core), k)
    for label, box in frames.items():
        x, y = (box.left - window.left) * k, (box.top - window.top) * k
        high, wide = (size * k for size in box.shape)
        axes.add_patch(Rectangle((x, y), wide, high, fill=False, edgecolor=INK, linewidth=1.6))
        if label:
            back = {"facecolor": "white", "alpha": 0.82, "edgecolor": "none", "pad": 2.0}
            axes.text(x + 7, y + 6, label, ha="left", va="top", size=10.0, fontweight="bold", bbox=back, zorder=6)
    _scale_bar(axes, columns * k, rows * k, k / snapshot.spacing)
    return as_png(drawn, _PIXELS_PER_INCH, colors=128)


def field_row(panels: Sequence[FieldPanel], *, unit: str, spacing: float, width: float) -> bytes:
    """PNG of one molecule in several tissues on one color scale with its color bar; `width` in inches."""
    values = np.concatenate([panel.values.ravel() for panel in panels])
    norm = _norm(values, [panel.values for panel in panels])
    bar = 0.62
    side = (width - bar) / len(panels) - 0.08
    ratio = panels[0].values.shape[0] / panels[0].values.shape[1]
    head = 0.24
    with style():
        drawn = Figure(figsize=(width, side * ratio + head + 0.08))
        height = side * ratio + head + 0.08
        for i, panel in enumerate(panels):
            axes = drawn.add_axes((i * (side + 0.08) / width, 0.04 / height, side / width, side * ratio / height))
            rows, columns = panel.values.shape
            image = axes.imshow(
                panel.values, norm=norm, cmap=_field_colors(), interpolation="nearest", extent=(0, columns, rows, 0)
            )
            _outline(axes, panel.core, 1, halo=True)
            axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
            axes.set_title(panel.label, fontsize=8.5, fontweight="normal", pad=3)
            for spine in axes.spines.values():
                spine.set(visible=True, color="#CBD2D9")
            if i == 0:
                _scale_bar(axes, columns, rows, 1 / spacing, small=True)
        left = (width - bar) / width
        color_axes = drawn.add_axes((left, 0.04 / height, 0.10 / width, side * ratio / height))
        color_bar = drawn.colorbar(image, cax=color_axes)
        color_bar.outline.set(visible=False)
        color_bar.ax.tick_params(labelsize=7.5, length=2, pad=2)
        color_bar.ax.set_title(
            f"{unit}, log" if isinstance(norm, LogNorm) else unit, fontsize=8, fontweight="normal", pad=4
        )
    return as_png(drawn, _SHARPNESS)


def _field_colors() -> ListedColormap:
    name, used = FIELD_COLORS
    return ListedColormap(mpl.colormaps[name](np.linspace(0, used, 200)))


def _norm(values: NDArray[np.float32], panels: Sequence[NDArray[np.float32]]) -> Normalize:
    """One scale for all panels: linear from zero, or three decades of logarithm if one panel dwarfs another."""
    top = float(np.quantile(values, 0.998)) or float(values.max()) or 1.0
    tops = [float(np.quantile(panel, 0.998)) for panel in panels]
    if min(tops) < 0.05 * max(tops):
        return LogNorm(vmin=top / 1000, vmax=top, clip=True)
    low = float(np.quantile(values, 0.002))
    return Normalize(vmin=low if low > top / 3 else 0.0, vmax=top)


def _bare(width: int, height: int) -> tuple[Figure, Axes]:
    """A figure of exactly width×height pixels, all of it axes, counted from the upper left corner."""
    drawn = Figure(figsize=(width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH), dpi=_PIXELS_PER_INCH)
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0))
    return drawn, axes


def _outline(axes: Axes, core: NDArray[np.generic], k: float, *, halo: bool = False) -> None:
    """The border of the tumor core as a line."""
    if not core.any() or core.all() or min(core.shape) < 2:
        return
    y, x = ((np.arange(n) + 0.5) * k for n in core.shape)
    if halo:
        axes.contour(x, y, core.astype(float), levels=[0.5], colors=["white"], linewidths=2.0)
    axes.contour(x, y, core.astype(float), levels=[0.5], colors=[CORE_LINE], linewidths=1.0)


def _scale_bar(axes: Axes, width: float, height: float, per_um: float, *, small: bool = False) -> None:
    """A bar of round length in the lower right corner; `per_um` is axis units per µm."""
    length = nice_length(width / per_um)
    pad = width * 0.03
    half = max(length * per_um, width * 0.26 if small else 0.0) / 2
    middle, bottom = width - pad - half, height - pad
    tall = height * (0.1 if small else 0.06)
    back = Rectangle(
        (middle - half - pad / 2, bottom - tall),
        2 * half + pad,
        tall + pad / 2,
        facecolor="white",
        alpha=0.82,
        edgecolor="none",
        zorder=5,
    )
    axes.add_patch(back)
    ends = [middle - length * per_um / 2, middle + length * per_um / 2]
    thick = 2.0 if small else 3.5
    axes.add_line(Line2D(ends, [bottom] * 2, color=INK, linewidth=thick, zorder=6, solid_capstyle="butt"))
    size = 7.0 if small else 11.0
    axes.text(middle, bottom - pad / 3, f"{length:g} µm", ha="center", va="bottom", size=size, zorder=6)
