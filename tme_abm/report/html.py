"""A comparison as one HTML file that needs nothing else: pictures and styles inside, no scripts, no requests.

The file can be mailed, printed and opened in ten years. Everything in it comes from the comparison directory
and the catalogue; the same results give the same bytes. All text that a scenario's author wrote goes through
the template's escaping.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..compare.comparison import Comparison, read_comparison
from ..core.files import write_bytes
from .charts import composition, courses, strips
from .differences import common_start, differences, parameters, pretty
from .glossary import glossary
from .pictures import Gallery, gallery
from .slides import slides
from .style.numbers import join, plural
from .style.page import page
from .style.palette import CORE_LINE, DEAD, EMPTY, STATES, VESSEL, cell_color, cell_shape, dashes, scenario_colors
from .style.svg import swatch
from .tables import census, concentrations, pairs, swap_rows
from .verdicts import cards, opening

__all__ = ["write_comparison"]

FILE_NAME = "report.html"


def write_comparison(directory: Path) -> Path:
    """Write `report.html` into a comparison directory, in one move, and return its path.

    Raises:
        InputError: the directory holds no readable `comparison.json`, or cannot be written.
    """
    path = directory / FILE_NAME
    write_bytes(path, render(read_comparison(directory)).encode())
    return path


def render(comparison: Comparison) -> str:
    """The report of a comparison as HTML text."""
    filters = {"day": "{:g}".format, "swatch": swatch}
    return page("comparison.html.j2", _content(comparison), filters)


def _content(comparison: Comparison) -> dict[str, Any]:
    words = glossary()
    resolved = parameters(comparison)
    differ = differences(resolved, words)
    made = cards(comparison)
    pictures = gallery(comparison)
    same_start = common_start(resolved)
    return {
        "names": comparison.names,
        "title": _title(comparison),
        "days": comparison.days,
        "words": words,
        "summary": opening(comparison, made, differ, same_start=same_start),
        "cards": made,
        "state_colors": STATES,
        "strips": strips(comparison),
        "slides": slides(),
        "differ": differ,
        "same_start": same_start,
        "thickness": _thickness(resolved),
        "gallery": pictures,
        "legend": _legend(pictures),
        "courses": courses(comparison),
        "partings": comparison.partings,
        "line_key": [
            (name, scenario_colors(comparison.names)[name], " ".join(map(str, dashes(i))))
            for i, name in enumerate(comparison.names)
        ],
        "composition": composition(comparison),
        "immune_key": [cell for cell in comparison.cells if _is_immune(comparison, cell)],
        "cell_color": cell_color,
        "census": census(comparison),
        "concentrations": concentrations(comparison),
        "pairs": pairs(comparison),
        "swap": swap_rows(comparison),
        "unfinished": comparison.failures,
        "runs": [run for tumor in comparison.tumors.values() for run in tumor.runs],
        "resolved": {name: (tumor.resolved, tumor.hash) for name, tumor in comparison.tumors.items()},
        "command": str(comparison.extra.get("command") or ""),
        "versions": comparison.versions,
        "study": _study(comparison),
    }


def _title(comparison: Comparison) -> str:
    study = comparison.extra.get("study")
    if isinstance(study, Mapping) and study.get("title"):
        return str(study["title"])
    swap = comparison.extra.get("swap")
    if isinstance(swap, Mapping) and {"from", "into"} <= swap.keys():
        return f"{swap['into']} with traits of {swap['from']}"
    return join(comparison.names) + (", compared" if len(comparison.names) > 1 else "")


def _study(comparison: Comparison) -> str:
    """Which part of a study is compared, and what was held; empty if it is none."""
    study = comparison.extra.get("study")
    if not isinstance(study, Mapping):
        return ""
    held = study.get("held") or {}
    kept = f" Held in all of them: {join(f'{key} = {value}' for key, value in held.items())}." if held else ""
    return f"{plural(len(comparison.names), 'arm')} of the study {study.get('name', '')}.{kept}"


def _thickness(resolved: Mapping[str, Mapping[str, str]]) -> str:
    """How thick a section of a three-dimensional tissue counts; "" where every tissue is a slab."""
    solid = [values for values in resolved.values() if values.get("lattice.shape", "").count("×") == 2]
    return join(dict.fromkeys(pretty(values.get("lattice.spacing", "")) for values in solid)) if solid else ""


def _is_immune(comparison: Comparison, cell: str) -> bool:
    return any(f"{cell} core" in comparison.tumors[name].metrics for name in comparison.names)


def _legend(pictures: Gallery) -> list[tuple[str, Markup]]:
    """Swatches of what the tissue pictures show: cells, then the ground they lie on."""
    if not pictures.cells:
        return []
    present = [name for name in pictures.cells if name in pictures.present]
    ground = [name for name in present if name in pictures.tissue]
    leukocytes = [name for name in present if name not in ground]
    return [
        *((name, swatch(cell_color(name), "block")) for name in ground),
        *((name, swatch(cell_color(name), cell_shape(name))) for name in leukocytes),
        ("dead cell", swatch(DEAD, "block")),
        ("stroma", swatch(EMPTY, "block")),
        ("blood vessel", swatch(VESSEL, "frame")),
        ("border of the tumor core", swatch(CORE_LINE, "line")),
    ]
