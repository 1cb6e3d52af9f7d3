"""The parts under test, and the faults that can be planted in them: each check must catch one.

`Works()` has the parts as they are; each other function returns works in which one part has a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..biology import Biology
from ..core import draws
from ..kernels.fields import METHODS, Problem, Step
from ..processes import Migration, Process
from ..scenario import Scenario
from ..simulation import Simulation
from ..tissue import Tissue

__all__ = [
    "METHOD_NAMES", "Bits", "Works", "counting", "deaf_to_spacing", "faster", "four_directions", "hasty", "leaking",
    "other_seeds", "split", "stretched", "with_behavior", "with_model", "with_uptake",
]  # fmt: skip

METHOD_NAMES = tuple(METHODS)

Bits = Callable[[int, str, int, ArrayLike, int], NDArray[np.uint64]]
MakeModel = Callable[[Scenario, int, int], Simulation]


def _model(scenario: Scenario, seed: int, wells: int) -> Simulation:
    """The model of a scenario with several wells."""
    return Simulation(scenario, rng=seed, wells=wells)


@dataclass(frozen=True, kw_only=True)
class Works:
    """The parts that checks put to the test; without arguments, those of the program.

    methods : the field solvers by name; biology : changes compiled biology before a check uses it
    migration : the process; model : makes a whole model; bits : the random bits of an address
    """

    methods: Mapping[str, Step] = field(default_factory=lambda: {str(name): step for name, step in METHODS.items()})
    biology: Callable[[Biology], Biology] = lambda biology: biology
    migration: Callable[[Biology], Process] = Migration
    model: MakeModel = _model
    bits: Bits = draws.bits

    def solved(self, name: str, c: Any, problem: Problem, steps: int, **given: Any) -> Any:
        """The field that the solver `name` makes of `c` in several steps."""
        for _ in range(steps):
            c = self.methods[name](c, problem, **given)
        return c


# ------------------------------------------------------------------------------------------------- faults of solvers


def _solvers(changed: Callable[..., Any]) -> Works:
    """Every field solver is replaced by `changed`, which gets the right solver, the concentration and the problem."""
    return Works(methods={name: partial(changed, step) for name, step in METHODS.items()})


def faster(factor: float) -> Works:
    """Every diffusivity is wrong by a factor."""
    return _solvers(
        lambda step, c, problem, **given: step(c, replace(problem, diffusivity=factor * problem.diffusivity), **given)
    )


def split() -> Works:
    """Uptake acts after transport instead of with it."""

    def stepped(step: Step, c: Any, problem: Problem, **given: Any) -> Any:
        return step(c, replace(problem, uptake=0.0), **given) * np.exp(-np.asarray(problem.uptake) * problem.dt)

    return _solvers(stepped)


def leaking(share: float) -> Works:
    """A step loses a share of each amount."""
    return _solvers(lambda step, c, problem, **given: step(c, problem, **given) * c.dtype.type(1.0 - share))


def stretched(share: float) -> Works:
    """A step moves a share of every site's amount one site further along the last axis."""

    def stepped(step: Step, c: Any, problem: Problem, **given: Any) -> Any:
        new = step(c, problem, **given)
        flux = share * np.diff(new, axis=-1)
        new[..., :-1] += flux
        new[..., 1:] -= flux
        return new

    return _solvers(stepped)


def deaf_to_spacing(spacing: float) -> Works:
    """The solvers take sites to be always `spacing` apart."""
    return _solvers(lambda step, c, problem, **given: step(c, replace(problem, spacing=spacing), **given))


# ------------------------------------------------------------------------------------- faults of cells and models


def with_behavior(cell: str, behavior: str, factor: float) -> Works:
    """A behavior of a cell type is wrong by a factor."""

    def change(biology: Biology) -> Biology:
        base = biology.base.copy()
        base[biology.cell_index[cell], biology.behavior_index[behavior]] *= factor
        return replace(biology, base=base)

    return Works(biology=change)


def with_uptake(factor: float) -> Works:
    """The uptake of all cells is wrong by a factor."""
    return Works(biology=lambda biology: replace(biology, uptake=biology.uptake * factor))


class _FourDirections:
    """Migration without steps along a diagonal."""

    def __init__(self, biology: Biology) -> None:
        self.walk = Migration(biology)
        self.writes = self.walk.writes

    def __call__(self, tissue: Tissue, dt: float) -> None:
        lattice, weights = tissue.lattice, tissue.lattice.direction_weights
        lattice.direction_weights = np.where(lattice.step_lengths > 1.2 * lattice.spacing, 0.0, weights)
        self.walk(tissue, dt)
        lattice.direction_weights = weights


def four_directions() -> Works:
    """Walkers never step along a diagonal."""
    return Works(migration=_FourDirections)


class _Hasty:
    """A process with a constant time step."""

    def __init__(self, process: Process, dt: float) -> None:
        self.process, self.dt, self.writes = process, dt, process.writes

    def __call__(self, tissue: Tissue, dt: float) -> None:
        self.process(tissue, self.dt)


def hasty(process: str, dt: float) -> Works:
    """One process of the model has a constant time step, whatever the clock says."""

    def make(scenario: Scenario, seed: int, wells: int) -> Simulation:
        model = _model(scenario, seed, wells)
        model.processes[process] = _Hasty(model.processes[process], dt)
        return model

    return Works(model=make)


def other_seeds() -> Works:
    """Models with the same seed have different random numbers."""
    made = count(1)
    return Works(model=lambda scenario, seed, wells: _model(scenario, seed + 1000 * next(made), wells))


def with_model(change: Callable[[Scenario], Scenario]) -> Works:
    """Models are made of a changed scenario."""
    return Works(model=lambda scenario, seed, wells: _model(change(scenario), seed, wells))


def counting() -> Works:
    """Draws are multiples of the golden ratio: even, but each follows from the one before."""

    def bits(seed: int, stream: str, step: int, keys: ArrayLike, lane: int = 0) -> NDArray[np.uint64]:
        word = (seed * 7 + len(stream) * 13 + step * 31 + lane * 61) % 2**32
        return np.asarray(keys).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(word)

    return Works(bits=bits)
