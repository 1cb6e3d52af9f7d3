"""The two tables of a study as Parquet, column by column typed, for those who read them with other tools."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..core import files
from ..core.errors import InputError
from .layout import RUN_TABLE, SERIES_TABLE
from .results import read_summary

__all__ = ["check_parquet", "write_parquet"]

_TEXTS = ("scenario", "status", "state", "error", "directory", "metric")


def check_parquet() -> Any:
    """pyarrow, or an InputError that says how to get it."""
    try:
        import pyarrow
    except ImportError as error:
        raise InputError(
            "Parquet needs pyarrow; install it with: pip install 'tme_abm[tables]'", place="--parquet"
        ) from error
    return pyarrow


def write_parquet(directory: Path) -> tuple[Path, Path]:
    """Write runs.parquet and series.parquet from the tables of a study; where they are.

    Raises:
        InputError: no pyarrow, no tables, or the disk refuses.
    """
    arrow = check_parquet()
    from pyarrow import csv, parquet

    summary = read_summary(directory)
    kinds: dict[str, Any] = dict.fromkeys(_TEXTS, arrow.string()) | {"point": arrow.int32(), "seed": arrow.uint64()}
    texts = [one["key"] for one in summary["parameters"] if any(isinstance(value, str) for value in one["values"])]
    kinds |= dict.fromkeys((one["key"] for one in summary["parameters"]), arrow.float64())
    kinds |= dict.fromkeys(texts, arrow.string())
    kinds |= dict.fromkeys((*summary["metrics"], "time_day", "value"), arrow.float64())
    # Only an empty cell is missing; what was measured as NaN stays NaN.
    options = csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=False)
    made = []
    for name in (RUN_TABLE, SERIES_TABLE):
        path = (directory / name).with_suffix(".parquet")
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        with files.disk_errors(path, "write the file"):
            try:
                with (
                    csv.open_csv(directory / name, convert_options=options) as batches,
                    parquet.ParquetWriter(part, batches.schema) as writer,
                ):
                    for batch in batches:
                        writer.write_batch(batch)
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        made.append(path)
    return made[0], made[1]
