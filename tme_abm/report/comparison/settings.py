"""How scenarios differ: the resolved files side by side, only the lines that are not the same, with their meaning.

Text that describes a scenario (title, description) is no difference in the model and is left out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.errors import InputError
from ...core.units import KINDS, parse, show
from ..style.glossary import Glossary, pretty

__all__ = ["Difference", "common_start", "differences", "resolved_values"]

_PROSE = frozenset({"name", "title", "description", "extends"})


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One line that is not the same in all scenarios; `values` in the order of the comparison's names."""

    key: str
    name: str
    meaning: str
    unit: str
    values: tuple[str, ...]


def resolved_values(text: str) -> dict[str, str]:
    """A resolved scenario as flat "a.b.c" -> text, in file order; empty for text that is not TOML."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    flat: dict[str, str] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}.{key}" if prefix else key, inner)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for i, inner in enumerate(value, start=1):
                walk(f"{prefix} {i}", inner)
        elif isinstance(value, list) and prefix.startswith("slide.places_um."):
            flat[prefix] = f"{len(value) // 2} places"  # slide.sha256 tells whether they are the same
        elif isinstance(value, list):
            flat[prefix] = (" × " if prefix.endswith("shape") else ", ").join(map(str, value))
        else:
            flat[prefix] = str(value)

    walk("", tree)
    return flat


def differences(resolved: Mapping[str, Mapping[str, str]], words: Glossary) -> list[Difference]:
    """The keys whose values are not the same in all scenarios that have a resolved file, traits first."""
    known = [values for values in resolved.values() if values]
    keys = dict.fromkeys(key for values in known for key in values)
    found: list[Difference] = []
    for key in sorted(keys, key=lambda key: not key.startswith("tumor.traits.")):
        if key in _PROSE or len({values.get(key) or "" for values in known}) == 1:  # an empty list is no list
            continue
        short, sentence = words.meaning(key)
        unit, shown = _common_unit([values.get(key) or "" for values in resolved.values()])
        found.append(Difference(key=key, name=short, meaning=sentence, unit=unit, values=shown))
    return found


def _common_unit(values: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The unit all quantities share, and the bare numbers; no unit and the texts as they are where they do not."""
    units = _units(values)
    if len(units) > 1:
        values = _in_one_unit(values)
        units = _units(values)
    if len(units) != 1 or not (unit := units.pop()):
        return "", tuple(map(pretty, values))
    return pretty(unit), tuple(pretty(value.removesuffix(f" {unit}")) for value in values)


def _units(values: Sequence[str]) -> set[str]:
    split = [re.fullmatch(r"([-+]?[\d.]+(?:e[-+]?\d+)?) (.+)", value) for value in values if value]
    return {found[2] if found else "" for found in split}


def _in_one_unit(values: Sequence[str]) -> Sequence[str]:
    """Quantities of one kind in the unit that suits the largest; any other texts as they are."""
    for kind in KINDS:
        try:
            numbers = [parse(value, kind) if value else None for value in values]
        except InputError:
            continue
        largest = max((abs(number) for number in numbers if number is not None), default=0.0)
        return ["" if number is None else show(number, kind, like=largest) for number in numbers]
    return values


def common_start(resolved: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether all scenarios start from the same tumor size and the same immune composition."""
    starts = [
        {key: value for key, value in values.items() if key == "tumor.cells" or key.startswith("immune.")}
        for values in resolved.values()
        if values
    ]
    return len(starts) > 1 and all(start == starts[0] for start in starts)
