"""Design points: which values the parameters take together.

A grid takes all combinations, the last parameter turning fastest, a list the k-th values of all. The others draw
positions between 0 and 1 and look the values up in the ranges: Latin hypercube and scrambled Sobol sequence
(scipy.stats.qmc) to fill the space, Morris trajectories and Saltelli's arrangement of a Sobol sequence (SALib) to
compute sensitivity indices from. Everything follows from the design's seed.

Sources: Morris, doi:10.1080/00401706.1991.10484804; Saltelli et al., doi:10.1016/j.cpc.2009.09.018.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .document import INDICES, Design
from .parameters import Level, Parameter

__all__ = ["MORRIS_LEVELS", "design_notes", "design_points"]

MORRIS_LEVELS = 4

Point = tuple[Level, ...]


def design_points(design: Design, parameters: Sequence[Parameter], *, file: Path) -> tuple[Point, ...]:
    """Every design point: a level for each parameter, in their order.

    Raises:
        InputError: parameters that do not suit the design, or an extra that is missing.
    """
    if not parameters:
        if design.samples is not None:
            raise InputError(f"a {design.kind} design needs [parameters] to sample", file=file, place="parameters")
        return ((),)
    if design.kind == "grid":
        return tuple(itertools.product(*(parameter.values for parameter in parameters)))
    if design.kind == "list":
        return _listed(parameters, file)
    positions = _positions(design, len(parameters), file)
    return tuple(
        tuple(parameter.at(float(position)) for parameter, position in zip(parameters, row, strict=True))
        for row in positions
    )


def design_notes(design: Design, parameters: Sequence[Parameter], points: Sequence[Point]) -> tuple[str, ...]:
    """What the reader of a plan should know of its points."""
    notes = []
    rounded = [parameter.key for parameter in parameters if parameter.whole and parameter.ranged]
    if rounded:
        notes.append(f"{', '.join(rounded)}: whole numbers, so positions in the range are rounded")
    twice = len(points) - len({tuple(level.shown for level in point) for point in points})
    if twice and design.kind not in INDICES:
        notes.append(f"{twice} of {len(points)} design points repeat another one")
    samples = design.samples or 1
    if design.kind in ("sobol sequence", "sobol indices") and samples & (samples - 1):
        near = 1 << (samples.bit_length() - 1)
        notes.append(f"a Sobol sequence is balanced for powers of two only: {near} or {2 * near}, not {samples}")
    if design.kind == "morris":
        notes.append(f"{samples} trajectories of {len(parameters) + 1} points, {MORRIS_LEVELS} levels")
    if design.kind == "sobol indices":
        factor = f"({len(parameters)} parameters + 2) points (second_order = true adds those for the indices of pairs)"
        if design.second_order:
            factor = f"2 × ({len(parameters)} parameters + 1) points, with the second order"
        notes.append(f"{samples} base samples × {factor}")
    return tuple(notes)


def _listed(parameters: Sequence[Parameter], file: Path) -> tuple[Point, ...]:
    lengths = {parameter.key: len(parameter.values) for parameter in parameters}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise InputError(
            f"a list design takes the k-th values of all parameters together, and they differ in number: {told}",
            file=file,
            place="parameters",
        )
    return tuple(zip(*(parameter.values for parameter in parameters), strict=True))


def _positions(design: Design, dimension: int, file: Path) -> NDArray[np.float64]:
    """Positions (n_points, n_parameters) between 0 and 1."""
    samples = design.samples or 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # numbers that are no power of two are told in the notes
        if design.kind in INDICES:
            return _for_indices(design, dimension, samples, file)
        from scipy.stats import qmc

        if design.kind == "latin hypercube":
            return np.asarray(qmc.LatinHypercube(dimension, seed=design.seed).random(samples))
        return np.asarray(qmc.Sobol(dimension, seed=design.seed).random(samples))


def _for_indices(design: Design, dimension: int, samples: int, file: Path) -> NDArray[np.float64]:
    try:
        if design.kind == "morris":
            from SALib.sample import morris as sampler
        else:
            from SALib.sample import sobol as sampler
    except ImportError as error:
        raise InputError(
            f"the design '{design.kind}' needs SALib; install it with: pip install 'tme_abm[sensitivity]'",
            file=file,
            place="design.kind",
        ) from error
    problem: dict[str, Any] = {
        "num_vars": dimension,
        "names": [str(number) for number in range(dimension)],
        "bounds": [[0.0, 1.0]] * dimension,
    }
    if design.kind == "morris":
        drawn = sampler.sample(problem, samples, num_levels=MORRIS_LEVELS, seed=design.seed)
    else:
        drawn = sampler.sample(problem, samples, calc_second_order=design.second_order, seed=design.seed)
    return np.asarray(drawn, dtype=np.float64)
