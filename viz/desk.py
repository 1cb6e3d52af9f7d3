"""What one browser tab holds: its session, and the reactive values its components draw from."""

from __future__ import annotations

import base64
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import solara

from tme_abm.core.errors import TmeError
from tme_abm.core.units import show
from tme_abm.report.style.numbers import join
from tme_abm.scenario import Scenario, load

from .colorings import View
from .courses import courses
from .frame import MATRIX, Frame
from .picture import full_png, window_of
from .session import Session
from .settings import TRAIT, Dial, Settings, scenario_dials
from .texts import closeup, glance

__all__ = ["Desk", "place"]

log = logging.getLogger(__name__)

_ZOOM = 1.6  # at the start: the tumor and some of its surroundings
_MOST_ZOOM = 12.0
_BETWEEN_CHARTS = 0.4  # seconds; charts need not follow every frame
_SLOW = 1.0  # seconds from one picture to the next in slow motion
_UNSEEN = 0.5  # seconds to wait for the browser to say that it shows a picture, before it gets the next


class Desk:
    """The state of a tab. Its reactive values are set here and read by components."""

    def __init__(self, scenario: str, seed: int = 1) -> None:
        self.first = scenario
        self.settings = solara.reactive(Settings(scenario=scenario, seed=seed))
        self.pending: solara.Reactive[dict[str, float]] = solara.reactive({})
        self.view = solara.reactive(View(zoom=_ZOOM))
        self.tab = solara.reactive("tissue")
        self.message: solara.Reactive[str] = solara.reactive("")
        self.playing = solara.reactive(False)
        self.stride = solara.reactive(1)
        self.depot: solara.Reactive[dict[str, Any] | None] = solara.reactive(None)
        self.mark: solara.Reactive[tuple[float, float] | None] = solara.reactive(None)
        self.closeup: solara.Reactive[str] = solara.reactive("")
        self.file: solara.Reactive[dict[str, Any] | None] = solara.reactive(None)
        self.hint: solara.Reactive[str] = solara.reactive("")
        self._watched: tuple[int, ...] = ()
        self._charted = 0.0
        self._shown = threading.Event()
        planted = load(scenario)
        self.dials = scenario_dials(planted)
        self.session = Session(planted, seed, self._publish, self.message.set, self._stopped)
        self.frame: solara.Reactive[Frame] = solara.reactive(self.session.frame, equals=lambda a, b: a is b)
        self.charts: solara.Reactive[str] = solara.reactive(self._charts())

    # ------------------------------------------------------------- what the session tells

    def _publish(self, frame: Frame) -> None:
        self._shown.clear()
        self.frame.set(frame)
        if not self.session.playing or time.monotonic() - self._charted > _BETWEEN_CHARTS:
            self.redraw_charts()
            self._follow()
        # A browser that is slower than the model gets fewer pictures, not a queue of them.
        if self.session.playing:
            self._shown.wait(_UNSEEN)

    def shown(self) -> None:
        """The browser shows the picture it was sent."""
        self._shown.set()

    def _stopped(self) -> None:
        self.playing.set(False)
        self.redraw_charts()

    def redraw_charts(self) -> None:
        """Bring the time courses up to the newest frame."""
        self._charted = time.monotonic()
        self.charts.set(self._charts())

    def _charts(self) -> str:
        return courses(self.session.frame, self.session.history, self.view.peek())

    # ------------------------------------------------------------- what a person does

    def attempt(self, action: Callable[[], None], *, quiet: bool = False) -> bool:
        """Do it; what cannot be done is told on the page. Returns whether it was done.

        quiet: what the page tells already stays, as nobody asked for this action.
        """
        try:
            action()
        except TmeError as error:
            self.message.set(str(error))
            return False
        except Exception as error:  # a page that fell silent would help nobody
            log.exception("on the page")
            self.message.set(f"{type(error).__name__}: {error}")
            return False
        if not quiet:
            self.message.set("")
        return True

    def toggle(self) -> None:
        """Play or pause."""
        if self.playing.peek():
            self.session.pause()
            self.playing.set(False)
        elif self.session.model.running:
            self.playing.set(True)
            self.session.play()
        else:
            self.message.set(f"The scenario ends on day {self.session.frame.days:g}. Restart it, or take single steps.")

    def step(self) -> None:
        """One picture further."""
        self.pause()
        self.attempt(lambda: self.session.step(self.session.stride))

    def pause(self) -> None:
        """Stand still."""
        self.session.pause()
        self.playing.set(False)

    def set_stride(self, stride: int) -> None:
        """Steps from one picture to the next; 0 is slow motion, one step at a time."""
        self.stride.set(stride)
        self.session.stride = max(1, stride)
        self.session.rest = 0.0 if stride else _SLOW

    def restart(self, settings: Settings | None = None) -> None:
        """Plant a tumor as set; with `settings`, another one."""
        wanted = settings or self.settings.peek()
        if settings is None:
            wanted = Settings(
                scenario=wanted.scenario, seed=wanted.seed, changes={**wanted.changes, **self.pending.peek()}
            )

        def plant() -> None:
            scenario = wanted.build(self.dials)
            self.pause()
            self.session.restart(scenario, wanted.seed)
            if wanted.scenario != self.settings.peek().scenario:
                self.dials = scenario_dials(load(wanted.scenario))
            self.settings.set(wanted)
            self.pending.set({})
            self.close()
            self.hint.set("")

        self.attempt(plant)

    def choose_scenario(self, name: str) -> None:
        """Another scenario with the same seed and none of the changes."""
        self.restart(Settings(scenario=name, seed=self.settings.peek().seed))

    def choose_seed(self, text: str) -> None:
        """Another seed; what is no seed is told."""
        if not text.strip().isdecimal():
            self.message.set(f"Seed: '{text}' is not a whole number, 0 or more")
            return
        now = self.settings.peek()
        if int(text) != now.seed:
            self.restart(Settings(scenario=now.scenario, seed=int(text), changes=now.changes))

    def turn(self, dial: Dial, value: float) -> None:
        """A slider was moved."""
        self.pending.set({**self.pending.peek(), dial.key: value})

    def forget(self, *keys: str) -> None:
        """Put some sliders, or all, back to what the tumor has."""
        now = self.pending.peek()
        self.pending.set({key: value for key, value in now.items() if keys and key not in keys})

    def apply_now(self) -> None:
        """Give the running tumor the traits that were set, without planting it anew."""
        for key, value in self.pending.peek().items():
            if key.startswith(TRAIT):
                written = self.dials[key].written(value)
                trait = key.removeprefix(TRAIT)
                if not self.attempt(lambda: self.session.set_trait(trait, written)):  # noqa: B023
                    return
                self.forget(key)

    def current(self, dial: Dial) -> float:
        """What a slider shows: what was set, or what the tumor has."""
        if dial.key in self.pending.value:
            return float(self.pending.value[dial.key])
        if dial.key.startswith(TRAIT):
            return float(self.session.model.biology.traits[dial.key.removeprefix(TRAIT)])
        return float(self.settings.value.changes.get(dial.key, dial.usual))

    def intervene(self, table: Mapping[str, Any]) -> None:
        """Act on the running tumor from now on; `lasts` in the table is for how long [min]."""
        asked = dict(table)
        if "lasts" in asked:
            asked["stop"] = f"{self.session.model.clock.time + asked.pop('lasts')!r} min"
        self.attempt(lambda: self.session.intervene(asked))

    def mean_behavior(self, cells: Sequence[str], behavior: str) -> str:
        """What a behavior is now on average, in words."""
        mean = self.session.mean_behavior(cells, behavior)
        if math.isnan(mean):
            return f"There are no {join(cells)} cells now."
        kind = self.session.model.catalogue.kind_of(behavior)
        return f"now {show(mean, kind).replace('molecules/cell/min', '/min')} on average"

    def lift(self, number: int) -> None:
        """End an intervention."""
        self.attempt(lambda: self.session.lift(number))

    def see(self, **changes: Any) -> None:
        """Change the view."""
        self.view.set(replace(self.view.peek(), **changes))
        if "field" in changes:
            self.redraw_charts()

    def zoom(self, factor: float, x: float = 0.5, y: float = 0.5) -> None:
        """Look closer (or less so) at a place of the picture, which stays where it is."""
        view, (left, top, width, height) = self.view.peek(), self._seen()
        zoom = min(_MOST_ZOOM, max(1.0, view.zoom * factor))
        shrink = view.zoom / zoom
        self._center(left + width * (x + (0.5 - x) * shrink), top + height * (y + (0.5 - y) * shrink), zoom)

    def pan(self, x: float, y: float) -> None:
        """Move the tissue by shares of the picture."""
        left, top, width, height = self._seen()
        self._center(left + width * (0.5 - x), top + height * (0.5 - y), self.view.peek().zoom)

    def _center(self, x: float, y: float, zoom: float) -> None:
        half = 0.5 / zoom
        x, y = (min(1 - half, max(half, center)) for center in (x, y))
        self.see(x=x, y=y, zoom=zoom)

    def _seen(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of what is in view, as shares of the lattice."""
        ny, nx = self.session.frame.shape
        window = window_of((ny, nx), self.view.peek())
        return window.left / nx, window.top / ny, window.shape[1] / nx, window.shape[0] / ny

    def _on_lattice(self, x: float, y: float) -> tuple[float, float]:
        """A place of the picture as shares of the lattice."""
        left, top, width, height = self._seen()
        return left + x * width, top + y * height

    def marked(self) -> tuple[float, float] | None:
        """Where the clicked place is in the picture, if it is in view."""
        mark = self.mark.value
        if mark is None:
            return None
        left, top, width, height = self._seen()
        place = (mark[0] - left) / width, (mark[1] - top) / height
        return place if all(0 <= share <= 1 for share in place) else None

    def pick(self, x: float, y: float) -> None:
        """A place of the picture was clicked: inject if a depot is at hand, else look closely."""
        depot = self.depot.peek()
        x, y = self._on_lattice(x, y)
        self.mark.set((x, y))
        if depot is not None:
            self.intervene(depot | {"place": place(self.session.model.scenario, x, y)})
            self.depot.set(None)
        else:
            self.attempt(lambda: self._look(x, y))

    def _look(self, x: float, y: float) -> None:
        day, cells = self.session.look(x, y)
        self._watched = tuple(cell.key for cell in cells)
        self.closeup.set(closeup(cells, day))

    def _follow(self) -> None:
        """Look again at the cells that were clicked, where they are now."""
        if not self._watched or not self.closeup.peek():
            return
        day, cells = self.session.revisit(self._watched)
        self.closeup.set(closeup(cells, day, gone=not cells))
        self.mark.set((cells[0].x, cells[0].y) if cells else None)

    def close(self) -> None:
        """Look at the time courses again."""
        self._watched = ()
        self.closeup.set("")
        self.mark.set(None)

    def hover(self, x: float, y: float) -> None:
        """The pointer rests on a place of the picture."""
        x, y = self._on_lattice(x, y)
        self.attempt(lambda: self.hint.set(self._hint(x, y)), quiet=True)

    def _hint(self, x: float, y: float) -> str:
        frame, name = self.session.frame, self.view.peek().field
        _, cells = self.session.look(x, y)
        if name not in frame.overlays:
            return glance(cells)
        ny, nx = frame.shape
        level = frame.overlays[name][min(ny - 1, int(y * ny)), min(nx - 1, int(x * nx))]
        return glance(cells, f"{name} {float(level):.3g}" + ("" if name == MATRIX else " nM"))

    def save(self, what: str) -> None:
        """Make a file for the browser to keep: "picture", "series", "scenario" or "checkpoint"."""
        self.attempt(lambda: self.file.set(self._file(what)))

    def _file(self, what: str) -> dict[str, Any]:
        session, frame, scenario = self.session, self.session.frame, self.session.model.scenario
        stem = f"{scenario.name}-seed{session.model.seed_number}"
        state = f"{stem}-day{frame.day:05.2f}"
        match what:
            case "picture":
                name, kind = f"{state}.png", "image/png"
                content = full_png(frame, self.view.peek(), scenario.title or scenario.name)
            case "series":
                name, kind, content = f"{stem}-series.csv", "text/csv", session.history.csv().encode()
            case "scenario":
                name, kind, content = f"{stem}.toml", "application/toml", session.scenario_toml().encode()
            case _:
                name, kind, content = f"{state}.zip", "application/zip", session.checkpoint(state)
        # The time makes every file a new value, so that the same one can be saved twice.
        return {"name": name, "type": kind, "content": base64.b64encode(content).decode(), "made": time.time()}


def place(scenario: Scenario, x: float, y: float) -> list[str]:
    """A place in shares of the picture's width and height, as a `[[protocol]]` table has it; in 3D the middle slice."""
    lattice = scenario.lattice
    shares = (x, y, (lattice.shape[0] // 2 + 0.5) / lattice.shape[0])
    return [f"{share * end:.1f} um" for share, end in zip(shares, lattice.ends, strict=False)]
