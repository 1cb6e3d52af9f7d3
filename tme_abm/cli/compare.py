"""The command `compare`: several tumors, runs, or arms side by side."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
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

    from ..compare.comparison import Comparison
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
    choices: dict[str, object] = {"--by": by, "--point": points}
    fresh: dict[str, object] = {
        "--replicates": replicates, "--seed": seed, "--set": settings, "--swap": swap, "--into": into,
        "--catalogue": catalogue,
    }  # fmt: skip
    walked: dict[str, object] = {"--at": at, "--days": days, "--jobs": jobs, "--overwrite": overwrite}
    if study is not None:
        refuse({**fresh, **walked, "--arms": arms}, "the runs of a study are compared as they are; leave it out")
        _show(_of_study(study, names, points or [], by or [], out))
        return
    refuse(choices, "chooses arms of a study; name it with --from STUDY_DIR")
    directories = _runs_among(names)
    if arms is not None or directories:
        others = [name for name in names if Path(name) not in directories]
        if others:
            raise InputError("is not the directory of a run; runs are not compared with scenarios", file=others[0])
        if not directories:
            raise InputError("name the directories of the runs that go on in these arms", file=arms)
        refuse(fresh, "the runs have their scenarios and seeds; leave it out")
        if arms is not None:
            _show(_of_arms(directories, arms, at, days, out, jobs, overwrite=overwrite, quiet=quiet))
            return
        refuse(walked, "finished runs are compared as they are; leave it out, or let them go on by --arms")
        _show(_of_runs(directories, out))
        return
    refuse({"--at": at}, "says where the arms branch off; name them with --arms FILE")
    loaded, extra = _asked(names, swap, into, settings or (), catalogue or ())
    _show(_of_scenarios(loaded, extra, replicates, days, out, jobs, seed, overwrite=overwrite, quiet=quiet))


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


def _of_runs(directories: list[Path], out: Path | None) -> Comparison:
    """Finished runs, as they are."""
    from ..compare.finished import compare_runs

    if out is None:
        out = free("-".join(["compare", *dict.fromkeys(one.resolve().name for one in directories)]))
    return compare_runs(directories, out=out, command=command())


def _of_arms(
    directories: list[Path],
    file: Path,
    at: float | None,
    days: float | None,
    out: Path | None,
    jobs: int | None,
    *,
    overwrite: bool,
    quiet: bool,
) -> Comparison:
    """Runs that go on in several arms."""
    from ..compare.arms import compare_arms, read_arms
    from ..runs.branch import branch_point

    asked = read_arms(file)
    length = asked.days if days is None else days
    points = [branch_point(one, at=at) for one in directories]
    span = max(point.scenario.clock.days for point in points) if length is None else length
    watched = progress.of_comparison(quiet=quiet, runs=len(points) * len(asked.arms), days=span)
    with interruptible(SAME_COMMAND), watched as tell:
        return compare_arms(
            points,
            asked.arms,
            out=RESULTS / f"arms-{slug(file.stem)}" if out is None else out,
            days=length,
            jobs=jobs,
            command=command(),
            overwrite=overwrite,
            tell=tell,
        )


def _of_scenarios(
    scenarios: list[Scenario],
    extra: dict[str, Any],
    replicates: int | None,
    days: float | None,
    out: Path | None,
    jobs: int | None,
    seed: int | None,
    *,
    overwrite: bool,
    quiet: bool,
) -> Comparison:
    """Scenarios that are simulated now, with the same seeds."""
    from ..compare.compare import compare as simulate

    if "swap" in extra:
        name = f"swap-{slug(scenarios[-1].name)}-into-{slug(scenarios[0].name)}"
    else:
        name = "-".join(["compare", *(slug(one.name) for one in scenarios)])
    length = max(one.clock.days for one in scenarios) if days is None else days
    count = 4 if replicates is None else replicates
    watched = progress.of_comparison(quiet=quiet, runs=len(scenarios) * count, days=length)
    with interruptible(SAME_COMMAND), watched as tell:
        return simulate(
            scenarios,
            out=out or RESULTS / name,
            replicates=count,
            days=days,
            seed=1 if seed is None else seed,
            jobs=jobs,
            command=command(),
            overwrite=overwrite,
            tell=tell,
            extra=extra,
        )


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
        show(_swap_table(found.content) if "swap" in found.content else _table(found.content))
        from ..report.comparison import write_comparison

        say(f"{write_comparison(found.directory)}")
    say(f"{found.directory / COMPARISON}")
    for failure in found.failures:
        complain(f"{failure.scenario}, seed {failure.seed}: {failure.error}")
    if found.failures:
        raise typer.Exit(1)


def _table(content: Mapping[str, Any]) -> Table:
    """One line a scenario: states, and the main metrics with their 95 % intervals."""
    from ..observe.metrics import describe

    scenarios = content["scenarios"]
    shown = [metric for metric in SHOWN if any(metric in one["metrics"] for one in scenarios.values())]
    rows = [
        (name, *_states(one), *(_with_interval(one["metrics"].get(metric)) for metric in shown))
        for name, one in scenarios.items()
    ]
    replicates = len(content["seeds"])
    return table(
        ("scenario", *STATES, "other", *(describe(metric, {"CD8"}).heading for metric in shown)),
        rows,
        title=f"day {content['days']:g}, replicates: {replicates}, mean [95 % interval]",
    )


def _swap_table(content: Mapping[str, Any]) -> Table:
    """One line a variant: states, median core CD8 and tumor size."""
    swap = content["swap"]
    names = [(swap["into"], f"{swap['into']} as it is")]
    names += [(one["name"], f"with {one['group']} of {swap['from']}") for one in swap["variants"]]
    names += [(swap["from"], f"{swap['from']} as it is")]
    rows = [
        (
            label,
            *_states(content["scenarios"][name]),
            short(_median(content["scenarios"][name], "CD8 core")),
            short(_median(content["scenarios"][name], "tumor cells")),
        )
        for name, label in names
    ]
    return table(
        (swap["into"], *STATES, "other", "median CD8 core /mm²", "median tumor cells"),
        rows,
        title=f"{swap['into']} with traits of {swap['from']}, day {content['days']:g}",
    )


def _states(one: Mapping[str, Any]) -> tuple[str, ...]:
    other = [f"{one['unclassified']} too small"] * bool(one["unclassified"])
    other += [f"{one['failed']} failed"] * bool(one["failed"])
    return (*(str(one["state"][state]) for state in STATES), ", ".join(other))


def _with_interval(metric: Mapping[str, Any] | None) -> str:
    if metric is None:
        return DASH
    interval = metric["ci95"]
    if interval is None:
        return short(metric["mean"])
    return f"{short(metric['mean'])} [{short(interval[0])}, {short(interval[1])}]"


def _median(one: Mapping[str, Any], metric: str) -> float | None:
    values = [value for value in one["metrics"].get(metric, {"values": []})["values"] if value is not None]
    return statistics.median(values) if values else None
