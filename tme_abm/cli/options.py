"""Arguments and options that several commands share, and functions that declare further ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "Catalogue",
    "Days",
    "Jobs",
    "Out",
    "Overwrite",
    "Quiet",
    "ScenarioName",
    "ScenarioNames",
    "Seed",
    "Set",
    "Verbose",
    "argument",
    "option",
]


def option(flags: str, metavar: str, what: str, *, min: int | None = None) -> Any:
    """An option with a value; its help `what` also says what is done without it, so that no default is shown.

    `flags` are separated by a space; a number must not be below `min`.
    """
    return typer.Option(*flags.split(), metavar=metavar, help=what, min=min, show_default=False)


def argument(metavar: str, what: str) -> Any:
    """An argument with the help `what`, which shows no default."""
    return typer.Argument(metavar=metavar, help=what, show_default=False)


ScenarioName = Annotated[str, argument("SCENARIO", "A scenario file, or the name of a shipped scenario.")]
ScenarioNames = Annotated[list[str], argument("SCENARIO", "Scenario files, or names of shipped scenarios.")]
Set = Annotated[
    list[str] | None,
    option("--set", "KEY=VALUE",
           'Change one value of the scenario, as in --set clock.dt="5 min". May be given again.'),
]
Catalogue = Annotated[
    list[Path] | None,
    option("--catalogue", "FILE", "Add a catalogue file of your own, a pack, to the shipped ones. May be given again."),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the first replicate.")]
Draws = Annotated[
    int | None,
    option("--draws", "N", "Judge also in N joint draws of all numbers from their priors; by default in none.", min=1),
]
Days = Annotated[float | None, option("--days", "D", "Days to simulate; by default those of the scenario.")]
Out = Annotated[Path | None, option("--out", "DIR", "Directory for the results; by default one under results/.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")]
Jobs = Annotated[int | None, option("--jobs", "J", "Runs at a time; by default one per processor.", min=1)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no log, only errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="The whole log on stderr.")]
