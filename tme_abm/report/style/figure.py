"""Figures drawn by matplotlib: one style, and the same bytes for the same figure.

Thin gray axes, no box, text large enough for print. Only matplotlib's object interface is used: no pyplot, no global
figure.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from .palette import INK, MUTED

__all__ = ["GRID", "as_png", "as_svg", "style"]

GRID = "#E4E7EB"

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.edgecolor": "#9AA5B1",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # fixed: looking for a place free of ticks takes longer than all the rest
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "text.parse_math": False,
    "svg.hashsalt": "report",  # the same chart gives the same bytes
    "svg.fonttype": "path",
}


@contextmanager
def style(**more: Any) -> Iterator[None]:
    """Everything drawn inside has the style of the reports; `more` as in "axes_titlesize"."""
    with mpl.rc_context(_STYLE | {name.replace("_", ".", 1): value for name, value in more.items()}):
        yield


def as_svg(drawn: Figure) -> bytes:
    """The figure as SVG on a transparent ground; to be called inside `style`."""
    out = io.BytesIO()
    drawn.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return out.getvalue()


def as_png(drawn: Figure, dpi: int, *, colors: int | None = None) -> bytes:
    """The figure as PNG; with at most `colors` colors flat pictures shrink to a quarter."""
    out = io.BytesIO()
    drawn.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    if colors is None:
        return out.getvalue()
    flat = Image.open(out).convert("RGB").quantize(colors, dither=Image.Dither.NONE)
    small = io.BytesIO()
    flat.save(small, format="png", optimize=True)
    return small.getvalue()
