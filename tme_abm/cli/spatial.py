"""The command `spatial`: what a pathologist would measure on the sections of runs."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..report.style.numbers import short
from .invocation import command, free, made
from .options import argument, option
from .terminal import log_to_stderr, note, say, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..observe.real_sections import RealSections
    from ..report.spatial import Sections

__all__ = ["sections_table", "spatial"]

FOLDER = "spatial"


def spatial(
    runs: Annotated[list[Path], argument("RUN_DIR", "Directories of runs.")],
    at: Annotated[
        list[float] | None,
        option("--at", "DAY", "The snapshot of this day; without it, the last. May be given again."),
    ] = None,
    out: Annotated[
        Path | None,
        option("--out", "DIR",
               "Directory for the results; without it, spatial/ in RUN_DIR, or for several runs one under results/."),
    ] = None,
) -> None:
    """Measure sections as a pathologist does, beside real ones.

    Fields of 480 µm are cut at the border of the tumor and in its center, and
    the whole section is measured as well: immune share, densities in tumor and
    stroma, depth of CD8, mixing scores, G-cross, nearest neighbors,
    Morisita-Horn, neighborhood enrichment. Each is shown with the quantiles of
    published sections and where it lies among them. Of a three-dimensional
    tissue the middle slice is cut. The directory then holds spatial.html and
    spatial.json.

    [bold]Examples[/bold]

      spatial results/hot
      spatial results/hot --at 5 --at 10
      spatial results/hot results/cold --out hot-and-cold
    """
    log_to_stderr(verbose=False, quiet=False)
    from ..report.spatial import measure_runs, write_page, write_sections

    found = measure_runs(runs, at or ())
    names = dict.fromkeys(one.resolve().name for one in runs)
    directory = out or (runs[0] / FOLDER if len(runs) == 1 else free("-".join([FOLDER, *names])))
    made(directory)
    write_sections(found, directory / "spatial.json", command=command())
    write_page(found, directory / "spatial.html", command=command())
    show(sections_table(found))
    for one in found:
        if not one.border:
            note(f"{one.heading}: no tumor, or too few or too scattered cells for one, so no fields at its border")
    say(f"{directory / 'spatial.html'}")


def sections_table(found: Sequence[Sections]) -> Table:
    """One line a statistic: of one section its fields with their percentiles; of several the medians at the border."""
    from ..observe.real_sections import main_sections
    from ..observe.sections import STATISTICS
    from ..report.spatial import GROUPS

    single = len(found) == 1
    columns = ["border [least, largest]", "%", "center", "%", "whole"] if single else []
    columns += [] if single else [text for one in found for text in (one.heading, "%")]
    rows = []
    for name in (name for names in GROUPS.values() for name in names):
        what, main = STATISTICS[name], main_sections(name)
        values: list[str] = []
        for one in found:
            median, least, largest = one.at_border(name)
            ends = f" [{short(least)}, {short(largest)}]" if single and not isnan(median) else ""
            values += [short(median) + ends, _percentile(main, name, median)]
        if single:
            center, whole = found[0].center, found[0].whole[name]
            middle = center[name] if center else nan
            values += [short(middle), _percentile(main, name, middle), short(whole)]
        title = f"{what.title} [{what.unit}]" if what.unit else what.title
        rows.append((title, *values, *_real(main, name)))
    said = f"{found[0].heading}, {found[0].state}" if single else "medians over the fields at the border"
    return table(
        ("statistic", *columns, "median [5, 95 %]", "of real sections"),
        rows,
        title=f"{said}; %: the percentiles of the real sections between which the value lies",
    )


def _percentile(main: RealSections | None, name: str, value: float) -> str:
    return "" if main is None or isnan(value) else main.percentile(name, value)


def _real(main: RealSections | None, name: str) -> tuple[str, str]:
    """The median and the range of the real sections that a statistic is placed among, and which they are."""
    if main is None:
        return "", ""
    known = main.quantiles[name]
    return f"{short(known[len(known) // 2])} [{short(known[0])}, {short(known[-1])}]", f"{main.count} {main.noun}"
