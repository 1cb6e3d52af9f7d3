"""A study file as a person writes it: which scenarios, which parameters, how many replicates.

Only the form is checked here, with every complaint told at once; `study` checks what the words mean. Dotted keys may
be quoted, as `--set` takes them, or written bare, so that TOML makes tables of them: both say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, field_validator, model_validator

from ..core.errors import InputError
from ..core.toml import Frozen, read_toml, validated
from ..runs.run import SEEDS

__all__ = ["INDICES", "KINDS", "SAMPLED", "Design", "StudyDocument", "read_document"]

Kind = Literal["grid", "list", "latin hypercube", "sobol sequence", "morris", "sobol indices"]
KINDS: tuple[str, ...] = ("grid", "list", "latin hypercube", "sobol sequence", "morris", "sobol indices")
SAMPLED = KINDS[2:]
INDICES = KINDS[4:]  # their samples are drawn for the computation of sensitivity indices
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


class StudyDocument(Frozen):
    """The whole file."""

    name: StrictStr = Field(min_length=1)
    title: StrictStr = ""
    scenarios: tuple[StrictStr, ...] = Field(min_length=1)
    days: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    replicates: StrictInt | None = Field(default=None, ge=1)
    seed: StrictInt | None = Field(default=None, ge=0)
    seeds: tuple[StrictInt, ...] | None = Field(default=None, min_length=1)
    metrics: tuple[StrictStr, ...] | None = Field(default=None, min_length=1)
    settings: dict[str, Any] = Field(default_factory=dict, alias="set")
    design: Design = Field(default_factory=Design)
    parameters: dict[str, Any] = Field(default_factory=dict)  # see `parameters`, which reads them one by one

    @field_validator("name", mode="after")
    @classmethod
    def _usable_in_paths(cls, name: str) -> str:
        if name.startswith(".") or not name.isprintable() or any(sign in name for sign in "/\\"):
            raise ValueError(f"{name!r} cannot serve as a name: no slashes, no leading dot")
        return name

    @field_validator("settings", mode="before")
    @classmethod
    def _flat_settings(cls, given: object) -> object:
        return _flat(given, lambda value: False) if isinstance(given, Mapping) else given

    @field_validator("parameters", mode="before")
    @classmethod
    def _flat_parameters(cls, given: object) -> object:
        return _flat(given, lambda value: bool({"from", "to"} & set(value))) if isinstance(given, Mapping) else given

    @field_validator("seeds", mode="after")
    @classmethod
    def _different_seeds(cls, given: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if given is not None and len(set(given)) < len(given):
            raise ValueError("a seed stands there twice, and would give the same run twice")
        return given

    @field_validator("metrics", mode="after")
    @classmethod
    def _each_metric_once(cls, given: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if given is None else tuple(dict.fromkeys(given))

    @model_validator(mode="after")
    def _seeds_said_once(self) -> StudyDocument:
        if self.seeds is not None and (self.replicates is not None or self.seed is not None):
            raise ValueError("say either seeds, or replicates and the first seed")
        if not all(0 <= number < SEEDS for number in self.all_seeds):
            raise ValueError(f"a seed lies between 0 and {SEEDS - 1}")
        return self

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seed of every replicate."""
        if self.seeds is not None:
            return self.seeds
        first = 1 if self.seed is None else self.seed
        return tuple(range(first, first + (self.replicates or 1)))


def read_document(path: Path) -> StudyDocument:
    """The study in a file. Raises InputError, which tells all that is wrong with its form."""
    table = read_toml(path)
    table.setdefault("name", path.stem)
    if "design" in table and not isinstance(table["design"], Mapping):
        raise InputError('should be a table: [design] with kind = "grid"', file=path, place="design")
    _known_kind(table, path)
    return validated(StudyDocument, table, file=path)


def _known_kind(table: Mapping[str, Any], path: Path) -> None:
    kind = table.get("design", {}).get("kind", "grid")
    if kind not in KINDS:
        what = f"unknown kind of design {kind!r}"
        raise InputError(what, file=path, place="design.kind", allowed=KINDS, word=str(kind))


def _flat(tree: Mapping[str, Any], is_value: Callable[[Mapping[str, Any]], bool], prefix: str = "") -> dict[str, Any]:
    """Dotted key to value; tables that are no value themselves are taken apart."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and not is_value(value):
            inner = _flat(value, is_value, f"{prefix}{key}.")
            if not value:
                raise ValueError(f"'{prefix}{key}' is an empty table")
        else:
            inner = {f"{prefix}{key}": value}
        twice = set(inner) & set(flat)
        if twice:
            raise ValueError(f"'{sorted(twice)[0]}' is said twice")
        flat |= inner
    return flat
