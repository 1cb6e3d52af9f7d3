"""The interventions that treatments and assays are made of.

Each is one class, identified by its key `do`, a dose also by its `route`. A new one is a class in this package and its
name in `INTERVENTIONS`.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from .cells import Add, Deplete, Infuse
from .intervention import Event, Intervention, Lasting, lanes, naming
from .molecules import DoseBath, DoseDepot, DoseVessels, Hold, Neutralize
from .responses import Block, Fix, Inhibit, KnockOut, SetTrait

__all__ = ["INTERVENTIONS", "AnyIntervention", "Event", "Intervention", "Lasting", "lanes", "naming"]

INTERVENTIONS: tuple[type[Intervention], ...] = (
    Block,
    Inhibit,
    Neutralize,
    Hold,
    DoseBath,
    DoseDepot,
    DoseVessels,
    Deplete,
    Infuse,
    Add,
    Fix,
    KnockOut,
    SetTrait,
)
"""The classes of all interventions."""


def _told_apart(kinds: list[Any], key: str) -> Any:
    """The union of `kinds`, which differ in `key`."""
    return Annotated[reduce(or_, kinds), Field(discriminator=key)] if len(kinds) > 1 else kinds[0]


def _any() -> Any:
    kinds_by_do: dict[Any, list[Any]] = {}
    for kind in INTERVENTIONS:
        kinds_by_do.setdefault(kind.model_fields["do"].annotation, []).append(kind)
    return _told_apart([_told_apart(kinds, "route") for kinds in kinds_by_do.values()], "do")


if TYPE_CHECKING:
    AnyIntervention = Intervention
else:
    AnyIntervention = _any()
    """The type of an intervention in a file."""
