"""Full names and meanings of what the catalogue and scenarios call by short ones.

What a trait means is said by the catalogue; what a setting means is said here by the pattern of its key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...biology import Catalogue, load_catalogue

__all__ = ["Glossary", "glossary", "pretty"]

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
    (r"blood\.(.+)\.cells", "Leukocytes of the {0} pool in the blood that reaches this tissue, at rest"),
    (r"blood\.(.+)\.renewal", "How fast the blood's {0} pool returns to rest"),
    (r"stroma\.matrix", "Density of the matrix outside the starting tumor (0 none, 1 impassable)"),
    (r"stroma\.matrix_in_tumor", "Density of the matrix inside the starting tumor (0 none, 1 impassable)"),
    (r"stroma\.secretion\.(.+)", "{0} made by the stroma outside the tumor"),
    (r"growth\.push", "How far a dividing tumor cell can push its neighbors"),
    (r"fields\.precision", "Floating-point precision of the concentrations"),
    (r"fields\.tolerance", "Solver tolerance of the concentrations"),
    (r"fields\.method\.(.+)", "Solver of the {0} field"),
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


def pretty(value: str) -> str:
    """A quantity as a reader writes it: µ for u, superscripts, an en dash for nothing."""
    text = re.sub(r"\bu(m|M|g|l|L)\b", r"µ\1", value)
    for plain, raised in (("^2", "²"), ("^3", "³"), ("^-1", "⁻¹")):
        text = text.replace(plain, raised)
    return text or "–"
