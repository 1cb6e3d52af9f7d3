from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.toy import ToySimulator, results, small
from tme_abm.core import files
from tme_abm.core.errors import InputError
from tme_abm.runs.results import list_snapshots, read_manifest, read_series
from tme_abm.runs.run import is_finished, resume, run
from tme_abm.runs.walk import Progress, RunFailed

DAYS = 2.1  # ends between two rows and between two pictures
TOY = ToySimulator()
HOT = small()

fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """What a killed process has written stays without fsync; it is for power cuts, and slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    run(HOT, out=out, seed=3, days=DAYS, simulator=TOY)
    return results(out)


def begin(out: Path, simulator: ToySimulator = TOY) -> None:
    run(HOT, out=out, seed=3, days=DAYS, simulator=simulator)


def go_on(out: Path, simulator: ToySimulator = TOY) -> None:
    resume(out, simulator=simulator)


def in_a_child(work: Callable[[], None], kill_after: float | None = None) -> int:
    """Do `work` in a forked process, killed after some seconds; its exit code."""
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(kill_after)
    if child.is_alive():
        os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    return child.exitcode or 0


def die_at_write(number: int, how: str) -> None:
    """From now on, be killed at the n-th write: with half of the file written, before or after its renaming."""
    count = 0
    sync, rename = os.fsync, Path.replace

    def dying_sync(handle: int) -> None:
        nonlocal count
        count += 1
        if count == number and how == "half":
            os.ftruncate(handle, os.fstat(handle).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    def dying_rename(self: Path, target: Path) -> Path:
        if count == number and how == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        renamed = rename(self, target)
        if count == number and how == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return renamed

    os.fsync, Path.replace = dying_sync, dying_rename  # type: ignore[assignment, method-assign]
    assert sync is not os.fsync


def test_the_files_of_a_run(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    told: list[Progress] = []
    found = run(HOT, out=tmp_path / "a", seed=3, days=DAYS, simulator=TOY, progress=told.append)
    assert results(tmp_path / "a") == undisturbed
    series = read_series(tmp_path / "a")
    assert series.times[:3] == pytest.approx([0, 2 / 24, 4 / 24])
    assert series.times[-1] == pytest.approx(DAYS, abs=10 / 1440)
    assert found.measures == series.last() == told[-1].measures
    assert found.state == TOY.classify(series.last())
    assert [day for day, _ in list_snapshots(tmp_path / "a")][:2] == pytest.approx([0, 1 / 3], abs=1e-5)
    assert files.read_npz(list_snapshots(tmp_path / "a")[0][1])["cell_names"].tolist() == ["tumor", "CD8"]
    manifest = read_manifest(tmp_path / "a")
    assert (manifest["status"], manifest["seed"], manifest["scenario"]) == ("done", 3, "hot")
    assert (told[0].step, told[-1].step, told[-1].steps) == (0, found.steps, found.steps)
    assert [path.name for path in sorted((tmp_path / "a/checkpoint").iterdir())] == [
        "step_000000303.json",
        "step_000000303.npz",
    ]
    assert "nan" in (tmp_path / "a/series.csv").read_text().splitlines()[4]


def test_a_run_that_ends_when_a_row_is_due_has_that_row_once(tmp_path: Path) -> None:
    run(HOT, out=tmp_path / "a", days=2 / 3, simulator=TOY)
    times = [line.partition(",")[0] for line in (tmp_path / "a/series.csv").read_text().splitlines()[1:]]
    assert [times.count(time) for time in sorted(set(times))] == [5] * 9
    assert [day for day, _ in list_snapshots(tmp_path / "a")] == pytest.approx([0, 1 / 3, 2 / 3], abs=1e-5)


def test_a_picture_at_every_step_is_a_file_of_its_own_and_in_order(tmp_path: Path) -> None:
    often = small(**{"clock.dt": "0.5 s", "record.snapshots": "0.5 s"})
    run(often, out=tmp_path / "a", days=30 / 86400, simulator=TOY)
    pictures = list_snapshots(tmp_path / "a")
    assert len(pictures) == 61
    steps = [int(files.read_npz(path)["steps"]) for _, path in pictures]
    assert steps == list(range(61))
    assert [path for _, path in pictures] == sorted((tmp_path / "a/snapshots").iterdir())


def test_pictures_of_earlier_versions_are_still_listed(tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    for name in ("day_000.000.npz", "day_012.500.npz", "day_1000.250.npz", "day_000.333.npz"):
        (tmp_path / "snapshots" / name).touch()
    assert [day for day, _ in list_snapshots(tmp_path)] == [0.0, 0.333, 12.5, 1000.25]


def test_another_seed_is_another_run(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    run(HOT, out=tmp_path / "a", seed=4, days=DAYS, simulator=TOY)
    assert results(tmp_path / "a")["series.csv"] != undisturbed["series.csv"]


@fork
@pytest.mark.parametrize("how", ["half", "before", "after"])
def test_killed_at_any_write_and_resumed_ends_in_the_same_bytes(
    tmp_path: Path, undisturbed: dict[str, bytes], how: str
) -> None:
    # Twice the manifest, three times the series, three checkpoints of two files, and one of each other file.
    writes = 2 + 3 + 3 * 2 + sum(name.startswith("snapshots/") for name in undisturbed) + 1
    for number in range(1, writes + 1):
        out = tmp_path / f"{how}{number}"

        def work(out: Path = out, number: int = number) -> None:
            die_at_write(number, how)
            begin(out)

        assert in_a_child(work) == -signal.SIGKILL
        if out.exists():
            go_on(out)
            assert results(out) == undisturbed
            assert read_manifest(out)["status"] == "done"
        else:  # not even begun, and nothing there that looks like a run
            with pytest.raises(InputError, match="no such directory"):
                go_on(out)
            begin(out)


@fork
def test_killed_again_and_again_at_random_moments(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    slow = ToySimulator(seconds_a_step=0.001)
    moments = random.Random(5)
    in_a_child(lambda: begin(tmp_path / "a", slow), kill_after=0.2)
    for _ in range(5):
        in_a_child(lambda: go_on(tmp_path / "a", slow), kill_after=moments.uniform(0.02, 0.3))
    go_on(tmp_path / "a")
    assert results(tmp_path / "a") == undisturbed


def stopped(out: Path) -> Path:
    """A run that broke in its third day, with two checkpoints."""
    with pytest.raises(RunFailed):
        begin(out, ToySimulator(fails_at=300))
    return out


def test_a_broken_run_says_so_and_goes_on_once_mended(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    with pytest.raises(RunFailed, match=r"ZeroDivisionError: no cells left to divide by .*run\.log"):
        begin(tmp_path / "a", ToySimulator(fails_at=300))
    manifest = read_manifest(tmp_path / "a")
    assert manifest["status"] == "failed"
    assert manifest["error"] == "ZeroDivisionError: no cells left to divide by"
    assert "Traceback" in (tmp_path / "a/run.log").read_text()
    found = resume(tmp_path / "a", simulator=TOY)
    assert found.resumed_from == 288
    assert results(tmp_path / "a") == undisturbed
    assert read_manifest(tmp_path / "a")["error"] is None


def newest(out: Path, suffix: str) -> Path:
    return sorted((out / "checkpoint").glob(f"*{suffix}"))[-1]


def oldest(out: Path, suffix: str) -> Path:
    return sorted((out / "checkpoint").glob(f"*{suffix}"))[0]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "from_step"),
    [
        (lambda out: flip(newest(out, ".npz")), 144),
        (lambda out: newest(out, ".npz").write_bytes(newest(out, ".npz").read_bytes()[:-20]), 144),
        (lambda out: newest(out, ".npz").unlink(), 144),
        (lambda out: newest(out, ".npz").write_bytes(oldest(out, ".npz").read_bytes()), 144),
        (lambda out: newest(out, ".json").write_text('{"schema": 1'), 144),
        (lambda out: newest(out, ".json").write_text('{"schema": 1}'), 144),
        (lambda out: (out / "snapshots/day_001.33333_step_000000192.npz").unlink(), 144),
        (lambda out: flip(out / "snapshots/day_000.33333_step_000000048.npz"), 0),
        (lambda out: (out / "series.csv").write_text("time_day,metric,value\n"), 0),
        (lambda out: [file.unlink() for file in (out / "checkpoint").iterdir()], 0),
    ],
)
def test_what_is_damaged_is_not_believed(
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    caplog: pytest.LogCaptureFixture,
    harm: Callable[[Path], object],
    from_step: int,
) -> None:
    harm(stopped(tmp_path / "a"))
    with caplog.at_level(logging.WARNING):
        assert resume(tmp_path / "a", simulator=TOY).resumed_from == from_step
    assert results(tmp_path / "a") == undisturbed
    assert caplog.messages


def test_a_run_made_longer_is_the_longer_run(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    run(HOT, out=tmp_path / "a", seed=3, days=0.52, simulator=TOY)
    resume(tmp_path / "a", days=DAYS, simulator=TOY)
    assert results(tmp_path / "a") == undisturbed
    with pytest.raises(InputError, match=r"2.1 days and cannot end at 1"):
        resume(tmp_path / "a", days=1, simulator=TOY)


def test_a_finished_run_is_left_alone(tmp_path: Path) -> None:
    begin(tmp_path / "a")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert resume(tmp_path / "a", simulator=ToySimulator(fails_at=1)).resumed_from is None
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert is_finished(tmp_path / "a", scenario=HOT, seed=3, days=DAYS, simulator=TOY)
    assert not is_finished(tmp_path / "a", scenario=HOT, seed=4, days=DAYS, simulator=TOY)
    assert not is_finished(tmp_path / "a", scenario=small("cold"), seed=3, days=DAYS, simulator=TOY)
    assert not is_finished(tmp_path / "a", scenario=HOT, seed=3, days=DAYS, simulator=ToySimulator(version="2"))
    flip(tmp_path / "a/series.csv")
    assert not is_finished(tmp_path / "a", scenario=HOT, seed=3, days=DAYS, simulator=TOY)


@pytest.fixture
def earlier(tmp_path: Path) -> Iterator[Path]:
    """A run whose results must be as they were when the test is over."""
    out = stopped(tmp_path / "earlier")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    yield out
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_what_may_not_be_resumed(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"run of another scenario \(hot, .*not of the one asked for"):
        resume(earlier, scenario=small("cold"), simulator=TOY)
    with pytest.raises(InputError, match="a run with seed 3, not 4"):
        resume(earlier, seed=4, simulator=TOY)
    with pytest.raises(InputError, match="another version of the model"):
        resume(earlier, simulator=ToySimulator(version="toy 2"))
    with monkeypatch.context() as patch:
        patch.setattr("tme_abm.runs.run.load", lambda _: small("cold"))  # the file now resolves to something else
        with pytest.raises(InputError, match="another version of the model"):
            resume(earlier, simulator=TOY)
    with pytest.raises(InputError, match="not the directory of a run"):
        resume(earlier.parent, simulator=TOY)
    with pytest.raises(InputError, match="no such directory"):
        resume(earlier / "nothing", simulator=TOY)


def test_a_scenario_changed_by_hand_is_not_gone_on_with(tmp_path: Path) -> None:
    out = stopped(tmp_path / "a")
    resolved = out / "scenario.resolved.toml"
    resolved.write_text(resolved.read_text().replace("antigenicity", "antigenicitx"))
    with pytest.raises(InputError, match="not the scenario this run was begun with"):
        go_on(out)


def test_a_run_of_no_days_holds_the_start_and_can_go_on(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    seen: list[Progress] = []
    found = run(HOT, out=tmp_path / "a", seed=3, days=0, simulator=TOY, progress=seen.append)
    assert (found.days, found.steps, [now.step for now in seen]) == (0, 0, [0])
    manifest = read_manifest(tmp_path / "a")
    assert (manifest["status"], manifest["days"], manifest["steps"]) == ("done", 0, 0)
    assert read_series(tmp_path / "a").times.tolist() == [0]
    assert [day for day, _ in list_snapshots(tmp_path / "a")] == [0]
    assert is_finished(tmp_path / "a", scenario=HOT, seed=3, days=0, simulator=TOY)

    resume(tmp_path / "a", days=DAYS, simulator=TOY)
    assert results(tmp_path / "a") == undisturbed


def test_where_a_run_may_not_begin(earlier: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds a run already.*--resume.*--overwrite"):
        begin(earlier)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.doc").write_text("mine")
    with pytest.raises(InputError, match="not empty and holds no run"):
        run(HOT, out=tmp_path / "full", simulator=TOY, overwrite=True)
    with pytest.raises(InputError, match="is a file"):
        begin(tmp_path / "full/thesis.doc")
    with pytest.raises(InputError, match="cannot"):
        begin(tmp_path / "full/thesis.doc/run")
    with pytest.raises(InputError, match="cannot"):
        begin(Path("/proc/run"))
    with pytest.raises(InputError, match="positive number of days"):
        run(HOT, out=tmp_path / "new", days=-1, simulator=TOY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["earlier", "full"]


def test_a_run_may_begin_in_an_empty_directory_and_replace_one_if_told_to(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    (tmp_path / "a").mkdir()
    run(HOT, out=tmp_path / "a", seed=9, days=4, simulator=TOY)
    run(HOT, out=tmp_path / "a", seed=3, days=DAYS, simulator=TOY, overwrite=True)
    assert results(tmp_path / "a") == undisturbed


def test_a_full_disk_is_told_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, bytes]
) -> None:
    sync, count = os.fsync, 0

    def full(handle: int) -> None:
        nonlocal count
        count += 1
        if count > 15:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="cannot write the file: No space left on device"):
            begin(tmp_path / "a")
    assert not [path for path in (tmp_path / "a").rglob("*") if files.is_temporary(path)]
    go_on(tmp_path / "a")
    assert results(tmp_path / "a") == undisturbed


@fork
def test_two_processes_do_not_write_the_same_run(tmp_path: Path) -> None:
    out = tmp_path / "a"
    child = multiprocessing.get_context("fork").Process(target=begin, args=(out, ToySimulator(seconds_a_step=0.05)))
    child.start()
    try:
        while not (out / "series.csv").exists():
            time.sleep(0.01)
        with pytest.raises(InputError, match="another process is writing this run"):
            go_on(out)
        with pytest.raises(InputError, match="another process is writing this run"):
            run(HOT, out=out, simulator=TOY, overwrite=True)
        assert json.loads((out / "manifest.json").read_text())["seed"] == 3
    finally:
        child.kill()
        child.join()
