"""The command `reproduce`: repeat published experiments on the shipped tumors."""

from __future__ import annotations

import os
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from . import options, progress
from .invocation import RESULTS, command, made
from .options import option
from .terminal import log_to_stderr, note, say, screen_width, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..evidence.results import Reproduction

__all__ = ["reproduce", "reproduced_table", "tally_line"]

_FEW = 12  # experiments of which the share of draws is said in full
_SHORTEST = 24  # characters; with less room the published value is left out


def reproduce(
    ids: Annotated[
        list[str] | None,
        option("--id", "ID", "An experiment, or a pattern such as 'IV-1*'. May be given again."),
    ] = None,
    seed: options.Seed = 1,
    replicates: Annotated[
        int | None, option("--replicates", "K", "Seeds of each experiment; by default its own number.", min=2)
    ] = None,
    draws: options.Draws = None,
    jobs: options.Jobs = None,
    out: options.Out = None,
    days: Annotated[float | None, typer.Option("--days", hidden=True, min=0.001)] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Repeat published experiments on the shipped tumors.

    Every experiment has arms that share their seeds and a criterion that was
    fixed before anything ran. All bounds of the criterion must hold in all of
    its tumors: then it is reproduced. It is opposite if an effect lies, with
    its whole 95 % interval, on the wrong side of none; else it is not
    reproduced. Experiments on which publications disagree get no verdict: it
    is said which one each tumor follows. Runs that several experiments share
    are made once, and none is repeated in the same directory. With --draws every
    experiment is also judged in joint draws of all numbers of the catalogue from
    their priors; each draw takes as long as the experiments themselves.

    [bold]Examples[/bold]

      reproduce                     all (some hours on two cores)
      reproduce --id IV-02          Treg ablation in inflamed tumors
      reproduce --id 'IV-1*' --replicates 2
      reproduce --seed 101 --out results/other-seeds
      reproduce --id IV-12 --draws 10
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..core.files import write_bytes
    from ..evidence.drawn import reproduced_in_draws
    from ..evidence.published import select
    from ..evidence.reproduce import reproduce as repeat
    from ..evidence.reproduce import write_reproduction
    from ..report.reproduce import markdown, write_page

    chosen = select(ids or ())
    directory = out or RESULTS / "reproduce"
    made(directory)
    with progress.one_by_one("runs", str, quiet=quiet) as tell:
        found = repeat(
            chosen,
            seed=seed,
            replicates=replicates,
            jobs=jobs or os.cpu_count() or 1,
            out=directory,
            command=command(),
            cut=days,
            tell=tell,
        )
    if draws is not None:
        with progress.one_by_one("runs in draws", str, quiet=quiet) as tell:
            found = reproduced_in_draws(
                found, chosen, draws, replicates=replicates, jobs=jobs or os.cpu_count() or 1, out=directory, tell=tell
            )
    write_reproduction(found, directory / "reproduce.json")
    write_page(found, directory / "reproduce.html")
    write_bytes(directory / "reproduce.md", markdown(found).encode())
    show(reproduced_table(found))
    for one in found.experiments if len(found.experiments) <= _FEW else ():
        if one.drawn:
            say(f"{one.id} is {one.drawn.says}")
    for draw in found.draws:
        for what in draw.failed:
            note(f"draw {draw.number}: {what}")
    say(tally_line(found))
    say(f"{directory / 'reproduce.html'}")


def reproduced_table(found: Reproduction, *, width: int | None = None) -> Table:
    """A table with one line an experiment: the verdict, and the published value beside what was found.

    The published value takes the rest of `width` columns, by default those of the screen.
    """
    from ..report.reproduce import figure

    columns = ["id", "verdict", "found [95 %]", "of what"]
    rows = [
        [one.id, one.verdict, str(figure(one)), shorten(one.what, 60, placeholder="…")] for one in found.experiments
    ]
    if found.draws:
        columns.insert(2, "plausible sets")
        for row, one in zip(rows, found.experiments, strict=True):
            row.insert(2, one.drawn.short if one.drawn else "")
    taken = sum(max(map(len, column)) + 3 for column in zip(columns, *rows, strict=True))
    room = (screen_width() if width is None else width) - taken - 2
    if room >= _SHORTEST:
        columns.append("published")
        for row, one in zip(rows, found.experiments, strict=True):
            row.append(shorten(one.published, room, placeholder="…"))
    return table(columns, rows, left=True, whole=(0, 1))


def tally_line(found: Reproduction) -> str:
    """How many experiments had which outcome: "5 of 21 reproduced, 14 not reproduced, 1 opposite, 1 no verdict"."""
    counts = found.counts()
    others = [f"{count} {verdict}" for verdict, count in counts.items() if count and verdict != "reproduced"]
    return ", ".join((f"{counts['reproduced']} of {len(found.experiments)} reproduced", *others))
