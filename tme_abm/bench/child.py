"""A measurement in a process of its own, so that its memory is its own and its death is nobody else's.

What is wanted goes in by stdin and what was found comes out by stdout, both as JSON; `python -m tme_abm.bench.child` is
the other end.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from ..core.errors import TmeError

__all__ = ["NotMeasured", "in_child", "perform"]


class NotMeasured(TmeError):
    """Why a measurement gave nothing, one clause."""


def in_child(wanted: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
    """What `perform` finds in a process of its own, which is ended after `seconds`. Raises NotMeasured."""
    command = [sys.executable, "-m", __name__]
    try:
        ended = subprocess.run(  # the interpreter and module are ours
            command, input=json.dumps(wanted), capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"it did not end within {seconds:.0f} s and was stopped") from None
    if ended.returncode < 0:
        raise NotMeasured(f"its process was ended by signal {-ended.returncode}; the system may have lacked memory")
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotMeasured(f"its process failed: {last}")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def perform(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the case that is wanted, or Mesa's objects."""
    if wanted["what"] == "mesa":
        from .reference import mesa_move_us

        return mesa_move_us(wanted["agents"], wanted["steps"])
    from .cases import Case
    from .measure import measure

    return measure(Case.from_json(wanted["case"]))


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(perform(json.load(sys.stdin)), allow_nan=False) + "\n")
    except TmeError as refused:
        sys.exit(str(refused))  # to stderr, without a trace
