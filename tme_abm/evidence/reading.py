"""A model is run and read: whatever readouts, at whatever times, of a dish or of a whole tumor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.units import parse
from ..simulation import Simulation
from .readouts import readout
from .watch import Watch

__all__ = ["Ask", "Values", "plain", "read_run"]

Values = NDArray[np.float64]
"""One value per well."""

_HOUR = parse("1 h", "time")
_SLACK = 1e-6


class Ask(NamedTuple):
    """A reading of a run: the text of a readout, "end" or "mean", since when it counts, and when it is read [min]."""

    readout: str
    over: str
    begin: float
    at: float


def read_run(model: Simulation, asks: Collection[Ask]) -> dict[Ask, Values]:
    """Run a model until everything that is asked of it has been read; one value per well."""
    forms = {ask.readout: readout(ask.readout, model.catalogue) for ask in asks}
    begins = sorted({ask.begin for ask in asks})
    followed = {ask.begin for ask in asks if forms[ask.readout].paths}
    watches: dict[float, Watch] = {}
    sums = {(ask.readout, ask.begin): np.zeros(model.tissue.lattice.wells) for ask in asks if ask.over == "mean"}
    looks: Counter[float] = Counter()
    every = max(round(_HOUR / model.clock.dt), 1)
    found: dict[Ask, Values] = {}
    while True:
        now = model.clock.time + _SLACK
        for begin, watch in watches.items():
            watch.look()
            if model.clock.step % every == 0:
                looks[begin] += 1
                for (text, since), total in sums.items():
                    if since == begin:
                        total += forms[text].read(watch)
        watches |= {
            begin: Watch(model, paths=begin in followed) for begin in begins if begin <= now and begin not in watches
        }
        for ask in asks:
            if ask.at <= now and ask not in found:
                found[ask] = (
                    sums[ask.readout, ask.begin] / max(looks[ask.begin], 1)
                    if ask.over == "mean"
                    else forms[ask.readout].read(watches[ask.begin])
                )
        if len(found) == len(asks):
            return found
        model.step()


def plain(values: Values) -> tuple[float | None, ...]:
    """Values as they are stored: seven digits, None for what is not finite."""
    return tuple(float(f"{value:.7g}") if np.isfinite(value) else None for value in values)
