"""What the text says of a scenario: the tissue it starts from, the traits of its tumor, what is done to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..biology import Catalogue
from ..core.units import show
from ..scenario.slide.fit import NEST
from ..scenario.slide.section import Slide, planted
from ..scenario.vocabulary import vocabulary
from .explain_text import heading, item, spelled, wrapped
from .style.numbers import join

if TYPE_CHECKING:
    from ..scenario import Scenario

__all__ = ["protocol", "tumor", "world"]


def world(scenario: Scenario) -> Iterator[str]:
    """The tissue, time, and what surrounds the tumor."""
    lattice, clock, stroma = scenario.lattice, scenario.clock, scenario.stroma
    size = " × ".join(show(sites * lattice.spacing, "length") for sites in reversed(lattice.shape))
    flat = ", one site thick" if len(lattice.shape) == 2 else ""
    yield heading("The world", 2)
    yield wrapped(
        f"A piece of tissue of {size}{flat}, cut into sites of {show(lattice.spacing, 'length')}. A site holds at "
        "most one tissue cell (tumor) and, in a second layer, at most one immune cell; so leukocytes can enter "
        "dense tumor. Two cells are in contact if they share a site or sit on neighboring ones, diagonals included. "
        "Nothing passes the walls."
    )
    yield wrapped(
        f"Time advances in steps of {show(clock.dt, 'time')} for {clock.days:g} days. {_start(scenario)} "
        f"Matrix: {stroma.matrix:g} outside the starting tumor, {stroma.matrix_in_tumor:g} inside (0 none, 1 dense). A "
        f"dividing cell can push others over up to {show(scenario.growth.push, 'length')}."
    )
    pools = [
        f"{entry.cells:.0f} {spelled(pool)} ({show(entry.renewal, 'rate')})"
        for pool, entry in scenario.blood.items()
        if entry.cells
    ]
    if pools:
        yield wrapped(
            "The blood offers a finite number of leukocytes to this tissue, and makes up for those that left at the "
            f"rate in brackets: {join(pools)}."
        )
    if stroma.secretion:
        made = [f"{molecule} at {show(rate, 'production')}" for molecule, rate in stroma.secretion.items()]
        yield wrapped(f"The stroma outside the tumor makes {join(made)}.")


def _start(scenario: Scenario) -> str:
    """What lies in the tissue at the start."""
    tumor = scenario.tumor.cells
    if scenario.slide is not None:
        return f"{_slide(scenario.slide, scenario)} {_vessels(scenario)}"
    ball = "disk" if len(scenario.lattice.shape) == 2 else "ball"
    mix = [f"{spelled(cell)} {show(density, 'areal_density')}" for cell, density in scenario.immune.items() if density]
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
    counts = [f"{count} {spelled(cell)}" for cell, count in planted(slide.fitted(scenario.lattice)).items() if count]
    return (
        f"The tissue starts from the measured cells of {slide.source}, each where it was found: {join(counts)}. "
        f"Tumor tissue is where most of the cells within {show(NEST, 'length')} are tumor cells."
    )


def tumor(scenario: Scenario, catalogue: Catalogue) -> Iterator[str]:
    """The traits, beside what is usual."""
    yield heading("This tumor's traits", 2)
    yield wrapped("Tumors differ in these and in nothing else about their cells. A star marks an unusual value.")
    lines = []
    for name, value in scenario.tumor.traits.items():
        entry, default = catalogue.traits[name], catalogue.trait_defaults[name]
        own = show(value, entry.kind) != show(default, entry.kind)
        usual = f"; usual value {show(default, entry.kind)}" if own else ""
        lines.append(item(f"{name} = {show(value, entry.kind)}{' *' if own else ''}{usual}. {entry.description}"))
    yield "\n".join(lines)


def protocol(scenario: Scenario) -> Iterator[str]:
    """The interventions, in the order of the scenario."""
    yield heading("What is done to it", 2)
    if not scenario.protocol:
        yield "Nothing: the tumor is left to itself."
        return
    known = vocabulary()
    yield "\n".join(item(one.says(known), f"{number}.") for number, one in enumerate(scenario.protocol, start=1))


def _times(factor: float) -> str:
    return "as many" if f"{factor:g}" == "1" else f"{factor:g} times as many"
