"""The commands for studies: `batch` runs one, `status` reports how far it is."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from ..observe.state import STATES
from ..report.style.numbers import duration, listed, plural, size
from . import options
from .invocation import RESULTS, command, interruptible, slug
from .options import argument, option
from .progress import of_batch
from .terminal import complain, log_to_stderr, note, say, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..core.parallel import Executor
    from ..studies.parameters import Parameter
    from ..studies.status import Estimate, StudyStatus
    from ..studies.study import Study

__all__ = ["batch", "status"]

SHOWN_METRICS, SHOWN_VALUES, SHOWN_ERRORS = 6, 8, 10


def batch(
    study: Annotated[
        str,
        argument("STUDY.toml", "A study file, the name of a shipped study, or the directory of a study to go on with."),
    ],
    catalogue: options.Catalogue = None,
    out: options.Out = None,
    jobs: options.Jobs = None,
    scheduler: Annotated[
        str | None,
        option("--scheduler", "ADDRESS",
               "Use Dask: tcp://HOST:PORT of a scheduler that is running, or local to start one here."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run nothing, write nothing: show the plan, its time and its disk space.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run the failed runs again.")] = False,
    days: Annotated[float | None, option("--days", "D", "Days to simulate; by default those of the study.")] = None,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Also write runs.parquet and series.parquet at the end.")
    ] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Run a study: scenarios × design points × replicates.

    The directory holds every run, and two tables that can be read at any
    time: runs.csv (one row per run) and series.csv. If a batch was
    interrupted, the same command continues it: finished runs are not
    repeated, others continue from their checkpoints, and the tables have the
    same bytes as without the interruption. A failed run is a row with its
    error, and the others continue.

    [bold]Examples[/bold]

      batch antigen-by-cxcl --dry-run
      batch my_study.toml --jobs 4 --out results/mine
      batch results/mine --retry-failed
      batch my_study.toml --scheduler tcp://10.0.0.5:8786
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..core.parallel import cores, processes
    from ..runs.simulator import or_tumor
    from ..studies import batch as experiment
    from ..studies.directory import check_place
    from ..studies.status import estimate, study_status
    from ..studies.study import STUDY, find_study, load_study
    from ..studies.tables import check_parquet, write_parquet

    if parquet:
        check_parquet()
    count = processes(jobs)
    simulator = or_tumor(None)
    file = find_study(study)
    plan = load_study(file, simulator=simulator, days=days, packs=catalogue or ())
    again = file.name == STUDY and (file.parent / "study.json").is_file()
    directory = out or (file.parent if again else RESULTS / slug(plan.name))
    if dry_run:
        check_place(directory, plan, simulator.fingerprint())
        for line in _plan_lines(plan, directory, estimate(plan, directory, simulator), processes=count):
            say(line)
        return
    executor: Executor | None = None  # processes of this machine
    if scheduler is not None:
        from ..studies.cluster import LOCAL, ClusterExecutor

        if scheduler != LOCAL and "://" not in scheduler:
            known = ("local", "tcp://HOST:PORT")
            raise InputError(f"'{scheduler}' is not an address", place="--scheduler", allowed=known)
        executor = ClusterExecutor(scheduler, study=directory, simulator=simulator, jobs=jobs or max(2, cores()))
    how = f"nothing that is finished is lost. Go on with: batch {shlex.quote(str(directory))}"
    with interruptible(how), of_batch(quiet=quiet, days=plan.days) as tell:
        found = experiment.run_study(
            plan,
            out=directory,
            jobs=jobs,
            executor=executor,
            simulator=simulator,
            retry_failed=retry_failed,
            command=command(),
            tell=tell,
        )
    if found.found and not quiet:
        note(f"{found.found} of {found.runs} runs were done already")
    if parquet:
        write_parquet(directory)
    extent = f"{plural(len(plan.points), 'point')}, {plural(len(plan.seeds), 'seed')}, day {plan.days:g}"
    show(_table(study_status(directory), {"done": "done", "failed": "failed"}, f"{plan.name}: {extent}"))
    say(f"{directory}")
    for place, error in list(found.failed.items())[:SHOWN_ERRORS]:
        complain(f"{place}: {error}")
    if found.failed:
        again_by = f"batch {shlex.quote(str(directory))} --retry-failed"
        note(f"{len(found.failed)} of {found.runs} runs failed; try them again with: {again_by}")
        raise typer.Exit(1)


def status(
    directory: Annotated[Path, typer.Argument(metavar="STUDY_DIR", help="The directory of a study.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show how far a study is, what failed, and the time left.

    It reads files only, so it works while the study runs, after it was
    killed, and from another machine.

    [bold]Examples[/bold]

      status results/mine
      watch -n 10 tme-abm status results/mine
      status results/mine --json
    """
    from ..studies.status import study_status

    found = study_status(directory)
    if as_json:
        say(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
        return
    headings = {"done": "done", "failed": "failed", "begun": "begun", "pending": "not begun"}
    show(_table(found, headings, f"{found.name}: {found.total('done')} of {found.runs} runs done"))
    for line in _status_lines(found):
        say(line)


def _plan_lines(plan: Study, directory: Path, cost: Estimate, *, processes: int) -> list[str]:
    """What would be run, and what it would cost."""
    from ..studies.status import free_bytes

    free = free_bytes(directory)
    lines = [f"study      {plan.name}" + (f": {plan.title}" if plan.title else ""), f"directory  {directory}"]
    lines.append(f"scenarios  {', '.join(plan.scenarios)}")
    if plan.settings:
        lines.append("set        " + ", ".join(f"{key} = {value}" for key, value in plan.settings.items()))
    drawn = f", seed {plan.design.seed}" if plan.design.samples else ""
    lines.append(f"design     {plan.design.kind}{drawn}: {plural(len(plan.points), 'point')}")
    lines += [f"           {_parameter(parameter)}" for parameter in plan.parameters]
    lines.append(f"seeds      {listed([str(seed) for seed in plan.seeds], SHOWN_VALUES)}")
    lines.append(f"days       {plan.days:g}")
    lines.append(f"metrics    {listed(list(plan.metrics), SHOWN_METRICS)}")
    factors = {"point": plan.points, "scenario": plan.scenarios, "seed": plan.seeds}
    product = " × ".join(plural(len(them), one) for one, them in factors.items())
    lines.append(
        f"runs       {product} = {plural(len(plan.runs), 'run')}"
        + (f", {cost.runs} of them left" if cost.runs < len(plan.runs) else "")
    )
    lines += [f"note       {one}" for one in plan.notes]
    busy = min(processes, max(1, cost.runs))
    lines.append(
        f"time       about {duration(cost.seconds / busy)} with {busy} processes ({duration(cost.seconds)} of one)"
    )
    lines.append(f"disk       about {size(cost.size)}; {size(free)} are free")
    lines.append(f"           estimated from {cost.basis}")
    if cost.size > free:
        lines.append("note       the disk is too small for this study")
    return lines


def _table(found: StudyStatus, statuses: dict[str, str], title: str) -> Table:
    """One line a scenario: its runs by status (with the heading of each), and the states of those that are done."""
    rows = []
    for name, counts in found.scenarios.items():
        states = [found.states[name].get(state, 0) for state in STATES]
        numbers = [*(counts[status] for status in statuses), *states, counts["done"] - sum(states)]
        rows.append((name, *map(str, numbers)))
    return table(("scenario", *statuses.values(), *STATES, "other"), rows, title=title)


def _status_lines(found: StudyStatus) -> list[str]:
    """Where the study is being run, how long it still takes, and what failed."""
    lines = []
    if found.finished:
        lines.append("finished")
    elif found.at_work:
        lines.append(f"at work on {found.at_work}: {found.workers} runs at a time")
    else:
        lines.append(f"no process works on it; go on with: batch {found.directory}")
    if found.seconds_left is not None and not found.finished:
        lines.append(f"about {duration(found.seconds_left)} left")
    for place, error in list(found.failures.items())[:SHOWN_ERRORS]:
        lines.append(f"failed: {place}: {error}")
    if len(found.failures) > SHOWN_ERRORS:
        lines.append(f"failed: {len(found.failures) - SHOWN_ERRORS} more, see failures.json")
    if found.failures:
        lines.append(f"try failed runs again with: batch {found.directory} --retry-failed")
    return lines


def _parameter(parameter: Parameter) -> str:
    if parameter.ranged and not parameter.values:
        scale = ", on a logarithmic scale" if parameter.scale == "log" else ""
        ends = f"from {parameter.low:g} to {parameter.high:g} {parameter.unit}".rstrip()
        return f"{parameter.key}: {ends}{scale}"
    unit = f" {parameter.unit}" if parameter.unit else ""
    return f"{parameter.key}: {listed([level.text for level in parameter.levels], SHOWN_VALUES)}{unit}"
