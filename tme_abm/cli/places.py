"""Where results go when nobody says so, and the command that made them."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

__all__ = ["RESULTS", "command", "free", "slug"]

RESULTS = Path("results")


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


def command() -> str:
    """The command that was given, to be given again."""
    from .main import program

    return f"{program()} {shlex.join(sys.argv[1:])}"
