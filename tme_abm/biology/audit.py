"""What looks wrong in a catalogue that loads: dead numbers, slips of a unit, references that lead nowhere.

The loader refuses what cannot be: a wrong dimension, a value outside its range, a source that is not listed, a DOI that
is none. What is found here can be, but is worth a look. A number is held against the others of its sort.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from .catalogue import Catalogue
from .grammar import behavior, signal
from .parameter import Parameter
from .schema import ReferenceEntry

__all__ = ["Finding", "findings"]

_SLIP = 1000.0  # no wrong unit is nearer to the right one than uM to nM or minutes to days, seconds to minutes aside
_HEAVIER = 0.75  # diffusivity in tissue falls with this power of the molecular weight (Swabb 1974)
_OFF_THE_LINE = 4.0  # times as fast or as slow as the weight says; binding to matrix alone makes two
_FEW = 3  # numbers, of which the median says something

_PUBMED = ("https://pubmed.ncbi.nlm.nih.gov/", "https://www.ncbi.nlm.nih.gov/", "https://pmc.ncbi.nlm.nih.gov/")


class Finding(NamedTuple):
    """Something to look at: the file and the place of it, and what it is."""

    file: str
    place: str
    what: str


def findings(catalogue: Catalogue) -> list[Finding]:
    """What looks wrong in `catalogue`, file by file."""
    found = [*_dead(catalogue), *_off_the_line(catalogue), *_slips(catalogue), *_references(catalogue)]
    return sorted(Finding(catalogue.file_of(place), place, what) for place, what in found)


def _dead(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Molecules and receptors whose numbers nothing reads."""
    for name, molecule in catalogue.molecules.items():
        if name not in catalogue.sensed:
            yield f"molecule.{name}", "no cell senses it: its numbers, and those of its makers, only change readouts"
        if molecule.weight is not None and molecule.diffusivity is None:
            yield f"molecule.{name}.weight", "nothing reads the weight of a molecule that does not diffuse"
    for name in catalogue.receptors:
        if not catalogue.carriers[name]:
            yield f"receptor.{name}", "no cell carries it, so nothing reads its affinities"


def _off_the_line(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Diffusivities that the weights of the molecules speak against."""
    line: dict[str, float] = {}
    for name, molecule in catalogue.molecules.items():
        if molecule.weight is not None and molecule.diffusivity is not None:
            speed = molecule.diffusivity.number("diffusivity")
            line[f"molecule.{name}.diffusivity"] = speed * molecule.weight.number("mass") ** _HEAVIER
    for place, times in _far(line, _OFF_THE_LINE):
        yield place, f"diffuses {times} as fast as its weight says, by the other molecules"


def _slips(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Numbers that are so far from the others of their sort that a unit may be wrong."""
    groups: dict[str, dict[str, float]] = defaultdict(dict)

    def add(group: str, place: str, parameter: Parameter, kind: str) -> None:
        if kind != "number" and not parameter.is_trait and (value := parameter.number(kind)):
            groups[group][place] = value

    words = catalogue.vocabulary
    for name, cell in catalogue.cells.items():
        for what, base in cell.behaviors.items():
            add(what, f"cell.{name}.behaviors.{what}", base, behavior(what, words).kind)
        for molecule, clearance in cell.uptake.items():
            add(f"uptake of {molecule}", f"cell.{name}.uptake.{molecule}", clearance, "clearance")
    for name, receptor in catalogue.receptors.items():
        for ligand, constant in receptor.ligands.items():
            kind = "concentration" if ligand in words.diffusing else "number"
            add("dissociation constants", f"receptor.{name}.ligands.{ligand}", constant, kind)
    for rule in catalogue.rules:
        heard = signal(rule.signal, words)
        add(rule.behavior, f"{rule.place}: towards", rule.towards, behavior(rule.behavior, words).kind)
        add(f"half-max of {heard.name}", f"{rule.place}: half_max", rule.half_max, heard.quantity(words))
        if rule.memory is not None:
            add("memory", f"{rule.place}: memory", rule.memory, "time")
    for group, numbers in groups.items():
        for place, times in _far(numbers, _SLIP):
            yield place, f"{times} as the others of its sort ({group}); is the unit right?"

    reach: dict[str, float] = {}  # of small molecules, too, which spread and decay faster, is it that of the others
    for name, entry in catalogue.molecules.items():
        if entry.diffusivity is not None and entry.decay is not None and (decay := entry.decay.number("rate")):
            reach[f"molecule.{name}.decay"] = (entry.diffusivity.number("diffusivity") / decay) ** 0.5
    for place, times in _far(reach, _SLIP**0.5):
        yield place, f"reaches {times} as other molecules; are the units of decay and diffusivity right?"


def _far(numbers: dict[str, float], factor: float) -> Iterator[tuple[str, str]]:
    """The places of positive numbers more than `factor` from the median of all, and how many times they are it."""
    positive = {place: number for place, number in numbers.items() if number > 0.0}
    if len(positive) < _FEW:
        return
    middle = median(positive.values())
    for place, number in positive.items():
        if not middle / factor <= number <= middle * factor:
            yield place, f"{number / middle:.2g} times"


def _references(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """References that nobody cites, that are there twice, and papers that no number of theirs leads to."""
    cited = {source for _, parameter in catalogue.parameters() for source in parameter.source}
    cited |= {source for rule in catalogue.rules for source in rule.source}
    first: dict[str, str] = {}
    for name, entry in catalogue.references.items():
        place = f"reference.{name}"
        if name not in cited:
            yield place, "nobody cites it"
        if _is_a_paper(entry) and not entry.doi and not entry.url.startswith(_PUBMED):
            yield place, "a paper without a DOI or an address in PubMed"
        if entry.doi and first.setdefault(entry.doi.lower(), name) != name:
            yield place, f"has the DOI of {first[entry.doi.lower()]}"


def _is_a_paper(entry: ReferenceEntry) -> bool:
    return bool(entry.year) and not entry.repository
