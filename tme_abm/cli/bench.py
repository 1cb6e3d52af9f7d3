"""The command `bench`: measure the cost of a step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.errors import InputError
from . import options
from .invocation import command
from .options import option
from .terminal import log_to_stderr, note, say, show, table

__all__ = ["bench"]

RESULTS = Path("results")
JSON, MARKDOWN, PICTURES = "bench.json", "bench.md", ("bench.png", "bench.svg")


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller cases, at most a minute.")] = False,
    cells: Annotated[str | None, option("--cells", "N,…", "Numbers of cells, as 1k,10k.")] = None,
    fields: Annotated[str | None, option("--fields", "F,…", "Numbers of fields, as 10,40.")] = None,
    out: options.Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as JSON on stdout.")] = False,
    as_table: Annotated[
        bool, typer.Option("--table", help="Run nothing: the main tables of the benchmark in --out, as Markdown.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Compare with the history; exit code 1 if a ratio got worse than --allowed."),
    ] = False,
    allowed: Annotated[
        float, typer.Option("--allowed", metavar="X", help="How many times the best ratio a check accepts.")
    ] = 1.5,
    record: Annotated[
        str | None,
        option("--record", "LABEL", "Append the ratios to the history, after any --check."),
    ] = None,
    history: Annotated[Path | None, option("--history", "FILE", "Another history file.")] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure what a step costs.

    The cases are tissues of 1,000 to 1,000,000 cells with 10 to 40 fields, one
    in 3D, and a job for which the times of a peer (PhysiCell) are known. For
    each: time by process, cost per cell and step and per voxel and field,
    memory. Every case runs in a process of its own; a case that does not fit
    in memory or time is skipped and reported. On a busy machine trust the
    processor time more than the wall time.

    --check compares costs in units of a reference kernel, timed between the
    same steps, with the best of the history.

    [bold]Examples[/bold]

      bench --quick
      bench                            all cases, some minutes
      bench --cells 10k,100k --fields 20
      bench --quick --check            did anything get slower?
      bench --quick --record 1.2.0     append to the history
      bench --table --out results/bench
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..bench import history as past
    from ..bench import suite
    from ..bench.cases import parse_count
    from ..bench.cases import plan as planned
    from ..core.files import read_json
    from ..report.bench import markdown

    directory = out or RESULTS / ("bench-quick" if quick else "bench")
    if as_table:
        file = directory / JSON
        if not file.is_file():
            raise InputError("no benchmark here; run one first", file=file)
        say(markdown(read_json(file), brief=True))
        return
    kept = history or past.HISTORY
    _usable(directory, kept, check=check, allowed=allowed, record=record)
    sizes, counts = ([parse_count(part) for part in text.split(",")] if text else [] for text in (cells, fields))
    tell = (lambda _: None) if quiet else note
    plan = planned(quick=quick, cells=sizes, fields=counts)
    result = suite.benchmark(plan, quick=quick, command=command(), tell=tell)
    _write(result, directory)
    if as_json:
        say(json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _show(result)
        say(f"{directory / JSON}")
    if result["interrupted"]:
        raise typer.Exit(130)
    if check:
        _check(result, kept, allowed, tell)
    if record is not None:
        past.record(result, record, kept)
        note(f"recorded as {record!r} in {kept}")


def _usable(directory: Path, kept: Path, *, check: bool, allowed: float, record: str | None) -> None:
    """Raises InputError, before anything is measured, if the result could not be compared, recorded or written."""
    from ..bench.history import check_label, read_history
    from ..core.files import disk_errors

    if check and not allowed > 1:
        raise InputError(f"should be above 1, not {allowed:g}", place="--allowed")
    if check and not read_history(kept):
        raise InputError("nothing to compare with; record an entry first", file=kept)
    if record is not None:
        check_label(record, kept)
    with disk_errors(directory, "make the directory"):
        directory.mkdir(parents=True, exist_ok=True)


def _write(result: dict[str, Any], directory: Path) -> None:
    from ..core.files import write_bytes, write_json
    from ..report.bench import markdown
    from ..report.bench.picture import picture

    write_json(directory / JSON, result)
    write_bytes(directory / MARKDOWN, markdown(result).encode())
    if result["cases"]:
        for name in PICTURES:
            write_bytes(directory / name, picture(result, Path(name).suffix[1:]))


def _show(result: dict[str, Any]) -> None:
    from ..report.bench import machine_line, sections

    say(machine_line(result))
    for section in sections(result):
        if section.rows:
            show(table(section.columns, section.rows, title=section.title))
        for line in section.notes:
            say(line)
        say("")


def _check(result: dict[str, Any], kept: Path, allowed: float, tell: Callable[[str], None]) -> None:
    """Compare with the history, and measure slow cases once more. Exits with 1 if a ratio is worse."""
    from ..bench import suite
    from ..bench.history import better, compare, read_history, sentences

    entries = read_history(kept)
    findings = compare(result, entries)
    slow = {one.case for one in findings if one.worse(allowed)}
    if slow:
        note("once more, what looks slow")
        findings = better(findings, compare(suite.remeasured(result, sorted(slow), tell=tell), entries))
    for line in sentences(findings, allowed=allowed):
        note(line)
    compared = [one for one in findings if one.best is not None]
    if not compared:
        raise InputError("no case of this benchmark is in the history", file=kept)
    worse = sum(one.worse(allowed) for one in compared)
    say(f"check: {len(compared)} ratios compared, {worse} worse than {allowed:g} times the best")
    if worse:
        raise typer.Exit(1)
