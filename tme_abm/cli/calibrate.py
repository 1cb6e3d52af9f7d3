"""The command that calibrates."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ..report.style.numbers import short
from . import options, progress
from .invocation import RESULTS, SAME_COMMAND, command, interruptible
from .options import option
from .terminal import log_to_stderr, note, say, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..calibration.calibrate import Calibrated
    from ..calibration.targets import Goal

__all__ = ["calibrate"]


def calibrate(
    budget: Annotated[
        int, typer.Option("--budget", metavar="N", help="Sets of values to evaluate, the shipped ones included.")
    ] = 60,
    replicates: Annotated[
        int, typer.Option("--replicates", "-r", metavar="R", help="Seeds, the same for every set of values.")
    ] = 2,
    days: Annotated[
        float | None,
        option("--days", "D",
               "Days to simulate; targets of later days are left out. Without it, until the last target."),
    ] = None,
    shape: Annotated[int, typer.Option("--shape", metavar="SITES", help="Sites along each side of the lattice.")] = 120,
    jobs: options.Jobs = None,
    seed: options.Seed = 1,
    out: options.Out = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only evaluate the shipped values; exit code 1 if a required target is missed."),
    ] = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Fit the free parameters to reported densities, sizes and rates.

    The file tme_abm/calibration/calibration.toml lists the free parameters
    (only numbers with basis "fitted", inside their ranges) and the targets
    (densities, sizes, rates, with their sources). The search starts at the
    shipped values and proposes better ones in calibrated.toml; it changes
    nothing by itself. The last column of its table tests the best set of
    values on new seeds. The same command continues an interrupted search.

    [bold]Examples[/bold]

      calibrate --check --replicates 4
      calibrate --budget 100 --jobs 8 --out results/calibration
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..calibration import calibrate as experiment

    directory = out or RESULTS / ("calibrate-check" if check else "calibrate")
    with interruptible(SAME_COMMAND):
        found = experiment.calibrate(
            out=directory,
            budget=budget,
            replicates=replicates,
            days=days,
            shape=shape,
            jobs=jobs,
            seed=seed,
            check=check,
            command=command(),
            overwrite=overwrite,
            watch=partial(progress.of_comparison, quiet=quiet),
            tell=(lambda _: None) if quiet else note,
        )
    show(_targets(found))
    if not check:
        show(_values(found))
        say(f"{directory / experiment.CALIBRATED}")
    if check and not found.met:
        raise typer.Exit(1)


def _targets(found: Calibrated) -> Table:
    """One line a target: its band, and what was reached (the median over the seeds)."""
    columns = {"shipped": found.shipped, "best": found.best, "best, new seeds": found.renewed}
    shown = {name: evaluation for name, evaluation in columns.items() if evaluation is not None}
    goals = found.calibration.goals
    medians = [evaluation.medians for evaluation in shown.values()]
    rows = [
        (
            goal.label + (f" [{goal.unit}]" if goal.unit else ""),
            _band(goal),
            f"{goal.weight:g}",
            *(_reached(goal, float(values[index])) for values in medians),
        )
        for index, goal in enumerate(goals)
    ]
    rows.append(("loss", "0", "", *(f"{evaluation.loss:.4f}" for evaluation in shown.values())))
    met = [found.calibration.required_met(values) for values in medians]
    rows.append(("required targets met", "", "", *(f"{sum(one)} of {len(one)}" for one in met)))
    return table(("target", "band", "weight", *shown), rows)


def _values(found: Calibrated) -> Table:
    """One line a free parameter: where it was, where it is best, and how far it may go."""
    settings = found.best.settings if found.best is not None else found.shipped.settings
    rows = [
        (knob.key, str(knob.shipped), str(best), f"{knob.low:g} – {knob.high:g} {knob.unit}".rstrip())
        for knob, best in zip(found.calibration.knobs, settings, strict=True)
    ]
    return table(("free parameter", "shipped", "best", "range"), rows)


def _band(goal: Goal) -> str:
    aim = "" if goal.required else " (aim)"
    if math.isinf(goal.high):
        return f"≥ {short(goal.low)}{aim}"
    return (f"{short(goal.low)} – {short(goal.high)}" if goal.low > 0 else f"≤ {short(goal.high)}") + aim


def _reached(goal: Goal, value: float) -> str:
    if math.isnan(value):
        return "– missing"
    return short(value) + ("" if goal.inside(value) else " low" if value < goal.low else " high")
