"""Assay files: their form, and how families and sweeps are expanded.

A file holds `[[assay]]` and `[[family]]` tables. A family is a template: `{ligand}` in any text is filled from each
`[[family.member]]`, which may also replace whole keys. A sweep fills `{value}` in the interventions of an arm and makes
one arm for each value. Published experiments (`published`) share the setting of an assay and are read in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, StrictBool, StrictStr, field_validator, model_validator

from ..core.errors import InputError, combine
from ..core.toml import Frozen, read_toml, validated
from ..core.units import parse, split
from .claims import claims

__all__ = ["TREND", "Assay", "Expectation", "Setting", "Sweep", "load_assays", "read_tables"]

_HOLE = re.compile(r"\{(\w+)\}")
_VALUE = "{value}"
TREND = ("rising", "falling")


class Expectation(Frozen):
    """An expected result: a contrast of two arms, a contrast of one arm with zero, or a trend over several arms."""

    readout: StrictStr
    arm: StrictStr = ""
    against: StrictStr = ""
    arms: tuple[StrictStr, ...] = ()
    direction: Literal["up", "down", "none", "rising", "falling"]
    smallest: StrictStr | float = 0.0
    over: Literal["end", "mean"] = "end"
    claims: tuple[StrictStr, ...] = ()

    @field_validator("smallest")
    @classmethod
    def _is_an_effect(cls, smallest: str | float) -> str | float:
        if isinstance(smallest, str) and not re.fullmatch(r"\d+(\.\d+)? ?%", smallest):
            raise ValueError('a smallest effect of interest is a number or a share such as "10 %"')
        if isinstance(smallest, float) and smallest < 0:
            raise ValueError("a smallest effect of interest is not negative; the direction says the sign")
        return smallest

    @model_validator(mode="after")
    def _has_its_arms(self) -> Expectation:
        if self.direction in TREND:
            if len(self.arms) < 2 or self.arm or self.against:
                raise ValueError(f"'{self.direction}' goes through at least two 'arms', and has no 'arm' or 'against'")
        elif not self.arm or self.arms:
            raise ValueError("needs an 'arm' (and, to compare it with, 'against'); 'arms' are for rising and falling")
        return self

    def smallest_beside(self, mean: float) -> float:
        """The smallest effect of interest in the unit of the readout; `mean` is what a share is a share of."""
        if isinstance(self.smallest, str):
            return float(self.smallest.rstrip("% ")) / 100.0 * abs(mean)
        return self.smallest

    def states(self, other: Expectation) -> bool:
        """Whether this expects an effect of the readout of `other`, which `other` may expect to be abolished."""
        return self.direction in ("up", "down") and (self.readout, self.over) == (other.readout, other.over)


class Sweep(Frozen):
    """A swept quantity. Each arm that holds `{value}` becomes a curve, one arm per value; loading fills `curves`."""

    name: StrictStr
    values: tuple[StrictStr, ...] = Field(min_length=2)
    curves: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Setting(Frozen):
    """What is done in a virtual experiment, families and sweeps expanded. Interventions are those of a protocol.

    dish_changes : values that replace those of the dish, by dotted scenario key; also `wells` and `extends`
    arm_changes : the same for single arms, such as a different shipped tumor (`extends`) or lattice shape
    cells : the cells of every arm at the start, as for the `add` intervention; `scales` marks those whose number is the
        dose
    common : interventions in every arm
    after : when readouts begin to count and to average
    """

    id: StrictStr
    title: StrictStr
    dish: StrictStr
    dish_changes: dict[str, Any] = Field(default_factory=dict)
    arm_changes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    duration: StrictStr
    after: StrictStr = "0 h"
    cells: tuple[dict[str, Any], ...] = ()
    traits: dict[str, Any] = Field(default_factory=dict)
    common: tuple[dict[str, Any], ...] = ()
    sweep: Sweep | None = None
    arms: dict[str, tuple[dict[str, Any], ...]] = Field(min_length=1)
    note: StrictStr = ""

    @field_validator("duration", "after")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        parse(text, "time")
        return text

    @model_validator(mode="after")
    def _changes_its_arms(self) -> Self:
        for arm in self.arm_changes:
            self.check_arm(arm, "changes the dish of")
        for item in self.common:
            number = split(str(item.get("value")))
            if item.get("do") == "fix" and (number is None or number[0] != 0.0):
                raise ValueError("in every arm a behavior may only be switched off; other values belong to an arm")
        return self

    def check_arm(self, arm: str, what: str) -> None:
        """Raises ValueError, which says `what` was to be done with the arm, if there is no such arm."""
        if arm not in self.arms:
            raise ValueError(f"{what} the arm '{arm}'; the arms are {', '.join(self.arms)}")

    @property
    def minutes(self) -> tuple[float, float]:
        """(after, duration) in minutes."""
        return parse(self.after, "time"), parse(self.duration, "time")


class Assay(Setting):
    """One virtual experiment that tests claims.

    dose : the molecules whose amounts are halved and doubled
    """

    id: StrictStr = Field(pattern=r"[a-z0-9][a-z0-9\-]*")
    claims: tuple[StrictStr, ...] = Field(min_length=1)
    dose: tuple[StrictStr, ...] | None = None
    expect: tuple[Expectation, ...] = Field(min_length=1)
    robust: StrictBool = True

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for claim in self.claims:
            if claim not in claims():
                raise ValueError(f"no claim '{claim}'")
        for one in self.expect:
            for arm in (*one.arms, *(name for name in (one.arm, one.against) if name)):
                self.check_arm(arm, "expects something of")
            for claim in one.claims:
                if claim not in self.claims:
                    raise ValueError(f"expects something for '{claim}', which is not one of its claims")
            if one.direction == "none" and not one.smallest and not any(other.states(one) for other in self.expect):
                raise ValueError("'none' needs a 'smallest', or an expected effect of the same readout to be abolished")
        for claim in self.claims:
            if not self.expected_of(claim):
                raise ValueError(f"expects nothing for the claim '{claim}'")
        return self

    def expected_of(self, claim: str) -> tuple[Expectation, ...]:
        """The expectations that concern `claim`, the primary one first."""
        return tuple(one for one in self.expect if not one.claims or claim in one.claims)


Table = TypeVar("Table", bound=Setting)


def load_assays(directory: Path | None = None) -> dict[str, Assay]:
    """The assays in `directory`, or those that are shipped, by id. Raises one InputError that lists all problems."""
    return dict(_shipped()) if directory is None else read_tables(directory, Assay, "assay")


@cache
def _shipped() -> Mapping[str, Assay]:
    return read_tables(resources.files(__package__).joinpath("data", "assays"), Assay, "assay")


def read_tables(folder: Traversable, kind: type[Table], word: str) -> dict[str, Table]:
    """The `[[word]]` tables, and those of families, of all files in `folder`, by id.

    Raises one InputError that lists all problems.
    """
    found: dict[str, Table] = {}
    errors: list[InputError] = []
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    for file in files:
        try:
            tables = list(_tables(read_toml(file, name=file.name), file.name, kind, word))
        except InputError as error:
            errors.append(error)
            continue
        for place, table in tables:
            try:
                one = validated(kind, _swept(table), file=file.name, place=place)
                if one.id in found:
                    raise InputError(f"there are two {word}s '{one.id}'", file=file.name, place=place)
                found[one.id] = one
            except InputError as error:
                errors.append(error)
    if errors:
        raise combine(errors)
    return found


def _tables(raw: Mapping[str, Any], file: str, kind: type[Setting], word: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, table) of every `[[word]]` in a file, with families expanded."""
    for key in raw:
        if key not in (word, "family"):
            raise InputError(f"unknown key '{key}'", file=file, allowed=(word, "family"), word=key)
    for index, table in enumerate(raw.get(word, []), start=1):
        yield f"{word} {table.get('id', index)}", table
    for index, family in enumerate(raw.get("family", []), start=1):
        name = family.get("name", index)
        template = {key: value for key, value in family.items() if key not in ("name", "member")}
        for number, member in enumerate(family.get("member", []), start=1):
            place = f"family {name}, member {number}"
            own = {key: value for key, value in member.items() if key in kind.model_fields}
            words = {key: value for key, value in member.items() if key not in own}
            whole = {**template, **own}
            for hole in _HOLE.findall(str(whole)):
                if hole not in (*words, "value"):
                    what = f"the template has {{{hole}}}, which the member does not give"
                    raise InputError(what, file=file, place=place, allowed=words)
            yield place, _mapped(whole, partial(_filled, words=words))


def _mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """`value` with every text in it changed, in lists and tables too, keys included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, Mapping):
        return {_mapped(key, change): _mapped(item, change) for key, item in value.items()}
    return value


def _filled(text: str, words: Mapping[str, Any]) -> Any:
    """`text` with `{word}` replaced by its value; a text that is only `{word}` becomes the value, even a number."""
    whole = _HOLE.fullmatch(text)
    return words.get(whole[1], text) if whole else _HOLE.sub(lambda hole: str(words.get(hole[1], hole[0])), text)


def _swept(table: dict[str, Any]) -> dict[str, Any]:
    """The table of an experiment in which each arm that holds `{value}` is replaced by one arm for each value."""
    sweep = table.get("sweep")
    if not isinstance(sweep, Mapping) or not isinstance(table.get("arms"), Mapping):
        return table
    arms: dict[str, Any] = {}
    curves: dict[str, list[str]] = {}
    for name, items in table["arms"].items():
        if _VALUE not in str(items):
            arms[name] = items
            continue
        for value in sweep.get("values", []):
            arm = f"{name} @ {value}"
            arms[arm] = _mapped(items, partial(_filled, words={"value": value}))
            curves.setdefault(name, []).append(arm)
    return {**table, "arms": arms, "sweep": {**sweep, "curves": curves}}
