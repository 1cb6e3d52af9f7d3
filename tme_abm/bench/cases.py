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
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from ..biology import Catalogue, compile, load_catalogue
from ..core.errors import InputError
from ..core.toml import read_toml
from ..core.units import parse
from ..processes.presence import fields_needed
from ..scenario import Scenario, assembled, load

__all__ = ["JOBS", "Case", "case_catalogue", "case_scenario", "parse_count", "plan", "settings", "short_count"]

JOBS = ("job", "lean job")
"""The mixes for the job that peers were measured with."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One tissue to measure over a number of steps."""

    cells: int
    fields: int
    shape: Sequence[int]
    steps: int
    mix: str = "tumor"

    @property
    def name(self) -> str:
        """The name of the case, such as `2D 10k × 20`, `3D 440k × 10`, `job 5k × 10`, `lean job 5k × 10`."""
        what = self.mix if self.mix in JOBS else f"{len(self.shape)}D"
        return f"{what} {short_count(self.cells)} × {self.fields}"


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
    number = re.fullmatch(r"\s*(\d+\.?\d*)([kKmM]?)\s*", text)
    value = float(number[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[number[2].lower()] if number else 0.0
    if value < 1 or not value.is_integer():
        raise InputError(f"{text!r} is not a number of cells or fields", allowed=("1000", "10k", "1M"))
    return int(value)


def plan(*, quick: bool, cells: Sequence[int] = (), fields: Sequence[int] = ()) -> list[Case]:
    """The cases in the order in which they run, small ones first; `cells` and `fields` replace those of the plan.

    The 3D case and the jobs of peers are in the plan only if neither is given.
    """
    table = settings()["quick" if quick else "full"]
    plane = [
        Case(cells=number, fields=count, shape=_square(number), steps=table["steps"])
        for number in sorted(set(cells or table["cells"]))
        for count in sorted(set(fields or table["fields"]))
    ]
    if cells or fields:
        return plane
    side, number, count = table["solid"]
    ball = Case(cells=number, fields=count, shape=(side,) * 3, steps=table["steps"])
    jobs = [
        Case(cells=number, fields=len(mix["fields"]), shape=(mix["side"],) * 2, steps=table["job_steps"], mix=name)
        for name in JOBS
        for mix in [settings()["mix"][name]]
        for number in mix["cells"]
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
    names = settings()["mix"][case.mix]["fields"][: case.fields]
    own = _fields(case, _assembled(case))
    silenced = [
        {"do": "fix", "behavior": f"secretion {name}", "value": "0 molecules/cell/min"}
        for name in own
        if name not in names
    ]
    scenario = _assembled(case, record=[name for name in names if name not in own], protocol=silenced)
    found = len(_fields(case, scenario))
    if found != case.fields:
        raise InputError(f"this tissue cannot have {case.fields} fields; the nearest number is {found}")
    return scenario


def case_catalogue(case: Case) -> Catalogue:
    """The shipped catalogue, with only the rules that the mix lists, if any."""
    shipped, listed = load_catalogue(), settings()["mix"][case.mix].get("rules")
    if listed is None:
        return shipped
    known = {
        f"{cell}: {rule.signal} {rule.effect} {rule.behavior}": rule.model_copy(update={"cell": (cell,)})
        for rule in shipped.rules
        for cell in rule.cell
    }
    return replace(shipped, rules=tuple(known[words] for words in listed))


def _fields(case: Case, scenario: Scenario) -> list[str]:
    return fields_needed(scenario, compile(case_catalogue(case), scenario.tumor.traits))


def _assembled(case: Case, *, record: Sequence[str] = (), protocol: Sequence[Mapping[str, Any]] = ()) -> Scenario:
    """The shipped scenario of the mix, with the case's lattice and cells, and blood in proportion to the tissue."""
    mix = settings()["mix"][case.mix]
    spacing, sites = mix["spacing"], math.prod(case.shape)
    share: Mapping[str, float] = mix["share"]
    like = load(mix["extends"])
    section = sites * parse(spacing, "length") ** 2  # areal densities are those of a section, in 3D too
    area = section / parse("1 mm^2", "area")
    larger = sites / math.prod(like.lattice.shape)
    # Monocytes have no type before they arrive; their pool is that of the type they become.
    biology = like.biology()
    pools = {biology.pool[biology.cell_index[name]] for name in share if name != "tumor"}
    blood = {name: {"cells": pool.cells * larger if name in pools else 0.0} for name, pool in like.blood.items()}
    return assembled(
        {
            "name": f"bench {case.name}",
            "title": mix["description"],
            "lattice": {"shape": list(case.shape), "spacing": spacing, "margin": "0 um"},
            "tumor": {"cells": round(share["tumor"] * case.cells)},
            "immune": {name: f"{share.get(name, 0.0) * case.cells / area!r} /mm^2" for name in like.immune},
            "blood": blood,
            "record": {"molecules": list(record)},
            "protocol": list(protocol),
        },
        name="the benchmark",
        extends=mix["extends"],
    )
