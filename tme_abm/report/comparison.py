"""A comparison as plain frozen values: tumors, their runs, metrics at the end and over time, and what differs.

Nothing is worked out here that a file does not say; pictures of the tissue, which are large, are read when asked for.
A run that failed or lacks a file is kept and named; only its figures are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runs.results import read_snapshot

__all__ = [
    "UNCLASSIFIED", "Comparison", "Contrast", "Course", "Interval", "Run", "Snapshot", "Summary", "Tumor",
]  # fmt: skip

Interval = tuple[float, float]
UNCLASSIFIED = "none"
_FINISHED = "done"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One metric of one scenario at the end: mean over replicates, 95 % interval (or None), the values."""

    mean: float
    ci95: Interval | None
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One paired difference, a minus b."""

    a: str
    b: str
    metric: str
    difference: float
    ci95: Interval | None
    paired_correlation: float | None


@dataclass(frozen=True, kw_only=True)
class Course:
    """One metric over time: days, means and 95 % band, each (n,), NaN where there is nothing to say."""

    days: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The tissue at one moment. Lattice arrays are 2D here: of a 3D tissue, the middle slice."""

    day: float
    spacing: float
    sliced: bool
    tissue_kind: NDArray[np.int64]
    immune_kind: NDArray[np.int64]
    dead: NDArray[np.bool_]
    vessel: NDArray[np.bool_]
    core: NDArray[np.bool_]
    cell_names: tuple[str, ...]
    fields: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: where it is, how it ended, and the files of its pictures by day."""

    scenario: str
    seed: int
    directory: Path
    status: str
    error: str = ""
    snapshots: Mapping[float, Path] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.status == _FINISHED

    def snapshot(self, day: float) -> Snapshot:
        """Read the picture of `day` (a key of `snapshots`); InputError if the file is damaged."""
        arrays = read_snapshot(self.snapshots[day])

        def flat(name: str) -> NDArray[Any]:
            array = arrays[name]
            return array[array.shape[0] // 2] if array.ndim == 3 else array

        return Snapshot(
            day=day,
            spacing=float(arrays["spacing"]),
            sliced=arrays["tissue_kind"].ndim == 3,
            tissue_kind=flat("tissue_kind").astype(np.int64),
            immune_kind=flat("immune_kind").astype(np.int64),
            dead=flat("dead").astype(bool),
            vessel=flat("vessel").astype(bool),
            core=flat("core").astype(bool),
            cell_names=tuple(str(name) for name in arrays["cell_names"]),
            fields={name.removeprefix("field/"): flat(name) for name in sorted(arrays) if name.startswith("field/")},
        )


@dataclass(frozen=True, kw_only=True)
class Tumor:
    """Everything known about one scenario of the comparison."""

    name: str
    title: str
    description: str
    states: Mapping[str, int]
    earlier: Mapping[float, Mapping[str, int]]
    metrics: Mapping[str, Summary]
    courses: Mapping[str, Course]
    runs: tuple[Run, ...]
    resolved: str
    hash: str

    @property
    def replicates(self) -> int:
        """Runs that came to their end."""
        return sum(self.states.values()) or sum(run.finished for run in self.runs)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A whole comparison directory."""

    directory: Path
    tumors: Mapping[str, Tumor]
    contrasts: tuple[Contrast, ...]
    days: float | None
    extra: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The scenarios, in the order they were given."""
        return tuple(self.tumors)

    @property
    def unfinished(self) -> tuple[Run, ...]:
        """Runs that failed or stopped."""
        return tuple(run for tumor in self.tumors.values() for run in tumor.runs if not run.finished)

    @property
    def partings(self) -> tuple[float, ...]:
        """The days on which arms of one tissue parted; none where the tumors never were one."""
        branched = self.extra.get("branched")
        return tuple(float(day) for day in branched["days"]) if isinstance(branched, Mapping) else ()

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """Cell types measured, in the order they were recorded."""
        metrics = [metric for tumor in self.tumors.values() for metric in tumor.metrics]
        counts = (m for m in metrics if m.endswith(" cells") and not m.startswith("dead "))
        return tuple(dict.fromkeys(metric.removesuffix(" cells") for metric in counts))
