"""The command `sensitivity`: what decides, in a study that ran."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..report.style.numbers import DASH, MINUS, coefficient, short
from . import options
from .invocation import command
from .options import option
from .terminal import complain, log_to_stderr, note, say, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..studies.sensitivity import Analysis, Sensitivity
    from ..studies.sensitivity.ends import Change
    from ..studies.sensitivity.outcomes import Index

__all__ = ["sensitivity"]

FOLDER = "sensitivity"
NAMES = {"mu_star": "mu*"}


def sensitivity(
    study: Annotated[Path, typer.Argument(metavar="STUDY_DIR", help="The directory of a study that `batch` ran.")],
    metrics: Annotated[
        list[str] | None,
        option("--metric", "M",
               "An outcome: a metric of the study, or P(hot), P(cold), P(excluded). May be given again."),
    ] = None,
    plane: Annotated[
        tuple[str, str] | None,
        option("--map", "KEY KEY", "The two parameters of the maps; without it, the two with the largest effect."),
    ] = None,
    out: Annotated[
        Path | None,
        option("--out", "DIR", "Directory for the report; by default one inside the study."),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show which parameters of a study decide hot or cold.

    The designs "morris" and "sobol indices" give these indices, with
    bootstrap intervals (extra 'sensitivity'). A full grid gives an exact
    decomposition of the variance, any other design gives regressions. All
    give a tornado plot of what decides hot or cold, and maps of the states
    over two parameters. This also works while the study runs; missing runs
    are reported and never filled in.

    Writes report.html, sensitivity.json and sensitivity.csv.

    [bold]Examples[/bold]

      sensitivity results/what-decides
      sensitivity results/what-decides --metric "CD8 core" --metric "P(cold)"
      sensitivity results/what-decides --map vessels.density stroma.matrix
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..report.study import losses, write_sensitivity
    from ..studies.results import read_study
    from ..studies.sensitivity import analyze
    from ..studies.sensitivity.tables import write

    found = analyze(read_study(study), metrics, plane)
    directory = out or study / FOLDER
    write(found, directory, command=command())
    page = write_sensitivity(found, directory, command=command())
    for one in _tables(found, everything=bool(metrics)):
        if isinstance(one, str):
            say(one)
        else:
            show(one)
    if found.lost and not quiet:
        note(losses(found))
    say(f"{page}")
    for refusal in found.refusals:
        complain(f"no {found.method_name} indices: {refusal}")
    if found.refusals:
        raise typer.Exit(1)


def _tables(found: Sensitivity, *, everything: bool) -> list[Table | str]:
    """A table an outcome in a scenario (a sentence if it never changes): all, or those that tell hot from cold."""
    from ..studies.sensitivity.outcomes import DECISIVE

    shown = [one for one in found.analyses if everything or one.outcome in DECISIVE] or list(found.analyses)
    return [_table(one, found) for one in shown]


def _table(one: Analysis, found: Sensitivity) -> Table | str:
    where = f"{one.outcome} in {one.scenario}"
    if one.constant is not None:
        value = "no result" if math.isnan(one.constant) else f"{short(one.constant)} {one.everywhere}"
        return f"{where}: {value}\n"
    indices = {} if one.indices is None else one.indices.by_parameter
    columns = [name for name in dict.fromkeys(n for by_name in indices.values() for n in by_name) if name != "mu"]
    regressed = ["PRCC"] if not indices and one.regression.by_parameter else []
    by_key = {change.key: change for change in one.changes}
    rows = []
    for axis in sorted(found.parameters, key=lambda axis: -one.effect(axis.key)):
        values = {**one.regression.by_parameter.get(axis.key, {}), **indices.get(axis.key, {})}
        rows.append(
            (
                axis.key,
                *_ends(by_key.get(axis.key), axis.unit),
                *(_index(values.get(name)) for name in [*columns, *regressed]),
            )
        )
    names = [NAMES.get(name, name) for name in [*columns, *regressed]]
    head = ("parameter", "from → to", one.outcome, "change [95 %]", *names)
    return table(head, rows, title=f"{where}{_chance(one)}")


def _ends(change: Change | None, unit: str) -> tuple[str, str, str]:
    if change is None:
        return DASH, DASH, DASH
    ends = f"{change.low_end} → {change.high_end} {unit}".rstrip()
    interval = "" if change.interval is None else f" [{short(change.interval[0])}, {short(change.interval[1])}]"
    return ends, f"{short(change.at_low)} → {short(change.at_high)}", f"{short(change.change)}{interval}"


def _index(index: Index | None) -> str:
    if index is None or not math.isfinite(index.value):
        return DASH
    text = coefficient(index.value)
    if index.low is not None and index.high is not None:
        text += f" [{coefficient(index.low)}, {coefficient(index.high)}]"
    return text.replace(MINUS, "-")


def _chance(one: Analysis) -> str:
    left = one.variance.of_means
    return "" if left is None else f", {100 * left:.0f} % of the variance of the means is chance"
