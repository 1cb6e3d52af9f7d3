"""The words a scenario may use, gathered once from the shipped catalogue.

Everything the scenario layer asks of the biology is asked here: the names of cells, molecules, receptors,
pools and traits, who carries a receptor, makes a gene product, has a behavior or a rule of a pathway, and what the
vessels exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..biology import BEHAVIORS, Catalogue, load_catalogue
from ..biology.grammar import DEFAULT_BASE, behavior, family_members

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
    pool_of: Mapping[str, str]  # immune cell -> its blood pool
    behaviors: Mapping[str, tuple[str, ...]]  # behavior -> cells that have it
    quantities: Mapping[str, str]  # behavior -> kind of quantity
    pathways: Mapping[str, tuple[str, ...]]  # pathway -> cells with a rule that it carries
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
    behaviors = _behaviors(catalogue)
    return Vocabulary(
        traits=_traits(catalogue),
        cells=tuple(cells),
        placed=tuple(name for name, cell in cells.items() if cell.layer != "vessel"),
        immune=tuple(pool_of),
        pools=tuple(dict.fromkeys(pool_of.values())),
        diffusing=catalogue.vocabulary.diffusing,
        receptors=tuple(catalogue.receptors),
        products=tuple(dict.fromkeys((*molecules, *catalogue.receptors))),
        pool_of=pool_of,
        behaviors=behaviors,
        quantities={name: behavior(name, catalogue.vocabulary).kind for name in behaviors},
        pathways=_pathways(catalogue),
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


def _behaviors(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """The behaviors that some cell has by a base, a rule or, on the lattice, a default; with the cells that do."""
    found: dict[str, set[str]] = {}
    for name, cell in catalogue.cells.items():
        for what in (*cell.behaviors, *(DEFAULT_BASE if cell.layer == "immune" else ())):
            found.setdefault(what, set()).add(name)
    for rule in catalogue.rules:
        found.setdefault(rule.behavior, set()).update(rule.cell)
    known = (*BEHAVIORS, *family_members(catalogue.vocabulary))
    return {what: tuple(cell for cell in catalogue.cells if cell in found[what]) for what in known if what in found}


def _pathways(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """The pathways in alphabetical order, with the cells that have a rule of each."""
    found: dict[str, set[str]] = {}
    for rule in catalogue.rules:
        for name in rule.pathway:
            found.setdefault(name, set()).update(rule.cell)
    return {name: tuple(cell for cell in catalogue.cells if cell in found[name]) for name in sorted(found)}


def _makers(catalogue: Catalogue, molecule: str) -> tuple[str, ...]:
    """Cells with a base or a rule for secreting or showing the molecule."""
    ways = {f"secretion {molecule}", f"expression {molecule}"}
    by_rule = {cell for rule in catalogue.rules if rule.behavior in ways for cell in rule.cell}
    by_base = {name for name, cell in catalogue.cells.items() if ways & set(cell.behaviors)}
    return tuple(name for name in catalogue.cells if name in by_rule | by_base)
