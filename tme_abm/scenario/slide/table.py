"""A table of measured cells, from a CSV file or an AnnData: where each is and which class it was given.

The order of the rows does not matter: the cells of a class are sorted by place, so that the same cells are the same
slide. Places are rounded to the nanometer.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import InputError

__all__ = ["Columns", "Measured", "read_table"]

Place = tuple[float, float]

_SEPARATORS = ",;\t"
_DIGITS = 3
_ANNDATA = ".h5ad"
SPATIAL = "spatial"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The names of the columns. An AnnData has its places in `obsm["spatial"]` unless both are named."""

    x: str | None
    y: str | None
    kind: str


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The places [µm] of the cells by class, classes in alphabetical order, and the SHA-256 of the file."""

    places: dict[str, tuple[Place, ...]]
    sha256: str


def read_table(path: Path, columns: Columns, unit: float) -> Measured:
    """The cells in the file at `path`, whose coordinates are in steps of `unit` [µm].

    Raises:
        InputError: no such file or column, or a row without a place.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the slide: {error.strerror or error}", file=path) from error
    rows = _from_anndata(path, columns) if path.suffix == _ANNDATA else _from_csv(path, content, columns)
    found: dict[str, list[Place]] = {}
    for where, x, y, kind in rows:
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InputError("the cell has no place", file=path, place=where)
        found.setdefault(kind, []).append((round(x * unit, _DIGITS) + 0.0, round(y * unit, _DIGITS) + 0.0))
    if not found:
        raise InputError("the slide holds no cells", file=path)
    places = {kind: tuple(sorted(found[kind])) for kind in sorted(found)}
    return Measured(places=places, sha256=hashlib.sha256(content).hexdigest())


def _from_csv(path: Path, content: bytes, columns: Columns) -> Iterable[tuple[str, float, float, str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", file=path) from None
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=max(_SEPARATORS, key=first.count))
    header = list(reader.fieldnames or ())
    x, y = columns.x or "x_um", columns.y or "y_um"
    for key, name in (("x", x), ("y", y), ("class", columns.kind)):
        _check(path, key, name, header)
    for row in reader:
        where = f"line {reader.line_num}"
        yield where, _number(path, where, x, row[x]), _number(path, where, y, row[y]), (row[columns.kind] or "").strip()


def _number(path: Path, where: str, column: str, text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise InputError(f"{column} should be a number, not {text or 'empty'!r}", file=path, place=where) from None


def _from_anndata(path: Path, columns: Columns) -> Iterable[tuple[str, float, float, str]]:
    try:
        import anndata
    except ImportError as error:
        raise InputError(
            f"reading it needs the package anndata, which cannot be imported ({error}); "
            "the extra 'anndata' brings it: pip install 'tme_abm[anndata]'",
            file=path,
        ) from error
    try:
        table = anndata.read_h5ad(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not an AnnData ({error})", file=path) from error
    names = list(table.obs.columns)
    _check(path, "class", columns.kind, names)
    if columns.x is None and columns.y is None:
        if SPATIAL not in table.obsm:
            raise InputError(
                f'has no obsm["{SPATIAL}"]; name the columns of obs with the places as slide.x and slide.y',
                file=path,
                allowed=names,
            )
        xs, ys = _column(table.obsm[SPATIAL], 0), _column(table.obsm[SPATIAL], 1)
    else:
        x, y = columns.x or "x_um", columns.y or "y_um"
        _check(path, "x", x, names)
        _check(path, "y", y, names)
        xs, ys = table.obs[x], table.obs[y]
    kinds = table.obs[columns.kind]
    for number, (x_, y_, kind) in enumerate(zip(xs, ys, kinds, strict=True)):
        yield f"row {number}", float(x_), float(y_), "" if kind != kind else str(kind).strip()  # NaN: no class


def _column(places: Any, number: int) -> Any:
    return places.iloc[:, number] if hasattr(places, "iloc") else places[:, number]


def _check(path: Path, key: str, name: str, there: Iterable[str]) -> None:
    if name not in there:
        raise InputError(f"has no column {name!r}, which slide.{key} names", file=path, allowed=there, word=name)
