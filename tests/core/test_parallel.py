"""Pieces of work on several threads, and tasks on several processes: order, errors, deaths, interruptions."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tme_abm.core.errors import InputError
from tme_abm.core.parallel import (
    DIED,
    VARIABLE,
    Here,
    Outcome,
    Workers,
    report,
    side_by_side,
    thread_count,
)


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
    assert thread_count() == 7
    for nothing in ("", " "):
        monkeypatch.setenv(VARIABLE, nothing)
        assert thread_count() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("bad", ["0", "-1", "two", "1.5", "²"])
def test_a_variable_that_is_no_number_of_threads_is_refused(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, bad)
    with pytest.raises(InputError, match=rf"^TME_ABM_THREADS: '{bad}' is not a number of threads\. Allowed: 1, 2, 4"):
        thread_count()


def test_a_process_that_shares_out_work_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(thread_count) == 1


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


def doubled(number: int) -> int:
    if number < 0:
        raise ValueError("no negative\nnumbers")
    if number > 90:
        raise InputError("is too large", place="number")
    return 2 * number


@pytest.mark.parametrize("executor", [Here(), Workers(2)], ids=["here", "workers"])
def test_every_task_has_an_outcome_and_one_that_fails_is_a_sentence(executor: Here | Workers) -> None:
    tasks = [("a", 1), ("b", -1), ("c", 99), ("d", 4)]
    with executor:
        found = {outcome.name: outcome for outcome in executor.do(doubled, tasks)}
    assert found == {
        "a": Outcome(name="a", result=2),
        "b": Outcome(name="b", error="ValueError: no negative numbers"),
        "c": Outcome(name="c", error="number: is too large."),
        "d": Outcome(name="d", result=8),
    }


def test_no_more_tasks_are_made_ready_than_can_be_worked_on() -> None:
    made: list[int] = []

    def tasks():
        for number in range(5):
            made.append(number)
            yield str(number), number

    with Workers(2) as workers:
        doing = workers.do(doubled, tasks())
        next(doing)
        assert len(made) <= 3
        assert sorted(outcome.result for outcome in doing if outcome.result is not None)[-1] == 8


def environment(_: object) -> tuple[int, str, bool]:
    return thread_count(), os.environ["OMP_NUM_THREADS"], signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_worker_uses_one_thread_and_leaves_interrupts_to_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "4")
    with Workers(1) as workers:
        (outcome,) = workers.do(environment, [("a", None)])
    assert outcome.result == (1, "1", True)
    assert os.environ[VARIABLE] == "4"
    assert "OMP_NUM_THREADS" not in os.environ or os.environ["OMP_NUM_THREADS"] != "1"


def counting(to: int) -> int:
    for number in range(to):
        report(number)
        time.sleep(0.02)
    return to


@pytest.mark.parametrize("executor", [Here(), Workers(2)], ids=["here", "workers"])
def test_reports_are_heard_while_a_task_is_under_way(executor: Here | Workers) -> None:
    heard: list[tuple[str, int]] = []
    looks: list[tuple[str, ...]] = []
    with executor:
        tasks = [("a", 40), ("b", 40)]
        found = list(executor.do(counting, tasks, look=looks.append, heard=lambda *said: heard.append(said)))
    assert {outcome.result for outcome in found} == {40}
    for name in ("a", "b"):
        mine = [number for one, number in heard if one == name]
        assert mine[0] == 0
        assert mine == sorted(mine)
        assert 3 <= len(mine) <= 20  # not every one
    assert looks[-1] == ()


def dying(told: tuple[str, str, int]) -> str:
    """Note the beginning and the end of a task; in the first `deaths` tries the process dies in between."""
    place, name, deaths = told
    log = Path(place) / "log"
    tries = log.read_text().split().count(f"+{name}") if log.exists() else 0
    with log.open("a") as file:
        file.write(f"+{name}\n")
    time.sleep(0.3)
    if tries < deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    with log.open("a") as file:
        file.write(f"-{name}\n")
    return name


def test_a_process_that_dies_takes_only_its_own_task_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = str(tmp_path)
    tasks = [(name, (place, name, deaths)) for name, deaths in (("once", 1), ("well", 0), ("ever", 9), ("fine", 0))]
    with caplog.at_level(logging.WARNING), Workers(2) as workers:
        found = {outcome.name: outcome for outcome in workers.do(dying, tasks)}
    assert {name: outcome.error for name, outcome in found.items()} == {
        "once": None, "well": None, "ever": DIED, "fine": None,
    }  # fmt: skip
    assert found["ever"].died
    log = (tmp_path / "log").read_text().split()
    assert {name: log.count(f"+{name}") for name in found} == {"once": 2, "well": 1, "ever": 3, "fine": 1}
    assert log[-1] == "+ever"  # tried for the last time when all others had ended
    assert log.count("-fine") == 1
    assert caplog.messages.count("ever: its process died; it is tried again") == 2


def test_of_large_tasks_the_last_try_is_made_alone(tmp_path: Path) -> None:
    place = str(tmp_path)
    with Workers(2) as workers:
        found = list(workers.do(dying, [(name, (place, name, 2)) for name in ("a", "b")]))
    assert [outcome.error for outcome in found] == [None, None]
    log = (tmp_path / "log").read_text().split()
    first = log[-4][1:]
    assert log[-4:] == [f"+{first}", f"-{first}", *(f"{sign}{'b' if first == 'a' else 'a'}" for sign in "+-")]


PARENT = """
import sys, time
from tests.core.test_parallel import endless
from tme_abm.core.parallel import Workers
if __name__ == "__main__":
    try:
        with Workers(2) as workers:
            for outcome in workers.do(endless, [("a", sys.argv[1]), ("b", sys.argv[1])]):
                pass
    except KeyboardInterrupt:
        sys.exit(130)
"""


def endless(place: str) -> None:
    (Path(place) / f"pid{os.getpid()}").touch()
    time.sleep(60)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + 30
        while len(pids := list(tmp_path.glob("pid*"))) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(pids) == 2
        if how == signal.SIGINT:
            os.killpg(parent.pid, how)  # as Ctrl-C in a terminal
        else:
            parent.kill()
        _, err = parent.communicate(timeout=8)
        assert (parent.returncode, err) == (130 if how == signal.SIGINT else -how, "")
        until = time.monotonic() + 5
        there = [Path(f"/proc/{path.name[3:]}") for path in pids]
        while any(path.exists() for path in there) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(path.exists() for path in there)
    finally:
        parent.kill()
        parent.wait()
