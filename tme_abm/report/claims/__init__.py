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
from ..style.numbers import DASH, duration, percent, share
from ..style.page import page
from .pictures import arms_plot, forest, sweep_key, sweep_plot
from .view import ARROWS, View, beyond_tumors, expected, figure, view_of

__all__ = ["ARROWS", "View", "beyond_tumors", "markdown", "render", "view_of", "write_claims"]

_MICRO = re.compile(r"\bu(?=[mM]\b)")


def write_claims(view: View, path: Path) -> None:
    """Write the page of a review. Raises InputError if the file cannot be written."""
    write_bytes(path, render(view).encode())


def markdown(view: View) -> str:
    """A table in Markdown with one line a claim."""
    drawn = bool(view.review.draws)
    lines = [f"| | claim | verdict | effect |{' in plausible parameter sets |' if drawn else ''}"]
    lines.append("|---" * (5 if drawn else 4) + "|")
    for entry in view.entries:
        cells = [entry.claim.id, entry.sentence, entry.result.verdict, str(entry.effect)]
        if drawn:
            cells.append(entry.result.drawn.says if entry.result.drawn else DASH)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


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
