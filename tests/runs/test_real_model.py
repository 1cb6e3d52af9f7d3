"""The model itself, killed and taken up again: its `state` must hold everything that matters."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from tests.support.toy import results, small
from tme_abm.runs.run import resume, run
from tme_abm.runs.walk import Progress

TINY = {"lattice.shape": "[48, 48]", "lattice.margin": "200 um", "tumor.cells": "60", "clock.dt": "20 min"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_and_resumed_ends_in_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tme_abm.runs.walk.CHECKPOINT_SECONDS", 0.2)  # several in this short run
    scenario = small("hot", **TINY)
    run(scenario, out=tmp_path / "a", seed=2, days=0.5)

    def die_at(step: int) -> None:
        def watch(now: Progress) -> None:
            if now.step == step:
                time.sleep(0.01)
                os.kill(os.getpid(), 9)

        if step == 10:
            run(scenario, out=tmp_path / "b", seed=2, days=0.5, progress=watch)
        else:
            resume(tmp_path / "b", progress=watch)

    for step in (10, 25):
        child = multiprocessing.get_context("fork").Process(target=die_at, args=(step,))
        child.start()
        child.join()
        assert child.exitcode == -9
    found = resume(tmp_path / "b")
    assert found.resumed_from
    assert results(tmp_path / "b") == results(tmp_path / "a")
