"""The tables of the executable review on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.report import reviewed
from tests.support.toy import Run
from tme_abm.biology import load_catalogue
from tme_abm.cli.claims import claims_table, coverage_table, tier_lines
from tme_abm.evidence.coverage import Carrier, Row
from tme_abm.evidence.results import Drawn, DrawRecord, Review
from tme_abm.report.claims import View, view_of


def view(review: Review) -> View:
    return view_of(review, load_catalogue(), {})


def lines(table: Table, width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines() if line.strip()]


def test_a_line_says_verdict_effect_and_flips() -> None:
    said = lines(claims_table(view(reviewed.ordinary()), width=160), 160)
    assert [line.split()[0] for line in said[2:]] == ["A-IL2-08", "A-TNF-08", "B-MDSC-10", "B-METH-01"]
    assert said[3].split("   ")[0] == " A-TNF-08"
    for words in ("shown", "+0.515 [0.494, 0.536] /cell/day", "↑", "2× dose", "TNF starts caspase-8 death signalling"):
        assert words in said[3]
    assert "not modeled" in said[5]
    assert "–" in said[5]


def test_the_statement_gives_way_to_the_width() -> None:
    for width in (100, 120, 200):
        said = lines(claims_table(view(reviewed.ordinary()), width=width), width)
        assert len(said) == 6  # no cell is broken into two lines
        assert max(map(len, said)) <= width
    narrow = "\n".join(lines(claims_table(view(reviewed.ordinary()), width=80), 80))
    assert "what the review says" not in narrow
    assert "+0.515" in narrow


def test_one_line_a_tier() -> None:
    assert tier_lines(view(reviewed.ordinary())) == [
        "core: 1 of 3 shown (33 %), 1 not shown, 1 not modeled",
        "extended: 0 of 1 shown (0 %), 1 contradicted",
        "all: 1 of 4 shown (25 %), 1 not shown, 1 contradicted, 1 not modeled",
        "verdict flips at half or double dose or duration: 1 of 4 (2× dose 1)",
    ]
    one = reviewed.assay("A-TNF-08", variants=())
    quick = reviewed.review(one, quick=True)
    assert tier_lines(view(quick)) == ["core: 1 of 1 shown (100 %)"]


def test_what_is_beyond_tumors_stands_beside_the_verdict() -> None:
    far = view(reviewed.far())
    assert "TNF ×330, CCL20 (absent), NK ×2.6, …" in lines(claims_table(far, width=200), 200)[2]
    assert tier_lines(far)[-1] == "shown by doses or numbers of cells beyond those of the shipped tumors: 1 of 1"
    drug = far.review.claims[0].model_copy(update={"beyond": far.review.claims[0].beyond[3:]})
    treated = view(far.review.model_copy(update={"claims": (drug,)}))
    assert "TKI (drug)" in lines(claims_table(treated, width=200), 200)[2]
    assert not any("beyond" in line for line in tier_lines(treated))
    assert "beyond tumors" not in lines(claims_table(view(reviewed.ordinary()), width=200), 200)[0]


def in_draws(verdicts: tuple[str, ...]) -> View:
    found = reviewed.ordinary()
    drawn = Drawn(hoped="shown", verdicts=verdicts)
    claims = tuple(
        one if one.verdict == "not modeled" else one.model_copy(update={"drawn": drawn}) for one in found.claims
    )
    draws = tuple(DrawRecord(number=n, values="", sha256="", cut=0) for n in range(1, len(verdicts) + 1))
    return view(found.model_copy(update={"claims": claims, "draws": draws}))


def test_the_share_of_draws_stands_in_the_line() -> None:
    often = in_draws(("shown", "shown", "not shown", "shown"))
    said = lines(claims_table(often, width=200), 200)
    assert "3 of 4" in said[3]
    assert "fewer than half" not in said[3]
    assert "of 4" not in said[5]  # not modeled
    assert tier_lines(often)[-1] == "in 4 plausible parameter sets: 3 of 3 shown in at least half, 0 in all"
    seldom = lines(claims_table(in_draws(("shown", "contradicted", "did not run")), width=200), 200)
    assert "1 of 3, fewer than half; 1 did not run" in seldom[3]
    assert "plausible" not in lines(claims_table(view(reviewed.ordinary()), width=200), 200)[0]


def test_two_draws_of_a_quick_claim(tme: Run, tmp_path: Path) -> None:
    arguments = ("claims", "--id", "A-TNF-08", "--quick", "--draws", "2", "--jobs", "1", "--out", "here")
    code, out, err = tme(*arguments)
    assert code == 0, err
    kept = json.loads((tmp_path / "here/claims.json").read_text(encoding="utf-8"))
    (claim,) = kept["claims"]
    count = claim["drawn"]["verdicts"].count("shown")
    says = f"shown in {count} of 2 plausible parameter sets"
    assert f"A-TNF-08 is {says}" in out
    assert says in (tmp_path / "here/claims.html").read_text(encoding="utf-8")
    assert says in (tmp_path / "here/claims.md").read_text(encoding="utf-8")
    for draw in kept["draws"]:
        values = json.loads((tmp_path / "here" / draw["values"]).read_text(encoding="utf-8"))
        assert values["number"] == draw["number"]
        assert len(values["values"]) > 1000
    again = tme(*arguments)
    assert again[1] == out
    assert "tnf-caspase-8 (" not in again[2]  # no assay is run again


@pytest.mark.parametrize("command", ["claims", "reproduce"])
@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_a_number_of_draws_is_positive(tme: Run, tmp_path: Path, command: str, number: str) -> None:
    one = "A-TNF-08" if command == "claims" else "IV-18"
    code, out, err = tme(command, "--id", one, "--draws", number)
    assert (code, out) == (2, "")
    assert "--draws" in err
    assert not list(tmp_path.iterdir())  # nothing ran


def test_coverage_draws_nothing(tme: Run) -> None:
    code, _, err = tme("claims", "--coverage", "--draws", "2")
    assert code == 2
    assert "--coverage" in err


def carrier(behavior: str) -> Carrier:
    return Carrier(says="", basis="", note="", sources=(), rule=f"tumor: TNF increases {behavior}")


def test_coverage_shows_rules_one_below_the_other() -> None:
    row = Row(
        claim="A-TNF-08", carriers=tuple(map(carrier, ("apoptosis", "division"))), molecules=("TNF",),
        receptors=("CXCR2",), cells=("tumor",), assays=("tnf",), verdict="shown", outside="",
    )  # fmt: skip
    said = lines(coverage_table([row]), 160)
    assert "A-TNF-08" in said[2]
    assert "tumor: TNF increases division" in said[3]
    assert "TNF, CXCR2" in said[2]
