"""The page: one tumor under the microscope. Solara calls `Page` once for every browser tab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import solara

from tme_abm.core.memory import keep_freed_memory

from .colorings import CELL_TYPE, COLORINGS
from .components import Pick, Prose, Tissue
from .controls import Controls
from .desk import Desk
from .texts import explanation, in_order, legend, on_screen, verdict

__all__ = ["Layout", "Page"]

SCENARIO_VARIABLE = "TME_ABM_VIEW_SCENARIO"
_NO_FIELD = "no molecule"
_STRIDES = (0, 1, 2, 5, 10, 20)  # 0: slow motion

keep_freed_memory()  # the process is the page's


@solara.component
def Layout(children: list[Any]) -> None:
    """Nothing around the page."""
    with solara.Column(gap="0px", classes=["tme-root"]):
        solara.Style(Path(__file__).with_name("style.css"))
        solara.Column(gap="0px", children=children)


@solara.component
def Page() -> None:
    """The tumor of this tab."""
    desk = solara.use_memo(lambda: Desk(os.environ.get(SCENARIO_VARIABLE, "hot")), [])
    solara.use_effect(lambda: desk.session.pause, [])
    # The page reports what goes wrong while drawing, and can be tried again.
    error, forgive = solara.use_exception()
    if error is not None:
        with solara.Column(gap="8px", classes=["tme-broken"]):
            solara.Text(f"The page could not be drawn: {type(error).__name__}: {error}")
            solara.Button("Try again", color="primary", on_click=forgive)
        return
    with solara.Column(gap="0px", classes=["tme-page"]):
        solara.Title("tme_abm")
        _Header(desk)
        _Message(desk)
        if desk.tab.value == "tissue":
            with solara.Row(gap="10px", classes=["tme-columns"]):
                Controls(desk)
                _Microscope(desk)
                _Results(desk)
        else:
            _Explained(desk)


@solara.component
def _Header(desk: Desk) -> None:
    frame, playing = desk.frame.value, desk.playing.value
    with solara.Row(gap="8px", classes=["tme-header"]):
        solara.Text("tme_abm", classes=["tme-brand"])
        solara.Button("❚❚ Pause" if playing else "▶ Play", color="primary", on_click=desk.toggle)
        solara.Button("Step", disabled=playing, on_click=desk.step)
        solara.Button("Restart", on_click=desk.restart)
        solara.Text("steps a picture", classes=["tme-note"])
        with solara.ToggleButtonsSingle(value=desk.stride.value, on_value=desk.set_stride, dense=True):
            for stride in _STRIDES:
                solara.Button(str(stride) if stride else "slow", value=stride, text=True)
        solara.Text(f"Day {frame.day:.2f} of {frame.days:g}", classes=["tme-day"])
        solara.Text(f"Step {frame.step}", classes=["tme-note"])
        solara.v.Spacer()
        with solara.Row(gap="0px", classes=["tme-tabs"]):
            for tab, label in (("tissue", "Tissue"), ("model", "The model explained")):
                chosen = "chosen" if desk.tab.value == tab else ""
                solara.Button(label, text=True, classes=[chosen], on_click=lambda tab=tab: desk.tab.set(tab))


@solara.component
def _Message(desk: Desk) -> None:
    if desk.message.value:
        with solara.Row(gap="8px", classes=["tme-message"]):
            solara.Text(desk.message.value)
            solara.Button("close", text=True, small=True, on_click=lambda: desk.message.set(""))


@solara.component
def _Microscope(desk: Desk) -> None:
    frame, view = desk.frame.value, desk.view.value
    with solara.Column(gap="6px", classes=["tme-card", "tme-scope"]):
        with solara.Row(gap="10px", classes=["tme-fields"]):
            solara.Select(
                "Color cells by",
                [CELL_TYPE, *COLORINGS],
                value=view.coloring,
                on_value=lambda name: desk.see(coloring=name),
                dense=True,
            )
            Pick(
                "Overlay",
                [_NO_FIELD, *in_order(list(frame.overlays))],
                view.field or _NO_FIELD,
                lambda name: desk.see(field="" if name == _NO_FIELD else name),
            )
            solara.Checkbox(label="vessels", value=view.vessels, on_value=lambda on: desk.see(vessels=on))
            solara.Checkbox(label="core", value=view.outline, on_value=lambda on: desk.see(outline=on))
            with solara.Row(gap="0px", classes=["tme-zoom"]):
                for label, factor in (("−", 1 / 1.5), ("+", 1.5), ("all", 0.0)):
                    solara.Button(label, small=True, text=True, on_click=lambda factor=factor: desk.zoom(factor))
        Tissue(desk)
        solara.HTML(unsafe_innerHTML=legend(frame, view))


@solara.component
def _Results(desk: Desk) -> None:
    with solara.Column(gap="6px", classes=["tme-card", "tme-results"]):
        solara.HTML(unsafe_innerHTML=verdict(desk.frame.value))
        if desk.closeup.value:
            with solara.Column(gap="0px", classes=["tme-scroll"]):
                solara.Button("◂ back to the time courses", text=True, small=True, on_click=desk.close)
                solara.HTML(unsafe_innerHTML=desk.closeup.value)
        else:
            solara.HTML(unsafe_innerHTML=desk.charts.value)


@solara.component
def _Explained(desk: Desk) -> None:
    model = desk.session.model
    words = solara.use_memo(lambda: explanation(model.scenario), [model.scenario.hash])
    with solara.Column(gap="0px", classes=["tme-card", "tme-explained"]):
        Prose(on_screen(desk.view.value, model.catalogue))
        Prose(words)
