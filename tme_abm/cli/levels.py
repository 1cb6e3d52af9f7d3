"""The command `levels`: what cells meet in whole tumors, and which rules are idle."""

from __future__ import annotations

import os
from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from ..core.units import show as shown
from . import options, progress
from .invocation import RESULTS, command, made, refuse
from .options import argument, option
from .terminal import log_to_stderr, note, say, screen_width, show, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..levels.results import Budget, Levels

__all__ = ["budget_tables", "cells_table", "idle_table", "levels"]

_ROOMY, _WIDE = 95, 145  # columns of a screen on which ranges fit beside medians, and the margin beside the core


def levels(
    scenarios: Annotated[
        list[str] | None,
        argument("SCENARIO...", "Scenario files, or names of shipped scenarios; by default hot, base, cold, excluded."),
    ] = None,
    behaviors: Annotated[
        list[str] | None,
        option("--behavior", "'CELL BEHAVIOR'",
               "Show the budget of a behavior, as in 'CD8 attack'. May be given again."),
    ] = None,
    days: Annotated[
        str, typer.Option("--days", metavar="D,…", help="Days on which the tumors are looked at.")
    ] = "3,5,7,10",
    record: Annotated[
        bool,
        typer.Option("--record", help="Keep the levels and densities as those that claims are held against."),
    ] = False,
    seed: options.Seed = 1,
    settings: options.Set = None,
    catalogue: options.Catalogue = None,
    jobs: options.Jobs = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show what cells meet in whole tumors, and which rules are idle.

    Every tumor is run once and looked at on some days, in its core and at its
    margin. For every rule, the range of its signal (5 to 95 % of the cells) is
    held against its half-max. A rule whose signal never comes within ten times
    of it, in none of the tumors, is idle; it is absent where the cell, or what
    would make the signal, is not there. Rules at vessels are asked there. Rules
    in reach are listed, too, if their behavior would hardly differ without them.

    With --behavior: what each signal contributes to a behavior, with its level,
    its weight (level/half-max)^power, and by how much the behavior would differ
    without it. A gate multiplies the behavior by 0 to 1, and without it, by 1.
    What matters most comes first.

    [bold]Examples[/bold]

      levels                           idle rules of the shipped tumors
      levels hot
      levels hot cold --behavior "CD8 attack" --behavior "tumor division"
      levels mine.toml --days 2,4 --set tumor.traits.antigenicity=0.2
      levels --record                  renew what claims are held against

    The page has every rule, and the levels and densities in core and margin.
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..levels import survey as surveys
    from ..report.levels import absences, brief, headline, summary, write_page
    from ..scenario import load

    if record:
        refuse({"--set": settings, "--catalogue": catalogue}, "the record is of tumors as they are shipped")
        if scenarios and set(scenarios) != set(surveys.SHIPPED):
            whole = f"the record is of all shipped tumors ({', '.join(surveys.SHIPPED)}), so name none"
            raise InputError(whole, place="--record")
        from ..core.files import check_place

        check_place(surveys.RECORD.parent)  # before minutes of work
    tumors = [load(name, settings or (), packs=catalogue or ()) for name in scenarios or surveys.SHIPPED]
    asked = [surveys.asked_for(text, tumor.biology()) for tumor in tumors for text in behaviors or ()]
    directory = out or RESULTS / "levels"
    made(directory)
    with progress.one_by_one("tumors", str, quiet=quiet) as tell:
        found = surveys.survey(
            tumors,
            seed=seed,
            days=_days(days),
            behaviors=tuple(dict.fromkeys(asked)),
            jobs=jobs or os.cpu_count() or 1,
            command=command(),
            tell=tell,
        )
    surveys.write_levels(found, directory / "levels.json")
    write_page(found, directory / "levels.html")
    for tumor in found.tumors:
        if not any(tumor in by_tumor for by_tumor in found.densities.values()):
            note(f"{tumor}: no tumor, or too few or too scattered cells for one, so there was nowhere to look")
    for budget in found.budgets:
        for one in budget_tables(budget):
            show(one)
        for line in headline(budget, found.days):
            say(line)
        say("")
    if not found.budgets:
        show(idle_table(found))
        show(cells_table(found))
        for missing, rules in absences(found):
            said = ", ".join(dict.fromkeys(f"{rule.cell} {rule.behavior}" for rule in rules))
            say(f"absent: {missing} ({shorten(said, 100, placeholder=' …')})")
        for cell in dict.fromkeys(rule.cell for rule in found.rules if rule.is_faint):
            said = ", ".join(brief(rule) for rule in found.rules if rule.is_faint and rule.cell == cell)
            say(f"in reach, without effect: {cell}: {said}")
        say(summary(found))
    if record:
        surveys.record(found)
        note(f"recorded in {surveys.RECORD}")
    say(f"{directory / 'levels.html'}")


def _days(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"'{text}' is not a list of days such as 3,5,7,10", place="--days") from None


# ------------------------------------------------------------------ tables


def budget_tables(budget: Budget, *, width: int | None = None) -> list[Table]:
    """Tables with one line a signal: its level, weight and what the behavior would be without it, core beside margin.

    Where `width` columns (by default those of the screen) are few, there is a table for each, without ranges.
    """
    width = screen_width() if width is None else width
    places = list(budget.value)
    together = [places] if width >= _WIDE or not places else [[place] for place in places]
    return [_budget_table(budget, some, ranges=width >= _ROOMY) for some in together]


def _budget_table(budget: Budget, places: Sequence[str], *, ranges: bool) -> Table:
    from ..report.levels import changes, pulls_towards, spread_range
    from ..report.style.numbers import significant

    columns = ["signal", "pulls", "half-max"]
    for place in places:
        columns += [f"{place} level", "weight", "without it"]
    rows = []
    for pull in budget.pulls:
        power = f"^{pull.power:g}" if pull.power != 1 else ""
        row = [pull.signal, pulls_towards(pull, budget), f"{shown(pull.half_max, pull.quantity)}{power}"]
        for place in places:
            part = pull.parts[place]
            median = shown(part.level.median, pull.quantity, like=part.level.high)
            ends = spread_range(part.level, pull.quantity)
            row += [
                f"{median} ({ends})" if ranges and ends != median else median,
                significant(part.weight) if part.weight >= 5e-4 else "0",
                changes(budget, pull, place),
            ]
        rows.append(row)
    title = f"{budget.cell} {budget.behavior} in {budget.tumor}"
    return table(columns, rows, title=title, whole=range(len(columns)))


def idle_table(found: Levels) -> Table:
    """A table with one line an idle rule, in the tumor in which its signal comes nearest to its half-max."""
    from ..levels.results import PLACES
    from ..report.levels import brief, change_of, ratio, spread_range

    columns = ["cell", "idle rule", "half-max", "core", "margin", "nearest", "in reach", "without it"]
    if len(found.tumors) > 1:
        columns.append("tumor")
    idle = [rule for rule in found.rules if rule.status == "idle"]
    if waiting := any(rule.waits for rule in idle):
        columns.append("why it waits")
    rows = []
    for rule in idle:
        seen = rule.tumors[rule.nearest]
        ranges = [spread_range(seen.levels.get(place), rule.quantity) for place in PLACES]
        row = [rule.cell, brief(rule), shown(seen.half_max, rule.quantity), *ranges]
        row += [ratio(seen), f"{100 * seen.reach:.3g} %", change_of(rule)]
        row += [rule.nearest] if len(found.tumors) > 1 else []
        rows.append([*row, rule.waits] if waiting else row)
    return table(columns, rows, left=True)


def cells_table(found: Levels) -> Table:
    """A table with one line a cell: how many of its rules are in reach, idle, and absent."""
    from ..levels.results import STATUSES

    cells = tuple(dict.fromkeys(rule.cell for rule in found.rules))
    rows = [(cell, found.counts(cell)) for cell in cells]
    return table(
        ("cell", "rules", *STATUSES),
        [(cell, str(sum(counts.values())), *(str(counts[status]) for status in STATUSES)) for cell, counts in rows],
    )
