"""What a comparison directory holds, read once into plain frozen values.

The report never runs a model: everything it says comes from `comparison.json`, from `time_courses.json` and from
the snapshots in the run directories, so that a report can be written again from results alone. A run that
failed or lacks a file is kept and named; only its figures are missing.
"""

from __future__ import annotations

import logging
import math
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..experiments.compare import COMPARISON, TIME_COURSES
from ..experiments.files import read_json
from ..experiments.results import MANIFEST, RESOLVED, list_snapshots, read_snapshot

__all__ = [
    "Comparison", "Contrast", "Course", "Run", "Snapshot", "Summary", "Tumor", "read_comparison", "resolved_values",
]  # fmt: skip

logger = logging.getLogger(__name__)

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


def read_comparison(directory: Path) -> Comparison:
    """Read a comparison and list the runs beside it; InputError if it is not one."""
    source = directory / COMPARISON
    raw = read_json(source)
    scenarios = raw.get("scenarios")
    if not isinstance(scenarios, dict) or not scenarios:
        raise InputError("names no scenario", file=source, place="scenarios")
    timed = directory / TIME_COURSES
    courses = read_json(timed).get("scenarios", {}) if timed.is_file() else {}
    try:
        return Comparison(
            directory=directory,
            tumors={n: _tumor(directory, n, entry, courses.get(n, {})) for n, entry in scenarios.items()},
            contrasts=tuple(_contrast(entry) for entry in raw.get("contrasts", ())),
            days=raw.get("days"),
            extra={key: value for key, value in raw.items() if key not in {"scenarios", "contrasts", "days"}},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"is not a comparison ({type(error).__name__}: {error})", file=source) from error


def resolved_values(text: str) -> dict[str, str]:
    """A resolved scenario as flat "a.b.c" -> text, in file order; empty for text that is not TOML."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    flat: dict[str, str] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}.{key}" if prefix else key, inner)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for i, inner in enumerate(value, start=1):
                walk(f"{prefix} {i}", inner)
        elif isinstance(value, list) and prefix.startswith("slide.places_um."):
            flat[prefix] = f"{len(value) // 2} places"  # slide.sha256 tells whether they are the same
        elif isinstance(value, list):
            flat[prefix] = (" × " if prefix.endswith("shape") else ", ").join(map(str, value))
        else:
            flat[prefix] = str(value)

    walk("", tree)
    return flat


def _tumor(directory: Path, name: str, entry: Mapping[str, Any], timed: Mapping[str, Any]) -> Tumor:
    runs = tuple(_runs(directory, name, entry))
    states = {state: int(count) for state, count in entry.get("state", {}).items()}
    if entry.get("unclassified"):
        states[UNCLASSIFIED] = int(entry["unclassified"])
    by_day = {float(day): found for day, found in entry.get("states", {}).items()}
    earlier = {day: Counter(s for s in by_day[day] if s) for day in sorted(by_day)[:-1]}
    return Tumor(
        name=name,
        title=entry.get("title", ""),
        description=entry.get("description", ""),
        states=states,
        earlier=earlier,
        metrics={metric: _summary(found) for metric, found in entry.get("metrics", {}).items()},
        courses=_courses(timed),
        runs=runs,
        resolved=entry.get("resolved") or _resolved_text(runs),
        hash=entry.get("hash", ""),
    )


def _runs(directory: Path, name: str, entry: Mapping[str, Any]) -> list[Run]:
    """The runs the comparison lists, or, if it lists none, those found in their place."""
    listed = entry.get("runs")
    if listed is None:
        places = sorted(path for path in (directory / "runs" / name).glob("seed_*") if path.is_dir())
        listed = [{"directory": path.relative_to(directory).as_posix()} for path in places]
    runs = []
    for item in listed:
        place = directory / item["directory"]
        manifest = read_json(place / MANIFEST) if (place / MANIFEST).is_file() else {}
        runs.append(
            Run(
                scenario=name,
                seed=int(item.get("seed", manifest.get("seed", place.name.rpartition("_")[2]))),
                directory=place,
                status=item.get("status") or manifest.get("status", "missing"),
                error=item.get("error") or manifest.get("error") or "",
                snapshots=dict(list_snapshots(place)),
            )
        )
    return runs


def _resolved_text(runs: Sequence[Run]) -> str:
    paths = (run.directory / RESOLVED for run in runs)
    return next((path.read_text(encoding="utf-8") for path in paths if path.is_file()), "")


def _summary(entry: Mapping[str, Any]) -> Summary:
    values = tuple(_number(value) for value in entry.get("values", ()))
    return Summary(mean=_number(entry["mean"]), ci95=_interval(entry.get("ci95")), values=values)


def _contrast(entry: Mapping[str, Any]) -> Contrast:
    return Contrast(
        a=entry["a"],
        b=entry["b"],
        metric=entry["metric"],
        difference=_number(entry["difference"]),
        ci95=_interval(entry.get("ci95")),
        paired_correlation=entry.get("paired_correlation"),
    )


def _courses(timed: Mapping[str, Any]) -> dict[str, Course]:
    days = _array(timed.get("days", ()))
    return {
        metric: Course(days=days, **{side: _array(found[side]) for side in ("mean", "low", "high")})
        for metric, found in timed.get("metrics", {}).items()
    }


def _array(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([_number(value) for value in values], dtype=np.float64)


def _interval(raw: Any) -> Interval | None:
    if not isinstance(raw, Sequence) or len(raw) != 2 or any(end is None for end in raw):
        return None
    low, high = float(raw[0]), float(raw[1])
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _number(raw: float | None) -> float:
    return math.nan if raw is None else float(raw)
