"""The report says what the comparison found, needs nothing else, and survives what is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.report.synthetic import write_synthetic
from tests.support.page import Page
from tme_abm.core.errors import InputError
from tme_abm.report.comparison import write_comparison
from tme_abm.report.style.numbers import interval, number, signed

SMALL = {"side": 60, "days": (0.0, 5.0, 10.0)}


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One report with everything in it, for the tests that only read."""
    directory = write_synthetic(tmp_path_factory.mktemp("two"), **SMALL)
    write_comparison(directory)
    return directory


def test_nothing_is_fetched_from_elsewhere(written: Path) -> None:
    page = read(written / "report.html")
    addresses = [v for _, attrs in page.tags for k, v in attrs.items() if k in {"src", "href", "srcset", "action"}]
    assert len(addresses) > 10
    assert all((address or "").startswith(("data:image/", "#")) for address in addresses)
    assert page.count("script") == page.count("link") == page.count("iframe") == 0
    assert not re.search(r"https?://|@import|url\(", page.raw)


def test_numbers_are_those_of_the_comparison(written: Path) -> None:
    page = read(written / "report.html").text
    content = json.loads((written / "comparison.json").read_text())
    for name in ("cold", "hot"):
        for metric in ("CD8 core", "CD8 margin", "tumor cells"):
            entry = content["scenarios"][name]["metrics"][metric]
            mean, ends = entry["mean"], tuple(entry["ci95"])
            assert number(mean, ends) in page
            assert interval(mean, ends) in page
    contrast = next(c for c in content["contrasts"] if c["metric"] == "CD8 core")
    ends = tuple(contrast["ci95"])
    shown = f"{signed(contrast['difference'], ends)} {interval(contrast['difference'], ends, plus=True)}"
    assert shown in page
    assert f"{contrast['paired_correlation']:+.2f}".replace("-", "−") in page
    assert "Hot in 4 of 4 replicates" in page
    assert content["command"] in page
    assert "2.4.6" in page


def test_scenarios_differ_in_what_their_files_say(written: Path) -> None:
    raw = (written / "report.html").read_text(encoding="utf-8")
    table = raw[raw.index("How the scenarios differ") : raw.index("<h2>The tissue</h2>")]
    assert re.findall(r'<th scope="row">([^<]+)</th>', table) == [
        "antigenicity", "MHC1", "TGFB secretion", "CSF1 secretion",
    ]  # fmt: skip
    assert '<td class="num">0.38</td><td class="num">0.80</td>' in table.replace("0.8<", "0.80<")


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    directory = write_synthetic(tmp_path, ("hot",), brief=True)
    before = write_comparison(directory).read_bytes()
    assert write_comparison(directory) == directory / "report.html"
    assert (directory / "report.html").read_bytes() == before
    assert not list(directory.glob(".*"))


def test_pictures_are_there_for_each_moment_and_scenario(written: Path) -> None:
    alts = [attrs.get("alt") or "" for tag, attrs in read(written / "report.html").tags if tag == "img"]
    assert "Tissue of cold on day 5" in alts
    assert "Tissue of hot on day 10" in alts
    assert "Concentration of CXCL10 in cold and hot" in alts


def test_text_from_scenario_files_is_escaped(tmp_path: Path) -> None:
    attack = '<script>alert("1")</script><img src=x onerror=alert(1)>'
    name = 'a"><b>$x$'
    directory = write_synthetic(
        tmp_path, (name, "hot"), titles={name: attack}, descriptions={name: attack}, command=attack,
        replicates=2, failed={"hot": 1}, brief=True,
    )  # fmt: skip
    content = json.loads((directory / "comparison.json").read_text())
    content["scenarios"][name]["resolved"] += f'description = """{attack}"""\n'
    content["scenarios"]["hot"]["runs"][0]["error"] = attack
    (directory / "comparison.json").write_text(json.dumps(content))
    page = read(write_comparison(directory))
    assert page.count("script") == 0
    assert page.count("b") == 0
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)
    assert page.text.count('<script>alert("1")</script>') >= 4  # title, description, error, command: shown, not run


def test_one_replicate_has_no_intervals(tmp_path: Path) -> None:
    page = read(write_comparison(write_synthetic(tmp_path, ("hot",), replicates=1, days=(0.0, 10.0), side=60))).text
    assert "95 % interval" not in page[: page.index("Verdict")]
    assert "One tumor grew for 10 days in the simulator, in 1 replicate." in page
    assert "“hot” came out hot, with" in page
    assert "nan" not in page.lower().split()


def test_six_scenarios_without_pictures(tmp_path: Path) -> None:
    names = ("cold", "hot", "excluded", "d", "e", "f")
    page = read(write_comparison(write_synthetic(tmp_path, names, brief=True, replicates=2)))
    assert "the runs kept no snapshots" in page.text
    assert all(f"{name}, end" not in page.text for name in names)  # inside the charts, as paths
    assert "Six tumors grew" in page.text
    assert "CD8 T cells per mm² in the tumor core. “hot” came out hot" in page.text


def test_a_failed_run_is_named_and_left_out(tmp_path: Path) -> None:
    page = read(write_comparison(write_synthetic(tmp_path, replicates=3, failed={"hot": 2}, brief=True))).text
    assert "1 run did not finish" in page
    assert "hot, seed 2 (failed: the fields blew up at day 3.2)" in page
    assert "Hot in 2 of 2 replicates" in page


def test_a_scenario_all_of_whose_runs_failed(tmp_path: Path) -> None:
    directory = write_synthetic(tmp_path, replicates=1, failed={"hot": 1}, side=40, days=(0.0, 10.0))
    page = read(write_comparison(directory)).text
    assert "“hot” has no result: no replicate came to its end." in page
    assert "No pictures were kept of hot." in page


def test_a_swap_of_traits_is_tabled(tmp_path: Path) -> None:
    directory = write_synthetic(tmp_path, ("hot", "hot-all", "cold"), brief=True, replicates=2)
    content = json.loads((directory / "comparison.json").read_text())
    variant = {"name": "hot-all", "group": "all traits", "traits": ["antigenicity", "tgfb_secretion"]}
    content["swap"] = {"from": "cold", "into": "hot", "variants": [variant], "not_swapped": []}
    (directory / "comparison.json").write_text(json.dumps(content))
    page = read(write_comparison(directory)).text
    assert "Which traits decide" in page
    assert "hot with all traits of cold cold in 2 of 2 replicates" in page
    assert page.count("hot with traits of cold") == 2


def test_what_is_not_a_comparison_is_refused(tmp_path: Path) -> None:
    for text, told in (
        ('{"scenarios": {"x": 3}}', r"is not a comparison \(KeyError: 'schema'\)"),
        ('{"schema": 0}', "was written in format 0; this version reads 1"),
    ):
        (tmp_path / "comparison.json").write_text(text)
        with pytest.raises(InputError, match=told):
            write_comparison(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_arms_of_one_tissue_say_when_they_parted(tmp_path: Path) -> None:
    write_synthetic(tmp_path, brief=True)
    plain = read(write_comparison(tmp_path))
    content = json.loads((tmp_path / "comparison.json").read_text())
    content["branched"] = {"days": [5.0], "from": ["a"]}
    (tmp_path / "comparison.json").write_text(json.dumps(content))
    parted = read(write_comparison(tmp_path))
    assert "before they parted on day 5, and their chances" in parted.text
    assert "The upright dashed line marks the day" in parted.text
    assert "parted" not in plain.text
    charts = [
        [attrs["src"] for tag, attrs in page.tags if tag == "img" and "over time" in (attrs["alt"] or "")]
        for page in (plain, parted)
    ]
    assert len(charts[0]) == len(charts[1]) > 2
    assert not set(charts[0]) & set(charts[1])
