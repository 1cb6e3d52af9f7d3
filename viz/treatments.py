"""What can be done to the running tumor from the page: forms, and the tables of a protocol they fill in.

Each form makes one `[[protocol]]` table of a scenario, so that whatever is done by hand can be saved and repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tme_abm.scenario import Scenario

__all__ = [
    "FORMS",
    "Depot",
    "add",
    "block",
    "deplete",
    "fix",
    "hold",
    "infuse",
    "inhibit",
    "knock_out",
    "neutralize",
]

FORMS = (
    "block a receptor",
    "neutralize a molecule",
    "hold a molecule",
    "inject a depot",
    "inhibit a pathway",
    "knock out a product",
    "fix a behavior",
    "deplete cells",
    "infuse cells",
    "add cells to the tissue",
)
"""The kinds of intervention the page offers."""

Table = Mapping[str, Any]


def block(receptor: str, fraction: float, cells: Sequence[str] = ()) -> Table:
    """An antibody on a receptor or checkpoint: on the cells named, or on all that carry it."""
    return {"do": "block", "receptor": receptor, "fraction": fraction, **_only(cells)}


def neutralize(molecule: str, fraction: float) -> Table:
    """An antibody against a molecule."""
    return {"do": "neutralize", "molecule": molecule, "fraction": fraction}


def hold(molecule: str, level: float, to: float | None = None) -> Table:
    """A medium that holds a molecule at a level [nM]; with `to`, changing to that from the left to the right."""
    far = {} if to is None else {"to": f"{to!r} nM"}
    return {"do": "hold", "molecule": molecule, "level": f"{level!r} nM", **far}


def inhibit(pathway: str, fraction: float, cells: Sequence[str] = ()) -> Table:
    """A small molecule on a signaling pathway: in the cells named, or in all that have a rule of it."""
    return {"do": "inhibit", "pathway": pathway, "fraction": fraction, **_only(cells)}


def knock_out(product: str, cells: Sequence[str] = ()) -> Table:
    """A gene product that is no longer made: by the cells named, or by all that make it."""
    return {"do": "knock out", "product": product, **_only(cells)}


def fix(behavior: str, value: str, cell: str) -> Table:
    """A behavior of a cell type clamped to a value, a text with its unit, whatever the signals say."""
    return {"do": "fix", "behavior": behavior, "value": value, "cells": [cell]}


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


def _only(cells: Sequence[str]) -> dict[str, Any]:
    return {"cells": list(cells)} if cells else {}
