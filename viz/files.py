"""What a person takes home: the picture, the series, the scenario with all that was done, the state to go on from."""

from __future__ import annotations

import base64
import time
from typing import Any

from .picture import full_png
from .raster import View
from .session import Session

__all__ = ["handed"]


def handed(what: str, session: Session, view: View) -> dict[str, Any]:
    """A file for the browser to keep: "picture", "series", "scenario" or "checkpoint"; its name says what it is of."""
    frame, scenario = session.frame, session.model.scenario
    stem = f"{scenario.name}-seed{session.model.seed_number}"
    state = f"{stem}-day{frame.day:05.2f}"
    match what:
        case "picture":
            name, kind = f"{state}.png", "image/png"
            content = full_png(frame, view, scenario.title or scenario.name)
        case "series":
            name, kind, content = f"{stem}-series.csv", "text/csv", session.history.csv().encode()
        case "scenario":
            name, kind, content = f"{stem}.toml", "application/toml", session.scenario_toml().encode()
        case _:
            name, kind, content = f"{state}.zip", "application/zip", session.checkpoint(state)
    # The time makes every file a new value, so that the same one can be saved twice.
    return {"name": name, "type": kind, "content": base64.b64encode(content).decode(), "made": time.time()}
