from __future__ import annotations

import math

import pytest

from tme_abm.bench.cases import (
    JOBS,
    Case,
    case_catalogue,
    case_scenario,
    consumed_molecules,
    parse_count,
    plan,
    settings,
)
from tme_abm.biology import compile, load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.processes.presence import fields_needed, kinds_present
from tme_abm.scenario import load


@pytest.mark.parametrize(
    ("text", "number"), [("1000", 1000), ("1k", 1000), (" 2.5k ", 2500), ("1M", 1_000_000), ("40", 40)]
)
def test_counts_are_read_with_and_without_a_unit(text: str, number: int) -> None:
    assert parse_count(text) == number


@pytest.mark.parametrize("text", ["", "0", "-5", "many", "k", "1.5", "nan", "inf", "1kk0"])
def test_other_texts_are_refused_as_counts(text: str) -> None:
    with pytest.raises(InputError, match="is not a number of cells or fields"):
        parse_count(text)


def test_a_case_has_a_short_name() -> None:
    names = [Case(cells=n, fields=4, shape=(9, 9)).name for n in (999, 1000, 28000, 2500, 1234, 1_000_000)]
    assert names == [f"2D {short} × 4" for short in ("999", "1k", "28k", "2.5k", "1234", "1M")]


def test_the_whole_plan_has_every_size_with_every_number_of_fields_a_solid_and_the_jobs() -> None:
    cases = plan(quick=False)
    plane = {(one.cells, one.fields) for one in cases if one.mix == "tumor" and len(one.shape) == 2}
    assert plane == {(cells, fields) for cells in (1000, 10_000, 100_000, 1_000_000) for fields in (10, 20, 40)}
    assert [(one.shape, one.fields) for one in cases if len(one.shape) == 3] == [((100, 100, 100), 10)]
    assert [(one.mix, one.cells, one.fields, one.days) for one in cases if one.mix in JOBS] == [
        ("job", 5000, 10, 1.0),
        ("job", 20000, 10, 1.0),
        ("lean job", 5000, 10, 1.0),
    ]
    assert max(one.shape for one in cases) == (1500, 1500)
    assert len({one.name for one in cases}) == len(cases)


def test_tissues_have_the_density_of_a_tumor_at_every_size() -> None:
    for one in [*plan(quick=False), *plan(quick=True), *plan(quick=False, cells=[3000, 777], fields=[10])]:
        if one.mix == "tumor":
            assert 0.25 <= one.cells / one.voxels <= 0.46, one.name


def test_chosen_sizes_replace_the_plan() -> None:
    assert [(one.cells, one.fields) for one in plan(quick=True, cells=[5000, 50])] == [
        (50, 10),
        (50, 40),
        (5000, 10),
        (5000, 40),
    ]


def test_the_jobs_lattice_is_two_millimeters_wide_and_hardly_more() -> None:
    for job in plan(quick=True)[:3]:
        spacing = case_scenario(job).lattice.spacing
        assert all(2000 <= side * spacing < 2030 for side in job.shape)


@pytest.mark.parametrize("fields", [10, 20, 40])
def test_a_case_has_as_many_fields_as_it_says_with_uptake_in_proportion(fields: int) -> None:
    scenario = case_scenario(Case(cells=300, fields=fields, shape=(26, 26)))
    biology = scenario.biology()
    names = fields_needed(scenario, biology)
    whole = load("hot")
    everything = fields_needed(whole, whole.biology())
    share = len(consumed_molecules(whole, whole.biology()) & set(everything)) / len(everything)
    consumed = consumed_molecules(scenario, biology) & set(names)
    assert len(names) == fields
    assert abs(len(consumed) - share * fields) <= 1.5


def test_a_job_has_five_cell_types_and_the_dear_fields_first() -> None:
    scenario = case_scenario(Case(cells=300, fields=10, shape=(26, 26), mix="job", days=1.0))
    biology = scenario.biology()
    names = fields_needed(scenario, biology)
    kinds = {biology.cells[kind] for kind in kinds_present(scenario, biology)} - {"endothelium"}
    assert kinds == set(settings()["mix"]["job"]["share"])
    assert len(kinds) == 5
    assert len(names) == 10
    assert len(consumed_molecules(scenario, biology) & set(names)) >= 9


def test_the_lean_job_is_what_peers_had() -> None:
    """Voxels of 20 um, ten fields, five cell types and thirteen rules, each about one type."""
    case = next(one for one in plan(quick=False) if one.mix == "lean job")
    scenario = case_scenario(case)
    biology = compile(case_catalogue(case), scenario.tumor.traits)
    assert (scenario.lattice.spacing, scenario.lattice.shape) == (20.0, (100, 100))
    ruled = {program: len(program.ups) + len(program.downs) for program in biology.programs}
    assert sum(ruled.values()) == 13
    with_rules = {biology.cells[program.cell] for program in ruled if ruled[program]}
    assert with_rules == set(settings()["mix"]["job"]["share"])
    assert len(fields_needed(scenario, biology)) == 10


def test_other_mixes_have_the_shipped_catalogue() -> None:
    assert case_catalogue(Case(cells=300, fields=10, shape=(26, 26))) is load_catalogue()


def test_an_unknown_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    table = settings()
    lean = {**table["mix"]["lean job"], "rules": ["CD8: IL2 increases divisions"]}
    monkeypatch.setattr("tme_abm.bench.cases.settings", lambda: {**table, "mix": {"lean job": lean}})
    with pytest.raises(InputError, match=r"not a rule of the catalogue.*Did you mean 'CD8: IL2 increases division'"):
        case_catalogue(Case(cells=300, fields=10, shape=(26, 26), mix="lean job", days=1.0))


def test_blood_and_cells_are_in_proportion_to_the_tissue() -> None:
    case = Case(cells=10_000, fields=10, shape=(150, 150))
    scenario, hot = case_scenario(case), load("hot")
    larger = math.prod(case.shape) / math.prod(hot.lattice.shape)
    assert scenario.blood["CD8"].cells == pytest.approx(hot.blood["CD8"].cells * larger)
    starting = sum(scenario.immune.values()) * scenario.lattice.spacing**2 * case.voxels
    assert scenario.tumor.cells + starting == pytest.approx(case.cells)
    assert sum(settings()["mix"]["tumor"]["share"].values()) == pytest.approx(1)


@pytest.mark.parametrize("fields", [1, 400])
def test_too_few_and_too_many_fields_are_refused(fields: int) -> None:
    with pytest.raises(
        InputError, match=rf"2D 300 × {fields}: the cells of this tissue can have \d+ to \d+ fields, not {fields}"
    ):
        case_scenario(Case(cells=300, fields=fields, shape=(26, 26)))


def test_a_case_survives_json() -> None:
    for one in plan(quick=True):
        assert Case.from_json(one.to_json()) == one
