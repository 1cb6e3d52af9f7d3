"""Our model in Mesa's own page with Mesa's own plot; started by a test."""

from __future__ import annotations

from mesa.visualization import SolaraViz, make_plot_component

from tests.model.test_model import TINY
from tme_abm.model import TumorModel
from tme_abm.scenario import load

scenario = load("hot", TINY)
page = SolaraViz(
    TumorModel(scenario, rng=1),
    components=[make_plot_component(["CD8 cells", "tumor cells"])],
    # What is not an input is handed on as it is when the model is reset.
    model_params={"scenario": scenario, "rng": {"type": "SliderInt", "value": 1, "label": "rng", "min": 1, "max": 9}},
    name="tme_abm in stock Mesa",
)
page  # noqa: B018 - Solara shows the last value
