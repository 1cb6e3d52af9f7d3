"""The page of published experiments says what was published and what was found, and needs nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.support.page import Page
from tme_abm.evidence.bounds import held
from tme_abm.evidence.published import Bounds
from tme_abm.evidence.results import Drawn, DrawRecord, ExperimentResult, Outcome, Reproduction
from tme_abm.report.reproduce import bounds_plot, markdown, render, write_page

TWIN = np.array([800.0, 900.0, 1000.0, 1100.0])


def result(name: str, verdict: Outcome, **changes: object) -> ExperimentResult:
    one = Bounds(readout="count of tumor", take="ratio", arms=("no Treg", "untreated"), most=0.7, below=0.9)
    found = held(one, {"no Treg": TWIN * [1.0, 1.1, 0.9, 1.2], "untreated": TWIN}, "cells", tumor="hot")
    table: dict[str, object] = {
        "id": name,
        "title": "Treg ablation",
        "verdict": verdict,
        "value": found.value,
        "ci95": found.ci95,
        "what": f"hot: {found.what}",
        "published": "control of the tumor",
        "criterion": "at most 0.7 of the twin",
        "scenarios": ("hot",),
        "seeds": (1, 2, 3, 4),
        "reason": "not few enough",
        "done": "Tregs removed",
        "measured": "growth",
        "source": "Bos 2013",
        "doi": ("10.1084/jem.20130762",),
        "confidence": "A",
        "days": 10.0,
        "setting": "a whole shipped tumor",
        "arms": {"untreated": (), "no Treg": ("deplete Treg at 10 /day, from 3 day",)},
        "expect": (found,),
        "levels": {"hot": {"untreated": {"CD8 core": 563.0, "TGFB core": None}, "no Treg": {"CD8 core": 745.0}}},
    }
    return ExperimentResult.model_validate(table | changes)


def review(*results: ExperimentResult, **changes: object) -> Reproduction:
    table = {
        "version": "1",
        "seed": 5,
        "seconds": 60.0,
        "command": "tme-abm reproduce",
        "runs": 8,
        "experiments": results,
    }
    return Reproduction.model_validate(table | changes)


UNPOSED = result(
    "IV-05", "not reproduced", value=None, ci95=None, what="", scenarios=(), seeds=(), reason="no fibroblasts",
    arms={}, expect=(), levels={},
)  # fmt: skip
FOUND = review(result("IV-02", "not reproduced"), UNPOSED, result("IV-13", "no verdict", reason="hot: House"))


@pytest.fixture(scope="module")
def raw() -> str:
    return render(FOUND)


def part(raw: str, name: str) -> str:
    start = raw.index(f'id="{name}"')
    return Page(raw[start : raw.index("</aside>", start)]).text


def test_published_and_found_stand_side_by_side(raw: str) -> None:
    said = part(raw, "IV-02")
    for words in (
        "control of the tumor", "at most 0.7 of the twin", "0.83 to 1.28", "hot: count of tumor: no Treg over",
        "not few enough", "deplete Treg at 10 /day, from 3 day", "at most 0.7, interval below 0.9",
        "CD8 core /mm²", "563", "745", "10.1084/jem.20130762", "1, 2, 3, 4",
        "reproduce --id IV-02 --seed 5 --replicates 4",
    ):  # fmt: skip
        assert words in said
    assert "TGFB core" not in said  # nothing was read


def test_misses_and_worlds_give_their_reason(raw: str) -> None:
    assert "no fibroblasts" in part(raw, "IV-05")
    assert "hot: House" in part(raw, "IV-13")
    assert "0 of 3 experiments reproduced" in Page(raw).text


def test_nothing_is_fetched(raw: str) -> None:
    tags = Page(raw).tags
    assert not {"link", "iframe", "img", "object", "script"} & {tag for tag, _ in tags}
    assert not re.search(r"@import|url\(", raw)


def test_a_trial_is_no_result(raw: str) -> None:
    assert "A trial" not in Page(raw).text
    assert "cut off at day 0.5" in Page(render(review(UNPOSED, cut=0.5))).text


def test_the_wanted_range_is_drawn() -> None:
    (one,) = result("IV-02", "opposite").expect
    found = re.search(
        r'<rect class="wanted" x="([\d.]+)" y="2" width="([\d.]+)".*cx="([\d.]+)"', bounds_plot(one), re.DOTALL
    )
    assert found is not None
    start, width, dot = map(float, found.groups())
    assert start + width < dot  # the value is above what is wanted
    assert not bounds_plot(one.model_copy(update={"value": None}))


def test_the_table_in_markdown_has_a_line_an_experiment(tmp_path: Path) -> None:
    lines = markdown(FOUND).splitlines()
    assert len(lines) == 5
    assert lines[2].startswith(
        "| IV-02 | Treg ablation (Bos 2013) | control of the tumor | hot: count of tumor: no Treg over"
    )
    assert lines[3].endswith("| no fibroblasts | not reproduced |")
    write_page(FOUND, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == render(FOUND)


def test_the_share_of_draws_stands_beside_the_verdict() -> None:
    drawn = Drawn(hoped="reproduced", verdicts=("reproduced", "opposite", "did not run"))
    broken = DrawRecord(number=3, values="", sha256="", cut=0, failed=("IV-02: did not run: no room",))
    found = review(result("IV-02", "reproduced", drawn=drawn), UNPOSED, draws=(broken,))
    says = "reproduced in 1 of 3 plausible parameter sets, fewer than half; 1 did not run"
    assert says in Page(render(found)).text
    assert "draw 3: IV-02: did not run: no room" in Page(render(found)).text
    first, *_, posed, unposed = markdown(found).splitlines()
    assert first.endswith("| in plausible parameter sets |")
    assert posed.endswith(f"| {says} |")
    assert unposed.count("|") == first.count("|")
    assert "plausible" not in markdown(FOUND)
