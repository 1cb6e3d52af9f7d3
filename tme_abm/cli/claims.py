"""The command `claims`: run the executable review."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from . import options, progress
from .invocation import RESULTS, command, made
from .options import option
from .terminal import log_to_stderr, note, say, screen_width, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..evidence import Assay, AssayResult
    from ..evidence.coverage import Row
    from ..report.claims import View

__all__ = ["claims", "claims_table", "coverage_table", "tier_lines"]

_SHORTEST = 24  # characters; with less room the statement is left out
_FEW = 12  # claims of which it is said in full what is beyond tumors
_GAP, _EDGES = 3, 2  # columns between two cells of a table, and at its sides
_SHORT = {"half dose": "½ dose", "double dose": "2× dose", "half duration": "½ time", "double duration": "2× time"}


def claims(
    ids: Annotated[
        list[str] | None,
        option("--id", "ID", "A claim, or a pattern such as 'A-TNF-*'. May be given again."),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        option("--kind", "KIND", "Claims of one kind, such as chemotaxis_axis. May be given again."),
    ] = None,
    tiers: Annotated[
        list[str] | None,
        option("--tier", "TIER", "core, extended or context. May be given again."),
    ] = None,
    assay: Annotated[list[str] | None, option("--assay", "ID", "Only this assay. May be given again.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the stated dose and duration, not half and double of each.")
    ] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Run nothing: show which rules, molecules and assays carry each claim.")
    ] = False,
    draws: options.Draws = None,
    seed: options.Seed = 1,
    jobs: options.Jobs = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Run the claims of the reviews as virtual experiments.

    Every claim is an assay: arms that share their random draws, a readout, and
    a criterion that is fixed before the run. The 95 % interval of the stated
    contrast must exclude zero in the stated direction, the effect must be at
    least the smallest one of interest, and the arm without the mechanism must
    lose it. A claim is shown, not shown, contradicted or not modeled. It is said
    where a dose or a number of cells is beyond those of the shipped tumors
    (levels). Assays that ran before in the same directory are not repeated.
    With --draws every claim is also judged in joint draws of all numbers of the
    catalogue from their priors (sources --json), with fewer wells: "shown in 17
    of 20 plausible parameter sets".

    [bold]Examples[/bold]

      claims                          all (about half an hour on two cores)
      claims --id A-TNF-08            one claim
      claims --id 'B-TREG-*' --quick  those on regulatory T cells, dose as stated
      claims --kind chemotaxis_axis
      claims --quick --tier core --draws 20    some two hours on two cores
      claims --coverage               the rules behind each claim
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..evidence.claims import select

    if coverage and draws is not None:
        raise InputError("choose one of --coverage, which runs nothing, and --draws")
    chosen = select(ids=ids or (), kinds=kinds or (), tiers=tiers or ())
    directory = out or RESULTS / "claims"
    if coverage:
        _coverage(directory, chosen, write=out is not None)
        return
    from ..biology import load_catalogue
    from ..core.files import write_bytes
    from ..evidence import load_assays
    from ..evidence.drawn import reviewed_in_draws
    from ..evidence.review import run_review, write_review
    from ..report.claims import markdown, view_of, write_claims

    assays = [_named(name, load_assays()) for name in assay or ()]
    if assays and not (ids or kinds or tiers):
        chosen = tuple(dict.fromkeys(claim for one in assays for claim in one.claims))
    made(directory)
    with progress.one_by_one("assays", _line, quiet=quiet) as tell:
        review = run_review(
            chosen,
            assays=assays or None,
            seed=seed,
            jobs=jobs or os.cpu_count() or 1,
            robust=not quick,
            out=directory,
            command=command(),
            tell=tell,
        )
    if draws is not None:
        with progress.one_by_one("assays in draws", _line, quiet=quiet) as tell:
            review = reviewed_in_draws(
                review, draws, assays=assays or None, jobs=jobs or os.cpu_count() or 1, out=directory, tell=tell
            )
    write_review(review, directory / "claims.json")
    view = view_of(review, load_catalogue(), load_assays())
    write_claims(view, directory / "claims.html")
    write_bytes(directory / "claims.md", markdown(view).encode())
    show(claims_table(view))
    for line in tier_lines(view):
        say(line)
    for entry in view.entries if len(view.entries) <= _FEW else ():
        if entry.result.beyond:
            say(f"{entry.claim.id} is beyond tumors: {'; '.join(one.says for one in entry.result.beyond)}")
        if entry.result.drawn:
            say(f"{entry.claim.id} is {entry.result.drawn.says}")
    for one in review.assays:
        if one.error is not None:
            note(f"assay {one.id} did not run: {one.error}")
    for draw in review.draws:
        for what in draw.failed:
            note(f"draw {draw.number}: did not run: {what}")
    say(f"{directory / 'claims.html'}")


def _line(result: AssayResult) -> str:
    """An assay that has ended, in one line."""
    name = result.id if result.draw is None else f"draw {result.draw}, {result.id}"
    if result.error is not None:
        return f"{name}: did not run"
    verdicts = ", ".join(f"{claim} {verdict}" for claim, verdict in result.verdicts.items())
    return f"{name} ({result.seconds:.0f} s): {verdicts}"


def _named(name: str, assays: Mapping[str, Assay]) -> Assay:
    if name not in assays:
        raise InputError(f"no assay '{name}'", allowed=assays, word=name, place="--assay")
    return assays[name]


def _coverage(directory: Path, chosen: tuple[str, ...], *, write: bool) -> None:
    from ..biology import load_catalogue
    from ..evidence import load_assays
    from ..evidence.coverage import coverage, write_coverage
    from ..evidence.review import read_review

    kept = directory / "claims.json"
    review = read_review(kept) if kept.is_file() else None
    rows = [row for row in coverage(load_catalogue(), load_assays(), review) if row.claim in chosen]
    show(coverage_table(rows))
    if write:
        made(directory)
        write_coverage(rows, directory / "coverage.csv")
        say(f"{directory / 'coverage.csv'}")


# ------------------------------------------------------------------ tables


def claims_table(view: View, *, width: int | None = None) -> Table:
    """A table with one line a claim: verdict, effect with its 95 % interval, the variants that flip the verdict, the
    share of draws that show it, and what is beyond tumors.

    The statement takes the rest of `width` columns, by default those of the screen.
    """
    from ..report.claims import ARROWS, beyond_tumors

    columns = ["claim", "verdict", "effect [95 %]", "expected", "flips at"]
    rows = [
        [
            entry.claim.id,
            entry.result.verdict,
            str(entry.effect),
            ARROWS.get(entry.result.direction, ""),
            ", ".join(_SHORT.get(name, name) for name in entry.result.flips),
        ]
        for entry in view.entries
    ]
    if view.review.draws:
        columns.append("plausible sets")
        for row, entry in zip(rows, view.entries, strict=True):
            row.append(entry.result.drawn.short if entry.result.drawn else "")
    if any(entry.result.beyond for entry in view.entries):
        columns.append("beyond tumors")
        for row, entry in zip(rows, view.entries, strict=True):
            row.append(beyond_tumors(entry.result.beyond))
    taken = sum(max(map(len, column)) + _GAP for column in zip(columns, *rows, strict=True))
    room = (screen_width() if width is None else width) - taken - _EDGES
    if room >= _SHORTEST:
        columns.append("what the review says")
        for row, entry in zip(rows, view.entries, strict=True):
            row.append(shorten(entry.sentence, room, placeholder="…"))
    return table(columns, rows, left=True, whole=(0, 1))


def tier_lines(view: View) -> list[str]:
    """One line a tier ("core: 139 of 147 shown (95 %), 5 not shown, 3 contradicted"), then one for all tiers."""
    from ..report.style.numbers import plural, share

    lines = []
    for tier, counts in view.tally:
        total, shown = sum(counts.values()), counts["shown"]
        others = [f"{count} {verdict}" for verdict, count in counts.items() if count and verdict != "shown"]
        lines.append(", ".join((f"{tier}: {shown} of {total} shown ({share(shown, total)})", *others)))
    if not view.review.quick:
        flips = [one.flips for one in view.review.claims]
        each = [f"{said} {n}" for name, said in _SHORT.items() if (n := sum(name in found for found in flips))]
        lines.append(
            f"verdict flips at half or double dose or duration: {sum(map(bool, flips))} of {len(flips)}"
            + (f" ({', '.join(each)})" if each else "")
        )
    far = [one.beyond for one in view.review.claims if one.verdict == "shown" and any(not b.drug for b in one.beyond)]
    if far:
        shown = view.review.counts()["shown"]
        lines.append(f"shown by doses or numbers of cells beyond those of the shipped tumors: {len(far)} of {shown}")
    if drawn := [one.drawn for one in view.review.claims if one.drawn]:
        most = sum(not one.in_fewer_than_half for one in drawn)
        always = sum(one.count == len(one.verdicts) for one in drawn)
        sets = plural(len(view.review.draws), "plausible parameter set")
        lines.append(f"in {sets}: {most} of {len(drawn)} shown in at least half, {always} in all")
    return lines


def coverage_table(rows: Iterable[Row]) -> Table:
    """A table with one line a claim: its verdict, rules, molecules, receptors, cells and assays."""
    return table(
        ("claim", "verdict", "rules", "molecules, receptors", "cells", "assays"),
        [
            (
                row.claim,
                row.verdict if row.in_scope else f"outside: {row.outside}",
                "\n".join(row.rules),
                ", ".join((*row.molecules, *row.receptors)),
                ", ".join(row.cells),
                "\n".join(row.assays),
            )
            for row in rows
        ],
        left=True,
        whole=(0,),
    )
