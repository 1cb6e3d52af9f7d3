"""Readouts: measurements in a dish or a tumor, named by texts such as "kills of tumor by CD8"; one value per well.

A text is parsed once against the catalogue, so that a misspelled name is an error before anything runs. The readout is
then evaluated on a `Watch`, which has followed the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from ..biology import Catalogue
from ..biology.grammar import behavior
from ..core.errors import InputError
from ..core.units import MINUTES_PER_DAY
from ..observe.metrics import find_metric
from ..observe.state import classify
from ..processes import expression_column
from .places import PLACES
from .watch import Watch, ratio

__all__ = ["FORMS", "Readout", "readout"]

Values = NDArray[np.float64]

LEUKOCYTES = "leukocytes"
"""What stands for all immune cells in the place of a cell type."""
_STATES = ("activation", "exhaustion", "polarization", "damage", "binding")
_UNITS = {"rate": "/min", "speed": "µm/min", "time": "min", "secretion": "molecules/cell/min", "number": ""}
"""Kind of quantity of a behavior -> its unit."""

_PLACES = (
    ("CELL", r"(?P<cells>[\w+\-]+)"),
    ("CELL", r"(?P<others>[\w+\-]+)"),
    ("with STATE", r"with (?P<name>[\w ]+)"),
    ("STATE", rf"(?P<name>{'|'.join(_STATES)})"),
    ("MOLECULE", r"(?P<name>[\w\-]+)"),
    ("RECEPTOR", r"(?P<name>[\w\-]+)"),
    ("NAME", r"(?P<name>[\w\- ]+)"),
    ("METRIC", r"(?P<name>.+)"),
    ("PLACE", rf"(?P<place>{'|'.join(PLACES)})"),
    ("PLACE", rf"(?P<against>{'|'.join(PLACES)})"),
    ("hot|cold|excluded", r"(?P<name>hot|cold|excluded)"),
    ("above|below", r"(?P<side>above|below)"),
    (" X", r" (?P<cut>[\d.]+)"),
)
"""Words of a form, in the order in which they are replaced, and the patterns that they stand for."""

_MOLECULES = {"diffusing": "diffusing molecule", "contacts": "contact molecule", "levels": "expressed molecule"}
"""Names of the vocabulary in words."""


@dataclass(frozen=True)
class Readout:
    """A measurement: `read(watch)` returns one value per well, NaN where nothing can be read.

    molecules : those that need a field even if no cell senses them
    paths : whether the watch has to follow the path of every cell
    """

    text: str
    unit: str
    read: Callable[[Watch], Values]
    molecules: tuple[str, ...] = ()
    paths: bool = False


@dataclass(frozen=True)
class _Words:
    """The words that a text has in the places of its form: cell types, a name, places of the tissue, and a bound."""

    cells: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    name: str = ""
    place: str = ""
    against: str = ""
    side: str = ""
    cut: str = ""


@dataclass(frozen=True)
class _Form:
    """A form of readout texts, as it is shown to users, and how it is read.

    unit : None if it is that of the behavior or metric in the text
    names : the kind of the name in the text: "behavior", "metric", or the names of the vocabulary that are allowed
    """

    shown: str
    unit: str | None
    read: Callable[[_Words, Watch], Values]
    names: str = ""
    paths: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the texts of this form."""
        text = self.shown.replace(" [", "(?: ").replace("]", ")?")
        for word, pattern in _PLACES:
            text = text.replace(word, pattern, 1)
        return re.compile(text)


def readout(text: str, catalogue: Catalogue) -> Readout:
    """The readout that `text` names. Raises InputError, which lists the forms or the known names."""
    for form in _FORMS:
        found = form.pattern.fullmatch(text)
        if found is None:
            continue
        given = {key: value for key, value in found.groupdict().items() if value is not None}
        cells, others = (_cells(given.pop(key, ""), catalogue) for key in ("cells", "others"))
        words = _Words(cells, others, **given)
        unit = form.unit
        molecules: tuple[str, ...] = (words.name,) if form.names == "diffusing" else ()
        if form.names == "behavior":
            unit = _UNITS[behavior(words.name, catalogue.vocabulary).kind]
        elif form.names == "metric":
            metric = find_metric(words.name, catalogue)
            unit = metric.unit
            molecules = tuple(name for name in catalogue.vocabulary.diffusing if name == metric.subject)
        elif form.names:
            _check(words.name, form.names, catalogue)
        elif words.side and words.name not in _STATES:
            _check(words.name.removeprefix("expression "), "levels", catalogue)
        return Readout(text, unit or "", partial(form.read, words), molecules, form.paths)
    raise InputError(f"no readout '{text}'. Forms: {'; '.join(FORMS)}")


def _cells(words: str, catalogue: Catalogue) -> tuple[str, ...]:
    immune = [name for name, entry in catalogue.cells.items() if entry.layer == "immune"]
    said = words.split("+") if words else []
    names = tuple(name for one in said for name in (immune if one == LEUKOCYTES else [one]))
    for name in names:
        if name not in catalogue.cells:
            raise InputError(f"no cell '{name}'", allowed=(*catalogue.cells, LEUKOCYTES), word=name)
    return names


def _check(name: str, names: str, catalogue: Catalogue) -> None:
    """Raises InputError if `name` is not one of the `names` of the vocabulary."""
    known = getattr(catalogue.vocabulary, names)
    if name not in known:
        raise InputError(f"no {_MOLECULES.get(names, 'receptor')} '{name}'", allowed=known, word=name)


def _share(said: _Words, watch: Watch) -> Values:
    """The share of the cells in which a state, or the level of a contact molecule, is above or below the bound."""
    column = said.name if said.name in _STATES else expression_column(said.name.removeprefix("expression "))
    beyond = watch.column(column) - float(said.cut)
    return watch.average(said.cells, ((beyond if said.side == "above" else -beyond) > 0).astype(np.float64))


def _attack_while_bound(said: _Words, watch: Watch) -> Values:
    return ratio(watch.events("hits by", said.cells), watch.events("engaged minutes of", said.cells))


def _kills_while_engaged(said: _Words, watch: Watch) -> Values:
    engaged = watch.events("engaged minutes of", said.others) / MINUTES_PER_DAY
    return ratio(watch.events("cytotoxicity of", said.cells), engaged)


def _density_over(said: _Words, watch: Watch) -> Values:
    return ratio(watch.density_in(said.place, said.cells), watch.density_in(said.against, said.cells))


def _share_in(said: _Words, watch: Watch) -> Values:
    return ratio(watch.count_in(said.place, said.cells), watch.count_in(said.place, said.others))


def _level_over(said: _Words, watch: Watch) -> Values:
    return ratio(watch.median_level(said.name, said.place), watch.median_level(said.name, said.against))


def _path_speed(said: _Words, watch: Watch) -> Values:
    path: Values = watch.walked(said.cells).path / max(watch.days * MINUTES_PER_DAY, 1e-12)
    return path


def _level(said: _Words, watch: Watch) -> Values:
    return watch.level_at(said.name, said.cells) if said.cells else watch.mean_level(said.name)


def _index(said: _Words, watch: Watch) -> Values:
    walk = watch.walked(said.cells)
    return ratio(walk.net, walk.path)


def _motility(said: _Words, watch: Watch) -> Values:
    # The mean square of what is left without the drift, over 4 t: a diffusion coefficient in two dimensions.
    spread: Values = watch.walked(said.cells).spread / max(2.0 * 2.0 * watch.days * 24.0, 1e-12)
    return spread


def _measure(said: _Words, watch: Watch) -> Values:
    return np.array([measures.get(said.name, np.nan) for measures in watch.measures()], dtype=np.float64)


def _is_in_state(said: _Words, watch: Watch) -> Values:
    return np.array([float(classify(one) == said.name) for one in watch.measures()])


_FORMS = (  # s is what is said, w the watch
    _Form("count of CELL", "cells", lambda s, w: w.count(s.cells)),
    _Form("density of CELL", "/mm²", lambda s, w: w.count(s.cells) / w.well_area),
    _Form("density of CELL in PLACE", "/mm²", lambda s, w: w.density_in(s.place, s.cells)),
    _Form("density of CELL in PLACE over PLACE", "", _density_over),
    _Form("share of CELL among CELL in PLACE", "", _share_in),
    _Form("ratio of CELL to CELL", "", lambda s, w: ratio(w.count(s.cells), w.count(s.others))),
    _Form("divisions of CELL", "/cell/day", lambda s, w: w.per_cell_day("birth of", s.cells)),
    _Form("deaths of CELL", "/cell/day", lambda s, w: w.per_cell_day("death of", s.cells)),
    _Form("apoptosis of CELL", "/cell/day", lambda s, w: w.per_cell_day("apoptosis of", s.cells)),
    _Form("kills of CELL by CELL", "/cell/day", lambda s, w: w.per_cell_day("cytotoxicity of", s.cells, s.others)),
    _Form("kills of CELL by CELL while engaged", "/day", _kills_while_engaged),
    _Form("arrivals of CELL", "/day", lambda s, w: w.events("arrival of", s.cells) / max(w.days, 1e-12)),
    _Form("hours to first kill of CELL", "h", lambda s, w: w.first_event("cytotoxicity of", s.cells)),
    _Form("STATE of CELL", "", lambda s, w: w.average(s.cells, s.name)),
    _Form("expression MOLECULE of CELL", "", lambda s, w: w.average(s.cells, expression_column(s.name)), "levels"),
    _Form("share of CELL with STATE above|below X", "", _share),
    _Form("attack while bound of CELL", "/min", _attack_while_bound),
    _Form("behavior NAME of CELL", None, lambda s, w: w.mean_behavior(s.cells, s.name), "behavior"),
    _Form("level of MOLECULE [at CELL]", "nM", _level, "diffusing"),
    _Form("median level of MOLECULE in PLACE", "nM", lambda s, w: w.median_level(s.name, s.place), "diffusing"),
    _Form("median level of MOLECULE in PLACE over PLACE", "", _level_over, "diffusing"),
    _Form("depth at which MOLECULE falls below X", "µm", lambda s, w: w.depth_below(s.name, float(s.cut)), "diffusing"),
    _Form("contact level of MOLECULE at CELL", "", _level, "contacts"),
    _Form("occupancy of RECEPTOR on CELL", "", lambda s, w: w.occupancy(s.name, s.cells), "receptors"),
    _Form("reach of MOLECULE", "µm", lambda s, w: w.reach(s.name), "diffusing"),
    _Form("drift of CELL", "µm/h", lambda s, w: w.walked(s.cells).net / max(w.days * 24.0, 1e-12), paths=True),
    _Form("path speed of CELL", "µm/min", _path_speed, paths=True),
    _Form("path speed of free CELL", "µm/min", lambda s, w: w.free_speed(s.cells), paths=True),
    _Form("index of CELL", "", _index, paths=True),
    _Form("motility of CELL", "µm²/h", _motility, paths=True),
    _Form("measure METRIC", None, _measure, "metric"),
    _Form("share of hot|cold|excluded wells", "", _is_in_state),
)

FORMS: tuple[str, ...] = tuple(form.shown for form in _FORMS)
"""The forms of readout texts."""
