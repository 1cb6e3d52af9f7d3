"""A study on this machine: its tables, what fails, what dies, what is damaged, what has changed."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.toy import ToySimulator
from tme_abm.core import files
from tme_abm.core.errors import InputError
from tme_abm.core.parallel import DIED, Here
from tme_abm.runs.results import read_manifest, read_series
from tme_abm.studies import perform
from tme_abm.studies.batch import BatchProgress
from tme_abm.studies.directory import locked
from tme_abm.studies.parameters import Level
from tme_abm.studies.results import read_study
from tme_abm.studies.study import Study, load_study
from tme_abm.studies.tables import Tables

from .small import TEXT, DiesOnce, batched, contents, loaded, process, study_file

TOY = ToySimulator()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return loaded(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def done(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, not to be changed."""
    out = tmp_path_factory.mktemp("done") / "out"
    told: list[BatchProgress] = []
    found = batched(study, out, jobs=2, tell=told.append)
    assert (found.runs, found.done, found.found, found.failed) == (12, 12, 0, {})
    assert (told[-1].total, told[-1].done, told[-1].failed) == (12, 12, 0)
    return out


@pytest.fixture
def copy(done: Path, tmp_path: Path) -> Path:
    shutil.copytree(done, tmp_path / "copy")
    return tmp_path / "copy"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_tables_say_what_the_runs_say(study: Study, done: Path) -> None:
    table = rows(done / "runs.csv")
    assert [(int(row["point"]), row["scenario"], int(row["seed"])) for row in table] == [
        (run.point, run.scenario, run.seed) for run in study.runs
    ]
    for row in table:
        series, manifest = read_series(done / row["directory"]), read_manifest(done / row["directory"])
        assert float(row["CD8 core"]) == series.last()["CD8 core"]
        assert row["state"] == TOY.classify(series.last())
        assert (row["status"], row["error"]) == ("done", "")
        assert (manifest["scenario"], manifest["seed"], manifest["days"]) == (row["scenario"], int(row["seed"]), 0.5)
        resolved = (done / row["directory"] / "scenario.resolved.toml").read_text()
        assert f"\nantigenicity = {row['tumor.traits.antigenicity']}\n" in resolved
        assert 'dt = "20 min"' in resolved
    assert [row["tumor.traits.antigenicity"] for row in rows(done / "design.csv")] == ["0.2", "0.5", "0.8"]


def test_the_series_is_that_of_the_runs_for_the_metrics_asked_for(study: Study, done: Path) -> None:
    table = rows(done / "series.csv")
    assert {row["metric"] for row in table} == {"CD8 core", "tumor cells"}
    last = study.runs[-1]
    mine = [row for row in table if (int(row["point"]), row["scenario"], int(row["seed"])) == (2, "cold", 2)]
    series = read_series(done / last.directory)
    for metric in ("CD8 core", "tumor cells"):
        values = [float(row["value"]) for row in mine if row["metric"] == metric]
        assert values == series.metrics[metric].tolist()
    assert len(table) == 12 * 2 * len(series.times)


def test_results_are_read_as_promised(study: Study, done: Path) -> None:
    found = read_study(done)
    assert (found.name, found.title, found.scenarios, found.seeds) == ("small", "Small", ("hot", "cold"), (1, 2))
    assert (found.days, found.kind, found.samples, found.points) == (0.5, "grid", 0, 3)
    assert found.design == {"tumor.traits.antigenicity": [0.2, 0.5, 0.8]}
    (parameter,) = found.parameters
    assert (parameter.unit, parameter.low, parameter.values, parameter.ordered) == ("", None, (0.2, 0.5, 0.8), True)
    table = found.table("CD8 core", "cold")
    assert table.shape == (3, 2)
    for run in study.runs:
        if run.scenario == "cold":
            value = read_series(done / run.directory).last()["CD8 core"]
            assert table[run.point, found.seeds.index(run.seed)] == value
    assert set(found.states("hot").ravel()) <= {"hot", "cold", "none"}
    assert found.runs[3]["directory"] == done / "runs/cold/point_00000/seed_002"
    with pytest.raises(InputError, match=r"no metric 'CD8 cor'.*Did you mean 'CD8 core'"):
        found.table("CD8 cor", "hot")
    with pytest.raises(InputError, match=r"no scenario 'hott'.*Did you mean 'hot'"):
        found.states("hott")
    with pytest.raises(InputError, match="is not the directory of a study"):
        read_study(done.parent)


def test_a_finished_study_is_left_alone(study: Study, copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    found = batched(study, copy, ToySimulator(fails_at=1))
    assert (found.done, found.found) == (12, 12)
    after = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    changed = {path.relative_to(copy).as_posix() for path in after if after[path] != before.get(path)}
    assert changed == {"runs.csv", "series.csv", "timings.csv"}


def test_the_directory_is_a_study_that_can_be_run_again(study: Study, done: Path, copy: Path) -> None:
    again = load_study(copy / "study.toml", simulator=TOY)
    assert again.hash == study.hash
    assert batched(again, copy).found == 12


def test_lost_tables_are_made_again(study: Study, done: Path, copy: Path) -> None:
    for name in ("runs.csv", "series.csv", "design.csv", "study.toml", "timings.csv"):
        (copy / name).unlink()
    batched(study, copy)
    assert contents(copy) == contents(done)
    shutil.rmtree(copy / "runs/hot/point_00001")
    assert batched(study, copy).found == 10
    assert contents(copy) == contents(done)


def test_a_failing_run_is_a_row_and_is_tried_again_on_request(study: Study, done: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = batched(study, out, ToySimulator(fails_at=20, fails_for="cold"))
    assert (found.done, len(found.failed)) == (6, 6)
    failed = [row for row in rows(out / "runs.csv") if row["status"] == "failed"]
    assert {row["scenario"] for row in failed} == {"cold"}
    assert {row["error"] for row in failed} == {"ZeroDivisionError: no cells left to divide by"}
    assert {row["CD8 core"] for row in failed} == {""}
    results = read_study(out)
    assert np.isnan(results.table("CD8 core", "cold")).all()
    assert (results.states("cold") == "").all()
    assert math.isnan(results.runs[2]["CD8 core"])
    before = contents(out)
    assert batched(study, out).done == 6  # left as they are, without being asked
    assert contents(out) == before
    assert batched(study, out, retry_failed=True).done == 12
    assert contents(out) == contents(done)


def test_a_run_that_the_model_refuses_is_a_row_too(study: Study, tmp_path: Path) -> None:
    found = batched(study, tmp_path / "out", Refusing())
    assert set(found.failed.values()) == {"lattice: too small for this."}
    assert {row["error"] for row in rows(tmp_path / "out/runs.csv")} == {"lattice: too small for this."}


class Refusing(ToySimulator):
    def start(self, scenario: object, seed: int) -> object:  # type: ignore[override]
        raise InputError("too small for this", place="lattice")


def two_runs(tmp_path: Path) -> Study:
    return loaded(tmp_path, TEXT.replace("replicates = 2", "replicates = 1").replace("[0.2, 0.5, 0.8]", "[0.5]"))


def test_a_run_whose_process_dies_goes_on_in_another(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    study = two_runs(tmp_path)
    found = batched(study, tmp_path / "out", DiesOnce(mark=str(tmp_path / "marks")), jobs=2)
    assert (found.done, found.failed) == (2, {})
    assert len(list((tmp_path / "marks").iterdir())) == 2
    batched(study, tmp_path / "undisturbed")
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


def test_a_run_whose_process_always_dies_is_a_row_and_the_others_go_on(tmp_path: Path) -> None:
    study = two_runs(tmp_path)
    found = batched(study, tmp_path / "out", ToySimulator(dies_at=20, fails_for="hot"), jobs=1)
    assert found.done == 1
    assert found.failed == {"runs/hot/point_00000/seed_001": DIED}
    assert batched(study, tmp_path / "out", retry_failed=True).done == 2


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda run: flip(run / "series.csv"), "its series is not the one that was written"),
        (lambda run: (run / "series.csv").unlink(), "its series is not the one that was written"),
        (lambda run: (run / "manifest.json").write_text("{"), "its manifest.json is damaged or gone"),
        (lambda run: (run / "manifest.json").unlink(), "its manifest.json is damaged or gone"),
    ],
)
def test_a_damaged_run_is_repeated_and_said(
    study: Study, done: Path, copy: Path, harm: Callable[[Path], object], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    harm(copy / "runs/hot/point_00001/seed_002")
    found = batched(study, copy)
    assert (found.found, found.done) == (11, 12)
    (said,) = (one for one in caplog.messages if one.startswith("runs/"))
    assert said.startswith(f"runs/hot/point_00001/seed_002: {told}")
    assert contents(copy) == contents(done)


def test_what_a_killed_beginning_left_is_cleared_away(study: Study, done: Path, copy: Path) -> None:
    shutil.rmtree(copy / "runs/hot/point_00001/seed_002")
    left = copy / "runs/hot/point_00001/.seed_002.123.part"
    left.mkdir()
    (copy / ".runs.csv.123.part").write_text("half")
    (copy / "failures.json").write_text('{"runs/hot/poi')
    batched(study, copy)
    assert not left.exists()
    assert not (copy / ".runs.csv.123.part").exists()
    assert contents(copy) == contents(done)


def changed(tmp_path: Path, old: str, new: str) -> Study:
    assert old in TEXT
    return loaded(tmp_path, TEXT.replace(old, new))


def test_another_study_in_the_same_directory_is_refused_with_what_differs(
    study: Study, copy: Path, tmp_path: Path
) -> None:
    before = contents(copy)
    for old, new, told in (
        ("days = 0.5", "days = 0.7", r"the study: days was 0.5, is 0.7"),
        ("replicates = 2", "replicates = 3", r"seeds was \[1, 2\], is \[1, 2, 3\]"),
        ("0.8]", "0.9]", r"parameters.tumor.traits.antigenicity was \[0.2, 0.5, 0.8\], is \[0.2, 0.5, 0.9\]"),
        (
            '"20 min"',
            '"10 min"',
            r"scenario 'hot' has changed \(clock.dt was 20 min, is 10 min\); scenario 'cold'.*set.clock.dt was 20 min",
        ),
    ):
        with pytest.raises(InputError, match=f"holds another study.*What differs: .*{told}.*--out, or undo") as caught:
            batched(changed(tmp_path, old, new), copy)
        assert caught.value.file == str(copy)
    with pytest.raises(InputError, match="What differs: the model or its biology is another version"):
        batched(study, copy, ToySimulator(version="toy 2"))
    assert contents(copy) == before


def test_a_changed_pack_is_named_by_its_file_in_one_line(tmp_path: Path) -> None:
    pack, text = tmp_path / "il99.toml", 'scenarios = ["hot"]\ndays = 0.1\ncatalogue = ["il99.toml"]\n'
    pack.write_text('# My own.\n[reference.mine]\ntitle = "Mine of 2026"\nurl = "https://example.org/1"\n')
    batched(loaded(tmp_path, text), tmp_path / "out")
    pack.write_text(pack.read_text().replace("2026", "2027"))
    with pytest.raises(InputError, match=r"changed \(the pack il99\.toml was \w{12}, is \w{12}\)") as caught:
        batched(loaded(tmp_path, text), tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_a_directory_in_which_nothing_has_run_binds_nothing(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(KeyboardInterrupt):
        batched(made, out, executor=Interrupted())
    assert batched(changed(tmp_path, "days = 0.5", "days = 0.2"), out).done == 12
    assert read_study(out).days == 0.2


class Interrupted(Here):
    def submit(self, name: str, function: object, argument: object) -> None:
        raise KeyboardInterrupt


def test_where_a_study_may_not_go(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty and holds no study"):
        batched(study, tmp_path / "full")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file, and a study needs a directory"):
        batched(study, tmp_path / "file")
    with pytest.raises(InputError, match=r"cannot use the directory|cannot be a directory"):
        batched(study, tmp_path / "file/inside")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match=r"cannot be written: .* is read-only or belongs to someone else"):
        batched(study, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(InputError, match="at least one process is needed, not 0"):
        batched(study, tmp_path / "new", jobs=0)


def test_one_batch_at_a_time(study: Study, copy: Path) -> None:
    with locked(copy), pytest.raises(InputError, match="another batch is at work on this study"):
        batched(study, copy)


def test_a_disk_that_is_full_for_the_tables(
    study: Study, done: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(copy / "runs/hot/point_00001")
    before = contents_of_runs(copy)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(InputError, match="cannot write the file: No space left on device"):
            batched(study, copy)
    assert contents_of_runs(copy).items() >= before.items()
    assert batched(study, copy).done == 12
    assert contents(copy) == contents(done)


def contents_of_runs(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.glob("runs/*/*/*/*.csv")}


class Full(ToySimulator):
    """A disk that fills up in the middle of a run."""

    def snapshot(self, model: object) -> dict[str, object]:  # type: ignore[override]
        with files.disk_errors(Path("/disk/day_000.npz"), "write the file"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_for_a_run_stops_the_batch_and_blames_no_run(
    study: Study, done: Path, copy: Path
) -> None:
    shutil.rmtree(copy / "runs/hot/point_00001")
    with pytest.raises(InputError, match=r"day_000.npz: cannot write.*No space left.* the same command goes on"):
        batched(study, copy, Full())
    assert {row["status"] for row in rows(copy / "runs.csv")} == {"done", "pending"}
    assert batched(study, copy).done == 12
    assert contents(copy) == contents(done)


def test_tables_are_written_while_the_study_runs(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tme_abm.studies.tables.EVERY_SECONDS", 0.0)
    monkeypatch.setattr("tme_abm.studies.tables.SHARE", 1e9)
    seen: list[list[str]] = []

    def look(now: BatchProgress) -> None:
        table = read_study(tmp_path / "out")
        seen.append([row["status"] for row in table.runs])
        assert seen[-1].count("done") == now.done

    batched(study, tmp_path / "out", tell=look)
    counts = [one.count("done") for one in seen]
    assert any(0 < count < 12 for count in counts)
    assert counts == sorted(counts)


def test_writing_tables_takes_a_small_share_of_the_time(
    study: Study, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    tables = Tables(study, copy, TOY)
    monkeypatch.setattr("tme_abm.studies.tables.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(tables, "write_runs", lambda: clock.__setitem__(0, clock[0] + 2.0))
    written = 0
    for _ in range(1000):  # a run ends every second
        tables.note_done(0)
        before = clock[0]
        tables.refresh()
        written += clock[0] > before
        clock[0] += 1.0
    assert 0.03 < 2.0 * written / clock[0] <= 0.055


@pytest.mark.skipif(os.name != "posix", reason="sends an interrupt")
def test_an_interrupt_ends_within_seconds_and_nothing_is_lost(tmp_path: Path, done: Path) -> None:
    file, out = study_file(tmp_path), tmp_path / "out"
    batch = process(file, out, "--seconds-a-step", 0.05)
    deadline = time.monotonic() + 30
    while not list(out.glob("runs/*/*/*/checkpoint/*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    began = time.monotonic()
    batch.send_signal(signal.SIGINT)
    _, err = batch.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert batch.returncode == 130, err
    assert "Traceback" not in err
    assert json.loads((out / "session.json").read_text())["id"] == ""
    assert {row["status"] for row in rows(out / "runs.csv")} <= {"done", "pending"}
    again = process(file, out)
    assert again.communicate(timeout=60)[0] == "12 done\n"
    assert contents(out) == contents(done)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    batch = process(study_file(tmp_path), tmp_path / "out", "--seconds-a-step", 0.2)
    children = Path(f"/proc/{batch.pid}/task/{batch.pid}/children")
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("out/runs/*/*/*/manifest.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    theirs = [Path(f"/proc/{child}") for child in children.read_text().split()]
    assert theirs
    batch.kill()
    batch.communicate()
    deadline = time.monotonic() + 5
    while any(child.exists() for child in theirs) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(child.exists() for child in theirs)


def test_a_worker_that_nobody_waits_for_ends_its_run(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster whose client was killed, and begun again."""
    monkeypatch.setattr(perform, "LOOK_SECONDS", 0.0)
    out = tmp_path / "out"
    (out / "runs").mkdir(parents=True)
    order = an_order(study, out, ToySimulator(seconds_a_step=0.001))
    assert perform.perform(order).left  # no session at all
    assert not (out / study.runs[0].directory).exists()
    looks = iter([True, True, False])
    monkeypatch.setattr(perform, "wanted", lambda _: next(looks))
    assert perform.perform(order).left
    assert read_manifest(out / study.runs[0].directory)["status"] == "running"
    monkeypatch.setattr(perform, "wanted", lambda _: True)
    assert perform.perform(order) == perform.Ended(host=platform.node())
    assert read_manifest(out / study.runs[0].directory)["status"] == "done"


def an_order(study: Study, out: Path, simulator: ToySimulator) -> perform.Order:
    from tme_abm.runs.run import Task

    run = study.runs[0]
    task = Task(
        scenario=study.scenario(run.scenario, run.point),
        seed=run.seed,
        days=study.days,
        out=out / run.directory,
        command="",
        simulator=simulator,
    )
    return perform.Order(task=task, study=out, session="mine", fingerprint=simulator.fingerprint())


def test_a_worker_waits_for_a_process_that_is_about_to_leave(
    study: Study, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write_json(copy / "session.json", {"id": "mine"})
    shutil.rmtree(copy / "runs/hot/point_00000/seed_001/checkpoint")
    flip(copy / "runs/hot/point_00000/seed_001/series.csv")
    order = an_order(study, copy, TOY)
    monkeypatch.setattr(perform, "PATIENCE_SECONDS", 0.3)
    held = pytest.raises(InputError, match="another process holds this run and does not go on")
    with locked(copy / study.runs[0].directory), held:
        perform.perform(order)
    holding = locked(copy / study.runs[0].directory)
    holding.__enter__()
    looks = 0

    def leave(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            holding.__exit__(None, None, None)

    monkeypatch.setattr(perform.time, "sleep", leave)
    assert perform.perform(order) == perform.Ended(host=platform.node())
    assert looks >= 3


def test_a_worker_with_another_model_refuses(study: Study, copy: Path) -> None:
    files.write_json(copy / "session.json", {"id": "mine"})
    order = an_order(study, copy, TOY)
    other = perform.Order(task=order.task, study=copy, session="mine", fingerprint="toy 2")
    assert "another version of the model" in perform.perform(other).stop


DRAWN = '{ from = 0.2, to = 0.8 }\n[design]\nkind = "latin hypercube"\nsamples = 3'


@pytest.mark.parametrize(("values", "who"), [("[0.2, 0.5, 0.8]", "tme_abm has laid"), (DRAWN, "scipy or SALib")])
def test_points_that_another_version_draws_otherwise_are_not_mixed(tmp_path: Path, values: str, who: str) -> None:
    study, out = loaded(tmp_path, TEXT.replace("[0.2, 0.5, 0.8]", values)), tmp_path / "out"
    assert batched(study, out).done == 12
    other = replace(study, points=(*study.points[:2], (Level(0.81, 0.81),)))
    with pytest.raises(InputError, match=f"What differs: the design points, which another version of {who}"):
        batched(other, out)


def test_failures_of_another_study_of_which_nothing_ran_are_forgotten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert len(batched(loaded(tmp_path), out, Refusing()).failed) == 12
    assert len(batched(loaded(tmp_path), out).failed) == 12  # the same study: only if asked for
    assert batched(changed(tmp_path, "days = 0.5", "days = 0.2"), out).done == 12
