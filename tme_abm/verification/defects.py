"""Faults to plant: small lies of a solver, a walk, a model or a source of chance. Each check must catch one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..biology import Biology
from ..kernels.fields import Problem, Step
from ..processes import Migration, Process
from ..scenario import Scenario
from ..tissue import Tissue
from .works import MakeModel, Works, model_of, with_methods

__all__ = [
    "counting",
    "deaf_to_spacing",
    "faster",
    "four_directions",
    "hasty",
    "leaking",
    "other_seeds",
    "split",
    "stretched",
    "with_behavior",
    "with_model",
    "with_uptake",
]

Solver = Callable[..., Any]


def faster(factor: float) -> Works:
    """Every diffusivity is off by a factor."""

    def change(step: Step) -> Solver:
        return lambda c, problem, **given: step(
            c, replace(problem, diffusivity=factor * problem.diffusivity), **given
        )

    return with_methods(change)


def split() -> Works:
    """Uptake acts after transport instead of with it, as is common."""

    def change(step: Step) -> Solver:
        def stepped(c: Any, problem: Problem, **given: Any) -> Any:
            return step(c, replace(problem, uptake=0.0), **given) * np.exp(-np.asarray(problem.uptake) * problem.dt)

        return stepped

    return with_methods(change)


def leaking(share: float) -> Works:
    """A step loses a share of what there is."""

    def change(step: Step) -> Solver:
        return lambda c, problem, **given: step(c, problem, **given) * c.dtype.type(1.0 - share)

    return with_methods(change)


def stretched(share: float) -> Works:
    """A step moves a share of every site's amount one site further along the last axis."""

    def change(step: Step) -> Solver:
        def stepped(c: Any, problem: Problem, **given: Any) -> Any:
            new = step(c, problem, **given)
            flux = share * np.diff(new, axis=-1)
            new[..., :-1] += flux
            new[..., 1:] -= flux
            return new

        return stepped

    return with_methods(change)


def deaf_to_spacing(spacing: float) -> Works:
    """The solvers believe that sites are always `spacing` apart."""

    def change(step: Step) -> Solver:
        return lambda c, problem, **given: step(c, replace(problem, spacing=spacing), **given)

    return with_methods(change)


def with_behavior(cell: str, behavior: str, factor: float) -> Works:
    """A behavior of a cell type is off by a factor."""

    def change(biology: Biology) -> Biology:
        base = biology.base.copy()
        base[biology.cell_index[cell], biology.behavior_index[behavior]] *= factor
        return replace(biology, base=base)

    return Works(biology=change)


def with_uptake(factor: float) -> Works:
    """All cells take up more than they should."""
    return Works(biology=lambda biology: replace(biology, uptake=biology.uptake * factor))


class _FourDirections:
    """A walk that never goes along a diagonal."""

    def __init__(self, biology: Biology) -> None:
        self.walk = Migration(biology)
        self.writes = self.walk.writes

    def __call__(self, tissue: Tissue, dt: float) -> None:
        lattice, weights = tissue.lattice, tissue.lattice.direction_weights
        lattice.direction_weights = np.where(lattice.step_lengths > 1.2 * lattice.spacing, 0.0, weights)
        self.walk(tissue, dt)
        lattice.direction_weights = weights


def four_directions() -> Works:
    """Walkers that know no diagonals."""
    return Works(migration=_FourDirections)


class _Hasty:
    """A process that always takes steps of one length, whatever the clock says."""

    def __init__(self, process: Process, dt: float) -> None:
        self.process, self.dt = process, dt

    @property
    def writes(self) -> frozenset[str]:
        return self.process.writes

    def __call__(self, tissue: Tissue, dt: float) -> None:
        self.process(tissue, self.dt)


def hasty(process: str, dt: float) -> Works:
    """One process of the model takes the time step for a constant."""

    def make(scenario: Scenario, seed: int, wells: int) -> Any:
        model = model_of(scenario, seed, wells)
        model.processes[process] = _Hasty(model.processes[process], dt)
        return model

    return Works(model=make)


def other_seeds() -> Works:
    """No two models share their chances, though they are given the same seed."""
    made = 0

    def make(scenario: Scenario, seed: int, wells: int) -> Any:
        nonlocal made
        made += 1
        return model_of(scenario, seed + 1000 * made, wells)

    return Works(model=make)


def with_model(change: Callable[[Scenario], Scenario]) -> Works:
    """Models are made of another scenario than the one asked for."""
    make: MakeModel = lambda scenario, seed, wells: model_of(change(scenario), seed, wells)  # noqa: E731
    return Works(model=make)


def counting() -> Works:
    """Draws that are even but follow one another: multiples of the golden ratio, the worst kind of good."""

    def bits(seed: int, stream: str, step: int, keys: ArrayLike, lane: int = 0) -> NDArray[np.uint64]:
        word = (seed * 7 + len(stream) * 13 + step * 31 + lane * 61) % 2**32
        return np.asarray(keys).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(word)

    return Works(bits=bits)
