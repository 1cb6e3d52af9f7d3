"""The command `compare`: several tumors, runs, or arms side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from . import branching, live, options, study_compare
from .going_on import SAME_COMMAND, interruptible
from .options import argument, option
from .places import RESULTS, command, slug
from .terminal import complain, log_to_stderr, note, say, show

if TYPE_CHECKING:
    from ..compare.comparison import Comparison
    from ..scenario.schema import Scenario

__all__ = ["compare"]


def compare(
    scenarios: Annotated[
        list[str] | None,
        argument("SCENARIO",
                 "Two or more scenario files or names of shipped scenarios; or finished runs, by their directories."),
    ] = None,
    replicates: Annotated[
        int | None,
        option("--replicates -r", "R", "Runs of each scenario, with seeds N, N+1, … (4 without it)."),
    ] = None,
    days: options.Days = None,
    out: options.Out = None,
    jobs: options.Jobs = None,
    seed: Annotated[int | None, option("--seed", "N", "Seed of the first replicate (1 without it).", min=0)] = None,
    settings: options.Set = None,
    swap: Annotated[
        str | None,
        option("--swap", "FROM",
               "Give the scenario of --into the tumor traits of FROM, a group at a time and all at once."),
    ] = None,
    into: Annotated[str | None, option("--into", "SCENARIO", "The scenario that receives traits.")] = None,
    arms: Annotated[
        Path | None,
        option("--arms", "FILE", "Let the runs named go on in every arm of FILE, and compare the arms."),
    ] = None,
    at: Annotated[
        float | None,
        option("--at", "DAY", "The day at which the arms branch off; without it, where the runs ended."),
    ] = None,
    study: Annotated[
        Path | None,
        option("--from", "STUDY_DIR",
               "Compare arms of a study from the runs that it has; names are then those of its scenarios."),
    ] = None,
    by: Annotated[
        list[str] | None,
        option("--by", "KEY", "With --from: the arms differ in this parameter only. May be given again."),
    ] = None,
    points: Annotated[
        list[int] | None,
        option("--point", "N",
               "With --from: a design point to compare, or with --by the one where the others are held."),
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

    Directories of runs are compared as they are, seed by seed. With --arms
    each of them is a tissue that goes on in every arm of the file, treated
    and untreated, from its last state or that of --at.

    With --from STUDY_DIR the arms are scenarios and design points of a study
    that `batch` ran, and nothing is run again.

    [bold]Examples[/bold]

      compare cold hot --replicates 8 --out results/cold-hot
      compare cold hot excluded --days 5 --jobs 2
      compare hot my_hot.toml --set clock.dt="5 min"
      compare --swap cold --into hot --replicates 4
      compare results/hot-seed1 results/hot-seed1-from-day5
      compare --arms anti_pd1.toml --at 5 results/cold-hot/runs/cold/seed_*
      compare --from results/antigen-by-vessels --by tumor.traits.antigenicity
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..compare import compare as experiment

    if study is not None:
        others: dict[str, object] = {
            "--replicates": replicates, "--days": days, "--jobs": jobs, "--seed": seed, "--set": settings,
            "--swap": swap, "--into": into, "--arms": arms, "--at": at, "--overwrite": overwrite or None,
        }  # fmt: skip
        branching.refuse(others, "the runs of a study are compared as they are; leave it out")
        _tell(study_compare.compare_study(study, scenarios=scenarios or (), points=points or (), by=by or (), out=out))
        return
    branching.refuse({"--by": by, "--point": points}, "chooses arms of a study; name it with --from STUDY_DIR")
    directories = branching.runs_among(scenarios or [])
    if arms is not None or directories:
        branching.refuse_others(scenarios or [], directories, arms)
        given: dict[str, object] = {"--replicates": replicates, "--seed": seed, "--swap": swap, "--into": into}
        branching.refuse({**given, "--set": settings}, "the runs have their scenarios and seeds; leave it out")
        if arms is None:
            given = {"--at": at, "--days": days, "--jobs": jobs, "--overwrite": overwrite or None}
            branching.refuse(given, "finished runs are compared as they are; leave it out, or let them go on by --arms")
            found = branching.compare_runs(directories, out=out)
        else:
            found = branching.compare_arms(
                directories, arms=arms, at=at, days=days, out=out, jobs=jobs, overwrite=overwrite, quiet=quiet
            )
        _tell(found)
        return
    if at is not None:
        raise InputError("says where the arms branch off; name them with --arms FILE", place="--at")
    loaded, extra = _asked(scenarios or [], swap, into, settings)
    directory = out or RESULTS / (
        "compare-" + "-".join(slug(one.name) for one in (loaded if swap is None else loaded[:1]))
    )
    if swap is not None and out is None:
        directory = RESULTS / f"swap-{slug(loaded[-1].name)}-into-{slug(loaded[0].name)}"
    length = max((one.clock.days for one in loaded), default=0.0) if days is None else days
    count = 4 if replicates is None else replicates
    watched = live.of_comparison(quiet=quiet, runs=len(loaded) * count, days=length)
    with interruptible(SAME_COMMAND), watched as tell:
        found = experiment.compare(
            loaded,
            out=directory,
            replicates=count,
            days=days,
            seed=1 if seed is None else seed,
            jobs=jobs,
            command=command(),
            overwrite=overwrite,
            tell=tell,
            extra=extra,
        )
    _tell(found)


def _tell(found: Comparison) -> None:
    """Show the table, write the report and say where things are; name the
    runs that failed."""
    from ..compare.comparison import COMPARISON
    from .tables import comparison_table, swap_table

    if len(found.failures) < len(found.runs):
        show((swap_table if "swap" in found.content else comparison_table)(found.content))
        from ..report.html import write_comparison

        say(f"{write_comparison(found.directory)}")
    say(f"{found.directory / COMPARISON}")
    for failure in found.failures:
        complain(f"{failure.scenario}, seed {failure.seed}: {failure.error}")
    if found.failures:
        raise typer.Exit(1)


def _asked(
    scenarios: list[str], swap: str | None, into: str | None, settings: list[str] | None
) -> tuple[list[Scenario], dict[str, Any]]:
    """The scenarios to run, and what is to be noted about them."""
    from ..scenario import load

    if (swap is None) != (into is None):
        raise InputError("--swap FROM and --into SCENARIO go together")
    if swap is None or into is None:
        if not scenarios:
            raise InputError("nothing to compare: name two scenarios or more, or use --swap and --into")
        if len(scenarios) == 1:
            raise InputError(
                f"a comparison needs two scenarios or more, and '{scenarios[0]}' is one; simulate it alone with run"
            )
        return [load(name, settings or ()) for name in scenarios], {}
    if scenarios:
        raise InputError("--swap and --into name the scenarios; leave out the others", word=scenarios[0])
    from ..compare.swap import swaps

    made = swaps(load(swap, settings or ()), load(into, settings or ()))
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
