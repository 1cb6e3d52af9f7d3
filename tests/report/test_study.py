"""The report of a sensitivity analysis says what was found, needs nothing else, and keeps quiet about nothing."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import qmc

from tests.report.synthetic import write_synthetic
from tests.support.page import Page
from tests.support.studies import made_up, parameter, sampled
from tme_abm.report.comparison import write_comparison
from tme_abm.report.study import render, write_sensitivity
from tme_abm.report.study.pictures import heatmap_color
from tme_abm.report.style.palette import rgb
from tme_abm.studies.sensitivity import Sensitivity, analyze

PARAMETERS = [
    parameter("tumor.traits.antigenicity", 0.1, 0.9),
    parameter("tumor.traits.tgfb_secretion", 0.5, 20, unit="molecules/cell/min", scale="log"),
    parameter("vessels.density", 30, 300, unit="/mm^2", scale="log"),
]
POINTS = np.asarray(qmc.LatinHypercube(3, seed=2).random(60))
GRID = np.array(list(itertools.product((0.0, 1.0), (0.0, 0.5, 1.0), (0.0, 1.0))))


def grows(position: np.ndarray, seed: int) -> float:
    return float(700 * position[0] * (1.1 - position[1]) + 20 * seed)


@pytest.fixture(scope="module")
def found() -> Sensitivity:
    return analyze(made_up(POINTS, grows, parameters=PARAMETERS, seeds=(1, 2, 3), scenarios=("hot", "cold")))


@pytest.fixture(scope="module")
def page(found: Sensitivity) -> Page:
    return Page(render(found, command="python run.py sensitivity made-up"))


def test_nothing_is_fetched_from_elsewhere(page: Page, tmp_path: Path) -> None:
    assert not re.search(r"https?://|@import|url\(|<script|<link|<img", page.raw)
    study = made_up(GRID, grows, parameters=PARAMETERS, kind="grid")
    written = write_sensitivity(analyze(study), tmp_path)
    assert written == tmp_path / "report.html"
    assert written.read_bytes() == render(analyze(study)).encode()


def test_the_findings_name_what_decides_with_the_numbers_of_the_analysis(page: Page, found: Sensitivity) -> None:
    one = next(c for c in found.of("hot", "P(hot)").changes if c.key == "tumor.traits.antigenicity")
    assert f"hot: P(hot) changes clearly along antigenicity (from {one.at_low:.2f} to {one.at_high:.2f})" in page.text
    assert "60 design points (a Latin hypercube over 3 parameters) in hot and cold, 3 seeds each, 5 days" in page.text


def test_every_bar_has_its_parameter_its_ends_and_its_direction(page: Page) -> None:
    figure = page.raw[page.raw.index("Change of P(hot)") :]
    figure = figure[: figure.index("</figure>")]
    names = re.findall(r'class="name"[^>]*>([^<]+)<', figure)
    colors = re.findall(r'<rect [^>]*fill="(#\w+)"', figure)
    assert dict(zip(names, colors, strict=True))["antigenicity"] == "#0072B2"
    assert dict(zip(names, colors, strict=True))["TGFB secretion"] == "#D55E00"
    assert re.search(r"&lt;1\.7 → &gt;5\.8 molecules/cell/min", figure)
    assert figure.count('class="whisker"') == 3


def test_maps_tell_probability_and_runs_of_every_cell(page: Page, found: Sensitivity) -> None:
    counted = found.maps[0].runs
    section = page.raw[page.raw.index("Maps of the states") : page.raw.index("<h2>Regression</h2>")]
    figure = section[section.index("<h4>P(hot)</h4>") :]
    figure = figure[: figure.index("</figure>")]
    runs = [int(text) for text in re.findall(r'class="runs[^"]*"[^>]*>(\d+)<', figure)]
    assert sorted(runs) == sorted(counted.ravel().tolist())
    assert sum(runs) == 180
    shown = re.findall(r'class="on[^"]*"[^>]*>([\d.]+)<', figure)
    assert len(shown) == counted.size
    assert "TGFB secretion [molecules/cell/min]" in section
    titles = re.findall(r"<h4>([^<]+)</h4>", page.raw)
    assert titles.count("P(excluded)") == 2


def test_text_on_a_cell_can_be_read() -> None:
    # WCAG contrast of black or white text on each shade a map can have.
    from tme_abm.report.study.pictures import _shade

    def light(color: str) -> float:
        parts = [value / 255 for value in rgb(color)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return float(np.dot((0.2126, 0.7152, 0.0722), linear))

    for outcome in ("P(hot)", "P(cold)", "P(excluded)", "CD8 core"):
        for share in np.linspace(0, 1, 51):
            color, white = _shade(heatmap_color(outcome), float(share))
            ground, ink = light(color), light("#FFFFFF" if white else "#1F2933")
            high, low = max(ground, ink), min(ground, ink)
            assert (high + 0.05) / (low + 0.05) > 3.3, (outcome, share)


def test_designs_without_indices_say_what_would_give_them(page: Page) -> None:
    assert "Morris and Sobol indices need a design that was sampled for them" in page.text
    assert "PRCC" in page.text
    assert "R² of the regressions" in page.text


def test_outcomes_that_never_change_are_named(page: Page) -> None:
    assert "The same everywhere, so nothing to explain: P(excluded) (0.00)" in page.text


def test_missing_runs_and_refused_indices_stand_at_the_top() -> None:
    pytest.importorskip("SALib")
    study = made_up(
        sampled("sobol indices", 3, 16), grows, parameters=PARAMETERS, kind="sobol indices", samples=16,
        missing=[(3, 1), (9, 2)],
    )  # fmt: skip
    head = Page(render(analyze(study))).text.split("What decides hot or cold")[0]
    assert "2 of 160 runs have no result (2 failed)" in head
    assert "Indices not computed: 2 of 160 values are missing" in head
    assert "batch --retry-failed" in head


def test_one_seed_cannot_tell_chance() -> None:
    text = Page(render(analyze(made_up(GRID, grows, parameters=PARAMETERS, kind="grid", seeds=(1,))))).text
    assert "Every point was run with one seed" in text
    assert "Chance left in the means" not in text


def test_text_from_study_files_is_escaped() -> None:
    attack = '<script>alert("1")</script><img src=x onerror=alert(1)>'
    study = made_up(GRID, grows, parameters=PARAMETERS, kind="grid", title=attack, scenarios=(attack,))
    page = Page(render(analyze(study), command=attack))
    assert not any(tag in {"script", "img"} for tag, _ in page.tags)
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)
    assert page.text.count('<script>alert("1")</script>') >= 3  # title, findings, command


def test_a_comparison_from_a_study_names_it_and_what_is_held(tmp_path: Path) -> None:
    directory = write_synthetic(tmp_path, ("hot", "cold"), brief=True)
    content = json.loads((directory / "comparison.json").read_text())
    content["study"] = {"name": "antigens", "title": "Which antigen", "held": {"vessels.density": "50 /mm^2"}}
    (directory / "comparison.json").write_text(json.dumps(content))
    page = Page(write_comparison(directory).read_text(encoding="utf-8"))
    assert "<h1>Which antigen</h1>" in page.raw
    assert "2 arms of the study antigens. Held in all of them: vessels.density = 50 /mm^2." in page.text


def test_pairs_are_listed_when_the_design_has_them() -> None:
    pytest.importorskip("SALib")
    study = made_up(
        sampled("sobol indices", 3, 32, second=True), grows, parameters=PARAMETERS, kind="sobol indices", samples=32
    )
    text = Page(render(analyze(study, ["CD8 core"]))).text
    assert "S2" in text
    assert "antigenicity × TGFB secretion" in text
