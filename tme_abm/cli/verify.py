"""The command `verify`: hold the program against theory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import TmeError
from ..report.style.numbers import short
from . import options, progress
from .invocation import command
from .options import option
from .terminal import log_to_stderr, say, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..verification import Figure, Report

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
    """Hold the program against theory, from solvers to killing.

    Every check states its formula, its source and its tolerances with their reasons before it measures; none of
    them sees its tolerance. The table shows of each check the figure that uses most of its tolerance; the page
    shows all of them, with pictures.

    [bold]Examples[/bold]

      verify --quick                   the quick ones
      verify                           all of them (some minutes)
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
    directory.mkdir(parents=True, exist_ok=True)
    with progress.of_checks(quiet=quiet) as tell:
        report = run_checks(checks, jobs=jobs or os.cpu_count() or 1, quick=quick, command=command(), tell=tell)
    content = json.dumps(report.to_json(), ensure_ascii=False, indent=1)
    write_bytes(directory / "verification.json", content.encode())
    write_verification(report, directory / "verification.html")
    show(checks_table(report))
    for line in failures(report):
        say(line)
    say(f"{directory / 'verification.html'}")
    if not report.holds:
        failed = sum(one.verdict != "holds" for one in report.checks)
        raise TmeError(f"{failed} of {len(report.checks)} checks did not hold")


def checks_table(report: Report) -> Table:
    """One line a check: the figure that uses most of its tolerance, and what that is."""
    rows = []
    for one in report.checks:
        figure = one.tightest
        shown = ("–", "–", "–") if figure is None else (figure.bound.figure, measured(figure), allowed(figure))
        count = f"{sum(f.holds for f in one.figures)} of {len(one.figures)}"
        rows.append((one.check.name, *shown, count, one.verdict, f"{one.seconds:.1f}"))
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts().items())
    columns = ("check", "tightest figure", "measured", "allowed", "figures within", "verdict", "seconds")
    return table(columns, rows, title=f"{len(rows)} checks: {counts}")


def failures(report: Report) -> list[str]:
    """Every figure outside of its bound, and every check that did not run, in words."""
    lines = []
    for one in report.checks:
        if one.error is not None:
            lines.append(f"{one.check.name} did not run: {one.error}")
        lines += [
            f"{one.check.name}: {figure.bound.figure}: {measured(figure)}, allowed {allowed(figure)} "
            f"({figure.bound.reason})"
            for figure in one.figures
            if not figure.holds
        ]
    return lines


def measured(figure: Figure) -> str:
    """The figure with its unit."""
    return f"{_told(figure.value)} {figure.bound.unit}".rstrip()


def allowed(figure: Figure) -> str:
    """Its bound: what is expected with its room, or an edge, or two."""
    bound = figure.bound
    low, high, unit = bound.low, bound.high, f" {bound.unit}".rstrip()
    if bound.expected is not None:
        return f"{_told(bound.expected)} ± {short(high - bound.expected)}{unit}"
    if low == -float("inf"):
        return f"≤ {short(high)}{unit}"
    return f"≥ {short(low)}{unit}" if high == float("inf") else f"{short(low)} to {short(high)}{unit}"


def _told(value: float) -> str:
    """Four digits, as figures near one need; a small error keeps its power of ten."""
    return f"{value:.4g}"
