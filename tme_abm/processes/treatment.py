"""Treatment: the protocol of a scenario becomes the controls of a step, and its events happen.

Controls follow from the clock alone and are made anew in every step. Events come last, so that added cells meet all
that is in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..biology import Biology
from ..scenario.protocol import Event, Intervention, Lasting, lanes, naming
from ..tissue import Controls, Tissue
from .states import show_at_once

__all__ = ["Treatment"]


class Treatment:
    """The interventions in force set the controls, and doses, depletions, infusions and additions take effect."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology, protocol: Sequence[Intervention]) -> None:
        self.biology = biology
        items = zip(range(len(protocol)), lanes(protocol), protocol, strict=True)
        self.items = sorted(items, key=lambda one: isinstance(one[2], Event))

    def __call__(self, tissue: Tissue, dt: float) -> None:
        tissue.controls = Controls.none(len(self.biology.cells), len(self.biology.receptors))
        around = [(tissue.clock.step + n) * tissue.clock.dt for n in (-1, 0, 1)]
        for number, lane, item in self.items:
            # Solved in the step before, a field has no share in its wait; solved in this one, it has the new source.
            if isinstance(item, Lasting) and item.gives and len({item.acts(time) for time in around}) > 1:
                tissue.fields.hurry(item.gives)
            if item.acts(tissue.clock.time, dt):
                before = len(tissue.cells)
                with naming(number):
                    item.act(tissue, self.biology, lane)
                show_at_once(self.biology, tissue, np.arange(before, len(tissue.cells)))
