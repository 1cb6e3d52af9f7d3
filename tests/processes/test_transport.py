"""Transport by several threads: the same bytes as by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.support.catalogue import shipped
from tme_abm.core.errors import InputError
from tme_abm.core.parallel import VARIABLE
from tme_abm.model import TumorModel
from tme_abm.processes import Transport, transport
from tme_abm.scenario import load

SMALL = {"lattice.margin": "30 um", "tumor.cells": 60}
LATTICES = [
    pytest.param({"lattice.shape": [40, 40]}, 1, id="2D"),
    pytest.param({"lattice.shape": [10, 12, 11]}, 1, id="3D"),
    pytest.param({"lattice.shape": [30, 30]}, 3, id="wells"),
]
Pieces = Sequence[Callable[[], Any]]


def walked(threads: int, lattice: dict[str, Any], wells: int, steps: int = 4) -> dict[str, Any]:
    model = TumorModel(load("hot", {**SMALL, **lattice}), rng=2, wells=wells)
    step = model.processes["transport"]
    assert isinstance(step, Transport)
    step.threads = threads
    for _ in range(steps):
        model.step()
    return model.state()


def seen_threads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Pieces and threads of every step from now on."""
    seen: list[tuple[int, int]] = []
    do = transport.side_by_side

    def look(pieces: Pieces, threads: int) -> list[Any]:
        seen.append((len(pieces), threads))
        return do(pieces, threads)

    monkeypatch.setattr(transport, "side_by_side", look)
    return seen


@pytest.mark.parametrize("together", [1 << 15, 0], ids=["several at once", "one by one"])
@pytest.mark.parametrize(("lattice", "wells"), LATTICES)
def test_the_number_of_threads_shows_in_no_byte(
    lattice: dict[str, Any], wells: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_WORTH_THREADS", 0)
    seen = seen_threads(monkeypatch)
    monkeypatch.setattr(transport, "_TOGETHER", 0)
    one = walked(1, lattice, wells)
    monkeypatch.setattr(transport, "_TOGETHER", together)
    for threads in (1, 2, 3):
        several = walked(threads, lattice, wells)
        assert one.keys() == several.keys()
        assert [name for name in one if one[name].tobytes() != several[name].tobytes()] == []
        assert seen[-1][1] == threads
        assert seen[-1][0] >= threads
    assert max(one[name].max() for name in one if name.startswith("fields/")) > 0


def test_small_tissues_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = seen_threads(monkeypatch)
    walked(2, {"lattice.shape": [40, 40]}, 1, steps=1)
    assert seen[-1][1] == 1


def test_transport_takes_as_many_threads_as_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "5")
    assert Transport(shipped(), {}, 1e-2).threads == 5
    assert Transport(shipped(), {}, 1e-2, threads=2).threads == 2
    monkeypatch.setenv(VARIABLE, "many")
    with pytest.raises(InputError, match="TME_ABM_THREADS: 'many' is not a number of threads"):
        TumorModel(load("hot", {**SMALL, "lattice.shape": [40, 40]}), rng=1)
