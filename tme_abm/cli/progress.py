"""Progress on stderr: on a terminal one line that is kept up to date, elsewhere a line now and then.

Each function is a context that yields the callback to report progress with, or None if `quiet`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from .terminal import note, stderr

if TYPE_CHECKING:
    from ..runs.run import Tell
    from ..runs.walk import Callback, Progress
    from ..studies.batch import BatchProgress
    from ..studies.batch import Tell as TellBatch

__all__ = ["of_batch", "of_comparison", "of_run", "one_by_one", "run_line"]

REFRESH_SECONDS = 0.1
RARELY_SECONDS = 30.0  # between two lines of a batch where there is no terminal
LOOK_SECONDS = 1.0  # between two looks at how far the runs of a batch are
CELLS_SHOWN = 5

Ended = TypeVar("Ended")


class Show(Protocol):
    """Shows `text`, a bar of `done` (with parts) of `total`, and is called again when more have `ended`."""

    def __call__(self, text: str, *, ended: int, done: float, total: float) -> None: ...


@contextmanager
def _bar(counted: str = "", *, left: bool, seldom: float = 0.0) -> Iterator[Show]:
    """On a terminal a bar, followed by `counted` (a format of rich's task) and, with `left`, the time left.

    Elsewhere a line when one more has ended, at most one in `seldom` seconds, and one for the last.
    """
    if not stderr().is_terminal:
        shown, last = -1, 0.0

        def line(text: str, *, ended: int, done: float, total: float) -> None:
            nonlocal shown, last
            if ended > shown and (time.monotonic() - last > seldom or done >= total):
                shown, last = ended, time.monotonic()
                note(text)

        yield line
        return

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn(counted), TimeElapsedColumn()]
    if left:
        columns += [TextColumn("left"), TimeRemainingColumn()]
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda text, *, ended, done, total: bar.update(task, description=text, completed=done, total=total)


@contextmanager
def of_comparison(*, quiet: bool, runs: int, days: float) -> Iterator[Tell | None]:
    """Progress of a comparison: `runs` runs of `days` each."""
    if quiet:
        yield None
        return
    with _bar("{task.completed:.1f} of {task.total:g} days simulated", left=True) as show:

        def tell(board: Sequence[float], ended: int) -> None:
            days_done = min(sum(max(0.0, day) for day in board), runs * days)
            show(f"{ended} of {runs} runs ended", ended=ended, done=days_done, total=runs * days)

        yield tell


@contextmanager
def of_batch(*, quiet: bool, days: float) -> Iterator[TellBatch | None]:
    """Progress of a batch whose runs last `days`."""
    if quiet:
        yield None
        return
    from ..studies.status import reached

    looked = 0.0
    with _bar(left=True, seldom=RARELY_SECONDS) as show:

        def tell(now: BatchProgress) -> None:
            nonlocal looked
            ended = now.done + now.failed
            if time.monotonic() - looked < LOOK_SECONDS and ended < now.total:
                return
            looked = time.monotonic()
            parts = sum(min(1.0, reached(run) / days) for run in now.under_way)
            failed = f", {now.failed} failed" if now.failed else ""
            show(f"{now.done} of {now.total} runs done{failed}", ended=ended, done=ended + parts, total=now.total)

        yield tell


@contextmanager
def one_by_one(
    what: str, line: Callable[[Ended], str], *, quiet: bool
) -> Iterator[Callable[[Ended, int, int], None] | None]:
    """Progress of pieces of work such as "assays", with one `line` for each that has ended.

    The callback gets the piece, the number of those that have ended, and of all.
    """
    if quiet:
        yield None
        return
    with _bar(f"{{task.completed}} of {{task.total}} {what}", left=False) as show:
        counts = not stderr().is_terminal  # a bar counts by itself

        def tell(one: Ended, done: int, total: int) -> None:
            text = f"{done:>4} of {total}  {line(one)}" if counts else line(one)
            show(text, ended=done, done=done, total=total)

        yield tell


@contextmanager
def of_run(*, quiet: bool) -> Iterator[Callback | None]:
    """Progress of one run: its clock, cells and speed, on a terminal after every step, elsewhere once a day."""
    if quiet:
        yield None
        return
    if not stderr().is_terminal:
        last_day = -1

        def rarely(now: Progress) -> None:
            nonlocal last_day
            if int(now.day) > last_day or now.step == now.steps:
                last_day = int(now.day)
                note(run_line(now))

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


def run_line(now: Progress) -> str:
    """The clock of a run, its largest numbers of cells, and its speed."""
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


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
