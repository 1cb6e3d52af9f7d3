"""Doses and numbers of cells of an assay that no shipped tumor has.

What is in the arms that show a claim is held against the record of the shipped tumors (`tme-abm levels --record`): the
levels that are held or given, and the cells by area. Arms in which an effect should be gone do not count: a control may
drown a gradient. A dose given as a rate has no level of its own and is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from ..biology import load_catalogue
from ..core.errors import InputError
from ..core.units import parse, show
from ..levels.survey import Record, shipped
from ..scenario import Intervention, intervention
from ..scenario.protocol.cells import Add
from ..scenario.protocol.molecules import DoseVessels, Hold
from ..scenario.sections import Lattice
from .assays import Assay
from .claims import claims
from .dishes import arm_scenario
from .results import Beyond

__all__ = ["SLACK", "beyond"]

SLACK = 2.0
"""How many times the highest level of the shipped tumors is still one that tumors have: so far they differ by seed."""

_DRUGS = "drugs.toml"


def beyond(assay: Assay, claim: str, tumors: Record | None = None) -> tuple[Beyond, ...]:
    """What an assay has more of, in the arms that show a claim, than any of `tumors` (by default the shipped ones) has.

    The highest dose of each molecule, then the highest density of each cell, then drugs; the largest excess first.
    """
    tumors = shipped() if tumors is None else tumors
    highest: dict[str, tuple[float, Intervention]] = {}
    for name, amount, item in _amounts(assay, claim):
        if amount > highest.get(name, (0.0, item))[0]:
            highest[name] = (amount, item)
    found = []
    for name, (amount, item) in highest.items():
        top = tumors.top(name)
        if top is None or amount > SLACK * top:
            drug = not isinstance(item, Add) and _is_treatment(claim, name, item)
            has = "none" if top is None else f"at most {_said(top, item)}"
            says = f"{name} {_said(amount, item)}{' as a drug' if drug else ''} (shipped tumors have {has})"
            found.append(Beyond(what=name, amount=amount, most=top, drug=drug, assay=assay.id, says=says))
    return tuple(sorted(found, key=lambda one: (one.drug, isinstance(highest[one.what][1], Add), -one.fold)))


def _amounts(assay: Assay, claim: str) -> Iterator[tuple[str, float, Intervention]]:
    """(molecule or cell, level [nM] or density [cells/mm²], intervention) of all in the arms that show a claim."""
    shows = [one for one in assay.expected_of(claim) if one.direction != "none"]
    arms = dict.fromkeys(arm for one in shows for arm in (one.arm, one.against, *one.arms) if arm)
    for arm in arms:
        lattice: Lattice | None = None
        for table in (*({"do": "add", **cell} for cell in assay.cells), *assay.common, *assay.arms[arm]):
            item = _read(table)
            if isinstance(item, Hold):
                yield item.molecule, max(item.level, item.to or 0.0), item
            elif isinstance(item, DoseVessels):
                yield item.molecule, item.level, item
            elif isinstance(item, Add):
                lattice = lattice or arm_scenario(assay, arm, days=1).lattice
                yield item.cell, _density(item, lattice), item


def _read(table: Mapping[str, Any]) -> Intervention | None:
    """The intervention of a table; None if it is invalid, which running the assay reports."""
    try:
        return intervention({key: value for key, value in table.items() if key != "scales"})
    except InputError:
        return None


def _density(item: Add, lattice: Lattice) -> float:
    """The cells added to a box by its area [1/mm²]."""
    per_mm2 = parse("1 /mm^2", "areal_density")
    if item.density is not None:
        return item.density / per_mm2
    ends = zip(item.box[:2], lattice.ends[:2], strict=True)
    area = prod((box[1] - box[0]) if box else end for box, end in ends)
    return (item.count or 0) / area / per_mm2


def _is_treatment(claim: str, molecule: str, item: Intervention) -> bool:
    """Whether a molecule is given as a drug: by a dose, as a drug of the catalogue, or for a claim on therapy."""
    known = claims().get(claim)
    drug = load_catalogue().file_of(f"molecule.{molecule}").endswith(_DRUGS)
    return drug or not isinstance(item, Hold) or (known is not None and known.kind == "therapy")


def _said(amount: float, item: Intervention) -> str:
    return f"{amount:,.3g} /mm²" if isinstance(item, Add) else show(amount, "concentration")
