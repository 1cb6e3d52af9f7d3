"""What was measured of every frame so far, for time courses and for a file."""

from __future__ import annotations

import csv
import io

import numpy as np
from numpy.typing import NDArray

from .frame import Frame

__all__ = ["History"]


class History:
    """Measures of every frame so far, as columns. One thread may read while another adds."""

    def __init__(self) -> None:
        self.days: list[float] = []
        self._values: dict[str, list[float]] = {}

    def add(self, frame: Frame) -> None:
        """Append the measures of a frame; of a frame already there, nothing."""
        if self.days and frame.day <= self.days[-1]:
            return
        for name, value in _all_measures(frame).items():
            if name not in self._values:
                self._values[name] = [np.nan] * len(self.days)
            self._values[name].append(value)
        # Last, so that a reader who looks at the days first finds a value for each.
        self.days.append(frame.day)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """All values of a measure, (n,) or one more than there are days; NaN if it is not known."""
        return np.array(self._values.get(name, [np.nan] * (len(self.days) + 1)), dtype=np.float64)

    def csv(self) -> str:
        """Tidy, as a run's series.csv: time_day, metric, value."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("time_day", "metric", "value"))
        for number, day in enumerate(self.days):
            for name, values in self._values.items():
                writer.writerow((repr(day), name, repr(float(values[number]))))
        return out.getvalue()


def _all_measures(frame: Frame) -> dict[str, float]:
    called = {f"called by {name}": share for name, share in frame.called.items()}
    return dict(frame.measures) | called | {f"{name} called": rate for name, rate in frame.summoned.items()}
