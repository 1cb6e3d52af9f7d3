"""The commands that simulate nothing: `validate`, `explain`, `sources`,
`schema`."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ..core.errors import InputError
from . import options
from .options import option
from .terminal import complain, say, show, table

if TYPE_CHECKING:
    from ..biology.catalogue import Catalogue
    from ..scenario.sections import Lattice
    from ..scenario.slide.section import Slide

__all__ = ["explain", "schema", "sources", "validate"]

_AMOUNT = re.compile(r"\s*([+-]?[\d._]+(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)


def validate(
    scenarios: options.ScenarioNames,
    settings: options.Set = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print every value of the scenario as it would be run.")
    ] = False,
) -> None:
    """Check scenarios without running them.

    Keys, units, names and values are checked, and whether the tumor has room.
    Every file is told about; the exit code is 2 if one cannot be used.

    [bold]Examples[/bold]

      validate my_tumor.toml
      validate scenarios/*.toml
      validate hot --set clock.dt="5 min" --resolved
    """
    from ..core.units import show as amount
    from ..scenario.load import load

    problems = 0
    for name in scenarios:
        try:
            scenario = load(name, settings or ())
            scenario.biology()
        except InputError as error:
            complain(str(error))
            problems += 1
            continue
        if resolved:
            say(scenario.resolved_toml())
            continue
        sites = " × ".join(str(n) for n in scenario.lattice.shape)
        say(
            f"{scenario.name}: valid. {scenario.title or 'No title'}. {sites} sites of "
            f"{amount(scenario.lattice.spacing, 'length')}, {scenario.clock.days:g} days in steps of "
            f"{amount(scenario.clock.dt, 'time')}, {scenario.tumor.cells} tumor cells, "
            f"interventions: {len(scenario.protocol)}, hash {scenario.hash[:12]}"
        )
        if scenario.slide is not None:
            _tell_slide(scenario.slide, scenario.lattice)
    if problems:
        raise typer.Exit(2)


def _tell_slide(slide: Slide, lattice: Lattice) -> None:
    """What becomes of the cells of a slide, class by class."""
    from ..scenario.slide import SKIP
    from ..scenario.slide.section import remarks

    fitted = slide.fitted(lattice)
    measured = sum(one.measured for one in fitted.classes)
    rows = [
        (one.name or "(none)", one.cell, *(f"{n}" for n in (one.measured, one.kept, one.moved)),
         f"{one.farthest:.0f} um" if one.moved else "", f"{one.left_out}")
        if one.cell != SKIP
        else (one.name or "(none)", "left out on purpose", f"{one.measured}", "", "", "", "")
        for one in fitted.classes
    ]
    columns = ("class", "becomes", "measured", "at its site", "moved", "at most", "no site")
    show(table(columns, rows, title=f"{slide.source}: {measured} cells"))
    for remark in remarks(slide, lattice):
        say(f"Note: {remark}.")
    absent = [name for name in slide.cells if name not in slide.places_um]
    if absent:
        say(f"Note: not on this slide: {', '.join(absent)}.")


def explain(scenario: options.ScenarioName, settings: options.Set = None) -> None:
    """Say in plain English what the model assumes.

    The tissue, the traits of the tumor, what happens in a step, and every
    rule as a sentence, with its source and basis.

    [bold]Example[/bold]

      explain hot | less
    """
    from ..report.explain import explain as in_words
    from ..scenario.load import load

    say(in_words(load(scenario, settings or ())))


def sources(
    basis: Annotated[
        str | None,
        option("--basis", "BASIS", "Only numbers that are measured, derived, fitted or assumed."),
    ] = None,
    find: Annotated[str | None, option("--find", "TEXT", "Only numbers whose place or source has TEXT.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with notes, ranges and claims.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
    references: Annotated[bool, typer.Option("--references", help="List the publications instead.")] = False,
) -> None:
    """Show where every number of the model comes from.

    One line a number: its place in the catalogue, value, unit, basis, source.

    [bold]Examples[/bold]

      sources
      sources --basis assumed
      sources --find CXCL10
      sources --csv > numbers.csv
      sources --references
    """
    from ..biology.loader import load_catalogue
    from ..biology.parameter import Basis

    if basis is not None and basis not in get_args(Basis):
        raise InputError(f"no basis '{basis}'", place="--basis", allowed=get_args(Basis), word=basis)
    if as_json and as_csv:
        raise InputError("choose one of --json and --csv")
    catalogue = load_catalogue()
    rows = _publications(catalogue) if references else _numbers(catalogue)
    rows = [row for row in rows if basis is None or references or row["basis"] == basis]
    if find is not None:
        rows = [row for row in rows if find.lower() in json.dumps(row, ensure_ascii=False).lower()]
    if as_json:
        say(json.dumps(rows, indent=2, ensure_ascii=False))
    elif as_csv:
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(list(rows[0]) if rows else [])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
        say(lines.getvalue())
    else:
        columns = ("id", "title", "where") if references else ("place", "value", "unit", "basis", "source")
        made = table(columns, [[_cell(row[column]) for column in columns] for row in rows])
        for column in made.columns:
            column.justify = "left"
        show(made)
        say(f"{len(rows)} {'references' if references else 'numbers'}")


def schema() -> None:
    """Print the JSON Schema of scenario files.

    Editors complete keys and check values from it.

    [bold]Example[/bold]

      schema > scenario.schema.json
    """
    from ..scenario import scenario_schema

    say(json.dumps(scenario_schema(), indent=2, ensure_ascii=False))


def _numbers(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Every number of the catalogue; where a trait stands for a number, the
    trait is listed in its own place."""
    return [
        {
            "place": place,
            **_amount(parameter.value),
            "basis": parameter.basis,
            "source": list(parameter.source),
            "range": None if parameter.range is None else [str(end) for end in parameter.range],
            "note": parameter.note,
            "claims": list(parameter.claims),
        }
        for place, parameter in catalogue.parameters()
    ]


def _amount(value: str | float) -> dict[str, str]:
    found = _AMOUNT.fullmatch(str(value))
    return {"value": str(value), "unit": ""} if found is None else {"value": found[1], "unit": found[2].strip()}


def _publications(catalogue: Catalogue) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "title": entry.title,
            "authors": list(entry.authors),
            "year": entry.year,
            "where": f"https://doi.org/{entry.doi}" if entry.doi else entry.url or entry.repository,
            "note": entry.note,
        }
        for name, entry in catalogue.references.items()
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return "; ".join(str(item) for item in value) if isinstance(value, list) else str(value)
