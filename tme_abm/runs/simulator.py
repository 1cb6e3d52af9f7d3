"""What the experiments ask of a model, and nothing more.

An experiment starts a model, steps it, measures it, keeps its state and takes it up again. Whatever can do
these things can be run, recorded, killed, resumed and compared; the tests do so with a toy of a page, the
package with `TumorModel`. The model is imported when the first one is started, so that reading results
stays light.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from .versions import model_fingerprint

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["Model", "Simulator", "TumorSimulator"]


class Model(Protocol):
    """A simulation that advances by equal steps."""

    def step(self) -> None:
        """Advance by one time step."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that changes: restored from these arrays, a model goes on as if never stopped."""
        ...


class Simulator(Protocol):
    """Makes models and reads them. Sent to worker processes, so it must be picklable."""

    def fingerprint(self) -> str:
        """Changes whenever the model would give other results for the same scenario and seed."""
        ...

    def start(self, scenario: Scenario, seed: int) -> Any:
        """A `Model` at step 0."""

    def resume(self, scenario: Scenario, seed: int, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """A `Model` in the state of `arrays`."""

    def branch(self, scenario: Scenario, seed: int, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """A `Model` in the state of `arrays`, which another scenario has led to."""

    def metrics(self, scenario: Scenario) -> tuple[str, ...]:
        """The names of what `measure` measures in a model of `scenario`, without making one."""
        ...

    def measure(self, model: Any) -> dict[str, float]:
        """The metrics of a model now."""
        ...

    def snapshot(self, model: Any) -> dict[str, NDArray[Any]]:
        """A picture of the tissue now."""
        ...

    def classify(self, measures: Mapping[str, float]) -> str:
        """hot, cold, excluded, or none when there is too little tumor to tell."""
        ...


class TumorSimulator:
    """The tumor model of this package."""

    def fingerprint(self) -> str:
        """See `model_fingerprint`."""
        return model_fingerprint()

    def start(self, scenario: Scenario, seed: int) -> Any:
        """A new tumor."""
        from ..model import TumorModel

        return TumorModel(scenario, rng=seed)

    def resume(self, scenario: Scenario, seed: int, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """A tumor as it was."""
        from ..model import TumorModel

        return TumorModel.from_state(scenario, seed, arrays)

    def branch(self, scenario: Scenario, seed: int, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """A tumor as it was, under another scenario from here on."""
        from ..model import TumorModel

        return TumorModel.branched(scenario, seed, arrays)

    def metrics(self, scenario: Scenario) -> tuple[str, ...]:
        """See `observe.metrics`."""
        from ..observe.metrics import metric_names

        return metric_names(scenario)

    def measure(self, model: Any) -> dict[str, float]:
        """See `observe.metrics`."""
        from ..observe.metrics import measure

        return measure(model)

    def snapshot(self, model: Any) -> dict[str, NDArray[Any]]:
        """See `observe.snapshot`."""
        from ..observe.snapshot import snapshot

        return dict(snapshot(model))

    def classify(self, measures: Mapping[str, float]) -> str:
        """See `observe.state`."""
        from ..observe.state import classify

        return str(classify(measures))
