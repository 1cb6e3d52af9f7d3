"""The column of controls: which tumor, its traits and blood, what is done to it, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import solara

from tme_abm.scenario import shipped
from tme_abm.scenario.vocabulary import vocabulary

from . import treatments
from .components import Dial, Save
from .desk import Desk
from .settings import Dial as Setting

__all__ = ["Controls"]

_OFFERS = (
    {"what": "picture", "label": "Picture (PNG)", "hint": "The picture with legend, scale bar and color bar"},
    {"what": "series", "label": "Series (CSV)", "hint": "All measures of every picture so far"},
    {"what": "scenario", "label": "Scenario (TOML)", "hint": "All settings and interventions; `run` repeats them"},
    {"what": "checkpoint", "label": "State (ZIP)", "hint": "A run directory, to go on from with run --resume"},
)


@solara.component
def Controls(desk: Desk) -> None:
    """All controls, in sections that fold."""
    opened, open_ = solara.use_state("treat")

    def section(key: str, title: str, body: Callable[[Desk], Any]) -> None:
        is_open = opened == key
        with solara.Column(gap="0px", classes=["tme-section", "open" if is_open else ""]):
            solara.Button(
                f"{'▾' if is_open else '▸'} {title}",
                text=True,
                classes=["tme-fold"],
                on_click=lambda: open_("" if is_open else key),
            )
            if is_open:
                body(desk)

    with solara.Column(gap="0px", classes=["tme-card", "tme-controls"]):
        _Tumor(desk)
        section("traits", "Tumor traits", _Traits)
        section("blood", "Blood pools", _Blood)
        section("treat", "Interventions", _Treat)
        section("save", "Save", _Saving)


@solara.component
def _Tumor(desk: Desk) -> None:
    settings = desk.settings.value
    # A file is shown by its name: a path would leave no room for the seed.
    names = {name: name for name in shipped()} | {_short(desk.first): desk.first}
    with solara.Column(gap="6px", classes=["tme-section", "open"]):
        with solara.Row(gap="8px", classes=["tme-fields"]):
            solara.Select(
                "Scenario",
                list(names),
                value=_short(settings.scenario),
                on_value=lambda name: desk.choose_scenario(names[name]),
                dense=True,
            )
            solara.InputText("Seed", value=str(settings.seed), on_value=desk.choose_seed)
        solara.Text(desk.session.model.scenario.title, classes=["tme-note"])


def _short(scenario: str) -> str:
    return Path(scenario).name


@solara.component
def _Traits(desk: Desk) -> None:
    dials = [dial for key, dial in desk.dials.items() if key.startswith("tumor.")]
    with solara.Column(gap="2px", classes=["tme-scroll"]):
        for group, members in groupby(dials, key=lambda dial: dial.group):
            solara.Text(group, classes=["tme-group"])
            for dial in members:
                _Slider(desk, dial)
    _Changes(desk)


@solara.component
def _Blood(desk: Desk) -> None:
    with solara.Column(gap="2px", classes=["tme-scroll"]):
        solara.Text("Leukocytes at rest that the blood offers to this tissue", classes=["tme-note"])
        for key, dial in desk.dials.items():
            if key.startswith("blood."):
                _Slider(desk, dial)
    _Changes(desk)


@solara.component
def _Slider(desk: Desk, dial: Setting) -> None:
    value = desk.current(dial)
    Dial(
        label=dial.label,
        text=dial.text(value),
        hint=f"{dial.description} Range {dial.text(dial.low)} to {dial.text(dial.high)}; double click to put it back.",
        place=dial.place(value),
        changed=dial.key in desk.pending.value,
        event_moved=lambda place: desk.turn(dial, place),
        event_usual=lambda _: desk.forget(dial.key),
    )


@solara.component
def _Changes(desk: Desk) -> None:
    pending = desk.pending.value
    live = [key for key in pending if key.startswith("tumor.traits.")]
    with solara.Row(gap="6px", classes=["tme-actions"]):
        solara.Button("Plant anew", color="primary", disabled=not pending, on_click=desk.restart)
        solara.Button("Set now", disabled=not live, on_click=desk.apply_now)
        solara.Button("Undo", text=True, disabled=not pending, on_click=desk.forget)


@solara.component
def _Treat(desk: Desk) -> None:
    form, choose = solara.use_state(treatments.FORMS[0])
    forms: Mapping[str, Callable[[Desk], Any]] = dict(
        zip(treatments.FORMS, (_Block, _Neutralize, _Inject, _Inhibit, _Deplete, _Infuse, _Add), strict=True)
    )
    with solara.Column(gap="6px", classes=["tme-scroll", "tme-fields"]):
        solara.Button(
            "Block PD-1 by 90 %",
            color="primary",
            on_click=lambda: desk.intervene(treatments.block("PD1", 0.9)),
        )
        solara.Select("Or", list(treatments.FORMS), value=form, on_value=choose, dense=True)
        forms[form](desk)
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


@solara.component
def _Block(desk: Desk) -> None:
    biology = desk.session.model.biology
    names = [r.name for number, r in enumerate(biology.receptors) if biology.expresses[:, number].any()]
    receptor, set_receptor = solara.use_state(names[0])
    share, set_share = solara.use_state(0.9)
    solara.Select("Receptor", names, value=receptor, on_value=set_receptor, dense=True)
    _Share(share, set_share)
    solara.Button("Block", on_click=lambda: desk.intervene(treatments.block(receptor, share)))


@solara.component
def _Neutralize(desk: Desk) -> None:
    names = list(desk.frame.value.fields) or [molecule.name for molecule in desk.session.model.biology.molecules]
    molecule, set_molecule = solara.use_state("IFNG" if "IFNG" in names else names[0])
    share, set_share = solara.use_state(0.9)
    solara.Select("Molecule", names, value=molecule, on_value=set_molecule, dense=True)
    _Share(share, set_share)
    solara.Button("Neutralize", on_click=lambda: desk.intervene(treatments.neutralize(molecule, share)))


@solara.component
def _Inject(desk: Desk) -> None:
    names = list(desk.frame.value.fields) or [molecule.name for molecule in desk.session.model.biology.molecules]
    molecule, set_molecule = solara.use_state("CXCL10" if "CXCL10" in names else names[0])
    power, set_power = solara.use_state(6.0)
    hours, set_hours = solara.use_state(24.0)
    solara.Select("Molecule", names, value=molecule, on_value=set_molecule, dense=True)
    Dial(
        label="release, molecules/min",
        text=f"{10**power:,.0f}",
        hint="From the whole depot of 60 µm radius",
        place=(power - 3) / 6,
        changed=False,
        event_moved=lambda place: set_power(round(3 + 6 * place, 1)),
        event_usual=lambda _: set_power(6.0),
    )
    Dial(
        label="lasts",
        text=f"{hours:.0f} h",
        hint="Time from the injection until the depot is empty",
        place=hours / 120,
        changed=False,
        event_moved=lambda place: set_hours(max(1.0, round(place * 120))),
        event_usual=lambda _: set_hours(24.0),
    )
    depot = treatments.Depot(molecule=molecule, per_minute=10**power, radius=60.0, hours=hours)
    armed = desk.depot.value is not None
    solara.Button(
        "Click the place in the picture …" if armed else "Inject where I click",
        color="warning" if armed else None,
        on_click=lambda: desk.depot.set(None if armed else depot),
    )


@solara.component
def _Inhibit(desk: Desk) -> None:
    names = list(vocabulary().pathways)
    pathway, set_pathway = solara.use_state("STAT3" if "STAT3" in names else names[0])
    share, set_share = solara.use_state(0.9)
    solara.Select("Pathway", names, value=pathway, on_value=set_pathway, dense=True)
    _Share(share, set_share)
    solara.Button("Inhibit", on_click=lambda: desk.intervene(treatments.inhibit(pathway, share)))


@solara.component
def _Deplete(desk: Desk) -> None:
    names = [name for name in desk.frame.value.cell_names if f"{name} cells" in desk.frame.value.measures]
    cell, set_cell = solara.use_state("TAM" if "TAM" in names else names[0])
    solara.Select("Cells", names, value=cell, on_value=set_cell, dense=True)
    solara.Button("Deplete at 2 a day", on_click=lambda: desk.intervene(treatments.deplete(cell, 2.0)))


@solara.component
def _Infuse(desk: Desk) -> None:
    names = list(desk.session.model.scenario.immune)
    cell, set_cell = solara.use_state(names[0])
    power, set_power = solara.use_state(3.7)
    solara.Select("Cells", names, value=cell, on_value=set_cell, dense=True)
    Dial(
        label="cells into the blood",
        text=f"{round(10**power, -2):,.0f}",
        hint="How many reach the blood that serves this tissue",
        place=(power - 2) / 4,
        changed=False,
        event_moved=lambda place: set_power(round(2 + 4 * place, 2)),
        event_usual=lambda _: set_power(3.7),
    )
    count = max(1, int(round(10**power, -2)))
    solara.Button("Infuse", on_click=lambda: desk.intervene(treatments.infuse(cell, count)))


@solara.component
def _Add(desk: Desk) -> None:
    frame = desk.frame.value
    names = [name for name in frame.cell_names if f"{name} cells" in frame.measures]
    cell, set_cell = solara.use_state("CD8" if "CD8" in names else names[0])
    power, set_power = solara.use_state(2.5)
    solara.Select("Cells", names, value=cell, on_value=set_cell, dense=True)
    Dial(
        label="cells, on free sites",
        text=f"{_tidy(10**power):,}",
        hint="Put at random on free sites of the whole tissue",
        place=(power - 1) / 4,
        changed=False,
        event_moved=lambda place: set_power(round(1 + 4 * place, 2)),
        event_usual=lambda _: set_power(2.5),
    )
    solara.Button("Add", on_click=lambda: desk.intervene(treatments.add(cell, _tidy(10**power))))


def _tidy(number: float) -> int:
    """Two digits, since more were not meant."""
    return int(float(f"{number:.1e}"))


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
            solara.Text(treatments.said(item))
            solara.Button("end", text=True, small=True, on_click=lambda number=number: desk.lift(number))


@solara.component
def _Saving(desk: Desk) -> None:
    with solara.Column(gap="6px", classes=["tme-scroll"]):
        Save(offers=list(_OFFERS), file=desk.file.value, event_ask=desk.save)
        solara.Text(
            "The scenario file holds every setting and all that was done, with its time: `run` repeats this tumor. "
            "The state is a run directory: unzip it, and `run --resume` goes on from here.",
            classes=["tme-note"],
        )
