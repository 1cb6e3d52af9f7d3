"""What a run needs of a model: start it, resume it, measure it, and know whether it is still the same model.

A `Simulator` is the tumor model of this package. A subclass can be run, recorded, killed, resumed and compared in the
same way: the tests do so with a toy, calibration with a changed catalogue, a different one for each run. It is sent to
worker processes, so it must be picklable. The model is imported when the first one is made, so that results can be
read without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from .fingerprint import model_fingerprint

if TYPE_CHECKING:
    from ..scenario import Scenario

__all__ = ["Simulator", "or_tumor"]

Arrays = Mapping[str, NDArray[Any]]


class Simulator:
    """Makes models and measures them. A model has `step()` and `state()`, the arrays that `resume` takes."""

    def fingerprint(self) -> str:
        """A text that changes if the model may give other results for the same scenario and seed."""
        return model_fingerprint()

    def start(self, scenario: Scenario, seed: int) -> Any:
        """A model at its first step."""
        from ..simulation import Simulation

        return Simulation(scenario, rng=seed)

    def resume(self, scenario: Scenario, seed: int, arrays: Arrays) -> Any:
        """A model in the state `arrays`."""
        from ..simulation import Simulation

        return Simulation.from_state(scenario, seed, arrays)

    def branch(self, scenario: Scenario, seed: int, arrays: Arrays) -> Any:
        """A model in the state `arrays` of another scenario."""
        from ..simulation import Simulation

        return Simulation.branched(scenario, seed, arrays)

    def metrics(self, scenario: Scenario) -> tuple[str, ...]:
        """The names of the metrics that `measure` returns for a model of `scenario`."""
        from ..observe.metrics import metric_names

        return metric_names(scenario)

    def measure(self, model: Any) -> dict[str, float]:
        """The metrics of a model."""
        from ..observe.metrics import measure

        return measure(model)

    def snapshot(self, model: Any) -> dict[str, NDArray[Any]]:
        """A picture of the tissue."""
        from ..observe.snapshot import snapshot

        return snapshot(model)

    def classify(self, measures: Mapping[str, float]) -> str:
        """The state of a tumor: "hot", "cold", "excluded", or "none" if tumor cells are too few or too scattered."""
        from ..observe.state import classify

        return classify(measures)


TUMOR = Simulator()


def or_tumor(given: Simulator | None) -> Simulator:
    """`given`, or the tumor model of this package."""
    return TUMOR if given is None else given
