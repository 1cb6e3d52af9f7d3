"""The parts of the page that are text and swatches, as HTML; everything that came from a file is escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tme_abm.biology import Catalogue
from tme_abm.biology.parameter import Evidence
from tme_abm.biology.schema import Rule
from tme_abm.observe.metrics import describe
from tme_abm.observe.state import criteria
from tme_abm.report.explain import explain
from tme_abm.report.style.numbers import fixed
from tme_abm.report.style.palette import CORE_LINE, DEAD, STATES, VESSEL, cell_color, cell_shape
from tme_abm.report.style.svg import swatch
from tme_abm.scenario import Scenario

from .closeup import Cell
from .colorings import COLORINGS, View, bars, ramp
from .frame import MATRIX, Frame

__all__ = ["closeup", "explanation", "glance", "in_order", "legend", "on_screen", "prose", "verdict"]

_MOST_RULES = 12
_MOST_PULLS = 14
_GLANCED_STATES = ("activation", "exhaustion", "polarization", "damage", "PDL1")
_HELD = 0.01  # occupancies below it are not worth a word
_SEEN = 0.005  # nor are such states
_STOPS = 12


def in_order(names: Sequence[str]) -> list[str]:
    """Names as one looks them up: CXCL9 before CXCL10."""

    def parts(name: str) -> list[str]:
        return [part.zfill(4) if part.isdigit() else part for part in re.findall(r"\d+|\D+", name.lower())]

    return sorted(names, key=parts)


def verdict(frame: Frame) -> str:
    """Hot, excluded, cold or none, and the numbers it rests on."""
    known = criteria()
    rows = [
        (describe(metric, frame.cell_names).heading, fixed(frame.measures[metric], 0), f"{says} {limit:,.0f}", "")
        for metric, says, limit in (
            ("CD8 core", "hot >", known.per_mm2),
            ("CD8 margin", "excluded >", known.per_mm2),
            ("tumor cells", "needs", known.tumor),
        )
    ]
    effectors, suppressors = frame.measures["effectors called"], frame.measures["suppressors called"]
    balance = f"{effectors / suppressors if suppressors > 0 else math.nan:.2g}"
    meaning = "Arrivals that receptors and adhesion at the vessels ask for: CD8, Th1 and NK for one Treg or MDSC"
    rows.append(("effectors called", balance, "for 1 suppressor", meaning))
    return str(_WORDS.verdict(frame.state, STATES[frame.state], rows))


def legend(frame: Frame, view: View) -> str:
    """Cell types with their numbers, other marks, and color bars for a state and a field."""
    dead = int((~frame.living & ~frame.immune).sum())
    marks = [("cell", _mark(name), name, f"{count:,}") for name, count in frame.counts.items()]
    marks += [
        ("", swatch(DEAD, "block"), "dead", f"{dead:,}"),
        ("", swatch(VESSEL, "frame"), "vessel", ""),
        ("", swatch(CORE_LINE, "line"), "core border", ""),
    ]
    return str(_WORDS.legend(marks, bars(frame, view), view.coloring in COLORINGS))


def glance(cells: Sequence[Cell], here: str = "") -> str:
    """One line on what lies under the pointer: state, fullest receptor, hardest rule; `here` follows."""
    return str(_WORDS.glance(cells, here))


def closeup(cells: Sequence[Cell], day: float, gone: bool = False) -> str:
    """What was found where a person clicked; `gone`: it was followed until it died away or left."""
    return str(_WORDS.closeup(cells, day, gone))


def on_screen(view: View, catalogue: Catalogue) -> str:
    """What the picture shows now, in words and with its sources; Markdown."""
    parts = ["## What is on the screen"]
    chosen = COLORINGS.get(view.coloring)
    meaning = chosen.meaning if chosen else "Cells are colored by type; lymphocytes are discs, myeloid cells squares."
    parts.append(
        f"**Colors.** {meaning} The dark line is the border of the tumor core; red frames are vessels, gray sites dead "
        "cells. Tumor cells fill their site, leukocytes lie over it as dots."
    )
    if view.field == MATRIX:
        parts.append(
            "**Matrix**, from none (0) to dense (1): fibroblasts lay it down; they, macrophages and proteases cut it."
        )
    elif view.field:
        entry = catalogue.molecules[view.field]
        numbers = [
            f"{what} {number.text(kind)} ({_why(number, catalogue)})"
            for what, number, kind in (
                ("diffusivity", entry.diffusivity, "diffusivity"),
                ("decay", entry.decay, "rate"),
            )
            if number is not None
        ]
        bound_by = [name for name, receptor in catalogue.receptors.items() if view.field in receptor.ligands]
        parts.append(
            f"**{view.field}**, {entry.name}: {'; '.join(numbers)}."
            + (f" Bound by {', '.join(bound_by)}." if bound_by else "")
        )
    shown = [word for word in (chosen.column if chosen else None, view.field) if word]
    found = [rule for rule in catalogue.rules if any(_concerns(rule, word) for word in shown)]
    if found:
        # Those that a paper carries come first.
        found.sort(key=lambda rule: not _sources(rule))
        lines = [f"- {rule.title} ({_why(rule, catalogue, _sources(rule))})" for rule in found[:_MOST_RULES]]
        more = len(found) - _MOST_RULES
        parts.append(f"**Rules with {' or '.join(shown)}, and where each comes from**")
        parts.append("\n".join(lines) + (f"\n- and {more} more, listed below" if more > 0 else ""))
    parts.append(
        f"**Verdict.** Hot when more than {criteria().per_mm2:.0f} CD8 cells/mm² lie in the core, excluded when only "
        "the margin has as many, cold when neither has ([Kather et al. 2018](https://doi.org/10.7554/eLife.36967))."
    )
    return "\n\n".join(parts)


def explanation(scenario: Scenario) -> str:
    """The whole model in plain English, as Markdown that a browser lays out."""
    lines: list[str] = []
    for line in explain(scenario).replace("*", r"\*").splitlines():
        listed = line.startswith("- ") or line.lstrip()[:2].rstrip(".").isdigit()
        if listed and lines and lines[-1].endswith(":"):
            lines.append("")  # a list needs an empty line before it
        lines.append(line)
    return "\n".join(lines)


def prose(text: str) -> str:
    """Markdown as HTML; what looks like HTML in it is shown as it is, and links leave the running page alone."""
    import markdown  # comes with the page

    html = str(markdown.markdown(escape(text, quote=False)))
    return html.replace('<a href="', '<a target="_blank" rel="noopener" href="')


def _concerns(rule: Rule, word: str) -> bool:
    return word in {*rule.signal.split(), *rule.behavior.split()}


def _sources(rule: Rule) -> tuple[str, ...]:
    """Where the rule and its numbers come from."""
    numbers = (rule.towards, rule.half_max, rule.hill, rule.memory)
    return tuple(dict.fromkeys(key for one in (rule, *numbers) if one is not None for key in one.source))


def _why(evidence: Evidence, catalogue: Catalogue, sources: Sequence[str] | None = None) -> str:
    titles = [_reference(catalogue, key) for key in (evidence.source if sources is None else sources)]
    if not titles and evidence.note:
        return f"{evidence.basis}: {evidence.note}"
    return ", ".join([evidence.basis, *titles])


def _reference(catalogue: Catalogue, key: str) -> str:
    entry = catalogue.references[key]
    return f"[{key}]({entry.address})"


def _mark(cell: str) -> Markup:
    return swatch(cell_color(cell), "block" if cell == "tumor" else cell_shape(cell))


def _gradient(colors: str) -> str:
    stops = ramp(colors)[:: len(ramp(colors)) // _STOPS]
    return ", ".join(f"rgb({r},{g},{b})" for r, g, b in stops)


def _words() -> Any:
    """The macros of the template."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(gradient=_gradient, mark=_mark, short="{:.2g}".format)
    environment.globals.update(glanced=_GLANCED_STATES, seen=_SEEN, held=_HELD, most=_MOST_PULLS)
    return environment.get_template("words.html.j2").module


_WORDS = _words()
