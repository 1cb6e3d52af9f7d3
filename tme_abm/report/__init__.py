"""What people read: the comparison as one HTML file, the model in plain English."""

from __future__ import annotations

from .explain import explain
from .html import write_comparison

__all__ = ["explain", "write_comparison"]
