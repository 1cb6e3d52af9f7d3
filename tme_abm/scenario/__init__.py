"""Scenarios: what differs between tumors, and what is done to them; read, resolved, hashed."""

from __future__ import annotations

from .editor import scenario_schema
from .load import assembled, changed, extended, find, intervention, load, shipped
from .protocol import Intervention
from .schema import Scenario
from .slide.section import Slide, remarks

__all__ = [
    "Intervention",
    "Scenario",
    "Slide",
    "assembled",
    "changed",
    "extended",
    "find",
    "intervention",
    "load",
    "remarks",
    "scenario_schema",
    "shipped",
]
