"""Numerical truth: checks of the program against theory, with tolerances stated apart from the measuring.

`run_checks(select(quick=True), jobs=2)` is a report of the quick ones; see `check` for what a check is.
"""

from .check import Check, Figure, Judged
from .running import Report, all_checks, run_check, run_checks, select
from .works import Works

__all__ = ["Check", "Figure", "Judged", "Report", "Works", "all_checks", "run_check", "run_checks", "select"]
