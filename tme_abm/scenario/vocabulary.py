"""The words a scenario may use, gathered once from the shipped catalogue.

Everything the scenario layer asks of the biology is asked here: the names of cells, molecules, receptors,
pools and traits, who carries a receptor, who makes a gene product, and what the vessels exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..biology import Catalogue, load_catalogue

__all__ = ["Trait", "Vocabulary", "vocabulary"]


@dataclass(frozen=True, slots=True)
class Trait:
    """A tumor trait: kind of unit, default and range in internal units, and its one-line meaning."""

    kind: str
    value: float
    low: float | None
    high: float | None
    description: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names of the catalogue, in its order."""

    traits: Mapping[str, Trait]
    cells: tuple[str, ...]
    placed: tuple[str, ...]  # cells that stand on the lattice
    immune: tuple[str, ...]  # cells of the immune layer, each with a blood pool
    pools: tuple[str, ...]
    diffusing: tuple[str, ...]
    receptors: tuple[str, ...]
    products: tuple[str, ...]  # molecules and receptors
    carriers: Mapping[str, tuple[str, ...]]  # receptor -> cells that carry it
    producers: Mapping[str, tuple[str, ...]]  # molecule -> cells that secrete or show it
    exchange: Mapping[str, float]  # molecule -> exchange between blood and a vessel's site [1/min]
    meanings: Mapping[str, str]  # cell or molecule -> full name

    def described(self, names: Iterable[str]) -> dict[str, str]:
        """Each of the names with its full name."""
        return {name: self.meanings.get(name, "") for name in names}


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The words of the shipped catalogue."""
    return gather(load_catalogue())


def gather(catalogue: Catalogue) -> Vocabulary:
    """The words of one catalogue."""
    cells, molecules = catalogue.cells, catalogue.molecules
    pool_of = {name: cell.pool or name for name, cell in cells.items() if cell.layer == "immune"}
    carriers = {
        receptor: tuple(name for name, cell in cells.items() if receptor in cell.receptors)
        for receptor in catalogue.receptors
    }
    return Vocabulary(
        traits=_traits(catalogue),
        cells=tuple(cells),
        placed=tuple(name for name, cell in cells.items() if cell.layer != "vessel"),
        immune=tuple(pool_of),
        pools=tuple(dict.fromkeys(pool_of.values())),
        diffusing=catalogue.vocabulary.diffusing,
        receptors=tuple(catalogue.receptors),
        products=tuple(dict.fromkeys((*molecules, *catalogue.receptors))),
        carriers=carriers,
        producers={molecule: _makers(catalogue, molecule) for molecule in molecules},
        exchange={
            name: molecule.supply.exchange.number("rate")
            for name, molecule in molecules.items()
            if molecule.supply is not None
        },
        meanings={name: entry.name for table in (cells, molecules) for name, entry in table.items()},
    )


def _traits(catalogue: Catalogue) -> dict[str, Trait]:
    defaults = catalogue.trait_defaults
    found: dict[str, Trait] = {}
    for name, entry in catalogue.traits.items():
        low, high = entry.bounds(entry.kind) or (None, None)
        found[name] = Trait(entry.kind, defaults[name], low, high, entry.description)
    return found


def _makers(catalogue: Catalogue, molecule: str) -> tuple[str, ...]:
    """Cells with a base or a rule for secreting or showing the molecule."""
    ways = {f"secretion {molecule}", f"expression {molecule}"}
    by_rule = {cell for rule in catalogue.rules if rule.behavior in ways for cell in rule.cell}
    by_base = {name for name, cell in catalogue.cells.items() if ways & set(cell.behaviors)}
    return tuple(name for name in catalogue.cells if name in by_rule | by_base)
