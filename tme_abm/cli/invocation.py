"""How a command was called: its text, where its results go, options that do not go together, and Ctrl-C."""

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

__all__ = ["RESULTS", "SAME_COMMAND", "command", "free", "interruptible", "program", "refuse", "slug"]

RESULTS = Path("results")
SAME_COMMAND = "the same command goes on where it stopped"


def program() -> str:
    """What a person types to start the program."""
    name = Path(sys.argv[0]).name
    return "python run.py" if name == "run.py" else "tme-abm"


def command() -> str:
    """The command that was given, to be given again."""
    return f"{program()} {shlex.join(sys.argv[1:])}"


def free(name: str) -> Path:
    """The first of results/NAME, results/NAME-2, … that is not taken."""
    path, count = RESULTS / slug(name), 1
    while path.exists():
        count += 1
        path = RESULTS / f"{slug(name)}-{count}"
    return path


def slug(name: str) -> str:
    """A name as part of a path."""
    return re.sub(r"[^\w.+-]+", "-", name)


def refuse(given: Mapping[str, object], why: str) -> None:
    """Raises InputError, with the reason `why`, for the first option that was `given` a value but has no meaning here.

    An option without a value is None, False or empty.
    """
    for option, value in given.items():
        if value is not None and value is not False and value != []:
            raise InputError(why, place=option)


@contextmanager
def interruptible(how: str) -> Iterator[None]:
    """Ctrl-C ends the command with a line that says `how` to go on, and its own exit code."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"interrupted; {how}")
        raise typer.Exit(130) from None
