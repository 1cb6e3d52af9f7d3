"""A study with every word resolved: scenarios loaded, design points drawn, each combination tried out.

Nothing runs before every design point of every scenario has been resolved and found valid; what does not fit is told
with the point it is in. The canonical text of a study holds all that its results depend on and can be run again; it
refers to its scenarios as files beside it, which the directory of a study holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import files
from ..core.errors import InputError
from ..core.toml import write_toml
from ..runs.simulator import Simulator
from .designs import Point, design_notes, design_points
from .document import SAMPLED, Design, StudyDocument, read_document
from .layout import csv_line
from .parameters import Parameter, read_parameter

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["SCENARIOS", "STUDY", "Run", "Study", "find_study", "load_study"]

STUDY = "study.toml"
SCENARIOS = "scenarios"
PROBED = 8  # design points, spread over all, of which the metrics are asked

_PACKAGE = Path(__file__).resolve().parents[2]
_SHIPPED = (Path(__file__).resolve().parents[1] / "_scenarios" / "studies", _PACKAGE / "scenarios" / "studies")
_FORBIDDEN = {
    "name": "is how results are told apart",
    "extends": "can only be said in a file",
    "clock.days": "has no effect: the runs of a study all last its days",
}


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """One run of the plan."""

    point: int
    scenario: str
    seed: int

    @property
    def directory(self) -> str:
        """Where it is kept, seen from the directory of the study."""
        return f"runs/{self.scenario}/point_{self.point:05d}/seed_{self.seed:03d}"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is to be run."""

    name: str
    title: str
    scenarios: Mapping[str, Scenario]
    seeds: tuple[int, ...]
    days: float
    metrics: tuple[str, ...]
    settings: Mapping[str, Any]
    design: Design
    parameters: tuple[Parameter, ...]
    points: tuple[Point, ...]
    notes: tuple[str, ...]
    written: Mapping[str, Any]  # [parameters] as in the file

    def scenario(self, name: str, point: int) -> Scenario:
        """One scenario at one design point."""
        return _at(self.scenarios[name], self.parameters, self.points[point])

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All runs in the order of the tables: by point, scenario, seed."""
        return tuple(
            Run(point, name, seed)
            for point in range(len(self.points))
            for name in self.scenarios
            for seed in self.seeds
        )

    @cached_property
    def in_order_of_work(self) -> tuple[int, ...]:
        """Indices of the runs, seed by seed: an interrupted study has whole replicates."""
        replicate = {seed: number for number, seed in enumerate(self.seeds)}
        return tuple(sorted(range(len(self.runs)), key=lambda index: replicate[self.runs[index].seed]))

    def document(self) -> dict[str, Any]:
        """Every word of the study, as its canonical file holds it."""
        design: dict[str, Any] = {"kind": self.design.kind}
        if self.design.kind in SAMPLED:
            design |= {"samples": self.design.samples, "seed": self.design.seed}
        if self.design.second_order:
            design["second_order"] = True
        return {
            "name": self.name,
            "title": self.title,
            "scenarios": [f"{SCENARIOS}/{name}.toml" for name in self.scenarios],
            "days": self.days,
            "seeds": list(self.seeds),
            "metrics": list(self.metrics),
            "set": dict(self.settings),
            "design": design,
            "parameters": dict(self.written),
        }

    @cached_property
    def text(self) -> str:
        """The canonical file."""
        return "# A resolved study: it can be run as it is, beside its scenarios.\n" + write_toml(self.document())

    @cached_property
    def table(self) -> bytes:
        """design.csv: a row a design point."""
        header = csv_line(["point", *(parameter.key for parameter in self.parameters)])
        rows = [csv_line([number, *(level.text for level in point)]) for number, point in enumerate(self.points)]
        return b"".join([header, *rows])

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical file, the design points and the scenarios."""
        parts = [self.text, self.table.decode(), *(scenario.hash for scenario in self.scenarios.values())]
        return files.sha256("\0".join(parts).encode())


def find_study(name_or_path: str) -> Path:
    """The file of a shipped study, given by its name, or of any other; of the directory of a study its own."""
    path = Path(name_or_path)
    if path.is_dir() and (path / STUDY).is_file():
        return path / STUDY
    if path.exists() or path.suffix == ".toml" or len(path.parts) != 1:
        return path
    shipped = {file.stem: file for folder in _SHIPPED if folder.is_dir() for file in sorted(folder.glob("*.toml"))}
    if name_or_path in shipped:
        return shipped[name_or_path]
    raise InputError(f"no study {name_or_path!r}, by name or as a file", allowed=shipped, word=name_or_path)


def load_study(path: Path, *, simulator: Simulator, days: float | None = None) -> Study:
    """The study in a file, with everything checked. `days` takes the place of the file's.

    Raises:
        InputError: what is wrong, in which file, at which key or design point, and what would be allowed.
    """
    document = read_document(path)
    if days is not None and not 0 < days < float("inf"):
        raise InputError(f"a study lasts a positive number of days, not {days:g}", place="days")
    scenarios = _scenarios(document, path)
    length = next(
        (float(one) for one in (days, document.days) if one is not None),
        max(scenario.clock.days for scenario in scenarios.values()),
    )
    parameters = tuple(_parameter(document, key, given, scenarios, path) for key, given in document.parameters.items())
    points = design_points(document.design, parameters, file=path)
    for name in scenarios:
        for number, point in enumerate(points):
            _try(scenarios[name], parameters, point, number, path)
    known = _known_metrics(scenarios, parameters, points, simulator)
    for metric in document.metrics or ():
        if metric not in known:
            raise InputError(f"unknown metric '{metric}'", file=path, place="metrics", allowed=known, word=metric)
    return Study(
        name=document.name,
        title=document.title,
        scenarios=scenarios,
        seeds=document.all_seeds,
        days=length,
        metrics=document.metrics or known,
        settings=document.settings,
        design=document.design,
        parameters=parameters,
        points=points,
        notes=design_notes(document.design, parameters, points),
        written=document.parameters,
    )


def _scenarios(document: StudyDocument, path: Path) -> dict[str, Scenario]:
    from ..scenario.load import find, load

    loaded: list[Scenario] = []
    for number, name in enumerate(document.scenarios):
        try:
            file = find(name, path.parent)
        except InputError as error:
            what = error.what if error.file is None else f"{error.what}: {error.file}"
            raise error.replace(what=what, file=path, place=f"scenarios.{number}") from error
        loaded.append(_with_settings(load(file), document.settings, path))
    twice = [name for name, count in Counter(scenario.name for scenario in loaded).items() if count > 1]
    if twice:
        raise InputError(
            f"two scenarios are called '{twice[0]}', and their results could not be told apart; "
            f'give one another name (name = "..." at the top of its file)',
            file=path,
            place="scenarios",
        )
    return {scenario.name: scenario for scenario in loaded}


def _with_settings(scenario: Scenario, settings: Mapping[str, Any], path: Path) -> Scenario:
    from ..scenario.load import changed

    try:
        return changed(scenario, settings) if settings else scenario
    except InputError as error:
        raise error.at(f"set, scenario '{scenario.name}'", file=path) from error


def _parameter(
    document: StudyDocument, key: str, given: object, scenarios: Mapping[str, Scenario], path: Path
) -> Parameter:
    if key in _FORBIDDEN:
        raise InputError(f"cannot be swept: it {_FORBIDDEN[key]}", file=path, place=f'parameters."{key}"')
    if key in document.settings:
        raise InputError("stands under [set] too, which would have no effect", file=path, place=f'parameters."{key}"')
    return read_parameter(
        key,
        given,
        whole=all(_takes_whole_numbers(scenario.document(), key) for scenario in scenarios.values()),
        ranges=document.design.kind in SAMPLED,
        grid=document.design.kind == "grid",
        file=path,
    )


def _takes_whole_numbers(tree: Any, key: str) -> bool:
    node = tree
    for part in key.split("."):
        if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, Mapping):
            node = node.get(part)
        else:
            return False
    return isinstance(node, int) and not isinstance(node, bool)


def _at(scenario: Scenario, parameters: Sequence[Parameter], point: Point) -> Scenario:
    from ..scenario.load import changed

    if not parameters:
        return scenario
    return changed(scenario, {one.key: level.setting for one, level in zip(parameters, point, strict=True)})


def _try(scenario: Scenario, parameters: Sequence[Parameter], point: Point, number: int, path: Path) -> None:
    """Resolve one scenario at one point; the error names the parameter that is to blame alone, else the point."""
    try:
        _at(scenario, parameters, point)
    except InputError as error:
        for parameter, level in zip(parameters, point, strict=True):
            try:
                _at(scenario, [parameter], (level,))
            except InputError as alone:
                if (alone.place, alone.what) == (error.place, error.what) and len(error.parts) == 1:
                    place = f'parameters."{parameter.key}"'
                    inner = "" if alone.place == parameter.key else f"{alone.place}: "
                    what = f"{inner}{alone.what}" if alone.word else f"{inner}{alone.what} (scenario '{scenario.name}')"
                    raise alone.replace(what=what, file=path, place=place) from error
        values = ", ".join(
            f"{parameter.key} = {level.text} {parameter.unit}".rstrip()
            for parameter, level in zip(parameters, point, strict=True)
        )
        raise error.at(f"design point {number} ({values}), scenario '{scenario.name}'", file=path) from error


def _known_metrics(
    scenarios: Mapping[str, Scenario],
    parameters: Sequence[Parameter],
    points: Sequence[Point],
    simulator: Simulator,
) -> tuple[str, ...]:
    """What the models of the study measure; it depends on who and what is present, so several points are asked."""
    step = max(1, (len(points) - 1) // (PROBED - 1))
    names: dict[str, None] = {}
    for scenario in scenarios.values():
        for point in points[::step]:
            names |= dict.fromkeys(simulator.metrics(_at(scenario, parameters, point)))
    return tuple(names)


