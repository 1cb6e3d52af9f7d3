"""Readouts: what is measured in a dish, named in words, one value a well.

A readout is a text such as "kills of tumor by CD8". It is parsed once against the catalogue, so that a misspelled name
is refused before anything runs, and then evaluated on a `Watch`, which has followed the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..biology import Catalogue
from ..core.errors import InputError
from ..observe import classify, measure_wells
from ..processes import expression_column

if TYPE_CHECKING:
    from .watch import Watch

__all__ = ["FORMS", "Readout", "readout"]

Values = NDArray[np.float64]
Read = Callable[["Watch"], Values]

STATES = ("activation", "exhaustion", "polarization", "damage", "binding")


@dataclass(frozen=True)
class Readout:
    """`read(watch)` gives one value per well (NaN where there is nothing to read); `molecules` need their fields.

    momentary : whether it tells the state at one moment, so that it can be averaged over time
    every_step : whether the watch has to follow each step, as for paths
    """

    text: str
    unit: str
    read: Read
    molecules: tuple[str, ...] = ()
    momentary: bool = False
    every_step: bool = False


@dataclass(frozen=True)
class _Form:
    """A way of saying a readout: the pattern, how it is shown to people, and what makes the readout of its words."""

    shown: str
    pattern: str
    make: Callable[[str, Mapping[str, str], Catalogue], Readout]


def readout(text: str, catalogue: Catalogue) -> Readout:
    """The readout that `text` says. Raises InputError that lists the forms, or the names where a name is unknown."""
    for form in _FORMS:
        found = re.fullmatch(form.pattern, text)
        if found:
            return form.make(text, found.groupdict(), catalogue)
    raise InputError(f"no readout '{text}'. Forms: {'; '.join(FORMS)}")


def _cells(words: str, catalogue: Catalogue) -> tuple[str, ...]:
    names = tuple(words.split("+"))
    for name in names:
        if name not in catalogue.cells:
            raise InputError(f"no cell '{name}'", allowed=catalogue.cells, word=name)
    return names


def _molecule(name: str, catalogue: Catalogue, reach: str) -> str:
    known = [key for key, entry in catalogue.molecules.items() if entry.reach == reach]
    if name not in known:
        raise InputError(f"no {reach} molecule '{name}'", allowed=known, word=name)
    return name


# ------------------------------------------------------------------ numbers and events


def _count(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)
    return Readout(text, "cells", lambda watch: watch.count(cells), momentary=True)


def _density(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)
    return Readout(text, "/mm²", lambda watch: watch.count(cells) / watch.well_area, momentary=True)


def _ratio(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    above, below = _cells(words["cells"], catalogue), _cells(words["others"], catalogue)
    return Readout(text, "", lambda watch: _divided(watch.count(above), watch.count(below)), momentary=True)


def _events(prefix: str, unit: str) -> Callable[[str, Mapping[str, str], Catalogue], Readout]:
    """Events that happen to cells, per cell and day."""

    def make(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
        cells = _cells(words["cells"], catalogue)

        def read(watch: Watch) -> Values:
            return _divided(watch.events(prefix, cells), watch.cell_days(cells))

        return Readout(text, unit, read)

    return make


def _kills(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    prey, killers = _cells(words["cells"], catalogue), _cells(words["others"], catalogue)

    def read(watch: Watch) -> Values:
        return _divided(watch.events("cytotoxicity", prey), watch.cell_days(killers))

    return Readout(text, "/cell/day", read)


def _arrivals(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)
    return Readout(text, "/day", lambda watch: watch.events("arrival", cells) / max(watch.days, 1e-12))


def _first_kill(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)
    return Readout(text, "h", lambda watch: watch.first_event("cytotoxicity", cells))


# ------------------------------------------------------------------ states of cells


def _state(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells, column = _cells(words["cells"], catalogue), words["state"]
    return Readout(text, "", lambda watch: watch.mean_of(cells, column), momentary=True)


def _expression(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)
    column = expression_column(_molecule(words["molecule"], catalogue, "contact"))
    return Readout(text, "", lambda watch: watch.mean_of(cells, column), momentary=True)


def _share(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells, cut = _cells(words["cells"], catalogue), float(words["cut"])
    column = words["state"]
    if column not in STATES:
        column = expression_column(_molecule(column.removeprefix("expression "), catalogue, "contact"))
    sign = 1.0 if words["side"] == "above" else -1.0

    def read(watch: Watch) -> Values:
        return watch.average(cells, (sign * (watch.column(column) - cut) > 0).astype(np.float64))

    return Readout(text, "", read, momentary=True)


def _behavior(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells, name = _cells(words["cells"], catalogue), words["behavior"]
    unit = _unit_of(name)
    return Readout(text, unit, lambda watch: watch.mean_behavior(cells, name), momentary=True)


def _attack_while_bound(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)

    def read(watch: Watch) -> Values:
        hits = sum((watch.events_named(f"hits by {cell}") for cell in cells), np.zeros(watch.wells))
        engaged = sum((watch.events_named(f"engaged minutes of {cell}") for cell in cells), np.zeros(watch.wells))
        return _divided(hits, engaged)

    return Readout(text, "/min", read)


# ------------------------------------------------------------------ molecules


def _level(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    name = _molecule(words["molecule"], catalogue, "diffusing")
    if words.get("cells") is None:
        return Readout(text, "nM", lambda watch: watch.mean_level(name), (name,), momentary=True)
    cells = _cells(words["cells"], catalogue)
    return Readout(text, "nM", lambda watch: watch.level_at(name, cells), (name,), momentary=True)


def _contact_level(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    name, cells = _molecule(words["molecule"], catalogue, "contact"), _cells(words["cells"], catalogue)
    return Readout(text, "", lambda watch: watch.level_at(name, cells), momentary=True)


def _occupancy(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells, name = _cells(words["cells"], catalogue), words["receptor"]
    if name not in catalogue.receptors:
        raise InputError(f"no receptor '{name}'", allowed=catalogue.receptors, word=name)
    return Readout(text, "", lambda watch: watch.occupancy(name, cells), momentary=True)


def _reach(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    name = _molecule(words["molecule"], catalogue, "diffusing")
    return Readout(text, "µm", lambda watch: watch.reach(name), (name,), momentary=True)


# ------------------------------------------------------------------ movement and whole tumors


def _drift(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)

    def read(watch: Watch) -> Values:
        return watch.walked(cells).net / max(watch.days * 24.0, 1e-12)

    return Readout(text, "µm/h", read, every_step=True)


def _index(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)

    def read(watch: Watch) -> Values:
        walk = watch.walked(cells)
        return _divided(walk.net, walk.path)

    return Readout(text, "", read, every_step=True)


def _motility(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:
    cells = _cells(words["cells"], catalogue)

    def read(watch: Watch) -> Values:
        # The mean square of what is left without the drift, over 4 t: a diffusion coefficient in two dimensions.
        spread: Values = watch.walked(cells).spread / max(2.0 * 2.0 * watch.days * 24.0, 1e-12)
        return spread

    return Readout(text, "µm²/h", read, every_step=True)


def _measure(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:  # noqa: ARG001
    name = words["name"]

    def read(watch: Watch) -> Values:
        found = [measures.get(name, np.nan) for measures in measure_wells(watch.model)]
        return np.array(found, dtype=np.float64)

    return Readout(text, "", read, momentary=True)


def _state_is(text: str, words: Mapping[str, str], catalogue: Catalogue) -> Readout:  # noqa: ARG001
    def read(watch: Watch) -> Values:
        return np.array([float(classify(one) == words["state"]) for one in measure_wells(watch.model)])

    return Readout(text, "", read, momentary=True)


def _unit_of(behavior: str) -> str:
    if behavior.startswith("secretion "):
        return "molecules/cell/min"
    if behavior.startswith("expression ") or behavior in ("chemotaxis", "infiltration", "adhesion"):
        return ""
    return "µm/min" if behavior == "speed" else "/min"


def _divided(above: Values, below: Values) -> Values:
    ratio: Values = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return ratio


_CELLS, _OTHERS = r"(?P<cells>[\w+\-]+)", r"(?P<others>[\w+\-]+)"
_NAME = r"(?P<molecule>[\w\-]+)"

_FORMS = (
    _Form("count of CELL", rf"count of {_CELLS}", _count),
    _Form("density of CELL", rf"density of {_CELLS}", _density),
    _Form("ratio of CELL to CELL", rf"ratio of {_CELLS} to {_OTHERS}", _ratio),
    _Form("divisions of CELL", rf"divisions of {_CELLS}", _events("birth", "/cell/day")),
    _Form("deaths of CELL", rf"deaths of {_CELLS}", _events("", "/cell/day")),
    _Form("apoptosis of CELL", rf"apoptosis of {_CELLS}", _events("apoptosis", "/cell/day")),
    _Form("kills of CELL by CELL", rf"kills of {_CELLS} by {_OTHERS}", _kills),
    _Form("arrivals of CELL", rf"arrivals of {_CELLS}", _arrivals),
    _Form("hours to first kill of CELL", rf"hours to first kill of {_CELLS}", _first_kill),
    _Form("STATE of CELL", rf"(?P<state>{'|'.join(STATES)}) of {_CELLS}", _state),
    _Form("expression MOLECULE of CELL", rf"expression {_NAME} of {_CELLS}", _expression),
    _Form(
        "share of CELL with STATE above|below X",
        rf"share of {_CELLS} with (?P<state>[\w ]+) (?P<side>above|below) (?P<cut>[\d.]+)",
        _share,
    ),
    _Form("attack while bound of CELL", rf"attack while bound of {_CELLS}", _attack_while_bound),
    _Form("behavior NAME of CELL", rf"behavior (?P<behavior>[\w\- ]+) of {_CELLS}", _behavior),
    _Form("level of MOLECULE [at CELL]", rf"level of {_NAME}(?: at {_CELLS})?", _level),
    _Form("contact level of MOLECULE at CELL", rf"contact level of {_NAME} at {_CELLS}", _contact_level),
    _Form("occupancy of RECEPTOR on CELL", rf"occupancy of (?P<receptor>[\w\-]+) on {_CELLS}", _occupancy),
    _Form("reach of MOLECULE", rf"reach of {_NAME}", _reach),
    _Form("drift of CELL", rf"drift of {_CELLS}", _drift),
    _Form("index of CELL", rf"index of {_CELLS}", _index),
    _Form("motility of CELL", rf"motility of {_CELLS}", _motility),
    _Form("measure METRIC", r"measure (?P<name>.+)", _measure),
    _Form("share of hot|cold|excluded wells", r"share of (?P<state>hot|cold|excluded) wells", _state_is),
)

FORMS: tuple[str, ...] = tuple(form.shown for form in _FORMS)
"""How readouts are said."""

