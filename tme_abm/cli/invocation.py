"""The call of a command: its text, the directory of its results, options that exclude each other, and Ctrl-C."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from ..core.errors import InputError
from .terminal import note

__all__ = ["RESULTS", "SAME_COMMAND", "command", "free", "interruptible", "made", "program", "refuse", "slug"]

RESULTS = Path("results")
SAME_COMMAND = "the same command goes on where it stopped"


def program() -> str:
    """The name with which the program was started."""
    name = Path(sys.argv[0]).name
    return "python run.py" if name == "run.py" else "tme-abm"


def command() -> str:
    """The command line, to be repeated."""
    return f"{program()} {shlex.join(sys.argv[1:])}"


def free(name: str) -> Path:
    """The first of results/NAME, results/NAME-2, … that does not exist."""
    path, count = RESULTS / slug(name), 1
    while path.exists():
        count += 1
        path = RESULTS / f"{slug(name)}-{count}"
    return path


def made(directory: Path) -> Path:
    """The directory of the results, which is there now. Raises InputError if it cannot be made or written."""
    from ..core.files import check_place, disk_errors

    check_place(directory)
    with disk_errors(directory, "create the directory"):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


def slug(name: str) -> str:
    """A name as part of a path."""
    return re.sub(r"[^\w.+-]+", "-", name)


def refuse(given: Mapping[str, object], why: str) -> None:
    """Raises InputError, with the reason `why`, if one of the options in `given` has a value: not None, False or []."""
    for option, value in given.items():
        if value is not None and value is not False and value != []:
            raise InputError(why, place=option)


@contextmanager
def interruptible(how: str) -> Iterator[None]:
    """A context in which Ctrl-C ends the command with exit code 130 and a line that says `how` to go on."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"interrupted; {how}")
        raise typer.Exit(130) from None
