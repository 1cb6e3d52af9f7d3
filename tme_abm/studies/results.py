"""The directory of a study, read back: its plan and the results so far. It can be read while the study runs."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import files
from ..core.errors import InputError
from .directory import DESIGN, OUTCOME_COLUMNS, RUN_TABLE, read_summary
from .parameters import Parameter

__all__ = ["StudyResults", "check_known", "read_study"]


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """A study and its results up to now. Points and seeds are in the order of the plan."""

    directory: Path
    name: str
    title: str
    scenarios: tuple[str, ...]
    seeds: tuple[int, ...]
    days: float
    kind: str
    samples: int
    design_seed: int
    parameters: tuple[Parameter, ...]
    metrics: tuple[str, ...]
    design: dict[str, list[float | str]]
    runs: list[dict[str, Any]]
    packs: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """The number of design points."""
        return len(self.runs) // (len(self.scenarios) * len(self.seeds))

    def table(self, metric: str, scenario: str) -> NDArray[np.float64]:
        """A metric at the last day (points, seeds), NaN where there is no result.

        Raises:
            InputError: no such metric or scenario.
        """
        check_known([metric], self.metrics, "the study has no metric")
        found = np.full((self.points, len(self.seeds)), np.nan)
        for row, replicate in self._of(scenario):
            found[row["point"], replicate] = row[metric]
        return found

    def states(self, scenario: str) -> NDArray[np.str_]:
        """The state at the last day (points, seeds), "" where there is no result."""
        found = np.full((self.points, len(self.seeds)), "", dtype="U16")
        for row, replicate in self._of(scenario):
            found[row["point"], replicate] = row["state"]
        return found

    def _of(self, scenario: str) -> list[tuple[dict[str, Any], int]]:
        check_known([scenario], self.scenarios, "the study has no scenario")
        place = {seed: number for number, seed in enumerate(self.seeds)}
        return [(row, place[row["seed"]]) for row in self.runs if row["scenario"] == scenario]


def read_study(directory: Path) -> StudyResults:
    """The study in a directory.

    Raises:
        InputError: `directory` is not the directory of a study, or its tables are damaged.
    """
    summary = read_summary(directory)
    try:
        parameters = tuple(
            Parameter(**{**one, "values": tuple(one["values"])}) for one in summary["parameters"]
        )
        metrics = tuple(summary["metrics"])
        return StudyResults(
            directory=directory,
            name=summary["name"],
            title=summary["title"],
            scenarios=tuple(summary["scenarios"]),
            seeds=tuple(summary["seeds"]),
            packs=dict(summary.get("packs", {})),
            days=float(summary["days"]),
            kind=summary["design"]["kind"],
            samples=int(summary["design"].get("samples") or 0),
            design_seed=int(summary["design"].get("seed") or 0),
            parameters=parameters,
            metrics=metrics,
            design=_design(directory / DESIGN, parameters),
            runs=[_run(row, parameters, metrics, directory) for row in _rows(directory / RUN_TABLE)],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"its tables are damaged ({error!r}); the command batch writes them anew from the runs", file=directory
        ) from error


def _design(path: Path, parameters: tuple[Parameter, ...]) -> dict[str, list[float | str]]:
    rows = _rows(path)
    return {one.key: [_value(row[one.key], one.ordered) for row in rows] for one in parameters}


def _run(
    row: Mapping[str, str], parameters: tuple[Parameter, ...], metrics: tuple[str, ...], directory: Path
) -> dict[str, Any]:
    found: dict[str, Any] = {"point": int(row["point"]), "scenario": row["scenario"], "seed": int(row["seed"])}
    found |= {name: row[name] for name in OUTCOME_COLUMNS}
    found["directory"] = directory / row["directory"]
    found |= {one.key: _value(row[one.key], one.ordered) for one in parameters}
    found |= {name: float(row[name]) if row[name] else math.nan for name in metrics}
    return found


def _value(text: str, numeric: bool) -> float | str:
    return float(text) if numeric else text


def _rows(path: Path) -> list[dict[str, str]]:
    with files.disk_errors(path, "read the file"):
        text = path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    if any(None in row.values() or None in row for row in rows):
        raise ValueError(f"{path.name} has a broken row")
    return rows


def check_known(words: Iterable[str], allowed: Sequence[str], refusal: str, *, place: str = "") -> None:
    """Raises InputError, with `refusal` and the word, for the first of `words` that is not `allowed`."""
    for word in words:
        if word not in allowed:
            raise InputError(f"{refusal} '{word}'", place=place, allowed=allowed, word=word)
