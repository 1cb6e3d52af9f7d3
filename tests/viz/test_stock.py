"""What Mesa's own page asks of a model, as far as it can be told without a browser."""

from __future__ import annotations

from mesa.visualization import solara_viz

from tme_abm.model import TumorModel
from tme_abm.scenario import Scenario


def test_the_page_of_mesa_takes_a_model_with_a_scenario_of_ours(tiny: Scenario) -> None:
    # From 3.5 on it reads the scenario of a model, and refuses one that is not of Mesa's kind.
    model = TumorModel(tiny, rng=1)
    if "model_or_func" in solara_viz._check_model_params.__code__.co_varnames:
        solara_viz._check_model_params(model, {"wells": 1})
    assert eval("getattr(model, 'scenario', None)", {"__name__": solara_viz.__name__, "model": model}) is None
    assert model.scenario is tiny
    assert bool(model.scenario)
