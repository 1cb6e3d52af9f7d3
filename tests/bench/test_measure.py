"""The one place where something is really measured: a tissue of sixty cells. Nothing here asserts how long it takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tme_abm.bench.cases import Case
from tme_abm.bench.measure import NotMeasured, _Solvers, in_child, measure, stencil_pass
from tme_abm.kernels.fields import METHODS, Problem
from tme_abm.simulation import SCHEDULE

TINY = Case(cells=60, fields=10, shape=(12, 12), steps=3)


@pytest.fixture(scope="module")
def tiny() -> Iterator[dict[str, Any]]:
    """Measured by clocks that go on when they are read, that of the process by a second, that of a thread by 0.1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tme_abm.bench.measure.time.process_time", count().__next__)
        patch.setattr("tme_abm.bench.measure.time.thread_time", count(step=0.1).__next__)
        yield measure(TINY)


def test_every_process_is_timed_and_the_parts_make_the_whole(tiny: dict[str, Any]) -> None:
    spent = tiny["processes_ms"]
    assert list(spent) == [*(name for name, _ in SCHEDULE), "settle"]
    assert {ms for name, ms in spent.items() if name != "settle"} == {1000}
    assert sum(spent.values()) == pytest.approx(tiny["cpu_ms"])
    assert tiny["kernel_ns"] == pytest.approx(1e9 / 40 / 256**2)


def test_costs_are_per_cell_and_per_site_and_field_of_each_kind(tiny: dict[str, Any]) -> None:
    costs, kinds, sites = tiny["costs"], tiny["fields"], 12 * 12
    busy, consumed = kinds["all"] - kinds["empty"], kinds["with uptake"]
    free = busy - consumed
    assert min(consumed, free) >= 2
    assert costs["cell-step"] == pytest.approx((tiny["cpu_ms"] / 1e3 - 1) * 1e9 / tiny["cells"])
    assert costs["step"] == pytest.approx(tiny["cpu_ms"] / 1e3 * 1e9 / sites / busy)
    # Both together cost the second of transport; a solver took 0.1 s at least, and the rest is shared by all fields.
    both = costs["field with uptake"] * consumed + costs["field without uptake"] * free
    assert both == pytest.approx(1e9 / sites)
    assert min(costs["field with uptake"] * consumed, costs["field without uptake"] * free) > 0.1e9 / sites
    json.dumps(tiny, allow_nan=False)


def test_a_solver_is_timed_as_one_with_uptake_if_that_varies_in_space() -> None:
    solvers, c = _Solvers(), np.ones((8, 8), dtype=np.float32)
    for uptake, solved in ((0.0, (0, 1)), (c, (1, 1)), (c, (2, 1))):
        problem = Problem(dt=1.0, diffusivity=100.0, decay=0.1, spacing=15.0, uptake=uptake)
        np.testing.assert_array_equal(solvers.methods["implicit"](c, problem), METHODS["implicit"](c, problem))
        assert (len(solvers.spent[True]), len(solvers.spent[False])) == solved


def test_the_seconds_of_a_day_follow_from_those_of_a_step(tiny: dict[str, Any]) -> None:
    assert tiny["seconds_per_day"] == pytest.approx(144 * tiny["wall_ms"] / 1e3)


def test_a_child_measures_the_same_tissue(tiny: dict[str, Any]) -> None:
    found = in_child(TINY, seconds=60, gib=None)
    for what in ("name", "cells", "rules", "fields", "steps"):
        assert found[what] == tiny[what]
    assert 0.02 < found["peak_gib"] < 1


@pytest.mark.parametrize(
    ("case", "limits", "why"),
    [
        (replace(TINY, fields=400), {}, "this tissue cannot have 400 fields; the nearest number is 43"),
        (TINY, {"seconds": 0.05}, "it did not end within 0 s and was stopped"),
        (replace(TINY, shape=(3000, 3000)), {"gib": 0.5}, "it does not fit in the 0.5 GiB of memory that it may have"),
        (replace(TINY, cells=10**13, shape=(70000, 70000)), {}, ".*2 problems. 1. .* 2. tumor.cells: should be"),
    ],
)
def test_what_does_not_fit_is_said_in_one_clause(case: Case, limits: dict[str, float], why: str) -> None:
    with pytest.raises(NotMeasured, match=f"^{why}"):
        in_child(case, **{"seconds": 60, "gib": None, **limits})


def test_a_limit_that_is_there_already_is_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = tmp_path / "python"
    limited.write_text(f'#!/bin/sh\nulimit -v 786432\nexec {sys.executable} "$@"\n')
    limited.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(limited))
    with pytest.raises(NotMeasured, match=r"^it does not fit in the 0\.75 GiB of memory"):
        in_child(replace(TINY, shape=(3000, 3000)), seconds=60, gib=64.0)


def test_a_child_that_is_killed_may_have_lacked_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        returncode, stdout, stderr = -9, "", ""

    monkeypatch.setattr("tme_abm.bench.measure.subprocess.run", lambda *_, **__: Ended())
    with pytest.raises(NotMeasured, match="ended by signal 9; the system may have lacked memory"):
        in_child(TINY, seconds=1, gib=None)


def test_the_reference_kernel_is_the_five_point_stencil() -> None:
    c = np.random.default_rng(1).random((6, 7), dtype=np.float32)
    new = c.copy()
    stencil_pass(c, new, 0.2)
    around = c[:-2, 1:-1] + c[2:, 1:-1] + c[1:-1, :-2] + c[1:-1, 2:]
    assert new[1:-1, 1:-1] == pytest.approx(c[1:-1, 1:-1] + 0.2 * (around - 4 * c[1:-1, 1:-1]), abs=1e-6)
    assert (new[0] == c[0]).all()
