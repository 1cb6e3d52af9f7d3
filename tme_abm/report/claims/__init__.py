"""The executable review as one HTML file: every claim with its verdict and the experiments that gave it.

The file needs no other file: pictures are SVG inside it, the few lines of script only filter, and nothing is fetched.
`view` computes what is shown, `pictures` draws it, and the template puts it on the page.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...core.files import write_bytes
from ...evidence.beyond import SLACK
from ...evidence.results import VERDICTS
from ..style.numbers import duration, percent, share
from ..style.page import page
from .pictures import arms_plot, forest, sweep_key, sweep_plot
from .view import ARROWS, View, beyond_tumors, expected, figure, view_of

__all__ = ["ARROWS", "View", "beyond_tumors", "render", "view_of", "write_claims"]

_MICRO = re.compile(r"\bu(?=[mM]\b)")


def write_claims(view: View, path: Path) -> None:
    """Write the page of a review. Raises InputError if the file cannot be written."""
    write_bytes(path, render(view).encode())


def render(view: View) -> str:
    """The page as HTML text."""
    drawn = {"arms_plot": arms_plot, "forest": forest, "sweep_plot": sweep_plot, "sweep_key": sweep_key}
    numbers = {"share": share, "slack": SLACK, "minutes": duration(view.review.seconds)}
    said = {"arrows": ARROWS, "verdicts": VERDICTS, **numbers}
    words = {"expected": expected, "figure": figure, "percent": percent, "beyond": beyond_tumors}
    filters = {"micro": _micro, "said": lambda text: text.replace("_", " "), **words}
    return page("claims/page.html.j2", {**vars(view), **drawn, **said}, filters)


def _micro(text: str) -> str:
    """`text` with "µm" and "µM" for "um" and "uM"."""
    return _MICRO.sub("µ", text).replace("^2", "²").replace("^3", "³")
