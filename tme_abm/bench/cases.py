"""The cases of the benchmark, and the scenario of each.

A case is a number of cells and fields on a lattice, with a mix of cell types from `cases.toml`. Its scenario extends
a shipped one and keeps all rules of its cells, or those that the mix lists. Its fields follow from the scenario, as in
every run (`presence`): to lose a field, the secretion of its molecule is set to zero; to gain one, its molecule is
recorded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from ..biology import Biology, Catalogue, compile, load_catalogue
from ..core.errors import InputError
from ..core.toml import read_toml
from ..core.units import parse
from ..processes.presence import fields_needed, kinds_present
from ..scenario import Scenario, assembled, load

__all__ = [
    "JOBS", "Case", "case_catalogue", "case_scenario", "consumed_molecules", "parse_count", "plan", "settings",
    "short_count",
]  # fmt: skip

JOBS = ("job", "lean job")
"""The mixes for the job that peers were measured with."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One tissue to measure; with `days` it is a job, which is measured over that time, not for some `seconds`."""

    cells: int
    fields: int
    shape: tuple[int, ...]
    mix: str = "tumor"
    days: float | None = None
    seconds: float = 20.0
    least: int = 3
    most: int = 40
    warm_up: int = 4

    @property
    def name(self) -> str:
        """The name of the case, such as `2D 10k × 20`, `3D 440k × 10`, `job 5k × 10`, `lean job 5k × 10`."""
        what = self.mix if self.mix in JOBS else f"{len(self.shape)}D"
        return f"{what} {short_count(self.cells)} × {self.fields}"

    @property
    def voxels(self) -> int:
        """The number of sites of the lattice."""
        return math.prod(self.shape)

    def to_json(self) -> dict[str, Any]:
        """The case as plain values, with its name."""
        return {**asdict(self), "shape": list(self.shape), "name": self.name}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Case:
        """The case from the values that `to_json` returned."""
        known = {key: value for key, value in values.items() if key != "name"}
        return cls(**{**known, "shape": tuple(known["shape"])})


@cache
def settings() -> Mapping[str, Any]:
    """The table `cases.toml`."""
    return read_toml(resources.files(__package__).joinpath("cases.toml"), name="cases.toml")


def short_count(number: float) -> str:
    """1000 as "1k", 1000000 as "1M", other numbers in full."""
    for unit, sign in ((1_000_000, "M"), (1_000, "k")):
        if number >= unit and number % (unit // 10) == 0:
            return f"{number / unit:g}{sign}"
    return f"{number:.12g}"


def parse_count(text: str) -> int:
    """The number that a text such as "10k" says. Raises InputError if it is not a positive whole number."""
    number = re.fullmatch(r"\s*([0-9.]+)([kKmM]?)\s*", text)
    try:
        value = float(number[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[number[2].lower()] if number else 0.0
    except ValueError:
        value = 0.0
    if value < 1 or not value.is_integer():
        raise InputError(f"{text!r} is not a number of cells or fields", allowed=("1000", "10k", "1M"))
    return int(value)


def plan(*, quick: bool, cells: Sequence[int] = (), fields: Sequence[int] = ()) -> list[Case]:
    """The cases in the order in which they run, small ones first; `cells` and `fields` replace those of the plan.

    The 3D case and the jobs of peers are in the plan only if neither is given.
    """
    table = settings()["quick" if quick else "full"]
    pace = {key: table[key] for key in ("seconds", "least", "most", "warm_up")}
    plane = [
        Case(cells=number, fields=count, shape=_square(number), **pace)
        for number in sorted(cells or table["cells"])
        for count in sorted(fields or table["fields"])
    ]
    if cells or fields:
        return plane
    solid = table["solid"]
    ball = Case(cells=solid["cells"], fields=solid["fields"], shape=(solid["side"],) * 3, **pace)
    jobs = [
        Case(cells=number, fields=job["fields"], shape=(job["side"],) * 2, mix=mix, days=job["days"], **pace)
        for mix in JOBS
        for job in [table[mix]]
        for number in job["cells"]
    ]
    return [*jobs, *plane, ball]


def _square(cells: int) -> tuple[int, int]:
    """The square for a number of cells: as listed, or with the density of the largest one listed."""
    sides: Mapping[str, int] = settings()["plane"]
    most = max(sides, key=int)
    side = sides.get(str(cells)) or max(math.ceil(sides[most] * math.sqrt(cells / int(most))), 8)
    return side, side


def case_scenario(case: Case) -> Scenario:
    """The scenario of a case. Raises InputError if its cells cannot have that number of fields."""
    names, extra = _chosen_fields(case)
    first = _assembled(case, record=extra)
    unwanted = [name for name in fields_needed(first, _biology(case, first)) if name not in names]
    silenced = [{"do": "fix", "behavior": f"secretion {name}", "value": "0 molecules/cell/min"} for name in unwanted]
    return _assembled(case, record=extra, protocol=silenced)


def case_catalogue(case: Case) -> Catalogue:
    """The shipped catalogue, with only the rules that the mix lists, if any. Raises InputError if one is unknown."""
    shipped, listed = load_catalogue(), settings()["mix"][case.mix].get("rules")
    if listed is None:
        return shipped
    known = {
        f"{cell}: {rule.signal} {rule.effect} {rule.behavior}": rule.model_copy(update={"cell": (cell,)})
        for rule in shipped.rules
        for cell in rule.cell
    }
    for word in listed:
        if word not in known:
            what, place = f"{word!r} is not a rule of the catalogue", f'mix."{case.mix}".rules'
            raise InputError(what, file="cases.toml", place=place, allowed=known, word=word)
    return replace(shipped, rules=tuple(known[word] for word in listed))


def consumed_molecules(scenario: Scenario, biology: Biology) -> set[str]:
    """The molecules that some cell of the scenario takes up."""
    kinds = sorted(kinds_present(scenario, biology))
    return {molecule.name for column, molecule in enumerate(biology.molecules) if np.any(biology.uptake[kinds, column])}


def _biology(case: Case, scenario: Scenario) -> Biology:
    return compile(case_catalogue(case), scenario.tumor.traits)


def _chosen_fields(case: Case) -> tuple[set[str], list[str]]:
    """The molecules that get a field, and those among them that get one only because they are recorded."""
    natural = _assembled(case)
    biology = _biology(case, natural)
    own = fields_needed(natural, biology)
    possible = fields_needed(_assembled(case, record=[one.name for one in biology.molecules]), biology)
    consumed = consumed_molecules(natural, biology)
    brought = {m.name for m in biology.molecules if m.background > 0 or m.exchange > 0} | set(natural.stroma.secretion)
    fixed = [name for name in own if name in brought]  # by blood and stroma, not by cells
    if not len(fixed) <= case.fields <= len(possible):
        what = f"the cells of this tissue can have {len(fixed)} to {len(possible)} fields, not {case.fields}"
        raise InputError(what, place=case.name)
    # Fields that a run has anyway come first, then those of recorded molecules.
    extra = [name for name in possible if name not in own][: max(case.fields - len(own), 0)]
    left = min(case.fields, len(own)) - len(fixed)
    dear = [name for name in own if name in consumed and name not in fixed]
    free = [name for name in own if name not in consumed and name not in fixed]
    number = min(left, len(dear))
    if settings()["mix"][case.mix]["fields"] == "in proportion":
        share = sum(name in consumed for name in own) / len(own)
        number = round(share * min(case.fields, len(own))) - sum(name in consumed for name in fixed)
        number = min(max(number, left - len(free), 0), len(dear), left)
    return {*fixed, *dear[:number], *free[: left - number], *extra}, extra


def _assembled(case: Case, *, record: Sequence[str] = (), protocol: Sequence[Mapping[str, Any]] = ()) -> Scenario:
    """The shipped scenario of the mix, with the case's lattice and cells, and blood in proportion to the tissue."""
    mix = settings()["mix"][case.mix]
    spacing = mix["spacing"]
    share: Mapping[str, float] = mix["share"]
    like = load(mix["extends"])
    tumor = round(share["tumor"] * case.cells)
    section = case.voxels * parse(spacing, "length") ** 2  # areal densities are those of a section, in 3D too
    area = section / parse("1 mm^2", "area")
    larger = case.voxels / math.prod(like.lattice.shape)
    there = {name for name in share if name != "tumor"}
    # Monocytes have no type before they arrive; their pool is that of the type they become.
    biology = like.biology()
    pools = {biology.pool[biology.cell_index[name]] for name in there}
    blood = {name: {"cells": pool.cells * larger if name in pools else 0.0} for name, pool in like.blood.items()}
    return assembled(
        {
            "name": f"bench {case.name}",
            "title": mix["description"],
            "lattice": {"shape": list(case.shape), "spacing": spacing, "margin": "0 um"},
            "tumor": {"cells": tumor},
            "immune": {name: f"{share.get(name, 0.0) * case.cells / area!r} /mm^2" for name in like.immune},
            "blood": blood,
            "record": {"molecules": list(record)},
            "protocol": [dict(item) for item in protocol],
        },
        name="the benchmark",
        extends=mix["extends"],
    )
