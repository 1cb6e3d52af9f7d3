"""How far a study is, and what it will cost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.toy import ToySimulator
from tme_abm.core.errors import InputError
from tme_abm.runs.run import run
from tme_abm.runs.walk import Progress
from tme_abm.studies.batch import BatchProgress
from tme_abm.studies.status import estimate, free_bytes, mean_seconds, reached, study_status
from tme_abm.studies.tables import write_parquet

from .small import batched, loaded

TOY = ToySimulator()


def test_a_finished_study(tmp_path: Path) -> None:
    out = tmp_path / "out"
    batched(loaded(tmp_path), out)
    found = study_status(out)
    assert (found.runs, found.total("done"), found.finished, found.at_work) == (12, 12, True, "")
    assert found.scenarios["hot"] == {"done": 6, "failed": 0, "begun": 0, "pending": 0}
    assert sum(found.states["hot"].values()) == 6
    assert found.seconds_left == 0
    with pytest.raises(InputError, match="is not the directory of a study"):
        study_status(tmp_path)


def test_a_study_with_failures(tmp_path: Path) -> None:
    out = tmp_path / "out"
    batched(loaded(tmp_path), out, ToySimulator(fails_at=20, fails_for="cold"))
    found = study_status(out)
    assert found.scenarios["cold"] == {"done": 0, "failed": 6, "begun": 0, "pending": 0}
    assert found.failures["runs/cold/point_00000/seed_001"] == "ZeroDivisionError: no cells left to divide by"
    assert found.finished
    assert found.to_json()["failed"] == 6


class Killed(BaseException):
    """What a kill leaves undone is left undone."""


def test_a_killed_study_with_a_run_begun_and_one_that_no_table_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, study = tmp_path / "out", loaded(tmp_path)
    monkeypatch.setattr("tme_abm.runs.walk.CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        batched(study, out, tell=stop_after(3))
    unknown, half = study.runs[study.in_order_of_work[4]], study.runs[study.in_order_of_work[5]]
    run(study.scenario(unknown.scenario, unknown.point), out=out / unknown.directory, days=0.5, simulator=TOY)

    def kill(now: Progress) -> None:
        if now.step == 18:
            raise Killed

    scenario = study.scenario(half.scenario, half.point)
    with pytest.raises(Killed):
        run(scenario, out=out / half.directory, days=0.5, simulator=TOY, progress=kill)
    assert reached(out / half.directory) == pytest.approx(0.25)
    found = study_status(out)
    assert {what: found.total(what) for what in ("done", "failed", "begun", "pending")} == {
        "done": 4, "failed": 0, "begun": 1, "pending": 7,
    }  # fmt: skip
    assert found.begun_runs == {half.directory: pytest.approx(0.25)}
    assert found.at_work == ""
    seconds = mean_seconds(out)
    left = {"hot": 6 - found.scenarios["hot"]["done"], "cold": 6 - found.scenarios["cold"]["done"]}
    wanted = sum(left[name] * seconds[name] for name in left) - 0.5 * seconds[half.scenario]
    assert found.seconds_left == pytest.approx(wanted, rel=1e-6)
    session = json.loads((out / "session.json").read_text())
    (out / "session.json").write_text(json.dumps(session | {"workers": 3}))
    assert study_status(out).seconds_left == pytest.approx(wanted / 3, rel=1e-6)


def stop_after(runs: int) -> object:
    def tell(now: BatchProgress) -> None:
        if now.done == runs:
            raise KeyboardInterrupt

    return tell


def test_a_study_at_work(tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen = []
    batched(loaded(tmp_path), out, tell=lambda now: seen.append(study_status(out)))
    assert all(one.at_work for one in seen)
    assert {one.workers for one in seen} == {1}
    assert [one.total("done") for one in seen] == sorted(one.total("done") for one in seen)
    assert not study_status(out).at_work


def test_an_estimate_from_a_pilot_writes_nothing_and_is_near(tmp_path: Path) -> None:
    study, out = loaded(tmp_path), tmp_path / "out"
    slow = ToySimulator(seconds_a_step=0.01)
    before = sorted(tmp_path.rglob("*"))
    guess = estimate(study, out, slow)
    assert sorted(tmp_path.rglob("*")) == before
    assert guess.runs == 12
    assert "a pilot" in guess.basis
    assert guess.seconds == pytest.approx(12 * 36 * 0.01, rel=0.5)
    batched(study, out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file() and path.parent != out)
    assert guess.size == pytest.approx(size, rel=0.5)


def test_an_estimate_of_what_is_left_from_what_is_done(tmp_path: Path) -> None:
    study, out = loaded(tmp_path), tmp_path / "out"
    batched(study, out)
    shutil.rmtree(out / "runs/hot/point_00002")
    (out / "runs.csv").write_text(
        "".join(
            line.replace(",done,", ",pending,") if "hot/point_00002" in line else line
            for line in (out / "runs.csv").read_text().splitlines(keepends=True)
        )
    )
    guess = estimate(study, out, ToySimulator(fails_at=1))
    assert (guess.runs, guess.basis) == (2, "the 10 runs of this study that are done")
    assert guess.seconds == pytest.approx(2 * mean_seconds(out)["hot"])
    sizes = [
        sum(path.stat().st_size for path in one.rglob("*") if path.is_file()) for one in out.glob("runs/*/*/*")
    ]
    assert min(sizes) <= guess.size / 2 <= max(sizes)


def test_room_is_that_of_the_disk_the_study_will_be_on(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not/there/yet") == shutil.disk_usage(tmp_path).free


def test_parquet_holds_what_the_tables_hold(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow.parquet")
    text = (
        'scenarios = ["hot"]\ndays = 0.5\n[set]\nclock.dt = "20 min"\n[parameters]\n'
        'tumor.traits.antigenicity = [0.2, 0.5]\nfields.precision = ["float32", "float64"]\n'
    )
    out = tmp_path / "out"
    batched(loaded(tmp_path, text), out, ToySimulator(fails_at=20))
    write_parquet(out)
    assert arrow.read_table(out / "runs.parquet").column("CD8 core").to_pylist() == [None] * 4
    batched(loaded(tmp_path, text), out, retry_failed=True)
    write_parquet(out)
    runs = arrow.read_table(out / "runs.parquet").to_pylist()
    assert [row["fields.precision"] for row in runs] == ["float32", "float64"] * 2
    assert [row["tumor.traits.antigenicity"] for row in runs] == [0.2, 0.2, 0.5, 0.5]
    lines = (out / "series.csv").read_text().splitlines()[1:]
    series = arrow.read_table(out / "series.parquet").to_pylist()
    assert [repr(row["value"]) for row in series] == [line.rsplit(",", 1)[1] for line in lines]
    assert sorted(out.glob(".*")) == []


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"--parquet: Parquet needs pyarrow; .*'tme_abm\[tables\]'"):
        write_parquet(tmp_path)


def test_damaged_notes_do_not_stop_a_status(tmp_path: Path) -> None:
    out = tmp_path / "out"
    batched(loaded(tmp_path), out)
    (out / "session.json").write_text("{")
    (out / "failures.json").write_text("[]")
    (out / "timings.csv").write_text("point\n0\n")
    assert study_status(out).total("done") == 12
    (out / "runs.csv").write_text((out / "runs.csv").read_text().replace(",0.2,", ",x,", 1))
    with pytest.raises(InputError, match=r"its tables are damaged .* batch writes them anew"):
        study_status(out)
    batched(loaded(tmp_path), out)
    assert study_status(out).total("done") == 12
