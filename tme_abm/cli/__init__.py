"""The command line: `tme-abm`, or `python run.py` in a checkout."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
