"""Pictures as PNG: bare for the page, which adds its own legend, and complete for a slide or a paper."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tme_abm.core.units import show
from tme_abm.report.style.palette import CORE_LINE, DEAD, INK, MUTED, VESSEL, cell_color, cell_shape
from tme_abm.report.style.svg import nice_length

from .colorings import COLORINGS, ramp, scale_of
from .frame import Frame
from .raster import View, paint, window_of

__all__ = ["counted", "full_png", "png", "scale_bar"]

_EDGE = 24  # pixels around the tissue in a saved picture
_SIDE = 300  # pixels for its legend
_LINE = 30


def png(pixels: NDArray[np.uint8]) -> bytes:
    """RGB (height, width, 3) as a PNG, quickly rather than small."""
    return _encoded(Image.fromarray(pixels), level=1)


def scale_bar(frame: Frame, view: View) -> tuple[float, str]:
    """Length of a scale bar as a share of the picture's width, and its text."""
    width = window_of(frame.shape, view).shape[1] * frame.spacing
    length = nice_length(width)
    return length / width, show(length, "length")


def counted(frame: Frame) -> list[tuple[str, int]]:
    """Cell types on the lattice and how many of each live, in the order of the catalogue."""
    return [
        (name, int(frame.measures[f"{name} cells"])) for name in frame.cell_names if f"{name} cells" in frame.measures
    ]


def full_png(frame: Frame, view: View, title: str) -> bytes:
    """The picture with title, scale bar, legend and color bars."""
    tissue = Image.fromarray(paint(frame, view))
    top = 2 * _EDGE + 34
    sheet = Image.new("RGB", (tissue.width + 3 * _EDGE + _SIDE, tissue.height + top + _EDGE), "white")
    sheet.paste(tissue, (_EDGE, top))
    pen = ImageDraw.Draw(sheet)
    pen.text((_EDGE, _EDGE), f"{title}, day {frame.day:.2f}: {frame.state}", fill=INK, font=_font(26))
    _draw_scale_bar(pen, scale_bar(frame, view), _EDGE + tissue.width, top + tissue.height, tissue.width)
    left, y = tissue.width + 2 * _EDGE, top
    y = _draw_cells(pen, frame, left, y)
    chosen = COLORINGS.get(view.coloring)
    if chosen is not None:
        y = _draw_bar(sheet, pen, left, y, chosen.name, chosen.colors, f"{chosen.end(frame):g}")
    if view.field is not None and view.field in frame.fields:
        scale = scale_of(frame, view.field)
        _draw_bar(sheet, pen, left, y, view.field, "magma_r", scale.end)
    return _encoded(sheet, level=6)


def _draw_scale_bar(pen: ImageDraw.ImageDraw, bar: tuple[float, str], right: int, bottom: int, width: int) -> None:
    share, text = bar
    length = round(share * width)
    pen.rectangle((right - length - 36, bottom - 56, right - 12, bottom - 12), fill="white")
    pen.rectangle((right - length - 24, bottom - 24, right - 24, bottom - 19), fill=INK)
    pen.text((right - 24 - length / 2, bottom - 30), text, fill=INK, font=_font(18), anchor="mb")


def _draw_cells(pen: ImageDraw.ImageDraw, frame: Frame, left: int, y: int) -> int:
    for name, count in counted(frame):
        box = (left, y + 4, left + 18, y + 22)
        if cell_shape(name) == "square" or name == "tumor":
            pen.rectangle(box, fill=cell_color(name), outline=MUTED)
        else:
            pen.ellipse(box, fill=cell_color(name), outline=MUTED)
        pen.text((left + 30, y + 13), name, fill=INK, font=_font(18), anchor="lm")
        pen.text((left + _SIDE, y + 13), f"{count:,}", fill=INK, font=_font(18), anchor="rm")
        y += _LINE
    for name, fill, line in (("dead", DEAD, DEAD), ("vessel", "white", VESSEL), ("border of the core", "white", None)):
        if line is None:
            pen.line((left, y + 13, left + 18, y + 13), fill=CORE_LINE, width=3)
        else:
            pen.rectangle((left, y + 4, left + 18, y + 22), fill=fill, outline=line, width=3)
        pen.text((left + 30, y + 13), name, fill=INK, font=_font(18), anchor="lm")
        y += _LINE
    return y + _LINE // 2


def _draw_bar(sheet: Image.Image, pen: ImageDraw.ImageDraw, left: int, y: int, name: str, colors: str, end: str) -> int:
    pen.text((left, y), name, fill=INK, font=_font(18))
    bar = Image.fromarray(np.broadcast_to(ramp(colors), (18, 256, 3)).copy()).resize((_SIDE, 18))
    sheet.paste(bar, (left, y + 28))
    pen.rectangle((left, y + 28, left + _SIDE - 1, y + 45), outline=MUTED)
    pen.text((left, y + 52), "0", fill=INK, font=_font(16))
    pen.text((left + _SIDE, y + 52), end, fill=INK, font=_font(16), anchor="ra")
    return y + 52 + _LINE + _LINE // 2


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


def _encoded(image: Image.Image, *, level: int) -> bytes:
    out = io.BytesIO()
    image.save(out, format="PNG", compress_level=level)
    return out.getvalue()
