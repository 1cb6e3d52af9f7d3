"""The commands. Each is a few lines: read what was asked, call the
experiments, show what came out.

Heavy modules are imported where they are used, so that `--help` and
`--version` answer at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from . import batch, bench, calibrate, claims, compare, export, inspect, run, sensitivity, verify, view

__all__ = ["app"]

app = typer.Typer(
    name="tme-abm",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from ..runs.versions import package_version

        typer.echo(f"tme_abm {package_version()}")
        raise typer.Exit


@app.callback()
def _everything(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Simulate the tumor microenvironment: cells, cytokines and chemokines on
    a lattice.

    One biology, many tumors: every scenario shares the same catalogue of
    rules and differs only in the traits of its tumor, its surroundings and
    what is done to it. Whether a tumor is hot, cold or excluded is read from
    the tissue, as a pathologist reads a slide.

    [bold]Begin with[/bold]

      compare cold hot --replicates 4    two tumors, and a report to open
      run hot --days 5                   one tumor
      explain hot                        what the model assumes
      claims --id A-TNF-08               a claim of the reviews as an experiment

    Results go to stdout, progress and log to stderr. Exit code 0: success; 2:
    the input cannot be used; 1: a run failed.
    """


app.command(name="run")(run.run)
app.command(name="compare")(compare.compare)
app.command(name="batch")(batch.batch)
app.command(name="status")(batch.status)
app.command(name="sensitivity")(sensitivity.sensitivity)
app.command(name="claims")(claims.claims)
app.command(name="calibrate")(calibrate.calibrate)
app.command(name="export")(export.export)
app.command(name="validate")(inspect.validate)
app.command(name="explain")(inspect.explain)
app.command(name="sources")(inspect.sources)
app.command(name="schema")(inspect.schema)
app.command(name="bench")(bench.bench)
app.command(name="verify")(verify.verify)
app.command(name="view")(view.view)
