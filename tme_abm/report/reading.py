"""What a comparison directory holds, read once into the values of `comparison`.

The report never runs a model: everything it says comes from `comparison.json`, from `time_courses.json` and from
the snapshots in the run directories, so that a report can be written again from results alone.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compare.compare import COMPARISON, TIME_COURSES
from ..core.errors import InputError
from ..core.files import read_json
from ..runs.results import MANIFEST, RESOLVED, list_snapshots
from .comparison import UNCLASSIFIED, Comparison, Contrast, Course, Interval, Run, Summary, Tumor

__all__ = ["read_comparison", "resolved_values"]


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
