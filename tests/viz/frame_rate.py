"""How many pictures a second the page shows of a large tumor that plays: `python -m tests.viz.frame_rate`.

A picture counts when the browser has it decoded and on the page. Beside the rate stand the parts of a picture's cost,
in processor time of one core, and the load of the machine, without which neither means much.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.viz.browser import browser, served
from tme_abm.scenario import load
from viz.colorings import View
from viz.courses import courses
from viz.frame import capture
from viz.picture import paint, png
from viz.session import Session
from viz.texts import legend

__all__ = ["LARGE", "Rate", "parts", "play"]

LARGE = """
extends = "hot"
title = "Ten thousand cells"
[lattice]
shape = [200, 200]
[tumor]
cells = 5500
[immune]
CD8 = "250 /mm^2"
Th1 = "100 /mm^2"
TAM = "150 /mm^2"
"""

COUNT_PICTURES = """() => {
    const image = document.querySelector(".tme-picture img");
    window.pictures = 0;
    const count = () => image.decode().then(() => window.pictures++, () => 0);
    new MutationObserver(count).observe(image, { attributes: true, attributeFilter: ["src"] });
}"""
STEP = "() => +document.querySelector('.tme-header').innerText.match(/Step (\\d+)/)[1]"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Pictures shown and steps done a second while the page played, and the load average when it began."""

    pictures: float
    steps: float
    load: float


def play(chrome: Any, path: Path, seconds: float = 15.0, shot: Path | None = None) -> Rate:
    """Serve the scenario at `path`, let the page play with a field overlaid, and count."""
    load_before = os.getloadavg()[0]
    with served("run.py", "view", str(path), "--no-browser") as address:
        page = chrome.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(300_000)
        page.goto(address)
        overlay = page.locator(".v-select", has=page.get_by_text("Overlay", exact=True))
        overlay.click()
        overlay.get_by_role("textbox").fill("IFNG")
        page.get_by_role("option", name="IFNG", exact=True).click()
        page.evaluate(COUNT_PICTURES)
        page.get_by_role("button", name="Play").click()
        page.wait_for_function("() => window.pictures > 5")
        first, step, began = page.evaluate("window.pictures"), page.evaluate(STEP), time.monotonic()
        page.wait_for_timeout(1000 * seconds)
        shown, done, took = page.evaluate("window.pictures"), page.evaluate(STEP), time.monotonic() - began
        if shot is not None:
            page.screenshot(path=shot)
        page.close()
    return Rate(pictures=(shown - first) / took, steps=(done - step) / took, load=load_before)


def parts(path: Path, times: int = 8) -> dict[str, float]:
    """Milliseconds of processor time that a step and each part of a picture take."""
    session = Session(load(path), 1)
    session.step(3)
    view = View(zoom=1.6, field="IFNG")

    def cost(do: Callable[[], object]) -> float:
        do()
        began = time.process_time()
        for _ in range(times):
            do()
        return 1000 * (time.process_time() - began) / times

    pixels = paint(session.frame, view)
    return {
        "step": cost(session.model.step),
        "capture": cost(lambda: capture(session.model)),
        "paint": cost(lambda: paint(session.frame, view)),
        "encode": cost(lambda: png(pixels)),
        "legend": cost(lambda: legend(session.frame, view)),
        "time courses": cost(lambda: courses(session.frame, session.history, view)),
    }


def main() -> None:
    """Measure and tell."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "large.toml"
        path.write_text(LARGE, encoding="utf-8")
        session = Session(load(path), 1)
        cells, fields = len(session.model.tissue.cells), len(session.frame.fields)
        print(f"{cells:,} cells on {' × '.join(map(str, session.frame.shape))} sites, {fields} fields")
        for part, milliseconds in parts(path).items():
            print(f"{part:14}{milliseconds:8.1f} ms")
        with browser() as chrome:
            rate = play(chrome, path)
    print(f"{rate.pictures:.1f} pictures and {rate.steps:.1f} steps a second; load {rate.load:.1f} when it began")


if __name__ == "__main__":
    main()
