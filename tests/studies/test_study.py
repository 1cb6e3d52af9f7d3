"""Study files: what they may say, what is told when they do not, and the points and runs that come of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.support.toy import ToySimulator
from tme_abm.core.errors import InputError
from tme_abm.scenario import load, shipped
from tme_abm.studies.study import Study, find_study, load_study

from .small import loaded, study_file

TOY = ToySimulator()
SPEC = Path(__file__).parents[1] / "spec"
HEAD = 'scenarios = ["hot"]\n'
ANTIGEN = '"tumor.traits.antigenicity"'


def study(tmp_path: Path, text: str) -> Study:
    return load_study(study_file(tmp_path, HEAD + text), simulator=TOY)


def shown(made: Study, key: str) -> list[float | str]:
    index = [parameter.key for parameter in made.parameters].index(key)
    return [point[index].shown for point in made.points]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("metric = ['CD8 core']", "metric: unknown key. Allowed: .* Did you mean 'metrics'"),
        ("replicates = 0", "replicates: should be greater than or equal to 1, not 0"),
        ("replicates = 2\nseeds = [1]", "give either seeds, or replicates"),
        ("seeds = [1, 1]", "a seed is listed twice"),
        ("days = -1", "days: should be greater than 0, not -1"),
        ("days = inf", "days: should be a finite number, not inf"),
        ("name = 'a/b'", "cannot serve as a name"),
        ("design = 'grid'", "design: should be a table"),
        ("[design]\nkind = 'latin hypercub'", "design.kind: unknown value .* Did you mean 'latin hypercube'"),
        ("[design]\nkind = 'sobol sequence'", "needs the number of samples"),
        ("[design]\nsamples = 3", "a grid takes the values as they are"),
        ("[design]\nkind = 'morris'\nsamples = 3", r"parameters: a morris design needs \[parameters\]"),
        (f"[parameters]\n{ANTIGEN} = []", "has no values"),
        (f"[parameters]\n{ANTIGEN} = [0.2, 0.2]", "the value 0.2 is listed twice"),
        (f"[parameters]\n{ANTIGEN} = 0.2", 'parameters."tumor.traits.antigenicity": this design needs a list of'),
        (f"[parameters]\n{ANTIGEN} = {{ from = 0.1, to = 0.9 }}", "a grid needs to know how many values"),
        (f"[parameters]\n{ANTIGEN} = {{ from = 0.9, to = 0.1, levels = 2 }}", "should rise: 0.9 is not below 0.1"),
        (f"[parameters]\n{ANTIGEN} = {{ from = 0.0, to = 0.1, levels = 2, scale = 'log' }}", "lies above 0"),
        (f"[parameters]\n{ANTIGEN} = {{ from = 0.0, to = 0.1, level = 2 }}", "level: unknown key.*mean 'levels'"),
        (f"[parameters]\n{ANTIGEN} = {{ from = 'a', to = 'b', levels = 2 }}", "is no range of numbers"),
        ("[parameters]\n\"vessels.density\" = { from = '50 /mm^2', to = '2 nM', levels = 2 }", "no range of numbers"),
        ("[parameters]\n\"tumor.cells\" = { from = 50.5, to = 100, levels = 2 }", "takes whole numbers"),
        ('[parameters]\n"clock.days" = [1, 2]', "cannot be swept: it has no effect"),
        ('[parameters]\n"name" = ["a", "b"]', "cannot be swept: it names the results"),
        (f"[set]\n{ANTIGEN} = 0.3\n[parameters]\n{ANTIGEN} = [0.2]", r"is also under \[set\]"),
        (f"[parameters]\n{ANTIGEN} = [0.2]\ntumor.traits.antigenicity = [0.2]", "is given twice"),
        (
            '[parameters]\n"tumor.trait.antigenicity" = [0.2]',
            'parameters."tumor.trait.antigenicity": tumor.trait: unknown key.*Did you mean \'traits\'',
        ),
        ('[parameters]\n"tumor.traits.antigenicty" = [0.2]', "unknown tumor trait.*Did you mean 'antigenicity'"),
        ('[parameters]\n"vessels.density" = ["5 nM"]', "'5 nM' is a concentration, not an areal density"),
        ('[parameters]\n"tumor.traits.mhc1" = [0.5, 3]', r"should be between 0 and 1, not 3 \(scenario 'hot'\)"),
        ('[set]\n"clock.dtt" = 3', "set, scenario 'hot': clock.dtt: unknown key.*Did you mean 'dt'"),
        ("metrics = ['CD8 cor']", "metrics: unknown metric 'CD8 cor'. Allowed: .*Did you mean 'CD8 core'"),
        (
            '[set]\n"lattice.margin" = "0 um"\n[parameters]\n"tumor.cells" = [60, 1000]\n'
            '"lattice.shape" = [[40, 40], [32, 32]]',
            r"design point 3 \(tumor.cells = 1000, lattice.shape = \[32, 32\]\), scenario 'hot': lattice.shape: too",
        ),
        (
            "[design]\nkind = 'list'\n[parameters]\n\"tumor.traits.mhc1\" = [0.5, 1]\n" + ANTIGEN + " = [0.2]",
            "differ in number: tumor.traits.mhc1 has 2, tumor.traits.antigenicity has 1",
        ),
        (
            f"[design]\nkind = 'latin hypercube'\nsamples = 4\n[parameters]\n{ANTIGEN} = [0.2, 0.4]",
            "this design needs a range",
        ),
        (
            "[design]\nkind = 'latin hypercube'\nsamples = 4\n[parameters]\n"
            + ANTIGEN
            + " = { from = 0.1, to = 0.9, levels = 3 }",
            "levels is for a grid",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        study(tmp_path, text)
    assert caught.value.file == str(tmp_path / "small.toml")


def test_scenarios_that_cannot_be_used(tmp_path: Path) -> None:
    for text, told in (
        ('scenarios = ["hott"]', "scenarios.0: no scenario 'hott'.*Did you mean 'hot'"),
        ('scenarios = ["hot", "mine.toml"]', r"scenarios.1: no such file: .*mine.toml"),
        ("scenarios = []", "scenarios"),
        ('scenarios = ["hot", "hot"]', "two scenarios are called 'hot'"),
        ('title = "x"', "scenarios: missing"),
    ):
        with pytest.raises(InputError, match=told):
            load_study(study_file(tmp_path, text), simulator=TOY)


def test_scenario_files_are_found_from_the_study(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('extends = "cold"\n[tumor.traits]\nantigenicity = 0.77\n')
    made = load_study(study_file(tmp_path, 'scenarios = ["mine.toml", "hot"]'), simulator=TOY)
    assert list(made.scenarios) == ["mine", "hot"]
    assert made.scenario("mine", 0).tumor.traits["antigenicity"] == 0.77


def test_a_grid_takes_all_combinations(tmp_path: Path) -> None:
    made = study(
        tmp_path,
        f"[parameters]\n{ANTIGEN} = [0.2, 0.8]\n"
        '"vessels.density" = { from = "50 /mm^2", to = "200 /mm^2", levels = 3, scale = "log" }',
    )
    assert shown(made, "tumor.traits.antigenicity") == [0.2, 0.2, 0.2, 0.8, 0.8, 0.8]
    assert shown(made, "vessels.density") == [50, 100, 200] * 2
    assert made.parameters[1].unit == "/mm^2"
    wanted = load("hot", {"tumor.traits.antigenicity": 0.8, "vessels.density": "100 /mm^2"})
    assert made.scenario("hot", 4).hash == wanted.hash


def test_a_list_takes_the_kth_values(tmp_path: Path) -> None:
    made = study(
        tmp_path,
        f'[design]\nkind = "list"\n[parameters]\n{ANTIGEN} = [0.2, 0.2, 0.8]\n'
        '"clock.dt" = ["0.5 h", "10 min", "20 min"]',
    )
    assert shown(made, "tumor.traits.antigenicity") == [0.2, 0.2, 0.8]
    assert shown(made, "clock.dt") == pytest.approx([0.5, 1 / 6, 1 / 3])
    assert made.parameters[1].unit == "h"
    assert [made.scenario("hot", point).clock.dt for point in range(3)] == [30, 10, 20]


def test_values_that_are_no_numbers_stay_text(tmp_path: Path) -> None:
    text = '[parameters]\n"fields.precision" = ["float32", "float64"]\n"lattice.shape" = [[160, 160], [120, 160]]'
    made = study(tmp_path, text)
    assert shown(made, "fields.precision") == ["float32", "float32", "float64", "float64"]
    assert shown(made, "lattice.shape")[:2] == ["[160, 160]", "[120, 160]"]
    assert made.scenario("hot", 1).lattice.shape == (120, 160)


def test_keys_may_be_written_bare(tmp_path: Path) -> None:
    quoted = study(tmp_path, f'[set]\n"clock.dt" = "20 min"\n[parameters]\n{ANTIGEN} = [0.2, 0.8]')
    bare = study(tmp_path, '[set]\nclock.dt = "20 min"\n[parameters]\ntumor.traits.antigenicity = [0.2, 0.8]')
    assert bare.hash == quoted.hash


SAMPLED = (
    '[design]\nkind = "{kind}"\nsamples = {samples}\nseed = {seed}\n[parameters]\n'
    '"vessels.density" = {{ from = "50 /mm^2", to = "200 /mm^2", scale = "log" }}\n'
    '"tumor.cells" = {{ from = 100, to = 800 }}\n'
    '"tumor.traits.antigenicity" = {{ from = 0.2, to = 0.8 }}\n'
)


@pytest.mark.parametrize("kind", ["latin hypercube", "sobol sequence"])
def test_samples_fill_the_ranges_evenly(tmp_path: Path, kind: str) -> None:
    made = study(tmp_path, SAMPLED.format(kind=kind, samples=32, seed=3))
    table = np.array([[level.shown for level in point] for point in made.points], dtype=float)
    assert table.shape == (32, 3)
    positions = np.column_stack(
        [np.log(table[:, 0] / 50) / math.log(4), (table[:, 1] - 100) / 700, (table[:, 2] - 0.2) / 0.6]
    )
    assert (positions >= 0).all()
    assert (positions <= 1).all()
    for column in positions[:, (0, 2)].T:  # one sample in each of 32 equal parts
        assert sorted(np.floor(column * 32).astype(int)) == list(range(32))
    assert (table[:, 1] % 1 == 0).all()
    assert made.scenario("hot", 5).tumor.cells == table[5, 1]
    assert made.scenario("hot", 5).vessels.density == pytest.approx(table[5, 0] * 1e-6)
    assert any("tumor.cells: whole numbers" in note for note in made.notes)


def test_the_design_follows_from_its_seed(tmp_path: Path) -> None:
    one, again, other = (
        study(tmp_path, SAMPLED.format(kind="latin hypercube", samples=8, seed=seed)) for seed in (1, 1, 2)
    )
    assert one.points == again.points
    assert one.points != other.points
    assert one.hash == again.hash != other.hash


def test_numbers_that_unbalance_a_sobol_sequence_are_told(tmp_path: Path) -> None:
    made = study(tmp_path, SAMPLED.format(kind="sobol sequence", samples=24, seed=0))
    assert any("16 or 32, not 24" in note for note in made.notes)
    assert len(made.points) == 24


@pytest.mark.parametrize(("kind", "count"), [("morris", 5 * 4), ("sobol indices", 8 * 5)])
def test_designs_for_indices(tmp_path: Path, kind: str, count: int) -> None:
    pytest.importorskip("SALib")
    samples = 5 if kind == "morris" else 8
    made = study(tmp_path, SAMPLED.format(kind=kind, samples=samples, seed=1))
    assert len(made.points) == count
    if kind == "morris":  # from one point of a trajectory to the next, one parameter moves
        for first, second in zip(made.points, made.points[1:], strict=False):
            moved = sum(a.shown != b.shown for a, b in zip(first, second, strict=True))
            assert moved == 1 or made.points.index(second) % 4 == 0


def test_points_for_the_indices_of_pairs(tmp_path: Path) -> None:
    pytest.importorskip("SALib")
    text = SAMPLED.format(kind="sobol indices", samples=8, seed=1)
    pairs = study(tmp_path, text.replace("samples = 8", "samples = 8\nsecond_order = true"))
    assert len(pairs.points) == 8 * (2 * 3 + 2)
    assert pairs.hash != study(tmp_path, text).hash


def test_designs_for_indices_without_salib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "SALib.sample", None)
    with pytest.raises(InputError, match=r"design.kind: .*pip install 'tme_abm\[sensitivity\]'"):
        study(tmp_path, SAMPLED.format(kind="morris", samples=4, seed=1))


def test_runs_by_point_scenario_and_seed(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    assert [(run.point, run.scenario, run.seed) for run in made.runs[:5]] == [
        (0, "hot", 1), (0, "hot", 2), (0, "cold", 1), (0, "cold", 2), (1, "hot", 1),
    ]  # fmt: skip
    assert made.runs[0].directory == "runs/hot/point_00000/seed_001"
    assert [made.runs[index].seed for index in made.in_order_of_work] == [1] * 6 + [2] * 6


def test_without_parameters_a_study_is_scenarios_and_replicates(tmp_path: Path) -> None:
    made = study(tmp_path, "replicates = 3\nseed = 5")
    assert [(run.point, run.seed) for run in made.runs] == [(0, 5), (0, 6), (0, 7)]
    assert made.days == load("hot").clock.days
    assert "CD8 core" in made.metrics


def test_the_canonical_file_is_the_study_again(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    (tmp_path / "scenarios").mkdir()
    for name, scenario in made.scenarios.items():
        (tmp_path / f"scenarios/{name}.toml").write_text(scenario.resolved_toml())
    again = load_study(study_file(tmp_path, made.text, "study.toml"), simulator=TOY)
    assert (again.text, again.hash) == (made.text, made.hash)
    assert load_study(tmp_path / "small.toml", simulator=TOY, days=1).hash != made.hash


def test_shipped_studies_are_studies_and_no_scenarios() -> None:
    folder = Path(__file__).parents[2] / "scenarios/studies"
    names = sorted(file.stem for file in folder.glob("*.toml"))
    assert len(names) >= 2
    assert not set(names) & set(shipped())
    for name in names:
        assert find_study(name) == folder / f"{name}.toml"
        text = (folder / f"{name}.toml").read_text()
        if "morris" in text or "sobol indices" in text:
            pytest.importorskip("SALib")
        made = load_study(find_study(name), simulator=TOY if "metrics" not in text else _real())
        assert made.name == name
        assert made.title
    with pytest.raises(InputError, match=f"no study '{names[0]}x'.*Did you mean '{names[0]}'"):
        find_study(names[0] + "x")


def _real() -> ToySimulator:
    from tme_abm.runs.simulator import Simulator

    return Simulator()  # type: ignore[return-value]


def test_the_scenarios_of_a_study_have_its_packs(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "il99.toml").write_bytes((SPEC / "packs" / "il99.toml").read_bytes())
    text = 'catalogue = ["packs/il99.toml"]\n[set]\n"immune.GDT" = "10 /mm^2"\n[parameters]\n'
    text += '"tumor.traits.il99_secretion" = ["1 molecules/cell/min", "2 molecules/cell/min"]\n'
    made = study(tmp_path, text)
    assert made.scenario("hot", 1).tumor.traits["il99_secretion"] == 2
    assert list(made.scenarios["hot"].pack_hashes) == ["il99.toml"]
    assert "catalogue" not in made.document()
    bare = study(tmp_path, text.partition("\n")[2].partition("[parameters]")[0].replace("GDT", "NK"))
    by_option = load_study(tmp_path / "small.toml", simulator=TOY, packs=[tmp_path / "packs" / "il99.toml"])
    assert by_option.hash != bare.hash
    with pytest.raises(InputError, match=r"small.toml: catalogue: no such file: .*nope.toml"):
        study(tmp_path, 'catalogue = ["nope.toml"]\n')
    (tmp_path / "wrong.toml").write_text("[cell.CD8]\nhunt = 1\n")
    with pytest.raises(InputError, match=r"^wrong\.toml: cell\.CD8"):  # and not "in hot.toml", which names no pack
        study(tmp_path, 'catalogue = ["wrong.toml"]\n')
    with pytest.raises(InputError, match=r"small.toml: set.catalogue: is given at the top of the study"):
        study(tmp_path, '[set]\ncatalogue = ["packs/il99.toml"]\n')
