"""The forms of the interventions, made from the fields of their classes: what a scenario can do, the page can do now.

A name becomes a menu of the names that the class accepts, a number a slider, the cells a menu of those that can be
meant. A form makes one `[[protocol]]` table of a scenario, so that whatever is done by hand can be saved and repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args, get_origin

import solara

from tme_abm.biology import Catalogue
from tme_abm.core.errors import InputError
from tme_abm.core.units import show
from tme_abm.scenario import Intervention, intervention
from tme_abm.scenario.protocol import INTERVENTIONS
from tme_abm.scenario.values import Name, Quantity

from .components import Pick, Slider
from .desk import Desk
from .settings import Dial
from .texts import in_order

__all__ = ["FORMS", "Treat", "able", "accepted", "beginning", "table"]

_ALL = "all cells that have it"
_NOT_SET = {"do", "route", "start", "place", "x", "y", "z"}  # what the class fixes; now; where a person clicks
_USUAL = {"receptor": "CXCR3", "molecule": "CXCL10", "pathway": "STAT3", "product": "IFNG", "behavior": "speed",
          "cell": "CD8"}  # fmt: skip
_SET_AT_FIRST = {"fraction", "count"}  # what a file may leave out and a form begins with

# Of each kind of number, in internal units: from where to where a slider goes, where it begins, and the value below
# which it is linear. Levels reach from the scale of cytokines to that of oxygen.
_SCALES: Mapping[str, tuple[float, float, float, float]] = {
    "concentration": (0.0, 1e5, 1.0, 1e-4),
    "secretion": (1e3, 1e9, 1e6, 1e3),
    "production": (0.0, 1e3, 1e-2, 1e-5),
    "rate": (1e-5, 1.0, 2 / 1440, 1e-5),
    "time": (60.0, 7200.0, 1440.0, 60.0),
    "length": (15.0, 600.0, 60.0, 15.0),
    "areal_density": (0.0, 2e-3, 1e-4, 1e-6),
    "number": (0.0, 1.0, 0.9, 1.0),
    "count": (10.0, 1e5, 500.0, 10.0),
}


# ------------------------------------------------------------- what a class says of its fields


def _parts(annotation: Any) -> Iterator[Any]:
    yield from (annotation, get_origin(annotation))
    for part in get_args(annotation):
        yield from _parts(part)


@cache
def _fields(kind: type[Intervention]) -> dict[str, list[Any]]:
    """The fields that a form sets, each with all that its annotation is made of."""
    fields = {name: info for name, info in kind.model_fields.items() if name not in _NOT_SET}
    return {name: [*_parts(info.annotation), *info.metadata] for name, info in fields.items()}


def _first(parts: Sequence[Any], kind: type) -> Any:
    return next((part for part in parts if isinstance(part, kind)), None)


def _needed(kind: type[Intervention], name: str) -> bool:
    return kind.model_fields[name].is_required()


def _subject(kind: type[Intervention]) -> str:
    """The field that names what is acted on; empty if there is none."""
    return next((name for name, parts in _fields(kind).items() if _first(parts, Name) and _needed(kind, name)), "")


def _optional(kind: type[Intervention]) -> list[str]:
    """The fields that may be left out, except the cells, which have a menu."""
    return [name for name, parts in _fields(kind).items() if not _needed(kind, name) and not _first(parts, Name)]


@cache
def _dials(kind: type[Intervention]) -> dict[str, Dial]:
    """A slider for every number."""
    found = {}
    for name, parts in _fields(kind).items():
        quantity = _first(parts, Quantity)
        if quantity or int in parts:
            low, high, usual, linear = _SCALES[quantity.kind if quantity else "count"]
            found[name] = Dial(
                key=name,
                label="lasts" if name == "stop" else name,
                description=kind.model_fields[name].description or "",
                kind=quantity.kind if quantity else "number",
                low=low,
                high=high,
                usual=0.0 if name == "to" else usual,
                linear=linear,
                whole=quantity is None,
            )
    return found


def _title(kind: type[Intervention]) -> str:
    do, *route = _fixed(kind).values()
    named = _subject(kind)
    what = " cells" if named.startswith("cell") else f" a {named}" if named else ""
    return do + what + "".join(f": {one}" for one in route)


def _fixed(kind: type[Intervention]) -> dict[str, str]:
    """What tells the class from the others: `do`, and the route of a dose."""
    return {key: get_args(kind.model_fields[key].annotation)[0] for key in ("do", "route") if key in kind.model_fields}


FORMS: Mapping[str, type[Intervention]] = {
    _title(kind): kind for kind in INTERVENTIONS if "trait" not in kind.model_fields
}
"""The interventions that the page offers; traits have sliders of their own."""


# ------------------------------------------------------------- what a form makes


def beginning(kind: type[Intervention]) -> dict[str, Any]:
    """The numbers that a form begins with, by field."""
    first = _SET_AT_FIRST | ({"stop"} if "place" in kind.model_fields else set())
    return {name: dial.usual for name, dial in _dials(kind).items() if _needed(kind, name) or name in first}


def table(kind: type[Intervention], given: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The `[[protocol]]` table of what is `given` by field; how long it lasts [min] instead of when it stops."""
    found: dict[str, Any] = _fixed(kind)
    for name, value in given.items():
        if name == "stop":
            found["lasts"] = value
        elif name in _dials(kind):
            found[name] = _dials(kind)[name].written(value)
        else:
            found[name] = [value] if tuple in _fields(kind)[name] else value
    if "behavior" in given:
        found.setdefault("value", show(0.0, catalogue.kind_of(given["behavior"])))
    return found


def able(kind: type[Intervention], given: Mapping[str, Any], catalogue: Catalogue) -> tuple[str, ...]:
    """The cells that it concerns where none is named. Raises InputError if there are none."""
    asked = table(kind, {name: value for name, value in given.items() if name != "stop"}, catalogue)
    if "place" in kind.model_fields:
        asked["place"] = ["0 um", "0 um"]
    return tuple(getattr(intervention(asked, catalogue=catalogue), "cells", ()))


def accepted(kind: type[Intervention], catalogue: Catalogue, present: Sequence[str]) -> list[str]:
    """The names that can be its subject; of molecules those `present`, unless it puts one there itself."""
    named, found = _subject(kind), []
    source = _first(_fields(kind)[named], Name).field
    names = present if source == "diffusing" and present and not kind.planted else getattr(catalogue, source)
    for name in names:
        try:
            able(kind, beginning(kind) | {named: name}, catalogue)
        except InputError:  # no cell carries it, or the like
            continue
        found.append(name)
    return in_order(found)


# ------------------------------------------------------------- what is on the page


@solara.component
def Treat(desk: Desk) -> None:
    """A button for what is done most, a form for every intervention, and what is in force."""
    form, choose = solara.use_state(next(iter(FORMS)))

    def chosen(name: str) -> None:
        desk.depot.set(None)  # what was to be injected is forgotten with its form
        choose(name)

    with solara.Column(gap="6px", classes=["tme-scroll", "tme-fields"]):
        solara.Button(
            "Block PD-1 by 90 %",
            color="primary",
            on_click=lambda: desk.intervene({"do": "block", "receptor": "PD1", "fraction": 0.9}),
        )
        solara.Select("Or", list(FORMS), value=form, on_value=chosen, dense=True)
        _Form(desk, FORMS[form]).key(form)
        _InForce(desk)


@solara.component
def _Form(desk: Desk, kind: type[Intervention]) -> None:
    catalogue, present = desk.session.model.catalogue, list(desk.frame.value.fields)
    given, set_given = solara.use_state(beginning(kind))
    named, dials, optional = _subject(kind), _dials(kind), _optional(kind)
    names = solara.use_memo(
        lambda: accepted(kind, catalogue, present) if named else [], [kind, id(catalogue), present]
    )

    def give(*left_out: str, **more: Any) -> None:
        set_given({name: value for name, value in given.items() if name not in left_out} | more)

    if named:
        usual = _USUAL.get(named.removesuffix("s"))
        name = given.get(named, usual)
        given = {**given, named: name if name in names else names[0]}
        # Another name may have another unit, and concern other cells.
        Pick(named.capitalize(), names, given[named], lambda name: give("value", "cells", **{named: name}))
    for name, dial in dials.items():
        if name in given:
            Slider(dial, given[name], lambda value, name=name: give(**{name: value}))
    written = table(kind, given, catalogue)
    if "value" in written:
        solara.InputText("Value, with its unit", written["value"], on_value=lambda text: give(value=text))
    if "axis" in given:
        solara.Select("Axis", ["x", "y", "z"], given["axis"], on_value=lambda axis: give(axis=axis), dense=True)
    if named != "cells" and "cells" in _fields(kind):
        those = able(kind, {name: value for name, value in given.items() if name not in ("cells", "value")}, catalogue)
        one = given.get("cells", _ALL)
        solara.Select(
            "Cells",
            [_ALL, *those],
            value=one,
            on_value=lambda cell: give("cells", **({} if cell == _ALL else {"cells": cell})),
            dense=True,
        )
        if "behavior" in given:
            _Now(desk, those if one == _ALL else (one,), given["behavior"])
    if optional:
        solara.SelectMultiple(
            "With",
            [name for name in optional if name in given],
            optional,
            on_value=lambda kept: give(
                *optional,
                **{name: given.get(name, dials[name].usual if name in dials else "x") for name in kept},
            ),
            dense=True,
        )
    verb, armed = written["do"].capitalize(), desk.depot.value is not None
    if "place" in kind.model_fields:
        solara.Button(
            "Click the place in the picture …" if armed else f"{verb} where I click",
            color="warning" if armed else None,
            on_click=lambda: desk.depot.set(None if armed else written),
        )
    else:
        solara.Button(verb, on_click=lambda: desk.intervene(written))


@solara.component
def _Now(desk: Desk, cells: tuple[str, ...], behavior: str) -> None:
    """The mean of a behavior at the moment."""
    step = desk.frame.value.step
    solara.Text(
        solara.use_memo(lambda: desk.mean_behavior(cells, behavior), [cells, behavior, step]), classes=["tme-note"]
    )


@solara.component
def _InForce(desk: Desk) -> None:
    _ = desk.frame.value
    items = desk.session.in_force()
    if items:
        solara.Text("In force", classes=["tme-group"])
    else:
        solara.Text("Nothing is being done to this tumor.", classes=["tme-note"])
    for number, item in items:
        with solara.Row(gap="4px", classes=["tme-force"]):
            solara.Text(item.says(desk.session.model.catalogue))
            solara.Button("end", text=True, small=True, on_click=lambda number=number: desk.lift(number))
