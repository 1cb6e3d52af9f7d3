"""How all charts look: thin gray axes, no box, text large enough for print."""

from __future__ import annotations

from typing import Any

from .palette import INK, MUTED

__all__ = ["STYLE"]

STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.edgecolor": "#9AA5B1",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # fixed: looking for a place free of ticks takes longer than all the rest
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "text.parse_math": False,
    "svg.hashsalt": "report",
    "svg.fonttype": "path",
}
"""Settings of matplotlib, for `rc_context`; with the salt the same chart gives the same bytes."""
