"""Components that Solara does not have: the picture, sliders that can be put back, files to keep, and text to read."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import solara

from .desk import Desk
from .picture import paint, png, scale_bar, window_of
from .settings import Dial
from .texts import prose

__all__ = ["Pick", "Prose", "Save", "Slider", "Tissue"]


@solara.component_vue("picture.vue")
def _Picture(
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
    """An image of the tissue with a scale bar; reports where it is clicked, in shares of its width and height.

    The wheel zooms around the pointer, dragging moves; `hint` is on what lies where the pointer rests.
    """


@solara.component
def Prose(text: str) -> None:
    """Markdown as text to read. Solara's own component would fetch the scripts of formulas, of which we have none."""
    solara.HTML(unsafe_innerHTML=prose(text), classes=["tme-prose"])


@solara.component_vue("save.vue")
def Save(
    offers: Sequence[dict[str, str]],
    file: dict[str, Any] | None,
    event_ask: Callable[[str], None],
) -> None:
    """Buttons that ask for files, and hand them to the browser when they come.

    Solara's own `FileDownload` would begin anew with every picture of a page that plays.
    """


@solara.component_vue("dial.vue")
def _Slider(
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
def Slider(
    dial: Dial,
    value: float,
    on_value: Callable[[float], None],
    *,
    put_back: Callable[[], None] | None = None,
    changed: bool = False,
) -> None:
    """A slider at `value`; a double click calls `put_back`, or sets the usual value."""
    _Slider(
        label=dial.label,
        text=dial.text(value),
        hint=f"{dial.description} Range {dial.text(dial.low)} to {dial.text(dial.high)}; double click to put it back.",
        place=dial.place(value),
        changed=changed,
        event_moved=lambda place: on_value(dial.value(place)),
        event_usual=lambda _: put_back() if put_back else on_value(dial.usual),
    )


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
    _Picture(
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
