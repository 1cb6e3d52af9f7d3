"""The running model of one browser tab: stepping, playing, treating, saving. It knows nothing of browsers.

One lock guards the model. Whoever steps it or changes it holds the lock until a frame is captured, so that nobody ever
sees a half-done step. Frames are shown by a thread of its own, which takes the newest whenever it is done with the one
before: a slow drawing costs pictures and never steps. No lock is held meanwhile, since drawing may wait for a page that
in turn waits for the model.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.processes import Response
from tme_abm.runs.walk import Logbook
from tme_abm.scenario import Intervention, Scenario, changed
from tme_abm.tissue import EMPTY

from .closeup import Cell, look, revisit
from .frame import Frame, History, capture

__all__ = ["Session"]

log = logging.getLogger(__name__)

_SHORTEST = 0.04  # seconds a picture stays at least: nobody sees more, and the browser has to keep up
_PAUSE = 0.005  # seconds the lock is left alone between two steps, so that others get it
_IDLE = 2.0  # seconds the drawing thread waits for another frame before it ends


class Session:
    """One tumor under the microscope."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        publish: Callable[[Frame], None] = lambda frame: None,
        complain: Callable[[str], None] = lambda text: None,
        stopped: Callable[[], None] = lambda: None,
    ) -> None:
        """`publish` gets frames to show, `complain` what went wrong while playing; `stopped` is told when it ends.

        `stride` steps lie between two pictures, and at least `rest` seconds.
        """
        self.publish, self.complain, self.stopped = publish, complain, stopped
        self.stride = 1
        self.rest = 0.0
        self._lock = threading.RLock()
        self._halt = threading.Event()
        self._player: threading.Thread | None = None
        self._news = threading.Condition()
        self._wanted = False
        self._artist: threading.Thread | None = None
        self._start(TumorModel(scenario, rng=seed))

    def _start(self, model: TumorModel) -> None:
        self.model = model
        self._logbook = Logbook(model)
        self.history = History()
        self._capture()

    def _capture(self) -> None:
        self.frame = capture(self.model)
        self.history.add(self.frame)

    # ------------------------------------------------------------- showing

    def show(self) -> None:
        """Have the newest frame published soon, by the drawing thread."""
        with self._news:
            self._wanted = True
            self._news.notify()
            if self._artist is None:
                self._artist = threading.Thread(target=self._draw, name="artist", daemon=True)
                self._artist.start()

    def _draw(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._wanted, timeout=_IDLE)
                if not self._wanted:
                    self._artist = None
                    return
                self._wanted = False
            began = time.monotonic()
            try:
                self.publish(self.frame)
            except Exception as error:  # the next picture may come out well
                log.exception("while drawing")
                self.complain(f"The picture could not be drawn: {type(error).__name__}: {error}")
            time.sleep(max(0.0, _SHORTEST - (time.monotonic() - began)))

    # ------------------------------------------------------------- stepping

    @property
    def playing(self) -> bool:
        """Whether it steps by itself."""
        return self._player is not None and self._player.is_alive() and not self._halt.is_set()

    def step(self, count: int = 1) -> None:
        """Advance by `count` steps and show the last."""
        with self._lock:
            self._advance(count)
        self.show()

    def _advance(self, count: int) -> None:
        for _ in range(count):
            self.model.step()
            self._logbook.note(self.model)
        self._capture()

    def play(self) -> None:
        """Step until `pause`, the end of the scenario, or an error."""
        if self.playing:
            return
        self._halt = threading.Event()
        self._player = threading.Thread(target=self._run, args=(self._halt,), name="player", daemon=True)
        self._player.start()

    def pause(self) -> None:
        """Stop playing, after the step that is under way."""
        self._halt.set()

    def _run(self, halt: threading.Event) -> None:
        try:
            while not halt.is_set() and self.model.running:
                began = time.monotonic()
                with self._lock:
                    if halt.is_set():
                        break
                    self._advance(max(1, self.stride))
                self.show()
                halt.wait(max(_PAUSE, max(_SHORTEST, self.rest) - (time.monotonic() - began)))
        except Exception as error:
            log.exception("while playing")
            self.complain(f"The simulation stopped: {type(error).__name__}: {error}")
        finally:
            halt.set()
            self.stopped()

    def restart(self, scenario: Scenario, seed: int) -> None:
        """Plant another tumor, from day 0."""
        self.pause()
        fresh = TumorModel(scenario, rng=seed)
        with self._lock:
            self._start(fresh)
        self.show()

    # ------------------------------------------------------------- treating

    def intervene(self, table: Mapping[str, Any]) -> None:
        """Do what a `[[protocol]]` table says from now on; `InputError` if it does not fit this tumor."""
        with self._lock:
            try:
                wanted = changed(self.model.scenario, {"protocol": [*self._protocol(), dict(table)]})
            except InputError as error:
                raise InputError(error.what) from error  # there is no file whose place could help
            item = wanted.protocol[-1]
            self._check_room(item)
            self.model.intervene(item)
            self._changed()
        self.show()

    def _changed(self) -> None:
        if not self.model.clock.step:
            self._start(self.model)  # what is given before the first step may belong to the starting tissue
        else:
            self._capture()

    def _check_room(self, item: Intervention) -> None:
        """Raises InputError now, rather than in the middle of the step that would find no room."""
        tissue, biology = self.model.tissue, self.model.biology
        for layer, count in item.claims(tissue, biology).items():
            waiting = sum(one.claims(tissue, biology).get(layer, 0) for _, one in self.in_force())
            free = int((tissue.lattice.occupant[layer] == EMPTY).sum())
            if waiting + count > free:
                raise InputError(f"no room for {waiting + count:,} cells: {free:,} sites are free")

    def set_trait(self, trait: str, value: float | str) -> None:
        """Give the tumor another trait while it lives."""
        self.intervene({"do": "set trait", "trait": trait, "value": value})

    def lift(self, number: int) -> None:
        """End the `number`-th intervention of the protocol now; one that has not begun is taken back."""
        with self._lock:
            tables = self._protocol()
            now = self.model.clock.time
            if self.model.scenario.protocol[number].start >= now:
                del tables[number]
            else:
                tables[number]["stop"] = f"{now!r} min"
            scenario = changed(self.model.scenario, {"protocol": tables})
            seed = self.model.seed_number
            if not self.model.clock.step:
                self.model = TumorModel(scenario, rng=seed)
            else:
                felt = self.model.tissue.controls
                try:
                    self.model = TumorModel.from_state(scenario, seed, self.model.state())
                except InputError as error:
                    raise InputError(
                        "without it other molecules have a field; save the scenario and plant anew"
                    ) from error
                self.model.tissue.controls = felt  # until the next step, as with an intervention that begins
            self._changed()
        self.show()

    def in_force(self) -> Sequence[tuple[int, Intervention]]:
        """The interventions that act now or will, with their place in the protocol."""
        now = self.model.clock.time
        return [
            (number, item)
            for number, item in enumerate(self.model.scenario.protocol)
            if item.acts_after(now)
        ]

    def _protocol(self) -> list[dict[str, Any]]:
        return list(self.model.scenario.document().get("protocol", []))

    # ------------------------------------------------------------- looking and saving

    def look(self, x: float, y: float) -> tuple[float, tuple[Cell, ...]]:
        """The day, and the cells at a place, given as shares of the picture's width and height."""
        with self._lock:
            return self.model.day, look(self.model, x, y)

    def revisit(self, keys: Sequence[int]) -> tuple[float, tuple[Cell, ...]]:
        """The day, and the cells with these keys, wherever they are now; who is gone is left out."""
        with self._lock:
            return self.model.day, revisit(self.model, keys)

    def mean_behavior(self, cells: Sequence[str], behavior: str) -> float:
        """What the rules make of a behavior now, on average over the living cells of some types; NaN if none live."""
        with self._lock:
            tissue, biology = self.model.tissue, self.model.biology
            response, values = Response(biology, tissue), []
            for kind in (biology.cell_index[cell] for cell in cells):
                rows = np.flatnonzero(tissue.living & (tissue.cells.kind == kind))
                values.append(np.broadcast_to(response.of_rows(kind, behavior, rows), len(rows)))
            found = np.concatenate(values)
            return float(found.mean()) if len(found) else float("nan")

    def scenario_toml(self) -> str:
        """Everything that was set and done, as a scenario that `run` accepts and that repeats this tumor."""
        with self._lock:
            return self.model.scenario.resolved_toml()

    def checkpoint(self, name: str) -> bytes:
        """A zip with a run directory `name`, from which `run --resume` goes on where this tumor is now."""
        with tempfile.TemporaryDirectory() as place:
            with self._lock:
                self._logbook.keep(self.model, Path(place) / "run" / name)
            return Path(shutil.make_archive(f"{place}/state", "zip", f"{place}/run", name)).read_bytes()
