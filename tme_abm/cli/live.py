"""What is seen while a run or a comparison is under way.

On a terminal one line is kept up to date; elsewhere (a file, a batch system) a line is written now and
then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from .terminal import note, stderr

if TYPE_CHECKING:
    from ..evidence import AssayResult
    from ..evidence.review import Tell as TellAssay
    from ..runs.pool import Tell
    from ..runs.walk import Callback, Progress
    from ..verification import Judged
    from ..verification.running import Tell as TellCheck

__all__ = ["assay_line", "check_line", "of_assays", "of_checks", "of_comparison", "of_run", "run_line"]

REFRESH_SECONDS = 0.1
CELLS_SHOWN = 5

Ended = TypeVar("Ended")


def run_line(now: Progress) -> str:
    """The clock, how many cells of which kind there are, and how fast it goes."""
    counts = {name.removesuffix(" cells"): value for name, value in now.measures.items() if name.endswith(" cells")}
    largest = sorted(counts, key=lambda name: -counts[name])[:CELLS_SHOWN]
    shown = "  ".join(f"{name} {counts[name]:,.0f}" for name in counts if name in largest)
    total = sum(counts.values())
    speed = now.steps_per_second
    line = f"day {now.day:.2f} of {now.days:g}  {shown}"
    if speed > 0:
        line += f"  {speed:,.1f} steps/s  {speed * total / 1000:,.0f} k cell-steps/s"
    if speed > 0 and now.step < now.steps:
        line += f"  {_clock((now.steps - now.step) / speed)} left"
    return line


@contextmanager
def of_run(*, quiet: bool) -> Iterator[Callback | None]:
    """A callback for `run` that keeps a line on stderr up to date."""
    if quiet:
        yield None
        return
    last_day = -1

    def rarely(now: Progress) -> None:
        nonlocal last_day
        if int(now.day) > last_day or now.step == now.steps:
            last_day = int(now.day)
            note(run_line(now))

    if not stderr().is_terminal:
        yield rarely
        return

    from rich.live import Live
    from rich.text import Text

    drawn = 0.0
    with Live(console=stderr(), auto_refresh=False, transient=True) as live:

        def often(now: Progress) -> None:
            nonlocal drawn
            if time.monotonic() - drawn > REFRESH_SECONDS or now.step == now.steps:
                drawn = time.monotonic()
                live.update(Text(run_line(now), no_wrap=True, overflow="ellipsis"), refresh=True)

        yield often


@contextmanager
def of_comparison(*, quiet: bool, runs: int, days: float) -> Iterator[Tell | None]:
    """A callback for `compare` that keeps a bar on stderr up to date."""
    if quiet:
        yield None
        return
    if not stderr().is_terminal:
        told = -1

        def rarely(_: Sequence[float], ended: int) -> None:
            nonlocal told
            if ended > told:
                told = ended
                note(f"{ended} of {runs} runs ended")

        yield rarely
        return

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f} of {task.total:g} days simulated"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task = bar.add_task(f"0 of {runs} runs", total=runs * days)

        def often(board: Sequence[float], ended: int) -> None:
            done = sum(max(0.0, day) for day in board)
            bar.update(task, completed=min(done, runs * days), description=f"{ended} of {runs} runs")

        yield often


def of_assays(*, quiet: bool) -> AbstractContextManager[TellAssay | None]:
    """A callback for the review of claims: what each assay showed, and how many are left."""
    return _one_by_one("assays", assay_line, quiet=quiet)


def of_checks(*, quiet: bool) -> AbstractContextManager[TellCheck | None]:
    """A callback for the checks of `verify`: what each found, and how many are left."""
    return _one_by_one("checks", check_line, quiet=quiet)


@contextmanager
def _one_by_one(
    what: str, line: Callable[[Ended], str], *, quiet: bool
) -> Iterator[Callable[[Ended, int, int], None] | None]:
    """A callback that tells each time one of several ends: the one, how many have ended, and of how many."""
    if quiet:
        yield None
        return
    if not stderr().is_terminal:
        yield lambda one, done, total: note(f"{done:>4} of {total}  {line(one)}")
        return

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn(f"{{task.completed}} of {{task.total}} {what}"), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda one, done, total: bar.update(task, completed=done, total=total, description=line(one))


def assay_line(result: AssayResult) -> str:
    """An assay that has ended, in one line."""
    if result.error is not None:
        return f"{result.id}: did not run"
    verdicts = ", ".join(f"{claim} {verdict}" for claim, verdict in result.verdicts.items())
    return f"{result.id} ({result.seconds:.0f} s): {verdicts}"


def check_line(judged: Judged) -> str:
    """A check that has ended, in one line."""
    return f"{judged.check.name}: {judged.verdict}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
