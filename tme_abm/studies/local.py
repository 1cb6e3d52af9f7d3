"""Processes of this machine, one run and one thread each.

Every process has a pipe of its own, so that one that dies takes only its own run with it; it is replaced, and the
others go on. When the parent is interrupted or dies, they end within a second.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection
from types import TracebackType
from typing import Any, Protocol, Self

from ..runs.workers import end_with_parent, single_threaded
from .perform import Ended, Order, perform

__all__ = ["Executor", "LocalExecutor", "deaf_to_interrupts"]


class Executor(Protocol):
    """Who performs orders. `retries`: how often the batch gives an order again whose process has died."""

    retries: int

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *error: Any) -> None:
        """End, at once if in error; what is under way is left as it is on disk."""

    def capacity(self) -> int:
        """How many orders it can work on at a time."""
        ...

    def submit(self, order: Order) -> None:
        """Take an order."""

    def wait(self, seconds: float) -> list[Ended]:
        """What has ended meanwhile; waits at most so long for the first."""
        ...


class LocalExecutor:
    """`jobs` processes."""

    retries = 2

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._context = multiprocessing.get_context("spawn")
        self._idle: list[_Worker] = []
        self._busy: dict[connection.Connection, tuple[_Worker, Order]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
            worker.process.kill()  # nothing is lost: a run is whole on disk at every moment
            worker.process.join()
            worker.pipe.close()
        self._idle, self._busy = [], {}

    def capacity(self) -> int:
        """As many as there are processes."""
        return self.jobs

    def submit(self, order: Order) -> None:
        """Give the order to a process that is free, or to a new one."""
        worker = self._idle.pop() if self._idle else _Worker(self._context)
        self._busy[worker.pipe] = (worker, order)
        with suppress(BrokenPipeError, ConnectionResetError):  # it died while idle; `wait` finds the end of its pipe
            worker.pipe.send(order)

    def wait(self, seconds: float) -> list[Ended]:
        """What has ended; a process that died counts as ended, too."""
        found: list[Ended] = []
        for pipe in connection.wait(list(self._busy), timeout=seconds):
            assert isinstance(pipe, connection.Connection)
            worker, order = self._busy.pop(pipe)
            try:
                ended = pipe.recv()
            except (EOFError, OSError):
                worker.process.kill()
                worker.process.join()
                pipe.close()
                found.append(Ended(index=order.index, died=True))
            else:
                self._idle.append(worker)
                found.append(ended)
        return found


class _Worker:
    """A process and our end of its pipe."""

    def __init__(self, context: Any) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with single_threaded(), deaf_to_interrupts():
            self.process.start()
        theirs.close()  # so that the pipe ends when the process does


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """A process started inside never hears Ctrl-C, not even while it is still importing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(pipe: connection.Connection) -> None:
    """In a worker: orders in, outcomes out, until the parent goes."""
    end_with_parent()
    logging.getLogger("tme_abm").addHandler(logging.NullHandler())  # what a run warns of stands in its own log
    while True:
        try:
            order = pipe.recv()
        except EOFError:
            return
        pipe.send(perform(order))
