"""Pieces of work done side by side: their order, their errors, and by how many threads."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tme_abm.core.errors import InputError
from tme_abm.core.parallel import VARIABLE, side_by_side, threads_wanted
from tme_abm.runs.workers import single_threaded


def meet(barrier: threading.Barrier, number: int) -> int:
    """Passes only if as many threads as the barrier asks for are at work."""
    barrier.wait(timeout=20)
    return number


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_stand_in_the_order_of_the_pieces(threads: int) -> None:
    pieces: list[Callable[[], int]] = [partial(pow, number, 2) for number in range(20)]
    assert side_by_side(pieces, threads) == [number**2 for number in range(20)]
    assert side_by_side([], threads) == []


@pytest.mark.parametrize("threads", [2, 3])
def test_so_many_are_worked_on_at_a_time(threads: int) -> None:
    barrier = threading.Barrier(threads)
    assert side_by_side([partial(meet, barrier, number) for number in range(threads)], threads) == [*range(threads)]


def test_one_thread_is_the_one_that_asks() -> None:
    assert side_by_side([threading.get_ident] * 3, 1) == [threading.get_ident()] * 3


def test_no_more_than_asked_for_are_worked_on_at_a_time() -> None:
    barrier = threading.Barrier(3)
    side_by_side([partial(meet, barrier, 0)] * 3, 3)  # so that three threads are there
    with pytest.raises(threading.BrokenBarrierError):
        side_by_side([partial(barrier.wait, 0.2) for _ in range(3)], 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_piece_that_fails_is_heard_of_and_the_next_work_is_done(threads: int) -> None:
    def fails() -> int:
        raise ArithmeticError("no")

    with pytest.raises(ArithmeticError, match="no"):
        side_by_side([fails, int, int], threads)
    assert side_by_side([int, int], threads) == [0, 0]


def test_helpers_heed_what_numpy_was_told() -> None:
    barrier = threading.Barrier(2)

    def divides() -> float:
        barrier.wait(timeout=20)
        return float(np.float64(1.0) / np.float64(0.0))

    with np.errstate(divide="ignore"):
        assert side_by_side([divides, divides], 2) == [np.inf, np.inf]
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        side_by_side([divides, divides], 2)


def test_the_variable_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "7")
    assert threads_wanted() == 7
    for nothing in ("", " "):
        monkeypatch.setenv(VARIABLE, nothing)
        assert threads_wanted() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("bad", ["0", "-1", "two", "1.5", "²"])
def test_a_variable_that_is_no_number_of_threads_is_refused(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, bad)
    with pytest.raises(InputError, match=rf"^TME_ABM_THREADS: '{bad}' is no number of threads\. Allowed: 1, 2, 4"):
        threads_wanted()


def test_a_process_that_shares_out_work_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(threads_wanted) == 1


def test_our_workers_take_one_whatever_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "4")
    with single_threaded(), multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(threads_wanted) == 1
    assert threads_wanted() == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    barrier = threading.Barrier(2)
    side_by_side([partial(meet, barrier, number) for number in range(2)], 2)
    child = os.fork()
    if child == 0:
        try:
            again = threading.Barrier(2)
            worked = side_by_side([partial(meet, again, number) for number in range(2)], 2) == [0, 1]
        except BaseException:  # noqa: BLE001 - nothing of the test run may go on in the child
            worked = False
        os._exit(0 if worked else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
