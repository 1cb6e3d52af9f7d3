from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.bench.made_up import measured, result
from tme_abm.bench.cases import Case, plan
from tme_abm.report.bench import Section, machine_line, markdown, sections, solver_means
from tme_abm.report.bench_picture import picture

SMALL = Case(cells=1000, fields=10, shape=(48, 48))


def section(cases: list[Case], title: str, **costs: float) -> Section:
    return next(one for one in sections(result(cases, **costs)) if one.title.startswith(title))


def rows(found: Section) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in found.rows}


def test_the_machine_and_how_busy_it_was_come_first() -> None:
    line = machine_line(result([SMALL]))
    assert line.startswith("Abacus 9000, 2 cores, 16 GiB, Linux x86_64; Python 3.12.1, numpy 2.1.0, scipy 1.14.0")
    assert line.endswith("2026-01-02 03:04 UTC; load average 0.1 to 1.1")
    assert markdown(result([SMALL])).startswith(f"*{line}*")


def test_costs_have_their_spread_and_fields_their_kind() -> None:
    cost = rows(section([SMALL], "What a step costs", cell_us=2.0, voxel_ns=20.0))["2D 1k × 10"]
    assert cost[:3] == ("1,000", "48 × 48", "10")
    assert cost[5:10] == ("2.00 (1.80–2.40)", "20.0 (18.0–24.0)", "40.0", "40.0", "10.0")


def test_empty_fields_cost_nothing_and_do_not_count() -> None:
    case = measured(SMALL)
    assert solver_means(case) == {"consumed": 40.0, "free": 10.0}
    for one in case["solvers"]:
        one["idle"] = True
    assert solver_means(case) == {}


def test_fields_are_held_against_their_targets_alone_and_all_of_them_by_all_threads() -> None:
    found = rows(section([SMALL], "Targets"))
    assert found["a voxel·field without uptake, 2D 1k × 10: alone, one thread"] == ("≤ 12 ns", "10.0 ns", "met")
    assert found["a voxel·field without uptake, 2D 1k × 10: all of them, wall"] == ("≤ 12 ns", "8.0 ns", "met")
    assert found["a voxel·field with uptake, 2D 1k × 10: all of them, wall"] == ("≤ 60 ns", "30.0 ns", "met")
    assert "up to 2 threads for the fields" in section([SMALL], "What a step costs").notes[1]


def test_the_processes_have_their_share() -> None:
    share = rows(section([SMALL], "Where the time goes", cell_us=4.0, voxel_ns=0.0))
    assert share["migration"] == ("3.00 (75%)",)


def test_the_job_is_held_against_the_peer_who_was_measured_elsewhere() -> None:
    found = section([Case(cells=5000, fields=10, shape=(134, 134), mix="job", days=1.0)], "The peers' job")
    what = ("99", "134 × 134 of 15 µm", "5,000 – 5,005")
    assert rows(found)["5,000"] == (*what, "2.00", "1.00", "335 – 555", "168 – 278 ×", "109 MiB")
    assert "Simulated of the day: all of it" in found.notes[0]
    assert "measured separately, not in this run, on another machine of the same kind" in found.notes[1]
    part = section([Case(cells=5000, fields=10, shape=(134, 134), mix="job", days=0.25)], "The peers' job")
    assert "25% of it, the rest in proportion" in part.notes[0]


@pytest.mark.parametrize(("cost", "verdict"), [(1.4, "met"), (1.6, "missed")])
def test_a_target_is_met_or_missed(cost: float, verdict: str) -> None:
    assert rows(section([SMALL], "Targets", cell_us=cost))["a cell-step, 2D 1k × 10"] == (
        "≤ 1.5 µs",
        f"{cost:.2f} µs",
        verdict,
    )


def test_targets_of_the_jobs_are_ratios_of_wall_time() -> None:
    job = Case(cells=20000, fields=10, shape=(134, 134), mix="job", days=1.0)
    found = rows(section([job], "Targets"))["the job with 20,000 cells, 99 rules, faster than PhysiCell"]
    assert found == ("≥ 400 ×", "990 ×", "met")


def test_an_exponent_needs_three_sizes_and_the_steepest_counts() -> None:
    table = result([Case(cells=n, fields=10, shape=(s, s)) for n, s in ((1000, 48), (10000, 150), (100000, 480))])
    for one in table["scaling"]:
        one["slope"], one["last"] = 0.8, 1.2
    found = next(rows(one) for one in sections(table) if one.title == "Targets")
    assert found["exponent in cells, 10 fields"] == ("≤ 1.05", "1.20", "missed")
    for one in table["scaling"]:
        one["sizes"] = one["sizes"][:2]
    assert not any("exponent" in row[0] for one in sections(table) if one.title == "Targets" for row in one.rows)


def test_mesa_is_measured_here_and_what_is_not_says_elsewhere() -> None:
    found = section([SMALL], "What the smallest")
    mesa = [row[1:] for row in found.rows if "Mesa" in row[0]]
    assert mesa == [("4.50 µs", "here, 10,000 agents of Mesa 3.3.1"), ("3.4–8.2 µs", "elsewhere")]
    assert [row[2] for row in found.rows if "HAL" in row[0]] == ["elsewhere", "elsewhere"]


def test_skipped_cases_are_in_the_table() -> None:
    text = markdown(result([SMALL], skipped=[{"case": "x", "why": "x was skipped: too large"}]))
    assert text.endswith("**Skipped**\n\nx was skipped: too large\n")


def test_every_table_of_the_markdown_is_rectangular() -> None:
    for block in markdown(result(plan(quick=False))).split("\n\n"):
        if block.startswith("| "):
            assert len({line.count("|") for line in block.strip().splitlines()}) == 1


@pytest.mark.parametrize("cases", [plan(quick=False), [SMALL], plan(quick=True)[:2]])
def test_the_picture_is_drawn(cases: list[Case]) -> None:
    png = picture(result(cases), "png")
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert pixels.shape[1] > 1500
    assert (pixels < 200).mean() > 0.002


def test_the_picture_has_the_same_bytes_again() -> None:
    svg = picture(result([SMALL]), "svg")
    assert svg.startswith(b"<?xml")
    assert picture(result([SMALL]), "svg") == svg
