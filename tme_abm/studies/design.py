"""The design of a study: its parameters as the file gives them, and the values they take together at its points.

A grid takes all combinations, the last parameter turning fastest, a list the k-th values of all. The others draw
positions between 0 and 1 and look the values up in the ranges: Latin hypercube and scrambled Sobol sequence
(scipy.stats.qmc) to fill the space, Morris trajectories and Saltelli's arrangement of a Sobol sequence (SALib) to
compute sensitivity indices from. Everything follows from the design's seed.

Sources: Morris, doi:10.1080/00401706.1991.10484804; Saltelli et al., doi:10.1016/j.cpc.2009.09.018.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from ..core.errors import InputError
from ..core.toml import Frozen, validated
from ..core.units import KINDS, parse, split
from .parameters import Level, Parameter

__all__ = ["MORRIS_LEVELS", "SAMPLED", "Design", "Point", "design_notes", "design_points", "read_parameter"]

MORRIS_LEVELS = 4

Kind = Literal["grid", "list", "latin hypercube", "sobol sequence", "morris", "sobol indices"]
SAMPLED = ("latin hypercube", "sobol sequence", "morris", "sobol indices")
INDICES = SAMPLED[2:]  # their samples are drawn for the computation of sensitivity indices

Point = tuple[Level, ...]


class Design(Frozen):
    """How the design points are chosen.

    `samples`: points of a Latin hypercube or a Sobol sequence, trajectories of a Morris design, base samples of the
    Sobol indices. `seed` is that of the design, not of the runs. `second_order`: points for the indices of pairs, too.
    """

    kind: Kind = "grid"
    samples: StrictInt | None = Field(default=None, ge=1)
    seed: StrictInt = Field(default=0, ge=0, lt=2**32)
    second_order: StrictBool = False

    @model_validator(mode="after")
    def _samples_where_they_mean_something(self) -> Design:
        if self.kind in SAMPLED and self.samples is None:
            raise ValueError(f"a {self.kind} design needs the number of samples (samples = 64)")
        if self.kind not in SAMPLED and self.samples is not None:
            raise ValueError(f"a {self.kind} takes the values as they are; samples is for {', '.join(SAMPLED)}")
        if self.second_order and self.kind != "sobol indices":
            raise ValueError("second_order is for sobol indices")
        return self


# ---------------------------------------------------------------- parameters


class _Range(Frozen):
    low: StrictInt | StrictFloat | StrictStr = Field(alias="from")
    high: StrictInt | StrictFloat | StrictStr = Field(alias="to")
    levels: StrictInt | None = Field(default=None, ge=2)
    scale: Literal["linear", "log"] = "linear"


def read_parameter(key: str, given: object, design: Design, *, whole: bool, file: Path) -> Parameter:
    """The parameter that a study file describes; `whole` if the key takes whole numbers.

    Raises:
        InputError: not a list or a range, or one that does not suit the design.
    """
    place = f'parameters."{key}"'
    grid, ranges = design.kind == "grid", design.kind in SAMPLED

    def refused(what: str) -> InputError:
        return InputError(what, file=file, place=place)

    if isinstance(given, list) and not ranges:
        if not given:
            raise refused("has no values")
        numbers, unit = _numbers(given)
        shown: tuple[float | str, ...] = tuple(map(_plain, given)) if numbers is None else numbers
        for index, value in enumerate(shown):
            if grid and value in shown[:index]:
                raise refused(f"the value {_plain(given[index])} is listed twice")
        return Parameter(key=key, unit=unit, values=shown, settings=tuple(given))
    if not isinstance(given, dict) or not (grid or ranges):
        needed = [
            'a list of values, such as [0.2, 0.5]' if not ranges else "",
            'a range, such as { from = "50 /mm^2", to = "200 /mm^2" }' if grid or ranges else "",
        ]
        raise refused(f"this design needs {' or '.join(filter(None, needed))} here")
    span = validated(_Range, given, file=file, place=place)
    if grid and span.levels is None:
        raise refused("a grid needs to know how many values (levels = 4)")
    if not grid and span.levels is not None:
        raise refused("levels is for a grid; this design draws its own values")
    numbers, unit = _numbers([span.low, span.high])
    if numbers is None:
        raise refused(f"from {span.low!r} to {span.high!r} is no range of numbers in one kind of unit")
    low, high = numbers
    if not low < high:
        raise refused(f"should rise: {span.low!r} is not below {span.high!r}")
    if span.scale == "log" and low <= 0:
        raise refused("a logarithmic range lies above 0")
    if whole and not (low.is_integer() and high.is_integer()):
        raise refused("takes whole numbers, and the ends are not whole")
    ends = Parameter(key=key, unit=unit, scale=span.scale, low=low, high=high, whole=whole)
    levels = [ends.level(float(position)).shown for position in np.linspace(0.0, 1.0, span.levels or 0)]
    return replace(ends, values=tuple(dict.fromkeys(levels)))


def _numbers(given: Sequence[Any]) -> tuple[tuple[float, ...] | None, str]:
    """The numbers in the unit of the first one; None where these are no numbers of one kind."""
    found = [
        split(one) if isinstance(one, str) else (float(one), "")
        for one in given if isinstance(one, str | int | float) and not isinstance(one, bool)
    ]  # fmt: skip
    known = [one for one in found if one is not None and math.isfinite(one[0])]
    if len(known) < len(given):
        return None, ""
    unit = known[0][1]
    if all(one == unit for _, one in known):
        return tuple(number for number, _ in known), unit
    for kind in KINDS:
        try:
            factors = [parse(f"1 {one}", kind) / parse(f"1 {unit}", kind) for _, one in known]
        except InputError:
            continue
        return tuple(float(f"{number * k:.12g}") for (number, _), k in zip(known, factors, strict=True)), unit
    return None, ""


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return str(value)


# ---------------------------------------------------------------- points


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
        return tuple(itertools.product(*(parameter.levels for parameter in parameters)))
    if design.kind == "list":
        return _together(parameters, file)
    return tuple(
        tuple(parameter.level(float(position)) for parameter, position in zip(parameters, row, strict=True))
        for row in _positions(design, len(parameters), file)
    )


def design_notes(design: Design, parameters: Sequence[Parameter], points: Sequence[Point]) -> tuple[str, ...]:
    """Notes on the points for the reader of a plan."""
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


def _together(parameters: Sequence[Parameter], file: Path) -> tuple[Point, ...]:
    lengths = {parameter.key: len(parameter.values) for parameter in parameters}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise InputError(
            f"a list design takes the k-th values of all parameters together, and they differ in number: {listed}",
            file=file,
            place="parameters",
        )
    return tuple(zip(*(parameter.levels for parameter in parameters), strict=True))


def _positions(design: Design, dimension: int, file: Path) -> NDArray[np.float64]:
    """Positions (n_points, n_parameters) between 0 and 1."""
    samples = design.samples or 1
    problem: dict[str, Any] = {
        "num_vars": dimension,
        "names": [str(number) for number in range(dimension)],
        "bounds": [[0.0, 1.0]] * dimension,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the notes mention numbers that are no power of two
        if design.kind == "morris":
            sampler = _salib(design.kind, file).morris
            return np.asarray(sampler.sample(problem, samples, num_levels=MORRIS_LEVELS, seed=design.seed))
        if design.kind == "sobol indices":
            sampler = _salib(design.kind, file).sobol
            return np.asarray(
                sampler.sample(problem, samples, calc_second_order=design.second_order, seed=design.seed)
            )
        from scipy.stats import qmc

        engine = qmc.LatinHypercube if design.kind == "latin hypercube" else qmc.Sobol
        return np.asarray(engine(dimension, seed=design.seed).random(samples))


def _salib(kind: str, file: Path) -> Any:
    try:
        from SALib import sample
        from SALib.sample import morris, sobol  # noqa: F401 - makes them attributes of `sample`
    except ImportError as error:
        raise InputError(
            f"the design '{kind}' needs SALib; install it with: pip install 'tme_abm[sensitivity]'",
            file=file,
            place="design.kind",
        ) from error
    return sample
