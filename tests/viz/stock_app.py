"""Our model in Mesa's own page with Mesa's own plot; started by a test."""

from __future__ import annotations

from mesa.visualization import SolaraViz, make_plot_component

from tests.model.test_model import TINY
from tme_abm.model import TumorModel
from tme_abm.scenario import load

page = SolaraViz(
    TumorModel(load("hot", TINY), rng=1),
    components=[make_plot_component(["CD8 cells", "tumor cells"])],
    model_params={"rng": {"type": "InputText", "value": 1, "label": "rng"}},
    name="tme_abm in stock Mesa",
)
page  # noqa: B018 - Solara shows the last value
