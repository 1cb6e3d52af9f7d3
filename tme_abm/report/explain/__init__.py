"""The model in plain English: what is assumed about this tumor, what happens in a step, and every rule with its reason.

Nothing here is written twice: processes speak through their docstrings, in the order of the schedule; rules, numbers,
bases and sources come from the catalogue, the rest from the scenario. So the text cannot fall behind the model.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from ...biology import BEHAVIORS, Catalogue
from ...biology.catalogue import in_words
from ...biology.parameter import Evidence, Parameter
from ...core.units import show
from ...scenario.slide.fit import NEST
from ...scenario.slide.section import planted
from ..style.numbers import join, raised
from ..style.page import page

if TYPE_CHECKING:
    from ...biology.schema import CellEntry, MoleculeEntry, Rule
    from ...scenario import Scenario

__all__ = ["explain"]

_WIDTH = 100
_TRAIT = re.compile(r"the tumor's (\w+)")
_SEEN_BY = {"antigen": "by antigen", "stress": "by signs of stress and missing class I MHC", None: "by touch"}
_EXPONENT = re.compile(r"(?<=\d)e\+0*(\d+)")


def explain(scenario: Scenario) -> str:
    """The model behind `scenario` as text of about 100 columns, in Markdown."""
    filters = {"show": show, "g": "{:g}".format, "wrap": _wrapped, "item": _item}
    catalogue = scenario.catalogue
    text = page("explain/text.md.j2", _tumor(scenario, catalogue) | _model(scenario, catalogue), filters)
    text = re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"
    return _EXPONENT.sub(lambda found: f"×10{raised(int(found[1]))}", text)


def _tumor(scenario: Scenario, catalogue: Catalogue) -> dict[str, Any]:
    """The tissue at the start, the traits of the tumor beside what is usual, and what is done to it."""
    lattice, slide = scenario.lattice, scenario.slide
    counts = {} if slide is None else planted(slide.fitted(lattice, catalogue), catalogue)
    return {
        "scenario": scenario,
        "lattice": lattice,
        "clock": scenario.clock,
        "tumor": scenario.tumor,
        "vessels": scenario.vessels,
        "stroma": scenario.stroma,
        "slide": slide,
        "nest": NEST,
        "size": " × ".join(show(sites * lattice.spacing, "length") for sites in reversed(lattice.shape)),
        "flat": len(lattice.shape) == 2,
        "planted": [f"{count} {_spelled(cell)}" for cell, count in counts.items() if count],
        "immune": _densities(scenario.immune),
        "pools": [
            f"{pool.cells:.0f} {_spelled(name)} ({show(pool.renewal, 'rate')}{_surplus(pool.loss)})"
            for name, pool in scenario.blood.items()
            if pool.cells
        ],
        "stromal": _densities(scenario.stroma.cells or {}),
        "ringed": _densities(scenario.stroma.ring.cells if scenario.stroma.ring else {}),
        "secreted": [
            f"{name} at {show(rate, 'production')}" for name, rate in scenario.stroma.secretion.items() if rate
        ],
        "traits": [_trait(name, value, catalogue) for name, value in scenario.tumor.traits.items()],
        "protocol": [one.says(catalogue) for one in scenario.protocol],
    }


def _surplus(loss: float | None) -> str:
    """How fast a pool returns that is too full, if it differs from the return of one that is drawn on."""
    return "" if loss is None else f"; {show(loss, 'rate')} where there are too many"


def _densities(cells: Mapping[str, float]) -> list[str]:
    return [f"{_spelled(cell)} {show(density, 'areal_density')}" for cell, density in cells.items() if density]


def _model(scenario: Scenario, catalogue: Catalogue) -> dict[str, Any]:
    """The steps of the model and the biology of all tumors."""
    # Imported here: the model brings in Mesa, which a report of finished results has no need of.
    from ...simulation import SCHEDULE

    biology = scenario.biology()
    return {
        "steps": [f"{name}: {_first_paragraph(make(biology, scenario).__doc__)}" for name, make in SCHEDULE],
        "molecules": _molecules(catalogue),
        "cells": _cells(catalogue, scenario),
        "references": _references(catalogue),
    }


def _trait(name: str, value: float, catalogue: Catalogue) -> str:
    entry = catalogue.traits[name]
    shown, usual = show(value, entry.kind), show(catalogue.trait_defaults[name], entry.kind)
    unusual = f" *; usual value {usual}" if shown != usual else ""
    return f"{name} = {shown}{unusual}. {entry.description}"


def _first_paragraph(doc: str | None) -> str:
    return " ".join(cleandoc(doc or "").partition("\n\n")[0].split())


def _wrapped(text: str) -> str:
    """A paragraph, broken into lines between words only."""
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _item(text: str, mark: str = "-") -> str:
    """An item of a list, indented behind its mark."""
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=f"{mark} ",
        subsequent_indent=" " * (len(mark) + 1),
        break_long_words=False,
        break_on_hyphens=False,
    )


# ------------------------------------------------------------------ what the catalogue says


def _spelled(name: str) -> str:
    """A name of the catalogue as it stands in a sentence."""
    return name.replace("_", "-")


def _molecules(catalogue: Catalogue) -> list[str]:
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


def _cells(catalogue: Catalogue, scenario: Scenario) -> list[dict[str, Any]]:
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
        "immune": f"Lives in the immune layer and comes from the blood (pool: {_spelled(entry.pool or name)})",
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
            said.append(f"Climbs gradients sensed by {join(map(_spelled, followed))}.")
        if sensed:
            said.append(f"Carries {join(map(_spelled, sensed))}.")
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


def _references(catalogue: Catalogue) -> list[str]:
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
