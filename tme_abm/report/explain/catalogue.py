"""What the text says of the catalogue: every molecule, every cell with its rules, and where the numbers come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...biology import BEHAVIORS, Catalogue
from ...biology.catalogue import in_words
from ...biology.parameter import Evidence, Parameter
from ...core.units import show
from ..style.numbers import join

if TYPE_CHECKING:
    from ...biology.schema import CellEntry, MoleculeEntry, Rule
    from ...scenario import Scenario

__all__ = ["cells", "molecules", "references", "spelled"]

_TRAIT = re.compile(r"the tumor's (\w+)")
_SEEN_BY = {"antigen": "by antigen", "stress": "by signs of stress and missing class I MHC", None: "by touch"}


def spelled(name: str) -> str:
    """A name of the catalogue as it stands in a sentence."""
    return name.replace("_", "-")


def molecules(catalogue: Catalogue) -> list[str]:
    """What every molecule is, how it spreads, and how far."""
    return [_molecule(name, entry) for name, entry in catalogue.molecules.items()]


def _molecule(name: str, entry: MoleculeEntry) -> str:
    text = f"{name}, {entry.name}"
    if entry.diffusivity is None or entry.decay is None:
        return f"{text}: {'acts by contact' if entry.reach == 'contact' else 'stays inside the cell'}."
    diffusivity, decay = entry.diffusivity.number("diffusivity"), entry.decay.number("rate")
    reach = f", range {show((diffusivity / decay) ** 0.5, 'length')}" if diffusivity > 0 and decay > 0 else ""
    return (
        f"{text}: diffuses at {show(diffusivity, 'diffusivity')} {_why(entry.diffusivity)}, decays at "
        f"{show(decay, 'rate')} {_why(entry.decay)}{reach}."
    )


def cells(catalogue: Catalogue, scenario: Scenario) -> list[dict[str, Any]]:
    """Every cell: a portrait, what it does without signals, and its rules, with the traits of this tumor put in."""
    rules = _rules(catalogue)

    def trait(found: re.Match[str]) -> str:
        value = show(scenario.tumor.traits[found[1]], catalogue.traits[found[1]].kind)
        return f"{found[0]} ({value})"

    return [
        {
            "name": f"{entry.name} ({name})",
            "portrait": _portrait(name, entry, catalogue),
            "behaviors": [
                f"{in_words(what)}: {_TRAIT.sub(trait, catalogue.base_text(name, what))} {_why(base)}{_meaning(what)}"
                for what, base in entry.behaviors.items()
            ],
            "rules": [_TRAIT.sub(trait, said) for said in rules[name]],
        }
        for name, entry in catalogue.cells.items()
    ]


def _portrait(name: str, entry: CellEntry, catalogue: Catalogue) -> str:
    """What the cell is, where it lives, what it senses and takes up."""
    where = {
        "tissue": "Lives in the tissue layer",
        "immune": f"Lives in the immune layer and comes from the blood (pool: {spelled(entry.pool or name)})",
        "vessel": "Sits at the vessels and decides who leaves the blood",
    }[entry.layer]
    said = [entry.description, where + "."]
    if entry.hunts:
        prey = join(catalogue.cells[prey].name for prey in entry.hunts)
        said.append(f"Kills {prey}s it touches and recognizes {_SEEN_BY[entry.sees]}.")
    if entry.receptors:
        followed = [r for r, weight in entry.receptors.items() if weight.is_trait or weight.number("number")]
        sensed = [receptor for receptor in entry.receptors if receptor not in followed]
        if followed:
            said.append(f"Climbs gradients sensed by {join(map(spelled, followed))}.")
        if sensed:
            said.append(f"Carries {join(map(spelled, sensed))}.")
    if entry.uptake:
        said.append(f"Takes up {join(entry.uptake)}.")
    return " ".join(part for part in said if part)


def _rules(catalogue: Catalogue) -> Mapping[str, list[str]]:
    """cell -> its rules, each a sentence and its evidence.

    `Catalogue.sentences` gives one sentence a rule and cell, in the order used here, then one a scale.
    """
    found: dict[str, list[str]] = {cell: [] for cell in catalogue.cells}
    owners = [(cell, _why_rule(rule)) for rule in catalogue.rules for cell in rule.cell]
    owners += [
        (cell, _why(base.scaled_by.half_max))
        for cell, entry in catalogue.cells.items()
        for base in entry.behaviors.values()
        if base.scaled_by is not None
    ]
    for (cell, why), sentence in zip(owners, catalogue.sentences(), strict=True):
        _, _, said = sentence.partition(", ")  # the heading says which cell it is about
        found[cell].append(f"{said[:1].upper()}{said[1:]} {why}")
    return found


def _why_rule(rule: Rule) -> str:
    """The evidence of a rule, and of each of its numbers that has evidence of its own."""
    numbers = {"towards": rule.towards, "half-max": rule.half_max, "Hill": rule.hill, "memory": rule.memory}
    own = [
        f"{name} {_evidence(number)}"
        for name, number in numbers.items()
        if number is not None and not number.is_trait and _evidence(number) != _evidence(rule)
    ]
    return f"[{'; '.join((_evidence(rule), *own))}]"


def references(catalogue: Catalogue) -> list[str]:
    """The publications that a number or a rule names."""
    used = {s for _, parameter in catalogue.parameters() for s in parameter.source}
    used |= {source for rule in catalogue.rules for source in rule.source}
    return [
        f"{key}: {entry.citation}. {f'doi:{entry.doi}' if entry.doi else entry.address}"
        for key, entry in catalogue.references.items()
        if key in used
    ]


def _why(evidence: Evidence) -> str:
    return "[a trait]" if isinstance(evidence, Parameter) and evidence.is_trait else f"[{_evidence(evidence)}]"


def _evidence(evidence: Evidence) -> str:
    return ", ".join((evidence.basis, *evidence.source))


def _meaning(behavior: str) -> str:
    return f"; {BEHAVIORS[behavior][1]}" if behavior in BEHAVIORS else ""
