"""From a run directory to files of another tool: which pictures, by which writer, to which place.

An export is one file or one directory, made beside its place and moved there when it is whole. What is in the way is
replaced only when that was asked for, and a directory only if it is an export itself: an option too many must never
empty a home directory.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core import files
from ..core.errors import InputError
from . import csv_tables, physicell, scverse
from .source import METADATA, WRITTEN_BY, read_source

__all__ = ["FORMATS", "export"]

EXPORTS = "export"  # the directory inside that of the run
_STORES = ("zarr.json", ".zgroup")


ONE_EACH = {"anndata": (".h5ad", scverse.write_anndata), "spatialdata": (".zarr", scverse.write_spatialdata)}
"""The formats with a file or store for each picture: its suffix and writer. Each needs the package of its own name."""
TOGETHER = {"csv": csv_tables.write, "physicell": physicell.write}
"""The formats with one directory for all pictures, and their writers."""
FORMATS = (*ONE_EACH, *TOGETHER)


def export(
    directory: Path,
    to: str,
    *,
    day: float | None = None,
    every: bool = False,
    out: Path | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write the last picture of the run in `directory`, or that of `day`, or `every` one, and return where they are.

    `out` is a directory, or (for one picture as AnnData or SpatialData) a file by its ending; `export/` in the run's
    directory by default.

    Raises:
        InputError: what was asked for is not there, the place is taken, or the extra of the format is not installed.
    """
    if to not in FORMATS:
        raise InputError(f"no format '{to}'", place="--to", allowed=FORMATS, word=to)
    if every and day is not None:
        raise InputError("choose one of --day and --all")
    source = read_source(directory)
    pictures = source.pictures(day, every=every)
    if to in TOGETHER:
        place = out or directory / EXPORTS / to
        _check_free(place, overwrite=overwrite)
        with _staged(place) as stage:
            stage.mkdir()
            TOGETHER[to](source, pictures, stage)
        return [place]
    suffix, write = ONE_EACH[to]
    _check_installed(to)
    places = [(out or directory / EXPORTS) / f"{picture.stem}{suffix}" for picture in pictures]
    if out is not None and out.suffix == suffix:
        if every:
            raise InputError(f"--all writes several files, and {out} is one; name a directory", place="--out")
        places = [out]
    for place in places:
        _check_free(place, overwrite=overwrite)
    for place, picture in zip(places, pictures, strict=True):
        with _staged(place) as stage:
            write(source, source.open(picture), stage)
    return places


def _check_installed(name: str) -> None:
    try:
        importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"needs the package {name}, which cannot be imported ({error}); "
            f"the extra '{name}' brings it: pip install 'tme_abm[{name}]'",
            place=f"--to {name}",
        ) from error


def _check_free(place: Path, *, overwrite: bool) -> None:
    """Raises InputError if `place` holds something that must not be replaced, or cannot be read."""
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
def _staged(place: Path) -> Iterator[Path]:
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
