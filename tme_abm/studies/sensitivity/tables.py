"""An analysis as plain values: `sensitivity.json` with everything, `sensitivity.csv` with one number a row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...core import files
from ...runs.fingerprint import versions
from .analysis import Sensitivity

__all__ = ["CSV", "JSON", "content", "rows", "write"]

SCHEMA = 1
JSON, CSV = "sensitivity.json", "sensitivity.csv"
COLUMNS = ("scenario", "outcome", "parameter", "unit", "quantity", "value", "low95", "high95")


def write(found: Sensitivity, directory: Path, *, command: str = "") -> None:
    """Write both files into `directory`, which is made if need be.

    Raises:
        InputError: the directory cannot be written.
    """
    with files.disk_errors(directory, "create the directory"):
        directory.mkdir(parents=True, exist_ok=True)
    files.write_json(directory / JSON, content(found, command=command))
    files.write_chunks(directory / CSV, map(files.csv_line, (COLUMNS, *rows(found))))


def content(found: Sensitivity, *, command: str = "") -> dict[str, Any]:
    """All of an analysis for JSON; what is not a number is null."""
    study = found.study
    whole: dict[str, Any] = files.plain(
        {
            "schema": SCHEMA,
            "study": {
                "name": study.name,
                "title": study.title,
                "design": {"kind": study.kind, "samples": study.samples, "seed": study.design_seed},
                "points": study.points,
                "seeds": list(study.seeds),
                "days": study.days,
                "runs_without_result": dict(found.lost),
            },
            "method": found.method or "regression",
            "ends": found.pairing,
            "parameters": [
                {name: getattr(one, name) for name in ("key", "unit", "scale", "low", "high")}
                if one.ordered
                else {"key": one.key, "values": list(one.values)}
                for one in found.parameters
            ],
            "constant_parameters": list(found.fixed),
            "analyses": found.analyses,
            "maps": found.maps,
            "command": command,
            "versions": versions(),
        }
    )
    return whole


def rows(found: Sensitivity) -> Iterator[tuple[str, ...]]:
    """The rows of the CSV: every index and every change with its interval."""
    units = {parameter.key: parameter.unit for parameter in found.parameters}
    for one in found.analyses:
        head = (one.scenario, one.outcome)
        for key, unit in units.items():
            for name, index in one.measures(key).items():
                yield (*head, key, unit, name, *_texts(index.value, index.low, index.high))
            for change in one.changes:
                if change.key == key:
                    low, high = change.interval or (None, None)
                    yield (*head, key, unit, "at low end", *_texts(change.at_low, None, None))
                    yield (*head, key, unit, "at high end", *_texts(change.at_high, None, None))
                    yield (*head, key, unit, "change", *_texts(change.change, low, high))
        for pair in one.indices.pairs if one.indices is not None else ():
            texts = _texts(pair.S2.value, pair.S2.low, pair.S2.high)
            yield (*head, f"{pair.a} × {pair.b}", "", "S2", *texts)
        for name, share in asdict(one.variance).items():
            if name != "points" and share is not None:
                yield (*head, "", "", f"share of variance: {name.replace('_', ' ')}", *_texts(share, None, None))


def _texts(*numbers: float | None) -> list[str]:
    return ["" if number is None or not math.isfinite(number) else repr(float(number)) for number in numbers]
