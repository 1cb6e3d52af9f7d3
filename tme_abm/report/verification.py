"""The checks against theory as one HTML file: what was asked for, what was measured, and a picture of it.

The file needs nothing else, and nothing is judged here: bounds, figures and pictures come from the report.
"""

from __future__ import annotations

import base64
import math
from itertools import groupby
from pathlib import Path

from markupsafe import Markup, escape

from ..core.files import write_bytes
from ..runs.fingerprint import versions
from ..verification.check import Bound, Figure, Judged, Plot
from ..verification.running import Report
from .style.numbers import duration
from .style.page import page
from .verification_pictures import picture

__all__ = ["render", "write_verification"]


def write_verification(report: Report, path: Path) -> None:
    """Write the report as one HTML file, in one move. Raises InputError if the disk refuses it."""
    write_bytes(path, render(report).encode())


def render(report: Report) -> str:
    """The report as HTML text."""
    content = {
        "report": report,
        "counts": report.counts(),
        "topics": [(topic, list(group)) for topic, group in groupby(report.checks, key=lambda one: one.check.topic)],
        "figures": sum(len(one.figures) for one in report.checks),
        "amiss": [one for one in report.checks if one.verdict != "holds"],
        "versions": versions(),
        "took": duration(report.seconds),
        "crowded": _crowded,
    }
    filters = {"cited": _cited, "measured": _measured, "allowed": _allowed, "drawn": _drawn, "gauge": _gauge}
    return page("verification.html.j2", content, filters)


def _crowded(one: Judged) -> bool:
    """Whether a check has so many figures that those beyond the first lines are folded away."""
    return len(one.figures) > 14


def _cited(source: str) -> Markup:
    """A source, with a link if it is a DOI or holds one in brackets."""
    head, found, rest = source.partition("doi:")
    if not found:
        return escape(source)
    number = rest.rstrip(")")
    tail = rest[len(number) :]
    return Markup('{}<a href="https://doi.org/{}">doi:{}</a>{}').format(head, number, number, tail)


def _measured(figure: Figure) -> Markup:
    return _quantity(figure.value, figure.bound.unit)


def _allowed(bound: Bound) -> Markup:
    """The bound in words: what is expected with its room, or its edges."""
    low, high, unit = bound.low, bound.high, bound.unit
    if bound.expected is not None:
        return Markup("{} ± {}").format(_number(bound.expected), _quantity(high - bound.expected, unit))
    if not math.isfinite(low):
        return Markup("≤ {}").format(_quantity(high, unit))
    if not math.isfinite(high):
        return Markup("≥ {}").format(_quantity(low, unit))
    return Markup("{} to {}").format(_number(low), _quantity(high, unit))


def _quantity(value: float, unit: str) -> Markup:
    return Markup('{} <span class="unit">{}</span>').format(_number(value), unit) if unit else _number(value)


def _number(value: float) -> Markup:
    """Four digits; very small and large ones with a power of ten."""
    if not math.isfinite(value):
        return Markup("{}").format("not a number" if math.isnan(value) else "∞")
    if value and not 1e-3 <= abs(value) < 1e5:
        power = math.floor(math.log10(abs(value)))
        digits = f"{value / 10.0**power:.3g}".replace("-", "−")
        return Markup("{}10<sup>{}</sup>").format("" if digits == "1" else f"{digits} × ", str(power).replace("-", "−"))
    return Markup("{}").format(f"{value:.4g}".replace("-", "−"))


def _gauge(figure: Figure) -> Markup:
    """A bar that shows how much of its tolerance a figure uses."""
    strain = figure.strain
    share = 0.0 if math.isnan(strain) else min(strain, 1.0)
    kind = "within" if figure.holds else "beyond"
    told = f"{100 * strain:.0f} % of the tolerance" if strain < 10 else "far beyond the tolerance"
    return Markup(
        '<svg class="gauge {}" width="72" height="10" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="room" width="72" height="10"/><rect class="used" width="{:.1f}" height="10"/></svg>'
    ).format(kind, told, told, max(72 * share, 1.0))


def _drawn(plot: Plot) -> Markup:
    """The plot as an image inside the page."""
    said = f"{plot.title}: {plot.y} over {plot.x}; " + ", ".join(one.label for one in plot.curves)
    address = base64.b64encode(picture(plot)).decode("ascii")
    return Markup('<img src="data:image/svg+xml;base64,{}" alt="{}">').format(Markup(address), said)
