"""Claims and experiments judged in joint draws of all numbers, on toys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evidence.test_experiment import assay
from tests.evidence.test_reproduce import toy
from tme_abm.biology import changed, load_catalogue
from tme_abm.biology.priors import draw, drawn_catalogue
from tme_abm.core.errors import InputError
from tme_abm.evidence import load_assays
from tme_abm.evidence.dishes import wells_of
from tme_abm.evidence.drawn import reproduced_in_draws, reviewed_in_draws, thinned
from tme_abm.evidence.experiment import run_assay
from tme_abm.evidence.reproduce import planned, reproduce
from tme_abm.evidence.results import Drawn, Review
from tme_abm.evidence.review import run_review

CLAIM = "A-IL6-02"


def test_a_share_in_words() -> None:
    often = Drawn(hoped="shown", verdicts=("shown",) * 17 + ("not shown",) * 3)
    assert often.says == "shown in 17 of 20 plausible parameter sets"
    seldom = Drawn(hoped="reproduced", verdicts=("reproduced", "not reproduced", "did not run"))
    assert seldom.says == "reproduced in 1 of 3 plausible parameter sets, fewer than half; 1 did not run"
    half = Drawn(hoped="shown", verdicts=("shown", "did not run"))
    assert half.says == "shown in 1 of 2 plausible parameter sets; 1 did not run"


def test_a_series_goes_on_where_it_was(tmp_path: Path) -> None:
    told: list[tuple[int | None, int, int]] = []
    review = run_review([CLAIM], assays=[assay()], robust=False)

    def judged(draws: int) -> Review:
        return reviewed_in_draws(
            review, draws, assays=[assay()], out=tmp_path, tell=lambda one, *of: told.append((one.draw, *of))
        )

    first = judged(1)
    assert told == [(1, 1, 1)]
    second = judged(2)
    assert told == [(1, 1, 1), (2, 2, 2)]  # draw 1 is not run again
    one, two = (found.claims[0].drawn for found in (first, second))
    assert one is not None
    assert two is not None
    assert two.verdicts[:1] == one.verdicts
    assert second.draws[0] == first.draws[0]
    kept = json.loads((tmp_path / second.draws[1].values).read_bytes())
    assert kept["values"] == draw(load_catalogue(), 1, 2).values
    assert Review.model_validate_json(second.model_dump_json()) == second


def test_all_claims_meet_the_same_draw(tmp_path: Path) -> None:
    assays = [assay(), assay(id="second", duration="4 h")]
    review = run_review([CLAIM], assays=assays, robust=False)
    together = reviewed_in_draws(review, 2, assays=assays)
    alone = reviewed_in_draws(review, 2, assays=assays[1:])
    assert [one.sha256 for one in together.draws] == [one.sha256 for one in alone.draws]
    assert together.draws[0].sha256 != together.draws[1].sha256


def test_what_cannot_run_in_a_draw_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(seed: int, number: int) -> object:
        if number == 2:
            raise InputError("no such tumor")
        return drawn_catalogue(seed, number)

    monkeypatch.setattr("tme_abm.evidence.experiment.drawn_catalogue", refused)
    review = reviewed_in_draws(run_review([CLAIM], assays=[assay()], robust=False), 2, assays=[assay()])
    assert review.draws[0].failed == ()
    assert review.draws[1].failed == ("made-up: no such tumor.",)
    drawn = review.claims[0].drawn
    assert drawn is not None
    assert drawn.verdicts[1] == "did not run"
    assert "of 2 " in drawn.says
    assert "1 did not run" in drawn.says


def test_an_assay_runs_only_what_can_change_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    one = load_assays()["tnf-caspase-8"]
    ran: list[str] = []
    from tme_abm.evidence import experiment

    real = experiment._run_arm

    def told(*given: object) -> object:
        ran.append(str(given[1]))
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(experiment, "_run_arm", told)
    assert set(run_assay(thinned(one), draw=1).verdicts.values()) == {"shown"}
    whole, ran[:] = list(ran), []
    never = one.expect[0].model_copy(update={"smallest": 1e9})
    failing = one.model_copy(update={"expect": (never, *one.expect[1:])})
    assert set(run_assay(thinned(failing), draw=1).verdicts.values()) == {"not shown"}
    assert set(ran) == {never.arm, never.against}
    assert len(whole) > len(ran)


def test_fewer_wells_where_they_cost_most() -> None:
    wells = {name: (wells_of(one), wells_of(thinned(one)), one.dish) for name, one in load_assays().items()}
    assert all(after == min(before, 3) for before, after, dish in wells.values() if dish in ("tumor", "whole"))
    dishes = [one[:2] for one in wells.values() if one[2] not in ("tumor", "whole")]
    assert {(48, 12), (16, 12), (8, 8)} <= set(dishes)


def test_a_further_assay_waits_until_the_first_has_shown_the_claim() -> None:
    up = {"readout": "divisions of tumor", "arm": "stopped", "against": "control", "direction": "up"}
    cheap, dear = assay(id="cheap"), assay(id="dear", duration="12 h")
    wrong = assay(id="cheap", expect=[up])
    review = run_review([CLAIM], assays=[cheap], robust=False)
    told: list[str] = []
    for first in (cheap, wrong):
        reviewed_in_draws(review, 1, assays=[dear, first], tell=lambda one, *_: told.append(one.id))
    assert told == ["cheap", "dear", "cheap"]


def test_runs_with_other_numbers_are_other_runs() -> None:
    faster = changed(load_catalogue(), {"cell.CD8.behaviors.speed": "9 um/min"}, ranged=False)
    keys = {one.key for catalogue in (None, faster) for one in planned(toy(), [1], catalogue=catalogue).values()}
    assert len(keys) == 2 * len(toy().arms)


def test_an_experiment_in_draws(tmp_path: Path) -> None:
    unposed = toy("IV-02", unposed="no such cell is modeled", tumors=[], arms={}, expect=[], dish_changes={})
    experiments = [toy(), unposed]
    told: list[str] = []
    found = reproduce(experiments, out=tmp_path)

    def judged() -> tuple[object, ...]:
        again = reproduced_in_draws(
            found, experiments, 2, out=tmp_path, tell=lambda label, *_: told.append(label)
        )
        return again.experiments, again.draws

    first = judged()
    runs = [f"hot, {arm}, seed {seed}" for arm in toy().arms for seed in (1, 2)]
    assert sorted(told) == sorted(f"draw {number}, {run}" for number in (1, 2) for run in runs)
    assert judged() == first
    assert len(told) == 8  # none is made again
    posed, other = reproduced_in_draws(found, experiments, 2, out=tmp_path).experiments
    assert posed.drawn is not None
    assert posed.drawn.hoped == "reproduced"
    assert len(posed.drawn.verdicts) == 2
    assert other.drawn is None


@pytest.mark.parametrize("draws", [0, -3])
def test_at_least_one_draw_is_needed(draws: int) -> None:
    review = run_review([CLAIM], assays=[], robust=False)
    with pytest.raises(InputError, match=f"at least one draw is needed, not {draws}"):
        reviewed_in_draws(review, draws)
    with pytest.raises(InputError, match="at least one draw"):
        reproduced_in_draws(reproduce([]), [], draws)
