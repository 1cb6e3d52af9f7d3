"""The command `validate`: check whether scenarios can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from . import options
from .terminal import complain, say, show, table

if TYPE_CHECKING:
    from ..scenario import Scenario
    from ..scenario.slide import Slide

__all__ = ["validate"]


def validate(
    scenarios: options.ScenarioNames,
    settings: options.Set = None,
    catalogue: options.Catalogue = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print every value of the scenario as it would be run.")
    ] = False,
) -> None:
    """Check scenarios without running them.

    Keys, units, names and values are checked, and whether the tumor has room.
    A line reports on every file; the exit code is 2 if one cannot be used.

    [bold]Examples[/bold]

      validate my_tumor.toml
      validate scenarios/*.toml
      validate hot --set clock.dt="5 min" --resolved
    """
    from ..core.units import show as amount
    from ..scenario.load import load

    problems = 0
    for name in scenarios:
        try:
            scenario = load(name, settings or (), packs=catalogue or ())
            scenario.biology()
        except InputError as error:
            complain(str(error))
            problems += 1
            continue
        if resolved:
            say(scenario.resolved_toml())
            continue
        sites = " × ".join(str(n) for n in scenario.lattice.shape)
        say(
            f"{scenario.name}: valid. {scenario.title or 'No title'}. {sites} sites of "
            f"{amount(scenario.lattice.spacing, 'length')}, {scenario.clock.days:g} days in steps of "
            f"{amount(scenario.clock.dt, 'time')}, {scenario.tumor.cells} tumor cells, "
            f"interventions: {len(scenario.protocol)}, hash {scenario.hash[:12]}"
            + "".join(f", with {name}" for name in scenario.pack_hashes)
        )
        if scenario.slide is not None:
            _show_slide(scenario.slide, scenario)
    if problems:
        raise typer.Exit(2)


def _show_slide(slide: Slide, scenario: Scenario) -> None:
    """Show how the cells of a slide were fitted to the lattice, class by class."""
    from ..scenario.slide import SKIP, remarks

    fitted = slide.fitted(scenario.lattice, scenario.catalogue)
    measured = sum(one.measured for one in fitted.classes)
    rows = [
        (one.name or "(none)", one.cell, *(f"{n}" for n in (one.measured, one.kept, one.moved)),
         f"{one.farthest:.0f} um" if one.moved else "", f"{one.left_out}")
        if one.cell != SKIP
        else (one.name or "(none)", "left out on purpose", f"{one.measured}", "", "", "", "")
        for one in fitted.classes
    ]
    columns = ("class", "becomes", "measured", "at its site", "moved", "at most", "no site")
    show(table(columns, rows, title=f"{slide.source}: {measured} cells"))
    for remark in remarks(slide, scenario.lattice, scenario.catalogue):
        say(f"Note: {remark}.")
    absent = [name for name in slide.cells if name not in slide.places_um]
    if absent:
        say(f"Note: not on this slide: {', '.join(absent)}.")
