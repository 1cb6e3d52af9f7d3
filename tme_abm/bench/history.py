"""No slow creep: what was measured now against the best that was ever measured.

Only ratios are compared, the cost of a cell-step and of a voxel and field in units of the reference kernel that was
timed between the same steps; seconds depend on the machine. A ratio above the best of the history by more than the
allowed factor is a regression.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..core.files import read_json, write_bytes

__all__ = ["HISTORY", "Finding", "better", "check_label", "compare", "entry", "read_history", "record", "sentences"]

HISTORY = Path(__file__).with_name("history.json")
SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A ratio now and the best before, which is None for what was never recorded."""

    case: str
    quantity: str
    now: float
    best: float | None = None
    label: str = ""
    worse: bool = False

    @property
    def factor(self) -> float:
        """How many times the best; NaN where there is none."""
        return math.nan if self.best is None else self.now / self.best


def read_history(path: Path = HISTORY) -> list[dict[str, Any]]:
    """The entries of a history file, oldest first; none if there is no file. Raises InputError for another file."""
    if not path.exists():
        return []
    table = read_json(path)
    entries = table.get("entries")
    if table.get("schema") != SCHEMA or not isinstance(entries, list):
        raise InputError(f"not a history of benchmarks of schema {SCHEMA}", file=path)
    for number, one in enumerate(entries):
        whole = isinstance(one, dict) and isinstance(one.get("ratios"), dict) and "label" in one
        if not whole or not all(_positive(value) for _, _, value in _ratios(one)):
            why = "should have a label, and ratios above zero by case and quantity"
            raise InputError(why, place=f"entries.{number}", file=path)
    return entries


def entry(result: Mapping[str, Any], label: str) -> dict[str, Any]:
    """What is kept of a benchmark: its ratios, and what they come from."""
    machine = result["machine"]
    return {
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


def check_label(label: str, path: Path = HISTORY) -> list[dict[str, Any]]:
    """The entries of a history that has none called `label` yet. Raises InputError."""
    entries = read_history(path)
    if not label.strip():
        raise InputError("an entry of the history needs a label", place="--record")
    if any(one["label"] == label for one in entries):
        raise InputError(f"the history has an entry {label!r} already", place="--record", file=path)
    return entries


def record(result: Mapping[str, Any], label: str, path: Path = HISTORY) -> None:
    """Append a benchmark to the history under a `label` that it does not have yet. Raises InputError."""
    entries = check_label(label, path)
    text = json.dumps({"schema": SCHEMA, "entries": [*entries, entry(result, label)]}, indent=1, ensure_ascii=False)
    write_bytes(path, f"{text}\n".encode())


def compare(result: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], *, allowed: float) -> list[Finding]:
    """Every ratio of `result` against the best of the history; `worse` where it is above `allowed` times that."""
    best: dict[tuple[str, str], tuple[float, str]] = {}
    for one in entries:
        for case, quantity, value in _ratios(one):
            if (case, quantity) not in best or value < best[case, quantity][0]:
                best[case, quantity] = (value, str(one["label"]))
    found = []
    for one in _comparable(result):
        for quantity, now in one["ratios"].items():
            case = one["case"]["name"]
            before, label = best.get((case, quantity), (None, ""))
            worse = before is not None and now > allowed * before
            found.append(Finding(case=case, quantity=quantity, now=now, best=before, label=label, worse=worse))
    return found


def better(first: Sequence[Finding], second: Sequence[Finding]) -> list[Finding]:
    """The lower of two measurements of the same thing: what disturbs a measurement makes it larger."""
    again = {(one.case, one.quantity): one for one in second}
    return [min(one, again.get((one.case, one.quantity), one), key=lambda finding: finding.now) for one in first]


def sentences(findings: Sequence[Finding], *, allowed: float) -> list[str]:
    """What the check says: every regression, and what could not be compared."""
    said = [
        f"{one.case}: a {one.quantity} costs {one.now:.4g} times the reference kernel, {one.factor:.2f} times the best "
        f"({one.best:.4g} in {one.label!r}); {allowed:g} times are allowed"
        for one in findings
        if one.worse and one.best is not None
    ]
    new = list(dict.fromkeys(one.case for one in findings if one.best is None))
    if new:
        said.append(f"not in the history, so not compared: {', '.join(new)}")
    return said


def _comparable(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The cases that are the same work however long they run: not the jobs, whose cells multiply for a day or less."""
    return [one for one in result["cases"] if one["case"]["days"] is None]


def _ratios(one: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for case, quantities in one["ratios"].items():
        for quantity, value in (quantities if isinstance(quantities, dict) else {"": None}).items():
            yield case, quantity, value


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
