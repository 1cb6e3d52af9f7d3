"""The page of the executable review says what the review found, needs nothing else, and hides nothing."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Mapping
from html import unescape
from pathlib import Path

import pytest

from tests.report import reviewed
from tests.support.page import Page
from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.evidence.claims import claims, scope
from tme_abm.evidence.results import AssayResult, ClaimResult, Judged, Reading
from tme_abm.report.claims import View, render, view_of, write_claims
from tme_abm.report.claims.pictures import arms_plot, forest
from tme_abm.report.claims.sweeps import Curve
from tme_abm.report.claims.view import expected

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def claims_of(raw: str) -> dict[str, Mapping[str, str | None]]:
    """The attributes of the claims of a page, by id."""
    return {a["id"] or "": a for tag, a in Page(raw).tags if tag == "details" and a.get("class") == "claim"}


def seen(*assays: AssayResult) -> View:
    """The view of a review of the claims that these assays serve."""
    return view_of(reviewed.review(*assays), load_catalogue(), {})


def part(raw: str, claim: str) -> str:
    """What the page says about one claim, as raw HTML."""
    start = raw.index(f'id="{claim}"')
    return raw[start : raw.index("</aside>", start)]


@pytest.fixture(scope="module")
def ordinary() -> View:
    return view_of(reviewed.ordinary(), load_catalogue(), {})


@pytest.fixture(scope="module")
def raw(ordinary: View) -> str:
    return render(ordinary)


def test_nothing_is_fetched(raw: str) -> None:
    found = Page(raw)
    fetched = [(tag, k, v) for tag, a in found.tags for k, v in a.items() if k in {"src", "srcset", "action", "data"}]
    assert fetched == []
    assert not {"link", "iframe", "img", "object"} & {tag for tag, _ in found.tags}
    assert all(v.startswith("#") for tag, a in found.tags if tag == "use" and (v := a["href"]))
    assert not re.search(r"@import|url\(|fetch\(|XMLHttp|import\(", raw)
    policy = next(a["content"] or "" for tag, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_every_claim_is_there_once_by_id(raw: str) -> None:
    found = claims_of(raw)
    assert list(found) == ["A-IL2-08", "A-TNF-08", "B-MDSC-10", "B-METH-01"]
    assert [a["data-verdict"] for a in found.values()] == ["contradicted", "shown", "not shown", "not modeled"]
    for claim, verdict in (("A-TNF-08", "shown"), ("B-MDSC-10", "not shown"), ("B-METH-01", "not modeled")):
        said = Page(part(raw, claim)).text
        assert claims()[claim].fact in said
        assert verdict in said
        assert f"tme-abm claims --id {claim}" in said


def test_figures_are_those_of_the_review(raw: str) -> None:
    one = next(c for c in reviewed.ordinary().claims if c.id == "A-TNF-08")
    assert one.effect == pytest.approx(0.515)
    said = Page(part(raw, "A-TNF-08")).text
    assert "+0.515 /cell/day" in said
    assert "0.494 to 0.536; +50 %" in said
    assert "“treated” above “control” by at least 0.1 /cell/day" in said
    assert "medium with 1 nM IL6; STAT3 inhibited" in said
    assert "360 µm x 360 µm of culture surface per well; in it 60 tumor. 4 wells, 48 h, seed 1." in said


def test_the_tally_counts_by_tier() -> None:
    verdicts = {"A-TNF-08": "shown", "A-TNF-09": "shown", "A-IL2-08": "contradicted", "B-METH-01": "not modeled"}
    results = tuple(ClaimResult(id=claim, verdict=verdict) for claim, verdict in verdicts.items())
    tally = reviewed.review().model_copy(update={"claims": results})
    raw = render(view_of(tally, load_catalogue(), {}))
    table = raw[raw.index('<table class="data tally">') : raw.index("</table>")]
    rows = [Page(f"<tr{row}").text for row in table.split("<tr")[2:]]
    assert rows == ["core 2 0 0 1 3 67 %", "extended 0 0 1 0 1 0 %", "all 2 0 1 1 4 50 %"]


def test_what_failed_says_why(raw: str) -> None:
    said = Page(part(raw, "B-MDSC-10")).text
    assert "divisions of tumor: expected “treated” above “control” by at least 0.1 /cell/day, found +0.035" in said
    assert "no assay has been written for it" in Page(part(raw, "B-METH-01")).text


def test_robustness_has_four_marks(raw: str) -> None:
    def outcomes(claim: str) -> list[str]:
        return re.findall(r'href="#g-(same|flips|not-applicable)"', part(raw, claim))

    assert outcomes("A-TNF-08") == ["not-applicable", "flips", "same", "same"]  # no half dose was run
    assert outcomes("B-MDSC-10") == ["same"] * 4
    assert outcomes("B-METH-01") == ["not-applicable"] * 4
    assert [a["data-flips"] for a in claims_of(raw).values()] == ["", "1", "", ""]


def test_what_is_beyond_tumors_is_said_with_its_figures(raw: str) -> None:
    far = render(view_of(reviewed.far(), load_catalogue(), {}))
    said = Page(part(far, "A-TNF-08")).text
    assert "beyond tumors: TNF ×330, CCL20 (absent), NK ×2.6, …" in said
    assert "Beyond tumors : TNF 10 (tumors: 0.03); CCL20 1 (tumors: None)" in said
    assert claims_of(far)["A-TNF-08"]["data-beyond"] == "1"
    assert 'name="beyond"' in far
    assert 'name="beyond"' not in raw
    assert not any(a["data-beyond"] for a in claims_of(raw).values())


def test_a_variant_tells_the_effect_of_the_claim() -> None:
    one = reviewed.assay("A-TNF-08")
    second = one.judged[0].model_copy(update={"claims": ("A-TNF-09",), "readout": "count of tumor"})
    verdicts = dict.fromkeys(("A-TNF-08", "A-TNF-09"), "shown")
    fewer = second.model_copy(update={"effect": -0.4, "ci95": (-0.5, -0.3)})
    variants = tuple(
        variant.model_copy(update={"verdicts": verdicts, "judged": (*variant.judged, fewer)})
        for variant in one.variants
    )
    one = one.model_copy(
        update={"claims": ("A-TNF-08", "A-TNF-09"), "judged": (*one.judged, second), "variants": variants}
    )
    raw = render(seen(one))
    assert part(raw, "A-TNF-08").count("+0.20 [0.10, 0.30] /cell/day") == 4
    assert "+0.20" not in part(raw, "A-TNF-09")
    assert part(raw, "A-TNF-09").count("−0.40 [−0.50, −0.30]") == 4


def test_the_verdict_is_told_without_color(raw: str) -> None:
    for claim, glyph in (("A-TNF-08", "shown"), ("A-IL2-08", "contradicted"), ("B-MDSC-10", "not-shown")):
        assert f'<use href="#g-{glyph}"/></svg>{glyph.replace("-", " ")}</span>' in part(raw, claim)
        assert f'<symbol id="g-{glyph}"' in raw


def test_names_of_the_reviews_are_found_under_those_of_the_catalogue(raw: str) -> None:
    found = claims_of(raw)
    assert "M-MDSC" in (found["B-MDSC-10"]["data-cell"] or "").split("|")
    assert "TNF" in (found["A-TNF-08"]["data-molecule"] or "").split("|")
    assert "Treg" in (found["A-IL2-08"]["data-cell"] or "").split("|")
    # Named by the statement itself, not by any rule or assay.
    assert {"tumor", "endothelium"} <= set((found["B-METH-01"]["data-cell"] or "").split("|"))


def test_rules_and_their_sources_are_linked() -> None:
    catalogue = load_catalogue()
    rule, claim, key = next(
        (rule, claim, key)
        for rule in catalogue.rules
        for claim in rule.claims
        for key in rule.source
        if claim in scope().ids and catalogue.references[key].doi
    )
    one = reviewed.assay(claim)
    raw = part(render(seen(one)), claim)
    assert f'href="https://doi.org/{catalogue.references[key].doi}"' in unescape(raw)
    said = [s for s in catalogue.sentences() if s.startswith("In ") and f"{rule.signal} {rule.effect}" in s]
    assert any(s.replace("um^", "µm^").replace("^2", "²").replace("^3", "³") in Page(raw).text for s in said)


def test_text_from_files_is_escaped() -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    one = reviewed.assay("A-TNF-08", title=attack, note=attack, readout=attack)
    arms = {attack if name == "treated" else name: words for name, words in one.arms.items()}
    values = {attack if name == "treated" else name: values for name, values in one.readings[1].arms.items()}
    readings = (one.readings[1].model_copy(update={"arms": values}),)
    judged = (one.judged[0].model_copy(update={"arm": attack, "holds": False, "unit": attack}),)
    one = one.model_copy(
        update={"arms": arms, "readings": readings, "judged": judged, "id": attack, "dish": attack, "cells": (attack,)}
    )
    sweep = reviewed.swept({attack: (0, 10, -10)}, ("0 nM", attack, "2 nM"))
    failed = reviewed.assay("B-MDSC-10", error=attack)
    review = reviewed.review(one, sweep, failed)
    claims = [result.model_copy(update={"unit": attack, "reason": attack}) for result in review.claims]
    review = review.model_copy(update={"command": attack, "claims": tuple(claims)})
    found = Page(render(view_of(review, load_catalogue(), {})))
    assert sum(tag == "script" for tag, _ in found.tags) == 1
    assert not any(tag == "img" for tag, _ in found.tags)
    assert not any(key.startswith("on") for _, a in found.tags for key in a)
    assert found.text.count("<script>alert(1)</script>") >= 12


def test_a_failed_assay_is_named() -> None:
    one = reviewed.assay("A-TNF-08", error="the fields blew up")
    found = Page(render(seen(one))).text
    assert "1 assay did not run : assay-of-a-tnf-08 (the fields blew up)" in found


def test_a_quick_review_says_so_and_offers_no_flips() -> None:
    one = reviewed.assay("A-TNF-08", variants=())
    found = Page(render(view_of(reviewed.review(one, quick=True), load_catalogue(), {})))
    assert "This was a quick run" in found.text
    assert not any(a.get("name") == "flips" for _, a in found.tags)


def test_the_same_review_gives_the_same_bytes(ordinary: View, tmp_path: Path) -> None:
    write_claims(ordinary, tmp_path / "claims.html")
    before = (tmp_path / "claims.html").read_bytes()
    write_claims(ordinary, tmp_path / "claims.html")
    assert (tmp_path / "claims.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["claims.html"]


def test_a_directory_that_is_not_there_is_refused(ordinary: View, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        write_claims(ordinary, tmp_path / "nowhere" / "claims.html")


def test_the_whole_review_stays_small() -> None:
    """Eight megabytes for 213 claims, each with an assay of eight arms and twelve wells."""
    wells = [1 + 0.0123456 * index for index in range(12)]
    many = [reviewed.assay(claim, wells=wells, more_arms=6) for claim in scope().ids[:20]]
    ten, twenty = (len(render(seen(*many[:n])).encode()) for n in (10, 20))
    assert ten + (twenty - ten) / 10 * 203 < 8e6


# ---------------------------------------------------------------- swords


def curves(one: AssayResult) -> tuple[Curve, ...]:
    (swept,) = seen(one).swept
    return swept.curves


def test_a_reversal_is_where_the_line_crosses_zero() -> None:
    one = reviewed.swept({"with CD8": (0, 10, 10, -10)}, ("0 nM", "0.1 nM", "1 nM", "10 nM"))
    (curve,) = curves(one)
    assert [round(p.place, 6) for p in curve.points] == [-2, -1, 0, 1]  # nothing: a decade left of the least dose
    assert [p.mean for p in curve.points] == pytest.approx([0, 10, 10, -10])
    assert curve.crossings == ((pytest.approx(math.log10(math.sqrt(10))), "near 3.2 nM"),)
    assert curve.story == "+10 % at 0.1 nM and −10 % at 10 nM; it turns near 3.2 nM"


def test_noise_is_no_reversal() -> None:
    one = reviewed.swept({"a": (0, 1, -1), "b": (0, 20, 1)}, ("0 nM", "1 nM", "2 nM"), spread=8.0)
    first, second = curves(one)
    assert (first.crossings, first.story) == ((), "no dose makes a clear difference")
    assert (second.crossings, second.story) == ((), "+20 % at 1 nM, no reversal")


@pytest.mark.parametrize(
    ("changes", "values", "places", "turns"),
    [
        ((0, 10, 5, -20), ("0 nM", "10 pM", "0.1 nM", "1 nM"), [-3, -2, -1, 0], "near 0.16 nM"),  # units are mixed
        ((0, 10, -10), ("none", "early", "late"), [0, 1, 2], "between early and late"),
    ],
)
def test_swept_values_may_be_doses_or_words(
    changes: tuple[int, ...], values: tuple[str, ...], places: list[float], turns: str
) -> None:
    (curve,) = curves(reviewed.swept({"a": changes}, values))
    assert [round(p.place, 6) for p in curve.points] == places
    assert [dose for _, dose in curve.crossings] == [turns]


def test_swords_are_shown_at_the_top(raw: str) -> None:
    assert "Double-edged swords" not in raw
    one = reviewed.swept({"with CD8": (0, 10, -10), "alone": (0, 1, 2)}, ("0 nM", "0.1 nM", "10 nM"))
    raw = render(seen(one))
    head = raw[: raw.index('<section id="claims">')]
    assert "Double-edged swords" in head
    assert head.count('class="curve"') == 2
    assert head.count('class="crossing"') == 1
    assert 'href="#A-TNF-08"' in head
    assert "medium with … TNF, with 0 nM, 0.1 nM and 10 nM" in Page(raw).text


# ---------------------------------------------------------------- pictures and words


def plotted(one: AssayResult) -> tuple[Reading, Judged]:
    (plot,) = seen(one).entries[0].experiments[0].plots
    return plot


def test_a_dot_is_a_well_and_missing_ones_are_left_out() -> None:
    arms = {"control": (1.0, None, 2.0), "treated": (2.0, 3.0, None)}
    one = reviewed.assay("A-TNF-08")
    reading = one.readings[1].model_copy(update={"arms": arms})
    any_change = one.judged[0].model_copy(update={"smallest": 0.0})
    one = one.model_copy(update={"readings": (reading,), "judged": (any_change,)})
    picture = arms_plot(*plotted(one))
    assert [len(re.findall("h0", dots)) for dots in re.findall(r'class="dots"[^>]*d="([^"]*)"', picture)] == [2, 2]
    (twins,) = re.findall(r'class="twins" d="([^"]*)"', picture)
    assert twins.count("M") == 1  # only the first well is in both arms
    assert "band" not in picture
    smallest = one.judged[0].model_copy(update={"smallest": 0.5})
    assert 'class="band"' in arms_plot(*plotted(one.model_copy(update={"judged": (smallest,)})))


def test_the_reading_is_that_of_the_stated_duration_which_gives_the_effect() -> None:
    one = reviewed.assay("A-TNF-08")
    end = one.readings[1]
    fewer = {name: tuple(0.1 * value for value in values if value) for name, values in end.arms.items()}
    mean = end.model_copy(update={"over": "mean", "arms": fewer})
    both = one.model_copy(update={"readings": (mean, *one.readings)})
    assert plotted(both)[0] == end
    unread = one.judged[0].model_copy(update={"effect": None, "ci95": None})
    assert plotted(one.model_copy(update={"judged": (unread,)}))[0] == end


def test_an_effect_lies_right_of_zero_if_it_is_positive() -> None:
    one = reviewed.assay("A-TNF-08").judged[0]
    picture = forest(one)
    zero, bound = (float(x) for x in re.findall(r'class="(?:zero|reference)" d="M([\d.]+)', picture))
    mean = float(re.findall(r'cx="([\d.]+)"', picture)[0])
    assert zero < bound < mean


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "“treated” above “control” by at least 0.1 /cell/day"),
        ({"direction": "down", "against": "", "smallest": 0}, "“treated” below zero"),
        ({"direction": "none"}, "“treated” like “control”, within 0.1 /cell/day"),
        ({"direction": "none", "against": "", "smallest": 2}, "“treated” near zero, within 2 /cell/day"),
        ({"direction": "rising", "arm": "d2", "against": "d0", "smallest": 0}, "rising from “d0” to “d2”"),
    ],
)
def test_expectations(changes: dict[str, object], said: str) -> None:
    one = reviewed.assay("A-TNF-08")
    judged = one.judged[0].model_copy(update=changes)
    one = one.model_copy(update={"judged": (judged,), "readings": ()})
    assert expected(seen(one).entries[0].experiments[0].judged[0]) == said


# ---------------------------------------------------------------- in a browser


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize(
    ("address", "left", "opened"),
    [
        ("", ["A-IL2-08", "A-TNF-08", "B-MDSC-10", "B-METH-01"], []),
        ("#verdict=not+shown", ["B-MDSC-10"], []),
        ("#cell=Treg", ["A-IL2-08"], []),
        ("#text=caspase+DEATH", ["A-TNF-08"], []),
        ("#flips=1&tier=core", ["A-TNF-08"], []),
        ("#A-TNF-08", ["A-IL2-08", "A-TNF-08", "B-MDSC-10", "B-METH-01"], ["A-TNF-08"]),
    ],
)
def test_the_address_filters_and_opens(
    ordinary: View, tmp_path: Path, address: str, left: list[str], opened: list[str]
) -> None:
    write_claims(ordinary, tmp_path / "claims.html")
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}"]
    url = f"{(tmp_path / 'claims.html').as_uri()}{address}"
    done = subprocess.run([str(CHROMIUM), *quiet, "--dump-dom", url], capture_output=True, text=True, timeout=60)
    found = claims_of(done.stdout)
    assert [claim for claim, a in found.items() if "hidden" not in a] == left
    assert [claim for claim, a in found.items() if "open" in a] == opened
