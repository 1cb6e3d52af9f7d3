"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
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
]

_SCENARIO = "A scenario file, or the name of a shipped scenario."

ScenarioName = Annotated[str, typer.Argument(metavar="SCENARIO", help=_SCENARIO, show_default=False)]
ScenarioNames = Annotated[
    list[str], typer.Argument(metavar="SCENARIO", help="Scenario files, or names of shipped scenarios.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help='Change one value of the scenario, as in --set clock.dt="5 min". May be given again.',
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the first replicate.")]
Days = Annotated[
    float | None,
    typer.Option(
        "--days",
        metavar="D",
        help="Days to simulate; without it, what the scenario says.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Directory for the results; without it, one under results/.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that are in the way.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", metavar="J", help="Runs at a time; without it, one a processor.", show_default=False),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no log, only errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="The whole log on stderr.")]
