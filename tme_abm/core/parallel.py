"""Independent pieces of work, done by several threads of this process or by several processes.

**Threads** (`side_by_side`) share the arrays of one step. A process uses one thread for every core it may use, or the
number in TME_ABM_THREADS; a worker process uses one. Every piece writes its result to its own place, so results do not
depend on the number of threads. Threads are worth it if a piece is long: numpy releases the interpreter while it works
on an array, not between two arrays.

**Processes** (`Executor`) perform whole tasks: a run, an assay, a check. `Workers` are processes of this machine,
each with a pipe of its own. If one dies, only its own task is lost; it is replaced, and the task is tried again. If a
task fails, its outcome is one sentence, and the others go on. When the parent is interrupted or dies, its workers end
within a second, so a task has to leave whole files at every moment.
"""

from __future__ import annotations

import contextvars
import logging
import multiprocessing
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import connection
from typing import Any, Generic, Self, TypeVar

from .errors import InputError, sentence
from .memory import keep_freed_memory

__all__ = [
    "DIED",
    "THREAD_VARIABLES",
    "VARIABLE",
    "Executor",
    "Here",
    "Outcome",
    "Workers",
    "cores",
    "outcome_of",
    "processes",
    "report",
    "side_by_side",
    "starting_workers",
    "thread_count",
]

logger = logging.getLogger(__name__)

VARIABLE = "TME_ABM_THREADS"
DIED = "its process died; the system may have ended it for lack of memory"

THREAD_VARIABLES = (VARIABLE, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_LOOK_SECONDS = 0.2  # between two looks at what has ended
_REPORT_SECONDS = 0.1  # between two reports of a task

T = TypeVar("T")
A = TypeVar("A")
R = TypeVar("R")


def cores() -> int:
    """The number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def processes(jobs: int | None) -> int:
    """`jobs`, or the number of cores if it is None. Raises InputError unless it is positive."""
    if jobs is not None and jobs < 1:
        raise InputError(f"at least one process is needed, not {jobs}", place="jobs")
    return jobs or cores()


# ---------------------------------------------------------------- threads


def thread_count() -> int:
    """The number of threads that this process uses: TME_ABM_THREADS if it is set, one if `multiprocessing` has started
    the process, else one for every core. Raises InputError if TME_ABM_THREADS is not a positive whole number.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if said:
        if not (said.isascii() and said.isdigit() and int(said) > 0):
            raise InputError(f"{said!r} is not a number of threads", place=VARIABLE, allowed=("1", "2", "4", "…"))
        return int(said)
    return 1 if multiprocessing.parent_process() is not None else cores()


def side_by_side(pieces: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """The results of the pieces, in their order. At most `threads` threads work on them, this one included.

    Pieces begin in their order. If some fail, the rest is left undone, and the error of the first of them is raised.
    """
    helpers = min(threads, len(pieces)) - 1
    if helpers < 1:
        return [piece() for piece in pieces]
    waiting = deque(enumerate(pieces))
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}
    work = partial(_work_off, waiting, results, errors)
    pool = _helpers(os.getpid(), threads - 1)
    # How numpy treats warnings (np.errstate) belongs to a context, and a thread starts with an empty one.
    helping = [pool.submit(contextvars.copy_context().run, work) for _ in range(helpers)]
    try:
        work()
    finally:
        waiting.clear()
        wait([one for one in helping if not one.cancel()])  # those that have not begun are not needed anymore
    if errors:
        raise errors[min(errors)]
    return [results[index] for index in range(len(pieces))]


def _work_off(
    waiting: deque[tuple[int, Callable[[], T]]], results: dict[int, T], errors: dict[int, BaseException]
) -> None:
    """Work on the next piece until no piece is left."""
    while True:
        try:
            index, piece = waiting.popleft()
        except IndexError:
            return
        try:
            results[index] = piece()
        except Exception as error:  # noqa: BLE001 - it is raised again where the pieces came from
            errors[index] = error
            waiting.clear()


@cache
def _helpers(process: int, number: int) -> ThreadPoolExecutor:  # noqa: ARG001
    """The threads of a process. Threads do not survive a fork; a forked process has its own id and gets new ones."""
    return ThreadPoolExecutor(number, thread_name_prefix="tme_abm")


# ---------------------------------------------------------------- processes


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[R]):
    """The end of the task `name`: its result, or one sentence on why it failed."""

    name: str = ""
    result: R | None = None
    error: str | None = None

    @property
    def died(self) -> bool:
        """Whether the process of the task died."""
        return self.error == DIED


class Executor(ABC):
    """Performs tasks: in this process (`Here`), in processes of this machine (`Workers`), or on a cluster.

    Use it as a context manager: at its end, tasks that are still under way are ended at once.
    """

    retries = 0  # how often a task is tried again if its process dies
    heard: Callable[[str, Any], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """End all processes; the files of tasks under way stay as they are."""
        self.heard = None

    @abstractmethod
    def capacity(self) -> int:
        """The number of tasks it can work on at a time."""

    @abstractmethod
    def submit(self, name: str, function: Callable[[A], R], argument: A) -> None:
        """Begin a task; there are never more under way than `capacity`."""

    @abstractmethod
    def wait(self, seconds: float) -> list[Outcome[Any]]:
        """The outcomes of tasks that have ended; waits at most `seconds` for the first."""

    def do(
        self,
        function: Callable[[A], R],
        tasks: Iterable[tuple[str, A]],
        *,
        look: Callable[[Collection[str]], None] | None = None,
        heard: Callable[[str, Any], None] | None = None,
    ) -> Iterator[Outcome[R]]:
        """Call `function` with the argument of every task (name, argument), and yield outcomes as tasks end.

        Tasks begin in the order given. `look` is called several times a second with the names of those under way,
        `heard` with the name of a task and the value that it reports (`report`). If the process of a task has died, its
        last try is made alone: two large tasks at a time may need too much memory.
        """
        self.heard = heard
        under_way: dict[str, A] = {}
        deaths: Counter[str] = Counter()
        fresh, again, alone = iter(tasks), deque[tuple[str, A]](), deque[tuple[str, A]]()
        while True:
            while len(under_way) < self.capacity():
                task = again.popleft() if again else next(fresh, None)
                task = task or (alone.popleft() if alone and not under_way else None)
                if task is None:
                    break
                name, under_way[name] = task
                self.submit(name, function, under_way[name])
            if not under_way:
                return
            for outcome in self.wait(_LOOK_SECONDS):
                name, argument = outcome.name, under_way.pop(outcome.name)
                if outcome.died and deaths[name] < self.retries:
                    deaths[name] += 1
                    logger.warning("%s: its process died; it is tried again", name)
                    (alone if deaths[name] == self.retries else again).append((name, argument))
                else:
                    yield outcome
            if look is not None:
                look(tuple(under_way))


def outcome_of(name: str, function: Callable[[A], R], argument: A) -> Outcome[R]:
    """Perform a task in this process; if it raises an error, the outcome holds it as a sentence."""
    try:
        return Outcome(name=name, result=function(argument))
    except Exception as error:
        logger.debug("%s failed", name, exc_info=True)
        return Outcome(name=name, error=sentence(error))


class Here(Executor):
    """Performs the tasks in this process, one after the other."""

    def __init__(self) -> None:
        self._given: Callable[[], Outcome[Any]] | None = None

    def capacity(self) -> int:
        """One."""
        return 1

    def submit(self, name: str, function: Callable[[A], R], argument: A) -> None:
        """Keep the task until `wait`."""
        self._given = partial(outcome_of, name, function, argument)
        if self.heard is not None:
            _listener.set(_seldom(partial(self.heard, name)))

    def wait(self, seconds: float) -> list[Outcome[Any]]:
        """Perform the submitted task, however long it takes."""
        given, self._given = self._given, None
        try:
            return [] if given is None else [given()]
        finally:
            _listener.set(None)


class Workers(Executor):
    """Performs the tasks in `jobs` processes of this machine, which are spawned when needed and use one thread each."""

    retries = 2

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._idle: list[_Worker] = []
        self._busy: dict[connection.Connection, tuple[_Worker, str]] = {}

    def __exit__(self, *error: object) -> None:
        for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
            worker.end()
        self._idle, self._busy = [], {}

    def capacity(self) -> int:
        """The number of processes."""
        return self.jobs

    def submit(self, name: str, function: Callable[[A], R], argument: A) -> None:
        """Send the task to an idle process or to a new one."""
        worker = self._idle.pop() if self._idle else _Worker()
        self._busy[worker.pipe] = (worker, name)
        with suppress(BrokenPipeError, ConnectionResetError):  # it died while idle; `wait` finds the end of its pipe
            worker.pipe.send((name, function, argument))

    def wait(self, seconds: float) -> list[Outcome[Any]]:
        """The outcomes of tasks that have ended, also because their process died."""
        found: list[Outcome[Any]] = []
        until = time.monotonic() + seconds
        while not found and (left := until - time.monotonic()) > 0:
            for pipe in connection.wait(list(self._busy), timeout=left):
                assert isinstance(pipe, connection.Connection)
                worker, name = self._busy[pipe]
                try:
                    said, ended = pipe.recv()
                except (EOFError, OSError):
                    said, ended = Outcome(name=name, error=DIED), True
                    worker.end()
                else:
                    if ended:
                        self._idle.append(worker)
                    elif self.heard is not None:
                        self.heard(name, said)
                if ended:
                    del self._busy[pipe]
                    found.append(said)
        return found


class _Worker:
    """A worker process and the parent's end of its pipe."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with starting_workers():
            self.process.start()
        theirs.close()  # so that the pipe ends when the process does

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _work(pipe: connection.Connection) -> None:
    """The loop of a worker: receive tasks, send reports and outcomes, until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_freed_memory()
    logging.getLogger("tme_abm").addHandler(logging.NullHandler())  # a run writes its warnings to its own log
    _listener.set(_seldom(lambda value: pipe.send((value, False))))
    while True:
        try:
            name, function, argument = pipe.recv()
        except EOFError:
            return
        pipe.send((outcome_of(name, function, argument), True))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


_listener: contextvars.ContextVar[Callable[[Any], None] | None] = contextvars.ContextVar("listener", default=None)


def report(value: object) -> None:
    """Called in a task: send `value` to the parent, which waits for its outcome; at most ten times a second."""
    listener = _listener.get()
    if listener is not None:
        listener(value)


def _seldom(tell: Callable[[Any], None]) -> Callable[[Any], None]:
    last = float("-inf")

    def telling(value: object) -> None:
        nonlocal last
        if time.monotonic() - last > _REPORT_SECONDS:
            last = time.monotonic()
            tell(value)

    return telling


@contextmanager
def starting_workers() -> Iterator[None]:
    """A context for starting processes: they use one thread each, for fields and for linear algebra, and ignore Ctrl-C
    from their first moment on, while they still import.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
