"""Every check holds, and every check fails when the fault that it names is planted."""

from __future__ import annotations

import pytest

from tme_abm.verification import Check, Works, all_checks, run_check

CHECKS = [pytest.param(one, id=one.name, marks=() if one.quick else pytest.mark.slow) for one in all_checks().values()]

# Cheap enough to be planted with every test; the faults of the others are planted by `make test-all`.
FAULTS_AT_ONCE = {
    "order-in-space", "order-in-time", "steady-gradient", "switched-on", "mass-balance", "lattice-refinement",
    "site-is-a-cell", "chemotactic-index", "il2-niche", "random-draws",
}  # fmt: skip
FAULTS = [
    pytest.param(one, id=one.name, marks=() if one.name in FAULTS_AT_ONCE else pytest.mark.slow)
    for one in all_checks().values()
]


@pytest.mark.parametrize("one", CHECKS)
def test_it_holds(one: Check) -> None:
    result = run_check(one)
    assert result.error is None
    assert not [(figure.bound.figure, figure.value) for figure in result.figures if not figure.holds]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a planted fault may well divide by zero
@pytest.mark.parametrize("one", FAULTS)
def test_it_notices_the_fault_it_names(one: Check) -> None:
    assert run_check(one, one.defect).verdict == "fails"


def test_no_defect_is_the_real_thing() -> None:
    assert all(one.defect != Works() for one in all_checks().values())


def test_every_tolerance_has_its_reason() -> None:
    for one in all_checks().values():
        assert one.bounds
        for bound in one.bounds:
            assert len(bound.reason) > 10, (one.name, bound.figure)
            assert bound.low < bound.high
            assert bound.low > float("-inf") or bound.high < float("inf")
            assert bound.expected is None or bound.low <= bound.expected <= bound.high
