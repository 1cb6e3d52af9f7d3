"""The benchmark: what a step costs, by process, cell and voxel, how that grows, and whether it got worse."""

from __future__ import annotations

from .cases import Case, parse_count, plan
from .suite import benchmark, remeasured

__all__ = ["Case", "benchmark", "parse_count", "plan", "remeasured"]
