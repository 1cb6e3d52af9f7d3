"""The model in plain English: what is assumed about this tumor, what happens in a step, and every rule with its reason.

Nothing here is written twice: processes speak through their docstrings, in the order of the schedule; rules, numbers,
bases and sources come from the catalogue, the rest from the scenario. So the text cannot fall behind the model.
"""

from __future__ import annotations

import re
import textwrap
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from ...biology import Catalogue
from ...core.units import show
from ...scenario.slide.fit import NEST
from ...scenario.slide.section import planted
from ..style.numbers import raised
from ..style.page import page
from .catalogue import cells, molecules, references, spelled

if TYPE_CHECKING:
    from ...scenario import Scenario

__all__ = ["explain"]

_WIDTH = 100
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
        "planted": [f"{count} {spelled(cell)}" for cell, count in counts.items() if count],
        "immune": [f"{spelled(cell)} {show(d, 'areal_density')}" for cell, d in scenario.immune.items() if d],
        "pools": [
            f"{pool.cells:.0f} {spelled(name)} ({show(pool.renewal, 'rate')})"
            for name, pool in scenario.blood.items()
            if pool.cells
        ],
        "secreted": [f"{name} at {show(rate, 'production')}" for name, rate in scenario.stroma.secretion.items()],
        "traits": [_trait(name, value, catalogue) for name, value in scenario.tumor.traits.items()],
        "protocol": [one.says(catalogue) for one in scenario.protocol],
    }


def _model(scenario: Scenario, catalogue: Catalogue) -> dict[str, Any]:
    """The steps of the model and the biology of all tumors."""
    # Imported here: the model brings in Mesa, which a report of finished results has no need of.
    from ...model import SCHEDULE

    biology = scenario.biology()
    return {
        "steps": [f"{name}: {_first_paragraph(make(biology, scenario).__doc__)}" for name, make in SCHEDULE],
        "molecules": molecules(catalogue),
        "cells": cells(catalogue, scenario),
        "references": references(catalogue),
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
