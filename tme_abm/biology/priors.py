"""How well every number of the catalogue is known: its prior, and joint draws of all numbers from their priors.

A prior has the value of the catalogue as its median. Five percent of it lie below and five percent above two ends:
those of the number's range, or the value divided and multiplied by the factor of its basis (`WIDTHS`). It is
log-normal, with its own width on each side, for ranges are seldom symmetric; a share of 1 is logit-normal in the same
way (the factor is one of odds). Nothing lies further out than three standard deviations.

- A draw changes how much, never whether: a number that is 0 stays 0. A range that begins at 0 says nothing of the width
  below the value on a logarithmic scale; that of the basis is taken. If the value is an end of its range, half
  of the draws keep it.
- The range of a trait says how tumors differ, not how well its default is known. Its width is that of its basis,
  and a draw stays inside the range. A scenario that sets a trait keeps its value.
- Numbers are drawn independently, but for those that the catalogue makes one: signals that increase a behavior of a
  cell share one target "wherever they mean the same effect" (README of the data), so their equal targets are one number
  with the narrowest of their priors. Numbers of different cells that happen to be equal are drawn apart.
- A base and the targets of its rules keep their order: the one that is drawn later is drawn from that part of
  its prior which lies on its side of the other.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..core.draws import uniform
from ..core.units import split
from .catalogue import Catalogue, Entry
from .check import base_number
from .loader import changed, load_catalogue
from .parameter import Evidence
from .schema import Rule

__all__ = ["WIDTHS", "Draw", "Prior", "draw", "drawn_catalogue", "fingerprint_of", "priors", "shared"]

WIDTHS: Mapping[str, float] = {
    "measured": 1.5,  # a primary measurement of this quantity
    "derived": 2.0,  # computed from a source
    "fitted": 2.0,  # held to targets that several numbers serve
    "model": 3.0,  # taken over from another model; so is what is measured or derived from nothing but models
    "assumed, with a source": 3.0,
    "assumed": 5.0,  # and any basis that has no width of its own
    "hill": 1.5,  # a Hill power, whatever its basis: 2 is between 1.3 and 3
    "mass": 1.05,  # a molecular weight, which a sequence gives
}
"""The factor by which the 95 % point of a number without a range lies above the value, and the 5 % point below it."""

_P95 = 1.6448536269514722  # standard deviations to the 95 % point
_FARTHEST = 3.0  # standard deviations
_DIGITS = 6
_CUT = 0.01  # a part of a prior that is worth a word
_ROUNDING = 1e-5  # kept between a base and a target, which are rounded to these digits


@dataclass(frozen=True, kw_only=True)
class Prior:
    """The prior of a number, in internal units.

    form : "log-normal", "logit-normal" or, if it is never drawn, "fixed"
    below, above : from the median to the 5 % and the 95 % point, on the logarithmic or logit scale
    least, most : hard bounds
    """

    median: float
    form: str = "fixed"
    below: float = 0.0
    above: float = 0.0
    least: float = 0.0
    most: float = math.inf

    def at(self, deviations: float) -> float:
        """The value that many standard deviations from the median."""
        if self.form == "fixed":
            return self.median
        z = min(max(deviations, -_FARTHEST), _FARTHEST)
        moved = z * (self.above if z > 0 else self.below) / _P95
        if not moved:
            return self.median
        if self.form == "log-normal":
            found = self.median * math.exp(moved)
        else:
            found = 1.0 / (1.0 + math.exp(-moved) * (1.0 - self.median) / self.median)
        return min(max(found, self.least), self.most)

    def deviations(self, value: float) -> float:
        """How many standard deviations from the median a value lies; infinite where the prior has nothing."""
        if value <= 0.0 or (self.form == "logit-normal" and value >= 1.0):
            return -math.inf if value <= 0.0 else math.inf
        away = math.log(value / self.median)
        if self.form == "logit-normal":
            away -= math.log((1.0 - value) / (1.0 - self.median))
        side = self.above if away > 0 else self.below
        if away == 0.0 or side == 0.0:
            return 0.0 if away == 0.0 else math.copysign(math.inf, away)
        return _P95 * away / side

    @property
    def ends(self) -> tuple[float, float]:
        """The 5 % and the 95 % point."""
        return self.at(-_P95), self.at(_P95)

    @property
    def width(self) -> float:
        """From the 5 % to the 95 % point."""
        return self.below + self.above


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One joint draw: the value of every number that differs from the catalogue's, as the catalogue would write it.

    `changed(catalogue, values, ranged=False)` is the catalogue of the draw. `cut` lists the numbers that were drawn
    from less than 99 % of their prior, to keep their order with a base or a target.
    """

    seed: int
    number: int
    values: Mapping[str, str | float]
    cut: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Fingerprint of the values."""
        return hashlib.sha256(json.dumps(dict(self.values), sort_keys=True).encode()).hexdigest()


# ------------------------------------------------------------------ priors


def priors(catalogue: Catalogue) -> dict[str, Prior]:
    """The prior of every number by its place, as in `Catalogue.parameters`."""
    models = {name for name, reference in catalogue.references.items() if reference.repository}
    entries = {entry.place: entry for entry in catalogue.entries() if not entry.parameter.is_trait}
    found = {place: _prior(entry, models) for place, entry in entries.items()}
    for leader, places in _groups(catalogue).items():
        narrowest = min((found[place] for place in places), key=lambda one: one.width)
        found |= dict.fromkeys((leader, *places), narrowest)
    return found


def shared(catalogue: Catalogue) -> dict[str, str]:
    """Place -> the place that it is drawn with, for numbers that are one; the first of them is left out."""
    return {place: leader for leader, places in _groups(catalogue).items() for place in places if place != leader}


def _prior(entry: Entry, models: Iterable[str]) -> Prior:
    parameter, value = entry.parameter, entry.parameter.number(entry.kind)
    if value <= 0.0:
        return Prior(median=value)
    bounds, trait = parameter.bounds(entry.kind), entry.place.startswith("trait.")
    low, high = bounds or (None, None)
    share = entry.share or (entry.kind == "number" and high == 1.0)
    logit = share and value < 1.0
    scale = _logit if logit else math.log
    below = above = math.log(_factor(entry, models))
    if low is not None and low > 0.0:
        below = min(below, scale(value) - scale(low)) if trait else scale(value) - scale(low)
    if high is not None and not (logit and high >= 1.0):
        above = min(above, scale(high) - scale(value)) if trait else scale(high) - scale(value)
    elif share and value >= 1.0:
        above = 0.0
    return Prior(
        median=value,
        form="logit-normal" if logit else "log-normal",
        below=max(below, 0.0),
        above=max(above, 0.0),
        least=low if trait and low is not None else 0.0,
        most=high if trait and high is not None else 1.0 if share else math.inf,
    )


def _factor(entry: Entry, models: Iterable[str]) -> float:
    """The factor of a number without a range."""
    if entry.kind == "mass" or entry.place.endswith("hill"):
        return WIDTHS["mass" if entry.kind == "mass" else "hill"]
    return WIDTHS.get(_distance(entry.parameter, models), WIDTHS["assumed"])


def _distance(evidence: Evidence, models: Iterable[str]) -> str:
    """How far the source is from the number: its basis, unless all of its sources are models or it has none."""
    basis: str = evidence.basis
    if basis in ("measured", "derived") and all(source in models for source in evidence.source):
        return "model"
    return "assumed, with a source" if basis == "assumed" and evidence.source else basis


def _logit(value: float) -> float:
    return math.log(value / (1.0 - value))


def _groups(catalogue: Catalogue) -> dict[str, list[str]]:
    """Leader -> places of the equal targets towards which several signals increase one behavior of one cell."""
    leaders: dict[tuple[str, str, float], str] = {}
    found: dict[str, list[str]] = {}
    for rule in catalogue.rules:
        if rule.effect == "decreases" or rule.towards.is_trait:
            continue
        value = rule.towards.number(catalogue.kind_of(rule.behavior))
        keys = [(cell, rule.behavior, value) for cell in rule.cell]
        place = f"{rule.place}: towards"
        known = list(dict.fromkeys(leaders[key] for key in keys if key in leaders))
        leader = known[0] if known else place
        for other in known[1:]:  # a rule of several cells makes one of the groups of each
            found[leader] += found.pop(other)
            leaders = {key: leader if one == other else one for key, one in leaders.items()}
        found.setdefault(leader, []).append(place)
        leaders |= dict.fromkeys(keys, leader)
    return {leader: places for leader, places in found.items() if len(places) > 1}


# ------------------------------------------------------------------ draws


@lru_cache(maxsize=2)
def drawn_catalogue(seed: int, number: int) -> Catalogue:
    """The shipped catalogue with the values of a draw. Raises InputError if they contradict one another."""
    shipped = load_catalogue()
    return changed(shipped, draw(shipped, seed, number).values, ranged=False)


@lru_cache(maxsize=64)
def fingerprint_of(seed: int, number: int) -> str:
    """SHA-256 of the values of a draw from the shipped catalogue."""
    return draw(load_catalogue(), seed, number).sha256


def draw(catalogue: Catalogue, seed: int, number: int) -> Draw:
    """The joint draw `number` of a seed. The value of a number depends on its place, not on which others there are."""
    from scipy.special import ndtri  # slow to import, and needed for draws only

    known, together, order = priors(catalogue), shared(catalogue), _Order(catalogue)
    places = order.sorted(place for place in known if place not in together)
    keys = np.array([_key(place) for place in places], dtype=np.uint64)
    chances = dict(zip(places, uniform(seed, "prior", number, keys).tolist(), strict=True))
    values: dict[str, float] = {}
    cut: list[str] = []
    for place in places:
        prior = known[place]
        if prior.form == "fixed":
            values[place] = prior.median
            continue
        low, high = order.limits(place, values, known)
        first, last = (_below(prior.deviations(end)) for end in (low, high))
        if first > _CUT or last < 1.0 - _CUT:
            cut.append(place)
        chance = first + max(last - first, 0.0) * chances[place]
        deviations = float(ndtri(min(max(chance, 1e-12), 1.0 - 1e-12)))
        values[place] = min(max(prior.at(deviations), low), high)
    values |= {place: values[leader] for place, leader in together.items()}
    return Draw(
        seed=seed,
        number=number,
        values={
            place: _written(parameter.value, value / known[place].median)
            for place, parameter in catalogue.parameters()
            if (value := values[place]) != known[place].median
        },
        cut=tuple(cut),
    )


class _Order:
    """The order of bases and the targets of their rules, while numbers are drawn one after the other."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.bases: set[str] = set()
        self.above: dict[str, list[str]] = {}  # place -> the places that must not lie below it
        self.under: dict[str, list[str]] = {}
        self.fixed: dict[str, float] = {}
        leaders = shared(catalogue)
        for rule in catalogue.rules:
            target = _at(f"{rule.place}: towards", rule.towards.trait)
            for base in self._bases(catalogue, rule):
                low, high = (base, leaders.get(target, target))
                if rule.effect == "decreases":
                    low, high = high, low
                self.above.setdefault(low, []).append(high)
                self.under.setdefault(high, []).append(low)

    def _bases(self, catalogue: Catalogue, rule: Rule) -> Iterator[str]:
        for cell in rule.cell:
            base = catalogue.cells[cell].behaviors.get(rule.behavior)
            place = _at(f"cell.{cell}.behaviors.{rule.behavior}", base.trait if base else None)
            if base is None:
                self.fixed[place] = base_number(catalogue, cell, rule.behavior, {})
            self.bases.add(place)
            yield place

    def sorted(self, places: Iterable[str]) -> list[str]:
        """Bases before targets, and traits between, those that are bases first."""

        def rank(place: str) -> int:
            if place.startswith("trait."):
                return 1 if place in self.bases else 2
            return 3 if place.endswith(": towards") else 0

        return sorted(places, key=rank)

    def limits(self, place: str, values: dict[str, float], known: Mapping[str, Prior]) -> tuple[float, float]:
        """The highest value below and the lowest above; of what is not drawn yet, its hard bounds."""
        there = ChainMap(values, self.fixed)
        under, above = self.under.get(place, ()), self.above.get(place, ())
        low = max((there[one] if one in there else known[one].least for one in under), default=0.0)
        high = min((there[one] if one in there else known[one].most for one in above), default=math.inf)
        return low * (1.0 + _ROUNDING), high * (1.0 - _ROUNDING)


def _at(place: str, trait: str | None) -> str:
    return place if trait is None else f"trait.{trait}"


def _below(deviations: float) -> float:
    """The share of a normal distribution below a point."""
    return 0.5 * math.erfc(-deviations / math.sqrt(2.0))


def _key(place: str) -> int:
    return int.from_bytes(hashlib.blake2b(place.encode(), digest_size=8).digest(), "little")


def _written(value: str | float, factor: float) -> str | float:
    """A value as written, times a factor, in its own unit."""
    found = split(value) if isinstance(value, str) else None
    if found is None:
        return float(f"{float(value) * factor:.{_DIGITS}g}")
    return f"{found[0] * factor:.{_DIGITS}g} {found[1]}".strip()
