"""What can be done to the running tumor from the page: forms, and the tables of a protocol they fill in.

Each form makes one `[[protocol]]` table of a scenario, so that whatever is done by hand can be saved and repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tme_abm.core.units import show
from tme_abm.scenario import (
    Add,
    Block,
    Deplete,
    Fix,
    Hold,
    Infuse,
    Inhibit,
    Intervention,
    KnockOut,
    Neutralize,
    Scenario,
    SetTrait,
)

__all__ = ["FORMS", "Depot", "add", "block", "deplete", "infuse", "inhibit", "neutralize", "said"]

FORMS = (
    "block a receptor",
    "neutralize a molecule",
    "inject a depot",
    "inhibit a pathway",
    "deplete cells",
    "infuse cells",
    "add cells to the tissue",
)
"""The kinds of intervention the page offers."""

Table = Mapping[str, Any]


def block(receptor: str, fraction: float) -> Table:
    """An antibody on a receptor or checkpoint, on all cells that carry it."""
    return {"do": "block", "receptor": receptor, "fraction": fraction}


def neutralize(molecule: str, fraction: float) -> Table:
    """An antibody against a molecule."""
    return {"do": "neutralize", "molecule": molecule, "fraction": fraction}


def inhibit(pathway: str, fraction: float) -> Table:
    """A small molecule on a signaling pathway, in all cells that have a rule of it."""
    return {"do": "inhibit", "pathway": pathway, "fraction": fraction}


def deplete(cell: str, per_day: float) -> Table:
    """An antibody that removes one cell type."""
    return {"do": "deplete", "cells": [cell], "rate": f"{per_day:g} /day"}


def infuse(cell: str, count: int) -> Table:
    """Cells given into the blood at one moment."""
    return {"do": "infuse", "cell": cell, "count": count}


def add(cell: str, count: int) -> Table:
    """Cells put on free sites of the tissue at one moment."""
    return {"do": "add", "cell": cell, "count": count}


@dataclass(frozen=True, kw_only=True)
class Depot:
    """A depot to be put where a person points: molecules/min from all of it, its radius [µm], for how long [h]."""

    molecule: str
    per_minute: float
    radius: float
    hours: float

    def at(self, scenario: Scenario, x: float, y: float, *, time: float) -> Table:
        """The table for a place given as shares of the picture's width and height; it starts at `time` [min]."""
        lattice = scenario.lattice
        width, height = (n * lattice.spacing for n in (lattice.shape[-1], lattice.shape[-2]))
        place = [f"{x * width:.1f} um", f"{y * height:.1f} um"]
        if len(lattice.shape) > 2:
            # The page shows the middle slice.
            place.append(f"{(lattice.shape[0] // 2 + 0.5) * lattice.spacing:.1f} um")
        return {
            "do": "dose",
            "route": "depot",
            "molecule": self.molecule,
            "rate": f"{self.per_minute:g} molecules/cell/min",
            "place": place,
            "radius": f"{self.radius:g} um",
            "start": f"{time!r} min",
            "stop": f"{time + self.hours * 60!r} min",
        }


def said(item: Intervention) -> str:
    """An intervention in a few words."""
    match item:
        case Block():
            what = f"block {item.receptor} by {item.occupied:.0%}"
        case Neutralize():
            what = f"neutralize {item.fraction:.0%} of {item.molecule}"
        case Deplete():
            what = f"deplete {', '.join(item.cells)} at {show(item.rate, 'rate')}"
        case Infuse():
            return f"infuse {item.count:,} {item.cell}, day {_day(item.start)}"
        case Add():
            dense = "" if item.density is None else show(item.density, "areal_density")
            number, _, area = dense.partition(" ") if dense else (f"{item.count:,}", "", "")
            return f"add {number} {item.cell}{area}, day {_day(item.start)}"
        case Hold():
            to = "" if item.to is None else f" to {show(item.to, 'concentration')}"
            what = f"hold {item.molecule} at {show(item.level, 'concentration')}{to}"
        case Inhibit():
            what = f"inhibit {item.pathway} by {item.fraction:.0%} in {', '.join(item.cells)}"
        case Fix():
            what = f"fix {item.behavior} of {', '.join(item.cells)}"
        case KnockOut():
            what = f"knock out {item.product} in {', '.join(item.cells)}"
        case SetTrait():
            what = f"set {item.trait.replace('_', ' ')} to {item.value:.3g}"
        case _:
            what = f"{item.molecule} by {item.route}"
    until = "" if item.stop is None else f" to {_day(item.stop)}"
    return f"{what}, day {_day(item.start)}{until}"


def _day(minutes: float) -> str:
    return f"{minutes / (24 * 60):.2f}".rstrip("0").rstrip(".")
