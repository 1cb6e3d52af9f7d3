"""Scenarios: what is particular about one tumor and what is done to it; read, resolved, hashed."""

from __future__ import annotations

from .editor import scenario_schema
from .load import changed, find, load, shipped
from .protocol import (
    Block,
    Deplete,
    DoseBath,
    DoseDepot,
    DoseVessels,
    Infuse,
    Intervention,
    KnockOut,
    Neutralize,
    SetTrait,
)
from .schema import Scenario

__all__ = [
    "Block",
    "Deplete",
    "DoseBath",
    "DoseDepot",
    "DoseVessels",
    "Infuse",
    "Intervention",
    "KnockOut",
    "Neutralize",
    "Scenario",
    "SetTrait",
    "changed",
    "find",
    "load",
    "scenario_schema",
    "shipped",
]
