"""The column of time courses: what grows, who comes, the verdict's densities, what calls whom, what is dissolved."""

from __future__ import annotations

from typing import Any

import numpy as np

from tme_abm.observe.state import criteria
from tme_abm.report.style.palette import STATES, cell_color
from tme_abm.report.style.svg import nice_above

from .charts import Line, chart
from .frame import Frame
from .history import History
from .raster import View

__all__ = ["courses"]

_WIDTH, _HEIGHT = 348, 98
_SHORTEST = 0.2  # days on the axis
_AHEAD = 1.25

# Molecules whose course tells the story, with line colors of the Okabe-Ito set; the one overlaid comes on top.
_FOLLOWED = {"IFNG": "#0072B2", "CXCL10": "#D55E00", "TGFB": "#009E73", "CCL2": "#CC79A7"}
_CHOSEN = "#1F2933"

# Receptors that call effectors and suppressors, in colors of the cells they call.
_CALLED = {"CXCR3": ("CD8", ""), "CCR2": ("M-MDSC", "5 2"), "CXCR2": ("PMN-MDSC", ""), "CCR4": ("Treg", "")}


def courses(frame: Frame, history: History, view: View) -> str:
    """The charts as HTML."""
    days = np.array(history.days)
    common: dict[str, Any] = {"width": _WIDTH, "height": _HEIGHT, "end": _end(frame), "marks": frame.treated}
    immune = [
        name for name in frame.cell_names if f"{name} cells" in frame.measures and f"{name} core" in frame.measures
    ]
    drawn = [
        chart(
            "Tumor cells",
            "",
            days,
            [
                Line(label="living", values=history["tumor cells"], color="#B4694E"),
                Line(label="dead", values=history["dead tumor cells"], color="#797376", dashes="4 2"),
            ],
            **common,
        ),
        chart(
            "Leukocytes",
            "colors as in the legend",
            days,
            [Line(label=name, values=history[f"{name} cells"], color=cell_color(name)) for name in immune],
            named=False,
            **common,
        ),
        chart(
            "CD8 density",
            f"/mm², cut at {criteria().per_mm2:.0f}",
            days,
            [
                Line(label="core", values=history["CD8 core"], color=STATES["hot"]),
                Line(label="margin", values=history["CD8 margin"], color=STATES["excluded"], dashes="5 2"),
            ],
            level=criteria().per_mm2,
            **common,
        ),
        chart(
            "Called from blood",
            "/vessel/day",
            days,
            [
                Line(label="effectors", values=history["effectors called"], color=cell_color("CD8")),
                Line(label="suppressors", values=history["suppressors called"], color=cell_color("Treg"), dashes="5 2"),
            ],
            log=True,
            **common,
        ),
        chart(
            "Receptors that call",
            "held",
            days,
            [
                Line(label=name, values=history[f"called by {name}"], color=cell_color(cell), dashes=dashes)
                for name, (cell, dashes) in _CALLED.items()
                if name in frame.called
            ],
            **common,
        ),
        chart(
            "Mean in the core",
            "nM",
            days,
            [
                Line(label=name, values=history[f"{name} core"], color=color)
                for name, color in _molecules(frame, view).items()
            ],
            log=True,
            **common,
        ),
    ]
    return "".join(f"<div class='tme-course'>{svg}</div>" for svg in drawn)


def _end(frame: Frame) -> float:
    """The last day of the axis: some room ahead, so that the beginning can be read as well as the end."""
    return min(frame.days, nice_above(max(_SHORTEST, _AHEAD * frame.day)))


def _molecules(frame: Frame, view: View) -> dict[str, str]:
    found = {name: color for name, color in _FOLLOWED.items() if name in frame.fields}
    if view.field is not None and view.field in frame.fields and view.field not in found:
        found.pop("CCL2", None)
        found[view.field] = _CHOSEN
    return found
