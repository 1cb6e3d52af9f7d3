"""Commands that take long: Ctrl-C ends them in good order, and they say how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

from . import live
from .terminal import note, say, show

if TYPE_CHECKING:
    from ..runs.run import RunResult
    from ..runs.walk import Callback

__all__ = ["SAME_COMMAND", "interruptible", "walk"]

SAME_COMMAND = "the same command goes on where it stopped"


@contextmanager
def interruptible(how: str) -> Iterator[None]:
    """Ctrl-C ends the command with a line that says `how` to go on, and its own exit code."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"interrupted; {how}")
        raise typer.Exit(130) from None


class Walker(Protocol):
    """What walks a run to its end and reports its progress."""

    def __call__(self, *, progress: Callback | None) -> RunResult: ...


def walk(walker: Walker, directory: Path, *, quiet: bool) -> None:
    """Walk the run in `directory` to its end, with a line that shows where it is, and show what came out."""
    from .tables import run_table

    how = f"go on with: run --resume {shlex.quote(str(directory))}"
    with interruptible(how), live.of_run(quiet=quiet) as progress:
        result = walker(progress=progress)
    show(run_table(result))
    say(f"{result.directory}")
