"""A server with the page, and a browser to look at it; both of the machine, neither downloaded."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

ROOT = Path(__file__).parents[2]
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_BAD = 400  # from here on, an answer says that there is none
_PATIENCE = 300  # seconds; a busy machine is not a broken page


def chromium() -> str:
    """The browser's path; skips the test, saying what is missing, where it cannot be driven."""
    # A page that is driven in a test asks the internet for nothing, so it needs its scripts here.
    for module, extra in (("solara", "viz"), ("solara_assets", "offline"), ("playwright", "browser")):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no {module}: pip install 'tme_abm[{extra}]'")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium: apt install chromium")
    return found


@contextmanager
def served(*command: str, **environment: str) -> Iterator[str]:
    """Run `python COMMAND --host ... --port ...` and give the address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as said:
        yield from _served(command, environment, port, said)


def _served(command: Sequence[str], environment: Mapping[str, str], port: int, said: IO[bytes]) -> Iterator[str]:
    """Note in `said` what the server says, and hold it to what a good one never does: fail, or ask the internet."""

    def log() -> str:
        said.seek(0)
        return said.read().decode(errors="replace")

    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=said,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, log()
                assert time.monotonic() < until
                time.sleep(0.2)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if command[0] == "run.py":  # Ctrl-C ends it, and all is well
        assert process.returncode == 0, log()
        assert "samesite" not in log(), log()
    assert "Traceback" not in log(), log()
    assert "Could not load URL" not in log(), log()


class Watcher:
    """Notes what a good page never does: errors on the console, requests to other machines or for what is not there."""

    def __init__(self, page: Any) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._requested(request))
        page.on("requestfinished", lambda request: self._waiting.discard(request))
        page.on("requestfailed", lambda request: self._waiting.discard(request))
        page.on("response", lambda answer: self.errors.append(answer.url) if answer.status >= _BAD else None)
        self._page, self._waiting = page, set[Any]()
        page.set_default_timeout(1000 * _PATIENCE)

    def _requested(self, request: Any) -> None:
        if request.url.startswith("http"):
            self._waiting.add(request)
        if re.match(r"(https?|wss?)://(?!127\.0\.0\.1[:/])", request.url):
            self.foreign.append(request.url)

    def check(self) -> None:
        """Once all that was asked for is answered."""
        until = time.monotonic() + _PATIENCE
        while self._waiting:
            assert time.monotonic() < until, self._waiting
            self._page.wait_for_timeout(50)
        assert self.errors == []
        assert self.foreign == []


@contextmanager
def browser() -> Iterator[Any]:
    """A running Chromium."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield running
        running.close()
