from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.bench.made_up import measured, result
from tme_abm.bench.cases import Case, plan
from tme_abm.report.bench import Section, machine_line, markdown, sections, solver_means
from tme_abm.report.bench.picture import picture

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
    assert cost[5:10] == ("2 (1.8–2.4)", "20 (18–24)", "40", "40", "10")
    assert "up to 2 threads for the fields" in section([SMALL], "What a step costs").notes[1]


def test_empty_fields_cost_nothing_and_do_not_count() -> None:
    case = measured(SMALL)
    assert solver_means(case) == {"consumed": 40.0, "free": 10.0}
    for one in case["solvers"]:
        one["idle"] = True
    assert solver_means(case) == {}


def test_the_processes_have_their_share() -> None:
    share = rows(section([SMALL], "Where the time goes", cell_us=4.0, voxel_ns=0.0))
    assert share["migration"] == ("3 (75%)",)


def test_the_job_is_held_against_the_peer_who_was_measured_elsewhere() -> None:
    found = section([Case(cells=5000, fields=10, shape=(134, 134), mix="job", days=1.0)], "The peers' job")
    what = ("99", "134 × 134 of 15 µm", "5,000 – 5,005")
    assert rows(found)["5,000"] == (*what, "2.00", "1.00", "335 – 555", "168 – 278 ×", "109 MiB")
    assert "Simulated of the day: all of it" in found.notes[0]
    assert "measured separately, not in this run, on another machine of the same kind" in found.notes[1]
    part = section([Case(cells=5000, fields=10, shape=(134, 134), mix="job", days=0.25)], "The peers' job")
    assert "25% of it, the rest in proportion" in part.notes[0]


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


def test_a_line_of_slope_one_needs_two_sizes() -> None:
    assert b"<!-- linear -->" not in picture(result([SMALL]), "svg")
    assert b"<!-- linear -->" in picture(result(plan(quick=True)), "svg")


def test_the_picture_has_the_same_bytes_again() -> None:
    svg = picture(result([SMALL]), "svg")
    assert svg.startswith(b"<?xml")
    assert picture(result([SMALL]), "svg") == svg
