"""What one cell is doing and why: its states, what its receptors hold, the rules that pull on it now; also as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from tme_abm.biology import Biology
from tme_abm.core.units import show
from tme_abm.model import TumorModel
from tme_abm.processes import Response
from tme_abm.report.style.palette import cell_color, cell_shape
from tme_abm.report.style.svg import swatch
from tme_abm.tissue import ALIVE, EMPTY, NECROTIC, TISSUE

from .colorings import COLORINGS
from .frame import state_columns

__all__ = ["Cell", "Pull", "closeup", "glance", "look", "revisit"]

_MOST_PULLS = 14
_GLANCED_STATES = ("activation", "exhaustion", "polarization", "damage", "PDL1")
_HELD = 0.01  # occupancies below it are not worth a word
_SEEN = 0.005  # states below it are not worth a word
_HOW_TO_READ = "<p class='m'>×1: the signal is at its half-maximum. Behavior: without rules → with all of them.</p>"
_FELT = 0.02  # weight of a signal, relative to the base, below which a rule does nothing one could see


@dataclass(frozen=True, kw_only=True)
class Pull:
    """A rule at work: `signal` is at `level` and pulls `behavior` with `weight` (1: as hard as its base)."""

    signal: str
    level: str
    effect: str
    behavior: str
    base: str
    value: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: what it is, its states, its occupied receptors [0, 1], and the rules that act on it, hardest first.

    key: its identity for good. x, y: where it is, as shares of the picture's width and height.
    """

    key: int
    x: float
    y: float
    kind: str
    name: str
    fate: str
    age: float
    states: tuple[tuple[str, float], ...]
    occupancies: tuple[tuple[str, float], ...]
    pulls: tuple[Pull, ...]


def look(model: TumorModel, x: float, y: float) -> tuple[Cell, ...]:
    """The cells at a place, given as shares [0, 1] of width and height: the leukocyte first."""
    lattice = model.tissue.lattice
    ny, nx = lattice.shape[-2:]
    place: tuple[int, ...] = (min(ny - 1, max(0, int(y * ny))), min(nx - 1, max(0, int(x * nx))))
    if len(lattice.shape) > 2:
        place = (lattice.shape[0] // 2, *place)
    site = int(np.ravel_multi_index(place, lattice.shape))
    rows = [int(lattice.occupant[layer, site]) for layer in (1 - TISSUE, TISSUE)]
    return tuple(_found(model, row) for row in rows if row != EMPTY)


def revisit(model: TumorModel, keys: Sequence[int]) -> tuple[Cell, ...]:
    """The cells with these keys, in their order, wherever they are now; those that are gone are left out."""
    known = model.tissue.cells.key
    found = (np.flatnonzero(known == np.uint64(key)) for key in keys)
    return tuple(_found(model, int(rows[0])) for rows in found if len(rows))


def _found(model: TumorModel, row: int) -> Cell:
    tissue, biology = model.tissue, model.biology
    kind = int(tissue.cells.kind[row])
    fate = int(tissue.cells.fate[row])
    name = biology.cells[kind]
    response = Response(biology, tissue)
    rows = np.array([row])
    sites = tissue.cells.site[rows]
    columns = state_columns(biology)
    place = np.unravel_index(int(sites[0]), tissue.lattice.shape)
    return Cell(
        key=int(tissue.cells.key[row]),
        x=(float(place[-1]) + 0.5) / tissue.lattice.shape[-1],
        y=(float(place[-2]) + 0.5) / tissue.lattice.shape[-2],
        kind=name,
        name=model.catalogue.cells[name].name,
        fate="alive" if fate == ALIVE else "necrotic" if fate == NECROTIC else "apoptotic",
        age=(tissue.clock.time - float(tissue.cells.born[row])) / 60,
        states=tuple(
            (label, value) for label, column in columns.items() if (value := float(tissue.cells[column][row])) > 0
        ),
        occupancies=tuple(
            (receptor.name, float(response.senses.occupied(number, kind, sites, rows)[0]))
            for number, receptor in enumerate(biology.receptors)
            if biology.expresses[kind, number]
        ),
        pulls=_pulls(biology, response, kind, rows, sites) if fate == ALIVE else (),
    )


def _pulls(biology: Biology, response: Response, kind: int, rows: np.ndarray, sites: np.ndarray) -> tuple[Pull, ...]:
    found = []
    for program in biology.programs:
        if program.cell != kind:
            continue
        behavior, unit = biology.behaviors[program.behavior], biology.kinds[program.behavior]
        value = float(np.ravel(response.of_rows(kind, behavior, rows))[0])
        for effect, terms in (("increases", program.ups), ("decreases", program.downs)):
            for term in terms:
                level = float(response.senses(term.signal, kind, sites, rows)[0])
                weight = (level / term.half_max) ** term.hill
                for pathway in term.pathway:
                    weight *= response.tissue.controls.signaling.get((kind, pathway), 1.0)
                if weight >= _FELT:
                    signal = biology.signals[term.signal]
                    is_level = signal.kind == "concentration"
                    found.append(
                        Pull(
                            signal=str(signal),
                            level=show(level, "concentration") if is_level else f"{level:.2g}",
                            effect=effect,
                            behavior=behavior,
                            base=_before(program.base, unit, value),
                            value=_text(value, unit),
                            weight=weight,
                        )
                    )
    return tuple(sorted(found, key=lambda pull: -pull.weight))


def _text(value: float, kind: str) -> str:
    """A value with its unit; what one cell secretes goes without saying so."""
    return show(value, kind).replace("molecules/cell", "").strip()


def _before(value: float, kind: str, now: float) -> str:
    """The number of a value in the unit in which `now` is shown."""
    return show(value, kind, like=now).split()[0] if now else _text(value, kind)


# ------------------------------------------------------------- in words


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


def _cell(cell: Cell, day: float) -> str:
    facts = [f"{cell.fate}", f"{cell.age / 24:.1f} days here" if cell.age >= 24 else f"{cell.age:.1f} h here"]
    states = _pairs((name, value) for name, value in cell.states if name != "polarization" or _has(cell, name))
    held = _pairs(cell.occupancies)
    shape = "block" if cell.kind == "tumor" else cell_shape(cell.kind)
    pulls = "".join(_pull(pull) for pull in cell.pulls[:_MOST_PULLS])
    more = len(cell.pulls) - _MOST_PULLS
    rest = f"<p class='m'>and {more} weaker</p>" if more > 0 else ""
    return (
        f"<div class='tme-close'><h3>{swatch(cell_color(cell.kind), shape)}{escape(cell.name)}</h3>"
        f"<p class='m'>{', '.join(facts)}; seen on day {day:.2f}</p>"
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
