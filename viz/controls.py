"""The column of controls: which tumor, its traits and blood, what is done to it, what is kept."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import solara

from tme_abm.scenario import shipped

from .components import Save, Slider
from .desk import Desk
from .forms import Treat
from .settings import POOL, TRAIT, Dial

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
        section("treat", "Interventions", Treat)
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
    dials = [dial for key, dial in desk.dials.items() if key.startswith(TRAIT)]
    with solara.Column(gap="2px", classes=["tme-scroll"]):
        for group, members in groupby(dials, key=lambda dial: dial.group):
            solara.Text(group, classes=["tme-group"])
            for dial in members:
                _slider(desk, dial)
    _Changes(desk)


@solara.component
def _Blood(desk: Desk) -> None:
    with solara.Column(gap="2px", classes=["tme-scroll"]):
        solara.Text("Leukocytes at rest that the blood offers to this tissue", classes=["tme-note"])
        for key, dial in desk.dials.items():
            if key.startswith(POOL):
                _slider(desk, dial)
    _Changes(desk)


def _slider(desk: Desk, dial: Dial) -> None:
    Slider(
        dial,
        desk.current(dial),
        lambda value: desk.turn(dial, value),
        put_back=lambda: desk.forget(dial.key),
        changed=dial.key in desk.pending.value,
    )


@solara.component
def _Changes(desk: Desk) -> None:
    pending = desk.pending.value
    live = [key for key in pending if key.startswith(TRAIT)]
    with solara.Row(gap="6px", classes=["tme-actions"]):
        solara.Button("Plant anew", color="primary", disabled=not pending, on_click=desk.restart)
        solara.Button("Set now", disabled=not live, on_click=desk.apply_now)
        solara.Button("Undo", text=True, disabled=not pending, on_click=desk.forget)


@solara.component
def _Saving(desk: Desk) -> None:
    with solara.Column(gap="6px", classes=["tme-scroll"]):
        Save(offers=list(_OFFERS), file=desk.file.value, event_ask=desk.save)
        solara.Text(
            "The scenario file holds every setting and all that was done, with its time: `run` repeats this tumor. "
            "The state is a run directory: unzip it, and `run --resume` goes on from here.",
            classes=["tme-note"],
        )
