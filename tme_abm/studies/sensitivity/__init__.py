"""Which parameters of a study decide what becomes of the tumor, how, and how surely.

`analyze` reads a finished (or half finished) study and computes what its design allows: Morris or Sobol indices, the
parts of the variance of a full grid, regressions, the change from the low to the high end of each parameter, and maps
of the states over two of them. Nothing is run, and nothing is made up for a run that is missing.
"""

from __future__ import annotations

from .analysis import Analysis, Sensitivity, analyze

__all__ = ["Analysis", "Sensitivity", "analyze"]
