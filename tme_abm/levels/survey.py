"""Several tumors looked at side by side, and the record of the levels and densities that the shipped ones have."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from ..biology import Biology
from ..core.errors import InputError, TmeError
from ..core.files import write_bytes
from ..core.parallel import Here, Workers
from ..core.toml import Frozen
from ..core.units import parse, show
from ..runs.fingerprint import package_version
from ..scenario import Scenario
from .results import Levels, Range, RuleLevels, overall
from .visit import Asked, Task, Visit, ruled, visited

__all__ = [
    "RECORD", "SHIPPED", "Record", "asked_for", "record", "shipped", "survey", "write_levels",
]  # fmt: skip

SHIPPED = ("hot", "base", "cold", "excluded")
"""The shipped tumors."""

_NAME = "tumor_levels.json"
RECORD = Path(__file__).with_name("data") / _NAME
"""The record that is part of the package."""

T = TypeVar("T")
Tell = Callable[[str, int, int], None]
"""Called with the name of a tumor that has been looked at, the number of those, and of all."""


def survey(
    scenarios: Sequence[Scenario],
    *,
    days: Sequence[float],
    seed: int = 1,
    behaviors: Sequence[Asked] = (),
    jobs: int = 1,
    command: str = "",
    tell: Tell | None = None,
) -> Levels:
    """What was found in the tumors of `scenarios`, of which `jobs` run at a time, with the budgets of `behaviors`.

    Raises InputError if two have the same name or `days` do not rise, and TmeError if a run fails.
    """
    names = [scenario.name for scenario in scenarios]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"two of the tumors are called '{twice}'")
    if not days or not all(map(math.isfinite, days)) or days[0] < 0 or any(b <= a for a, b in itertools.pairwise(days)):
        raise InputError("should be rising numbers of days, such as 3,5,7,10", place="--days")
    tasks = [(one.name, Task(one, seed, tuple(days), tuple(behaviors))) for one in scenarios]
    found: dict[str, Visit] = {}
    with Workers(jobs) if jobs > 1 and len(tasks) > 1 else Here() as executor:
        for outcome in executor.do(visited, tasks):
            if outcome.result is None:
                raise TmeError(f"{outcome.name}: {outcome.error}")
            found[outcome.name] = outcome.result
            if tell is not None:
                tell(outcome.name, len(found), len(tasks))
    visits = {name: found[name] for name in names}
    return Levels(
        version=package_version(),
        command=command,
        seed=seed,
        days=tuple(days),
        tumors=tuple(names),
        rules=tuple(_joined(visits)),
        budgets=tuple(budget for visit in visits.values() for budget in visit.budgets),
        molecules=_by_name({name: visit.molecules for name, visit in visits.items()}),
        densities=_by_name({name: visit.densities for name, visit in visits.items()}),
    )


def asked_for(text: str, biology: Biology) -> Asked:
    """The cell and the behavior that a text such as "CD8 attack" names.

    Raises InputError, which lists what is allowed, if there is no such cell, or signals do not act on such a behavior.
    """
    cell, _, behavior = " ".join(text.split()).partition(" ")
    if not behavior:
        raise InputError(f"'{text}' is not a cell and a behavior, such as 'CD8 attack'", place="--behavior")
    if cell not in biology.cell_index:
        raise InputError(f"'{text}': no cell '{cell}'", allowed=biology.cells, word=cell, place="--behavior")
    known = ruled(biology, cell)
    if behavior not in known:
        number = biology.behavior_index.get(behavior)
        always = 0.0 if number is None else biology.base[biology.cell_index[cell], number]
        what = f"'{text}': " + (
            f"no signal acts on '{behavior}' of {cell}, which is always {show(always, biology.kinds[number])}"
            if number is not None
            else f"no behavior '{behavior}' of {cell}"
        )
        raise InputError(what, allowed=known, word=behavior, place="--behavior")
    return cell, behavior


def _joined(visits: Mapping[str, Visit]) -> Iterable[RuleLevels]:
    """Every rule with all tumors; a rule that a tumor's catalogue does not have is absent there."""
    found: dict[tuple[str, str, str, str, int], RuleLevels] = {}
    for visit in visits.values():
        seen: dict[tuple[str, str, str, str], int] = {}
        for rule in visit.rules:
            # One signal may act twice on a behavior: at a low and at a high level.
            said = (rule.cell, rule.behavior, rule.effect, rule.signal)
            seen[said] = seen.get(said, 0) + 1
            key = (*said, seen[said])
            tumors = {**(found[key].tumors if key in found else {}), **rule.tumors}
            found[key] = rule.model_copy(update={"tumors": tumors, "status": overall(tumors)})
    return found.values()


def _by_name(tumors: Mapping[str, Mapping[str, T]]) -> dict[str, dict[str, T]]:
    """Tumor -> name -> what is there, turned to name -> tumor -> what is there, names in alphabetical order."""
    names = sorted({name for found in tumors.values() for name in found})
    return {name: {tumor: found[name] for tumor, found in tumors.items() if name in found} for name in names}


def write_levels(found: Levels, path: Path) -> None:
    """Write what was found as JSON. Raises InputError if the file cannot be written."""
    write_bytes(path, json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=1).encode())


# ------------------------------------------------------------------ the record


class Record(Frozen):
    """The levels [nM] and densities [cells/mm²] that tumors have: name -> tumor -> place -> (low, high).

    A level is that of 1 % and 99 % of the sites, a density the least and the largest of all days.
    """

    command: str
    version: str
    seed: int
    days: tuple[float, ...]
    molecules: dict[str, dict[str, dict[str, Range]]]
    densities: dict[str, dict[str, dict[str, Range]]]

    def top(self, name: str) -> float | None:
        """The highest level [nM] of a molecule, or density [cells/mm²] of a cell, in any tumor; None if none has it."""
        tumors = (self.molecules.get(name) or self.densities.get(name) or {}).values()
        return max((high for places in tumors for _, high in places.values() if high > 0), default=None)


@cache
def shipped() -> Record:
    """The record of the shipped tumors."""
    return _read(resources.files(__package__).joinpath("data", _NAME))


def _read(file: Traversable) -> Record:
    return Record.model_validate_json(file.read_bytes())


def record(found: Levels, path: Path | None = None) -> None:
    """Write the levels and densities of some tumors as the record, by default as that of the package.

    Raises InputError if the file cannot be written.
    """
    per_mm2, days = parse("1 /mm^2", "areal_density"), ",".join(f"{day:g}" for day in found.days)
    kept = Record(
        command=f"tme-abm levels {' '.join(found.tumors)} --seed {found.seed} --days {days} --record",
        version=found.version,
        seed=found.seed,
        days=found.days,
        molecules={
            name: {tumor: {place: (one.low, one.high) for place, one in places.items()} for tumor, places in of.items()}
            for name, of in found.molecules.items()
        },
        densities={
            name: {
                tumor: {place: (_short(low / per_mm2), _short(high / per_mm2)) for place, (low, high) in places.items()}
                for tumor, places in of.items()
            }
            for name, of in found.densities.items()
        },
    )
    content = kept.model_dump(mode="json")
    head = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items() if not isinstance(value, dict)]
    for key in ("molecules", "densities"):  # a line for each molecule and cell, so that a change is seen
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(tumors)}" for name, tumors in content[key].items())
        head.append(f' "{key}": {{\n{lines}\n }}')
    write_bytes(path or RECORD, ("{\n" + ",\n".join(head) + "\n}\n").encode())


def _short(value: float) -> float:
    return float(f"{value:.3g}")
