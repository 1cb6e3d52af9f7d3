"""Settings of scenarios in words: what the catalogue and scenarios call by short names, and how scenarios differ.

What a trait means is said by the catalogue; what a setting means is said here by the pattern of its key. Text that
describes a scenario (title, description) is no difference in the model and is left out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...biology import Catalogue, Pack, load_catalogue
from ...core.errors import InputError
from ...core.units import KINDS, parse, show
from .numbers import DASH

__all__ = [
    "Difference", "Glossary", "common_start", "differences", "glossary", "glossary_of", "pretty",
    "resolved_values",
]  # fmt: skip

_PROSE = frozenset({"name", "title", "description", "extends"})
_MEANINGS: tuple[tuple[str, str], ...] = (
    (r"lattice\.shape", "Sites of the simulated piece of tissue"),
    (r"lattice\.spacing", "Distance between neighboring sites"),
    (r"lattice\.margin", "Room kept between the starting tumor and the walls"),
    (r"clock\.dt", "Time step"),
    (r"clock\.days", "Simulated time"),
    (r"tumor\.cells", "Tumor cells at the start, a ball in the center"),
    (r"immune\.(.+)", "Density in the tissue at the start: {0}"),
    (r"vessels\.density", "Blood vessels in the tissue"),
    (r"vessels\.in_tumor", "Vessels inside the starting tumor, relative to the tissue around it"),
    (r"blood\.(.+)\.cells", "Leukocytes of the {0} pool that the blood offers to this tumor, at rest"),
    (r"blood\.(.+)\.renewal", "How fast the blood's {0} pool returns to rest"),
    (r"blood\.(.+)\.loss", "How fast a surplus leaves the blood's {0} pool"),
    (r"stroma\.matrix", "Density of the matrix outside the starting tumor (0 none, 1 impassable)"),
    (r"stroma\.matrix_in_tumor", "Density of the matrix inside the starting tumor (0 none, 1 impassable)"),
    (r"stroma\.cells\.(.+)", "Density in the stroma at the start: {0}"),
    (r"stroma\.ring\.width", "Width of the rim of stroma around the starting tumor"),
    (r"stroma\.ring\.cells\.(.+)", "Density in the rim around the starting tumor: {0}"),
    (r"stroma\.secretion\.(.+)", "{0} made by the stroma outside the tumor"),
    (r"growth\.push", "How far a dividing tumor cell can push its neighbors"),
    (r"fields\.precision", "Floating-point precision of the concentrations"),
    (r"fields\.tolerance", "Solver tolerance of the concentrations"),
    (r"fields\.lag", "How much the concentrations may change before they are solved anew, relative to themselves"),
    (r"fields\.method\.(.+)", "Solver of the {0} field"),
    (r"record\.molecules", "Molecules that are followed even if no cell here senses them"),
    (r"record\.precision", "Number type of the concentrations in snapshots"),
    (r"record\..+", "How often results are written"),
    (r"protocol (\d+)\.(.+)", "Intervention {0}: {1}"),
)


@dataclass(frozen=True, kw_only=True)
class Glossary:
    """`names`: cell or molecule -> full name; `traits`: tumor trait -> what it means; `cells`: names of cells."""

    names: Mapping[str, str] = field(default_factory=dict)
    traits: Mapping[str, str] = field(default_factory=dict)
    cells: frozenset[str] = frozenset()

    def full(self, name: str) -> str:
        """The full name, or the short one where the catalogue has none."""
        return self.names.get(name, name)

    def spell(self, key: str) -> str:
        """A key of a scenario as words: "tgfb_secretion" is "TGFB secretion"."""
        words = key.replace(".", " ").replace("_", " ").split()
        return " ".join(word.upper() if word.upper() in self.names else word for word in words)

    def meaning(self, key: str) -> tuple[str, str]:
        """A short name and a sentence for a key of a resolved scenario."""
        if key.startswith("tumor.traits."):
            trait = key.removeprefix("tumor.traits.")
            return self.spell(trait), self.traits.get(trait, "Trait of the tumor")
        for pattern, sentence in _MEANINGS:
            found = re.fullmatch(pattern, key)
            if found:
                return self.spell(key), sentence.format(*map(self.full, found.groups()))
        return self.spell(key), ""


def glossary(catalogue: Catalogue | None = None) -> Glossary:
    """The words of a catalogue, by default the shipped one."""
    catalogue = load_catalogue() if catalogue is None else catalogue
    tables = (catalogue.cells, catalogue.molecules)
    return Glossary(
        names={name: entry.name for table in tables for name, entry in table.items()},
        traits={name: trait.description for name, trait in catalogue.traits.items()},
        cells=frozenset(catalogue.cells),
    )


def glossary_of(resolved: Iterable[str]) -> Glossary:
    """The words of the shipped catalogue and of the packs in resolved scenarios, as far as these go together."""
    packs = dict.fromkeys(pack for text in resolved for pack in _packs(_tree(text)))
    try:
        return glossary(load_catalogue(packs=packs))
    except InputError:
        return glossary()


def _tree(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _packs(tree: Mapping[str, Any]) -> list[Pack]:
    return [Pack(**pack) for pack in tree.get("packs", ())]


def pretty(value: str) -> str:
    """A quantity as a reader writes it: µ for u, superscripts, an en dash for nothing."""
    text = re.sub(r"\bu(m|M|g|l|L)\b", r"µ\1", value)
    for plain, raised in (("^2", "²"), ("^3", "³"), ("^-1", "⁻¹")):
        text = text.replace(plain, raised)
    return text or DASH


# ------------------------------------------------------------------ side by side


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
    tree = _tree(text)
    flat: dict[str, str] = {f"catalogue {pack.name}": f"sha256 {pack.sha256}" for pack in _packs(tree)}
    tree.pop("packs", None)

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
