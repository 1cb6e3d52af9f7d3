"""A run is a directory, and the directory is whole at every moment.

`manifest.json` says what ran and how it went, `scenario.resolved.toml` with which values, `series.csv`
(time_day, metric, value) what was measured, `snapshots/` what the tissue looked like, `checkpoint/` where
to go on. All but the manifest and the log depend on scenario and seed alone, byte for byte.

Without a checkpoint that can be believed (`checkpoints`) a run starts again from the first step, which leads to the
same bytes.
"""

from __future__ import annotations

import csv
import io
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core import files
from ..core.errors import InputError
from .checkpoints import Checkpoint, Checkpoints, Past, check_unchanged
from .results import CHECKPOINTS, HEADER, LOG, MANIFEST, RESOLVED, SCHEMA, SERIES, SNAPSHOTS, read_manifest

__all__ = ["RunDirectory"]

logger = logging.getLogger(__name__)

_GENERATIONS = 2


class RunDirectory:
    """One run on disk, open for writing."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self._series = bytearray(_line(HEADER))
        self._snapshots: dict[str, str] = {}
        self.keeps: Callable[[int], bool] = lambda step: False  # is the checkpoint of this step kept for good?

    @staticmethod
    def check_free(path: Path, *, overwrite: bool = False) -> None:
        """May a new run go here? Yes where there is nothing, and with `overwrite` where there is a run.

        Raises:
            InputError: something is there already, or the place cannot be written.
        """
        with files.disk_errors(path, "use the directory"):
            if path.exists() and not path.is_dir():
                raise InputError("is a file, and a run needs a directory", file=path)
            there = [item for item in path.iterdir() if not files.is_temporary(item)] if path.exists() else []
        if there and not (path / MANIFEST).is_file():
            raise InputError("the directory is not empty and holds no run; choose another with --out", file=path)
        if there and not overwrite:
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
        past: Callable[[RunDirectory], None] | None = None,
    ) -> RunDirectory:
        """Begin a run: its manifest and its resolved scenario, before anything is simulated.

        `past` writes what happened before the run begins; the directory does not appear without it.
        """
        cls.check_free(path, overwrite=overwrite)
        run = cls(path, {"schema": SCHEMA, **manifest})
        with files.disk_errors(path, "create the directory"):
            if path.exists():
                with run.locked():
                    run._clear()
                    run._begin(path, resolved)
                    if past is not None:
                        past(run)
                return run
            path.parent.mkdir(parents=True, exist_ok=True)
            # A directory that appears with its manifest inside is a run from the first moment it is seen.
            stage = path.with_name(f".{path.name}.{os.getpid()}.part")
            shutil.rmtree(stage, ignore_errors=True)
            try:
                stage.mkdir()
                run._begin(stage, resolved)
                if past is not None:
                    run.path = stage
                    past(run)
                stage.rename(path)
            except InputError as error:
                raise error.at(file=path) from error
            finally:
                run.path = path
                shutil.rmtree(stage, ignore_errors=True)
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Take up a run that was begun.

        Raises:
            InputError: not a run directory, or one that was changed by hand.
        """
        manifest = read_manifest(path)
        run = cls(path, manifest)
        with files.disk_errors(path / RESOLVED, "read the file"):
            resolved = (path / RESOLVED).read_bytes()
        if files.sha256(resolved) != manifest.get("resolved_sha256"):
            raise InputError("is not the scenario this run was begun with", file=path / RESOLVED)
        return run

    def _begin(self, directory: Path, resolved: str) -> None:
        content = resolved.encode()
        self.manifest["resolved_sha256"] = files.sha256(content)
        (directory / SNAPSHOTS).mkdir(exist_ok=True)
        (directory / CHECKPOINTS).mkdir(exist_ok=True)
        files.write_bytes(directory / RESOLVED, content)
        files.write_json(directory / MANIFEST, self.manifest)

    def _clear(self) -> None:
        for old in (*self._checkpoints.all_files(), *self._snapshot_files(), self.path / SERIES, self.path / LOG):
            old.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second process out; the lock goes with the process, however it ends."""
        if os.name != "posix":
            yield
            return
        import fcntl

        handle = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError("another process is writing this run", file=self.path) from error
            except OSError as error:  # some network disks have no locks; a run without one is better than none
                logger.warning("cannot lock %s: %s", self.path, error)
            yield
        finally:
            os.close(handle)

    def update_manifest(self, **changes: Any) -> None:
        """Change entries of the manifest and write it."""
        self.manifest.update(changes)
        files.write_json(self.path / MANIFEST, self.manifest)

    def settle(self) -> None:
        """All is written: see to it that it outlasts a power cut."""
        for directory in (self.path / SNAPSHOTS, self.path / CHECKPOINTS, self.path):
            with files.disk_errors(directory, "write the directory"):
                files.sync_directory(directory)

    def add_row(self, day: float, measures: Mapping[str, float]) -> None:
        """Append one time to the series (in memory until `flush`)."""
        for metric, value in measures.items():
            self._series += _line((repr(float(day)), metric, repr(float(value))))

    def flush(self) -> None:
        """Write the series as far as it goes."""
        files.write_bytes(self.path / SERIES, bytes(self._series))

    def add_snapshot(self, day: float, arrays: files.Arrays) -> None:
        """Write one picture of the tissue."""
        content = files.npz_bytes(arrays)
        name = f"day_{day:07.3f}.npz"
        files.write_bytes(self.path / SNAPSHOTS / name, content)
        self._snapshots[name] = files.sha256(content)

    def add_checkpoint(self, step: int, day: float, arrays: files.Arrays, *, last: bool = False) -> None:
        """Write the state after `step` steps; keep the one before it as well, unless this is the `last`, and those
        that are kept for good."""
        self.flush()
        self._checkpoints.add(step, day, arrays, Past(series=bytes(self._series), snapshots=self._snapshots))
        self._checkpoints.thin(1 if last else _GENERATIONS, self.keeps)

    def restore(self) -> Checkpoint | None:
        """Go back to the newest checkpoint that can be believed, and forget what was written after it.

        None when there is no such checkpoint; then everything but the manifest is forgotten.
        """
        for directory in (self.path, self.path / SNAPSHOTS, self.path / CHECKPOINTS):
            with files.disk_errors(directory, "create the directory"):
                directory.mkdir(exist_ok=True)
            files.remove_temporaries(directory)
        found = self.recall()
        with files.disk_errors(self.path, "remove a later file"):
            for snapshot in self._snapshot_files():
                if snapshot.name not in self._snapshots:
                    snapshot.unlink()
            self._checkpoints.forget_after(None if found is None else found.step)
        return found

    def recall(self, step: int | None = None) -> Checkpoint | None:
        """The newest checkpoint that can be believed, or that of `step`; nothing on disk is changed.

        None when there is no such checkpoint; InputError when that of `step` is damaged.
        """
        found = self._checkpoints.recall(step)
        if found is None:
            self._series, self._snapshots = bytearray(_line(HEADER)), {}
            return None
        checkpoint, past = found
        self._series, self._snapshots = bytearray(past.series), dict(past.snapshots)
        return checkpoint

    def kept(self) -> list[int]:
        """The steps of all checkpoints that are there, in order."""
        return self._checkpoints.steps()

    def inherit(self, other: RunDirectory) -> None:
        """Take over the series and the pictures of another run up to the checkpoint that it recalled."""
        for name, expected in other._snapshots.items():
            content = check_unchanged(other.path / SNAPSHOTS / name, expected)
            files.write_bytes(self.path / SNAPSHOTS / name, content)
        self._series, self._snapshots = bytearray(other._series), dict(other._snapshots)

    @property
    def _checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path, self.manifest)

    def _snapshot_files(self) -> list[Path]:
        return sorted((self.path / SNAPSHOTS).glob("day_*.npz"))


def _line(row: tuple[str, ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(row)
    return buffer.getvalue().encode()
