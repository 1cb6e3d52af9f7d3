"""Components that show: the picture, texts and drawings, and files to keep. Each is a small Vue template."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import solara

from .desk import Desk
from .picture import png, scale_bar
from .raster import paint, window_of
from .texts import prose

__all__ = ["Dial", "Markup", "Pick", "Picture", "Prose", "Save", "Tissue"]


@solara.component_vue("picture.vue")
def Picture(
    src: str,
    aspect: float,
    bar: float,
    length: str,
    mark: Sequence[float] | None,
    armed: bool,
    hint: str,
    event_shown: Callable[[int], None],
    event_hover: Callable[[dict[str, float]], None],
    event_pick: Callable[[dict[str, float]], None],
    event_zoom: Callable[[dict[str, float]], None],
    event_pan: Callable[[dict[str, float]], None],
) -> None:
    """An image of the tissue with a scale bar; tells where it was clicked, in shares of its width and height.

    The wheel zooms around the pointer, dragging moves; `hint` is on what lies where the pointer rests.
    """


@solara.component_vue("markup.vue")
def Markup(html: str) -> None:
    """HTML of our own making."""


@solara.component
def Prose(text: str) -> None:
    """Markdown as text to read. Solara's own component would fetch the scripts of formulas, of which we have none."""
    Markup(html=f"<div class='tme-prose'>{prose(text)}</div>")


@solara.component_vue("save.vue")
def Save(
    offers: Sequence[dict[str, str]],
    file: dict[str, Any] | None,
    event_ask: Callable[[str], None],
) -> None:
    """Buttons that ask for files, and hand them to the browser when they come."""


@solara.component_vue("dial.vue")
def Dial(
    label: str,
    text: str,
    hint: str,
    place: float,
    changed: bool,
    event_moved: Callable[[float], None],
    event_usual: Callable[[int], None],
) -> None:
    """A slider with its name and value; a double click puts it back."""


@solara.component
def Pick(label: str, names: Sequence[str], value: str, on_value: Callable[[str], None]) -> None:
    """One of many names; typing finds it."""
    solara.v.Autocomplete(
        label=label,
        items=list(names),
        v_model=value,
        on_v_model=lambda name: on_value(name) if name else None,
        auto_select_first=True,
        dense=True,
        hide_details=True,
        menu_props={"maxHeight": 360},
    )


@solara.component
def Tissue(desk: Desk) -> None:
    """The newest frame as a picture."""
    frame, view = desk.frame.value, desk.view.value

    def draw() -> str:
        drawn = png(paint(frame, view))
        return "data:image/png;base64," + base64.b64encode(drawn).decode()

    src = solara.use_memo(draw, [id(frame), frame.step, view])
    share, length = scale_bar(frame, view)
    rows, columns = window_of(frame.shape, view).shape
    Picture(
        src=src,
        aspect=columns / rows,
        bar=share * 100,
        length=length,
        mark=desk.marked(),
        armed=desk.depot.value is not None,
        hint=desk.hint.value,
        event_shown=lambda _: desk.shown(),
        event_hover=lambda place: desk.hover(place["x"], place["y"]),
        event_pick=lambda place: desk.pick(place["x"], place["y"]),
        event_zoom=lambda by: desk.zoom(by["factor"], by["x"], by["y"]),
        event_pan=lambda by: desk.pan(by["x"], by["y"]),
    )
