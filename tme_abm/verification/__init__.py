"""Checks of the program against theory, with tolerances that are stated apart from the functions that measure.

`run_checks(select(quick=True), jobs=2)` returns a report of the quick ones; `check` says what a check is.
"""

from .check import Check, Figure, Judged
from .running import Report, all_checks, run_check, run_checks, select
from .works import Works

__all__ = ["Check", "Figure", "Judged", "Report", "Works", "all_checks", "run_check", "run_checks", "select"]
