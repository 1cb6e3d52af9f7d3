"""What is where in the directory of a study, and the columns of its tables.

    study.toml          the resolved study, which can be run again
    study.json          what readers need of it: hash, fingerprint of the model, parameters, numbers
    scenarios/          its scenarios, resolved
    design.csv          one row a design point
    runs/               one ordinary run directory a run
    runs.csv            one row a run, in the order of the plan
    series.csv          the metrics of the finished runs over time
    timings.csv         how long they took, and where: the only table that differs between two runs of a study
    failures.json       runs that failed and are not tried again unless asked for
    session.json        who works on the study now, or did last
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

__all__ = [
    "DESIGN", "DONE", "FAILED", "FAILURES", "PENDING", "RUNS", "RUN_TABLE", "SCHEMA", "SERIES_COLUMNS", "SERIES_TABLE",
    "SESSION", "SUMMARY", "TIMINGS", "TIMING_COLUMNS", "csv_line",
]  # fmt: skip

SCHEMA = 1
SUMMARY = "study.json"
DESIGN = "design.csv"
RUNS = "runs"
RUN_TABLE = "runs.csv"
SERIES_TABLE = "series.csv"
TIMINGS = "timings.csv"
FAILURES = "failures.json"
SESSION = "session.json"

DONE, FAILED, PENDING = "done", "failed", "pending"

RUN_COLUMNS = ("point", "scenario", "seed")
OUTCOME_COLUMNS = ("status", "state", "error", "directory")
SERIES_COLUMNS = (*RUN_COLUMNS, "time_day", "metric", "value")
TIMING_COLUMNS = (*RUN_COLUMNS, "wall_seconds", "resumed", "host")


def csv_line(row: Iterable[object]) -> bytes:
    """One row of a table."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(row)
    return buffer.getvalue().encode()
