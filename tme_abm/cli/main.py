"""The program `tme-abm`: its commands and exit codes.

0 is success, 2 input that cannot be used, 1 a failed run. An error is one message on stderr; the traceback goes to a
log file that the message names (and to stderr with --verbose). Commands import heavy modules where they use them, so
that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from ..core.errors import InputError, TmeError
from ..core.memory import keep_freed_memory
from . import (
    batch,
    bench,
    calibrate,
    claims,
    compare,
    explain,
    export,
    levels,
    reproduce,
    run,
    sensitivity,
    sources,
    spatial,
    validate,
    verify,
    view,
)
from .invocation import program
from .terminal import complain

__all__ = ["app", "main"]

SUCCESS, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

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
        from ..runs.fingerprint import package_version

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
      reproduce --id IV-02               a published experiment on whole tumors
      levels hot --behavior 'CD8 attack' what holds T cells down in a tumor

    Results go to stdout, progress and log to stderr. Exit code 0: success; 2:
    the input cannot be used; 1: a run failed.
    """


for _command in (
    run.run,
    compare.compare,
    batch.batch,
    batch.status,
    sensitivity.sensitivity,
    claims.claims,
    reproduce.reproduce,
    levels.levels,
    calibrate.calibrate,
    export.export,
    spatial.spatial,
    validate.validate,
    explain.explain,
    sources.sources,
    explain.schema,
    bench.bench,
    verify.verify,
    view.view,
):
    app.command(name=_command.__name__)(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with `arguments` (the process's own by default) and return its exit code."""
    keep_freed_memory()
    try:
        app(args=None if arguments is None else list(arguments), prog_name=program())
        return SUCCESS
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else SUCCESS if ending.code is None else FAILED
    except TmeError as error:
        complain(str(error))
        return BAD_INPUT if isinstance(error, InputError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: users see no traceback
        complain(f"{type(error).__name__}: {error} (unexpected; full trace in {_traced()})")
        return FAILED


def _traced() -> str:
    """Write the traceback of the current exception to a log file; its name."""
    import tempfile

    trace = traceback.format_exc()
    if logging.getLogger("tme_abm").getEffectiveLevel() <= logging.INFO:  # --verbose
        sys.stderr.write(trace)
    with tempfile.NamedTemporaryFile("w", prefix="tme-abm-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(trace)
    return file.name
