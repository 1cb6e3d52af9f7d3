"""A simulation as a Mesa model, whose agents are flyweight views of the cells (see `agents`).

Mesa's data collector, batch runs and browser page work on it unchanged.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mesa
import numpy as np
from numpy.typing import NDArray

from .agents import Cell, CellSet, Census, Populations, refuse_registration
from .biology import Catalogue
from .scenario import Scenario
from .simulation import SCHEDULE, Simulation

__all__ = ["SCHEDULE", "TumorModel"]

_MESA_PAGE = "mesa.visualization.solara_viz"
"""Mesa's page, which refuses (3.5) a model whose `scenario` is not of Mesa's own class; for it, `scenario` is None."""


class TumorModel(Simulation, mesa.Model):
    """A `Simulation`, with the same arguments, as a Mesa model."""

    def __init__(
        self,
        scenario: str | Path | Scenario = "hot",
        rng: int | None = None,
        catalogue: Catalogue | None = None,
        wells: int = 1,
    ) -> None:
        seed = int(np.random.default_rng().integers(2**31)) if rng is None else int(rng)
        mesa.Model.__init__(self, rng=seed)
        Simulation.__init__(self, scenario, rng=seed, catalogue=catalogue, wells=wells)
        self.populations = Populations(self)
        self.running = True
        self.datacollector: mesa.DataCollector = Census(self)

    def step(self) -> None:
        """Advance by one time step of the scenario."""
        super().step()
        self.running = self.tissue.clock.step < self.scenario.steps
        if isinstance(self.datacollector, Census):
            self.datacollector.collect(self)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from the arrays of `state()` of the same scenario and seed, bit for bit; the census begins anew."""
        super().restore(state)
        if isinstance(self.datacollector, Census):
            self.datacollector.restart(self)

    # ------------------------------------------------------------- agents

    @property
    def scenario(self) -> Scenario:
        """The scenario of this run, resolved."""
        if sys._getframe(1).f_globals.get("__name__") == _MESA_PAGE:
            return None  # type: ignore[return-value]
        return self._scenario

    @scenario.setter
    def scenario(self, scenario: Scenario) -> None:
        # Mesa 3.5 has its own scenarios, gives one to every model, and writes the model into it; ours are frozen.
        self._scenario = scenario

    @property
    def agents(self) -> CellSet:
        """All living cells as Mesa agents; the set follows the tissue."""
        return CellSet(self.populations)

    @property
    def agents_by_type(self) -> dict[type[Cell], CellSet]:
        """The living cells by agent class; the sets follow the tissue."""
        return self.populations.by_class()

    @property
    def agent_types(self) -> list[type[Cell]]:
        """The agent classes of this model's catalogue."""
        return list(self.agents_by_type)

    def register_agent(self, agent: mesa.Agent) -> None:
        """Refused: the agents of a tumor are its cells."""
        refuse_registration(agent)

    def deregister_agent(self, agent: mesa.Agent) -> None:
        """Refused: see `Cell.remove`."""
        refuse_registration(agent)

    def remove_all_agents(self) -> None:
        """Take all living cells out of the tissue."""
        self.agents.do("remove")
        super().remove_all_agents()
