"""The model in plain English: what is assumed about this tumor, what happens in a step, and every rule with its reason.

Nothing here is written twice: processes speak through their docstrings, in the order of the schedule; rules, numbers,
bases and sources come from the catalogue, the rest from the scenario. So the text cannot fall behind the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import TYPE_CHECKING

from ..biology import load_catalogue
from . import explain_biology, explain_tumor
from .explain_text import heading, item, wrapped

if TYPE_CHECKING:
    from ..scenario import Scenario

__all__ = ["explain"]

_EXPONENT = re.compile(r"(?<=\d)e\+0*(\d+)")
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def explain(scenario: Scenario) -> str:
    """The model behind `scenario` as text of about 100 columns, in Markdown."""
    catalogue = load_catalogue()
    parts = [
        heading(scenario.name, 1),
        wrapped(scenario.title),
        wrapped(scenario.description),
        *explain_tumor.world(scenario),
        *explain_tumor.tumor(scenario, catalogue),
        *explain_tumor.protocol(scenario),
        *_step(scenario),
        *_combining(),
        *explain_biology.molecules(catalogue),
        *explain_biology.cells(catalogue, scenario),
        *explain_biology.references(catalogue),
    ]
    return _EXPONENT.sub(_power_of_ten, "\n\n".join(part for part in parts if part)) + "\n"


def _step(scenario: Scenario) -> Iterator[str]:
    # Imported here: the model brings in Mesa, which a report of finished results has no need of.
    from ..model import SCHEDULE

    yield heading("What happens in a step, in this order", 2)
    biology = scenario.biology()
    lines = [
        item(f"{name}: {_first_paragraph(make(biology, scenario).__doc__)}", f"{number:2}.")
        for number, (name, make) in enumerate(SCHEDULE, start=1)
    ]
    yield "\n".join(lines)
    yield wrapped(
        "Deaths, births and arrivals are asked for during the step and granted once at its end; where two cells want "
        "one site, chance decides, and a growing tumor pushes the stroma's leukocytes ahead of it. Chances follow "
        "from rates, so that a shorter step gives the same tumor. Every draw is a function of seed, purpose, time and "
        "cell: two tumors with one seed meet the same chances."
    )


def _combining() -> Iterator[str]:
    yield heading("How rules combine", 2)
    yield wrapped(
        "A rule moves one behavior of a cell from its base towards a value as a signal rises: at the half-max a "
        "signal that acts alone has moved it half of the way, and the Hill power says how sharply. If several signals "
        "act on one behavior, those that increase it are weighed together first; then those that decrease it act on "
        "the result (Johnson et al. 2025, doi:10.1016/j.cell.2025.06.048). Occupancy is the share of a receptor that "
        "its ligands hold, in competition with whatever blocks it."
    )


def _first_paragraph(doc: str | None) -> str:
    return " ".join(cleandoc(doc or "").partition("\n\n")[0].split())


def _power_of_ten(found: re.Match[str]) -> str:
    return f"×10{found[1].translate(_SUPERSCRIPT)}"
