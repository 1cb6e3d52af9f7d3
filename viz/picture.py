"""A frame as pixels: one k×k block a site, the ground below, leukocytes as dots over it; and as a PNG to keep.

The look is that of the report's tissue pictures, for any color of each cell and any ground. Everything is array
work on bytes: 10,000 leukocytes on 200×200 sites take some ten milliseconds, so that a playing page stays smooth.
"""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from PIL import Image

from tme_abm.core.units import show
from tme_abm.report.style.figure import as_png, style
from tme_abm.report.style.palette import CORE_LINE, DEAD, EMPTY, INK, MUTED, VESSEL, cell_color, cell_shape, rgb
from tme_abm.report.style.raster import CLEAR, RIM, Window, dot
from tme_abm.report.style.svg import nice_length

from .colorings import View, bars, cell_colors, field_colors, field_end, ramp
from .frame import Frame

__all__ = ["block_size", "crop", "full_png", "paint", "png", "scale_bar", "window_of"]

_DOT = 0.86  # diameter of a leukocyte in blocks
_VEIL = 0.16  # how much of the tissue shines through a field
_PIXELS = 800  # about how wide a picture is
_FEWEST = 12  # sites across the closest look
_EDGE, _SIDE = 24, 320  # pixels around the tissue in a saved picture, and for its legend
_DPI = 140
_MARKERS = {"disc": "o", "square": "s"}


def window_of(shape: tuple[int, int], view: View) -> Window:
    """The sites in view: as many as the zoom says, around the center, moved so that all lie on the lattice."""
    edges = []
    for n, center in zip(shape, (view.y, view.x), strict=True):
        size = max(min(n, _FEWEST), min(n, round(n / view.zoom)))
        edges.append((start := max(0, min(n - size, round(center * n - size / 2))), start + size))
    (top, bottom), (left, right) = edges
    return Window(top=top, bottom=bottom, left=left, right=right)


def crop(frame: Frame, window: Window) -> Frame:
    """The part of a frame inside a window; its measures stay those of the whole."""
    here = (
        (frame.row >= window.top)
        & (frame.row < window.bottom)
        & (frame.column >= window.left)
        & (frame.column < window.right)
    )
    return replace(
        frame,
        row=frame.row[here] - window.top,
        column=frame.column[here] - window.left,
        kind=frame.kind[here],
        living=frame.living[here],
        immune=frame.immune[here],
        columns={name: values[here] for name, values in frame.columns.items()},
        vessel=window.of(frame.vessel),
        core=window.of(frame.core),
        fields={name: window.of(field) for name, field in frame.fields.items()},
        matrix=None if frame.matrix is None else window.of(frame.matrix),
    )


def block_size(shape: tuple[int, int]) -> int:
    """Pixels a site, for a picture of common width."""
    return max(2, _PIXELS // max(shape))


def paint(whole: Frame, view: View) -> NDArray[np.uint8]:
    """RGB (height, width, 3) of what is in view. Color scales are those of the whole frame."""
    frame = crop(whole, window_of(whole.shape, view))
    k = block_size(frame.shape)
    colors = cell_colors(frame, view.coloring, scaled_as=whole)
    ground = np.full((*frame.shape, 3), rgb(EMPTY), dtype=np.uint8)
    tissue = np.flatnonzero(~frame.immune)
    ground[frame.row[tissue], frame.column[tissue]] = colors[tissue]
    over = view.field in frame.overlays
    if over:
        field = field_colors(frame.overlays[view.field], field_end(whole, view.field))
        ground = (ground * np.float32(_VEIL) + field * np.float32(1 - _VEIL)).astype(np.uint8)
    image = np.repeat(np.repeat(ground, k, axis=0), k, axis=1)
    blocks = image.reshape(frame.shape[0], k, frame.shape[1], k, 3).transpose(0, 2, 1, 3, 4)
    if view.vessels:
        _vessels(blocks, frame, k)
    if view.outline:
        _outline(image, frame.core, k)
    _dots(blocks, frame, colors, k, over=over)
    return image


def _dots(blocks: NDArray[np.uint8], frame: Frame, colors: NDArray[np.uint8], k: int, *, over: bool) -> None:
    square = np.array([cell_shape(name) == "square" for name in frame.cell_names])
    for is_square in (False, True):
        chosen = np.flatnonzero(frame.immune & (square[frame.kind] == is_square))
        if not chosen.size:
            continue
        rim = dot(k, _DOT, square=is_square)
        fill = np.minimum(dot(k, _DOT - max(1.2, 0.18 * k) / k, square=is_square), rim)
        # What lies beneath, the rim and the fill share every pixel.
        edge = np.full((1, 3), 255.0) if over else colors[chosen] * RIM
        paint_per_pixel = (
            fill[None, :, :, None] * colors[chosen][:, None, None, :]
            + (rim - fill)[None, :, :, None] * edge[:, None, None, :]
        )
        rows, columns = frame.row[chosen], frame.column[chosen]
        below = blocks[rows, columns] * (1 - rim)[None, :, :, None]
        blocks[rows, columns] = np.rint(below + paint_per_pixel).astype(np.uint8)


def _vessels(blocks: NDArray[np.uint8], frame: Frame, k: int) -> None:
    rows, columns = np.nonzero(frame.vessel)
    width = max(1, round(k / 6))
    edge = np.ones((k, k), dtype=bool)
    edge[width:-width, width:-width] = False
    pixels = blocks[rows, columns]
    share = min(1.0, k / CLEAR)
    pixels[:, edge] = np.rint(pixels[:, edge] * (1 - share) + np.array(rgb(VESSEL)) * share)
    blocks[rows, columns] = pixels


def _outline(image: NDArray[np.uint8], core: NDArray[np.bool_], k: int) -> None:
    """A line of two pixels along the border of the tumor core."""
    color = rgb(CORE_LINE)
    rows, columns = np.nonzero(core[1:] != core[:-1])
    along = np.arange(k)
    for shift in (-1, 0):
        image[((rows + 1) * k + shift)[:, None], (columns * k)[:, None] + along] = color
    rows, columns = np.nonzero(core[:, 1:] != core[:, :-1])
    for shift in (-1, 0):
        image[(rows * k)[:, None] + along, ((columns + 1) * k + shift)[:, None]] = color


# ------------------------------------------------------------- as files


def png(pixels: NDArray[np.uint8]) -> bytes:
    """RGB (height, width, 3) as a PNG, quickly rather than small."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", compress_level=1)
    return out.getvalue()


def scale_bar(frame: Frame, view: View) -> tuple[float, str]:
    """Length of a scale bar as a share of the picture's width, and its text."""
    width = window_of(frame.shape, view).shape[1] * frame.spacing
    length = nice_length(width)
    return length / width, show(length, "length")


def full_png(frame: Frame, view: View, title: str) -> bytes:
    """The picture with title, scale bar, legend and color bars."""
    pixels = paint(frame, view)
    height, width = pixels.shape[:2]
    whole = (width + _SIDE + 3 * _EDGE, height + 3 * _EDGE)
    left, right, low = _EDGE / whole[0], (width + 2 * _EDGE) / whole[0], _EDGE / whole[1]
    with style():
        drawn = Figure(figsize=(whole[0] / _DPI, whole[1] / _DPI))
        axes = drawn.add_axes((left, low, width / whole[0], height / whole[1]))
        axes.set_axis_off()
        axes.set_title(f"{title}, day {frame.day:.2f}: {frame.state}", fontsize=12)
        axes.imshow(pixels, interpolation="nearest", extent=(0, width, 0, height))
        share, text = scale_bar(frame, view)
        ends = (width * (1 - share) - _EDGE, width - _EDGE)
        axes.plot(ends, (_EDGE, _EDGE), color=INK, linewidth=3, solid_capstyle="butt")
        backdrop = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axes.text(sum(ends) / 2, 1.5 * _EDGE, text, ha="center", va="bottom", bbox=backdrop)
        axes.set(xlim=(0, width), ylim=(0, height))
        marks = [
            _mark("s" if name == "tumor" else _MARKERS[cell_shape(name)], cell_color(name), MUTED, f"{name}  {count:,}")
            for name, count in frame.counts.items()
        ]
        marks += [_mark("s", DEAD, DEAD, "dead"), _mark("s", "white", VESSEL, "vessel")]
        marks.append(Line2D([], [], color=CORE_LINE, label="border of the core"))
        drawn.legend(handles=marks, loc="upper left", bbox_to_anchor=(right, low + height / whole[1]), frameon=False)
        for number, bar in enumerate(bars(frame, view)):
            bottom = low + (0.06 + 0.13 * number) * height / whole[1]
            at = drawn.add_axes((right, bottom, (_SIDE - _EDGE) / whole[0], 0.02))
            at.imshow(ramp(bar.colors)[None], aspect="auto")
            at.set_title(bar.name)
            at.set_xticks([0, 255], [bar.low, bar.high])
            first, last = at.get_xticklabels()
            first.set_horizontalalignment("left")
            last.set_horizontalalignment("right")
            at.set_yticks([])
        return as_png(drawn, _DPI)


def _mark(marker: str, color: str, edge: str, label: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=marker, color=color, markeredgecolor=edge, markersize=7, label=label)
