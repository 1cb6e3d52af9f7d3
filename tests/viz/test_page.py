"""The page in a real browser: everything on it is tried once. Screenshots stay in the directory of the test run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.viz.browser import Watcher, browser, chromium, served
from tme_abm.model import TumorModel
from tme_abm.scenario import load

pytestmark = pytest.mark.slow

SMALL = """
extends = "hot"
title = "A small one"
[lattice]
shape = [48, 48]
margin = "60 um"
[tumor]
cells = 200
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def url(small: Path) -> Iterator[str]:
    chromium()
    with served("run.py", "view", str(small), "--no-browser") as address:
        yield address


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture
def page(chrome: Any, url: str) -> Iterator[Any]:
    found = open_page(chrome, url)
    watcher = Watcher(found)
    yield found
    assert watcher.errors == []
    assert watcher.foreign == []
    found.close()


def open_page(chrome: Any, url: str) -> Any:
    page = chrome.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.get_by_role("button", name="Play").wait_for()
    return page


def step(page: Any) -> int:
    return int(re.findall(r"Step (\d+)", page.locator(".tme-header").inner_text())[0])


def wait_for_step(page: Any, number: int) -> None:
    page.locator(".tme-header").get_by_text(f"Step {number}", exact=True).wait_for()


def do_step(page: Any) -> None:
    number = step(page)
    page.get_by_role("button", name="Step", exact=True).click()
    wait_for_step(page, number + 1)


def choose(page: Any, label: str, option: str) -> None:
    page.locator(".v-select", has_text=label).first.click()
    page.get_by_role("option", name=option, exact=True).click()


def picture(page: Any) -> str:
    return str(page.locator(".tme-picture img").get_attribute("src"))


def wait_for_another(page: Any, before: str) -> None:
    page.wait_for_function(
        "before => document.querySelector('.tme-picture img').getAttribute('src') !== before", arg=before
    )


def test_play_pause_step_and_restart(page: Any, tmp_path: Path) -> None:
    assert step(page) == 0
    do_step(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => +document.body.innerText.match(/Step (\\d+)/)[1] > 4")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    page.wait_for_timeout(500)
    stood = step(page)
    page.wait_for_timeout(700)
    assert step(page) == stood
    page.screenshot(path=tmp_path / "played.png")
    page.get_by_role("button", name="Restart").click()
    wait_for_step(page, 0)


def test_nothing_is_clipped_or_overlaps_at_1280_by_800(page: Any, tmp_path: Path) -> None:
    for name in ("Tumor traits", "Blood pools", "Save", "Interventions"):
        page.get_by_role("button", name=name).click()
        page.wait_for_timeout(300)
        page.screenshot(path=tmp_path / f"{name}.png")
        for card in page.locator(".tme-card").all():
            box = card.bounding_box()
            assert box["x"] >= 0
            assert box["width"] > 200
            assert box["x"] + box["width"] <= 1280
            assert box["y"] + box["height"] <= 800
        headings = [button.bounding_box() for button in page.locator(".tme-fold").all()]
        assert all(a["y"] + a["height"] <= b["y"] + 1 for a, b in pairwise(headings))
        assert headings[-1]["y"] + headings[-1]["height"] <= 800
    too_wide = page.evaluate(
        "() => [...document.querySelectorAll('.tme-verdict, .tme-legend, .tme-header, .tme-section')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)"
    )
    assert too_wide == []


def test_another_scenario_and_seed(page: Any) -> None:
    choose(page, "Scenario", "cold")
    page.get_by_text("Cold: hardly seen").wait_for()
    before = picture(page)
    page.get_by_label("Seed").fill("7")
    page.keyboard.press("Enter")
    wait_for_another(page, before)
    wait_for_step(page, 0)


def test_a_bad_seed_is_told_and_the_page_lives_on(page: Any) -> None:
    page.get_by_label("Seed").fill("-3")
    page.keyboard.press("Enter")
    page.get_by_text("is not a whole number").wait_for()
    page.get_by_role("button", name="close").click()
    do_step(page)


def test_colors_overlays_and_a_close_look(page: Any, tmp_path: Path) -> None:
    do_step(page)
    before = picture(page)
    choose(page, "Color cells by", "PD-L1")
    wait_for_another(page, before)
    before = picture(page)
    choose(page, "Overlay", "IFNG")
    wait_for_another(page, before)
    assert re.search(r"IFNG\s+0 [pnf]M\s+[\d.]+ [pnf]M", page.locator(".tme-bars").inner_text())
    before = picture(page)
    page.get_by_role("button", name="all", exact=True).click()
    wait_for_another(page, before)
    box = page.locator(".tme-picture img").bounding_box()
    page.locator(".tme-picture img").click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.get_by_text("Rules at work").first.wait_for()
    page.screenshot(path=tmp_path / "look.png")
    page.get_by_role("button", name="back to the time courses").click()
    page.get_by_label("Leukocytes").wait_for()


def test_treat_save_and_run_what_was_saved(page: Any, tmp_path: Path) -> None:
    do_step(page)
    page.get_by_role("button", name="Block PD-1").click()
    page.get_by_text("block PD1 by 90%").wait_for()
    choose(page, "Or", "inject a depot")
    page.get_by_role("button", name="Inject where I click").click()
    page.get_by_role("button", name="Click the place").wait_for()
    page.locator(".tme-picture img").click(position={"x": 100, "y": 200})
    page.get_by_text("CXCL10 by depot").wait_for()
    page.get_by_role("button", name="Tumor traits").click()
    page.get_by_label("antigenicity").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Set now").click()
    do_step(page)
    assert step(page) == 2  # nothing was reset
    page.get_by_role("button", name="Save").click()
    files = {}
    for what in ("Picture", "Series", "Scenario", "State"):
        with page.expect_download() as download:
            page.locator(".tme-save").get_by_text(what).click()
        files[what] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[what])
    scenario = load(files["Scenario"])
    assert [item.do for item in scenario.protocol] == ["block", "dose", "set trait"]
    model = TumorModel(scenario, rng=1)
    model.step()
    model.step()
    rows = [line.split(",") for line in files["Series"].read_text().splitlines()[1:]]
    last = {metric: float(value) for day, metric, value in rows if day == rows[-1][0]}
    assert last["CD8 cells"] == (model.tissue.living & (model.tissue.cells.kind == 1)).sum()
    assert last["CXCL10 core"] > 0
    assert files["Picture"].read_bytes().startswith(b"\x89PNG")


def test_two_tabs_are_independent(page: Any, chrome: Any, url: str) -> None:
    other = open_page(chrome, url)
    do_step(page)
    do_step(page)
    assert step(other) == 0
    do_step(other)
    assert (step(page), step(other)) == (2, 1)
    other.close()


def test_the_model_is_explained(page: Any, tmp_path: Path) -> None:
    page.get_by_role("button", name="The model explained").click()
    page.get_by_text("What happens in a step").wait_for()
    page.screenshot(path=tmp_path / "explained.png")
    page.get_by_role("button", name="Tissue").click()
    page.locator(".tme-picture img").wait_for()


def test_stock_mesa_shows_the_model(chrome: Any, tmp_path: Path) -> None:
    pytest.importorskip("networkx", reason="Mesa's page needs networkx: pip install 'tme_abm[browser]'")
    app = str(Path(__file__).with_name("stock_app.py"))
    with served(
        "-m", "solara", "run", app, "--host", "127.0.0.1", "--no-open", "--production", "--no-check-version",
        SOLARA_TELEMETRY_MIXPANEL_ENABLE="False",
    ) as address:  # fmt: skip
        page = chrome.new_page()
        watcher = Watcher(page)
        page.goto(address)
        page.get_by_text(re.compile(r"(Step: 0|Time: 0\.0)")).wait_for()
        page.get_by_role("button", name="Step", exact=True).click()
        page.get_by_text(re.compile(r"(Step: 1|Time: 1\.0)")).wait_for()
        page.screenshot(path=tmp_path / "stock.png")
        assert watcher.errors == []
        assert watcher.foreign == []
        page.close()
