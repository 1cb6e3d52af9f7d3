"""Full names and meanings of what the catalogue calls by short ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..biology import load_catalogue

__all__ = ["Glossary", "glossary"]


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


def glossary() -> Glossary:
    """The words of the shipped catalogue."""
    catalogue = load_catalogue()
    tables = (catalogue.cells, catalogue.molecules)
    return Glossary(
        names={name: entry.name for table in tables for name, entry in table.items()},
        traits={name: trait.description for name, trait in catalogue.traits.items()},
        cells=frozenset(catalogue.cells),
    )
