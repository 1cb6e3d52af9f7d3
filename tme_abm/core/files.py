"""Files that are whole or not there.

A file is written under a hidden name in its directory, forced to disk, and renamed; a run that is killed at
any moment therefore leaves the old file, the new file or no file under the final name, never half of one.
Arrays go into npz archives whose bytes depend on the arrays alone (fixed dates, fixed order), so that two
runs can be compared byte by byte. Nothing is ever pickled. A full or read-only disk is for the user to mend,
and so an `InputError`. One process at a time writes a directory (`locked`).
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import math
import os
import time
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .errors import InputError

__all__ = [
    "Arrays",
    "check_holds",
    "check_place",
    "csv_line",
    "disk_errors",
    "is_locked",
    "is_temporary",
    "locked",
    "npz_bytes",
    "plain",
    "read_json",
    "read_npz",
    "remove_temporaries",
    "sha256",
    "sync_directory",
    "write_bytes",
    "write_chunks",
    "write_json",
]

Arrays = Mapping[str, NDArray[Any]]

_SUFFIX = ".part"
_DAMAGE = (ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error)
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip archive can hold
_UNIX = 3
_SAMPLE, _WORTH = 1 << 14, 0.8  # bytes tried, and the share of them to which they must shrink
_READABLE = 0o644 << 16


@contextmanager
def disk_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError into an InputError: what could not be done (`doing`), where (`path`), and why."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot {doing}: {error.strerror or error}", file=path) from error


def check_place(path: Path) -> None:
    """Raises InputError if `path` cannot be made a directory: its parent is a file or cannot be written."""
    parent = path
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"cannot be a directory: {parent} is a file", file=path)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"cannot be written: {parent} is read-only or belongs to someone else", file=path)


@contextmanager
def locked(directory: Path, taken: str, *, patience: float = 0.0) -> Iterator[None]:
    """Lock a directory against other processes. The lock is on the directory itself, so it leaves no file, and it ends
    with the process, however that ends. Some systems and disks have no such locks; there it does nothing.

    Raises InputError, with the message `taken`, if another process holds the lock for longer than `patience` seconds.
    """
    if os.name != "posix":
        yield
        return
    with disk_errors(directory, "use the directory"):
        handle = os.open(directory, os.O_RDONLY)
    try:
        until = time.monotonic() + patience
        while not _lock(handle):
            if time.monotonic() >= until:
                raise InputError(taken, file=directory) from BlockingIOError(errno.EAGAIN, "locked")
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        return filelock.lock_descriptor(handle, blocking=False)
    except OSError:  # some network disks have no locks; a run without one is better than none
        return True


def is_locked(directory: Path) -> bool:
    """Whether a process holds the lock of a directory."""
    try:
        with locked(directory, "", patience=0.1):
            return False
    except InputError as error:
        return isinstance(error.__cause__, BlockingIOError)


def check_holds(out: Path, marks: Collection[str], what: str) -> bool:
    """Whether the directory `out` exists and is not empty, apart from half-written files.

    Raises InputError if `out` is a file, or is not empty and has none of the files `marks` that a `what` has.
    """
    with disk_errors(out, "use the directory"):
        if out.exists() and not out.is_dir():
            raise InputError(f"is a file, and a {what} needs a directory", file=out)
        there = {item.name for item in out.iterdir() if not is_temporary(item)} if out.exists() else set()
    if there and there.isdisjoint(marks):
        raise InputError(f"the directory is not empty and holds no {what}; choose another with --out", file=out)
    return bool(there)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one move: the old file stays until the new one is safely on disk.

    Raises InputError if the directory cannot be written or the disk is full.
    """
    write_chunks(path, (content,))


def write_chunks(path: Path, chunks: Iterable[bytes]) -> None:
    """Like `write_bytes`, for content that need not fit in memory."""
    part = path.with_name(f".{path.name}.{os.getpid()}{_SUFFIX}")
    with disk_errors(path, "write the file"):
        try:
            with part.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def csv_line(row: Iterable[object]) -> bytes:
    """One row of a CSV table, with its line end."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(row)
    return buffer.getvalue().encode()


def sync_directory(directory: Path) -> None:
    """Make the renames in a directory survive a power cut, on systems that can do so.

    Once at the end is enough: until then, a lost rename shows as a fingerprint that does not match.
    """
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_temporary(path: Path) -> bool:
    """Whether this is a half-written file of a killed run."""
    return path.name.startswith(".") and path.name.endswith(_SUFFIX)


def remove_temporaries(directory: Path) -> None:
    """Remove the half-written files of killed runs."""
    for path in directory.glob(f".*{_SUFFIX}"):
        with disk_errors(path, "remove a left-over"):
            path.unlink(missing_ok=True)


def sha256(content: bytes) -> str:
    """SHA-256 of a file's content, in hex."""
    return hashlib.sha256(content).hexdigest()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as indented strict JSON (no NaN), in its order."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, text.encode() + b"\n")


def plain(value: Any) -> Any:
    """`value` for JSON: dataclasses become objects, arrays lists, and numbers that are not finite null."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises InputError if the file is missing, unreadable, or not a JSON object."""
    with disk_errors(path, "read the file"):
        content = path.read_bytes()
    try:
        value = json.loads(content)
    except ValueError as error:
        raise InputError(f"not JSON ({error})", file=path) from error
    if not isinstance(value, dict):
        raise InputError("not a JSON object", file=path)
    return value


def npz_bytes(arrays: Arrays, *, effort: int = 1) -> bytes:
    """An npz archive of `arrays` (name -> array of any shape, no objects) whose bytes depend on them and on the
    `effort` of compression, 1 to 9, alone. What would hardly get smaller is stored as it is.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            values = np.asanyarray(arrays[name])
            member = zipfile.ZipInfo(f"{name}.npy", date_time=_DATE)
            member.create_system = _UNIX
            member.external_attr = _READABLE
            content = io.BytesIO()
            npy.write_array(content, values, allow_pickle=False)
            raw = content.getvalue()
            sample = raw[len(raw) // 2 :][:_SAMPLE]
            shrinks = len(zlib.compress(sample, 1)) < _WORTH * len(sample)
            member.compress_type = zipfile.ZIP_DEFLATED if shrinks else zipfile.ZIP_STORED
            archive.writestr(member, raw, compresslevel=effort)
    return buffer.getvalue()


def read_npz(path: Path, expected_sha256: str | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of an npz archive.

    Raises InputError if the file is missing or damaged, has not the expected fingerprint, or holds pickled objects.
    """
    with disk_errors(path, "read the file"):
        content = path.read_bytes()
    if expected_sha256 is not None and sha256(content) != expected_sha256:
        raise InputError("the file is damaged (its fingerprint is not the recorded one)", file=path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except _DAMAGE as error:
        raise InputError(f"the file is damaged or not an npz archive ({error})", file=path) from error
