"""What Mesa's own page asks of a model, as far as it can be told without a browser."""

from __future__ import annotations

from tme_abm.model import TumorModel
from tme_abm.scenario import Scenario


def test_newer_versions_of_mesa_do_not_take_our_scenario_for_one_of_theirs(tiny: Scenario) -> None:
    # Their page refuses a model with a true `scenario` of another kind, before anything is drawn.
    assert not TumorModel(tiny, rng=1).scenario
