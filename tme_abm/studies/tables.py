"""The tables of a study, made from its runs: one row a run, and the series of all that are done; also as Parquet.

They are written again as runs end, at most every few seconds and for a small share of the time only. Each is replaced
in one move, so a reader always sees a whole table. All but timings.csv depend on the study alone.
"""

from __future__ import annotations

import csv
import io
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core import files
from ..core.errors import InputError
from ..runs.results import HEADER, SERIES, read_manifest, read_series
from ..runs.simulator import Simulator
from .directory import (
    DONE,
    FAILED,
    FAILURES,
    OUTCOME_COLUMNS,
    PENDING,
    RUN_COLUMNS,
    RUN_TABLE,
    SERIES_COLUMNS,
    SERIES_TABLE,
    TIMING_COLUMNS,
    TIMINGS,
    read_summary,
)
from .study import Run, Study

__all__ = ["Tables", "check_parquet", "write_parquet"]

logger = logging.getLogger(__name__)

EVERY_SECONDS = 3.0
SHARE = 0.05  # of the time, at most, goes into writing tables

_TEXTS = ("scenario", "status", "state", "error", "directory", "metric")


class Tables:
    """The outcome of each run, and the files that hold it."""

    def __init__(self, study: Study, out: Path, simulator: Simulator) -> None:
        self.study, self.out, self.simulator = study, out, simulator
        self.done: dict[int, bytes] = {}  # index of a run -> its row
        self.failed: dict[int, str] = {}
        self._timings: dict[int, list[Any]] = {}
        self._hosts = _hosts(out / TIMINGS)
        self._changed, self._due, self.seconds = True, 0.0, 0.0

    def note_done(self, index: int, host: str = "") -> None:
        """Read the result of a run. Raises InputError if it cannot be read."""
        run = self.study.runs[index]
        directory = self.out / run.directory
        manifest, measures = read_manifest(directory), read_series(directory).last()
        values = ["" if name not in measures else repr(measures[name]) for name in self.study.metrics]
        self.done[index] = self._row(run, DONE, self.simulator.classify(measures), "", values)
        host = host or self._hosts.get(run.directory, "")
        self._timings[index] = [manifest["wall_seconds"], manifest.get("resumed", 0), host]
        self.failed.pop(index, None)
        self._changed = True

    def note_failed(self, index: int, error: str) -> None:
        """Note that a run failed, for this batch and later ones."""
        self.failed[index] = " ".join(error.split())
        self._changed = True
        self.write_failures()

    def read_failures(self) -> None:
        """Read which runs failed in earlier batches."""
        known = {run.directory: index for index, run in enumerate(self.study.runs)}
        path = self.out / FAILURES
        if not path.exists():
            return
        try:
            held = files.read_json(path)
        except InputError:
            logger.warning("%s is damaged; what failed is tried again", path)
            return
        self.failed |= {known[name]: str(error) for name, error in held.items() if name in known}

    def write_failures(self) -> None:
        """Write which runs failed, in the order of the plan."""
        failures = {self.study.runs[index].directory: self.failed[index] for index in sorted(self.failed)}
        files.write_json(self.out / FAILURES, failures)

    def refresh(self, *, now: bool = False) -> None:
        """Write the tables if something has changed and it is time, or `now`."""
        if not (now or (self._changed and time.monotonic() >= self._due)):
            return
        began = time.monotonic()
        self._changed = False
        self.write_runs()
        files.write_chunks(self.out / SERIES_TABLE, self._series())
        self.seconds = time.monotonic() - began
        self._due = time.monotonic() + max(EVERY_SECONDS, self.seconds / SHARE)

    def write_runs(self) -> None:
        """Write runs.csv and timings.csv, which are small."""
        runs = self.study.runs
        header = [*RUN_COLUMNS, *(one.key for one in self.study.parameters), *OUTCOME_COLUMNS, *self.study.metrics]
        rows = [self.done.get(index) or self._row_without_result(index) for index in range(len(runs))]
        files.write_bytes(self.out / RUN_TABLE, b"".join([files.csv_line(header), *rows]))
        timed = [files.csv_line([*self._who(runs[index]), *self._timings[index]]) for index in sorted(self._timings)]
        files.write_bytes(self.out / TIMINGS, b"".join([files.csv_line(TIMING_COLUMNS), *timed]))

    def _row_without_result(self, index: int) -> bytes:
        error = self.failed.get(index)
        empty = [""] * len(self.study.metrics)
        return self._row(self.study.runs[index], PENDING if error is None else FAILED, "", error or "", empty)

    def _row(self, run: Run, status: str, state: str, error: str, values: list[str]) -> bytes:
        levels = (level.text for level in self.study.points[run.point])
        return files.csv_line([*self._who(run), *levels, status, state, error, run.directory, *values])

    def _series(self) -> Iterator[bytes]:
        yield files.csv_line(SERIES_COLUMNS)
        wanted = frozenset(self.study.metrics)
        for index in sorted(self.done):
            run = self.study.runs[index]
            path = self.out / run.directory / SERIES
            with files.disk_errors(path, "read the file"):
                content = path.read_text(encoding="utf-8")
            yield _prefixed(content, files.csv_line(self._who(run)).decode().rstrip("\n"), wanted)

    @staticmethod
    def _who(run: Run) -> tuple[object, ...]:
        return run.point, run.scenario, run.seed


def _prefixed(content: str, prefix: str, wanted: frozenset[str]) -> bytes:
    """The rows of a run's series for the metrics `wanted`, each with the run in front."""
    if '"' in content:  # a name with a comma or a quote in it
        rows = csv.reader(io.StringIO(content))
        next(rows)
        return b"".join(f"{prefix},".encode() + files.csv_line(row) for row in rows if row[1] in wanted)
    lines = content.splitlines()
    if tuple(lines[0].split(",")) != HEADER:
        raise InputError("not a series")
    return "".join(f"{prefix},{line}\n" for line in lines[1:] if line.split(",", 2)[1] in wanted).encode()


def _hosts(path: Path) -> dict[str, str]:
    """The machine of each finished run, by the directory of the run; empty if the table cannot be read."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {
                Run(int(row["point"]), row["scenario"], int(row["seed"])).directory: row["host"]
                for row in csv.DictReader(file)
            }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


# ---------------------------------------------------------------- Parquet


def check_parquet() -> Any:
    """The module pyarrow. Raises InputError if it is not installed."""
    try:
        import pyarrow
    except ImportError as error:
        raise InputError(
            "Parquet needs pyarrow; install it with: pip install 'tme_abm[tables]'", place="--parquet"
        ) from error
    return pyarrow


def write_parquet(directory: Path) -> tuple[Path, Path]:
    """Write runs.parquet and series.parquet from the tables of a study and return their paths.

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
