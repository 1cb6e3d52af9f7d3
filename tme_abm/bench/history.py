"""The history of benchmarks: each is compared with the best before it.

Only ratios are compared: the cost of a cell-step and of a voxel and field in units of the reference kernel, which is
timed between the same steps. Seconds depend on the machine. A ratio that exceeds the best of the history by more than
the allowed factor is a regression.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..core.files import read_json, write_bytes

__all__ = ["HISTORY", "Finding", "better", "check_label", "compare", "read_history", "record", "sentences"]

HISTORY = Path(__file__).with_name("history.json")
SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A ratio now and the best before with its label, or None if none was recorded."""

    case: str
    quantity: str
    now: float
    best: tuple[float, str] | None = None

    def worse(self, allowed: float) -> bool:
        """Whether it is more than `allowed` times the best."""
        return self.best is not None and self.now > allowed * self.best[0]


def read_history(path: Path) -> list[dict[str, Any]]:
    """The entries of a history file, oldest first; empty without a file. Raises InputError if it is not a history."""
    if not path.exists():
        return []
    table = read_json(path)
    entries = table.get("entries")
    if table.get("schema") != SCHEMA or not isinstance(entries, list):
        raise InputError(f"not a history of benchmarks of schema {SCHEMA}", file=path)
    for number, one in enumerate(entries):
        try:
            values = [value for quantities in one["ratios"].values() for value in quantities.values()]
            sound = "label" in one and all(math.isfinite(value) and value > 0 for value in values)
        except (KeyError, TypeError, AttributeError):
            sound = False
        if not sound:
            why = "should have a label, and ratios above zero by case and quantity"
            raise InputError(why, place=f"entries.{number}", file=path)
    return entries


def check_label(label: str, path: Path) -> list[dict[str, Any]]:
    """The entries of a history. Raises InputError if `label` is empty or one of them has it."""
    entries = read_history(path)
    if not label.strip():
        raise InputError("an entry of the history needs a label", place="--record")
    if any(one["label"] == label for one in entries):
        raise InputError(f"the history has an entry {label!r} already", place="--record", file=path)
    return entries


def record(result: Mapping[str, Any], label: str, path: Path) -> None:
    """Append the ratios of a benchmark to the history under a new `label`. Raises InputError as `check_label` does."""
    machine = result["machine"]
    entry = {
        "label": label,
        "version": machine["versions"]["tme_abm"],
        "date": result["date"],
        "machine": f"{machine['cpu']}, {machine['cores']} cores",
        "numpy": machine["versions"]["numpy"],
        "load": result["load_before"],
        "ratios": {
            one["case"]["name"]: {quantity: round(value, 3) for quantity, value in one["ratios"].items()}
            for one in _comparable(result)
        },
    }
    entries = [*check_label(label, path), entry]
    write_bytes(path, f"{json.dumps({'schema': SCHEMA, 'entries': entries}, indent=1, ensure_ascii=False)}\n".encode())


def compare(result: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The ratios of `result`, each with the best of the history."""
    found = []
    for one in _comparable(result):
        case = one["case"]["name"]
        for quantity, now in one["ratios"].items():
            known = [
                (float(entry["ratios"][case][quantity]), str(entry["label"]))
                for entry in entries
                if quantity in entry["ratios"].get(case, {})
            ]
            found.append(Finding(case=case, quantity=quantity, now=now, best=min(known, default=None)))
    return found


def better(first: Sequence[Finding], second: Sequence[Finding]) -> list[Finding]:
    """The findings of `first`, or those of `second` that are lower, since disturbances only make a ratio larger."""
    again = {(one.case, one.quantity): one for one in second}
    return [min(one, again.get((one.case, one.quantity), one), key=lambda finding: finding.now) for one in first]


def sentences(findings: Sequence[Finding], *, allowed: float) -> list[str]:
    """The messages of a check: every regression, and the cases that could not be compared."""
    said = [
        f"{one.case}: a {one.quantity} costs {one.now:.4g} times the reference kernel, {one.now / one.best[0]:.2f} "
        f"times the best ({one.best[0]:.4g} in {one.best[1]!r}); {allowed:g} times are allowed"
        for one in findings
        if one.best is not None and one.worse(allowed)
    ]
    new = list(dict.fromkeys(one.case for one in findings if one.best is None))
    return [*said, *([f"not in the history, so not compared: {', '.join(new)}"] if new else [])]


def _comparable(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The cases whose work does not depend on how long they run: all but the jobs, whose cells multiply."""
    return [one for one in result["cases"] if one["case"]["days"] is None]
