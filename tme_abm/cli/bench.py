"""The command `bench`: what a step costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from . import options
from .options import option
from .places import command
from .terminal import log_to_stderr, note, say, show, table

if TYPE_CHECKING:
    from ..bench import Case

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

    Tissues of 1,000 to 1,000,000 cells with 10 to 40 fields, a 3D one, and a
    job for which the times of a peer are known: time by process, cost of a
    cell-step and of a voxel and field, exponents of growth, memory. Every
    case runs in a process of its own; what does not fit in memory or time is
    skipped and said. Wall time and processor time are both given: on a busy
    machine trust the second.

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
    from ..bench.history import HISTORY

    directory = out or RESULTS / ("bench-quick" if quick else "bench")
    if as_table:
        say(_kept(directory))
        return
    kept = history or HISTORY
    _usable(directory, kept, check=check, allowed=allowed, record=record)
    result = _run(_cases(cells, fields, quick=quick), quick=quick, quiet=quiet)
    _write(result, directory)
    if as_json:
        say(json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _show(result)
        say(f"{directory / JSON}")
    if result["interrupted"]:
        raise typer.Exit(130)
    if check:
        _check(result, kept, allowed=allowed, quiet=quiet)
    if record is not None:
        from ..bench import history as past

        past.record(result, record, kept)
        note(f"recorded as {record!r} in {kept}")


def _cases(cells: str | None, fields: str | None, *, quick: bool) -> list[Case]:
    from ..bench import parse_count, plan

    def numbers(text: str | None) -> list[int]:
        return [] if text is None else [parse_count(part) for part in text.split(",")]

    return plan(quick=quick, cells=numbers(cells), fields=numbers(fields))


def _run(cases: Sequence[Case], *, quick: bool, quiet: bool) -> dict[str, Any]:
    from ..bench import benchmark

    return benchmark(cases, quick=quick, command=command(), tell=(lambda _: None) if quiet else note)


def _usable(directory: Path, kept: Path, *, check: bool, allowed: float, record: str | None) -> None:
    """Refuse what would only turn out to be of no use when the minutes are spent."""
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
    from ..report.bench_picture import picture

    write_json(directory / JSON, result)
    write_bytes(directory / MARKDOWN, markdown(result).encode())
    if result["cases"]:
        for name in PICTURES:
            write_bytes(directory / name, picture(result, Path(name).suffix[1:]))


def _kept(directory: Path) -> str:
    from ..core.files import read_json
    from ..report.bench import markdown

    file = directory / JSON
    if not file.is_file():
        raise InputError("no benchmark here; run one first", file=file)
    return markdown(read_json(file), brief=True)


def _show(result: dict[str, Any]) -> None:
    from ..report.bench import machine_line, sections

    say(machine_line(result))
    for section in sections(result):
        if section.rows:
            show(table(section.columns, section.rows, title=section.title))
        for line in section.notes:
            say(line)
        say("")


def _check(result: dict[str, Any], kept: Path, *, allowed: float, quiet: bool) -> None:
    from ..bench import remeasured
    from ..bench.history import better, compare, read_history, sentences

    entries = read_history(kept)
    findings = compare(result, entries, allowed=allowed)
    slow = {one.case for one in findings if one.worse}
    if slow:
        note("once more, what looks slow")
        again = remeasured(result, sorted(slow), tell=(lambda _: None) if quiet else note)
        findings = better(findings, compare(again, entries, allowed=allowed))
    for line in sentences(findings, allowed=allowed):
        note(line)
    compared = [one for one in findings if one.best is not None]
    worse = [one for one in compared if one.worse]
    if not compared:
        raise InputError("no case of this benchmark is in the history", file=kept)
    say(f"check: {len(compared)} ratios compared, {len(worse)} worse than {allowed:g} times the best")
    if worse:
        raise typer.Exit(1)
