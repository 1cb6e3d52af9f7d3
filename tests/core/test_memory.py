"""The C library is asked to keep freed memory by the programs of this package, and by nothing that they import."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tme_abm.cli import main
from tme_abm.core import memory
from tme_abm.core.memory import keep_freed_memory
from tme_abm.core.parallel import Workers
from tme_abm.model import TumorModel
from tme_abm.scenario import changed, load


def _times_asked(_: None) -> int:
    return keep_freed_memory.cache_info().currsize


def test_only_a_program_that_owns_its_process_changes_how_memory_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *what: asked.append(what) or 1)
    monkeypatch.setattr(memory, "ctypes", SimpleNamespace(CDLL=lambda _: library))
    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform="linux"))
    keep_freed_memory.cache_clear()
    try:
        small = {"lattice.shape": [40, 44], "lattice.margin": "100 um", "tumor.cells": 30}
        model = TumorModel(changed(load("base"), small), rng=1)
        model.step()
        assert asked == []
        assert main(["--version"]) == 0
        assert "tme_abm" in capsys.readouterr().out
        assert len(asked) == 2
    finally:
        keep_freed_memory.cache_clear()


def test_workers_ask_for_themselves() -> None:
    with Workers(1) as workers:
        workers.submit("one", _times_asked, None)
        outcomes = []
        while not outcomes:
            outcomes = workers.wait(5.0)
    assert outcomes[0].result == 1
