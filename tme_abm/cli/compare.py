"""The command `compare`: several tumors, runs, or arms side by side."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from ..observe.state import STATES
from ..report.style.numbers import DASH, short
from . import options, progress
from .invocation import RESULTS, SAME_COMMAND, command, free, interruptible, refuse, slug
from .options import argument, option
from .terminal import complain, log_to_stderr, note, say, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..compare.comparison import Comparison, Summary, Tumor
    from ..scenario.schema import Scenario

__all__ = ["SHOWN", "compare"]

SHOWN = ("CD8 core", "CD8 margin", "tumor cells", "Treg:CD8", "kills per engaged day")
"""The metrics of a comparison in the terminal; the report has the others."""


def compare(
    scenarios: Annotated[
        list[str] | None,
        argument("SCENARIO",
                 "Two or more scenario files or names of shipped scenarios; or finished runs, by their directories."),
    ] = None,
    replicates: Annotated[
        int | None,
        option("--replicates -r", "R", "Runs of each scenario, with seeds N, N+1, … (4 by default)."),
    ] = None,
    days: options.Days = None,
    out: options.Out = None,
    jobs: options.Jobs = None,
    seed: Annotated[int | None, option("--seed", "N", "Seed of the first replicate (1 by default).", min=0)] = None,
    settings: options.Set = None,
    catalogue: options.Catalogue = None,
    swap: Annotated[
        str | None,
        option("--swap", "FROM",
               "Give the scenario of --into the tumor traits of FROM, a group at a time and all at once."),
    ] = None,
    into: Annotated[str | None, option("--into", "SCENARIO", "The scenario that receives traits.")] = None,
    arms: Annotated[
        Path | None,
        option("--arms", "FILE", "Continue the given runs in every arm of FILE, and compare the arms."),
    ] = None,
    at: Annotated[
        float | None,
        option("--at", "DAY", "The day at which the arms branch; by default the end of the runs."),
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
    """Compare several tumors that share their random draws.

    Every scenario is run with the same seeds, on all processors. Finished
    runs in the directory are used again, and interrupted ones continue. If a
    run fails, it is reported and the others continue. The directory then
    holds report.html (one file that needs nothing else), comparison.json, and
    every run.

    --swap FROM --into SCENARIO shows whether any single trait decides. It
    compares SCENARIO, SCENARIO with one group of FROM's tumor traits at a
    time, SCENARIO with all of them, and FROM.

    Directories of finished runs are compared as they are, paired by seed.
    With --arms each run continues in every arm of the file (treated,
    untreated, ...), from its last state or from the day of --at.

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
    names = scenarios or []
    fresh: dict[str, object] = {
        "--replicates": replicates, "--seed": seed, "--set": settings, "--swap": swap, "--into": into,
        "--catalogue": catalogue,
    }  # fmt: skip
    walked: dict[str, object] = {"--at": at, "--days": days, "--jobs": jobs, "--overwrite": overwrite}
    if study is not None:
        refuse({**fresh, **walked, "--arms": arms}, "the runs of a study are compared as they are; leave it out")
        _show(_of_study(study, names, points or [], by or [], out))
        return
    refuse({"--by": by, "--point": points}, "chooses arms of a study; name it with --from STUDY_DIR")
    directories = _runs_among(names)
    begin: Callable[..., Comparison]
    if arms is not None or directories:
        others = [name for name in names if Path(name) not in directories]
        if others:
            reason = "is not the directory of a run; runs are compared with runs, scenarios with scenarios"
            raise InputError(reason, file=others[0])
        if not directories:
            raise InputError("name the directories of the runs that go on in these arms", file=arms)
        refuse(fresh, "the runs have their scenarios and seeds; leave it out")
        if arms is None:
            from ..compare.finished import compare_runs

            refuse(walked, "finished runs are compared as they are; leave it out, or let them go on by --arms")
            place = out or free("-".join(["compare", *dict.fromkeys(one.resolve().name for one in directories)]))
            _show(compare_runs(directories, out=place, command=command()))
            return
        from ..compare.arms import compare_arms, read_arms
        from ..runs.branch import branch_point

        branches, ending = read_arms(arms)
        starts = [branch_point(one, at=at) for one in directories]
        length = ending if days is None else days
        count = len(starts) * len(branches)
        span = max(start.scenario.clock.days for start in starts) if length is None else length
        begin = partial(compare_arms, starts, branches, out=out or RESULTS / f"arms-{slug(arms.stem)}", days=length)
    else:
        from ..compare.compare import compare as simulate

        refuse({"--at": at}, "says where the arms branch off; name them with --arms FILE")
        loaded, extra = _asked(names, swap, into, settings or (), catalogue or ())
        each = 4 if replicates is None else replicates
        count = len(loaded) * each
        span = max(one.clock.days for one in loaded) if days is None else days
        name = "-".join(["compare", *(slug(one.name) for one in loaded)])
        if "swap" in extra:
            name = f"swap-{slug(loaded[-1].name)}-into-{slug(loaded[0].name)}"
        begin = partial(
            simulate, loaded, out=out or RESULTS / name, replicates=each, days=days, seed=1 if seed is None else seed,
            extra=extra,
        )  # fmt: skip
    with interruptible(SAME_COMMAND), progress.of_comparison(quiet=quiet, runs=count, days=span) as tell:
        found = begin(jobs=jobs, command=command(), overwrite=overwrite, tell=tell)
    _show(found)


def _of_study(directory: Path, names: list[str], points: list[int], by: list[str], out: Path | None) -> Comparison:
    """Arms of a study, from the runs that it has."""
    from ..studies.arms import choose, compare_study
    from ..studies.results import read_study

    study = read_study(directory)
    chosen = choose(study, scenarios=names, points=points, by=by)
    if chosen.held:
        note("the same in all arms: " + ", ".join(f"{key} = {value}" for key, value in chosen.held.items()))
    if out is None:
        words = [*names, *(f"by {key.rpartition('.')[2]}" for key in by), *(f"point {point}" for point in points)]
        out = directory / "comparisons" / (slug("-".join(words)) or "all")
    return compare_study(study, chosen, out=out, command=command())


def _runs_among(names: list[str]) -> list[Path]:
    """Those of `names` that are directories of runs; the name of a shipped scenario is always the scenario's."""
    from ..runs.results import MANIFEST
    from ..scenario import shipped

    return [Path(name) for name in names if name not in shipped() and (Path(name) / MANIFEST).is_file()]


def _asked(
    scenarios: list[str], swap: str | None, into: str | None, settings: Sequence[str], packs: Sequence[Path]
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
        return [load(name, settings, packs=packs) for name in scenarios], {}
    if scenarios:
        raise InputError("--swap and --into name the scenarios; leave out the others", word=scenarios[0])
    from ..compare.swap import swaps

    made = swaps(load(swap, settings, packs=packs), load(into, settings, packs=packs))
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


def _show(found: Comparison) -> None:
    """Show the table, write the report and say where things are; name the runs that failed."""
    from ..compare.comparison import COMPARISON

    if len(found.failures) < len(found.runs):
        show(_swap_table(found) if "swap" in found.extra else _table(found))
        from ..report.comparison import write_comparison

        say(f"{write_comparison(found.directory)}")
    say(f"{found.directory / COMPARISON}")
    for failure in found.failures:
        complain(f"{failure.scenario}, seed {failure.seed}: {failure.error}")
    if found.failures:
        raise typer.Exit(1)


def _table(found: Comparison) -> Table:
    """One line a scenario: states, and the main metrics with their 95 % intervals."""
    from ..observe.metrics import describe

    shown = [metric for metric in SHOWN if any(metric in tumor.metrics for tumor in found.tumors.values())]
    rows = [
        (name, *_states(tumor), *(_with_interval(tumor.metrics.get(metric)) for metric in shown))
        for name, tumor in found.tumors.items()
    ]
    return table(
        ("scenario", *STATES, "other", *(describe(metric, {"CD8"}).heading for metric in shown)),
        rows,
        title=f"day {found.days:g}, replicates: {len(found.seeds)}, mean [95 % interval]",
    )


def _swap_table(found: Comparison) -> Table:
    """One line a variant: states, median core CD8 and tumor size."""
    swap = found.extra["swap"]
    labels = {
        swap["into"]: f"{swap['into']} as it is",
        **{one["name"]: f"with {one['group']} of {swap['from']}" for one in swap["variants"]},
        swap["from"]: f"{swap['from']} as it is",
    }
    tumors = [(label, found.tumors[name]) for name, label in labels.items()]
    rows = [
        (label, *_states(tumor), _median(tumor, "CD8 core"), _median(tumor, "tumor cells")) for label, tumor in tumors
    ]
    return table(
        (swap["into"], *STATES, "other", "median CD8 core /mm²", "median tumor cells"),
        rows,
        title=f"{swap['into']} with traits of {swap['from']}, day {found.days:g}",
    )


def _states(tumor: Tumor) -> tuple[str, ...]:
    other = [f"{tumor.unclassified} too small"] * bool(tumor.unclassified)
    other += [f"{tumor.failed} failed"] * bool(tumor.failed)
    return (*(str(tumor.states[state]) for state in STATES), ", ".join(other))


def _with_interval(summary: Summary | None) -> str:
    if summary is None:
        return DASH
    ends = "" if summary.ci95 is None else f" [{short(summary.ci95[0])}, {short(summary.ci95[1])}]"
    return short(summary.mean) + ends


def _median(tumor: Tumor, metric: str) -> str:
    found = tumor.metrics.get(metric)
    values = [value for value in found.values if math.isfinite(value)] if found else []
    return short(statistics.median(values) if values else None)
