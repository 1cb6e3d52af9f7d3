"""Figures of a report, as bytes: tissue and field pictures in PNG, charts in SVG.

Every figure is a function of its arguments alone and gives the same bytes for the same results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from .raster import Snapshot, tissue_image
from .style.figure import GRID, as_png, as_svg, style
from .style.palette import CORE_LINE, FIELD_COLORS, INK, MUTED
from .style.raster import Window
from .style.svg import nice_length

__all__ = ["Band", "FieldPanel", "field_row", "stacks", "strip", "time_course", "tissue_picture"]

Floats = NDArray[np.float64]
_PIXELS_PER_INCH = 100
_ROOM = 3  # how far above the mean a chart shows a band: that of two replicates can be wider than anything measured
_SHARPNESS = 170  # dots per inch of the field pictures: sharp on screens with two pixels to a dot


@dataclass(frozen=True, kw_only=True)
class Band:
    """One scenario's line in a time course: mean and 95 % band (n,), NaN where there is none."""

    label: str
    days: Floats
    mean: Floats
    low: Floats
    high: Floats
    color: str
    dashes: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class FieldPanel:
    """One field picture: concentrations (ny, nx) in the unit shown, and the outline of the tumor core."""

    label: str
    values: NDArray[np.float32]
    core: NDArray[np.bool_]


def tissue_picture(snapshot: Snapshot, window: Window, *, width: int, box: Window | None = None) -> bytes:
    """PNG of the tissue in `window`, about `width` pixels wide: core outline, scale bar, optional frame at `box`."""
    rows, columns = window.shape
    k = max(2, round(width / columns))
    drawn, axes = _bare(columns * k, rows * k)
    axes.imshow(tissue_image(snapshot, window, k), interpolation="nearest", extent=(0, columns * k, rows * k, 0))
    _outline(axes, window.of(snapshot.core), k)
    if box is not None:
        corner = ((box.left - window.left) * k, (box.top - window.top) * k)
        axes.add_patch(Rectangle(corner, box.shape[1] * k, box.shape[0] * k, fill=False, edgecolor=INK, linewidth=1.6))
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


def time_course(
    title: str, unit: str, bands: Sequence[Band], *, level: float | None = None, days: Sequence[float] = ()
) -> bytes:
    """SVG of one metric over time: means with bands, a dotted line at `level`, and upright lines at `days`."""
    with style():
        drawn = Figure(figsize=(3.75, 2.35))
        axes = drawn.add_axes((0.15, 0.17, 0.80, 0.68))
        top = 0.0
        for band in bands:
            dashed = (0, band.dashes) if band.dashes else "-"
            axes.fill_between(band.days, band.low, band.high, color=band.color, alpha=0.20, linewidth=0)
            axes.plot(band.days, band.mean, color=band.color, linewidth=1.8, linestyle=dashed)
            highest = float(np.nanmax(band.mean, initial=0.0))
            top = max(top, highest, min(float(np.nanmax(band.high, initial=0.0)), _ROOM * highest))
        if level is not None and top > level / 5:
            axes.axhline(level, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        for day in days:
            axes.axvline(day, color=INK, linewidth=1, linestyle=(0, (5, 2)))
        lowest = min((float(np.nanmin(band.mean, initial=0.0)) for band in bands), default=0.0)
        axes.set_ylim(min(0.0, lowest), top * 1.06 or 1.0)
        axes.set_xlim(0, max(float(band.days[-1]) for band in bands) or 1.0)
        axes.set_title(title + (f"  [{unit}]" if unit else ""))
        axes.set_xlabel("day", labelpad=1)
        axes.yaxis.set_major_formatter(_plain)
        axes.grid(axis="y", color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        return as_svg(drawn)


def strip(rows: Sequence[tuple[str, Sequence[float], float | None]], *, right: float, color: str) -> bytes:
    """SVG of replicate values as dots on a line, one row a (label, values, threshold), axis from 0 to `right`."""
    with style():
        drawn = Figure(figsize=(3.5, 0.42 * len(rows) + 0.42))
        axes = drawn.add_axes((0.19, 0.36, 0.77, 0.60))
        for y, (_, values, threshold) in enumerate(rows):
            axes.plot([0, right], [y, y], color=GRID, linewidth=5, solid_capstyle="butt", zorder=1)
            if threshold is not None:
                axes.plot([threshold] * 2, [y - 0.42, y + 0.42], color=INK, linewidth=1.4, zorder=2)
            axes.plot(
                values, [y] * len(values), "o", color=color, alpha=0.65, markersize=6, mew=0, zorder=3, clip_on=False
            )
        axes.set(xlim=(0, right), ylim=(len(rows) - 0.45, -0.55), yticks=range(len(rows)))
        axes.set_yticklabels([label for label, _, _ in rows], color=INK)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_formatter(_plain)
        return as_svg(drawn)


def stacks(
    bars: Sequence[tuple[str, Mapping[str, float]]], colors: Mapping[str, str], *, unit: str, title: str
) -> bytes:
    """SVG of stacked horizontal bars, one a (label, part -> value)."""
    with style():
        height = 0.34 * len(bars) + 0.75
        drawn = Figure(figsize=(5.6, height))
        axes = drawn.add_axes((0.27, 0.45 / height, 0.70, (height - 0.75) / height))
        for y, (_, parts) in enumerate(bars):
            left = 0.0
            for part, value in parts.items():
                axes.barh(y, value, left=left, height=0.72, color=colors[part], edgecolor="white", linewidth=0.6)
                left += value
        axes.set(ylim=(len(bars) - 0.4, -0.6), yticks=range(len(bars)), xlabel=unit)
        axes.set_yticklabels([label for label, _ in bars], color=INK)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_title(title)
        axes.xaxis.set_major_formatter(_plain)
        return as_svg(drawn)


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


def _plain(value: float, _: object = None) -> str:
    """A tick without a power of ten, thousands set off."""
    return f"{value:,.10g}"
