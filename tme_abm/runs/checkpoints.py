"""The checkpoints of a run: a state to go on from, believed only with everything that was written before it.

A checkpoint is a file of arrays and a note beside it that names the fingerprints of the arrays, of the series so far
and of every snapshot so far. If one of them no longer matches, the checkpoint before it is tried.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..core import files
from ..core.errors import InputError
from .results import CHECKPOINTS, SCHEMA, SERIES, SNAPSHOTS

__all__ = ["Checkpoint", "Checkpoints", "Past", "check_unchanged"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state after `step` steps: the model's arrays, the day they belong to, and the fingerprint of their file."""

    step: int
    day: float
    arrays: dict[str, NDArray[Any]]
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Past:
    """What a run has written before a checkpoint: the bytes of its series, and its snapshots with fingerprints."""

    series: bytes
    snapshots: dict[str, str]


class Checkpoints:
    """The checkpoints in the directory `run`, whose manifest says of which scenario and seed they are."""

    def __init__(self, run: Path, manifest: Mapping[str, Any]) -> None:
        self.run = run
        self.manifest = manifest

    def add(self, step: int, day: float, arrays: files.Arrays, past: Past) -> None:
        """Write the state after `step` steps."""
        content = files.npz_bytes(arrays)
        stem = self.run / CHECKPOINTS / _stem(step)
        files.write_bytes(stem.with_suffix(".npz"), content)
        note = {
            "schema": SCHEMA,
            "scenario_hash": self.manifest["scenario_hash"],
            "seed": self.manifest["seed"],
            "step": step,
            "time_day": day,
            "state_sha256": files.sha256(content),
            "series_bytes": len(past.series),
            "series_sha256": files.sha256(past.series),
            "snapshots": dict(sorted(past.snapshots.items())),
        }
        files.write_json(stem.with_suffix(".json"), note)

    def thin(self, newest: int, keeps: Callable[[int], bool]) -> None:
        """Remove all but the `newest` ones and those whose step `keeps` is true of."""
        kept = {note.stem for note in self._notes()[:newest]}
        for old in self.all_files():
            if old.stem not in kept and not keeps(_step_of(old)):
                old.unlink(missing_ok=True)

    def forget_after(self, step: int | None) -> None:
        """Remove what is later than `step`, everything without one."""
        for file in self.all_files():
            if step is None or file.stem > _stem(step):
                file.unlink()

    def recall(self, step: int | None = None) -> tuple[Checkpoint, Past] | None:
        """The newest checkpoint that can be believed, or that of `step`, and what was written before it.

        None when there is no such checkpoint; InputError when that of `step` is damaged.
        """
        for note in self._notes():
            if step is not None and _step_of(note) != step:
                continue
            try:
                return self._believe(note)
            except InputError as error:
                if step is not None:
                    raise
                logger.warning("%s; going back to the checkpoint before it", str(error).rstrip("."))
        return None

    def steps(self) -> list[int]:
        """The steps of all that are there, in order."""
        return sorted(_step_of(note) for note in self._notes())

    def all_files(self) -> list[Path]:
        """All files of all checkpoints."""
        return sorted((self.run / CHECKPOINTS).glob("step_*.*"))

    def _believe(self, path: Path) -> tuple[Checkpoint, Past]:
        """Read a checkpoint; InputError when it or anything written before it is not what it was."""
        note = files.read_json(path)
        try:
            if (note["schema"], note["scenario_hash"], note["seed"]) != (
                SCHEMA,
                self.manifest["scenario_hash"],
                self.manifest["seed"],
            ):
                raise InputError("the checkpoint is of another run", file=path)
            arrays = files.read_npz(path.with_suffix(".npz"), note["state_sha256"])
            series = self._series_up_to(int(note["series_bytes"]), note["series_sha256"])
            snapshots = dict(note["snapshots"])
            for name, expected in snapshots.items():
                check_unchanged(self.run / SNAPSHOTS / name, expected)
            found = Checkpoint(
                step=int(note["step"]), day=float(note["time_day"]), arrays=arrays, sha256=note["state_sha256"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the checkpoint is damaged ({error!r})", file=path) from error
        return found, Past(series=series, snapshots=snapshots)

    def _series_up_to(self, count: int, expected: str) -> bytes:
        with files.disk_errors(self.run / SERIES, "read the file"):
            content = (self.run / SERIES).read_bytes()[:count]
        if files.sha256(content) != expected:
            raise InputError("the series is not the one that was written", file=self.run / SERIES)
        return content

    def _notes(self) -> list[Path]:
        return sorted((self.run / CHECKPOINTS).glob("step_*.json"), reverse=True)


def check_unchanged(path: Path, expected: str) -> bytes:
    """The content of a file; InputError when its fingerprint is not the one that was noted."""
    with files.disk_errors(path, "read the file"):
        content = path.read_bytes()
    if files.sha256(content) != expected:
        raise InputError("the file is not the one that was written", file=path)
    return content


def _stem(step: int) -> str:
    return f"step_{step:09d}"


def _step_of(path: Path) -> int:
    """The step of a checkpoint, by the name of its file; -1 for a name that is none."""
    number = path.stem.removeprefix("step_")
    return int(number) if number.isdecimal() else -1
