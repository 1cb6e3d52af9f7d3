"""From an assay and one of its arms to a scenario: the dish, the cells in it, and what is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from pydantic import Field, StrictInt, StrictStr

from ..core.errors import InputError
from ..core.toml import Frozen, read_toml, validated
from ..scenario import Scenario, assembled
from .schema import Assay

__all__ = ["Dish", "arm_scenario", "dishes", "doses", "scaled_arms", "wells_of"]

_AMOUNTS = ("level", "to", "rate")
_QUANTITY = re.compile(r"\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)\s*(.*)")


class Dish(Frozen):
    """What an assay is run in: a scenario, laid over the shipped one it extends, and a number of wells."""

    description: StrictStr
    wells: StrictInt
    extends: StrictStr = ""
    scenario: dict[str, Any] = Field(default_factory=dict)
    common: tuple[dict[str, Any], ...] = ()


@cache
def dishes() -> Mapping[str, Dish]:
    """All dishes by name."""
    file = resources.files(__package__).joinpath("data", "assays", "dishes.toml")
    raw = read_toml(file, name="dishes.toml")
    found: dict[str, Dish] = {}
    for name, table in raw.items():
        other = raw.get(table.pop("from", ""), {})
        found[name] = validated(Dish, _laid_over(other, table), file="dishes.toml", place=name)
    return found


def wells_of(assay: Assay) -> int:
    """Replicates of an assay."""
    return int(assay.dish_changes.get("wells", _dish(assay).wells))


def arm_scenario(assay: Assay, name: str, *, days: float, record: Iterable[str] = ()) -> Scenario:
    """The scenario of the arm `name`; `record` names molecules whose fields are wanted though no cell may sense them.

    Raises InputError for what a scenario cannot have; the message names assay, dish and place.
    """
    dish = _dish(assay)
    values = dict(dish.scenario)
    changes = {**assay.dish_changes, **assay.arm_changes.get(name, {})}
    for key, value in changes.items():
        if key not in ("wells", "extends"):
            values = _laid_over(values, _nested(key, value))
    cells = [{"do": "add", **one} for one in assay.cells]
    values = _laid_over(
        values,
        {
            "name": assay.id,
            "clock": {"days": days},
            "tumor": {"traits": dict(assay.traits)},
            "record": {"molecules": sorted(record)},
            "protocol": [
                {key: value for key, value in item.items() if key != "scales"}
                for item in (*dish.common, *cells, *assay.common, *assay.arms[name])
            ],
        },
    )
    return assembled(values, name=f"assay {assay.id}", extends=changes.get("extends", dish.extends) or None)


def doses(assay: Assay) -> tuple[str, ...]:
    """The molecules whose amounts make the dose: those the assay names, else all whose supply differs between arms."""
    if assay.dose is not None:
        return assay.dose
    given = [
        {
            (item["molecule"], *(str(item.get(key)) for key in _AMOUNTS))
            for item in arm
            if item.get("do") in ("hold", "dose") and "molecule" in item
        }
        for arm in assay.arms.values()
    ]
    common = set.intersection(*given)
    return tuple(sorted({supply[0] for arm in given for supply in arm - common}))


def scaled_arms(assay: Assay, factor: float) -> tuple[Assay, tuple[str, ...]] | None:
    """The assay with its dose multiplied, and the arms in which that changes something; None if it has no dose.

    The dose is the amount of its molecules; where it gives none, the number of the cells that are marked to scale.
    """
    molecules = doses(assay)
    arms = {name: tuple(_scaled(item, molecules, factor) for item in arm) for name, arm in assay.arms.items()}
    changed = tuple(name for name, arm in arms.items() if arm != assay.arms[name])
    if changed:
        return assay.model_copy(update={"arms": arms}), changed
    cells = tuple(_more(one, factor) for one in assay.cells)
    arms = {name: tuple(_more(item, factor) for item in arm) for name, arm in assay.arms.items()}
    if cells != assay.cells:
        return assay.model_copy(update={"cells": cells, "arms": arms}), tuple(assay.arms)
    changed = tuple(name for name, arm in arms.items() if arm != assay.arms[name])
    return (assay.model_copy(update={"arms": arms}), changed) if changed else None


def _scaled(item: Mapping[str, Any], molecules: Sequence[str], factor: float) -> dict[str, Any]:
    if item.get("do") not in ("hold", "dose") or item.get("molecule") not in molecules:
        return dict(item)
    return {key: _times(value, factor) if key in _AMOUNTS else value for key, value in item.items()}


def _more(item: Mapping[str, Any], factor: float) -> dict[str, Any]:
    if not item.get("scales"):
        return dict(item)
    count = item.get("count")
    if count is not None:
        return {**item, "count": max(round(count * factor), 1)}
    return {**item, "density": _times(item.get("density"), factor)}


def _times(quantity: Any, factor: float) -> Any:
    found = _QUANTITY.fullmatch(str(quantity))
    return f"{float(found[1]) * factor:g} {found[2]}" if found else quantity


def _dish(assay: Assay) -> Dish:
    known = dishes()
    if assay.dish not in known:
        raise InputError(f"assay {assay.id}: no dish '{assay.dish}'", allowed=known, word=assay.dish)
    return known[assay.dish]


def _nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    nested: dict[str, Any] = value
    return nested


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`: tables key by key, anything else replaced."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _laid_over(under, value) if isinstance(value, Mapping) and isinstance(under, Mapping) else value
    return merged
