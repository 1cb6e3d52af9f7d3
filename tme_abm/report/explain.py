"""The model in plain English: what is assumed about this tumor, what happens in a step, and every rule with its reason.

Nothing here is written twice: processes speak through their docstrings, in the order of the schedule; rules, numbers,
bases and sources come from the catalogue, the rest from the scenario. So the text cannot fall behind the model.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc
from typing import TYPE_CHECKING

from ..biology import BEHAVIORS, Catalogue, load_catalogue
from ..biology.catalogue import in_words
from ..biology.parameter import Evidence, Parameter
from ..core.units import show
from ..scenario.slide import Slide, planted
from ..slide.fit import NEST
from .wording import join, plural

if TYPE_CHECKING:
    from ..biology.schema import CellEntry, MoleculeEntry, Rule
    from ..scenario import Scenario

__all__ = ["explain"]

_WIDTH = 100
_EXPONENT = re.compile(r"(?<=\d)e\+0*(\d+)")
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_TRAIT = re.compile(r"the tumor's (\w+)")
_SEEN_BY = {"antigen": "by antigen", "stress": "by signs of stress and missing class I MHC", None: "by touch"}


def explain(scenario: Scenario) -> str:
    """The model behind `scenario` as text of about 100 columns, in Markdown."""
    catalogue = load_catalogue()
    parts = [
        _heading(scenario.name, 1),
        _wrapped(scenario.title),
        _wrapped(scenario.description),
        *_world(scenario),
        *_tumor(scenario, catalogue),
        *_protocol(scenario),
        *_step(scenario),
        *_combining(),
        *_molecules(catalogue),
        *_cells(catalogue, scenario),
        *_references(catalogue),
    ]
    return _EXPONENT.sub(_power_of_ten, "\n\n".join(part for part in parts if part)) + "\n"


def _world(scenario: Scenario) -> Iterator[str]:
    lattice, clock, stroma = scenario.lattice, scenario.clock, scenario.stroma
    size = " × ".join(show(sites * lattice.spacing, "length") for sites in reversed(lattice.shape))
    flat = ", one site thick" if len(lattice.shape) == 2 else ""
    yield _heading("The world", 2)
    yield _wrapped(
        f"A piece of tissue of {size}{flat}, cut into sites of {show(lattice.spacing, 'length')}. A site holds at "
        "most one tissue cell (tumor) and, in a second layer, at most one immune cell; so leukocytes can enter "
        "dense tumor. Two cells are in contact if they share a site or sit on neighboring ones, diagonals included. "
        "Nothing passes the walls."
    )
    yield _wrapped(
        f"Time advances in steps of {show(clock.dt, 'time')} for {clock.days:g} days. {_start(scenario)} "
        f"Matrix: {stroma.matrix:g} outside the starting tumor, {stroma.matrix_in_tumor:g} inside (0 none, 1 dense). A "
        f"dividing cell can push others over up to {show(scenario.growth.push, 'length')}."
    )
    pools = [
        f"{entry.cells:.0f} {_name(pool)} ({show(entry.renewal, 'rate')})"
        for pool, entry in scenario.blood.items()
        if entry.cells
    ]
    if pools:
        yield _wrapped(
            "The blood offers a finite number of leukocytes to this tissue, and makes up for those that left at the "
            f"rate in brackets: {join(pools)}."
        )
    if stroma.secretion:
        made = [f"{molecule} at {show(rate, 'production')}" for molecule, rate in stroma.secretion.items()]
        yield _wrapped(f"The stroma outside the tumor makes {join(made)}.")


def _start(scenario: Scenario) -> str:
    """What lies in the tissue at the start."""
    tumor = scenario.tumor.cells
    if scenario.slide is not None:
        return f"{_slide(scenario.slide, scenario)} {_vessels(scenario)}"
    ball = "disk" if len(scenario.lattice.shape) == 2 else "ball"
    mix = [f"{_name(cell)} {show(density, 'areal_density')}" for cell, density in scenario.immune.items() if density]
    lies = f"{tumor} tumor cells lie in a {ball} of radius {show(scenario.tumor_radius, 'length')} in the middle"
    said = f"At the start {lies}" if tumor else "There is no tumor at the start"
    said += f", {'among' if tumor else 'but'} immune cells scattered over all tissue: {join(mix)}." if mix else "."
    return f"{said} {_vessels(scenario)}"


def _vessels(scenario: Scenario) -> str:
    vessels = scenario.vessels
    if not vessels.density:
        return "Blood vessels: none."
    inside = f", and {_times(vessels.in_tumor)} inside the starting tumor" if scenario.tumor.cells else ""
    return f"Blood vessels: {show(vessels.density, 'areal_density')}{inside}."


def _slide(slide: Slide, scenario: Scenario) -> str:
    counts = [f"{count} {_name(cell)}" for cell, count in planted(slide.fitted(scenario.lattice)).items() if count]
    return (
        f"The tissue starts from the measured cells of {slide.source}, each where it was found: {join(counts)}. "
        f"Tumor tissue is where most of the cells within {show(NEST, 'length')} are tumor cells."
    )


def _tumor(scenario: Scenario, catalogue: Catalogue) -> Iterator[str]:
    yield _heading("This tumor's traits", 2)
    yield _wrapped("Tumors differ in these and in nothing else about their cells. A star marks an unusual value.")
    lines = []
    for name, value in scenario.tumor.traits.items():
        entry, default = catalogue.traits[name], catalogue.trait_defaults[name]
        own = show(value, entry.kind) != show(default, entry.kind)
        usual = f"; usual value {show(default, entry.kind)}" if own else ""
        lines.append(_item(f"{name} = {show(value, entry.kind)}{' *' if own else ''}{usual}. {entry.description}"))
    yield "\n".join(lines)


def _protocol(scenario: Scenario) -> Iterator[str]:
    yield _heading("What is done to it", 2)
    if not scenario.protocol:
        yield "Nothing: the tumor is left to itself."
        return
    lines = []
    for number, item in enumerate(scenario.document()["protocol"], start=1):
        said = [f"{key} {_listed(value)}" for key, value in item.items() if key not in {"do", "start", "stop"}]
        when = f"from {item.get('start', '0 min')}" + (f" to {item['stop']}" if item.get("stop") else "")
        lines.append(_item(f"{item['do']}, {when}: {', '.join(said)}", str(number) + "."))
    yield "\n".join(lines)


def _step(scenario: Scenario) -> Iterator[str]:
    # Imported here: the model brings in Mesa, which a report of finished results has no need of.
    from ..model import SCHEDULE

    yield _heading("What happens in a step, in this order", 2)
    biology = scenario.biology()
    lines = [
        _item(f"{name}: {_first_paragraph(make(biology, scenario).__doc__)}", f"{number:2}.")
        for number, (name, make) in enumerate(SCHEDULE, start=1)
    ]
    yield "\n".join(lines)
    yield _wrapped(
        "Deaths, births and arrivals are asked for during the step and granted once at its end; where two cells want "
        "one site, chance decides, and a growing tumor pushes the stroma's leukocytes ahead of it. Chances follow "
        "from rates, so that a shorter step gives the same tumor. Every draw is a function of seed, purpose, time and "
        "cell: two tumors with one seed meet the same chances."
    )


def _combining() -> Iterator[str]:
    yield _heading("How rules combine", 2)
    yield _wrapped(
        "A rule moves one behavior of a cell from its base towards a value as a signal rises: at the half-max a "
        "signal that acts alone has moved it half of the way, and the Hill power says how sharply. If several signals "
        "act on one behavior, those that increase it are weighed together first; then those that decrease it act on "
        "the result (Johnson et al. 2025, doi:10.1016/j.cell.2025.06.048). Occupancy is the share of a receptor that "
        "its ligands hold, in competition with whatever blocks it."
    )


def _molecules(catalogue: Catalogue) -> Iterator[str]:
    yield _heading("Molecules", 2)
    yield _wrapped("Range is how far a molecule gets before it decays, where no cell takes it up.")
    yield "\n".join(_item(_molecule(name, entry)) for name, entry in catalogue.molecules.items())


def _molecule(name: str, entry: MoleculeEntry) -> str:
    text = f"{name}, {entry.name}"
    if entry.diffusivity is None or entry.decay is None:
        return f"{text}: acts by contact."
    diffusivity, decay = entry.diffusivity.number("diffusivity"), entry.decay.number("rate")
    reach = f", range {show((diffusivity / decay) ** 0.5, 'length')}" if diffusivity > 0 and decay > 0 else ""
    return (
        f"{text}: diffuses at {show(diffusivity, 'diffusivity')} {_why(entry.diffusivity)}, decays at "
        f"{show(decay, 'rate')} {_why(entry.decay)}{reach}."
    )


def _cells(catalogue: Catalogue, scenario: Scenario) -> Iterator[str]:
    yield _heading("Cells and their rules", 2)
    yield _wrapped("In brackets: the basis of the numbers, and their source as listed at the end.")
    rules = _rules(catalogue)

    def with_traits(text: str) -> str:
        return _TRAIT.sub(lambda found: f"{found[0]} ({_trait(found[1], scenario, catalogue)})", text)

    for name, entry in catalogue.cells.items():
        yield _heading(f"{entry.name} ({name})", 3)
        yield _wrapped(_portrait(name, entry, catalogue))
        lines = [
            _item(f"{in_words(what)}: {with_traits(catalogue.base_text(name, what))} {_why(base)}{_meaning(what)}")
            for what, base in entry.behaviors.items()
        ]
        if lines:
            yield "Without signals:\n" + "\n".join(lines)
        own = rules[name]
        if own:
            yield f"{plural(len(own), 'rule')}:\n" + "\n".join(_item(with_traits(said)) for said in own)


def _portrait(name: str, entry: CellEntry, catalogue: Catalogue) -> str:
    """What the cell is, where it lives, what it senses and takes up."""
    where = {
        "tissue": "Lives in the tissue layer",
        "immune": f"Lives in the immune layer and comes from the blood (pool: {_name(entry.pool or name)})",
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
            said.append(f"Climbs gradients sensed by {join(map(_name, followed))}.")
        if sensed:
            said.append(f"Carries {join(map(_name, sensed))}.")
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


def _references(catalogue: Catalogue) -> Iterator[str]:
    used = {s for _, parameter in catalogue.parameters() for s in parameter.source}
    used |= {source for rule in catalogue.rules for source in rule.source}
    yield _heading("Sources", 2)
    lines = []
    for key, entry in catalogue.references.items():
        if key in used:
            where = f"doi:{entry.doi}" if entry.doi else entry.url or entry.repository
            who = f"{', '.join(entry.authors)}. " if entry.authors else ""
            when = f" ({entry.year})" if entry.year else ""
            lines.append(_item(f"{key}: {who}{entry.title}{when}. {where}"))
    yield "\n".join(lines)


def _why(evidence: Evidence) -> str:
    return "[a trait]" if isinstance(evidence, Parameter) and evidence.is_trait else f"[{_evidence(evidence)}]"


def _evidence(evidence: Evidence) -> str:
    return ", ".join((evidence.basis, *evidence.source))


def _meaning(behavior: str) -> str:
    return f"; {BEHAVIORS[behavior][1]}" if behavior in BEHAVIORS else ""


def _name(name: str) -> str:
    return name.replace("_", "-")


def _trait(name: str, scenario: Scenario, catalogue: Catalogue) -> str:
    return show(scenario.tumor.traits[name], catalogue.traits[name].kind)


def _power_of_ten(found: re.Match[str]) -> str:
    return f"×10{found[1].translate(_SUPERSCRIPT)}"


def _times(factor: float) -> str:
    return "as many" if f"{factor:g}" == "1" else f"{factor:g} times as many"


def _first_paragraph(doc: str | None) -> str:
    return " ".join(cleandoc(doc or "").partition("\n\n")[0].split())


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, str) else str(value)


def _heading(text: str, level: int) -> str:
    return f"{'#' * level} {text}"


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _item(text: str, mark: str = "-") -> str:
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=f"{mark} ",
        subsequent_indent=" " * (len(mark) + 1),
        break_long_words=False,
        break_on_hyphens=False,
    )
