"""The one place where something is really measured: a tissue of sixty cells. Nothing here asserts how long it takes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tme_abm.bench.cases import Case
from tme_abm.bench.measure import OTHER, SETTLE, NotMeasured, in_child, measure, stencil_pass
from tme_abm.core.parallel import VARIABLE, thread_count
from tme_abm.model import SCHEDULE
from tme_abm.processes import Transport
from tme_abm.tissue import Tissue

TINY = Case(cells=60, fields=10, shape=(12, 12), seconds=0.0, least=2, most=2, warm_up=1)


@pytest.fixture(scope="module")
def tiny() -> dict:
    return measure(TINY)


def test_every_process_is_timed_and_the_parts_make_the_whole(tiny: dict) -> None:
    assert list(tiny["processes"]) == [*(name for name, _ in SCHEDULE), SETTLE, OTHER]
    assert tiny["steps"] == 2
    assert 0 < tiny["processes"][OTHER]["wall"]["median"] < tiny["step_seconds"]["wall"]["median"]
    for clock in ("wall", "cpu"):
        parts = sum(one[clock]["median"] for one in tiny["processes"].values())
        # With two steps a median is a mean, and means add up.
        assert parts == pytest.approx(tiny["step_seconds"][clock]["median"])
        both = tiny["cell_seconds"][clock]["median"] + tiny["transport_seconds"][clock]["median"]
        assert both == pytest.approx(tiny["step_seconds"][clock]["median"])


def test_costs_are_per_cell_and_per_voxel_and_field(tiny: dict) -> None:
    cells = tiny["cells"]["median"]
    assert tiny["voxels"] == 144
    assert len(tiny["fields"]) == 10
    cost = tiny["cell_seconds"]["cpu"]["median"] / cells * 1e6
    assert tiny["cell_step_us"]["cpu"]["median"] == pytest.approx(cost, rel=0.1)
    assert tiny["voxel_field_ns"]["cpu"]["median"] == pytest.approx(
        tiny["transport_seconds"]["cpu"]["median"] / 1440 * 1e9
    )
    kernel = tiny["reference_ns"]
    ratio = tiny["ratios"]["voxel field"]
    bounds = [tiny["voxel_field_ns"]["cpu"][a] / kernel[b] for a, b in (("low", "high"), ("high", "low"))]
    assert 0.3 * bounds[0] <= ratio <= 3 * bounds[1]


def test_the_contents_are_told(tiny: dict) -> None:
    assert tiny["types"]["tumor"] >= 30
    assert tiny["rules"] > 100
    assert [one["field"] for one in tiny["solvers"]] == tiny["fields"]
    assert {one["field"] for one in tiny["solvers"] if one["consumed"]} >= {"OXYGEN", "IFNG"}
    assert not any(one["consumed"] for one in tiny["solvers"] if one["field"] == "CXCL12")
    assert all(one["cpu_ns"] > 0 for one in tiny["solvers"] if not one["idle"])
    assert tiny["peak_gib"] > 0.02
    assert tiny["threads"] == thread_count()
    json.dumps(tiny, allow_nan=False)


def test_fields_are_solved_alone_and_the_history_gets_what_one_thread_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solved: list[tuple[int, int]] = []
    step = Transport.__call__

    def look(transport: Transport, tissue: Tissue, dt: float) -> None:
        solved.append((len(list(tissue.fields)), transport.threads))
        step(transport, tissue, dt)

    monkeypatch.setattr(Transport, "__call__", look)
    monkeypatch.setenv(VARIABLE, "3")
    found = measure(TINY)
    assert [one["field"] for one in found["solvers"]] == found["fields"]
    assert solved == [(10, 3)] * 3 + [(1, 3)] * 30 + [(10, 1)] * 3


def test_a_job_tells_the_seconds_of_a_day() -> None:
    job = measure(Case(cells=60, fields=10, shape=(12, 12), mix="job", days=0.02, warm_up=1))
    assert job["steps"] == 3
    # The mean of three steps lies between their quartiles stretched a little, 144 of them a day.
    step = job["step_seconds"]["wall"]
    assert 72 * step["low"] < job["seconds_per_day"]["wall"] < 300 * step["high"]


def test_a_child_measures_the_same_tissue(tiny: dict) -> None:
    found = in_child(TINY, 60)
    assert found["types"] == tiny["types"]
    assert found["cells"] == tiny["cells"]
    assert found["fields"] == tiny["fields"]


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(NotMeasured, match=r"failed: 2D 60 × 400: the cells of this tissue can have .* fields, not 400"):
        in_child(replace(TINY, fields=400), 60)


def test_a_child_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(NotMeasured, match="did not end within 0 s and was stopped"):
        in_child(TINY, 0.05)


def test_a_child_that_is_killed_may_have_lacked_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        returncode, stdout, stderr = -9, "", ""

    monkeypatch.setattr("tme_abm.bench.measure.subprocess.run", lambda *_, **__: Ended())
    with pytest.raises(NotMeasured, match="ended by signal 9; the system may have lacked memory"):
        in_child(TINY, 1)


def test_the_reference_kernel_is_the_five_point_stencil() -> None:
    import numpy as np

    c = np.random.default_rng(1).random((6, 7), dtype=np.float32)
    new = c.copy()
    stencil_pass(c, new, 0.2)
    around = c[:-2, 1:-1] + c[2:, 1:-1] + c[1:-1, :-2] + c[1:-1, 2:]
    assert new[1:-1, 1:-1] == pytest.approx(c[1:-1, 1:-1] + 0.2 * (around - 4 * c[1:-1, 1:-1]), abs=1e-6)
    assert (new[0] == c[0]).all()
