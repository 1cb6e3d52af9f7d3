"""What a color means: cell types or inner states on cells, concentrations on the ground.

A `View` is what a person chose to see, a `Coloring` gives every cell a color, a `Bar` is a scale in a legend. Scales
start at zero and end at a round number, so that the color bar stays put while concentrations change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from tme_abm.report.style.numbers import plain
from tme_abm.report.style.palette import DEAD, FIELD_COLORS, cell_color, rgb
from tme_abm.report.style.svg import nice_above

from .frame import MATRIX, Frame

__all__ = [
    "CELL_TYPE", "COLORINGS", "Bar", "Coloring", "View", "bars", "cell_colors", "field_colors", "field_end", "ramp",
]  # fmt: skip

_NOT_COLORED = "#D5DADF"  # cells that a state does not concern
_STEPS = 256
_QUANTILE = 0.998  # of a field: single hot sites must not darken all the rest


@dataclass(frozen=True, kw_only=True)
class Coloring:
    """A way to color cells: by `column` of a frame, for `cells` (all that have it, if empty), from 0 to `top`.

    `top` None: a round number above what is there. low, high: what the ends of the scale mean.
    """

    name: str
    column: str
    cells: tuple[str, ...] = ()
    top: float | None = 1.0
    low: str = ""
    high: str = ""
    colors: str = "viridis_r"  # not that of fields, which may lie below
    meaning: str = ""

    def concerns(self, frame: Frame) -> NDArray[np.bool_]:
        """Mask (n,) of the living cells it colors."""
        if not self.cells:
            return frame.living & (frame.columns[self.column] > 0)
        kinds = [kind for kind, name in enumerate(frame.cell_names) if name in self.cells]
        return frame.living & np.isin(frame.kind, kinds)

    def end(self, frame: Frame) -> float:
        """The value at the upper end of the scale."""
        if self.top is not None:
            return self.top
        values = frame.columns[self.column][self.concerns(frame)]
        return nice_above(float(np.quantile(values, _QUANTILE))) if values.size else 1.0


CELL_TYPE = "cell type"
COLORINGS: Mapping[str, Coloring] = {
    coloring.name: coloring
    for coloring in (
        Coloring(
            name="M1–M2 score",
            column="polarization",
            cells=("TAM", "TAN"),
            low="M2, N2",
            high="M1, N1",
            colors="PuOr_r",
            meaning="Polarization of macrophages (squares) and neutrophils: 0 suppressive, 1 inflammatory.",
        ),
        Coloring(
            name="exhaustion",
            column="exhaustion",
            cells=("CD8", "Th1", "NK"),
            low="fresh",
            high="exhausted",
            meaning="Exhaustion of effector lymphocytes: chronic contact with antigen and PD-L1 builds it up.",
        ),
        Coloring(
            name="activation",
            column="activation",
            cells=("CD8", "Th1", "NK", "Treg"),
            low="resting",
            high="active",
            meaning="Activation of lymphocytes: what makes them secrete and kill.",
        ),
        Coloring(
            name="PD-L1",
            column="PDL1",
            top=None,
            meaning="PD-L1 on all cells that show it, in units of an average unstimulated tumor cell.",
        ),
        Coloring(
            name="MHC-I",
            column="MHC1",
            top=None,
            meaning="Class I MHC, in units of a healthy cell: without it T cells do not see a tumor cell.",
        ),
        Coloring(
            name="damage",
            column="damage",
            cells=("tumor",),
            top=None,
            meaning="Hits by killers that a tumor cell has taken and not yet healed.",
        ),
        Coloring(
            name="cycle phase",
            column="phase",
            cells=("tumor",),
            low="newborn",
            high="dividing",
            meaning="Progress of tumor cells through their division cycle.",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class View:
    """What a person has chosen to see. field: a molecule, "matrix" where it lives, or empty.

    x, y: the center, as shares of the lattice; zoom: 1 shows all of it."""

    coloring: str = CELL_TYPE
    field: str = ""
    vessels: bool = True
    outline: bool = True
    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


class Bar(NamedTuple):
    """A scale in a legend: what is shown, along which color map, and what its ends mean."""

    name: str
    colors: str
    low: str
    high: str


def bars(frame: Frame, view: View) -> list[Bar]:
    """The scales of what is in view: of a state of cells, of a molecule."""
    found = []
    if chosen := COLORINGS.get(view.coloring):
        low, high = (chosen.low, chosen.high) if chosen.low else ("0", f"{chosen.end(frame):g}")
        who = ", ".join(chosen.cells) or "all cells that show it"
        found.append(Bar(f"{chosen.name} of {who}", chosen.colors, low, high))
    if view.field == MATRIX and frame.matrix is not None:
        found.append(Bar(MATRIX, FIELD_COLORS[0], "none", "dense"))
    elif view.field in frame.fields:
        # All molecules in one unit, small numbers without powers of ten.
        found.append(Bar(view.field, FIELD_COLORS[0], "0", f"{plain(field_end(frame, view.field))} nM"))
    return found


def field_end(frame: Frame, molecule: str) -> float:
    """The concentration [nM] at the upper end of a molecule's scale; of the matrix, 1."""
    if molecule == MATRIX:
        return 1.0
    field = frame.fields[molecule]
    return nice_above(float(np.quantile(field, _QUANTILE)) or float(field.max()))


def field_colors(field: NDArray[np.float32], end: float) -> NDArray[np.uint8]:
    """RGB (ny, nx, 3) of concentrations (ny, nx) on a scale from 0 to `end`."""
    found: NDArray[np.uint8] = ramp(FIELD_COLORS[0])[_index(field * np.float32(1 / end))]
    return found


def cell_colors(frame: Frame, coloring: str, scaled_as: Frame | None = None) -> NDArray[np.uint8]:
    """RGB (n, 3) of every cell of the frame, on the scale of another frame if one is given."""
    chosen = COLORINGS.get(coloring)
    if chosen is None:
        found = palette(frame.cell_names)[frame.kind]
    else:
        concerned = chosen.concerns(frame)
        found = np.full((len(frame.kind), 3), rgb(_NOT_COLORED), dtype=np.uint8)
        shares = frame.columns[chosen.column][concerned] / chosen.end(scaled_as or frame)
        found[concerned] = ramp(chosen.colors)[_index(shares)]
    found[~frame.living] = rgb(DEAD)
    return found


@cache
def palette(names: Sequence[str]) -> NDArray[np.uint8]:
    """RGB (kinds, 3) of the cell types."""
    return np.array([rgb(cell_color(name)) for name in names], dtype=np.uint8)


@cache
def ramp(name: str) -> NDArray[np.uint8]:
    """RGB (256, 3) along a color map of matplotlib; the report's map without its black end."""
    used = FIELD_COLORS[1] if name == FIELD_COLORS[0] else 1.0
    colors = mpl.colormaps[name](np.linspace(0, used, _STEPS))[:, :3]
    return np.asarray(np.rint(colors * 255), dtype=np.uint8)


def _index(shares: NDArray[np.floating]) -> NDArray[np.intp]:
    return np.asarray((shares * (_STEPS - 1)).clip(0, _STEPS - 1), dtype=np.intp)
