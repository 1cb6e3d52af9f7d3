"""What a person sets on the page, and the scenario it amounts to.

Sliders follow the catalogue: each trait has its range, unit and meaning there. A range that spans many orders of
magnitude is walked evenly in the logarithm, and one that starts at zero bends into it, so that a small default is not
lost in the first pixel of the slider.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tme_abm.core.units import KINDS, show
from tme_abm.report.style.settings import glossary
from tme_abm.scenario import Scenario, load

__all__ = ["Depot", "Dial", "Settings", "pool_dials", "trait_dials"]

_WIDE = 12.0  # from this ratio of range to usual value on, a slider is walked in the logarithm
_DIGITS = 3
_MOST_POOL = 20.0  # how many times its usual size a blood pool can be set to


@dataclass(frozen=True, kw_only=True)
class Dial:
    """A slider: what it sets (the dotted key of a scenario), from `low` to `high` in the unit of `kind`."""

    key: str
    label: str
    group: str
    description: str
    kind: str
    low: float
    high: float
    usual: float

    @property
    def bend(self) -> float | None:
        """Where the slider bends from linear into logarithmic; None if it is linear."""
        small = self.low if self.low > 0 else abs(self.usual) / 4
        if not small or self.high / small < _WIDE:
            return None
        return small

    def place(self, value: float) -> float:
        """Where on the slider [0, 1] `value` is."""
        if self.bend is None:
            share = (value - self.low) / (self.high - self.low)
        else:
            share = self._bent(value) / self._bent(self.high)
        return min(1.0, max(0.0, share))

    def value(self, place: float) -> float:
        """The value at a `place` [0, 1] of the slider, with three digits."""
        if self.bend is None:
            found = self.low + place * (self.high - self.low)
        else:
            found = self.low + self.bend * math.expm1(place * self._bent(self.high))
        return min(self.high, max(self.low, _rounded(found)))

    def text(self, value: float) -> str:
        """The value for a person."""
        return show(value, self.kind).replace("molecules/cell/min", "/min")

    def written(self, value: float) -> float | str:
        """The value for a scenario."""
        return value if self.kind == "number" else f"{value!r} {KINDS[self.kind]}"

    def _bent(self, value: float) -> float:
        assert self.bend is not None
        return math.log1p((value - self.low) / self.bend)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A scenario by name or path, the seed, and what was changed: dotted key -> value in internal units."""

    scenario: str = "hot"
    seed: int = 1
    changes: Mapping[str, float] = field(default_factory=dict)

    def build(self, dials: Mapping[str, Dial]) -> Scenario:
        """The scenario, checked; `InputError` if there is no such one or a value does not fit."""
        return load(self.scenario, {key: dials[key].written(value) for key, value in self.changes.items()})


@dataclass(frozen=True, kw_only=True)
class Depot:
    """A depot to be put where a person points: molecules/min from all of it, its radius [µm], for how long [h]."""

    molecule: str
    per_minute: float
    radius: float
    hours: float

    def at(self, scenario: Scenario, x: float, y: float, *, time: float) -> dict[str, Any]:
        """The `[[protocol]]` table from `time` [min] on, for a place in shares of the picture's width and height."""
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


def trait_dials(scenario: Scenario) -> dict[str, Dial]:
    """A slider for every tumor trait of the catalogue, by key; the usual value is that of `scenario`."""
    found, catalogue = {}, scenario.catalogue
    words = glossary(catalogue)
    for name, trait in catalogue.traits.items():
        usual = scenario.tumor.traits[name]
        low, high = trait.bounds(trait.kind) or (0.0, 2 * usual or 1.0)
        key = f"tumor.traits.{name}"
        found[key] = Dial(
            key=key,
            label=words.spell(name),
            group=trait.group or "other",
            description=trait.description,
            kind=trait.kind,
            low=low,
            high=high,
            usual=usual,
        )
    return found


def pool_dials(scenario: Scenario) -> dict[str, Dial]:
    """A slider for every blood pool of the scenario, by key."""
    return {
        f"blood.{name}.cells": Dial(
            key=f"blood.{name}.cells",
            label=name,
            group="blood",
            description=f"Leukocytes of the pool {name} that the blood offers to this tissue at rest.",
            kind="number",
            low=0.0,
            high=_MOST_POOL * pool.cells,
            usual=pool.cells,
        )
        for name, pool in scenario.blood.items()
        if pool.cells > 0
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
