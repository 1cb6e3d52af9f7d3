"""A study: from its file to scenarios, design points and runs, with everything checked.

The file is read in two steps. `StudyDocument` is its form: which scenarios, which parameters, how many replicates.
`load_study` loads the scenarios, draws the design points, and resolves every scenario at every point, so that nothing
runs before all of it is valid. The canonical text of a study holds all that its results
depend on and can be run again; it refers to its scenarios as files beside it, which the directory of a study holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, StrictInt, StrictStr, field_validator, model_validator

from ..compare.compare import check_names
from ..core import files
from ..core.errors import InputError
from ..core.toml import FileName, Frozen, dotted, read_toml, validated, write_toml
from ..runs.run import SEEDS, checked_days
from ..runs.simulator import Simulator
from .design import SAMPLED, Design, Point, design_notes, design_points, read_parameter
from .parameters import Parameter

if TYPE_CHECKING:
    from ..scenario.schema import Scenario

__all__ = ["SCENARIOS", "STUDY", "Run", "Study", "find_study", "load_study"]

STUDY = "study.toml"
SCENARIOS = "scenarios"
PROBED = 8  # design points, spread over all, whose metrics are listed

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = (_PACKAGE / "_scenarios" / "studies", _PACKAGE.parent / "scenarios" / "studies")  # in a wheel, a checkout
_FORBIDDEN = {
    "name": "names the results",
    "extends": "works in a file only",
    "catalogue": "is given at the top of the study",
    "clock.days": "has no effect: the runs of a study all last its days",
}


# ---------------------------------------------------------------- the file


class StudyDocument(Frozen):
    """The file. Dotted keys may be quoted, as `--set` takes them, or bare, so that TOML makes tables of them."""

    name: FileName = Field(min_length=1)
    title: StrictStr = ""
    scenarios: tuple[StrictStr, ...] = Field(min_length=1)
    catalogue: tuple[StrictStr, ...] = ()  # packs that all scenarios have, relative to the file
    days: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    replicates: StrictInt | None = Field(default=None, ge=1)
    seed: StrictInt | None = Field(default=None, ge=0)
    seeds: tuple[StrictInt, ...] | None = Field(default=None, min_length=1)
    metrics: tuple[StrictStr, ...] | None = Field(default=None, min_length=1)
    settings: dict[str, Any] = Field(default_factory=dict, alias="set")
    design: Design = Field(default_factory=Design)
    parameters: dict[str, Any] = Field(default_factory=dict)  # `read_parameter` reads them one by one

    @field_validator("settings", mode="before")
    @classmethod
    def _flat_settings(cls, given: object) -> object:
        return dotted(given) if isinstance(given, Mapping) else given

    @field_validator("parameters", mode="before")
    @classmethod
    def _flat_parameters(cls, given: object) -> object:
        return dotted(given, lambda value: bool({"from", "to"} & set(value))) if isinstance(given, Mapping) else given

    @field_validator("seeds", mode="after")
    @classmethod
    def _different_seeds(cls, given: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if given is not None and len(set(given)) < len(given):
            raise ValueError("a seed is listed twice, which would give the same run twice")
        return given

    @field_validator("metrics", mode="after")
    @classmethod
    def _each_metric_once(cls, given: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if given is None else tuple(dict.fromkeys(given))

    @model_validator(mode="after")
    def _seeds_said_once(self) -> StudyDocument:
        if self.seeds is not None and (self.replicates is not None or self.seed is not None):
            raise ValueError("give either seeds, or replicates and the first seed")
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


# ---------------------------------------------------------------- the study


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """One run of the plan."""

    point: int
    scenario: str
    seed: int

    @property
    def directory(self) -> str:
        """The directory of the run, relative to that of the study."""
        return f"runs/{self.scenario}/point_{self.point:05d}/seed_{self.seed:03d}"


@dataclass(frozen=True, kw_only=True)
class Study:
    """A resolved study. `written` is the table [parameters] of the file, `notes` are remarks on the plan."""

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
    written: Mapping[str, Any]

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
        return tuple(sorted(range(len(self.runs)), key=lambda index: self.seeds.index(self.runs[index].seed)))

    def document(self) -> dict[str, Any]:
        """The content of the canonical file."""
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
        header = files.csv_line(["point", *(parameter.key for parameter in self.parameters)])
        rows = [files.csv_line([number, *(level.text for level in point)]) for number, point in enumerate(self.points)]
        return b"".join([header, *rows])

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical file, the design points and the scenarios."""
        parts = [self.text, self.table.decode(), *(scenario.hash for scenario in self.scenarios.values())]
        return files.sha256("\0".join(parts).encode())


def find_study(name_or_path: str) -> Path:
    """The file of a shipped study (by its name), the study.toml of the directory of a study, or the path itself."""
    path = Path(name_or_path)
    if path.is_dir() and (path / STUDY).is_file():
        return path / STUDY
    if path.exists() or path.suffix == ".toml" or len(path.parts) != 1:
        return path
    shipped = {file.stem: file for folder in _SHIPPED if folder.is_dir() for file in sorted(folder.glob("*.toml"))}
    if name_or_path in shipped:
        return shipped[name_or_path]
    raise InputError(f"no study {name_or_path!r}, by name or as a file", allowed=shipped, word=name_or_path)


def load_study(
    path: Path, *, simulator: Simulator, days: float | None = None, packs: Sequence[Path | str] = ()
) -> Study:
    """The study in a file, with everything checked. `days` replaces those of the file.

    Raises:
        InputError: the file, a scenario or a design point is not valid; the error names the key and what is allowed.
    """
    document = validated(StudyDocument, {"name": path.stem} | read_toml(path), file=path)
    if days is not None:
        checked_days(days)
    scenarios = _scenarios(document, path, packs)
    longest = max(scenario.clock.days for scenario in scenarios.values())
    parameters = tuple(_parameter(document, key, given, scenarios, path) for key, given in document.parameters.items())
    points = design_points(document.design, parameters, file=path)
    probed = range(0, len(points), max(1, (len(points) - 1) // (PROBED - 1)))
    known: dict[str, None] = {}  # which metrics there are depends on who and what is present, so on the point
    for scenario in scenarios.values():
        for number, point in enumerate(points):
            resolved = _resolved(scenario, parameters, point, number, path)
            if number in probed:
                known |= dict.fromkeys(simulator.metrics(resolved))
    for metric in document.metrics or ():
        if metric not in known:
            raise InputError(f"unknown metric '{metric}'", file=path, place="metrics", allowed=known, word=metric)
    return Study(
        name=document.name,
        title=document.title,
        scenarios=scenarios,
        seeds=document.all_seeds,
        days=float(days or document.days or longest),
        metrics=document.metrics or tuple(known),
        settings=document.settings,
        design=document.design,
        parameters=parameters,
        points=points,
        notes=design_notes(document.design, parameters, points),
        written=document.parameters,
    )


def _scenarios(document: StudyDocument, path: Path, packs: Sequence[Path | str]) -> dict[str, Scenario]:
    from ..biology import read_pack
    from ..scenario.load import changed, find, load

    if "catalogue" in document.settings:
        raise InputError(_FORBIDDEN["catalogue"], file=path, place="set.catalogue")
    try:
        every = [read_pack(path.parent / name) for name in document.catalogue]
    except InputError as error:
        raise error.replace(what=f"{error.what}: {error.file}", file=path, place="catalogue") from error
    loaded: list[Scenario] = []
    for number, name in enumerate(document.scenarios):
        try:
            file = find(name, path.parent)
        except InputError as error:
            what = error.what if error.file is None else f"{error.what}: {error.file}"
            raise error.replace(what=what, file=path, place=f"scenarios.{number}") from error
        scenario = load(file, packs=(*every, *packs))
        try:
            loaded.append(changed(scenario, document.settings) if document.settings else scenario)
        except InputError as error:
            raise error.at(f"set, scenario '{scenario.name}'", file=path) from error
    try:
        check_names(loaded)
    except InputError as error:
        raise error.at("scenarios", file=path) from error
    return {scenario.name: scenario for scenario in loaded}


def _parameter(
    document: StudyDocument, key: str, given: object, scenarios: Mapping[str, Scenario], path: Path
) -> Parameter:
    if key in _FORBIDDEN:
        raise InputError(f"cannot be swept: it {_FORBIDDEN[key]}", file=path, place=f'parameters."{key}"')
    if key in document.settings:
        raise InputError("is also under [set], where it has no effect", file=path, place=f'parameters."{key}"')
    whole = all(_takes_whole_numbers(scenario.document(), key) for scenario in scenarios.values())
    return read_parameter(key, given, document.design, whole=whole, file=path)


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


def _resolved(
    scenario: Scenario, parameters: Sequence[Parameter], point: Point, number: int, path: Path
) -> Scenario:
    """One scenario at one point; the error names the parameter that is to blame alone, else the point."""
    try:
        return _at(scenario, parameters, point)
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
