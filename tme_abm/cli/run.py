"""The command `run`: one tumor, begun, gone on with, or branched off from another run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from ..core.errors import InputError
from . import branching, going_on, options
from .options import argument, option
from .places import command, free
from .terminal import log_to_stderr

__all__ = ["run"]


def run(
    scenario: Annotated[
        str | None,
        argument("SCENARIO", "A scenario file, or the name of a shipped scenario. Not needed with --resume."),
    ] = None,
    seed: Annotated[int | None, option("--seed", "N", "Seed of every random draw (1 without it).", min=0)] = None,
    days: options.Days = None,
    out: options.Out = None,
    settings: options.Set = None,
    protocol: Annotated[
        Path | None,
        option("--protocol", "FILE",
               "Add the interventions of FILE, its protocol tables; those without a start begin with the branch."),
    ] = None,
    branch_from: Annotated[
        Path | None,
        option("--from", "DIR", "Branch off from the run in DIR, whose tissue goes on under --set and --protocol."),
    ] = None,
    at: Annotated[
        float | None,
        option("--at", "DAY",
               "Branch at DAY, whose state the run has kept (record.checkpoints); without it, at its last."),
    ] = None,
    resume: Annotated[
        Path | None,
        option("--resume", "DIR", "Go on with the run in DIR, after an interruption or (with --days) beyond its end."),
    ] = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Simulate one tumor and keep everything it does in a directory.

    A line shows the clock, the cells and the speed; a table and the directory
    come at the end. The same scenario and seed give the same bytes, also
    after an interruption: checkpoints are taken as the run goes.

    With --from one tissue goes on in another way: treated and untreated twins
    share their past, and their chances from then on. To branch at a day other
    than the last, let the run keep its state: --set record.checkpoints="1 day".

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
    from ..runs import run as experiment
    from ..scenario import extended, load

    if resume is not None and (out is not None or overwrite):
        raise InputError("goes on where it is; --out and --overwrite are for new runs", place="--resume")
    if at is not None and branch_from is None:
        raise InputError("says where to branch off from a run; name the run with --from DIR", place="--at")
    if branch_from is not None:
        branching.branch(
            branch_from,
            at=at,
            protocol=protocol,
            settings=settings,
            excluded={"SCENARIO": scenario, "--resume": resume},
            seed=seed,
            days=days,
            out=out,
            overwrite=overwrite,
            quiet=quiet,
        )
        return
    if scenario is None and (resume is None or settings or protocol):
        raise InputError(
            "name a scenario (a file or a shipped one), or go on with a run by --resume DIR"
            if resume is None
            else f"{'--set' if settings else '--protocol'} needs the scenario it changes"
        )
    wanted = None if scenario is None else load(scenario, settings or ())
    if wanted is not None and protocol is not None:
        from ..runs.branch import read_protocol

        wanted = extended(wanted, read_protocol(protocol), str(protocol))
    if resume is not None:
        going_on.walk(partial(experiment.resume, resume, scenario=wanted, seed=seed, days=days), resume, quiet=quiet)
    elif wanted is not None:
        number = 1 if seed is None else seed
        place = free(f"{wanted.name}-seed{number}") if out is None else out
        begin = partial(
            experiment.run, wanted, seed=number, days=days, out=place, command=command(), overwrite=overwrite
        )
        going_on.walk(begin, place, quiet=quiet)
