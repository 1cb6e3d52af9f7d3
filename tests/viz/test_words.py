"""Legends, verdicts, charts, close-ups: what the page says agrees with the frame."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import viz.courses
from tests.support.models import TINY
from tme_abm.biology import load_catalogue
from tme_abm.model import TumorModel
from tme_abm.observe.metrics import find_metric
from tme_abm.observe.state import criteria
from tme_abm.scenario import Scenario, load
from viz.closeup import look, revisit
from viz.colorings import View
from viz.courses import Line, chart, courses
from viz.desk import place
from viz.frame import Frame, History
from viz.session import Session
from viz.texts import closeup, explanation, glance, in_order, legend, on_screen, prose, verdict


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def test_the_verdict_shows_the_numbers_it_rests_on(frame: Frame) -> None:
    assert criteria().per_mm2 == pytest.approx(295)
    measures = dict(frame.measures) | {"CD8 core": 312.4, "CD8 margin": 80.0, "tumor cells": 1234.0}
    text = plain(verdict(replace(frame, measures=measures, state="hot")))
    assert text.startswith(
        "hot CD8 core /mm² 312 hot &gt; 295 CD8 margin /mm² 80 excluded &gt; 295 tumor cells 1,234"
    )
    called = replace(frame, measures=measures | {"effectors called": 3.0, "suppressors called": 6.0})
    assert "effectors called 0.5 for 1 suppressor" in plain(verdict(called))


def test_the_legend_counts_living_cells_and_explains_the_colors(frame: Frame) -> None:
    text = plain(legend(frame, View(coloring="exhaustion", field="IFNG")))
    assert f"CD8 {frame.measures['CD8 cells']:.0f}" in text
    assert "exhaustion of CD8, Th1, NK fresh exhausted" in text
    assert re.search(r"IFNG 0 [\d.]+ nM", text)


def lines_of(svg: str) -> list[ET.Element]:
    root = ET.fromstring(svg)
    return [path for path in root.iter() if path.get("fill") == "none"]


def test_a_chart_draws_each_line_where_its_values_are() -> None:
    days = np.array([0.0, 1.0, 2.0])
    line = Line(label="a<b", values=np.array([0.0, 5.0, 10.0]), color="#0072B2")
    svg = chart("T", "u", days, [line], width=148, height=142, end=2.0, level=4.0)
    (path,) = lines_of(svg)
    points = [tuple(map(float, p.split())) for p in re.split("[ML]", path.get("d") or "")[1:]]
    assert [x for x, _ in points] == pytest.approx([40, 90, 140])
    assert points[0][1] == 124
    assert points[1][1] == pytest.approx((points[0][1] + points[2][1]) / 2, abs=0.11)
    assert "a&lt;b" in svg


def test_a_chart_marks_the_days_on_which_something_was_done() -> None:
    line = Line(label="a", values=np.array([1.0, 2.0]), color="#0072B2")
    svg = chart("T", "", np.arange(2.0), [line], width=148, height=142, end=2.0, marks={0.5: "a < b", 1.0: "c"})
    assert "<title>a &lt; b</title>" in svg
    marks = [path.get("d") or "" for path in ET.fromstring(svg).iter() if path.get("class") == "mark"]
    assert [float(mark[1:].split()[0]) for mark in marks] == [65, 90]


def test_names_are_in_the_order_one_looks_them_up() -> None:
    assert in_order(["IL6", "CXCL10", "CCL22", "CXCL9", "CCL2"]) == ["CCL2", "CCL22", "CXCL9", "CXCL10", "IL6"]


def test_a_line_is_lifted_over_gaps() -> None:
    values = np.array([1.0, np.nan, 2.0, 3.0])
    svg = chart("T", "", np.arange(4.0), [Line(label="a", values=values, color="#0072B2")], width=99, height=99, end=3)
    (path,) = lines_of(svg)
    assert (path.get("d") or "").count("M") == 2


def test_charts_of_nothing_can_be_drawn() -> None:
    nothing = Line(label="a", values=np.array([np.nan]), color="#0072B2")
    for log in (False, True):
        assert lines_of(chart("T", "", np.zeros(1), [nothing], width=99, height=99, end=10.0, log=log)) == []


def test_the_courses_are_drawn_from_the_first_frame_on(tiny: Scenario) -> None:
    session = Session(tiny, 1)
    for _ in range(2):
        drawn = courses(session.frame, session.history, View(field="IL6"))
        for title in (
            "Tumor cells",
            "Leukocytes",
            "CD8 density",
            "Called from blood",
            "Receptors that call",
            "Mean in the core",
            "IL6",
        ):
            assert title in drawn
        session.step(2)


def test_the_courses_follow_metrics_that_exist(tiny: Scenario) -> None:
    asked: list[str] = []

    class Asked(History):
        def __getitem__(self, name: str) -> NDArray[np.float64]:
            asked.append(name)
            return super().__getitem__(name)

    history = Asked()
    frame = Session(tiny, 1).frame
    history.add(frame)
    courses(frame, history, View())
    metrics = [name for name in asked if "called" not in name]
    assert len(metrics) > 10
    assert [name for name in metrics if find_metric(name, load_catalogue()).name != name] == []


@pytest.mark.parametrize(("day", "end"), [(0.0, 0.2), (0.3, 0.4), (4.0, 5.0), (9.0, 10.0), (11.0, 10.0)])
def test_the_axis_of_days_leaves_room_and_ends_with_the_scenario(
    tiny: Scenario, monkeypatch: pytest.MonkeyPatch, day: float, end: float
) -> None:
    session = Session(tiny, 1)
    ends: list[float] = []
    monkeypatch.setattr(viz.courses, "chart", lambda *_, **asked: ends.append(asked["end"]) or "")
    courses(replace(session.frame, day=day, days=10.0), session.history, View())
    assert ends == [pytest.approx(end)] * 6


def test_a_close_look_finds_the_cell_and_what_moves_it(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    for _ in range(3):
        model.step()
    cells, nx = model.tissue.cells, model.tissue.lattice.shape[1]
    row = int(np.flatnonzero(cells.kind == model.biology.cell_index["CD8"])[0])
    place = np.unravel_index(cells.site[row], model.tissue.lattice.shape)
    found = look(model, (place[1] + 0.5) / nx, (place[0] + 0.5) / nx)
    assert found[0].kind == "CD8"
    states = dict(found[0].states)
    assert states.get("exhaustion", 0.0) == pytest.approx(cells.exhaustion[row])
    assert {"CXCR3", "PD1"} <= dict(found[0].occupancies).keys()
    weights = [pull.weight for pull in found[0].pulls]
    assert weights == sorted(weights, reverse=True)
    assert weights
    assert "CD8" in closeup(found, 0.1)


def test_a_look_at_nothing() -> None:
    assert "No cell" in closeup((), 0.0)
    assert "empty stroma" in glance(())
    assert "no longer here" in closeup((), 0.0, gone=True)


def test_a_cell_is_found_again_where_it_went(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    cells, shape = model.tissue.cells, model.tissue.lattice.shape
    row = int(np.flatnonzero(cells.kind == model.biology.cell_index["CD8"])[3])
    key, at = int(cells.key[row]), int(cells.site[row])
    moved = 0
    for _ in range(6):
        model.step()
        (found,) = revisit(model, [key])
        (there,) = np.flatnonzero(model.tissue.cells.key == key)
        y, x = np.unravel_index(model.tissue.cells.site[there], shape)
        assert (found.x, found.y) == ((x + 0.5) / shape[1], (y + 0.5) / shape[0])
        moved += int(model.tissue.cells.site[there] != at)
    assert moved
    assert revisit(model, [12345]) == ()


def test_a_glance_is_one_line_a_cell_with_its_hardest_rule(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.step()
    found = look(model, 0.5, 0.5)
    full = replace(found[0], name="a <b> cell", occupancies=(("CXCR3", 0.3), ("CCR2", 0.5), ("CCR4", 0.1)))
    said = glance([full])
    assert "a &lt;b&gt; cell" in said
    assert re.findall(r"(\w+ \d+% held)", said) == ["CCR2 50% held"]
    text = plain(glance(found, "IFNG 0.01 nM"))
    assert text.endswith("IFNG 0.01 nM")
    for cell in found:
        assert cell.name in text
        assert f"→ {cell.pulls[0].behavior}" in text


def test_an_inhibited_pathway_takes_the_strength_from_its_rules(tiny: Scenario) -> None:
    free, inhibited = Session(tiny, 1), Session(tiny, 1)
    inhibited.intervene({"do": "inhibit", "pathway": "STAT3", "fraction": 1.0})
    for session in (free, inhibited):
        session.step()
    carried = [
        program for program in free.model.biology.programs for term in program.ups if "STAT3" in term.pathway
    ]  # fmt: skip
    assert carried

    def strengths(session: Session) -> dict[tuple[str, str, str], float]:
        biology, cells = session.model.biology, session.model.tissue.cells
        known = {program.cell for program in carried}
        keys = [int(key) for key, kind in zip(cells.key, cells.kind, strict=True) if kind in known]
        _, found = session.revisit(keys)
        return {
            (cell.kind, pull.signal, pull.behavior): pull.weight
            for cell in found
            for pull in cell.pulls
            if any(
                biology.cells[p.cell] == cell.kind and biology.behaviors[p.behavior] == pull.behavior
                and any("STAT3" in t.pathway and str(biology.signals[t.signal]) == pull.signal for t in p.ups)
                for p in carried
            )
        }  # fmt: skip

    assert strengths(free)
    assert not strengths(inhibited)


def test_a_block_shows_in_the_occupancy(tiny: Scenario) -> None:
    def held(session: Session) -> float:
        cells = session.model.tissue.cells
        row = int(np.flatnonzero(cells.kind == session.model.biology.cell_index["CD8"])[0])
        y, x = np.unravel_index(cells.site[row], session.model.tissue.lattice.shape)
        _, (cell, *_) = session.look((x + 0.5) / 32, (y + 0.5) / 32)
        return dict(cell.occupancies)["CXCR4"]

    free, blocked = Session(tiny, 1), Session(tiny, 1)
    blocked.intervene({"do": "block", "receptor": "CXCR4", "fraction": 1.0})
    free.step()
    blocked.step()
    assert held(blocked) == 0 < held(free)


def test_the_explanation_is_the_model_in_words_with_lists_a_browser_lays_out(tiny: Scenario) -> None:
    text = explanation(tiny)
    assert "## What happens in a step, in this order" in text
    assert not re.search(r":\n- ", text)


def test_what_is_on_the_screen_has_its_sources() -> None:
    text = on_screen(View(field="IFNG", coloring="exhaustion"), load_catalogue())
    assert "interferon gamma" in text
    assert "diffusivity" in text
    assert "Exhaustion" in text
    assert "10.7554/eLife.36967" in text


def test_the_rules_on_the_screen_come_with_their_sources() -> None:
    catalogue = load_catalogue()
    text = on_screen(View(field="CXCL10"), catalogue)
    rules = [rule for rule in catalogue.rules if rule.behavior == "secretion CXCL10" and rule.half_max.source]
    listed = [rule for rule in rules if rule.title in text]
    assert listed
    for rule in listed:
        assert f"[{rule.half_max.source[0]}](http" in text


def test_prose_is_laid_out_and_holds_no_html_of_others() -> None:
    pytest.importorskip("markdown", reason="no markdown: pip install 'tme_abm[viz]'")
    html = prose("## A\n\n- one <script>x</script> & [b](https://doi.org/1)\n- p < 1\n")
    assert "<h2>A</h2>" in html
    assert html.count("<li>") == 2
    assert "&lt;script&gt;x&lt;/script&gt; &amp; " in html
    assert '<a target="_blank" rel="noopener" href="https://doi.org/1">b</a>' in html


def test_a_place_is_where_a_person_points() -> None:
    assert place(load("hot"), 0.25, 0.5) == ["544.0 um", "1088.0 um"]
    assert place(load("hot", TINY | {"lattice.shape": [14, 13, 12]}), 0.25, 0.5)[2:] == ["102.0 um"]
