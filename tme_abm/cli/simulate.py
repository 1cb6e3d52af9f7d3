"""The commands that simulate: `run` and `compare`."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from . import live, options
from .terminal import complain, log_to_stderr, note, say, show

if TYPE_CHECKING:
    from ..experiments.compare import Comparison
    from ..scenario.schema import Scenario

__all__ = ["compare", "run"]

RESULTS = Path("results")


def run(
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="SCENARIO",
            help="A scenario file, or the name of a shipped scenario. Not needed with --resume.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", min=0, help="Seed of every random draw (1 without it).", show_default=False
        ),
    ] = None,
    days: options.Days = None,
    out: options.Out = None,
    settings: options.Set = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="DIR",
            help="Go on with the run in DIR, after an interruption or (with --days) beyond its end.",
            show_default=False,
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Simulate one tumor and keep everything it does in a directory.

    A line shows the clock, the cells and the speed; a table and the directory
    come at the end. The same scenario and seed give the same bytes, also
    after an interruption: checkpoints are taken as the run goes.

    [bold]Examples[/bold]

      run hot
      run hot --seed 7 --days 5 --out results/hot-7
      run my_tumor.toml --set tumor.traits.antigenicity=0.2
      run --resume results/hot-7
      run --resume results/hot-7 --days 20
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..experiments import run as experiment
    from .tables import run_table

    if resume is not None and (out is not None or overwrite):
        raise InputError("goes on where it is; --out and --overwrite are for new runs", place="--resume")
    if scenario is None and (resume is None or settings):
        raise InputError(
            "name a scenario (a file or a shipped one), or go on with a run by --resume DIR"
            if resume is None
            else "--set needs the scenario it changes"
        )
    wanted = None if scenario is None else _load(scenario, settings)
    directory = resume
    try:
        with live.of_run(quiet=quiet) as progress:
            if resume is not None:
                result = experiment.resume(resume, scenario=wanted, seed=seed, days=days, progress=progress)
            elif wanted is not None:
                number = 1 if seed is None else seed
                directory = _free(f"{wanted.name}-seed{number}") if out is None else out
                result = experiment.run(
                    wanted,
                    seed=number,
                    days=days,
                    out=directory,
                    command=_command(),
                    overwrite=overwrite,
                    progress=progress,
                )
    except KeyboardInterrupt:
        note(f"interrupted; go on with: run --resume {shlex.quote(str(directory))}")
        raise typer.Exit(130) from None
    show(run_table(result))
    say(f"{result.directory}")


def compare(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SCENARIO", help="Two or more scenario files or names of shipped scenarios.", show_default=False
        ),
    ] = None,
    replicates: Annotated[
        int,
        typer.Option("--replicates", "-r", metavar="R", help="Runs of each scenario, with seeds N, N+1, …"),
    ] = 4,
    days: options.Days = None,
    out: options.Out = None,
    jobs: options.Jobs = None,
    seed: options.Seed = 1,
    settings: options.Set = None,
    swap: Annotated[
        str | None,
        typer.Option(
            "--swap",
            metavar="FROM",
            help="Give the scenario of --into the tumor traits of FROM, a group at a time and all at once.",
            show_default=False,
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="SCENARIO", help="The scenario that receives traits.", show_default=False),
    ] = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Simulate several tumors with the same chances and compare them.

    Every scenario is run with the same seeds, on all processors. Runs that
    are in the directory already are used again, interrupted ones go on. A run
    that fails is named and the rest go on. The directory then holds
    report.html (one file to open or to hand on), comparison.json, and every
    run.

    With --swap FROM --into SCENARIO the tumors compared are SCENARIO,
    SCENARIO with one group of FROM's tumor traits at a time, with all of
    them, and FROM: does any single trait decide?

    [bold]Examples[/bold]

      compare cold hot --replicates 8 --out results/cold-hot
      compare cold hot excluded --days 5 --jobs 2
      compare hot my_hot.toml --set clock.dt="5 min"
      compare --swap cold --into hot --replicates 4
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..experiments import compare as experiment
    from .tables import comparison_table, swap_table

    loaded, extra = _asked(scenarios or [], swap, into, settings)
    directory = out or RESULTS / (
        "compare-" + "-".join(_slug(one.name) for one in (loaded if swap is None else loaded[:1]))
    )
    if swap is not None and out is None:
        directory = RESULTS / f"swap-{_slug(loaded[-1].name)}-into-{_slug(loaded[0].name)}"
    length = max((one.clock.days for one in loaded), default=0.0) if days is None else days
    try:
        with live.of_comparison(quiet=quiet, runs=len(loaded) * replicates, days=length) as tell:
            found = experiment.compare(
                loaded,
                out=directory,
                replicates=replicates,
                days=days,
                seed=seed,
                jobs=jobs,
                command=_command(),
                overwrite=overwrite,
                tell=tell,
                extra=extra,
            )
    except KeyboardInterrupt:
        note("interrupted; the same command goes on where it stopped")
        raise typer.Exit(130) from None
    if found.finished:
        show(comparison_table(found.content) if swap is None else swap_table(found.content))
    _report(found)
    if found.failures:
        raise typer.Exit(1)


def _report(found: Comparison) -> None:
    """Write the report and say where things are; name the runs that
    failed."""
    from ..experiments.compare import COMPARISON

    if found.finished:
        from ..report.html import write_comparison

        say(f"{write_comparison(found.directory)}")
    say(f"{found.directory / COMPARISON}")
    for failure in found.failures:
        complain(f"{failure['scenario']}, seed {failure['seed']}: {failure['error']}")


def _asked(
    scenarios: list[str], swap: str | None, into: str | None, settings: list[str] | None
) -> tuple[list[Scenario], dict[str, Any]]:
    """The scenarios to run, and what is to be noted about them."""
    if (swap is None) != (into is None):
        raise InputError("--swap FROM and --into SCENARIO go together")
    if swap is None or into is None:
        if not scenarios:
            raise InputError("nothing to compare: name two scenarios or more, or use --swap and --into")
        if len(scenarios) == 1:
            raise InputError(
                f"a comparison needs two scenarios or more, and '{scenarios[0]}' is one; simulate it alone with run"
            )
        return [_load(name, settings) for name in scenarios], {}
    if scenarios:
        raise InputError("--swap and --into name the scenarios; leave out the others", word=scenarios[0])
    from ..experiments.swap import swaps

    made = swaps(_load(swap, settings), _load(into, settings))
    if made.not_swapped:
        note(f"differ too, and stay as in {made.into.name}: {', '.join(made.not_swapped)}")
    variants = [{"name": one.scenario.name, "group": one.group, "traits": list(one.traits)} for one in made.variants]
    described = {
        "from": made.source.name,
        "into": made.into.name,
        "variants": variants,
        "not_swapped": list(made.not_swapped),
    }
    return list(made.scenarios), {"swap": described}


def _load(name: str, settings: list[str] | None) -> Scenario:
    from ..scenario.load import load

    return load(name, settings or ())


def _free(name: str) -> Path:
    """The first of results/NAME, results/NAME-2, … that is not taken."""
    path, count = RESULTS / _slug(name), 1
    while path.exists():
        count += 1
        path = RESULTS / f"{_slug(name)}-{count}"
    return path


def _slug(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name)


def _command() -> str:
    """The command that was given, to be given again."""
    from .main import program

    return f"{program()} {shlex.join(sys.argv[1:])}"
