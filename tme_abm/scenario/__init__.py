"""Scenarios: what is particular about one tumor and what is done to it; read, resolved, hashed."""

from __future__ import annotations

from .editor import scenario_schema
from .load import assembled, changed, extended, find, load, shipped
from .protocol import (
    Add,
    Block,
    Deplete,
    DoseBath,
    DoseDepot,
    DoseVessels,
    Fix,
    Hold,
    Infuse,
    Inhibit,
    Intervention,
    KnockOut,
    Neutralize,
    SetTrait,
)
from .schema import Scenario
from .slide.section import Slide, remarks

__all__ = [
    "Add",
    "Block",
    "Deplete",
    "DoseBath",
    "DoseDepot",
    "DoseVessels",
    "Fix",
    "Hold",
    "Infuse",
    "Inhibit",
    "Intervention",
    "KnockOut",
    "Neutralize",
    "Scenario",
    "SetTrait",
    "Slide",
    "assembled",
    "changed",
    "extended",
    "find",
    "load",
    "remarks",
    "scenario_schema",
    "shipped",
]
