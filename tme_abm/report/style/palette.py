"""The one color table of the project, chosen to stay readable for color-blind eyes.

Cell colors were searched for the largest smallest distance (CIE Lab) between any two of them under normal
vision and under simulated protanopia, deuteranopia and tritanopia; `tests/report/test_palette.py` holds them
to that. Effector lymphocytes are cool (indigo, cyan, green), suppressors and myeloid cells warm, tumor a
pale pink that lets leukocytes stand out, dead cells gray. Shape repeats the split without color: lymphocytes
are discs, myeloid cells squares. Scenario lines use the Okabe-Ito set (doi:10.1038/nmeth.1618) with a
dash pattern each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = [
    "CELLS",
    "CORE_LINE",
    "DEAD",
    "EMPTY",
    "FIELD_COLORS",
    "INK",
    "LINES",
    "MUTED",
    "STATES",
    "VESSEL",
    "cell_color",
    "cell_shape",
    "dashes",
    "rgb",
    "scenario_colors",
]

INK = "#1F2933"
MUTED = "#66727F"
EMPTY = "#F7FAF8"
DEAD = "#797376"
VESSEL = "#C23B4E"
CORE_LINE = "#1F2933"

CELLS: dict[str, str] = {
    "tumor": "#EBC5B6",
    "CD8": "#23107A",
    "Th1": "#18C9F2",
    "NK": "#2E9150",
    "Treg": "#BE0E00",
    "PMN-MDSC": "#E88B00",
    "M-MDSC": "#F4F034",
    "TAM": "#AD1ED2",
    "TAN": "#45111C",
}
"""Color of each known cell type; look up with `cell_color`, which forgives spelling."""

_MYELOID = frozenset({"pmnmdsc", "mmdsc", "tam", "tan", "monocyte", "neutrophil", "macrophage", "dc"})
_SPARE = ("#7A6A00", "#006D77", "#8C4A5A", "#5E6AD2", "#A35F2B", "#3F7D20")

STATES: dict[str, str] = {
    "hot": "#B8430A",
    "excluded": "#00785A",
    "cold": "#0A64A4",
    "none": "#66727F",
}
"""Color of a tumor state's label; dark enough for white text on it (contrast above 4.5 to 1)."""

FIELD_COLORS = ("magma_r", 0.93)
"""Sequential color map of concentrations and how much of it is used: perceptually uniform, low is light, safe in
gray print; its last, black part would hide the outlines."""

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colors of lines in charts, in order: those of Okabe and Ito."""

_PREFERRED = {"cold": "#0072B2", "hot": "#D55E00", "excluded": "#009E73"}
_DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2), (1.5, 1.5), (7, 2, 1.5, 2), (3, 1.5), (9, 3))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_BY_PLAIN_NAME = {_plain(name): color for name, color in CELLS.items()} | {"cd4th1": CELLS["Th1"]}


def cell_color(name: str) -> str:
    """Hex color of a cell type by its catalogue name; an unknown name gets a spare color, always the same."""
    plain = _plain(name)
    return _BY_PLAIN_NAME.get(plain) or _SPARE[sum(plain.encode()) % len(_SPARE)]


def cell_shape(name: str) -> str:
    """The glyph a cell type is drawn with: "square" for myeloid cells, "disc" for all others."""
    return "square" if _plain(name) in _MYELOID else "disc"


def scenario_colors(names: Sequence[str]) -> dict[str, str]:
    """A distinct line color per scenario; those named after a state keep that state's familiar color."""
    taken = {name: _PREFERRED[name] for name in names if name in _PREFERRED}
    spare = [color for color in (*LINES, "#000000") if color not in taken.values()]
    others = [name for name in names if name not in taken]
    return taken | {name: spare[i % len(spare)] for i, name in enumerate(others)}


def dashes(index: int) -> tuple[float, ...]:
    """Dash pattern (points on, points off, ...) of the `index`-th scenario; empty for a solid line."""
    return _DASHES[index % len(_DASHES)]


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green, blue (0..255) of a "#RRGGBB" text."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
