"""The command `verify`: check the program against theory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import TmeError
from . import options, progress
from .invocation import command, made
from .options import option
from .terminal import log_to_stderr, say, show, table

if TYPE_CHECKING:
    from ..verification import Judged

__all__ = ["verify"]

RESULTS = Path("results") / "verification"


def verify(
    quick: Annotated[bool, typer.Option("--quick", help="Only the quick checks (half a minute).")] = False,
    only: Annotated[
        list[str] | None,
        option("--only", "NAME", "A check, or a pattern such as 'order-*'. May be given again."),
    ] = None,
    out: options.Out = None,
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Check the program against theory, from solvers to killing.

    Every check states its formula, its source and its tolerances, with their
    reasons, beforehand; the measuring code never sees the tolerance. For each
    check the table shows the figure that is closest to its tolerance; the page
    shows all figures, with pictures.

    [bold]Examples[/bold]

      verify --quick                   the quick ones
      verify                           all of them (1.5 minutes on two cores)
      verify --only order-in-space     one

    Exit code 0 if all hold, 1 if one fails.
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    import json
    import os

    from ..core.files import write_bytes
    from ..report.verification import write_verification
    from ..verification import run_checks, select

    directory = RESULTS if out is None else out
    checks = select(only or (), quick=quick)
    made(directory)
    with progress.one_by_one("checks", _line, quiet=quiet) as tell:
        report = run_checks(checks, jobs=jobs or os.cpu_count() or 1, quick=quick, command=command(), tell=tell)
    content = json.dumps(report.to_json(), ensure_ascii=False, indent=1)
    write_bytes(directory / "verification.json", content.encode())
    write_verification(report, directory / "verification.html")
    rows = [_row(one) for one in report.checks]
    columns = ("check", "tightest figure", "measured", "allowed", "figures within", "verdict", "seconds")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts().items())
    show(table(columns, rows, title=f"{len(rows)} checks: {counts}"))
    for one in report.checks:
        for line in _faults(one):
            say(f"{one.check.name}{line}")
    say(f"{directory / 'verification.html'}")
    if failed := sum(one.verdict != "holds" for one in report.checks):
        raise TmeError(f"{failed} of {len(report.checks)} checks did not hold")


def _line(one: Judged) -> str:
    """A check that has ended, in one line."""
    return f"{one.check.name}: {one.verdict}"


def _row(one: Judged) -> tuple[str, ...]:
    """The row of a check, with the figure that uses most of its tolerance."""
    from ..report.verification import allowed, measured

    figure = one.tightest
    shown = ("–", "–", "–") if figure is None else (figure.bound.figure, measured(figure), allowed(figure.bound))
    count = f"{sum(f.holds for f in one.figures)} of {len(one.figures)}"
    return (one.check.name, *shown, count, one.verdict, f"{one.seconds:.1f}")


def _faults(one: Judged) -> list[str]:
    """The figures outside of their bounds, in words, and why a check did not run."""
    from ..report.verification import allowed, measured

    said = [] if one.error is None else [f" did not run: {one.error}"]
    return said + [
        f": {figure.bound.figure}: {measured(figure)}, allowed {allowed(figure.bound)} ({figure.bound.reason})"
        for figure in one.figures
        if not figure.holds
    ]
