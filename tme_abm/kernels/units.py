"""The one conversion between counts of molecules and concentrations."""

from __future__ import annotations

__all__ = ["MOLECULES_PER_NM_UM3"]

MOLECULES_PER_NM_UM3 = 0.602214076
"""Molecules in 1 µm³ at 1 nM (Avogadro's number × 1e-9 mol/L × 1e-15 L)."""
