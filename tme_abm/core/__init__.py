"""What every layer needs and nothing else: readable errors, units on the way in, addressed randomness."""

from __future__ import annotations

from .errors import InputError, TmeError, nearest

__all__ = ["InputError", "TmeError", "nearest"]
