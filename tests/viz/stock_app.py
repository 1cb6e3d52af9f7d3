"""Our model in Mesa's own page, with its own picture of a space, its own plots and inputs; started by a test.

A stock picture wants a space to draw. The lattice of the tissue is none of Mesa's, so one of theirs stands in for it:
it has the same extent, and its agents are the cells, which know their `pos`.
"""

from __future__ import annotations

from typing import Any

import mesa
from mesa.discrete_space import OrthogonalMooreGrid
from mesa.visualization import Slider, SolaraViz, make_plot_component, make_space_component
from mesa.visualization.components import AgentPortrayalStyle

from tests.support.models import TINY
from tme_abm.model import TumorModel
from tme_abm.report.style.palette import cell_color
from tme_abm.scenario import load


class Ground(OrthogonalMooreGrid):
    """A grid as large as the tissue, for drawing."""

    def __init__(self, model: TumorModel) -> None:
        ny, nx = model.tissue.lattice.shape
        super().__init__((nx, ny), random=model.random)
        self._tumor = model

    @property
    def agents(self) -> Any:
        return self._tumor.agents


class Drawn(TumorModel):
    """The model with a space that Mesa can draw, and as many tumor cells at the start as its page says."""

    def __init__(self, rng: int | None = 1, cells: int = 60) -> None:
        super().__init__(load("hot", TINY | {"tumor.cells": cells}), rng)
        self.grid = Ground(self)


def portray(agent: mesa.Agent) -> AgentPortrayalStyle:
    return AgentPortrayalStyle(color=cell_color(agent.cell), marker="s" if agent.is_tumor else "o", size=12)


page = SolaraViz(
    Drawn(),
    components=[make_space_component(portray), make_plot_component(["CD8 cells", "tumor cells"])],
    model_params={
        "rng": {"type": "SliderInt", "value": 1, "label": "rng", "min": 1, "max": 9},
        "cells": Slider("tumor cells at the start", 60, 20, 120, 20),
    },
    name="tme_abm in stock Mesa",
)
page  # noqa: B018 - Solara shows the last value
