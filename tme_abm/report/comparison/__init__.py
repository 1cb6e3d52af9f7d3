"""A comparison as one HTML file that needs nothing else: pictures and styles inside, no scripts, no requests.

The file can be mailed, printed and opened in ten years. Everything in it comes from the comparison directory
and the catalogue; the same results give the same bytes. All text that a scenario's author wrote goes through
the template's escaping.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...compare.comparison import Comparison, Summary, read_comparison
from ...core.errors import InputError
from ...core.files import write_bytes
from ...export.source import read_source
from ...observe.state import criteria
from ..spatial import Sections, cut_sections, table_content
from ..style.numbers import interval, join, number, plural
from ..style.page import page
from ..style.palette import CORE_LINE, DEAD, EMPTY, STATES, VESSEL, cell_color, cell_shape, dashes, scenario_colors
from ..style.settings import Difference, common_start, differences, glossary_of, pretty, resolved_values
from ..style.svg import swatch
from .charts import composition, courses, strips
from .pictures import Gallery, gallery, shown_runs
from .tables import census, concentrations, pairs
from .verdicts import cards, sizes, swap_rows

__all__ = ["render", "write_comparison"]

logger = logging.getLogger(__name__)

FILE_NAME = "report.html"
FEW = 3  # up to so many tumors get a full sentence each


def write_comparison(directory: Path) -> Path:
    """Write `report.html` into a comparison directory, in one move, and return its path.

    Raises InputError if the directory holds no readable `comparison.json`, or cannot be written.
    """
    path = directory / FILE_NAME
    write_bytes(path, render(read_comparison(directory)).encode())
    return path


def render(comparison: Comparison) -> str:
    """The report of a comparison as HTML text."""
    filters = {"day": "{:g}".format, "swatch": swatch, "number": _number, "interval": _interval}
    return page("comparison/page.html.j2", _content(comparison), filters)


def _content(comparison: Comparison) -> dict[str, Any]:
    words = glossary_of(tumor.resolved for tumor in comparison.tumors.values())
    resolved = {name: resolved_values(tumor.resolved) for name, tumor in comparison.tumors.items()}
    differ, same_start = differences(resolved, words), common_start(resolved)
    made, pictures = cards(comparison), gallery(comparison)
    cut = _sections(comparison, pictures)
    colors = scenario_colors(comparison.names)
    measured = {metric for tumor in comparison.tumors.values() for metric in tumor.metrics}
    return {
        "comparison": comparison,
        "names": comparison.names,
        "title": _title(comparison),
        "words": words,
        "few": len(made) <= FEW,
        "sizes": sizes(comparison),
        "differing": _differing(differ),
        "study": _study(comparison),
        "cards": made,
        "state_colors": STATES,
        "strips": strips(comparison),
        "criteria": criteria(),
        "differ": differ,
        "same_start": same_start,
        "thickness": _thickness(resolved),
        "gallery": pictures,
        "legend": _legend(pictures),
        "courses": courses(comparison),
        "line_key": [
            (name, colors[name], " ".join(map(str, dashes(i)))) for i, name in enumerate(comparison.names)
        ],
        "composition": composition(comparison),
        "immune_key": [(cell, cell_color(cell)) for cell in comparison.cells if f"{cell} core" in measured],
        "census": census(comparison),
        "concentrations": concentrations(comparison),
        "pairs": pairs(comparison),
        "swap": swap_rows(comparison),
        "spatial": table_content(list(cut.values()), [colors[name] for name in cut]) if cut else None,
    }


def _sections(comparison: Comparison, shown: Gallery) -> dict[str, Sections]:
    """The sections of the tissues in the pictures, on their last day; none of a run that keeps no cells."""
    found = {}
    for name, run in shown_runs(comparison).items():
        if name in shown.scenarios:
            try:
                found[name] = cut_sections(read_source(run.directory), run.snapshots[shown.days[-1]], name)
            except InputError as error:
                logger.warning("no statistics of sections of %s: %s", name, error)
    return found


def _number(entry: Summary) -> str:
    return number(entry.mean, entry.ci95)


def _interval(entry: Summary) -> str:
    return interval(entry.mean, entry.ci95)


def _differing(differ: Sequence[Difference]) -> list[str]:
    """What the tumors differ in, in a few words."""
    said = ("what is done to them" if one.key.startswith("protocol") else one.name for one in differ)
    words = list(dict.fromkeys(said))
    return words if len(words) <= 8 else [*words[:7], f"{len(words) - 7} more"]


def _title(comparison: Comparison) -> str:
    title = comparison.extra.get("study", {}).get("title")
    if title:
        return str(title)
    swap = comparison.extra.get("swap")
    if swap is not None:
        return f"{swap['into']} with traits of {swap['from']}"
    return join(comparison.names) + (", compared" if len(comparison.names) > 1 else "")


def _study(comparison: Comparison) -> str:
    """Which part of a study is compared, and what was held; empty if it is none."""
    study = comparison.extra.get("study")
    if study is None:
        return ""
    held = study.get("held") or {}
    kept = f" Held in all of them: {join(f'{key} = {value}' for key, value in held.items())}." if held else ""
    return f"{plural(len(comparison.names), 'arm')} of the study {study['name']}.{kept}"


def _thickness(resolved: Mapping[str, Mapping[str, str]]) -> str:
    """How thick a section of a three-dimensional tissue counts; "" where every tissue is a slab."""
    solid = [values for values in resolved.values() if values.get("lattice.shape", "").count("×") == 2]
    return join(dict.fromkeys(pretty(values.get("lattice.spacing", "")) for values in solid)) if solid else ""


def _legend(pictures: Gallery) -> list[tuple[str, Markup]]:
    """Swatches of what the tissue pictures show: cells, then the ground they lie on."""
    if not pictures.present:
        return []
    in_order = sorted(pictures.present, key=lambda name: name not in pictures.tissue)
    shapes = {name: "block" if name in pictures.tissue else cell_shape(name) for name in in_order}
    return [
        *((name, swatch(cell_color(name), shape)) for name, shape in shapes.items()),
        ("dead cell", swatch(DEAD, "block")),
        ("stroma", swatch(EMPTY, "block")),
        ("blood vessel", swatch(VESSEL, "frame")),
        ("border of the tumor core", swatch(CORE_LINE, "line")),
    ]
