"""Read the files of a run, finished or not: manifest, series, pictures.

The names of the files are defined here; `directory` writes them.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import files
from ..core.errors import InputError

__all__ = ["Series", "list_snapshots", "read_manifest", "read_series", "snapshot_name"]

SCHEMA = 1
MANIFEST = "manifest.json"
RESOLVED = "scenario.resolved.toml"
SERIES = "series.csv"
SNAPSHOTS = "snapshots"
CHECKPOINTS = "checkpoint"
LOG = "run.log"

HEADER = ("time_day", "metric", "value")


@dataclass(frozen=True, kw_only=True)
class Series:
    """The metrics of a run over time: times in days (n,), and the values (n,) of each metric, NaN if not measured."""

    times: NDArray[np.float64]
    metrics: dict[str, NDArray[np.float64]]

    def row(self, day: float) -> dict[str, float] | None:
        """All metrics at the last time not after `day`; None before the first time."""
        index = int(np.searchsorted(self.times, day + 1e-9, side="right")) - 1
        return None if index < 0 else self._row(index)

    def last(self) -> dict[str, float]:
        """All metrics at the last time."""
        return self._row(-1) if self.times.size else {}

    def _row(self, index: int) -> dict[str, float]:
        return {name: float(values[index]) for name, values in self.metrics.items()}


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a run. Raises InputError if `directory` does not exist or is not the directory of a run."""
    if not directory.is_dir():
        raise InputError("there is no such directory", file=directory)
    if not (directory / MANIFEST).is_file():
        raise InputError(f"is not the directory of a run (it has no {MANIFEST})", file=directory)
    manifest = files.read_json(directory / MANIFEST)
    missing = {"schema", "scenario", "scenario_hash", "seed", "days", "status"} - manifest.keys()
    if missing:
        raise InputError(f"is not a run's manifest: no {', '.join(sorted(missing))}", file=directory / MANIFEST)
    if manifest["schema"] != SCHEMA:
        raise InputError(
            f"was written in format {manifest['schema']}, and this version reads format {SCHEMA}",
            file=directory / MANIFEST,
        )
    kinds: dict[str, Any] = {"scenario": str, "scenario_hash": str, "seed": int, "days": (int, float)}
    wrong = [name for name, kind in kinds.items() if not isinstance(manifest[name], kind)]
    if wrong:
        raise InputError(f"is not a run's manifest: no such {', '.join(wrong)}", file=directory / MANIFEST)
    return manifest


def read_series(directory: Path) -> Series:
    """The series of a run. Raises InputError if its file is missing or not a series."""
    path = directory / SERIES
    with files.disk_errors(path, "read the file"):
        text = path.read_text(encoding="utf-8")
    table: dict[str, dict[float, float]] = {}
    times: dict[float, None] = {}
    try:
        rows = csv.reader(io.StringIO(text))
        if tuple(next(rows, ())) != HEADER:
            raise ValueError(f"the first line is not {','.join(HEADER)}")
        for day, metric, value in rows:
            times[float(day)] = None
            table.setdefault(metric, {})[float(day)] = float(value)
    except ValueError as error:
        raise InputError(f"not a series ({error})", file=path) from error
    metrics = {
        name: np.array([column.get(day, math.nan) for day in times], dtype=np.float64) for name, column in table.items()
    }
    return Series(times=np.array(list(times), dtype=np.float64), metrics=metrics)


def snapshot_name(step: int, day: float) -> str:
    """The file name of the picture after `step` steps; the day is for readers, the step makes it unique."""
    return f"day_{day:09.5f}_step_{step:09d}.npz"


def list_snapshots(directory: Path) -> list[tuple[float, Path]]:
    """The pictures of a run as (day, file), in order of time. Earlier versions named the files by the day alone."""
    found = (directory / SNAPSHOTS).glob("day_*.npz")
    return sorted((float(path.stem.split("_")[1]), path) for path in found)
