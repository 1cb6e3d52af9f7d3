"""An analysis as plain values: `sensitivity.json` with everything, `sensitivity.csv` with one number a row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ...core import files
from ...runs.versions import versions
from .analysis import Analysis, Sensitivity
from .indices import Index, Indices
from .maps import StateMap

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
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(rows(found))
    files.write_bytes(directory / CSV, out.getvalue().encode())


def content(found: Sensitivity, *, command: str = "") -> dict[str, Any]:
    """All of an analysis for JSON; what is not a number is null."""
    study = found.study
    plain: dict[str, Any] = _plain(
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
                {"key": axis.key, "unit": axis.unit, "scale": axis.scale, "low": axis.low, "high": axis.high}
                if axis.ordered
                else {"key": axis.key, "values": list(axis.levels)}
                for axis in found.axes
            ],
            "constant_parameters": list(found.fixed),
            "analyses": [_analysis(one) for one in found.analyses],
            "maps": [_map(one) for one in found.maps],
            "command": command,
            "versions": versions(),
        }
    )
    return plain


def rows(found: Sensitivity) -> Iterator[tuple[str, ...]]:
    """The rows of the CSV: every index and every change with its interval."""
    units = {axis.key: axis.unit for axis in found.axes}
    for one in found.analyses:
        head = (one.scenario, one.outcome)
        for key, unit in units.items():
            for name, index in _by_name(one, key).items():
                yield (*head, key, unit, name, *_texts(index.value, index.low, index.high))
            for change in one.changes:
                if change.key == key:
                    low, high = change.interval or (None, None)
                    yield (*head, key, unit, "at low end", *_texts(change.at_low, None, None))
                    yield (*head, key, unit, "at high end", *_texts(change.at_high, None, None))
                    yield (*head, key, unit, "change", *_texts(change.change, low, high))
        for pair in one.indices.pairs if one.indices is not None else ():
            texts = _texts(pair.index.value, pair.index.low, pair.index.high)
            yield (*head, f"{pair.a} × {pair.b}", "", "S2", *texts)
        for name, share in asdict(one.noise).items():
            if name != "points" and share is not None:
                yield (*head, "", "", f"share of variance: {name.replace('_', ' ')}", *_texts(share, None, None))


def _by_name(one: Analysis, key: str) -> Mapping[str, Index]:
    indices = {} if one.indices is None else one.indices.by_parameter.get(key, {})
    return {**indices, **one.regression.by_parameter.get(key, {})}


def _texts(*numbers: float | None) -> list[str]:
    return ["" if number is None or not math.isfinite(number) else repr(float(number)) for number in numbers]


def _analysis(one: Analysis) -> dict[str, Any]:
    regression = one.regression
    return {
        "scenario": one.scenario,
        "outcome": one.outcome,
        "constant": one.constant,
        "values_missing": one.missing,
        "variance": asdict(one.noise),
        "indices": None if one.indices is None else _indices(one.indices),
        "regression": {
            "by_parameter": _nested(regression.by_parameter),
            "r2": regression.r2,
            "r2_of_ranks": regression.r2_ranks,
            "points_used": regression.used,
            "note": regression.note,
        },
        "changes": [asdict(change) for change in one.changes],
    }


def _indices(found: Indices) -> dict[str, Any]:
    return {
        "by_parameter": _nested(found.by_parameter),
        "pairs": [{"a": pair.a, "b": pair.b, "S2": asdict(pair.index)} for pair in found.pairs],
        "used": found.used,
        "planned": found.planned,
        "refused": found.refused,
        "note": found.note,
    }


def _nested(by_parameter: Mapping[str, Mapping[str, Index]]) -> dict[str, dict[str, Any]]:
    return {key: {name: asdict(index) for name, index in found.items()} for key, found in by_parameter.items()}


def _map(one: StateMap) -> dict[str, Any]:
    return {
        "scenario": one.scenario,
        "x": asdict(one.x),
        "y": None if one.y is None else asdict(one.y),
        "runs": one.runs.tolist(),
        "means": {name: values.tolist() for name, values in one.values.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
