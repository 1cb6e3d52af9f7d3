"""What a pathologist would measure on simulated sections, beside real ones, as one HTML file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...core.files import write_bytes
from ...observe.real_sections import main_sections, real_sections
from ...observe.sections import STATISTICS, definitions
from ...observe.state import criteria
from ..style.numbers import DASH, significant
from ..style.page import page
from ..style.palette import CORE_LINE, DEAD, EMPTY, LINES, STATES, VESSEL, cell_color, cell_shape
from ..style.raster import Window
from ..style.svg import swatch
from ..style.tissue import Snapshot, common_window, read_picture, tissue_picture
from .charts import GROUPS, statistic_plot
from .found import Sections, cut_sections, measure_runs, write_sections

__all__ = [
    "GROUPS", "Sections", "cut_sections", "measure_runs", "placed", "render", "table_content",
    "write_page", "write_sections",
]  # fmt: skip

_WIDTH = 720  # of the picture of a section, in pixels


def write_page(found: Sequence[Sections], path: Path, *, command: str = "") -> None:
    """Write the page. Raises InputError if the file cannot be written."""
    write_bytes(path, render(found, command=command).encode())


def render(found: Sequence[Sections], *, command: str = "") -> str:
    """The page as HTML text."""
    pictures = [read_picture(one.file, one.day) for one in found]
    colors = [LINES[index % len(LINES)] for index in range(len(found))]
    return page(
        "spatial/page.html.j2",
        {
            "spatial": table_content(found, colors),
            "found": list(zip(found, colors, _drawn(found, pictures), strict=True)),
            "legend": _legend(pictures),
            "real": real_sections(),
            "known": definitions(),
            "field": criteria().field,
            "state_colors": STATES,
            "command": command,
        },
    )


def table_content(found: Sequence[Sections], colors: Sequence[str]) -> dict[str, Any]:
    """What `tables.html.j2` shows: sections with their colors, the statistics by group, and functions on them."""
    return {
        "sections": list(zip(found, colors, strict=True)),
        "groups": {title: [STATISTICS[name] for name in names] for title, names in GROUPS.items()},
        "statistic_plot": statistic_plot,
        "placed": placed,
        "figure": significant,
        "range_of": range_of,
        "main": main_sections,
    }


def placed(one: Sections, statistic: str) -> str:
    """Where the fields of a tumor lie among real sections: "border between the 5th and 10th, center above the 95th
    percentile of 74 TNBC sections".
    """
    main = main_sections(statistic)
    if main is None:
        return ""
    values = {"border": one.at_border(statistic)[0], "center": one.center[statistic] if one.center else math.nan}
    said = {name: main.place(statistic, value) for name, value in values.items() if not math.isnan(value)}
    if not said:
        return ""
    if len(said) == 2 and len(set(said.values())) == 1:
        said = {"both": next(iter(said.values()))}
    return ", ".join(f"{name} {place}" for name, place in said.items()) + f" percentile of {main.count} {main.noun}"


def range_of(least: float, largest: float) -> str:
    """The least and the largest of some values; nothing if they look the same."""
    ends = (significant(least), significant(largest))
    return "" if ends[0] == ends[1] or DASH in ends else f"{ends[0]} to {ends[1]}"


def _drawn(found: Sequence[Sections], pictures: Sequence[Snapshot]) -> list[bytes]:
    """Each section with its fields, all in one window."""
    window = common_window(list(pictures), criteria().margin)
    return [
        tissue_picture(
            picture,
            window,
            width=_WIDTH,
            frames={
                field.name.removeprefix("border "): Window(top=top, bottom=bottom, left=left, right=right)
                for field in one.fields[:-1]
                for (left, top), (right, bottom) in [(field.box / picture.spacing).round().astype(int).tolist()]
            },
        )
        for one, picture in zip(found, pictures, strict=True)
    ]


def _legend(pictures: Sequence[Snapshot]) -> list[tuple[str, Markup]]:
    """Swatches of what the pictures show."""
    layers = {"block": "tissue_kind", "": "immune_kind"}
    names = {
        (picture.cell_names[kind], shape)
        for picture in pictures
        for shape, layer in layers.items()
        for kind in set(getattr(picture, layer).ravel().tolist())
        if kind >= 0
    }
    order = pictures[0].cell_names
    cells = sorted(names, key=lambda one: (one[1] != "block", order.index(one[0]) if one[0] in order else len(order)))
    return [
        *((name, swatch(cell_color(name), shape or cell_shape(name))) for name, shape in cells),
        ("dead cell", swatch(DEAD, "block")),
        ("stroma", swatch(EMPTY, "block")),
        ("blood vessel", swatch(VESSEL, "frame")),
        ("border of the tumor core", swatch(CORE_LINE, "line")),
    ]
