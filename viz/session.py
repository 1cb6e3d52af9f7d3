"""The running model of one browser tab: stepping, playing, treating, saving. It knows nothing of browsers.

One lock guards the model. Whoever steps it or changes it holds the lock until a frame is captured, so that nobody ever
sees a half-done step. The frame is published after the lock is let go, in the thread that stepped: drawing may wait
for a page that in turn waits for the model.
"""

from __future__ import annotations

import csv
import io
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.scenario import Add, Infuse, Intervention, Scenario, changed

from .closeup import Cell, look
from .frame import Frame, capture

__all__ = ["History", "Session"]

log = logging.getLogger(__name__)

_SHORTEST = 0.04  # seconds a picture stays at least: nobody sees more, and the browser has to keep up
_PAUSE = 0.005  # seconds the lock is left alone between two steps, so that others get it


class History:
    """Measures of every frame so far, as columns."""

    def __init__(self) -> None:
        self.days: list[float] = []
        self._values: dict[str, list[float]] = {}

    def add(self, frame: Frame) -> None:
        """Append the measures of a frame; of a frame already there, nothing."""
        if self.days and frame.day <= self.days[-1]:
            return
        now = dict(frame.measures) | {f"called by {name}": share for name, share in frame.called.items()}
        for name in now.keys() - self._values.keys():
            self._values[name] = [np.nan] * len(self.days)
        self.days.append(frame.day)
        for name, values in self._values.items():
            values.append(now.get(name, np.nan))

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """All values of a measure, (n,); NaN if it is not known."""
        return np.array(self._values.get(name, [np.nan] * len(self.days)), dtype=np.float64)

    def csv(self) -> str:
        """Tidy, as a run's series.csv: time_day, metric, value."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("time_day", "metric", "value"))
        for number, day in enumerate(self.days):
            for name, values in self._values.items():
                writer.writerow((repr(day), name, repr(float(values[number]))))
        return out.getvalue()


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
        """`publish` gets every frame, `complain` what went wrong while playing; `stopped` is told when it ends."""
        self.publish, self.complain, self.stopped = publish, complain, stopped
        self.stride = 1
        self._lock = threading.RLock()
        self._halt = threading.Event()
        self._player: threading.Thread | None = None
        self._start(TumorModel(scenario, rng=seed))

    def _start(self, model: TumorModel) -> None:
        self.model = model
        self.history = History()
        self._capture()

    def _capture(self) -> None:
        self.frame = capture(self.model)
        self.history.add(self.frame)

    def show(self) -> None:
        """Publish the newest frame."""
        self.publish(self.frame)

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
                halt.wait(max(_PAUSE, _SHORTEST - (time.monotonic() - began)))
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
            wanted = changed(self.model.scenario, {"protocol": [*self._protocol(), dict(table)]})
            self.model.intervene(wanted.protocol[-1])
            self._capture()
        self.show()

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
            try:
                self.model = TumorModel.from_state(scenario, self.model.seed_number, self.model.state())
            except KeyError as error:
                raise InputError("without it other molecules have a field; save the scenario and plant anew") from error
            self._capture()
        self.show()

    def in_force(self) -> Sequence[tuple[int, Intervention]]:
        """The interventions that act now or will, with their place in the protocol."""
        now = self.model.clock.time
        return [
            (number, item)
            for number, item in enumerate(self.model.scenario.protocol)
            if (item.start >= now if isinstance(item, Infuse | Add) else item.stop is None or item.stop > now)
        ]

    def _protocol(self) -> list[dict[str, Any]]:
        return list(self.model.scenario.document().get("protocol", []))

    # ------------------------------------------------------------- looking and saving

    def look(self, x: float, y: float) -> tuple[Cell, ...]:
        """The cells at a place, given as shares of the picture's width and height."""
        with self._lock:
            return look(self.model, x, y)

    def scenario_toml(self) -> str:
        """Everything that was set and done, as a scenario that `run` accepts and that repeats this tumor."""
        with self._lock:
            return self.model.scenario.resolved_toml()

    def checkpoint(self) -> bytes:
        """All state of the model as an npz; `TumorModel.from_state` goes on from it with the saved scenario."""
        with self._lock:
            state = self.model.state()
        out = io.BytesIO()
        arrays: dict[str, Any] = dict(state)
        np.savez_compressed(out, **arrays)
        return out.getvalue()
