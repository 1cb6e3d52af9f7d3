"""The directory of a run, which is whole at every moment.

`manifest.json` holds what ran and how it ended, `scenario.resolved.toml` all values of the scenario, `series.csv`
(time_day, metric, value) the metrics over time, `snapshots/` pictures of the tissue, `checkpoint/` states to go on
from. Metrics and states are exact; the fields in pictures are rounded (see `observe.snapshot`). All but the manifest
and the log depend on scenario and seed alone, byte for byte.

A checkpoint is a file of arrays and a note with the fingerprints of the arrays, of the series so far and of every
snapshot so far. If one of them does not match, the checkpoint before it is tried; without any, a run starts again from
the first step, which leads to the same bytes.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..core import files
from ..core.errors import InputError
from .results import (
    CHECKPOINTS,
    HEADER,
    LOG,
    MANIFEST,
    RESOLVED,
    SCHEMA,
    SERIES,
    SNAPSHOTS,
    read_manifest,
    snapshot_name,
)  # fmt: skip

__all__ = ["SNAPSHOT_EFFORT", "Checkpoint", "RunDirectory"]

logger = logging.getLogger(__name__)

SNAPSHOT_EFFORT = 4  # of compression: a tenth smaller than with 1, at twice the time, some 40 ms a picture
_GENERATIONS = 2


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state after `step` steps: the model's arrays, the day they belong to, and the fingerprint of their file."""

    step: int
    day: float
    arrays: dict[str, NDArray[Any]]
    sha256: str


class RunDirectory:
    """One run on disk, open for writing."""

    _series: bytearray
    _snapshots: dict[str, str]

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.keeps: Callable[[int], bool] = lambda step: False  # whether the checkpoint of a step is kept for good
        self._forget()

    @staticmethod
    def check_free(path: Path, *, overwrite: bool = False) -> None:
        """Raises InputError if `path` cannot be the directory of a new run.

        It holds something else or, without `overwrite`, a run; it is a file; or it cannot be written.
        """
        if files.check_holds(path, (MANIFEST,), "run") and not overwrite:
            raise InputError(
                "holds a run already; go on with it by --resume, replace it with --overwrite, "
                "or choose another directory with --out",
                file=path,
            )
        files.check_place(path)

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        manifest: Mapping[str, Any],
        resolved: str,
        overwrite: bool = False,
        past: Callable[[RunDirectory], None] = lambda run: None,
    ) -> RunDirectory:
        """Begin a run: write its manifest and its resolved scenario, before anything is simulated.

        `past` writes the earlier part of a branch into the directory before the directory appears.
        """
        cls.check_free(path, overwrite=overwrite)
        run = cls(path, {"schema": SCHEMA, **manifest})
        with files.disk_errors(path, "create the directory"):
            if path.exists():
                with run.locked():
                    for old in (*run._checkpoint_files(), *run._snapshot_files(), path / SERIES, path / LOG):
                        old.unlink(missing_ok=True)
                    run._begin(resolved)
                    past(run)
                return run
            path.parent.mkdir(parents=True, exist_ok=True)
            # A directory that appears with its manifest inside is a run from the first moment it is seen.
            run.path = path.with_name(f".{path.name}.{os.getpid()}.part")
            shutil.rmtree(run.path, ignore_errors=True)
            try:
                run.path.mkdir()
                run._begin(resolved)
                past(run)
                run.path.rename(path)
            except InputError as error:
                raise error.at(file=path) from error
            finally:
                shutil.rmtree(run.path, ignore_errors=True)
                run.path = path
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """The run in `path`. Raises InputError if it is not a run directory, or its scenario was changed by hand."""
        run = cls(path, read_manifest(path))
        expected = run.manifest.get("resolved_sha256")
        _check_unchanged(path / RESOLVED, expected, "is not the scenario this run was begun with")
        return run

    def _begin(self, resolved: str) -> None:
        content = resolved.encode()
        self.manifest["resolved_sha256"] = files.sha256(content)
        (self.path / SNAPSHOTS).mkdir(exist_ok=True)
        (self.path / CHECKPOINTS).mkdir(exist_ok=True)
        files.write_bytes(self.path / RESOLVED, content)
        files.write_json(self.path / MANIFEST, self.manifest)

    def locked(self) -> AbstractContextManager[None]:
        """A context in which no other process can write this run."""
        return files.locked(self.path, "another process is writing this run")

    def update_manifest(self, **changes: Any) -> None:
        """Change entries of the manifest and write it."""
        self.manifest.update(changes)
        files.write_json(self.path / MANIFEST, self.manifest)

    def settle(self) -> None:
        """Make the files survive a power cut."""
        for directory in (self.path / SNAPSHOTS, self.path / CHECKPOINTS, self.path):
            with files.disk_errors(directory, "write the directory"):
                files.sync_directory(directory)

    # ---------------------------------------------------------------- series and snapshots

    @property
    def is_blank(self) -> bool:
        """Whether no row has been recorded yet."""
        return bytes(self._series) == files.csv_line(HEADER)

    def add_row(self, day: float, measures: Mapping[str, float]) -> None:
        """Append the metrics of one time to the series, in memory until `flush`."""
        for metric, value in measures.items():
            self._series += files.csv_line((repr(float(day)), metric, repr(float(value))))

    def flush(self) -> None:
        """Write the series so far to disk."""
        files.write_bytes(self.path / SERIES, bytes(self._series))

    def add_snapshot(self, step: int, day: float, arrays: files.Arrays) -> None:
        """Write one picture of the tissue."""
        content = files.npz_bytes(arrays, effort=SNAPSHOT_EFFORT)
        name = snapshot_name(step, day)
        files.write_bytes(self.path / SNAPSHOTS / name, content)
        self._snapshots[name] = files.sha256(content)

    def inherit(self, other: RunDirectory) -> None:
        """Copy the series and the pictures of another run, up to the checkpoint that it recalled."""
        for name, expected in other._snapshots.items():
            content = _check_unchanged(other.path / SNAPSHOTS / name, expected)
            files.write_bytes(self.path / SNAPSHOTS / name, content)
        self._series, self._snapshots = bytearray(other._series), dict(other._snapshots)

    def _forget(self) -> None:
        self._series, self._snapshots = bytearray(files.csv_line(HEADER)), {}

    def _snapshot_files(self) -> list[Path]:
        return sorted((self.path / SNAPSHOTS).glob("day_*.npz"))

    # ---------------------------------------------------------------- checkpoints

    def add_checkpoint(self, step: int, day: float, arrays: files.Arrays, *, last: bool = False) -> None:
        """Write the state after `step` steps. Delete earlier ones except the one before it, which the `last` does not
        need, and those that are kept for good."""
        self.flush()
        content = files.npz_bytes(arrays)
        stem = self.path / CHECKPOINTS / f"step_{step:09d}"
        files.write_bytes(stem.with_suffix(".npz"), content)
        note = {
            "schema": SCHEMA,
            "scenario_hash": self.manifest["scenario_hash"],
            "seed": self.manifest["seed"],
            "step": step,
            "time_day": day,
            "state_sha256": files.sha256(content),
            "series_bytes": len(self._series),
            "series_sha256": files.sha256(bytes(self._series)),
            "snapshots": dict(sorted(self._snapshots.items())),
        }
        files.write_json(stem.with_suffix(".json"), note)
        newest = self.kept()[-(1 if last else _GENERATIONS) :]
        for old in self._checkpoint_files():
            if _step_of(old) not in newest and not self.keeps(_step_of(old)):
                old.unlink(missing_ok=True)

    def kept(self) -> list[int]:
        """The steps of all checkpoints on disk, in order."""
        return [_step_of(file) for file in self._checkpoint_files() if file.suffix == ".json"]

    def restore(self) -> Checkpoint | None:
        """The newest undamaged checkpoint; everything that was written after it is deleted.

        None if there is no such checkpoint; then everything but the manifest is deleted.
        """
        for directory in (self.path, self.path / SNAPSHOTS, self.path / CHECKPOINTS):
            with files.disk_errors(directory, "create the directory"):
                directory.mkdir(exist_ok=True)
            files.remove_temporaries(directory)
        found = self.recall()
        last = -1 if found is None else found.step
        with files.disk_errors(self.path, "remove a later file"):
            for file in self._snapshot_files():
                if file.name not in self._snapshots:
                    file.unlink()
            for file in self._checkpoint_files():
                if found is None or _step_of(file) > last:
                    file.unlink()
        return found

    def recall(self, step: int | None = None) -> Checkpoint | None:
        """The newest undamaged checkpoint, or that of `step`; None if there is no such checkpoint. Changes no file.

        Raises InputError if the checkpoint of `step` is damaged.
        """
        for note in reversed([file for file in self._checkpoint_files() if file.suffix == ".json"]):
            if step is not None and _step_of(note) != step:
                continue
            try:
                return self._checked(note)
            except InputError as error:
                if step is not None:
                    raise
                logger.warning("%s; going back to the checkpoint before it", str(error).rstrip("."))
        self._forget()
        return None

    def _checked(self, path: Path) -> Checkpoint:
        """The checkpoint of a note. Raises InputError if it, or a file written before it, is not as it was written."""
        note = files.read_json(path)
        try:
            if any(note[key] != self.manifest[key] for key in ("schema", "scenario_hash", "seed")):
                raise InputError("the checkpoint is of another run", file=path)
            arrays = files.read_npz(path.with_suffix(".npz"), note["state_sha256"])
            series = _check_unchanged(
                self.path / SERIES, note["series_sha256"], "the series is not the one that was written",
                end=int(note["series_bytes"]),
            )  # fmt: skip
            snapshots = dict(note["snapshots"])
            for name, expected in snapshots.items():
                _check_unchanged(self.path / SNAPSHOTS / name, expected)
            found = Checkpoint(
                step=int(note["step"]), day=float(note["time_day"]), arrays=arrays, sha256=note["state_sha256"]
            )
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the checkpoint is damaged ({error!r})", file=path) from error
        self._series, self._snapshots = bytearray(series), snapshots
        return found

    def _checkpoint_files(self) -> list[Path]:
        return sorted((self.path / CHECKPOINTS).glob("step_*.*"))


def _check_unchanged(
    path: Path, expected: str | None, what: str = "the file is not the one that was written", *, end: int | None = None
) -> bytes:
    """The content of a file (up to `end`). Raises InputError(`what`) if its fingerprint is not the expected one."""
    with files.disk_errors(path, "read the file"):
        content = path.read_bytes()[:end]
    if files.sha256(content) != expected:
        raise InputError(what, file=path)
    return content


def _step_of(path: Path) -> int:
    """The step in the name of a checkpoint's file; −1 for any other name."""
    number = path.stem.removeprefix("step_")
    return int(number) if number.isdecimal() else -1
