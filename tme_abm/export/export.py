"""From a run directory to files of another tool: which pictures, by which writer, to which place.

An export is one file or one directory, made beside its place and moved there when it is whole. What is in the way is
replaced only when that was asked for, and a directory only if it is an export itself: an option too many must never
empty a home directory.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core import files
from ..core.errors import InputError
from . import csv_tables, physicell, scverse
from .source import METADATA, WRITTEN_BY, Picture, Source, read_source

__all__ = ["FORMATS", "export"]

EXPORTS = "export"  # the directory inside that of the run
_STORES = ("zarr.json", ".zgroup")


@dataclass(frozen=True, kw_only=True)
class _Format:
    """One file (or store) a picture with `suffix`, or one directory for all of them.

    `needs` are the modules of the extra of the same name.
    """

    suffix: str = ""
    needs: tuple[str, ...] = ()
    one: Callable[[Source, Picture, Path], None] | None = None
    together: Callable[[Source, list[Path], Path], None] | None = None


FORMATS = {
    "anndata": _Format(suffix=".h5ad", needs=("anndata",), one=scverse.write_anndata),
    "spatialdata": _Format(suffix=".zarr", needs=("spatialdata",), one=scverse.write_spatialdata),
    "csv": _Format(together=csv_tables.write),
    "physicell": _Format(together=physicell.write),
}


def export(
    directory: Path,
    to: str,
    *,
    day: float | None = None,
    every: bool = False,
    out: Path | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write the last picture of the run in `directory`, or that of `day`, or `every` one, and say where.

    `out` is a directory, or (for one picture as AnnData or SpatialData) a file by its ending; `export/` in the run's
    directory by default.

    Raises:
        InputError: what was asked for is not there, the place is taken, or the extra of the format is not installed.
    """
    if to not in FORMATS:
        raise InputError(f"no format '{to}'", place="--to", allowed=FORMATS, word=to)
    if every and day is not None:
        raise InputError("choose one of --day and --all")
    source, format_ = read_source(directory), FORMATS[to]
    found = source.pictures(day, every=every)
    _check_installed(to, format_.needs)
    places = _places(format_, to, directory, out, [file for _, file in found])
    if every and format_.suffix and places[0] == out:
        raise InputError(f"--all writes several files, and {out} is one; name a directory", place="--out")
    for place in places:
        _check_free(place, overwrite=overwrite)
    if format_.together is not None:
        with _staged(places[0]) as stage:
            stage.mkdir()
            format_.together(source, [file for _, file in found], stage)
    elif format_.one is not None:
        for place, (_, file) in zip(places, found, strict=True):
            with _staged(place) as stage:
                format_.one(source, source.open(file), stage)
    return places


def _places(format_: _Format, to: str, directory: Path, out: Path | None, pictures: list[Path]) -> list[Path]:
    """Where to write: one place a picture, or one for all of them."""
    if not format_.suffix:
        return [out or directory / EXPORTS / to]
    if out is not None and out.suffix == format_.suffix:
        return [out]
    return [(out or directory / EXPORTS) / f"{picture.stem}{format_.suffix}" for picture in pictures]


def _check_installed(to: str, needs: tuple[str, ...]) -> None:
    for module in needs:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise InputError(
                f"needs the package {module}, which cannot be imported ({error}); "
                f"the extra '{to}' brings it: pip install 'tme_abm[{to}]'",
                place=f"--to {to}",
            ) from error


def _check_free(place: Path, *, overwrite: bool) -> None:
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
