"""What is done to a tumor, and when: the few primitives that every treatment and every assay is made of.

Each primitive is a frozen table that says `do = "..."`; together they form a union told apart by that key. Drugs with
pharmacokinetics, the assays and the browser page are built from these and need no others.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .cells import Add, Deplete, Infuse
from .molecules import DoseBath, DoseDepot, DoseVessels, Hold, Neutralize
from .responses import Block, Fix, Inhibit, KnockOut, SetTrait

__all__ = [
    "Add",
    "Block",
    "Deplete",
    "Dose",
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
    "SetTrait",
]

Dose = DoseBath | DoseDepot | DoseVessels
Intervention = Annotated[
    Block
    | Inhibit
    | Neutralize
    | Hold
    | Annotated[Dose, Field(discriminator="route")]
    | Deplete
    | Infuse
    | Add
    | Fix
    | KnockOut
    | SetTrait,
    Field(discriminator="do"),
]
"""Any one primitive."""
