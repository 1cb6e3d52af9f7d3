"""From a run directory to files of another tool: which pictures, by which writer, to which place."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError
from . import csv_tables, physicell, scverse
from .places import check_free, staged
from .source import Picture, Source, read_source

__all__ = ["FORMATS", "export"]

EXPORTS = "export"  # the directory inside that of the run


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
        check_free(place, overwrite=overwrite)
    if format_.together is not None:
        with staged(places[0]) as stage:
            stage.mkdir()
            format_.together(source, [file for _, file in found], stage)
    elif format_.one is not None:
        for place, (_, file) in zip(places, found, strict=True):
            with staged(place) as stage:
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
