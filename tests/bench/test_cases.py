from __future__ import annotations

import math

import numpy as np
import pytest

from tme_abm.bench.cases import JOBS, Case, case_catalogue, case_scenario, parse_count, plan, settings
from tme_abm.biology import Biology, compile, load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.processes.presence import fields_needed, kinds_present
from tme_abm.scenario import Scenario, load


def consumed(scenario: Scenario, biology: Biology) -> set[str]:
    """The molecules with a field that some cell of the scenario takes up."""
    uptake = biology.uptake[sorted(kinds_present(scenario, biology))].any(axis=0)
    names = np.array([molecule.name for molecule in biology.molecules])
    return set(names[uptake]) & set(fields_needed(scenario, biology))


@pytest.mark.parametrize(("text", "number"), [("1000", 1000), (" 2.5k ", 2500), ("1M", 1_000_000), ("40", 40)])
def test_counts_are_read_with_and_without_a_unit(text: str, number: int) -> None:
    assert parse_count(text) == number


@pytest.mark.parametrize("text", ["", "0", "-5", "many", "k", "1.5", "nan", "inf", "1kk0", "1.2.3"])
def test_other_texts_are_refused_as_counts(text: str) -> None:
    with pytest.raises(InputError, match="is not a number of cells or fields"):
        parse_count(text)


def test_a_case_has_a_short_name() -> None:
    names = [Case(cells=n, fields=4, shape=(9, 9), steps=1).name for n in (999, 1000, 28000, 2500, 1234, 1_000_000)]
    assert names == [f"2D {short} × 4" for short in ("999", "1k", "28k", "2.5k", "1234", "1M")]


def test_the_whole_plan_has_every_size_with_every_number_of_fields_a_solid_and_the_jobs() -> None:
    cases = plan(quick=False)
    plane = {(one.cells, one.fields) for one in cases if one.mix == "tumor" and len(one.shape) == 2}
    assert plane == {(cells, fields) for cells in (1000, 10_000, 100_000, 1_000_000) for fields in (10, 20, 40)}
    assert [(one.shape, one.fields) for one in cases if len(one.shape) == 3] == [((100, 100, 100), 10)]
    jobs = [(one.mix, one.cells, one.fields, one.steps) for one in cases if one.mix in JOBS]
    assert jobs == [("job", 5000, 10, 144), ("job", 20000, 10, 144), ("lean job", 5000, 10, 144)]
    assert len({one.name for one in cases}) == len(cases)


def test_tissues_have_the_density_of_a_tumor_at_every_size() -> None:
    for one in [*plan(quick=False), *plan(quick=True), *plan(quick=False, cells=[3000, 777], fields=[10])]:
        if one.mix == "tumor":
            assert 0.25 <= one.cells / math.prod(one.shape) <= 0.46, one.name


def test_chosen_sizes_replace_the_plan() -> None:
    chosen = [(one.cells, one.fields) for one in plan(quick=True, cells=[5000, 50, 50])]
    assert chosen == [(50, 10), (50, 40), (5000, 10), (5000, 40)]


@pytest.mark.parametrize("fields", [10, 20, 40])
def test_a_case_has_as_many_fields_as_it_says_with_uptake_in_proportion(fields: int) -> None:
    scenario, whole = case_scenario(Case(cells=300, fields=fields, shape=(26, 26), steps=1)), load("hot")
    assert set(fields_needed(scenario, scenario.biology())) == set(settings()["mix"]["tumor"]["fields"][:fields])
    share = len(consumed(whole, whole.biology())) / len(fields_needed(whole, whole.biology()))
    assert abs(len(consumed(scenario, scenario.biology())) - share * fields) <= 1.5


@pytest.mark.parametrize(("mix", "rules", "least"), [("job", 279, 9), ("lean job", 13, 5)])
def test_a_job_is_what_peers_had(mix: str, rules: int, least: int) -> None:
    """Two millimeters, ten fields, five cell types; the lean one has voxels of 20 um and thirteen rules as well."""
    case = next(one for one in plan(quick=False) if one.mix == mix)
    scenario = case_scenario(case)
    biology = compile(case_catalogue(case), scenario.tumor.traits)
    kinds = kinds_present(scenario, biology)
    assert {biology.cells[kind] for kind in kinds} - {"endothelium"} == {"tumor", "CD8", "Treg", "NK", "TAM"}
    assert all(2000 <= side * scenario.lattice.spacing < 2030 for side in case.shape)
    assert len(fields_needed(scenario, biology)) == 10
    assert len(consumed(scenario, biology)) >= least
    found = sum(len(one.ups) + len(one.downs) for one in biology.programs if one.cell in kinds)
    # The catalogue grows; what peers had is the least.
    assert found >= rules if mix == "job" else found == rules


def test_other_mixes_have_the_shipped_catalogue() -> None:
    assert case_catalogue(Case(cells=300, fields=10, shape=(26, 26), steps=1)) is load_catalogue()


def test_blood_and_cells_are_in_proportion_to_the_tissue() -> None:
    case = Case(cells=10_000, fields=10, shape=(150, 150), steps=1)
    scenario, hot = case_scenario(case), load("hot")
    larger = math.prod(case.shape) / math.prod(hot.lattice.shape)
    assert scenario.blood["CD8"].cells == pytest.approx(hot.blood["CD8"].cells * larger)
    starting = sum(scenario.immune.values()) * scenario.lattice.spacing**2 * math.prod(case.shape)
    assert scenario.tumor.cells + starting == pytest.approx(case.cells)


@pytest.mark.parametrize(("fields", "nearest"), [(1, 2), (400, 43)])
def test_too_few_and_too_many_fields_are_refused(fields: int, nearest: int) -> None:
    with pytest.raises(InputError, match=f"cannot have {fields} fields; the nearest number is {nearest}"):
        case_scenario(Case(cells=300, fields=fields, shape=(26, 26), steps=1))
