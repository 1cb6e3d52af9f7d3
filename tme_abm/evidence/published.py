"""Published experiments in living tumors: what was done, what was measured, and the criterion for a repeat.

A file of `data/experiments` holds `[[experiment]]` tables. Their dishes, arms and interventions are those of an assay;
most are done to whole shipped tumors. The criterion stands in them twice, in words and as bounds, and so is fixed
before the experiment runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, StrictStr, field_validator, model_validator

from ..core.errors import InputError
from ..core.toml import Frozen
from ..core.units import parse
from .assays import Setting, read_tables

__all__ = ["WHOLE", "Bounds", "Experiment", "load_experiments", "select"]

WHOLE = "whole"
"""The dish that is a whole shipped tumor."""

Take = Literal["value", "difference", "ratio", "interaction", "spread", "half-max"]
_ARMS: Mapping[Take, tuple[int, int]] = {
    "value": (1, 1),
    "difference": (2, 2),
    "ratio": (2, 2),
    "interaction": (4, 4),
    "spread": (2, 99),
    "half-max": (1, 1),
}
"""The least and the largest number of arms of each."""
_NONE: Mapping[Take, float] = {"difference": 0.0, "ratio": 1.0, "interaction": 0.0}
"""The value of no effect."""

Doi = Annotated[StrictStr, Field(pattern=r"^10\.\d{4,9}/\S+$")]


class Bounds(Frozen):
    """What is taken of a readout in some arms, and the bounds that it must keep.

    take : "value" of [arm]; "difference" or "ratio" of [arm, twin], seed by seed; "interaction" of the logarithms of
        [both, one, other, neither]; "spread", the largest over the smallest median of arms; "half-max", the dose of
        half the largest rise along [curve of the sweep]
    at : when it is read; the value of a seed is the mean over these times; without any, at the end
    over : "end" for the reading at that time, "mean" for that of all hours until then
    least, most : bounds of the estimate
    above, below : bounds of the whole 95 % interval
    tumors : only in these tumors
    world : the alternative that this describes, in an experiment about which publications disagree
    """

    readout: StrictStr
    take: Take = "value"
    arms: tuple[StrictStr, ...]
    at: tuple[StrictStr, ...] = ()
    over: Literal["end", "mean"] = "end"
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    tumors: tuple[StrictStr, ...] = ()
    world: StrictStr = ""

    @field_validator("at")
    @classmethod
    def _are_times(cls, at: tuple[str, ...]) -> tuple[str, ...]:
        for text in at:
            parse(text, "time")
        return at

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        least, most = _ARMS[self.take]
        if not least <= len(self.arms) <= most:
            raise ValueError(f"'{self.take}' needs {least if least == most else f'at least {least}'} of 'arms'")
        if self.least is self.most is self.above is self.below is None:
            raise ValueError("needs one of the bounds least, most, above, below")
        if self.take == "spread" and not (self.above is self.below is None):
            raise ValueError("a 'spread' has no interval; its bounds are least and most")
        return self

    @property
    def none(self) -> float | None:
        """The value of no effect, where there is one."""
        return _NONE.get(self.take)

    @property
    def side(self) -> int:
        """The side of no effect on which the bounds lie: 1 above, -1 below, 0 both or neither."""
        if self.none is None:
            return 0
        if any(bound is not None and bound >= self.none for bound in (self.least, self.above)):
            return 1
        return -1 if any(bound is not None and bound <= self.none for bound in (self.most, self.below)) else 0


class Experiment(Setting):
    """A published experiment, and how it is repeated.

    done, measured, published : what was done to the tumors, what was measured, and the result, in words
    source, doi : the publications; without a DOI, `unsourced` says why
    confidence : A seen in the source, B well known, recalled or indirect, C an estimate
    criterion : the criterion in words; `expect` is the same as bounds, all of which must hold in each of the tumors
    unposed : why the model cannot pose it; such an experiment has no arms
    tumors : names of shipped scenarios, if the dish is a whole tumor
    seeds : the number of replicates
    """

    id: StrictStr = Field(pattern=r"^[A-Z]+-\d+[a-z]?$")
    done: StrictStr = Field(min_length=1)
    measured: StrictStr = Field(min_length=1)
    published: StrictStr = Field(min_length=1)
    source: StrictStr = Field(min_length=1)
    doi: tuple[Doi, ...]
    unsourced: StrictStr = ""
    confidence: Literal["A", "B", "C"]
    criterion: StrictStr = Field(min_length=1)
    unposed: StrictStr = ""
    dish: StrictStr = WHOLE
    tumors: tuple[StrictStr, ...] = ()
    duration: StrictStr = "10 d"
    seeds: StrictInt = Field(default=4, ge=2)
    arms: dict[str, tuple[dict[str, object], ...]] = Field(default_factory=dict)
    expect: tuple[Bounds, ...] = ()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if not self.doi and not self.unsourced:
            raise ValueError("needs a 'doi', or 'unsourced', which says why there is none")
        if self.unposed:
            if self.arms or self.expect or self.tumors:
                raise ValueError("is 'unposed', so it has no tumors, arms or expect")
            return self
        if not self.arms or not self.expect:
            raise ValueError("needs arms and expect, or 'unposed', which says why it has none")
        if (self.dish == WHOLE) != bool(self.tumors):
            raise ValueError("needs 'tumors' or the 'dish' that it is done in, not both")
        for one in self.expect:
            for arm in self.arms_of(one):
                self.check_arm(arm, "expects something of")
            if one.take == "half-max" and not (self.sweep and one.arms[0] in self.sweep.curves):
                raise ValueError(f"a half-max needs a curve of a sweep, not '{one.arms[0]}'")
            for tumor in one.tumors:
                if tumor not in self.tumors:
                    raise ValueError(f"expects something of the tumor '{tumor}', which is not one of its tumors")
        read = {arm for one in self.expect for arm in self.arms_of(one)}
        if idle := [arm for arm in self.arms if arm not in read]:
            raise ValueError(f"expects nothing of {', '.join(idle)}")
        if len({bool(one.world) for one in self.expect}) > 1:
            raise ValueError("either all or none of expect describe a 'world'")
        return self

    def arms_of(self, one: Bounds) -> tuple[str, ...]:
        """The arms that are read for `one`; those of a curve of the sweep are named by the curve."""
        curves = self.sweep.curves if self.sweep else {}
        return tuple(arm for name in one.arms for arm in curves.get(name, (name,)))

    def times_of(self, one: Bounds) -> tuple[float, ...]:
        """When `one` is read [min]."""
        return tuple(parse(text, "time") for text in one.at or (self.duration,))

    def settings(self) -> dict[str, Setting]:
        """What is done by tumor, or by the dish; nothing if it is unposed."""
        if self.unposed:
            return {}
        if self.dish != WHOLE:
            return {self.dish: self}
        return {
            tumor: self.model_copy(update={"dish_changes": {"extends": tumor, **self.dish_changes}})
            for tumor in self.tumors
        }


def load_experiments(directory: Path | None = None) -> dict[str, Experiment]:
    """The experiments in `directory`, or the shipped ones, by id. Raises one InputError that lists all problems."""
    return dict(_shipped()) if directory is None else _ordered(read_tables(directory, Experiment, "experiment"))


def select(ids: Collection[str] = ()) -> tuple[Experiment, ...]:
    """The shipped experiments that match an id, or a pattern such as "IV-1*"; all without one.

    Raises InputError for an id or a pattern that matches none.
    """
    known = load_experiments()
    for pattern in ids:
        if not any(fnmatch(name, pattern) for name in known):
            raise InputError(f"no experiment '{pattern}'", allowed=known, word=pattern, place="--id")
    return tuple(one for name, one in known.items() if not ids or any(fnmatch(name, pattern) for pattern in ids))


@cache
def _shipped() -> Mapping[str, Experiment]:
    return _ordered(read_tables(resources.files(__package__).joinpath("data", "experiments"), Experiment, "experiment"))


def _ordered(found: Mapping[str, Experiment]) -> dict[str, Experiment]:
    return {name: found[name] for name in sorted(found)}
