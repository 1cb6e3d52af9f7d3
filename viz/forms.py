"""The forms of the interventions: what is done to the running tumor from now on, one form a kind.

Each makes one `[[protocol]]` table of a scenario, so that whatever is done by hand can be saved and repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import solara

from tme_abm.core.units import show

from .components import Dial, Pick
from .desk import Desk
from .settings import Depot
from .texts import in_order

__all__ = ["Treat"]

_ALL = "all cells that have it"
_LEVELS = (-4.0, 5.0)  # powers of ten of a held level [nM]: from the scale of cytokines to that of oxygen


@solara.component
def Treat(desk: Desk) -> None:
    """A button for what is done most, a form for every other intervention, and what is in force."""
    form, choose = solara.use_state(next(iter(_FORMS)))

    def chosen(name: str) -> None:
        desk.depot.set(None)  # what was to be injected is forgotten with its form
        choose(name)

    with solara.Column(gap="6px", classes=["tme-scroll", "tme-fields"]):
        solara.Button(
            "Block PD-1 by 90 %",
            color="primary",
            on_click=lambda: desk.intervene({"do": "block", "receptor": "PD1", "fraction": 0.9}),
        )
        solara.Select("Or", list(_FORMS), value=form, on_value=chosen, dense=True)
        _FORMS[form](desk).key(form)  # so that no form starts from what another one was set to
        _InForce(desk)


@solara.component
def _Share(value: float, set_value: Callable[[float], None]) -> None:
    Dial(
        label="fraction",
        text=f"{value:.0%}",
        hint="How much of it is out of action",
        place=value,
        changed=False,
        event_moved=lambda place: set_value(round(place, 2)),
        event_usual=lambda _: set_value(0.9),
    )


def _use_cells(label: str, able: Sequence[str]) -> dict[str, list[str]]:
    """A choice among the cells that are able to, as the key of an intervention; none for all of them."""
    cell, set_cell = solara.use_state(_ALL)
    value = cell if cell in able else _ALL
    solara.Select(label, [_ALL, *able], value=value, on_value=set_cell, dense=True)
    return {} if value == _ALL else {"cells": [value]}


@solara.component
def _Target(
    desk: Desk,
    do: str,
    key: str,
    label: str,
    names: Sequence[str],
    usual: str,
    cells: tuple[str, Mapping[str, Sequence[str]]] | None = None,
    shared: bool = True,
) -> None:
    """One of `names` under `key`; for `cells`, a label and who is able to by name; if `shared`, how much of it."""
    names = in_order(names)
    name, set_name = solara.use_state(usual if usual in names else names[0])
    share, set_share = solara.use_state(0.9)
    Pick(label, names, name, set_name)
    chosen = {} if cells is None else _use_cells(cells[0], cells[1][name])
    if shared:
        _Share(share, set_share)
    table = {"do": do, key: name, **({"fraction": share} if shared else {}), **chosen}
    solara.Button(do.capitalize(), on_click=lambda: desk.intervene(table))


def _block(desk: Desk) -> Any:
    carriers = {name: cells for name, cells in desk.session.model.catalogue.carriers.items() if cells}
    return _Target(desk, "block", "receptor", "Receptor", list(carriers), "CXCR3", ("On", carriers))


def _neutralize(desk: Desk) -> Any:
    return _Target(desk, "neutralize", "molecule", "Molecule", _dissolved(desk), "IFNG")


def _inhibit(desk: Desk) -> Any:
    pathways = desk.session.model.catalogue.pathways
    return _Target(desk, "inhibit", "pathway", "Pathway", list(pathways), "STAT3", ("In", pathways))


def _knock_out(desk: Desk) -> Any:
    known = desk.session.model.catalogue
    makers = {name: known.carriers.get(name) or known.producers.get(name, ()) for name in known.products}
    names = [name for name, cells in makers.items() if cells]
    return _Target(desk, "knock out", "product", "Molecule or receptor", names, "IFNG", ("In", makers), shared=False)


def _dissolved(desk: Desk) -> list[str]:
    """The molecules that have a field here, or if none has, all that diffuse."""
    return list(desk.frame.value.fields) or list(desk.session.model.catalogue.diffusing)


def _use_amount(
    label: str, hint: str, ends: tuple[float, float], usual: float, text: Callable[[float], str] = "{:,.0f}".format
) -> float:
    """An amount chosen on a slider over powers of ten, of two digits, since more were not meant."""
    low, high = ends
    power, set_power = solara.use_state(usual)
    amount = float(f"{10**power:.1e}")
    Dial(
        label=label,
        text=text(amount),
        hint=hint,
        place=(power - low) / (high - low),
        changed=False,
        event_moved=lambda place: set_power(round(low + (high - low) * place, 2)),
        event_usual=lambda _: set_power(usual),
    )
    return amount


@solara.component
def _Hold(desk: Desk) -> None:
    names = in_order(desk.session.model.catalogue.diffusing)
    molecule, set_molecule = solara.use_state("CXCL10" if "CXCL10" in names else names[0])
    sloped, set_sloped = solara.use_state(False)
    Pick("Molecule", names, molecule, set_molecule)
    hint = "The medium holds it; nobody uses it up"
    level = _use_amount("level, on top of what cells make", hint, _LEVELS, 0.0, lambda c: show(c, "concentration"))
    solara.Checkbox(label="falling to 0 at the right edge", value=sloped, on_value=set_sloped)
    table = {"do": "hold", "molecule": molecule, "level": f"{level!r} nM", **({"to": "0 nM"} if sloped else {})}
    solara.Button("Hold", on_click=lambda: desk.intervene(table))


@solara.component
def _Inject(desk: Desk) -> None:
    names = in_order(_dissolved(desk))
    molecule, set_molecule = solara.use_state("CXCL10" if "CXCL10" in names else names[0])
    hours, set_hours = solara.use_state(24.0)
    Pick("Molecule", names, molecule, set_molecule)
    rate = _use_amount("release, molecules/min", "From the whole depot of 60 µm radius", (3, 9), 6.0)
    Dial(
        label="lasts",
        text=f"{hours:.0f} h",
        hint="Time from the injection until the depot is empty",
        place=hours / 120,
        changed=False,
        event_moved=lambda place: set_hours(max(1.0, round(place * 120))),
        event_usual=lambda _: set_hours(24.0),
    )
    depot = Depot(molecule=molecule, per_minute=rate, radius=60.0, hours=hours)
    armed = desk.depot.value is not None
    solara.Button(
        "Click the place in the picture …" if armed else "Inject where I click",
        color="warning" if armed else None,
        on_click=lambda: desk.depot.set(None if armed else depot),
    )


@solara.component
def _Fix(desk: Desk) -> None:
    known = desk.session.model.catalogue
    cell, set_cell = solara.use_state("CD8" if "CD8" in known.placed else known.placed[0])
    names = [name for name, able in known.behaviors.items() if cell in able]
    wanted, set_behavior = solara.use_state("speed")
    behavior = wanted if wanted in names else names[0]
    kind = known.kind_of(behavior)
    typed, set_typed = solara.use_state({})
    value = typed.get(kind) or show(0.0, kind)
    solara.Select("Cells", list(known.placed), value=cell, on_value=set_cell, dense=True)
    Pick("Behavior", names, behavior, set_behavior)
    solara.InputText("Value, with its unit", value=value, on_value=lambda text: set_typed({**typed, kind: text}))
    now = solara.use_memo(lambda: desk.mean_behavior(cell, behavior), [cell, behavior, desk.frame.value.step])
    solara.Text(now, classes=["tme-note"])
    table = {"do": "fix", "behavior": behavior, "value": value, "cells": [cell]}
    solara.Button("Fix", on_click=lambda: desk.intervene(table))


@solara.component
def _Deplete(desk: Desk) -> None:
    names = [name for name in desk.frame.value.cell_names if f"{name} cells" in desk.frame.value.measures]
    cell, set_cell = solara.use_state("TAM" if "TAM" in names else names[0])
    solara.Select("Cells", names, value=cell, on_value=set_cell, dense=True)
    table = {"do": "deplete", "cells": [cell], "rate": "2 /day"}
    solara.Button("Deplete at 2 a day", on_click=lambda: desk.intervene(table))


@solara.component
def _Infuse(desk: Desk) -> None:
    names = list(desk.session.model.scenario.immune)
    cell, set_cell = solara.use_state(names[0])
    solara.Select("Cells", names, value=cell, on_value=set_cell, dense=True)
    hint = "How many reach the blood that serves this tissue"
    count = _use_amount("cells into the blood", hint, (2, 6), 3.7)
    table = {"do": "infuse", "cell": cell, "count": int(count)}
    solara.Button("Infuse", on_click=lambda: desk.intervene(table))


@solara.component
def _Add(desk: Desk) -> None:
    frame = desk.frame.value
    names = [name for name in frame.cell_names if f"{name} cells" in frame.measures]
    cell, set_cell = solara.use_state("CD8" if "CD8" in names else names[0])
    solara.Select("Cells", names, value=cell, on_value=set_cell, dense=True)
    count = _use_amount("cells, on free sites", "Put at random on free sites of the whole tissue", (1, 5), 2.5)
    table = {"do": "add", "cell": cell, "count": int(count)}
    solara.Button("Add", on_click=lambda: desk.intervene(table))


_FORMS: Mapping[str, Callable[[Desk], Any]] = {
    "block a receptor": _block,
    "neutralize a molecule": _neutralize,
    "hold a molecule": _Hold,
    "inject a depot": _Inject,
    "inhibit a pathway": _inhibit,
    "knock out a product": _knock_out,
    "fix a behavior": _Fix,
    "deplete cells": _Deplete,
    "infuse cells": _Infuse,
    "add cells to the tissue": _Add,
}
"""The interventions that the page offers."""


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
