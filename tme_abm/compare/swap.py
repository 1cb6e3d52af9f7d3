"""Which of a tumor's traits decide: give one tumor those of another, a group at a time, then all of them.

The variants keep everything else (vessels, blood, starting tissue), so a state that survives every single
swap and is lost with all of them is held by several mechanisms together. Traits are grouped in the
catalogue (`group` of a trait).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["ALL", "OTHER", "Swap", "Variant", "swaps"]

OTHER = "other traits"
ALL = "all traits"

_TRAITS = "tumor.traits."


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A scenario with the traits of one group (`traits`: name to value as text) taken from another."""

    scenario: Scenario
    group: str
    traits: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Swap:
    """Every variant of `into` with traits of `source`, and what else the two differ in and keep."""

    source: Scenario
    into: Scenario
    variants: tuple[Variant, ...]
    not_swapped: tuple[str, ...]

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """All that is to be run: the receiving tumor, its variants, and the giving one."""
        return (self.into, *(variant.scenario for variant in self.variants), self.source)


def swaps(source: Scenario, into: Scenario) -> Swap:
    """The variants of `into` with one group of `source`'s traits at a time, and with all of them.

    Raises:
        InputError: the two do not differ in any trait.
    """
    from ..scenario.load import changed

    theirs: dict[str, str] = {}
    kept: list[str] = []
    for key, _, value in into.differences(source):
        if key.startswith(_TRAITS):
            theirs[key.removeprefix(_TRAITS)] = value
        else:
            kept.append(key)
    if not theirs:
        raise InputError(f"{source.name} and {into.name} do not differ in any trait; there is nothing to swap")
    by_group: dict[str, dict[str, str]] = {}
    for name, entry in into.catalogue.traits.items():
        if name in theirs:
            by_group.setdefault(entry.group or OTHER, {})[name] = theirs[name]
    if OTHER in by_group:  # last, whatever the order of the catalogue
        by_group[OTHER] = by_group.pop(OTHER)
    by_group[ALL] = theirs
    variants = tuple(
        Variant(
            group=group,
            traits=traits,
            scenario=changed(
                into,
                {
                    "name": f"{into.name}-{_slug(group)}",
                    "title": f"{into.name} with {group} of {source.name}",
                    **{f"{_TRAITS}{trait}": value for trait, value in traits.items()},
                },
            ),
        )
        for group, traits in by_group.items()
    )
    return Swap(source=source, into=into, variants=variants, not_swapped=tuple(kept))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
