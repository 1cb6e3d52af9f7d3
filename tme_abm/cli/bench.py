"""The command `bench`: measure the cost of a step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import InputError
from . import options
from .options import option
from .terminal import log_to_stderr, note, say

__all__ = ["bench"]


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller cases, at most a minute.")] = False,
    cells: Annotated[str | None, option("--cells", "N,…", "Numbers of cells, as 1k,10k.")] = None,
    fields: Annotated[str | None, option("--fields", "F,…", "Numbers of fields, as 10,40.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Compare with the best so far; exit code 1 if a ratio got worse than --allowed."),
    ] = False,
    allowed: Annotated[
        float, typer.Option("--allowed", metavar="X", help="How many times the best ratio a check accepts.")
    ] = 1.5,
    record: Annotated[
        str | None, option("--record", "LABEL", "Keep the ratios that are the best so far, after any --check.")
    ] = None,
    best: Annotated[Path | None, option("--best", "FILE", "Another file of the best ratios.")] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure what a step costs.

    The cases are tissues of 1,000 to 1,000,000 cells with 10 to 40 fields, one
    in 3D, and a job for which the times of a peer (PhysiCell) are known. For
    each: the cost of a step, of a cell and of a field with and without uptake,
    also in units of a reference kernel that is timed between the same steps;
    memory; time by process. Every case runs in a process of its own, by one
    thread unless TME_ABM_THREADS sets another number; a case that does not fit
    in memory or time is reported. The tables go to stdout as Markdown.

    --check compares the costs in units of the kernel with the best so far.

    [bold]Examples[/bold]

      bench --quick
      bench > costs.md                 all cases, some minutes
      bench --cells 10k,100k --fields 20
      bench --quick --check            did anything get slower?
      bench --quick --record 1.2.0     keep what is the best so far
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..bench import suite
    from ..bench.cases import parse_count, plan
    from ..core.files import check_place
    from ..report.bench import markdown

    file = best or suite.BEST
    sizes, counts = ([parse_count(part) for part in text.split(",")] if text else [] for text in (cells, fields))
    known = suite.read_best(file)
    if check and not allowed > 1:
        raise InputError(f"should be above 1, not {allowed:g}", place="--allowed")
    if check and not known:
        raise InputError("nothing to compare with; record first", file=file)
    if record is not None:
        if not record.strip():
            raise InputError("needs a label", place="--record")
        check_place(file.parent)  # before minutes of measuring
    tell = (lambda _: None) if quiet else note
    cases = plan(quick=quick, cells=sizes, fields=counts)
    result = suite.benchmark(cases, quick=quick, tell=tell)
    say(json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) if as_json else markdown(result))
    if result["interrupted"]:
        raise typer.Exit(130)
    now = suite.ratios(result["cases"])
    if check:
        compared = now.keys() & known.keys()
        if not compared:
            raise InputError("no case of this benchmark is recorded", file=file)
        if slow := suite.worse(now, known, allowed=allowed):
            note("once more, what looks slow")
            disturbed = [one for one in cases if any(name.startswith(f"{one.name}, ") for name in slow)]
            again = suite.ratios(suite.run_cases(disturbed, seconds=None, tell=tell)[0])
            now = {name: min(ratio, again.get(name, ratio)) for name, ratio in now.items()}
        slow = suite.worse(now, known, allowed=allowed)
        for line in slow.values():
            note(line)
        note(f"check: {len(compared)} ratios compared, {len(slow)} worse than {allowed:g} times the best")
        if slow:
            raise typer.Exit(1)
    if record is not None:
        suite.record(now, known, record, file)
        note(f"recorded as {record!r} in {file}")
