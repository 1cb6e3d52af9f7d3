"""Work that falls into independent pieces, done by several threads of this process.

Who is alone on the machine takes a thread for every core he may use. A process that another one has started to share
out work is one of as many as there are cores, and takes one; so does whoever sets TME_ABM_THREADS=1. A piece knows
nothing of the others and its result goes to its own place, so that no number of threads shows in a result. Threads pay
where a piece is long: numpy lets the others go on while it works on an array, but not between two arrays.
"""

from __future__ import annotations

import contextvars
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache, partial
from typing import TypeVar

from .errors import InputError

__all__ = ["VARIABLE", "side_by_side", "threads_wanted"]

VARIABLE = "TME_ABM_THREADS"

T = TypeVar("T")


def threads_wanted() -> int:
    """How many threads this process is to use: as TME_ABM_THREADS says, else one for every core, else one in a process
    that `multiprocessing` has started. Raises InputError for what is no positive whole number.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if said:
        if not (said.isascii() and said.isdigit() and int(said) > 0):
            raise InputError(f"{said!r} is no number of threads", place=VARIABLE, allowed=("1", "2", "4", "…"))
        return int(said)
    return 1 if multiprocessing.parent_process() is not None else _cores()


def side_by_side(pieces: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """The result of every piece, in their order; at most `threads` are worked on at a time, the first ones first.

    This thread works, too. If pieces fail, the rest is left undone and the error of the first in order is raised.
    """
    helpers = min(threads, len(pieces)) - 1
    if helpers < 1:
        return [piece() for piece in pieces]
    waiting = deque(enumerate(pieces))
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}
    work = partial(_work_off, waiting, results, errors)
    pool = _helpers(os.getpid(), threads - 1)
    # What numpy is told about warnings (np.errstate) belongs to a context, and a thread starts with an empty one.
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
    """Take the next piece until none is left."""
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


def _cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


@cache
def _helpers(process: int, number: int) -> ThreadPoolExecutor:  # noqa: ARG001
    """The threads of a process. None survives a fork; a process that was forked has another id and gets new ones."""
    return ThreadPoolExecutor(number, thread_name_prefix="tme_abm")
