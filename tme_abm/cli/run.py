"""The command `run`: simulate one tumor; begin a run, resume it, or branch off from another."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..core.errors import InputError
from ..observe.state import UNCLASSIFIED
from ..report.style.numbers import short
from . import options, progress
from .invocation import command, free, interruptible, refuse
from .options import argument, option
from .terminal import log_to_stderr, say, show, table

if TYPE_CHECKING:
    from ..runs.run import RunResult
    from ..scenario import Scenario

__all__ = ["run"]


def run(
    scenario: Annotated[
        str | None,
        argument("SCENARIO", "A scenario file, or the name of a shipped scenario. Not needed with --resume."),
    ] = None,
    seed: Annotated[int | None, option("--seed", "N", "Seed of every random draw (1 by default).", min=0)] = None,
    days: Annotated[
        float | None,
        option("--days", "D", "Days to simulate; by default those of the scenario. 0 only plants the tumor."),
    ] = None,
    out: options.Out = None,
    settings: options.Set = None,
    catalogue: options.Catalogue = None,
    protocol: Annotated[
        Path | None,
        option("--protocol", "FILE",
               "Add the interventions ([[protocol]] tables) of FILE; those without a start begin at the branch."),
    ] = None,
    branch_from: Annotated[
        Path | None,
        option("--from", "DIR", "Branch from the run in DIR: its tissue continues with --set and --protocol."),
    ] = None,
    at: Annotated[
        float | None,
        option("--at", "DAY",
               "Branch at DAY, if the run kept its state (record.checkpoints); by default at its last state."),
    ] = None,
    resume: Annotated[
        Path | None,
        option("--resume", "DIR", "Continue the run in DIR after an interruption or, with --days, beyond its end."),
    ] = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Simulate one tumor and write its results to a directory.

    A progress line shows the day, the cells and the speed; at the end come a
    table and the directory. The same scenario and seed give the same bytes,
    also after an interruption: the run writes checkpoints.

    With --from the tissue of a run continues under other conditions. Treated
    and untreated twins share their past, and their random draws afterwards.
    To branch at an earlier day than the last, let the run keep its states:
    --set record.checkpoints="1 day".

    [bold]Examples[/bold]

      run hot
      run hot --seed 7 --days 5 --out results/hot-7
      run my_tumor.toml --set tumor.traits.antigenicity=0.2
      run --resume results/hot-7
      run --resume results/hot-7 --days 20
      run --from results/hot-7 --protocol anti_pd1.toml --days 15
      run --from results/hot-7 --at 5 --set tumor.traits.mhc1=0
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..runs import branch as branches
    from ..runs import run as runs
    from ..scenario import extended, load

    walk: Callable[..., RunResult]
    if branch_from is not None:
        refuse(
            {"SCENARIO": scenario, "--resume": resume, "--catalogue": catalogue},
            "a branch has the scenario of its run; leave it out",
        )
        point = branches.branch_point(branch_from, at=at)
        if seed not in (None, point.seed):
            raise InputError(
                f"a branch keeps the seed of its run, {point.seed}: where the vessels are follows from it",
                place="--seed",
            )
        added = () if protocol is None else branches.read_protocol(protocol)
        then = branches.branch_scenario(point, settings=settings or (), protocol=added, origin=str(protocol))
        place = out or free(f"{then.name}-seed{point.seed}-from-day{point.day:.4g}")
        walk = partial(branches.branch, point, then, out=place, days=days, command=command(), overwrite=overwrite)
    else:
        refuse({"--at": at}, "says where to branch off from a run; name the run with --from DIR")
        if resume is not None:
            refuse({"--out": out, "--overwrite": overwrite}, "is for a new run; --resume goes on where the run is")
        elif scenario is None:
            raise InputError("name a scenario (a file or a shipped one), or go on with a run by --resume DIR")
        asked: Scenario | None = None
        if scenario is None:
            refuse(
                {"--set": settings, "--catalogue": catalogue, "--protocol": protocol}, "needs the scenario it changes"
            )
        else:
            asked = load(scenario, settings or (), packs=catalogue or ())
            if protocol is not None:
                asked = extended(asked, branches.read_protocol(protocol), str(protocol))
        if resume is not None:
            place, walk = resume, partial(runs.resume, resume, scenario=asked, seed=seed, days=days)
        elif asked is not None:
            number = 1 if seed is None else seed
            place = out or free(f"{asked.name}-seed{number}")
            walk = partial(runs.run, asked, seed=number, days=days, out=place, command=command(), overwrite=overwrite)
    how = f"go on with: run --resume {shlex.quote(str(place))}"
    with interruptible(how), progress.of_run(quiet=quiet) as watch:
        result = walk(progress=watch)
    _show(result)
    say(f"{result.directory}")


def _show(result: RunResult) -> None:
    """Show the last row of a run as a table: living cells of each type, and their densities in core and margin."""
    measures = result.measures
    cells = [name.removesuffix(" cells") for name in measures if name.endswith(" cells")]
    metrics = {cell: [f"{cell} {where}" for where in ("cells", "core", "margin")] for cell in cells}
    rows = [(cell, *(short(measures[one]) if one in measures else "" for one in metrics[cell])) for cell in cells]
    unclear = "tumor cells too few or too scattered to tell hot from cold"
    state = unclear if result.state == UNCLASSIFIED else result.state
    title = f"{result.scenario}, seed {result.seed}, day {result.days:g}: {state}"
    show(table(("cell", "living", "core /mm²", "margin /mm²"), rows, title=title))
