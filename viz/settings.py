"""What a person sets on the page: numbers by sliders, and the scenario that they amount to.

Sliders follow the catalogue, which has the range, unit and meaning of each trait. A range of many orders of magnitude
is logarithmic, and one that starts at zero is linear near it, so that a small value is not lost in the first pixel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tme_abm.core.units import KINDS, show
from tme_abm.report.style.settings import glossary
from tme_abm.scenario import Scenario, load

__all__ = ["POOL", "TRAIT", "Dial", "Settings", "scenario_dials"]

TRAIT, POOL = "tumor.traits.", "blood."

_WIDE = 12.0  # from this ratio of the upper end to the usual value on, a slider is logarithmic
_DIGITS = 3
_MOST_POOL = 20.0  # how many times its usual size a blood pool can be set to


@dataclass(frozen=True, kw_only=True)
class Dial:
    """A slider: what it sets (the dotted key of a scenario), from `low` to `high` in the unit of `kind`.

    linear : below this value the slider is linear; found from the range if it is 0. whole : sets whole numbers.
    """

    key: str
    label: str
    description: str
    kind: str
    low: float
    high: float
    usual: float
    group: str = ""
    linear: float = 0.0
    whole: bool = False

    @property
    def bend(self) -> float | None:
        """Where the slider bends from linear into logarithmic; None if it is linear."""
        small = self.linear or (self.low if self.low > 0 else abs(self.usual) / 4)
        return small if small and self.high / small >= _WIDE else None

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
        return min(self.high, max(self.low, float(f"{found:.{_DIGITS}g}")))

    def text(self, value: float) -> str:
        """The value for a person."""
        return f"{value:,.0f}" if self.whole else show(value, self.kind).replace("molecules/cell/min", "/min")

    def written(self, value: float) -> float | str:
        """The value for a scenario."""
        if self.kind == "number":
            return round(value) if self.whole else value
        return f"{value!r} {KINDS[self.kind]}"

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
        """The scenario. Raises InputError if there is none of this name or a value does not fit."""
        return load(self.scenario, {key: dials[key].written(value) for key, value in self.changes.items()})


def scenario_dials(scenario: Scenario) -> dict[str, Dial]:
    """A slider for every tumor trait and every blood pool, by key; the usual value is that of the scenario."""
    found, words = [], glossary(scenario.catalogue)
    for name, trait in scenario.catalogue.traits.items():
        usual = scenario.tumor.traits[name]
        low, high = trait.bounds(trait.kind) or (0.0, 2 * usual or 1.0)
        found.append(
            Dial(
                key=TRAIT + name,
                label=words.spell(name),
                group=trait.group or "other",
                description=trait.description,
                kind=trait.kind,
                low=low,
                high=high,
                usual=usual,
            )
        )
    for name, pool in scenario.blood.items():
        if pool.cells > 0:
            key = f"{POOL}{name}.cells"
            meaning = words.meaning(key)[1] + "."
            high = _MOST_POOL * pool.cells
            found.append(
                Dial(key=key, label=name, description=meaning, kind="number", low=0.0, high=high, usual=pool.cells)
            )
    return {dial.key: dial for dial in found}
