"""The command `sources`: list every number of the model with its source."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ..core.errors import InputError
from . import options
from .options import option
from .terminal import say, show, table

if TYPE_CHECKING:
    from ..biology.catalogue import Catalogue
    from ..biology.priors import Prior

__all__ = ["sources"]

_COLUMNS = {
    "numbers": ("file", "place", "value", "unit", "basis", "source"),
    "references": ("id", "title", "where"),
    "findings": ("file", "place", "what"),
}
_AMOUNT = re.compile(r"\s*([+-]?[\d._]+(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)


def sources(
    basis: Annotated[
        str | None,
        option("--basis", "BASIS", "Only numbers with this basis: measured, model, derived, fitted or assumed."),
    ] = None,
    find: Annotated[str | None, option("--find", "TEXT", "Only numbers whose place or source has TEXT.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with notes, ranges, priors and claims.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
    references: Annotated[bool, typer.Option("--references", help="List the publications instead.")] = False,
    check: Annotated[bool, typer.Option("--check", help="List what looks wrong instead.")] = False,
    catalogue: options.Catalogue = None,
) -> None:
    """Show where every number of the model comes from.

    One line a number: its file, its place in the catalogue, value, unit, basis, source; then a count by basis.
    "measured" is a primary measurement, "model" the number of another model.
    With --check: numbers that nothing reads, that may have a wrong unit or go
    against the weight of a molecule, and references that nobody cites or that lead
    nowhere. The exit code is then 1 if there are any.

    [bold]Examples[/bold]

      sources
      sources --basis measured
      sources --basis model
      sources --find CXCL10
      sources --csv > numbers.csv
      sources --references
      sources --check
      sources --catalogue il99.toml --find il99.toml
    """
    from ..biology.loader import load_catalogue
    from ..biology.parameter import Basis

    if basis is not None and basis not in get_args(Basis):
        raise InputError(f"no basis '{basis}'", place="--basis", allowed=get_args(Basis), word=basis)
    if as_json and as_csv:
        raise InputError("choose one of --json and --csv")
    if references and check:
        raise InputError("choose one of --references and --check")
    known = load_catalogue(packs=catalogue or ())
    rows = _publications(known) if references else _findings(known) if check else _numbers(known)
    rows = [row for row in rows if basis is None or row.get("basis", basis) == basis]
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
        what = "references" if references else "findings" if check else "numbers"
        columns = _COLUMNS[what]
        made = table(columns, [[_cell(row[column]) for column in columns] for row in rows])
        for column in made.columns:
            column.justify = "left"
        show(made)
        say(f"{len(rows)} {what}" if references or check else _counted(rows))
    if check and rows:
        raise typer.Exit(1)


def _numbers(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Every number of the catalogue; a trait that is used as a number is listed once, in its own place.

    The prior is its form, and its 5 % and 95 % point in the unit of the value; `together` is the place that it is drawn
    with.
    """
    from ..biology.priors import priors, shared

    known, together = priors(catalogue), shared(catalogue)
    return [
        {
            "file": catalogue.file_of(place),
            "place": place,
            **_amount(parameter.value),
            "basis": parameter.basis,
            "source": list(parameter.source),
            "range": None if parameter.range is None else [str(end) for end in parameter.range],
            **_prior(known[place], parameter.value),
            "together": together.get(place, ""),
            "note": parameter.note,
            "claims": list(parameter.claims),
        }
        for place, parameter in catalogue.parameters()
    ]


def _counted(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many numbers there are, and how many of each basis."""
    from ..biology.parameter import Basis

    found = Counter(row["basis"] for row in rows)
    parts = ", ".join(f"{found[basis]} {basis}" for basis in get_args(Basis) if found[basis])
    return f"{len(rows)} numbers" + (f": {parts}" if parts else "")


def _prior(prior: Prior, value: str | float) -> dict[str, str]:
    """The form of a prior and its ends, in the unit of the value."""
    written = _AMOUNT.fullmatch(str(value))
    if prior.form == "fixed" or written is None:
        return {"prior": "fixed", "prior_low": "", "prior_high": ""}
    low, high = (f"{float(written[1]) * end / prior.median:.4g}" for end in prior.ends)
    return {"prior": prior.form, "prior_low": low, "prior_high": high}


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
            "where": entry.address,
            "note": entry.note,
        }
        for name, entry in catalogue.references.items()
    ]


def _findings(catalogue: Catalogue) -> list[dict[str, Any]]:
    from ..biology.audit import findings

    return [finding._asdict() for finding in findings(catalogue)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return "; ".join(str(item) for item in value) if isinstance(value, list) else str(value)
