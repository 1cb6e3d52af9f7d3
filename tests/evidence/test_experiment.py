"""Small assays run from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tme_abm.core.errors import InputError
from tme_abm.evidence.assays import Assay
from tme_abm.evidence.experiment import run_assay
from tme_abm.evidence.results import AssayResult, Review
from tme_abm.evidence.review import claim_result, read_review, run_review, write_review

IL6 = {"do": "hold", "molecule": "IL6", "level": "1 nM"}
STOPPED = {"do": "fix", "behavior": "division", "value": "0 /min", "cells": ["tumor"]}


def assay(**changes: Any) -> Assay:
    table: dict[str, Any] = {
        "id": "made-up",
        "title": "t",
        "claims": ["A-IL6-02"],
        "dish": "culture",
        "dish_changes": {"wells": 3, "lattice.shape": [10, 10]},
        "duration": "8 h",
        "cells": [{"cell": "tumor", "count": 10}],
        "arms": {"control": [], "stopped": [STOPPED]},
        "expect": [{"readout": "divisions of tumor", "arm": "stopped", "against": "control", "direction": "down"}],
    }
    return Assay.model_validate(table | changes)


def test_arms_that_are_alike_share_every_draw() -> None:
    twins = assay(
        arms={"one": [], "other": []},
        expect=[{"readout": "count of tumor", "arm": "one", "against": "other", "direction": "up"}],
    )
    result = run_assay(twins)
    assert result.error is None
    assert result.judged[0].effect == 0.0
    assert result.verdicts == {"A-IL6-02": "not shown"}
    (stated,) = [reading for reading in result.readings if reading.time == 480.0]
    assert stated.arms["one"] == stated.arms["other"]


def test_a_seed_gives_the_same_result_and_another_seed_another() -> None:
    first, again, other = (run_assay(assay(), seed=seed, robust=False) for seed in (1, 1, 2))
    assert first.readings == again.readings
    assert first.readings != other.readings


def test_half_and_double_are_the_same_run_read_at_other_times() -> None:
    result = run_assay(assay())
    assert [variant.name for variant in result.variants] == ["half duration", "double duration"]
    assert [reading.time for reading in result.readings] == [240.0, 480.0, 960.0]
    alone = run_assay(assay(duration="4 h"), robust=False)
    assert result.readings[0].arms == alone.readings[0].arms


def test_the_dose_is_halved_and_doubled() -> None:
    dosed = assay(
        arms={"control": [], "treated": [IL6]},
        expect=[{"readout": "level of IL6", "arm": "treated", "against": "control", "direction": "up"}],
    )
    effects = {variant.name: variant.judged[0].effect for variant in run_assay(dosed).variants}
    assert effects["half dose"] == pytest.approx(0.5, rel=0.01)
    assert effects["double dose"] == pytest.approx(2.0, rel=0.01)


def test_what_came_before_the_readout_is_not_counted() -> None:
    early = {"do": "deplete", "cells": ["tumor"], "rate": "6 /day", "stop": "4 h"}
    late = assay(
        after="4 h",
        cells=[{"cell": "tumor", "count": 50}],
        arms={"control": [STOPPED], "treated": [STOPPED, early]},
        expect=[{"readout": "deaths of tumor", "arm": "treated", "against": "control", "direction": "up"}],
    )
    assert run_assay(late, robust=False).verdicts == {"A-IL6-02": "not shown"}
    whole = late.model_copy(update={"after": "0 h"})
    assert run_assay(whole, robust=False).verdicts == {"A-IL6-02": "shown"}


def test_a_mean_over_time_is_not_the_end() -> None:
    fading = {"do": "hold", "molecule": "IL6", "level": "1 nM", "stop": "4 h"}
    expect = {"readout": "level of IL6", "arm": "treated", "against": "control", "direction": "up"}
    tested = assay(arms={"control": [], "treated": [fading]}, expect=[{**expect, "over": "mean"}, expect])
    mean, end = run_assay(tested, robust=False).judged
    assert mean.effect == pytest.approx(0.5, abs=0.2)
    assert end.effect is not None
    assert abs(end.effect) < 0.1


def test_an_assay_that_cannot_run_says_why_and_the_others_go_on(tmp_path: Path) -> None:
    broken = assay(id="broken", cells=[{"cell": "CD9", "count": 3}])
    review = run_review(["A-IL6-02"], assays=[broken, assay()], robust=False, out=tmp_path)
    errors = {one.id: one.error for one in review.assays}
    assert errors["made-up"] is None
    assert "CD8" in str(errors["broken"])
    (claim,) = review.claims
    assert claim.verdict == "not shown"
    assert "broken did not run" in claim.reason


def test_a_finished_assay_is_not_run_again(tmp_path: Path) -> None:
    told: list[str] = []

    def review(**changes: Any) -> Review:
        one = assay(**changes)
        return run_review(
            ["A-IL6-02"], assays=[one], robust=False, out=tmp_path, tell=lambda result, *_: told.append(result.id)
        )

    first, again = review(), review()
    assert told == ["made-up"]
    assert first.assays == again.assays
    review(duration="9 h")
    assert told == ["made-up", "made-up"]


def test_a_damaged_file_is_run_again(tmp_path: Path) -> None:
    run_review(["A-IL6-02"], assays=[assay()], robust=False, out=tmp_path)
    (kept,) = (tmp_path / "assays").iterdir()
    kept.write_bytes(kept.read_bytes()[:-20])
    review = run_review(["A-IL6-02"], assays=[assay()], robust=False, out=tmp_path)
    assert review.assays[0].error is None
    json.loads(kept.read_bytes())


def test_several_at_a_time_give_the_same(tmp_path: Path) -> None:
    assays = [assay(), assay(id="second", duration="4 h")]
    one = run_review(["A-IL6-02"], assays=assays, robust=False)
    two = run_review(["A-IL6-02"], assays=assays, robust=False, jobs=2)
    assert [result.readings for result in one.assays] == [result.readings for result in two.assays]


def made(claim_verdicts: dict[str, Any], name: str = "made-up", **changes: Any) -> AssayResult:
    table = {
        "id": name, "title": "t", "claims": tuple(claim_verdicts), "note": "", "dish": "d", "duration": 60.0,
        "wells": 4, "seed": 1, "seconds": 1.0, "verdicts": claim_verdicts,
    }
    return AssayResult.model_validate(table | changes)


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        (["shown", "shown"], "shown"),
        (["shown", "not shown"], "not shown"),
        (["not shown", "contradicted"], "contradicted"),
        ([], "not modeled"),
    ],
)
def test_a_claim_is_shown_when_all_of_its_assays_show_it(verdicts: list[str], verdict: str) -> None:
    results = [made({"A-IL6-02": one}, f"assay-{number}") for number, one in enumerate(verdicts)]
    assert claim_result("A-IL6-02", results).verdict == verdict


def test_variants_with_another_verdict_are_flips() -> None:
    variants = [
        {"name": name, "verdicts": {"A-IL6-02": verdict}, "judged": ()}
        for name, verdict in (("half dose", "shown"), ("double dose", "not shown"))
    ]
    assert claim_result("A-IL6-02", [made({"A-IL6-02": "shown"}, variants=variants)]).flips == ("double dose",)


def test_a_review_is_read_back_unchanged(tmp_path: Path) -> None:
    review = run_review(["A-IL6-02"], assays=[assay()], robust=False, command="python run.py claims")
    file = tmp_path / "claims.json"
    write_review(review, file)
    assert read_review(file) == review
    (claim,) = json.loads(file.read_text())["claims"]
    assert {"id", "verdict", "effect", "ci95", "direction", "arms", "replicates", "reason"} <= set(claim)


def test_what_is_no_review_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "claims.json"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="not the result of a review"):
        read_review(file)
