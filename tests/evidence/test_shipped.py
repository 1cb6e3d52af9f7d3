"""The shipped assays: each can be set up, is fixed beforehand, and leaves the catalogue as it is."""

from __future__ import annotations

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.core.units import parse
from tme_abm.evidence import load_assays
from tme_abm.evidence.assays import Assay
from tme_abm.evidence.claims import claims, scope, unmodeled
from tme_abm.evidence.dishes import arm_scenario
from tme_abm.evidence.readouts import readout

ASSAYS = load_assays()
CATALOGUE = load_catalogue()
LOSSES = ("knock out", "block", "inhibit", "neutralize")


def serving(claim: str) -> list[Assay]:
    return [assay for assay in ASSAYS.values() if claim in assay.claims]


@pytest.mark.parametrize("assay", ASSAYS.values(), ids=list(ASSAYS))
def test_every_arm_is_a_scenario_and_every_readout_is_known(assay: Assay) -> None:
    for arm in assay.arms:
        arm_scenario(assay, arm, days=1)
    for expected in assay.expect:
        readout(expected.readout, CATALOGUE)


def test_every_claim_in_scope_has_an_assay_or_a_reason() -> None:
    missing = [claim for claim in scope().ids if not serving(claim) and claim not in unmodeled()]
    assert not missing


def test_a_claim_that_is_said_not_to_be_modeled_has_no_assay() -> None:
    assert not [claim for claim in unmodeled() if serving(claim)]
    assert set(unmodeled()) <= set(scope().ids)


@pytest.mark.parametrize("assay", ASSAYS.values(), ids=list(ASSAYS))
def test_traits_stay_in_the_ranges_of_their_sources(assay: Assay) -> None:
    for name, given in assay.traits.items():
        trait = CATALOGUE.traits[name]
        if trait.range is None:
            continue
        low, high = (end if isinstance(end, int | float) else parse(end, trait.kind) for end in trait.range)
        value = given if isinstance(given, int | float) else parse(given, trait.kind)
        assert low * (1 - 1e-9) <= value <= high * (1 + 1e-9), name


@pytest.mark.parametrize("assay", ASSAYS.values(), ids=list(ASSAYS))
def test_a_behavior_is_held_at_a_value_only_where_that_is_what_arms_differ_in(assay: Assay) -> None:
    # What every arm is given would be another value of a catalogue's parameter for this assay alone.
    held = [[item for item in arm if item.get("do") == "fix"] for arm in assay.arms.values()]
    everywhere = [item for item in held[0] if all(item in arm for arm in held)]
    assert all(str(item["value"]).split()[0] in ("0", "0.0") for item in everywhere) or len(assay.arms) == 1


AXES = [claim.id for claim in claims().values() if claim.kind == "chemotaxis_axis" and claim.id in scope().ids]


@pytest.mark.parametrize("claim", AXES)
def test_an_axis_is_lost_with_its_receptor(claim: str) -> None:
    if claim in unmodeled():
        return
    for assay in serving(claim):
        lost = {name for name, arm in assay.arms.items() if any(item.get("do") in LOSSES for item in arm)}
        assert any(one.arm in lost and one.direction in ("none", "down") for one in assay.expected_of(claim)), assay.id


def test_nothing_is_expected_of_less_than_three_wells() -> None:
    from tme_abm.evidence.dishes import wells_of

    few = [assay.id for assay in ASSAYS.values() if wells_of(assay) < 3 and assay.id != "two-and-three-dimensions"]
    assert not few
