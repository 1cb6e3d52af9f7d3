"""The calibration, with a toy whose outcomes are power laws of two numbers of the catalogue."""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tme_abm.biology import changed, load_catalogue
from tme_abm.calibration import trials as calibration_trials
from tme_abm.calibration.calibrate import Calibrated, calibrate
from tme_abm.calibration.search import SIZE, Search
from tme_abm.calibration.targets import Calibration, Goal, Knob, read_calibration
from tme_abm.calibration.trials import tuned
from tme_abm.cli import main
from tme_abm.core.errors import InputError
from tme_abm.core.units import parse
from tme_abm.observe.metrics import measure
from tme_abm.runs.run import Outcome, Task, is_finished, result_of, run
from tme_abm.runs.simulator import Simulator
from tme_abm.runs.walk import RunFailed
from tme_abm.scenario import Scenario, load

ATTACK, SPEED = "cell.CD8.behaviors.attack", "cell.CD8.behaviors.speed"
KNOBS = (
    Knob(key="hits", places=(ATTACK,), unit="/min", low=0.01, high=0.1, scale="log", shipped="0.05 /min"),
    Knob(key="gain", places=(SPEED,), low=4.0, high=36.0, shipped=12.0),
)


def goal(**more: Any) -> Goal:
    given: dict[str, Any] = {
        "scenario": "hot", "metrics": ("CD8 core",), "day": 2, "low": 0.0, "high": math.inf, "weight": 1.0, "over": "",
        "required": True, "source": "toy", "unit": "",
    }  # fmt: skip
    return Goal(**given | more)


TOY = Calibration(
    knobs=KNOBS,
    goals=(
        goal(low=40, high=50, weight=2.0),
        goal(metrics=("Treg core",), day=1, low=4.5, high=5.5),
        goal(over="cold", high=3.5, required=False),
    ),
    worst=30,
)


@dataclass(frozen=True)
class Toy(Simulator):
    """CD8 core = 1000 × attack, twice that in hot; Treg core = gain / 4; a little luck by seed; failing if told."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    fails_for: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        return f"toy {sorted(self.changes.items())}"

    def start(self, scenario: Scenario, seed: int) -> ToyModel:
        if scenario.name in self.fails_for:
            raise ZeroDivisionError("no cells left")
        attack = parse(self.changes.get(ATTACK, "0.05 /min"), "rate")
        luck = 1 + 0.01 * seed
        core = 1000 * attack * luck * (2 if scenario.name == "hot" else 1)
        return ToyModel({"CD8 core": core, "Treg core": float(self.changes.get(SPEED, 12.0)) / 4 * luck})

    def measure(self, model: ToyModel) -> dict[str, float]:
        return model.measures

    def snapshot(self, model: ToyModel) -> dict[str, NDArray[Any]]:
        return {}

    def classify(self, measures: Mapping[str, float]) -> str:
        return "hot"


@dataclass
class ToyModel:
    measures: dict[str, float]

    def step(self) -> None:
        pass

    def state(self) -> dict[str, NDArray[Any]]:
        return {}


class Bench:
    """Runs tasks here and now instead of in processes, and counts them; `dies_after` so many."""

    def __init__(self) -> None:
        self.begun: list[Task] = []
        self.dies_after = math.inf

    def __call__(self, tasks: Sequence[Task], **_: Any) -> list[Outcome]:
        return [self.one(task) for task in tasks]

    def one(self, task: Task) -> Outcome:
        given: dict[str, Any] = {"seed": task.seed, "days": task.days, "simulator": task.simulator}
        if is_finished(task.out, scenario=task.scenario, **given):
            return Outcome(result=result_of(task.out, task.simulator))
        if len(self.begun) >= self.dies_after:
            raise KeyboardInterrupt
        self.begun.append(task)
        try:
            return Outcome(result=run(task.scenario, out=task.out, **given))
        except ZeroDivisionError as error:
            return Outcome(error=str(error))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(calibration_trials, "run_all", made)
    monkeypatch.setattr("os.fsync", lambda _: None)  # no power cuts here, and many small runs
    return made


def calibrated(out: Path, **more: Any) -> Calibrated:
    return calibrate(out=out, **{"calibration": TOY, "simulate": Toy, "budget": 20, "jobs": 1} | more)


def evaluations(directory: Path) -> list[dict[str, str]]:
    with (directory / "evaluations.csv").open() as file:
        return list(csv.DictReader(file))


def read(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


# ---- what is shipped -----------------------------------------------------------------------------------------


def test_only_fitted_numbers_are_free_and_stay_inside_the_range_of_their_source() -> None:
    entries = {entry.place: entry for entry in load_catalogue().entries()}
    knobs = read_calibration().knobs
    places = [place for knob in knobs for place in knob.places]
    assert len(places) == len(set(places)) >= len(knobs) > 10
    for knob in knobs:
        for place in knob.places:
            entry = entries[place]
            assert entry.parameter.basis == "fitted"
            assert entry.parameter.value == knob.shipped
            bounds = entry.parameter.bounds(entry.kind)
            assert bounds is not None
            for position in (0.0, 1.0):
                assert bounds[0] - 1e-9 <= parse(knob.setting(position), entry.kind) <= bounds[1] + 1e-9


def test_the_catalogue_accepts_every_two_ends_together() -> None:
    calibration, catalogue = read_calibration(), load_catalogue()
    for index in range(len(calibration.knobs)):
        for end in (0.0, 1.0):
            position = np.full(len(calibration.knobs), 1 - end)
            position[index] = end
            changed(catalogue, calibration.changes(calibration.settings(position)))


def test_at_the_start_nothing_is_changed() -> None:
    calibration = read_calibration()
    changes = calibration.changes(calibration.settings(calibration.start))
    assert changed(load_catalogue(), changes) == load_catalogue()


def test_every_target_names_metrics_of_the_model_and_a_source() -> None:
    from tme_abm.model import TumorModel

    goals = read_calibration().goals
    known = {name: measure(TumorModel(name, rng=1)) for name in ("hot", "cold", "excluded")}
    assert {name for one in goals for name in one.scenarios} == set(known)
    for one in goals:
        assert all(metric in known[name] for metric in one.metrics for name in one.scenarios)
        assert one.source


def test_a_band_is_in_the_unit_of_its_metric() -> None:
    bands = {(one.label, one.low, one.high) for one in read_calibration().goals}
    assert ("hot: IFNG core, day 10", 0.03, 0.2) in bands
    assert ("hot: CD8 core, day 10", 400.0, 2000.0) in bands
    assert ("hot / cold: tumor cells, day 10", 0.0, 0.5) in bands


FREE = """
worst = 30
[[free]]
name = "hits"
places = "{place}"
range = ["{low} /min", "{high} /min"]
scale = "log"
[[target]]
scenario = "hot"
metric = {metric}
day = 5
{band}
source = "toy"
"""


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"place": "cell.CD8.behaviors.detachment"}, "has basis 'model'; only fitted numbers"),
        ({"place": "cell.CD8.behaviors.atack"}, "has no number 'cell.CD8.behaviors.atack'"),
        ({"low": "0.001"}, "leaves that of 'cell.CD8.behaviors.attack'"),
        ({"low": "0.09"}, "must hold the shipped value"),
        ({"band": ""}, "the band must have an end"),
        ({"band": 'low = "30 /mm^2"\nhigh = "20 /mm^2"'}, "and rise"),
        ({"band": "low = 30"}, "30 has no unit"),
        ({"metric": '["CD8 core", "IFNG core"]'}, "different units"),
        ({"band": 'lo = "30 /mm^2"'}, "lo: unknown key"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(tmp_path: Path, more: dict[str, str], message: str) -> None:
    given = {"place": ATTACK, "low": "0.02", "high": "0.08", "metric": '"CD8 core"', "band": 'low = "30 /mm^2"'}
    file = tmp_path / "toy.toml"
    file.write_text(FREE.format(**given))
    read_calibration(file)
    file.write_text(FREE.format(**given | more))
    with pytest.raises(InputError, match=message):
        read_calibration(file)


def test_numbers_that_move_together_start_together(tmp_path: Path) -> None:
    file = tmp_path / "toy.toml"
    given = {"low": "0.1", "high": "1", "metric": '"CD8 core"', "band": 'low = "30 /mm^2"'}
    doors = "rule (TA[MN]: C*CR2 occupancy increases extravasation): towards"
    file.write_text(FREE.format(place=doors, **given).replace(" /min", " /day"))
    with pytest.raises(InputError, match="they move together"):
        read_calibration(file)


# ---- knobs, goals, loss --------------------------------------------------------------------------------------


def test_a_knob_writes_what_the_catalogue_would() -> None:
    hits, gain = KNOBS
    assert [hits.setting(x) for x in (0.0, 0.5, 1.0)] == ["0.01 /min", "0.0316 /min", "0.1 /min"]
    assert [gain.setting(x) for x in (0.0, 0.3333, 1.0)] == [4.0, 14.7, 36.0]
    assert [knob.setting(knob.start) for knob in KNOBS] == ["0.05 /min", 12.0]
    assert hits.setting(math.log10(5.0)) == "0.05 /min"
    assert replace(hits, shipped="0.05123 /min").setting(math.log10(5.123)) == "0.05123 /min"  # not rounded
    assert replace(gain, low=0.12345, shipped=1.0).setting(0.0) == 0.12345  # rounding may not leave the range
    assert replace(hits, high=54321.0).setting(0.9999) == "54200 /min"


def test_loss_is_the_weighted_mean_square_of_what_is_missed() -> None:
    calibration = replace(TOY, goals=(goal(low=10, high=20, weight=3.0), goal(high=5)))
    for first, second, miss in [
        (10, 5, (0, 0)),
        (10 / math.e, 1, (1, 0)),
        (20 * math.e, 5 * math.e**2, (1, 2)),
        (0, 0, (math.log(30), 0)),
        (math.nan, math.nan, (math.log(30), math.log(30))),
        (1e9, 1e9, (math.log(30), math.log(30))),
    ]:
        values = np.array([[first], [second]], dtype=float)
        assert calibration.misses(values)[:, 0] == pytest.approx(miss, abs=1e-12)
        assert calibration.loss(values) == pytest.approx((3 * miss[0] ** 2 + miss[1] ** 2) / 4, abs=1e-12)
    # Squared, then averaged over replicates: one that misses by far is worse than two that nearly hit.
    assert calibration.loss(np.array([[10 / math.e**2, 15], [1, 1]])) == pytest.approx(3 * 2 / 4)


def test_sums_ratios_and_misspelled_metrics() -> None:
    rows = {"hot": {"A": 6.0, "B": 2.0}, "cold": {"A": 3.0, "B": 1.0}, "none": {"A": 0.0, "B": math.nan}, "failed": {}}
    measured = {name: lambda _, row=row: row for name, row in rows.items()}
    assert goal(metrics=("A", "B")).value(measured) == 8
    assert goal(metrics=("A", "B"), over="cold").value(measured) == 2
    assert math.isnan(goal(metrics=("A",), over="none").value(measured))
    assert math.isnan(goal(scenario="failed").value(measured))
    with pytest.raises(InputError, match="no metric 'CD8 core'"):
        goal().value(measured)


def test_later_targets_are_left_out_of_a_shorter_calibration() -> None:
    assert [one.day for one in TOY.until(1).goals] == [1]
    assert TOY.until(None) == TOY
    with pytest.raises(InputError, match="first target is of day 1"):
        TOY.until(0.5)


# ---- the search ----------------------------------------------------------------------------------------------


class Landscape:
    """Twenty outcomes, power laws of ten positions with curvature and noise; each has a band around a solution."""

    def __init__(self, seed: int, curvature: float) -> None:
        draw = np.random.default_rng(seed)
        self.solution, self.draw = draw.random(10), draw
        self.start = np.clip(self.solution + 0.3 * draw.choice([-1, 1], 10), 0, 1)
        self.slopes = 2 * draw.normal(size=(20, 10)) * (draw.random((20, 10)) < 0.3)
        self.bends = curvature * draw.normal(size=(20, 10))

    def outcomes(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        away = points - self.solution
        noise = 0.05 * self.draw.normal(size=(len(points), 20))
        return np.exp(away @ self.slopes.T + away**2 @ self.bends.T + noise)

    def loss(self, outcomes: NDArray[np.float64]) -> float:
        return float((np.maximum(np.abs(np.log(outcomes)) - 0.2, 0) ** 2).mean())

    def searched(self, seed: int, generations: int) -> Search:
        search = Search(self.start, seed=seed, loss=self.loss)
        points = np.vstack([self.start, search.ask()])
        for _ in range(generations):
            outcomes = self.outcomes(points)
            search.tell(points, np.array([self.loss(row) for row in outcomes]), outcomes)
            points = search.ask()
            assert points.shape == (SIZE, 10)
            assert ((points >= 0) & (points <= 1)).all()
        return search


@pytest.mark.parametrize("curvature", [0.0, 2.0])
def test_the_search_finds_the_bands_in_few_evaluations(curvature: float) -> None:
    left = [Landscape(seed, curvature).searched(seed, generations=6) for seed in range(8)]
    assert np.median([search.losses.min() / search.losses[0] for search in left]) < 0.02
    assert max(search.losses.min() / search.losses[0] for search in left) < 0.2


def test_drawing_alone_makes_progress_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "_reckon", lambda self: None)
    left = [Landscape(seed, 1.0).searched(seed, generations=12) for seed in range(8)]
    assert np.median([search.losses.min() / search.losses[0] for search in left]) < 0.2


def test_the_search_follows_from_its_seed() -> None:
    first, again, other = (Landscape(1, 1.0).searched(seed, 3).ask() for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_the_search_takes_outcomes_that_are_missing_or_zero() -> None:
    search = Search(np.array([0.5, 0.5]), seed=1, loss=lambda outcomes: float(np.nan_to_num(outcomes, nan=9.0).sum()))
    points = search.ask()
    outcomes = np.column_stack([np.full(SIZE, np.nan), np.zeros(SIZE), points[:, 0] + 0.1])
    losses = outcomes[:, 2].copy()
    outcomes[losses.argmax(), 2] = np.nan
    search.tell(points, losses, outcomes)
    assert np.isfinite(search.ask()).all()
    assert search.guess is not None
    assert search.guess[0] < points[losses.argmin(), 0]


# ---- the whole -----------------------------------------------------------------------------------------------


def test_a_calibration_ends_inside_the_bands(tmp_path: Path, bench: Bench) -> None:
    told: list[str] = []
    found = calibrated(tmp_path / "a", command="calibrate --budget 20", tell=told.append)
    assert found.shipped.settings == ("0.05 /min", 12.0)
    assert not found.met
    assert found.shipped.loss > 0
    assert found.best is not None
    assert found.best.loss < 0.01 * found.shipped.loss
    assert found.renewed is not None
    assert found.renewed.settings == found.best.settings
    assert found.renewed.medians == pytest.approx(found.best.medians, rel=0.05)
    assert [task.seed for task in bench.begun[-4:]] == [3, 3, 4, 4]  # new seeds, at the end
    assert {task.seed for task in bench.begun[:-4]} == {1, 2}
    assert {task.scenario.lattice.shape for task in bench.begun} == {(120, 120)}
    assert {task.days for task in bench.begun} == {2.0}
    proposed = tomllib.loads((tmp_path / "a/calibrated.toml").read_text())
    assert proposed == dict(zip((ATTACK, SPEED), found.best.settings, strict=True))
    assert "# Found by: calibrate --budget 20\n" in (tmp_path / "a/calibrated.toml").read_text()
    assert "of 20 evaluations: loss " in told[0]
    assert set(read(tmp_path / "a")) == {"calibrated.toml", "calibration.json", "evaluations.csv"}
    rows = evaluations(tmp_path / "a")
    assert len(rows) < 20  # it ends when every goal is met
    assert (rows[0]["hits"], rows[0]["gain"]) == ("0.05 /min", "12.0")
    assert float(rows[0]["hot: CD8 core, day 2, seed 2"]) == pytest.approx(102)


def test_a_calibration_goes_on_where_it_was_killed(tmp_path: Path, bench: Bench) -> None:
    narrow = replace(TOY, goals=(goal(low=40, high=40.001), goal(metrics=("Treg core",), low=5, high=5.001)))
    calibrated(tmp_path / "a", calibration=narrow)
    runs = len(bench.begun)
    bench.begun.clear()
    for patience in (5, 11, 30):
        bench.dies_after = patience
        with pytest.raises(KeyboardInterrupt):
            calibrated(tmp_path / "b", calibration=narrow)
    bench.dies_after = math.inf
    calibrated(tmp_path / "b", calibration=narrow)
    assert len(bench.begun) == runs
    assert read(tmp_path / "a") == read(tmp_path / "b")
    assert len(evaluations(tmp_path / "b")) == 20
    bench.begun.clear()
    calibrated(tmp_path / "b", calibration=narrow, budget=23)
    assert len(bench.begun) == 2 * (3 + 1)  # three more evaluations, and new seeds for the best
    assert len(evaluations(tmp_path / "b")) == 23


def test_bands_may_change_without_new_runs(tmp_path: Path, bench: Bench) -> None:
    before = calibrated(tmp_path / "a", check=True)
    bench.begun.clear()
    wider = replace(TOY, goals=tuple(replace(one, low=0.0, high=1e6) for one in TOY.goals))
    after = calibrated(tmp_path / "a", check=True, calibration=wider)
    assert (before.met, after.met, after.shipped.loss) == (False, True, 0.0)
    assert not bench.begun


def test_an_aim_is_not_required(tmp_path: Path, bench: Bench) -> None:
    goals = (goal(low=1), goal(low=1e6, required=False))
    found = calibrated(tmp_path / "a", check=True, calibration=replace(TOY, goals=goals))
    assert found.met
    assert found.shipped.loss > 0


def test_results_of_others_are_left_alone(tmp_path: Path, bench: Bench) -> None:
    calibrated(tmp_path / "a", check=True)
    before = read(tmp_path / "a")
    with pytest.raises(InputError, match=r"another seeds; choose another --out"):
        calibrated(tmp_path / "a", check=True, seed=2)
    with pytest.raises(InputError, match=r"another shape, scenarios"):
        calibrated(tmp_path / "a", check=True, shape=100)
    with pytest.raises(InputError, match=r"another model"):
        calibrated(tmp_path / "a", check=True, simulate=lambda _: Toy({"x": 1}))
    assert read(tmp_path / "a") == before
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(InputError, match="not empty and holds no calibration"):
        calibrated(tmp_path)
    assert calibrated(tmp_path / "a", check=True, seed=2, overwrite=True).shipped.values.shape == (3, 2)


@pytest.mark.parametrize("name", ["budget", "replicates", "jobs"])
def test_impossible_numbers(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: at least one"):
        calibrated(tmp_path / "a", **{name: 0})
    with pytest.raises(InputError, match=r"^shape: too small for its tumor"):
        calibrated(tmp_path / "a", shape=5)
    assert not (tmp_path / "a").exists()


def test_a_failed_run_counts_as_the_worst_and_no_run_at_all_is_an_error(tmp_path: Path, bench: Bench) -> None:
    found = calibrated(tmp_path / "a", check=True, simulate=lambda changes: Toy(changes, ("cold",)))
    assert np.isnan(found.shipped.medians).tolist() == [False, False, True]
    assert found.shipped.loss >= math.log(30) ** 2 / 4
    with pytest.raises(RunFailed, match="no cells left"):
        calibrated(tmp_path / "b", check=True, simulate=lambda changes: Toy(changes, ("hot", "cold")))


def test_in_processes_of_its_own(tmp_path: Path) -> None:
    found = calibrated(tmp_path / "a", check=True, replicates=1)
    assert found.shipped.values[:, 0] == pytest.approx([101.0, 3.03, 2.0])


# ---- the real model and the command line ---------------------------------------------------------------------


def test_the_tumor_model_runs_with_changed_numbers() -> None:
    scenario = load("hot", {"lattice.shape": [80, 80]})
    simulator, shipped = tuned({ATTACK: "0.02 /min"}), tuned({})
    assert simulator.fingerprint() != shipped.fingerprint()
    model = simulator.start(scenario, 1)
    assert dict(model.catalogue.parameters())[ATTACK].value == "0.02 /min"
    assert dict(shipped.start(scenario, 1).catalogue.parameters())[ATTACK].value != "0.02 /min"
    model.step()
    again = simulator.resume(scenario, 1, model.state())
    model.step()
    again.step()
    assert dict(again.catalogue.parameters())[ATTACK].value == "0.02 /min"
    assert all((value == again.state()[name]).all() for name, value in model.state().items())


def test_the_command(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tme_abm.calibration.calibrate.read_calibration", lambda: TOY)
    monkeypatch.setattr("tme_abm.calibration.calibrate.tuned", Toy)
    assert main(["calibrate", "--check", "--quiet"]) == 1
    said = capsys.readouterr()
    assert said.err == ""
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert "hot: CD8 core, day 2 40 – 50 2 102 high" in lines
    assert "hot / cold: CD8 core, day 2 ≤ 3.5 (aim) 1 2" in lines
    assert "required targets met 0 of 2" in lines
    assert (tmp_path / "results/calibrate-check/evaluations.csv").exists()
    assert main(["calibrate", "--budget", "20", "--out", "b"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "b/calibrated.toml"
    assert "best, new seeds" in said.out
    assert "of 20 evaluations" in said.err
    assert main(["calibrate", "--check", "--days", "0.5"]) == 2
