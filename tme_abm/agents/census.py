"""The data collector of a model: living cells of every type, at the start and after every step."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from ..tissue import ALIVE
from .cell import LAYERS

if TYPE_CHECKING:
    from ..model import TumorModel

__all__ = ["Census"]


class Census(mesa.DataCollector):
    """A Mesa data collector that the model itself keeps up to date, once a step.

    Reporters: "day", and "CD8 cells" and so on, as the metrics are called. More may be given in the way of
    `mesa.DataCollector`. A model does not call the
    collect of a data collector of another class.
    """

    def __init__(
        self,
        model: TumorModel,
        model_reporters: Mapping[str, Any] | None = None,
        agent_reporters: Mapping[str, Any] | None = None,
        agenttype_reporters: Mapping[type, Mapping[str, Any]] | None = None,
    ) -> None:
        biology = model.biology
        counts = {
            f"{name} cells": partial(_living, kind=kind)
            for kind, name in enumerate(biology.cells)
            if biology.layer[kind] in LAYERS
        }
        super().__init__(
            model_reporters={"day": "day", **counts, **(model_reporters or {})},
            agent_reporters=agent_reporters,
            agenttype_reporters=agenttype_reporters,
        )
        self.restart(model)

    def restart(self, model: TumorModel) -> None:
        """Forget everything and begin with the present step: for a model that has been given another state."""
        for values in self.model_vars.values():
            values.clear()
        self._agent_records.clear()
        self._agenttype_records.clear()
        getattr(self, "_collection_steps", []).clear()  # from Mesa 3.5 on
        self._collected: int | None = None
        self.collect(model)

    def collect(self, model: TumorModel) -> None:
        """Record the present step, only once however often it is called."""
        if self._collected != model.tissue.clock.step:
            self._collected = model.tissue.clock.step
            super().collect(model)


def _living(model: TumorModel, kind: int) -> int:
    cells = model.tissue.cells
    return int(np.count_nonzero((cells.kind == kind) & (cells.fate == ALIVE)))
