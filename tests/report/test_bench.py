from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.bench.made_up import JOB, LARGE, SMALL, measured
from tme_abm.bench.cases import Case
from tme_abm.bench.suite import growth, peers
from tme_abm.report.bench import markdown


def text(*cases: Case, skipped: tuple[str, ...] = ()) -> str:
    found = [measured(one) for one in cases]
    result: dict[str, Any] = {"machine": "Abacus 9000, 2 cores", "date": "2026-01-02", "growth": growth(found)}
    return markdown({**result, "cases": found, "skipped": skipped, "peers": peers()})


def rows(found: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in found.splitlines() if line.startswith("| ")]


def test_costs_are_shown_with_their_ratio_to_the_kernel() -> None:
    header, _, row, *_ = rows(text(SMALL))
    assert text(SMALL).startswith("*Abacus 9000, 2 cores; 2026-01-02*\n")
    assert dict(zip(header, row, strict=True)) == {
        "case": "2D 1k × 10",
        "cells": "1,000",
        "sites": "48 × 48",
        "step, wall [ms]": "5.15",
        "step [ms]": "2.58 (55.9)",
        "cell-step [µs]": "2 (1,000)",
        "field with uptake [ns]": "40 (20)",
        "field without uptake [ns]": "10 (5)",
        "peak memory [GiB]": "0.25",
    }


def test_processes_are_those_of_the_case_with_most_fields_of_each_size() -> None:
    table = rows(text(SMALL, replace(SMALL, fields=20), LARGE))[5:]
    assert table[0] == ["process [ms] (share)", "2D 1k × 20", "2D 100k × 40"]
    assert table[2][:2] == ["migration", "2 (63%)"]


def test_growth_is_shown_with_its_number_of_fields() -> None:
    assert "from 10k cells on: 1.00 (40 fields)." in text(SMALL, replace(LARGE, cells=10_000), LARGE)
    assert "power" not in text(SMALL, LARGE)


def test_a_job_is_held_against_the_peer_who_was_measured_in_another_run() -> None:
    found = text(JOB)
    assert rows(found)[2] == ["5,000", "99", "135 × 135 of 15 µm", "2.00", "1.00", "366 – 462", "183 – 231", "256 MiB"]
    assert "From 36 steps of the day." in found
    assert "not in this run" in found
    assert "What a step costs" not in found


def test_what_was_not_measured_is_said() -> None:
    assert text(SMALL, skipped=("x was not measured: y",)).endswith("**Not measured**\n\nx was not measured: y\n")


def test_tables_are_rectangular_and_padded() -> None:
    for block in text(SMALL, LARGE, JOB).split("\n\n"):
        if block.startswith("|"):
            assert len({len(line) for line in block.splitlines()}) == 1
            assert len({line.count("|") for line in block.splitlines()}) == 1
