"""The claims of the reviews, and which of them are in scope."""

from __future__ import annotations

import pytest

from tme_abm.core.errors import InputError
from tme_abm.evidence.claims import claims, scope, select


def test_every_claim_is_there_once_and_says_something() -> None:
    assert len(claims()) == 410
    assert all(claim.fact and claim.kind and claim.tier for claim in claims().values())
    assert {claim.review for claim in claims().values()} == {"A", "B"}


def test_the_scope_holds_the_core_the_regulatory_t_cells_and_the_dual_roles() -> None:
    chosen = set(scope().ids)
    core = {claim.id for claim in claims().values() if claim.tier == "core"}
    assert len(core) == 147
    assert core <= chosen
    assert {claim for claim in claims() if claim.startswith("B-TREG-")} <= chosen
    assert {"A-TNF-10", "A-IL2-08", "A-TGFB-13"} <= chosen
    assert not chosen & set(scope().outside)
    assert set(scope().outside) <= set(claims())
    assert "A-TGFB-09" in scope().outside  # needs fibroblasts
    assert "B-LN-07" not in chosen


def test_select_takes_ids_patterns_kinds_and_tiers() -> None:
    assert select(ids=["A-TNF-08"]) == ("A-TNF-08",)
    assert set(select(ids=["B-TREG-*"])) == {claim for claim in claims() if claim.startswith("B-TREG-")}
    assert all(claims()[claim].kind == "chemotaxis_axis" for claim in select(kinds=["chemotaxis_axis"]))
    assert len(select(tiers=["core"])) == 147
    assert select() == scope().ids


def test_a_claim_out_of_scope_can_be_asked_for_by_name() -> None:
    assert select(ids=["A-TGFB-09"]) == ("A-TGFB-09",)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"ids": ["A-TNF-8"]}, "Did you mean 'A-TNF-0"),
        ({"kinds": ["chemotaxis_axes"]}, "'chemotaxis_axis'"),
        ({"tiers": ["corn"]}, "'core'"),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest(asked: dict[str, list[str]], said: str) -> None:
    with pytest.raises(InputError) as refused:
        select(**asked)
    assert said in str(refused.value)
