"""A study on a real Dask scheduler with two worker processes, all on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.toy import ToySimulator
from tme_abm.core.errors import InputError
from tme_abm.core.parallel import DIED
from tme_abm.studies.cluster import ClusterExecutor

from .small import ROOT, Checkpointing, batched, contents, loaded, process, study_file

pytest.importorskip("distributed")

TOY = ToySimulator()


class Cluster:
    """A scheduler, and workers that can be killed."""

    def __init__(self, directory: Path, deaths: int) -> None:
        self.directory = directory
        self.file = directory / "scheduler.json"
        self.deaths = deaths  # of workers that the scheduler forgives a run
        self.log = (directory / "log.txt").open("wb")
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        deadline = time.monotonic() + 60
        while not (self.file.exists() and self.file.read_text().strip().endswith("}")):
            assert time.monotonic() < deadline, (directory / "log.txt").read_text()
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_worker(self) -> subprocess.Popen[bytes]:
        worker = self._start("dask_worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(self.directory))
        self.workers.append(worker)
        return worker

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(dict.fromkeys([str(ROOT), *filter(None, sys.path)]))
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", "--scheduler-file", str(self.file), "--no-dashboard",
             *arguments],
            cwd=self.directory,
            env=os.environ
            | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
            | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(self.deaths)},
            stdout=self.log,
            stderr=self.log,
        )  # fmt: skip

    def executor(self, out: Path, simulator: ToySimulator = TOY) -> ClusterExecutor:
        return ClusterExecutor(self.address, study=out, simulator=simulator, jobs=2)

    def end(self) -> None:
        for one in [*self.workers, self.scheduler]:
            one.kill()
            one.wait()
        self.log.close()


@contextmanager
def started(directory: Path, workers: int, deaths: int = 3) -> Iterator[Cluster]:
    cluster = Cluster(directory, deaths)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.end()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("cluster"), 2) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("undisturbed")
    batched(loaded(directory), directory / "out")
    return contents(directory / "out")


def test_the_same_bytes_as_on_this_machine(cluster: Cluster, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    out = tmp_path / "out"
    slow = ToySimulator(seconds_a_step=0.003)
    assert batched(loaded(tmp_path), out, slow, executor=cluster.executor(out, slow)).done == 12
    assert contents(out) == undisturbed
    assert not list(out.rglob(".*"))


def test_a_failing_run_is_the_same_row(cluster: Cluster, tmp_path: Path) -> None:
    study, broken = loaded(tmp_path), ToySimulator(fails_at=20, fails_for="cold")
    here, there = tmp_path / "here", tmp_path / "there"
    assert len(batched(study, here, broken).failed) == 6
    assert len(batched(study, there, broken, executor=cluster.executor(there, broken)).failed) == 6
    assert contents(here) == contents(there)


def test_killed_client_and_begun_again(cluster: Cluster, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    file, out = study_file(tmp_path), tmp_path / "out"
    first = process(file, out, "--scheduler", cluster.address, "--seconds-a-step", 0.1)
    deadline = time.monotonic() + 60
    while not list(out.glob("runs/*/*/*/checkpoint/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    first.kill()
    first.communicate()
    # The workers still run what the dead client asked for; they leave it to the next one.
    began = time.monotonic()
    simulator = Checkpointing()
    found = batched(loaded(tmp_path), out, simulator, executor=cluster.executor(out, simulator))
    assert (found.done, found.failed) == (12, {})
    assert contents(out) == undisturbed
    assert time.monotonic() - began < 30


def test_an_interrupted_client_frees_the_workers(cluster: Cluster, tmp_path: Path) -> None:
    file, out = study_file(tmp_path), tmp_path / "out"
    client = process(file, out, "--scheduler", cluster.address, "--seconds-a-step", 0.3)
    deadline = time.monotonic() + 60
    while not list(out.glob("runs/*/*/*/manifest.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    began = time.monotonic()
    client.send_signal(signal.SIGINT)
    _, err = client.communicate(timeout=30)
    assert client.returncode == 130, err
    assert time.monotonic() - began < 8
    time.sleep(2.0)  # longer than a worker takes to look who waits
    settled = contents_now(out)
    time.sleep(1.0)
    assert contents_now(out) == settled


def contents_now(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.glob("runs/**/*") if path.is_file()}


@pytest.mark.slow
def test_a_worker_that_dies_is_made_up_for(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    with started(tmp_path, 2) as cluster:
        out = tmp_path / "out"
        client = process(study_file(tmp_path), out, "--scheduler", cluster.address, "--seconds-a-step", 0.008)
        deadline = time.monotonic() + 60
        while not list(out.glob("runs/*/*/*/manifest.json")) and time.monotonic() < deadline:
            time.sleep(0.02)
        cluster.workers[0].kill()
        said, err = client.communicate(timeout=120)
        assert said == "12 done\n", err
        assert contents(out) == undisturbed


def test_a_run_that_kills_its_workers_is_a_row(tmp_path: Path) -> None:
    text = 'scenarios = ["hot", "cold"]\ndays = 0.5\n[set]\nclock.dt = "20 min"\n'
    with started(tmp_path, 2, deaths=0) as cluster:
        simulator = ToySimulator(dies_at=20, fails_for="cold")
        out = tmp_path / "out"
        found = batched(loaded(tmp_path, text), out, simulator, executor=cluster.executor(out, simulator))
        assert found.done == 1
        assert found.failed == {"runs/cold/point_00000/seed_001": DIED}


def test_a_cluster_made_here(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    out = tmp_path / "out"
    executor = ClusterExecutor("local", study=out, simulator=TOY, jobs=2)
    assert batched(loaded(tmp_path), out, executor=executor).done == 12
    assert contents(out) == undisturbed


def test_ctrl_c_in_a_terminal_ends_a_cluster_made_here(tmp_path: Path) -> None:
    file, out = study_file(tmp_path), tmp_path / "out"
    batch = process(file, out, "--scheduler", "local", "--seconds-a-step", 0.3, own_group=True)
    try:
        deadline = time.monotonic() + 60
        while not list(out.glob("runs/*/*/*/manifest.json")) and time.monotonic() < deadline:
            time.sleep(0.02)
        began = time.monotonic()
        os.killpg(batch.pid, signal.SIGINT)  # all of them hear it
        _, err = batch.communicate(timeout=60)
        assert batch.returncode == 130, err
        assert "Traceback" not in err
        assert time.monotonic() - began < 30  # Dask takes its time to close on a busy machine
    finally:
        with suppress(ProcessLookupError):
            os.killpg(batch.pid, signal.SIGKILL)


def test_what_is_wrong_with_a_cluster_is_told(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = loaded(tmp_path)
    (tmp_path / "out").mkdir()
    monkeypatch.setattr("tme_abm.studies.cluster.CONNECT_SECONDS", 0.5)
    nobody = ClusterExecutor("tcp://127.0.0.1:9", study=tmp_path / "out", simulator=TOY, jobs=2)
    with pytest.raises(InputError, match=r"--scheduler: no scheduler of this version .* answers at tcp://127.0.0.1:9"):
        batched(study, tmp_path / "out", executor=nobody)
    monkeypatch.undo()

    monkeypatch.chdir(tmp_path)
    elsewhere = cluster.executor(tmp_path / "out")
    elsewhere.study = Path("/proc/self/cwd/out")  # every process has its own
    with pytest.raises(InputError, match=r"does not see the study directory /proc/self/cwd/out, .* all workers share"):
        batched(study, tmp_path / "out", executor=elsewhere)
    monkeypatch.undo()

    with pytest.raises(InputError, match="another version of the model"):
        batched(study, tmp_path / "out", executor=cluster.executor(tmp_path / "out", OtherThere(home=os.getpid())))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"--scheduler: Dask is not installed; .* 'tme_abm\[cluster\]'"):
        cluster.executor(tmp_path / "out")


class OtherThere(ToySimulator):
    """A model that is another one in any process but this."""

    def __init__(self, home: int) -> None:
        super().__init__()
        object.__setattr__(self, "home", home)

    def fingerprint(self) -> str:
        return f"toy {os.getpid() == self.home}"  # type: ignore[attr-defined]


def test_a_scheduler_without_workers_and_one_that_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, out = loaded(tmp_path), tmp_path / "out"
    with started(tmp_path, 0) as cluster:
        monkeypatch.setattr("tme_abm.studies.cluster.WORKER_SECONDS", 0.5)
        with pytest.raises(InputError, match="has no workers; start some with: dask worker"):
            batched(study, out, executor=cluster.executor(out))
        monkeypatch.undo()
        cluster.add_worker()
        slow = ToySimulator(seconds_a_step=0.2)

        def end(_: object) -> None:
            cluster.scheduler.kill()

        with pytest.raises(InputError, match=r"the scheduler at .* is gone; nothing that is finished is lost"):
            batched(study, out, slow, executor=cluster.executor(out, slow), tell=end)
