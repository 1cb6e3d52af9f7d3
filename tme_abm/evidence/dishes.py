"""The scenario of an arm of an experiment: the dish or tumor, the cells in it, and the interventions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, reduce
from importlib import resources
from typing import Any

from pydantic import Field, StrictInt, StrictStr

from ..biology import Catalogue
from ..core.errors import InputError
from ..core.toml import Frozen, read_toml, validated
from ..core.units import split
from ..scenario import Scenario, assembled
from ..scenario.document import Document
from .assays import Assay, Setting

__all__ = ["Dish", "arm_scenario", "dishes", "doses", "scaled_arms", "wells_of"]

_AMOUNTS = ("level", "to", "rate")


class Dish(Frozen):
    """The setting of an assay: a scenario, laid over the shipped one that it extends, and a number of wells."""

    description: StrictStr
    wells: StrictInt
    extends: StrictStr = ""
    scenario: dict[str, Any] = Field(default_factory=dict)
    common: tuple[dict[str, Any], ...] = ()


@cache
def dishes() -> Mapping[str, Dish]:
    """All dishes by name."""
    name = "dishes.toml"
    raw = read_toml(resources.files(__package__).joinpath("data", name), name=name)
    found: dict[str, Dish] = {}
    for dish, table in raw.items():
        document = Document(name)
        document.merge(raw.get(table.pop("from", ""), {}), name)
        document.merge(table, name)
        found[dish] = validated(Dish, document.values, file=name, place=dish)
    return found


def wells_of(setting: Setting) -> int:
    """The number of wells in one model of an experiment; 1 if its dish is unknown."""
    dish = dishes().get(setting.dish)
    return int(setting.dish_changes.get("wells", dish.wells if dish else 1))


def arm_scenario(
    setting: Setting, name: str, *, days: float, record: Iterable[str] = (), catalogue: Catalogue | None = None
) -> Scenario:
    """The scenario of the arm `name`. `record` lists molecules that need a field even if no cell senses them;
    `catalogue` is the biology in place of the shipped one.

    Raises InputError if the dish is unknown or the scenario is invalid; the message names the experiment.
    """
    dish = dishes().get(setting.dish)
    if dish is None:
        raise InputError(f"{setting.id}: no dish '{setting.dish}'", allowed=dishes(), word=setting.dish)
    origin = setting.id
    document = Document(origin)
    document.merge(dish.scenario, origin)
    changes = {**setting.dish_changes, **setting.arm_changes.get(name, {})}
    changes.pop("wells", None)
    extends = changes.pop("extends", dish.extends) or None
    for key, value in changes.items():
        document.merge(reduce(lambda inner, step: {step: inner}, reversed(key.split(".")), value), origin)
    cells = [{"do": "add", **one} for one in setting.cells]
    done = (*dish.common, *cells, *setting.common, *setting.arms[name])
    values = {
        "name": setting.id,
        "clock": {"days": days},
        "tumor": {"traits": dict(setting.traits)},
        "record": {"molecules": sorted(record)},
        "protocol": [{key: value for key, value in item.items() if key != "scales"} for item in done],
    }
    document.merge(values, origin)
    return assembled(document.values, name=origin, extends=extends, catalogue=catalogue)


def doses(assay: Assay) -> tuple[str, ...]:
    """The molecules whose amount is the dose: those that the assay names, or all whose supply differs in arms."""
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
    """The assay with its dose multiplied by `factor`, and the arms that this changes; None if the assay has no dose.

    The dose is the amount of its molecules or, without any, the number of the cells that are marked with `scales`.
    """
    molecules = doses(assay)

    def amount(item: Mapping[str, Any]) -> dict[str, Any]:
        if item.get("do") not in ("hold", "dose") or item.get("molecule") not in molecules:
            return dict(item)
        return {key: _times(value, factor) if key in _AMOUNTS else value for key, value in item.items()}

    def number(item: Mapping[str, Any]) -> dict[str, Any]:
        if not item.get("scales"):
            return dict(item)
        if item.get("count") is not None:
            return {**item, "count": max(round(item["count"] * factor), 1)}
        return {**item, "density": _times(item.get("density"), factor)}

    return _changed(assay, amount) or _changed(assay, number)


def _changed(
    assay: Assay, change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> tuple[Assay, tuple[str, ...]] | None:
    cells = tuple(change(one) for one in assay.cells)
    arms = {name: tuple(change(item) for item in arm) for name, arm in assay.arms.items()}
    names = tuple(name for name, arm in arms.items() if cells != assay.cells or arm != assay.arms[name])
    return (assay.model_copy(update={"cells": cells, "arms": arms}), names) if names else None


def _times(quantity: Any, factor: float) -> Any:
    found = split(str(quantity))
    return f"{found[0] * factor:g} {found[1]}" if found else quantity
