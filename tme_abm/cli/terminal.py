"""Output on a terminal: results go to stdout, everything else to stderr."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.table import Table

__all__ = ["complain", "log_to_stderr", "note", "say", "screen_width", "show", "stderr", "table"]

PIPE_CLOSED = 141  # what the shell calls a program that ended by SIGPIPE
WIDE = 200  # columns of a table that goes to a file or a pipe, where nothing has to fit on a screen

_logger = logging.getLogger("tme_abm")


@cache
def stderr() -> Console:
    """The console on stderr, shared by the progress line and the log, which otherwise write over each other."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Write a result to stdout, unchanged. All results go through here.

    If the reader closes the pipe (`tme-abm sources | head`), the program ends without a message.
    """
    try:
        # Line by line: an unbuffered stdout takes what a closing pipe left of one big write for all of it.
        sys.stdout.writelines(f"{line}\n" for line in text.removesuffix("\n").split("\n"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still in the buffer
        raise SystemExit(PIPE_CLOSED) from None


def note(text: str) -> None:
    """Write a remark to stderr."""
    stderr().print(text, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """Write an error to stderr, on one unbroken line, so that it can be searched for."""
    from rich.text import Text

    stderr().print(Text("error: ", style="bold red") + Text(text, style="default"), soft_wrap=True)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    left: bool = False,
    whole: Collection[int] = (),
) -> Table:
    """A plain table, with the first column (or, with `left`, all) aligned left and the others right.

    Cells are text, not markup; those of the columns in `whole` are never broken into lines.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # As wide as its title, which is broken into lines otherwise.
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, min_width=len(title or ""))
    for index, column in enumerate(columns):
        side: JustifyMethod = "left" if left or index == 0 else "right"
        made.add_column(Text(column), justify=side, overflow="fold", no_wrap=index in whole)
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def show(made: Table) -> None:
    """Write a table to stdout, as wide as the screen, or as it needs if stdout is a file or a pipe."""
    console = _screen()
    with console.capture() as captured:
        console.print(made)
    say("\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n") + "\n")


def screen_width() -> int:
    """The number of columns of the screen, or of a table that goes to a file or a pipe."""
    return _screen().width


def _screen() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


def log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    """Show the package's log on stderr: warnings, with `verbose` everything, with `quiet` only errors."""
    from rich.logging import RichHandler

    for old in [handler for handler in _logger.handlers if isinstance(handler, RichHandler)]:
        _logger.removeHandler(old)
    handler = RichHandler(console=stderr(), show_time=False, show_path=False, markup=False, rich_tracebacks=False)
    handler.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING)
    _logger.addHandler(handler)
    _logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
