"""The command `sensitivity`: what decides, in a study that ran."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .options import option
from .places import command
from .terminal import complain, log_to_stderr, note, say, show

__all__ = ["sensitivity"]

FOLDER = "sensitivity"


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
        option("--out", "DIR", "Directory for the report; without it, one inside the study."),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Which parameters of a study decide what becomes of the tumor.

    Studies whose design is "morris" or "sobol indices" get these indices,
    with bootstrap intervals (extra 'sensitivity'). A full grid has its
    variance taken apart, and any other design gives regressions. All get a
    tornado plot of what decides hot or cold, and maps of the states over two
    parameters. A study may be looked at while it runs; runs that are missing
    are told and never made up.

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
    from .sensitivity_tables import outcome_tables

    found = analyze(read_study(study), metrics, plane)
    directory = out or study / FOLDER
    write(found, directory, command=command())
    page = write_sensitivity(found, directory, command=command())
    for table in outcome_tables(found, everything=bool(metrics)):
        if isinstance(table, str):
            say(table)
        else:
            show(table)
    if found.lost and not quiet:
        note(losses(found))
    say(f"{page}")
    for refusal in found.refusals:
        complain(f"no {found.method_name} indices: {refusal}")
    if found.refusals:
        raise typer.Exit(1)
