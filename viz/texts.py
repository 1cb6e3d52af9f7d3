"""The parts of the page that are text and swatches, as HTML; everything that came from a file is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from tme_abm.biology import Catalogue
from tme_abm.biology.parameter import Evidence
from tme_abm.biology.schema import Rule
from tme_abm.observe.state import criteria
from tme_abm.report.explain import explain
from tme_abm.report.style.numbers import fixed
from tme_abm.report.style.palette import CORE_LINE, DEAD, STATES, VESSEL, cell_color, cell_shape
from tme_abm.scenario import Scenario

from .closeup import Cell, Pull
from .colorings import COLORINGS, ramp, scale_of
from .frame import Frame
from .picture import counted
from .raster import View

__all__ = ["closeup", "explanation", "glance", "in_order", "legend", "on_screen", "prose", "verdict"]

_MOST_PULLS = 14
_GLANCED_STATES = ("activation", "exhaustion", "polarization", "damage", "PDL1")
_HELD = 0.01  # occupancies below it are not worth a word
_MOST_RULES = 12
_STOPS = 12
_HOW_TO_READ = "<p class='m'>×1: the signal is at its half-maximum. Behavior: without rules → with all of them.</p>"
_SEEN = 0.005  # states below it are not worth a word


def in_order(names: Sequence[str]) -> list[str]:
    """Names as one looks them up: CXCL9 before CXCL10."""

    def parts(name: str) -> list[str]:
        return [part.zfill(4) if part.isdigit() else part for part in re.findall(r"\d+|\D+", name.lower())]

    return sorted(names, key=parts)


def verdict(frame: Frame) -> str:
    """Hot, excluded, cold or none, and the numbers it rests on."""
    cut, least = criteria().per_mm2, criteria().tumor
    core, margin = frame.measures["CD8 core"], frame.measures["CD8 margin"]
    tumor = frame.measures["tumor cells"]
    name = frame.state if frame.state != "none" else "no verdict"
    rows = (
        ("CD8 core, /mm²", core, cut, "hot &gt;"),
        ("CD8 margin, /mm²", margin, cut, "excluded &gt;"),
        ("tumor cells", tumor, least, "needs"),
    )
    lines = "".join(
        f"<tr><td>{what}</td><td class='n'>{fixed(value, 0)}</td><td class='m'>{says} {limit:,.0f}</td></tr>"
        for what, value, limit, says in rows
    )
    called = frame.summoned
    balance = called["effectors"] / called["suppressors"] if called["suppressors"] > 0 else float("nan")
    lines += (
        "<tr title='Arrivals that receptors and adhesion at the vessels ask for: CD8, Th1 and NK for one Treg or MDSC'>"
        f"<td>effectors called</td><td class='n'>{balance:.2g}</td><td class='m'>for 1 suppressor</td></tr>"
    )
    return (
        f"<div class='tme-verdict'><span class='tme-chip' data-state='{frame.state}' "
        f"style='background:{STATES[frame.state]}'>{name}</span><table>{lines}</table></div>"
    )


def legend(frame: Frame, view: View) -> str:
    """Cell types with their numbers, other marks, and color bars for a state and a field."""
    marks = [(_swatch(cell_color(name), cell_shape(name), name), name, f"{count:,}") for name, count in counted(frame)]
    dead = int((~frame.living & ~frame.immune).sum())
    marks += [
        (_swatch(DEAD, "block"), "dead", f"{dead:,}"),
        (f"<i class='ring' style='border-color:{VESSEL}'></i>", "vessel", ""),
        (f"<i class='line' style='background:{CORE_LINE}'></i>", "core border", ""),
    ]
    chosen = COLORINGS.get(view.coloring)
    items = "".join(f"<span class='k'>{swatch}{escape(name)} <b>{count}</b></span>" for swatch, name, count in marks)
    bars = ""
    if chosen is not None:
        end = chosen.end(frame)
        low, high = (chosen.low, chosen.high) if chosen.low else ("0", f"{end:g}")
        who = ", ".join(chosen.cells) or "all cells that show it"
        bars += _bar(f"{chosen.name} of {who}", chosen.colors, low, high)
    if view.field is not None and view.field in frame.fields:
        scale = scale_of(frame, view.field)
        bars += _bar(view.field, "magma_r", "0", scale.end)
    muted = " muted" if chosen is not None else ""
    return f"<div class='tme-bars'>{bars}</div><div class='tme-legend{muted}'>{items}</div>"


def glance(cells: Sequence[Cell], here: str = "") -> str:
    """One line on what lies under the pointer: state, fullest receptor, hardest rule; `here` follows."""
    said = []
    for cell in cells:
        states = dict(cell.states)
        parts = [f"<b>{escape(cell.name)}</b>" + ("" if cell.fate == "alive" else f" ({escape(cell.fate)})")]
        parts += [
            f"{name} {states[name]:.2g}"
            for name in _GLANCED_STATES
            if states.get(name, 0.0) >= _SEEN and _has(cell, name)
        ]
        if cell.occupancies:
            receptor, share = max(cell.occupancies, key=lambda pair: pair[1])
            if share >= _HELD:
                parts.append(f"{escape(receptor)} {share:.0%} held")
        if cell.pulls:
            pull = cell.pulls[0]
            parts.append(f"{_sign(pull)} {escape(pull.signal)} → {escape(pull.behavior)} {_times(pull.weight)}")
        said.append(" · ".join(parts))
    return "<br>".join([*(said or ["empty stroma"]), *([escape(here)] if here else [])])


def closeup(cells: Sequence[Cell], day: float, gone: bool = False) -> str:
    """What was found where a person clicked; `gone`: it was followed until it died away or left."""
    if gone:
        return f"<div class='tme-close'><h3>Gone</h3><p>The cell was no longer here on day {day:.2f}.</p></div>"
    if not cells:
        return "<div class='tme-close'><h3>Empty stroma</h3><p>No cell lies here.</p></div>"
    return "".join(_cell(cell, day) for cell in cells)


def on_screen(view: View, catalogue: Catalogue) -> str:
    """What the picture shows now, in words and with its sources; Markdown."""
    parts = ["## What is on the screen"]
    chosen = COLORINGS.get(view.coloring)
    meaning = chosen.meaning if chosen else "Cells are colored by type; lymphocytes are discs, myeloid cells squares."
    parts.append(
        f"**Colors.** {meaning} The dark line is the border of the tumor core; red frames are vessels, gray sites dead "
        "cells. Tumor cells fill their site, leukocytes lie over it as dots."
    )
    if view.field is not None:
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


def _cell(cell: Cell, day: float) -> str:
    facts = [f"{cell.fate}", f"{cell.age / 24:.1f} days here" if cell.age >= 24 else f"{cell.age:.1f} h here"]
    states = _pairs((name, value) for name, value in cell.states if name != "polarization" or _has(cell, name))
    held = _pairs(cell.occupancies)
    pulls = "".join(_pull(pull) for pull in cell.pulls[:_MOST_PULLS])
    more = len(cell.pulls) - _MOST_PULLS
    rest = f"<p class='m'>and {more} weaker</p>" if more > 0 else ""
    return (
        f"<div class='tme-close'><h3>{_swatch(cell_color(cell.kind), cell_shape(cell.kind), cell.kind)}"
        f"{escape(cell.name)}</h3><p class='m'>{', '.join(facts)}; seen on day {day:.2f}</p>"
        + (f"<h4>States</h4><div class='pairs'>{states}</div>" if states else "")
        + (f"<h4>Receptor occupancy</h4><div class='pairs'>{held}</div>" if held else "")
        + (f"<h4>Rules at work, strongest first</h4>{_HOW_TO_READ}<ul>{pulls}</ul>{rest}" if pulls else "")
        + "</div>"
    )


def _pull(pull: Pull) -> str:
    return (
        f"<li title='{escape(pull.effect)}'><b>{_sign(pull)}</b> {escape(pull.signal)} <i>{escape(pull.level)}</i> → "
        f"{escape(pull.behavior)} <i>{escape(pull.base)} → {escape(pull.value)}</i>"
        f"<span class='w'>{_times(pull.weight)}</span></li>"
    )


def _has(cell: Cell, state: str) -> bool:
    """Whether a state means anything for such a cell."""
    meant = [coloring.cells for coloring in COLORINGS.values() if coloring.column == state]
    return not any(meant) or any(cell.kind in cells for cells in meant)


def _sign(pull: Pull) -> str:
    return "▲" if pull.effect == "increases" else "▼"


def _times(weight: float) -> str:
    if weight >= 100:
        return "×>99"
    return f"×{weight:.0f}" if weight >= 10 else f"×{weight:.2g}"


def _pairs(pairs: Iterable[tuple[str, float]]) -> str:
    return "".join(f"<span>{escape(name)} <b>{value:.2g}</b></span>" for name, value in pairs)


def _swatch(color: str, shape: str, name: str = "") -> str:
    kind = "block" if name == "tumor" or shape == "block" else shape
    return f"<i class='{kind}' style='background:{color}'></i>"


def _bar(name: str, colors: str, low: str, high: str) -> str:
    stops = ramp(colors)[:: len(ramp(colors)) // _STOPS]
    gradient = ", ".join(f"rgb({r},{g},{b})" for r, g, b in stops)
    return (
        f"<div class='bar'><span class='t'>{escape(name)}</span><span>{escape(low)}</span>"
        f"<i style='background:linear-gradient(90deg,{gradient})'></i><span>{escape(high)}</span></div>"
    )
