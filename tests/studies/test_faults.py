"""Killed at random moments, parent, worker or both: nothing lost, nothing twice, the same bytes in the end."""

from __future__ import annotations

import csv
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .small import batched, contents, loaded, process, study_file

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds worker processes in /proc")

KILLS = 5  # in the life of one study
A_STEP = 0.004
LONGEST = 2.5  # seconds until a kill: from before the first file to near the end


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("undisturbed")
    out = directory / "out"
    assert batched(loaded(directory), out).done == 12
    return contents(out)


def workers(parent: int) -> list[int]:
    """The worker processes of a batch."""
    found = []
    with suppress(OSError):
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            with suppress(OSError):
                if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                    found.append(int(child))
    return found


def finished(out: Path) -> dict[str, tuple[int, int]]:
    """Which runs are done, with what would change if one were done again."""
    found = {}
    for manifest in sorted(out.glob("runs/*/*/*/manifest.json")):
        if '"status": "done"' in manifest.read_text():
            stat = (manifest.parent / "series.csv").stat()
            found[manifest.parent.relative_to(out).as_posix()] = (stat.st_ino, stat.st_mtime_ns)
    return found


def claimed(table: bytes) -> list[str]:
    """The rows of runs.csv that say they are done."""
    return [",".join(row) for row in csv.reader(table.decode().splitlines()) if "done" in row]


def life(directory: Path, moments: random.Random, undisturbed: dict[str, bytes], *options: str) -> list[str]:
    """A study that is killed again and again, then left to finish; who was killed."""
    study, out = study_file(directory), directory / "out"
    done: dict[str, tuple[int, int]] = {}
    victims = []
    for _ in range(KILLS):
        victim = moments.choice(["parent", "worker", "both"])
        batch = process(study, out, "--seconds-a-step", A_STEP, *options)
        try:
            time.sleep(moments.uniform(0.0, LONGEST))
            theirs = workers(batch.pid)
            if victim in ("parent", "both"):
                batch.send_signal(signal.SIGKILL)
            if victim in ("worker", "both"):
                for worker in theirs[: 1 if victim == "worker" else None]:
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
            if victim == "worker" and moments.random() < 0.5:
                batch.wait(60)  # it must cope by itself
                assert batch.returncode == 0
        finally:
            batch.kill()
            batch.communicate()
        victims.append(victim)
        now = finished(out)
        assert {run: now.get(run) for run in done} == done, "a finished run was lost or done again"
        done = now
        if (out / "runs.csv").exists():
            assert set(claimed((out / "runs.csv").read_bytes())) <= set(claimed(undisturbed["runs.csv"]))
    last = process(study, out, *options)
    said, err = last.communicate(timeout=120)
    assert (last.returncode, said) == (0, "12 done\n"), err
    assert {run: finished(out).get(run) for run in done} == done
    assert contents(out) == undisturbed
    assert not [path for path in out.rglob(".*") if path.name.endswith(".part")]
    return victims


def test_killed_at_random_moments(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    assert len(life(tmp_path, random.Random(1), undisturbed)) == KILLS


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_killed_at_fifty_random_moments(tmp_path: Path, undisturbed: dict[str, bytes], seed: int) -> None:
    assert len(life(tmp_path, random.Random(seed), undisturbed)) == KILLS
