"""One run of a study, in a worker: it is begun, continued or only read, whichever is needed.

A run that fails raises its error; a disk that cannot be written stops the whole batch. A worker whose batch has ended
or was interrupted ends at its next step. Nothing is lost, because a run is whole on disk at every moment.
"""

from __future__ import annotations

import errno
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core import files
from ..core.errors import InputError, TmeError
from ..runs.results import SERIES
from ..runs.run import Task, result_of_task
from ..runs.walk import Progress, RunFailed
from .directory import SESSION

__all__ = ["Ended", "Order", "perform"]

LOOK_SECONDS = 1.0
LOCKED_SECONDS = 0.1  # between two looks at a run that another process holds
PATIENCE_SECONDS = 120.0  # with such a process, if it does not advance the run

_TAKEN = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EEXIST, errno.ENOTEMPTY}
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ESTALE}


@dataclass(frozen=True, kw_only=True)
class Order:
    """A run to perform for a batch, which waits for it as long as the study has its `session`."""

    task: Task
    study: Path
    session: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How an order ended. stop: why no run can go on (the disk), else "". left: no batch waits for the run."""

    stop: str = ""
    left: bool = False
    host: str = ""


class _Left(BaseException):
    """No batch waits for this run anymore. It is not an Exception, so that the run is not marked as failed."""


def perform(order: Order) -> Ended:
    """Simulate one run to its end. Raises the error of a run that fails."""
    host = platform.node()
    looked = time.monotonic()

    def progress(_: Progress) -> None:
        nonlocal looked
        if time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            if not wanted(order):
                raise _Left

    if order.task.simulator.fingerprint() != order.fingerprint:
        what = f"the worker on {host} has another version of the model or its biology"
        return Ended(stop=f"{what}; results of the two must not be mixed.", host=host)
    try:
        _bring_to_end(order, progress)
    except _Left:
        return Ended(left=True, host=host)
    except RunFailed as error:
        raise TmeError(error.what) from error  # without the place, so that the same failure is the same row everywhere
    except (InputError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and cause.errno in _DISK:
            return Ended(stop=f"{order.task.out}: {cause.strerror}" if cause is error else str(error), host=host)
        raise
    return Ended(host=host)


def _bring_to_end(order: Order, progress: Callable[[Progress], None]) -> None:
    """Begin or continue the run; if another process writes it, wait until that process ends.

    Such a process belongs to a batch that was killed a moment ago and is about to end. On a cluster it may continue for
    a while; when it has finished the run, nothing is left to do here.
    """
    seen, since = "", time.monotonic()
    while wanted(order):
        try:
            result_of_task(order.task, progress)
        except InputError as error:
            if getattr(error.__cause__, "errno", None) not in _TAKEN:
                raise
            now = _age(order.task.out / SERIES)
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > PATIENCE_SECONDS:
                raise InputError("another process holds this run and does not go on", file=order.task.out) from error
            time.sleep(LOCKED_SECONDS)
        else:
            return
    raise _Left


def wanted(order: Order) -> bool:
    """Whether the batch that gave the order still waits for it."""
    try:
        return files.read_json(order.study / SESSION).get("id") == order.session
    except InputError:
        return False


def _age(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size}"
