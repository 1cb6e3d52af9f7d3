"""What is seen while a study runs: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .terminal import note, stderr

if TYPE_CHECKING:
    from ..studies.batch import BatchProgress, Tell

__all__ = ["of_batch"]

RARELY_SECONDS = 30.0  # between two lines where there is no terminal
LOOK_SECONDS = 1.0  # between two looks at how far the runs under way are


@contextmanager
def of_batch(*, quiet: bool, days: float) -> Iterator[Tell | None]:
    """A callback for a batch whose runs last `days`."""
    if quiet:
        yield None
        return
    if not stderr().is_terminal:
        yield _rarely()
        return

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from ..studies.status import reached

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("left"),
               TimeRemainingColumn(elapsed_when_finished=False))  # fmt: skip
    looked = 0.0
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task = bar.add_task("", total=None)

        def often(now: BatchProgress) -> None:
            nonlocal looked
            if time.monotonic() - looked < LOOK_SECONDS and now.done + now.failed < now.total:
                return
            looked = time.monotonic()
            parts = sum(min(1.0, reached(run) / days) for run in now.under_way)
            bar.update(task, total=now.total, completed=now.done + now.failed + parts, description=_sentence(now))

        yield often


def _rarely() -> Tell:
    told, last = -1, 0.0

    def tell(now: BatchProgress) -> None:
        nonlocal told, last
        ended = now.done + now.failed
        if ended > told and (time.monotonic() - last > RARELY_SECONDS or ended == now.total):
            told, last = ended, time.monotonic()
            note(_sentence(now))

    return tell


def _sentence(now: BatchProgress) -> str:
    failed = f", {now.failed} failed" if now.failed else ""
    return f"{now.done} of {now.total} runs done{failed}"
