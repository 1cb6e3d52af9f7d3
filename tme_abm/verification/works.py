"""The parts under test, in one place, so that a test can swap one for a defective one and see the checks notice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..biology import Biology
from ..core import draws
from ..kernels.fields import METHODS, Step
from ..model import TumorModel
from ..processes import Migration, Process
from ..scenario import Scenario

__all__ = ["METHOD_NAMES", "MakeModel", "Works", "model_of", "with_methods"]

METHOD_NAMES = tuple(METHODS)

Bits = Callable[[int, str, int, ArrayLike, int], NDArray[np.uint64]]
MakeModel = Callable[[Scenario, int, int], TumorModel]


def model_of(scenario: Scenario, seed: int, wells: int) -> TumorModel:
    """The model of a scenario with several wells, without the census that nobody reads here."""
    model = TumorModel(scenario, rng=seed, wells=wells)
    model.take_no_census()
    return model


def _as_compiled(biology: Biology) -> Biology:
    return biology


@dataclass(frozen=True, kw_only=True)
class Works:
    """What the checks put to the test; without arguments, the real thing.

    methods : the field solvers by name; biology : what is done to compiled biology before a check uses it;
    migration : the process; model : makes a whole model; bits : the random bits of an address.
    """

    methods: Mapping[str, Step] = field(default_factory=lambda: {str(name): step for name, step in METHODS.items()})
    biology: Callable[[Biology], Biology] = _as_compiled
    migration: Callable[[Biology], Process] = Migration
    model: MakeModel = model_of
    bits: Bits = draws.bits


def with_methods(change: Callable[[Step], Callable[..., Any]]) -> Works:
    """Works in which every field solver is changed alike: a way to plant a defect."""
    return Works(methods={name: change(step) for name, step in METHODS.items()})
