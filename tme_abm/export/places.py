"""Where an export goes: one file or one directory, made beside its place and moved there when it is whole.

What is in the way is replaced only when that was asked for, and a directory only if it is an export itself: an option
too many must never empty a home directory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core import files
from ..core.errors import InputError

__all__ = ["METADATA", "WRITTEN_BY", "check_free", "staged"]

METADATA = "metadata.json"
WRITTEN_BY = "tme_abm export"
_STORES = ("zarr.json", ".zgroup")


def check_free(place: Path, *, overwrite: bool) -> None:
    """May something be written to `place`?

    Raises:
        InputError: there is something that must not be replaced, or the disk refuses.
    """
    with files.disk_errors(place, "use the place"):
        if not place.exists():
            return
        if not overwrite:
            raise InputError("is there already; replace it with --overwrite, or choose another place with --out",
                             file=place)
        if place.is_dir() and any(place.iterdir()) and not _is_export(place):
            raise InputError("is a directory that holds no export, so it is not replaced; choose another --out",
                             file=place)


@contextmanager
def staged(place: Path) -> Iterator[Path]:
    """A path beside `place` to write to; what is there at the end goes to `place` in one move.

    Raises:
        InputError: the disk refuses.
    """
    stage = place.with_name(f".{place.stem}.{os.getpid()}.part{place.suffix}")
    with files.disk_errors(place, "write the export"):
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove(stage)
        try:
            yield stage
            _remove(place)
            stage.rename(place)
        finally:
            _remove(stage)


def _is_export(place: Path) -> bool:
    if any((place / name).is_file() for name in _STORES):
        return True
    try:
        return files.read_json(place / METADATA).get("written_by") == WRITTEN_BY
    except InputError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
