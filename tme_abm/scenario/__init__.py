"""Scenarios: what is particular about one tumor and what is done to it; read, resolved, hashed."""

from __future__ import annotations

from .editor import scenario_schema
from .load import assembled, changed, find, load, shipped
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
    "assembled",
    "changed",
    "find",
    "load",
    "scenario_schema",
    "shipped",
]
