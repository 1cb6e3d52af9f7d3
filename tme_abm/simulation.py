"""The simulation of a tumor: a scenario, a seed, a tissue, and the processes of a step.

Only `SCHEDULE` defines the order of the processes. `model.TumorModel` is the same as a Mesa model; here is what a run
needs without Mesa, whose import (with pandas and networkx) takes longer than setting up a tumor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import processes as p
from .biology import Biology, Catalogue
from .core.errors import InputError
from .core.units import MINUTES_PER_DAY
from .processes.planting import plant
from .processes.presence import fields_needed
from .processes.treatment import Treatment
from .scenario import Intervention, Scenario, changed, load
from .tissue import Clock, Tissue

__all__ = ["SCHEDULE", "Simulation"]

log = logging.getLogger(__name__)

Make = Callable[[Biology, Scenario], p.Process]

SCHEDULE: tuple[tuple[str, Make], ...] = (
    ("treatment", lambda b, s: Treatment(b, s.protocol)),
    ("responding", lambda b, s: p.Responding(b)),
    ("expression", lambda b, s: p.Expression(b)),
    ("polarization", lambda b, s: p.Polarization(b)),
    ("activation", lambda b, s: p.Activation(b)),
    ("exhaustion", lambda b, s: p.Exhaustion(b)),
    ("binding", lambda b, s: p.Binding(b)),
    ("healing", lambda b, s: p.Healing(b)),
    ("killing", lambda b, s: p.Killing(b)),
    ("apoptosis", lambda b, s: p.Apoptosis(b)),
    ("necrosis", lambda b, s: p.Necrosis(b)),
    ("clearance", lambda b, s: p.Clearance(b)),
    ("division", lambda b, s: p.Division(b)),
    ("recruitment", lambda b, s: p.Recruitment(b, s.blood)),
    ("secretion", lambda b, s: p.Secretion(b, s.stroma.secretion)),
    ("remodeling", lambda b, s: p.Remodeling(b)),
    ("exposure", lambda b, s: p.Exposure(b)),
    ("transport", lambda b, s: p.Transport(b, s.fields.method, s.fields.tolerance, s.fields.lag)),
    ("migration", lambda b, s: p.Migration(b)),
    ("differentiation", lambda b, s: p.Differentiation(b)),
)
"""The processes of a step, in order, by name. After the last one the tissue grants what they requested."""


def _needs(item: Intervention, scenario: Scenario, molecules: Sequence[str]) -> str:
    """The message that `item` cannot be added to a run that has no fields of `molecules`."""
    cells = item.brings(scenario)
    why = f"no {', '.join(cells)} could be here, so there is" if cells else "there is"
    return f"in this run {why} no field of {', '.join(molecules)}; give '{item.do}' in the protocol of a new one"


class Simulation:
    """A tumor and its microenvironment on a lattice.

    `scenario` is the name of a shipped scenario, a file, or a loaded one; `rng` is the seed, an integer; `catalogue`
    replaces the shipped biology and the scenario's packs; `wells` is the number of independent replicates of the
    scenario in the simulation, which cost much less than the same number of simulations.

    A program that owns its process may call `core.memory.keep_freed_memory` first, as the command line does: steps then
    take up to a fifth less processor time.
    """

    scenario: Scenario
    tissue: Tissue

    def __init__(
        self,
        scenario: str | Path | Scenario = "hot",
        rng: int | None = None,
        catalogue: Catalogue | None = None,
        wells: int = 1,
    ) -> None:
        if wells < 1:
            raise InputError(f"a model has at least one well, not {wells}", place="wells")
        seed = int(np.random.default_rng().integers(2**31)) if rng is None else int(rng)
        if not isinstance(scenario, Scenario):
            scenario = load(scenario, catalogue=catalogue)
        elif catalogue is not None and catalogue is not scenario.catalogue:
            scenario = changed(scenario, catalogue=catalogue)
        self.scenario = scenario
        self.seed_number = seed
        self._set_biology(dict(self.scenario.tumor.traits))
        self.tissue = plant(self.scenario, self.biology, seed, wells)
        unmade = [name for name in self.scenario.record.molecules if name not in self.tissue.fields]
        if unmade:
            log.warning("record.molecules: nothing here makes %s, so there is no field to record", ", ".join(unmade))

    def _set_biology(self, traits: dict[str, float]) -> None:
        self._traits = traits
        self.biology = self.scenario.biology(traits)
        self.processes = {name: make(self.biology, self.scenario) for name, make in SCHEDULE}

    @property
    def catalogue(self) -> Catalogue:
        """The biology of this simulation."""
        return self.scenario.catalogue

    @property
    def clock(self) -> Clock:
        """The clock of the tissue: `clock.time` [min], `clock.step`, `clock.dt` [min]."""
        return self.tissue.clock

    @property
    def day(self) -> float:
        """Days since the start."""
        return self.tissue.clock.time / MINUTES_PER_DAY

    def step(self) -> None:
        """Advance by one time step of the scenario."""
        traits = self.scenario.traits_at(self.tissue.clock.time)
        if traits != self._traits:
            self._set_biology(traits)
        for process in self.processes.values():
            process(self.tissue, self.tissue.clock.dt)
        self.tissue.settle()
        self.tissue.clock.step += 1

    def intervene(self, item: Intervention) -> None:
        """Add `item` to the protocol of this run, in force from its start or, if that is past, from now on.

        `scenario` then has it too: run anew, it repeats this run. Before the first step, an intervention that changes
        the starting tissue (cells, a medium) has the tissue planted anew. Raises InputError if `item` does not fit.
        """
        item = item.model_copy(update={"start": max(item.start, self.tissue.clock.time)})
        protocol = [
            one.model_dump(mode="json", exclude_none=True, context=self.catalogue)
            for one in (*self.scenario.protocol, item)
        ]
        scenario = changed(self.scenario, {"protocol": protocol})
        if not self.tissue.clock.step and item.planted:
            self.tissue = plant(scenario, self.biology, self.seed_number, self.tissue.lattice.wells)
        missing = [name for name in fields_needed(scenario, self.biology) if name not in self.tissue.fields]
        if missing:
            raise InputError(_needs(item, scenario, missing))
        self.scenario = scenario
        self.processes["treatment"] = Treatment(self.biology, self.scenario.protocol)

    def run_until(self, day: float) -> None:
        """Step until `day` is reached."""
        end = day * MINUTES_PER_DAY
        while self.tissue.clock.time < end - 1e-6:  # a sum of steps may miss the end by a rounding error
            self.step()

    # ------------------------------------------------------------- state

    def state(self) -> dict[str, NDArray[Any]]:
        """All mutable state as flat arrays."""
        return self.tissue.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from the arrays of `state()` of the same scenario and seed, bit for bit.

        A tissue whose scenario was changed on the way may have fields that the scenario alone does not need.
        """
        fields = self.tissue.fields
        fields.follow([m.name for m in self.biology.molecules if m.name in fields or f"fields/{m.name}" in state])
        self.tissue.restore(state)

    @classmethod
    def from_state(
        cls,
        scenario: Scenario,
        seed: int,
        state: Mapping[str, NDArray[Any]],
        wells: int = 1,
    ) -> Self:
        """A simulation that continues from a saved state."""
        model = cls(scenario, rng=seed, wells=wells)
        model.restore(state)
        return model

    @classmethod
    def branched(cls, scenario: Scenario, seed: int, state: Mapping[str, NDArray[Any]]) -> Self:
        """A simulation that continues from a saved state under another scenario.

        Molecules without a field in `state` that need one now start at their background; existing fields are kept.
        """
        model = cls(scenario, rng=seed)
        planted = {f"fields/{name}": model.tissue.fields[name].copy() for name in model.tissue.fields}
        model.restore({**planted, **state})
        return model
