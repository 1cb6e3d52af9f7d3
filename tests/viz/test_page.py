"""The page in a real browser: everything on it is tried once. Screenshots stay in the directory of the test run.

What a person does first is quick and tried with every `make test`, where there is a browser; the rest is slow.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.models import same
from tests.viz import frame_rate
from tests.viz.browser import Watcher, browser, chromium, served
from tme_abm.cli import main
from tme_abm.model import TumorModel
from tme_abm.report.style.palette import cell_color, rgb
from tme_abm.scenario import load
from viz.session import Session

SMALL = """
extends = "hot"
title = "A small one"
[lattice]
shape = [48, 48]
margin = "60 um"
[tumor]
cells = 200
"""

OVERLAPPING = """() => [...document.querySelectorAll('.tme-chart')].filter(chart => {
    const [title, names] = chart.querySelectorAll('text');
    return names.textContent && title.getBoundingClientRect().right > names.getBoundingClientRect().left;
}).map(chart => chart.getAttribute('aria-label'))"""

FIGURES = """[...document.querySelectorAll("img")].filter(image => image.naturalWidth > 1).map(image => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL();
})"""


PIXELS = """color => [...document.querySelectorAll("img")].filter(image => image.naturalWidth > 1).map(image => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let at = 0; at < bytes.length; at += 4)
        found += color.every((part, channel) => Math.abs(bytes[at + channel] - part) < 4);
    return found;
})[0]"""


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
    with opened(chrome, url) as page:
        yield page


@contextmanager
def opened(chrome: Any, url: str) -> Iterator[Any]:
    """A page that is watched from its first request on, and held to what `Watcher` notes when it closes."""
    page = chrome.new_page(viewport={"width": 1280, "height": 800})
    watcher = Watcher(page)
    page.goto(url)
    page.get_by_role("button", name="Play").wait_for()
    yield page
    watcher.check()
    page.close()


def step(page: Any) -> int:
    return int(re.findall(r"Step (\d+)", page.locator(".tme-header").inner_text())[0])


def wait_for_step(page: Any, number: int) -> None:
    page.locator(".tme-header").get_by_text(f"Step {number}", exact=True).wait_for()


def do_step(page: Any) -> None:
    number = step(page)
    page.get_by_role("button", name="Step", exact=True).click()
    wait_for_step(page, number + 1)


def choose(page: Any, label: str, option: str) -> None:
    """Pick from a menu; from a long one, by typing."""
    menu = page.locator(".v-select", has=page.get_by_text(label, exact=True))
    menu.click()
    if "v-autocomplete" in menu.get_attribute("class"):
        menu.get_by_role("textbox").fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def picture(page: Any) -> str:
    return str(page.locator(".tme-picture img").get_attribute("src"))


def wait_for_another(page: Any, before: str) -> None:
    page.wait_for_function(
        "before => document.querySelector('.tme-picture img').getAttribute('src') !== before", arg=before
    )


def changed_figures(page: Any, before: list[str]) -> list[str]:
    """The figures of Mesa's page, once none is as it was."""
    page.wait_for_function(
        f"before => {{ const now = {FIGURES}; return now.length === before.length "
        "&& now.every(src => !before.includes(src)); }",
        arg=before,
    )
    return list(page.evaluate(f"({FIGURES})"))


def test_play_pause_step_and_restart(page: Any, tmp_path: Path) -> None:
    assert step(page) == 0
    do_step(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => +document.body.innerText.match(/Step (\\d+)/)[1] > 4")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    stood = step(page)
    page.wait_for_timeout(1000)  # what is under way is finished and shown, late on a busy machine
    last = step(page)
    page.wait_for_timeout(2000)  # in which it would do a dozen
    assert step(page) == last <= stood + 5
    page.screenshot(path=tmp_path / "played.png")
    page.get_by_role("button", name="Restart").click()
    wait_for_step(page, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1600, 1000)])
def test_nothing_is_clipped_or_overlaps(page: Any, tmp_path: Path, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    do_step(page)
    choose(page, "Color cells by", "exhaustion")
    choose(page, "Overlay", "CXCL10")
    page.locator(".tme-bars .bar").nth(1).wait_for()  # the longest legend there is
    for name in ("Tumor traits", "Blood pools", "Save", "Interventions"):
        page.get_by_role("button", name=name).click()
        page.get_by_role("button", name=f"▾ {name}").wait_for()
        page.wait_for_timeout(300)
        page.screenshot(path=tmp_path / f"{name}.png")
        for card in page.locator(".tme-card").all():
            box = card.bounding_box()
            assert box["x"] >= 0
            assert box["width"] > 200
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
        headings = [button.bounding_box() for button in page.locator(".tme-fold").all()]
        assert all(a["y"] + a["height"] <= b["y"] + 1 for a, b in pairwise(headings))
        assert headings[-1]["y"] + headings[-1]["height"] <= height
    too_wide = page.evaluate(
        "() => [...document.querySelectorAll('.tme-verdict, .tme-legend, .tme-header, .tme-section')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)"
    )
    assert too_wide == []
    for card in (".tme-results", ".tme-scope"):
        assert page.locator(card).evaluate("e => e.scrollHeight <= e.clientHeight"), card
    picture_box, legend_box = (page.locator(name).bounding_box() for name in (".tme-picture", ".tme-legend"))
    assert picture_box["width"] == pytest.approx(picture_box["height"], abs=2)
    for box in (picture_box, legend_box):
        middle = box["x"] + box["width"] / 2
        scope = page.locator(".tme-scope").bounding_box()
        assert middle == pytest.approx(scope["x"] + scope["width"] / 2, abs=4)  # they stand on one axis
    assert picture_box["height"] > 0.65 * height
    overlapping = page.evaluate(OVERLAPPING)
    assert overlapping == []


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
    assert re.search(r"IFNG\s+0\s+[\d.]+ nM", page.locator(".tme-bars").inner_text())
    before = picture(page)
    page.get_by_role("button", name="all", exact=True).click()
    wait_for_another(page, before)
    image = page.locator(".tme-picture img")
    box = image.bounding_box()
    middle = {"x": box["width"] / 2, "y": box["height"] / 2}
    image.hover(position=middle)
    hint = page.locator(".tme-picture .hint")
    hint.wait_for()
    assert re.search(r"tumor cell.* → .* ×.*IFNG [\de.-]+ nM", hint.inner_text(), flags=re.DOTALL)
    page.screenshot(path=tmp_path / "hint.png")
    image.click(position=middle)
    page.get_by_text("Rules at work").first.wait_for()
    assert page.get_by_text("Receptor occupancy").count()
    day = page.locator(".tme-close").first.inner_text()
    do_step(page)
    page.wait_for_function("day => document.querySelector('.tme-close').innerText !== day", arg=day)  # it follows
    page.screenshot(path=tmp_path / "look.png")
    page.get_by_role("button", name="back to the time courses").click()
    page.get_by_label("Leukocytes").wait_for()


def test_treat_save_and_run_what_was_saved(page: Any, tmp_path: Path) -> None:
    do_step(page)
    page.get_by_role("button", name="Block PD-1").click()
    page.locator(".tme-force").get_by_text("block PD1 by 90%").wait_for()
    choose(page, "Or", "dose a molecule: depot")
    page.get_by_role("button", name="Dose where I click").click()
    page.get_by_role("button", name="Click the place").wait_for()
    page.locator(".tme-picture img").click(position={"x": 100, "y": 200})
    page.locator(".tme-force").get_by_text("CXCL10 by depot").wait_for()
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
    assert [item.do for item in load(files["Scenario"]).protocol] == ["block", "dose", "set trait"]
    assert main(["run", str(files["Scenario"]), "--days", "0.02", "--out", str(tmp_path / "run"), "--quiet"]) == 0
    with files["Series"].open(encoding="utf-8") as series:
        rows = list(csv.DictReader(series))
    last = {row["metric"]: float(row["value"]) for row in rows if row["time_day"] == rows[-1]["time_day"]}
    model = TumorModel(files["Scenario"], rng=1)
    model.run_until(float(rows[-1]["time_day"]))
    assert last["CD8 cells"] == (model.tissue.living & (model.tissue.cells.kind == 1)).sum()
    assert last["CXCL10 core"] > 0
    assert files["Picture"].read_bytes().startswith(b"\x89PNG")
    with zipfile.ZipFile(files["State"]) as archive:
        archive.extractall(tmp_path)
    (checkpoint,) = files["State"].with_suffix("").glob("checkpoint/*.npz")
    with np.load(checkpoint) as saved:
        assert same({name: saved[name] for name in saved.files}, model.state())


@pytest.mark.slow
def test_each_intervention_works_on_the_running_tumor(page: Any, tmp_path: Path) -> None:
    do_step(page)
    for form, button, told in (
        ("block a receptor", "Block", r"block \w+ by 90%"),
        ("neutralize a molecule", "Neutralize", "neutralize 90% of CXCL10"),
        ("hold a molecule", "Hold", "hold CXCL10 at 1 nM to 0"),
        ("inhibit a pathway", "Inhibit", r"inhibit \S+ by 90%"),
        ("knock out a product", "Knock out", r"knock out IFNG in CD8"),
        ("fix a behavior", "Fix", "fix attack of CD8 at 3 /h"),
        ("deplete cells", "Deplete", "deplete TAM at 2 /day"),
        ("dose a molecule: bath", "Dose", "dose CXCL10 by bath"),
        ("infuse cells", "Infuse", r"infuse 500 CD8"),
        ("add cells", "Add", "add 500 CD8, activation 0.9"),
    ):
        if form != "block a receptor":
            choose(page, "Or", form)
        match form:
            case "hold a molecule":
                choose(page, "With", "to")
                page.keyboard.press("Escape")
            case "deplete cells":
                choose(page, "Cells", "TAM")
            case "add cells":
                choose(page, "With", "activation")
                page.keyboard.press("Escape")
            case "knock out a product":
                choose(page, "Cells", "CD8")
            case "fix a behavior":
                choose(page, "Behavior", "attack")
                choose(page, "Cells", "CD8")
                page.get_by_text(re.compile(r"now [\d.]+ /\w+ on average")).wait_for()  # a rate, no speed
                page.get_by_label("Value, with its unit").fill("0.05 /min")
                page.keyboard.press("Enter")
        page.get_by_role("button", name=button, exact=True).click()
        page.locator(".tme-force").get_by_text(re.compile(told)).wait_for()
    page.screenshot(path=tmp_path / "treated.png")
    number = int(re.findall(r"CD8\s+(\d+)", page.locator(".tme-legend").inner_text())[0])
    do_step(page)
    page.wait_for_function(
        "least => +document.querySelector('.tme-legend').innerText.match(/CD8\\s+(\\d+)/)[1] > least", arg=number + 400
    )
    page.locator(".tme-force", has_text="block").get_by_role("button", name="end").click()
    page.locator(".tme-force", has_text="block").wait_for(state="hidden")
    assert step(page) == 2
    assert page.locator(".tme-chart .mark").count() == 6 * 1  # all was begun on one day: one line a chart
    hold = page.locator(".tme-picture img").get_attribute("src")
    choose(page, "Overlay", "CXCL10")
    wait_for_another(page, hold)
    image = page.locator(".tme-picture img")
    box = image.bounding_box()
    levels = []
    for share in (0.1, 0.9):
        image.hover(position={"x": share * box["width"], "y": box["height"] / 2})
        page.wait_for_function(
            "known => { const hint = document.querySelector('.hint'); "
            "return hint && hint.innerText.includes('CXCL10') && hint.innerText !== known; }",
            arg=levels[-1][1] if levels else "",
        )
        said = page.locator(".hint").inner_text()
        levels.append((float(re.findall(r"CXCL10 ([\d.e-]+) nM", said)[0]), said))
    assert levels[0][0] > levels[1][0] + 0.3


def test_what_has_no_room_is_told_and_the_page_lives_on(page: Any) -> None:
    choose(page, "Or", "add cells")
    slider = page.get_by_label("count")
    slider.focus()
    page.keyboard.press("End")
    page.get_by_text("100,000").wait_for()
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".tme-message").get_by_text("100000 cells do not fit").wait_for()
    page.get_by_role("button", name="close").click()
    do_step(page)


def test_only_this_machine_is_served(url: str) -> None:
    port = int(url.rstrip("/").rpartition(":")[2])
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, at = local.partition(":")
            if state == "0A" and int(at, 16) == port:
                listening.append(address)
    if not listening:
        pytest.skip("this system has no table of listening sockets")
    assert listening == ["0100007F"]  # 127.0.0.1


@pytest.mark.slow
def test_two_tabs_are_independent(page: Any, chrome: Any, url: str) -> None:
    with opened(chrome, url) as other:
        do_step(page)
        do_step(page)
        assert step(other) == 0
        do_step(other)
        assert (step(page), step(other)) == (2, 1)


@pytest.mark.slow
def test_the_model_is_explained(page: Any, tmp_path: Path) -> None:
    page.get_by_role("button", name="The model explained").click()
    page.get_by_text("What happens in a step").wait_for()
    assert page.get_by_role("link", name="Kather et al. 2018").get_attribute("target") == "_blank"
    page.screenshot(path=tmp_path / "explained.png")
    page.get_by_role("button", name="Tissue").click()
    page.locator(".tme-picture img").wait_for()


@pytest.mark.slow
def test_stock_mesa_shows_the_model(chrome: Any, tmp_path: Path) -> None:
    pytest.importorskip("networkx", reason="Mesa's page needs networkx: pip install 'tme_abm[browser]'")
    app = str(Path(__file__).with_name("stock_app.py"))
    with served(
        "-m", "solara", "run", app, "--host", "127.0.0.1", "--no-open", "--production", "--no-check-version",
        SOLARA_TELEMETRY_MIXPANEL_ENABLE="False",
    ) as address:  # fmt: skip
        page = chrome.new_page(viewport={"width": 1280, "height": 800})
        watcher = Watcher(page)
        page.goto(address)
        at = [re.compile(f"(Step: {step}|Time: {step}\\.0)") for step in range(2)]
        page.get_by_text(at[0]).wait_for()
        page.wait_for_function(f"({FIGURES}).length === 2")  # the tissue, and the plot below it
        seen = [page.evaluate(f"({FIGURES})")]
        sixty = page.evaluate(PIXELS, list(rgb(cell_color("tumor"))))
        page.get_by_role("button", name="Step", exact=True).click()
        page.get_by_text(at[1]).wait_for()
        seen.append(changed_figures(page, seen[-1]))
        page.screenshot(path=tmp_path / "stock.png")
        page.get_by_role("button", name="▶").click()
        page.wait_for_function("() => +document.body.innerText.match(/(?:Step|Time): (\\d+)/)[1] > 3")
        page.get_by_role("button", name="❚❚").click()
        page.locator(".v-input__slider", has_text="tumor cells").get_by_role("slider").focus()
        page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="Reset", exact=True).click()
        page.get_by_text(at[0]).wait_for()
        changed_figures(page, seen[0])
        assert page.evaluate(PIXELS, list(rgb(cell_color("tumor")))) > 1.15 * sixty > 0  # of the now 80 tumor cells
        page.screenshot(path=tmp_path / "stock-reset.png")
        watcher.check()
        page.close()


@pytest.mark.slow
def test_ten_thousand_cells_play_at_five_pictures_a_second(chrome: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_text(frame_rate.LARGE, encoding="utf-8")
    session = Session(load(path), 1)
    assert len(session.model.tissue.cells) >= 10_000
    assert len(session.frame.fields) >= 20
    rate = frame_rate.play(chrome, path, shot=tmp_path / "large.png")
    if rate.pictures < 5 and rate.load > 0.7:
        pytest.skip(f"{rate.pictures:.1f} pictures a second, but the machine was busy (load {rate.load:.1f})")
    assert rate.pictures >= 5
