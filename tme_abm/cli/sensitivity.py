"""The command `sensitivity`: which parameters of a study decide its outcome."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..report.style.numbers import DASH, MINUS, short
from . import options
from .invocation import command
from .options import option
from .terminal import complain, log_to_stderr, note, say, show, table

if TYPE_CHECKING:
    from ..studies.sensitivity import Analysis, Sensitivity
    from ..studies.sensitivity.ends import Change

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
    from ..studies.sensitivity.outcomes import DECISIVE
    from ..studies.sensitivity.tables import write

    found = analyze(read_study(study), metrics, plane)
    directory = out or study / FOLDER
    write(found, directory, command=command())
    page = write_sensitivity(found, directory, command=command())
    shown = [one for one in found.analyses if metrics or one.outcome in DECISIVE] or found.analyses
    for one in shown:
        _show(one, found)
    if found.lost and not quiet:
        note(losses(found))
    say(f"{page}")
    for refusal in found.refusals:
        complain(f"no {found.method.split()[0].capitalize()} indices: {refusal}")
    if found.refusals:
        raise typer.Exit(1)


def _show(one: Analysis, found: Sensitivity) -> None:
    """Show the analysis of an outcome as a table, or as a sentence if the outcome never changes."""
    from ..report.study import index_text

    where = f"{one.outcome} in {one.scenario}"
    if one.constant is not None:
        value = "no result" if math.isnan(one.constant) else f"{short(one.constant)} {one.everywhere}"
        say(f"{where}: {value}\n")
        return
    columns = [name for name in one.index_names if name != "mu"]
    if not one.by_parameter and one.regression.by_parameter:
        columns = ["PRCC"]
    by_key = {change.key: change for change in one.changes}
    rows = []
    for axis in sorted(found.parameters, key=lambda axis: -one.effect(axis.key)):
        texts = (index_text(one.measures(axis.key).get(name)).replace(MINUS, "-") for name in columns)
        rows.append((axis.key, *_ends(by_key.get(axis.key), axis.unit), *texts))
    left = one.variance.of_means
    chance = "" if left is None else f", {100 * left:.0f} % of the variance of the means is chance"
    head = ("parameter", "from → to", one.outcome, "change [95 %]", *(NAMES.get(name, name) for name in columns))
    show(table(head, rows, title=f"{where}{chance}"))


def _ends(change: Change | None, unit: str) -> tuple[str, str, str]:
    if change is None:
        return DASH, DASH, DASH
    ends = f"{change.low_end} → {change.high_end} {unit}".rstrip()
    interval = "" if change.interval is None else f" [{short(change.interval[0])}, {short(change.interval[1])}]"
    return ends, f"{short(change.at_low)} → {short(change.at_high)}", f"{short(change.change)}{interval}"
