"""Workers of a Dask cluster: an existing scheduler, or one with workers started on this machine.

A run is the same work here as in a process of this machine and leaves the same files, so the study directory must be
one that every worker sees; a probe file finds that out before anything runs. Dask itself gives a run whose worker has
died to another, a few times. A worker whose batch is gone ends its run at the next step, for it looks who works on
the study.
"""

from __future__ import annotations

import logging
import platform
import shutil
import tempfile
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path
from typing import Any, Self

from ..core import files
from ..core.errors import InputError, sentence
from ..core.memory import keep_freed_memory
from ..core.parallel import DIED, Executor, Outcome, outcome_of, starting_workers
from ..runs.simulator import Simulator

__all__ = ["LOCAL", "ClusterExecutor"]

logger = logging.getLogger(__name__)

LOCAL = "local"
PLACE = "--scheduler"
CONNECT_SECONDS = 10.0
WORKER_SECONDS = 30.0


class ClusterExecutor(Executor):
    """The workers of the scheduler at `address` (tcp://…), or `jobs` of a cluster made on this machine ("local")."""

    retries = 0  # the scheduler has tried it elsewhere already

    def __init__(self, address: str, *, study: Path, simulator: Simulator, jobs: int) -> None:
        self.address, self.study, self.simulator, self.jobs = address, study.resolve(), simulator, jobs
        self._futures: dict[Any, str] = {}
        self._client: Any = None
        self._ends: list[Callable[[], object]] = []  # what was opened is closed by these, the last first
        self._distributed()

    def __enter__(self) -> Self:
        try:
            self._connect()
            self._probe()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        quiet = logging.getLogger("distributed")
        level = quiet.level
        quiet.setLevel(logging.CRITICAL)  # what it says of connections that close is no news
        try:
            while self._ends:
                try:
                    self._ends.pop()()
                except Exception:  # whatever ends badly must not keep the rest from ending
                    logger.debug("closing the cluster", exc_info=True)
        finally:
            quiet.setLevel(level)

    def capacity(self) -> int:
        """One task a worker at a time."""
        try:
            return max(1, len(self._client.nthreads()))
        except OSError as error:
            raise self._gone() from error

    def submit(self, name: str, function: Callable[[Any], Any], argument: Any) -> None:
        """Give the task to the scheduler."""
        key = f"tme_abm-{name}-{uuid.uuid4().hex}"
        try:
            self._futures[self._client.submit(_in_worker, name, function, argument, key=key, pure=False)] = name
        except OSError as error:
            raise self._gone() from error

    def wait(self, seconds: float) -> list[Outcome[Any]]:
        """The tasks that have ended; InputError when the scheduler is gone."""
        distributed = self._distributed()
        try:
            with self._client.as_current():
                distributed.wait(list(self._futures), timeout=seconds, return_when="FIRST_COMPLETED")
        except (TimeoutError, distributed.TimeoutError, CancelledError):
            pass  # those that were lost are found below
        found = []
        for future in [future for future in self._futures if future.done()]:
            name = self._futures.pop(future)
            if future.status == "finished":
                found.append(future.result())
            elif future.status == "error":
                found.append(self._failed(name, future.exception()))
            else:
                raise self._gone()
        return found

    def _gone(self) -> InputError:
        return InputError(
            f"the scheduler at {self.address} is gone; nothing that is finished is lost, and the same command goes on",
            place=PLACE,
        )

    def _failed(self, name: str, error: BaseException) -> Outcome[Any]:
        killed = isinstance(error, self._distributed().KilledWorker)
        return Outcome(name=name, error=DIED if killed else sentence(error))

    def _connect(self) -> None:
        distributed = self._distributed()
        cluster = None
        if self.address == LOCAL:
            scratch = tempfile.mkdtemp(prefix="tme-abm-dask-")
            self._ends.append(partial(shutil.rmtree, scratch, ignore_errors=True))
            with starting_workers():
                cluster = distributed.LocalCluster(
                    n_workers=self.jobs,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    local_directory=scratch,
                    silence_logs=logging.CRITICAL,
                )
            self._ends.append(partial(cluster.close, timeout=3))
        try:
            self._client = distributed.Client(cluster or self.address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no scheduler of this version of Dask ({distributed.__version__}) answers at {self.address} "
                f"({sentence(error)})",
                place=PLACE,
            ) from error
        self._ends += [partial(self._client.close, timeout=2), self._cancel]
        try:
            self._client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except (TimeoutError, distributed.TimeoutError) as error:
            raise InputError(
                f"the scheduler at {self.address} has no workers; start some with: dask worker {self.address} "
                "--nthreads 1",
                place=PLACE,
            ) from error

    def _probe(self) -> None:
        """Raises InputError unless every worker has this model and sees the study."""
        try:
            self._client.get_versions(check=True)
        except ValueError as error:
            raise InputError(
                f"the cluster at {self.address} has other versions than this process: {sentence(error)}", place=PLACE
            ) from error
        probe = self.study / f".probe.{uuid.uuid4().hex}.part"
        files.write_bytes(probe, b"seen")
        try:
            answers = self._client.run(look_around, str(probe), self.simulator, on_error="return")
        finally:
            probe.unlink(missing_ok=True)
        for worker, answer in answers.items():
            if isinstance(answer, BaseException):
                raise InputError(
                    f"the worker {worker} cannot run this package ({sentence(answer)}); install the same version of "
                    "it there, and for the scheduler",
                    place=PLACE,
                )
            if answer["model"] != self.simulator.fingerprint():
                raise InputError(
                    f"the worker {worker} on {answer['host']} has another version of the model or its biology",
                    place=PLACE,
                )
            if not answer["sees"]:
                raise InputError(
                    f"the worker {worker} on {answer['host']} does not see the study directory {self.study}, or cannot "
                    "write there; it must be on a disk that all workers share under the same path",
                    place=PLACE,
                )
        threads = max(self._client.nthreads().values(), default=1)
        if threads > 1:
            logger.warning("workers with %d threads share one Python; start them with --nthreads 1", threads)

    def _cancel(self) -> None:
        lost, self._futures = list(self._futures), {}
        if lost:
            self._client.cancel(lost, force=True)

    @staticmethod
    def _distributed() -> Any:
        try:
            import distributed
        except ImportError as error:
            raise InputError(
                "Dask is not installed; install it with: pip install 'tme_abm[cluster]'", place=PLACE
            ) from error
        return distributed


def _in_worker(name: str, function: Callable[[Any], Any], argument: Any) -> Outcome[Any]:
    keep_freed_memory()
    return outcome_of(name, function, argument)


def look_around(probe: str, simulator: Simulator) -> dict[str, Any]:
    """In a worker: which machine and model are these, and can the study be read and written?"""
    path = Path(probe)
    try:
        sees = path.read_bytes() == b"seen"
        mine = path.with_name(f".probe.{uuid.uuid4().hex}.part")
        mine.write_bytes(b"")
        mine.unlink()
    except OSError:
        sees = False
    return {"host": platform.node(), "model": simulator.fingerprint(), "sees": sees}
