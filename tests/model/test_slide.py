"""A tissue that starts from measured cells: planted where they were, in every well, and run, killed and taken up."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from tme_abm.model import TumorModel
from tme_abm.runs.results import RESOLVED, read_manifest
from tme_abm.runs.run import resume, run
from tme_abm.scenario import Scenario, find, load
from tme_abm.tissue import IMMUNE, TISSUE

SETTINGS = {"clock.dt": "20 min", "record.every": "2 h", "record.snapshots": "8 h"}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load("from_slide", SETTINGS)


def where(model: TumorModel, cell: str, well: int = 0) -> list[int]:
    tissue = model.tissue
    mine = tissue.cells.kind == model.biology.cell_index[cell]
    sites = tissue.cells.site[mine]
    here = tissue.lattice.well_of(sites) == well
    return sorted((sites[here] % tissue.lattice.n_sites_per_well).tolist())


def test_every_cell_of_the_slide_stands_on_its_site_and_nobody_else_is_there(scenario: Scenario) -> None:
    model = TumorModel(scenario, rng=3)
    assert scenario.slide is not None
    sites = scenario.slide.fitted(scenario.lattice, scenario.catalogue).sites
    assert set(sites) == {"tumor", "CD8", "Th1", "Treg", "TAM", "TAN"}
    for cell, expected in sites.items():
        assert where(model, cell) == expected.tolist(), cell
    assert len(model.tissue.cells) == sum(len(one) for one in sites.values())


def test_the_tissue_is_the_slide_whatever_the_seed_but_chances_differ(scenario: Scenario) -> None:
    one, other = TumorModel(scenario, rng=1), TumorModel(scenario, rng=2)
    assert where(one, "CD8") == where(other, "CD8")
    assert (one.tissue.cells.phase != other.tissue.cells.phase).any()
    assert set(one.tissue.vessels) != set(other.tissue.vessels)


def test_every_well_holds_the_same_tissue(scenario: Scenario) -> None:
    model = TumorModel(scenario, rng=1, wells=3)
    for well in range(3):
        assert where(model, "tumor", well) == where(model, "tumor")
        assert where(model, "TAM", well) == where(TumorModel(scenario, rng=1), "TAM")
    assert len(set(model.tissue.cells.key.tolist())) == len(model.tissue.cells)


def test_the_matrix_follows_the_tumor_tissue_of_the_slide() -> None:
    scenario = load("from_slide", {**SETTINGS, "stroma.matrix": "1.0", "stroma.matrix_in_tumor": "0.25"})
    assert scenario.slide is not None
    tumor = scenario.slide.fitted(scenario.lattice, scenario.catalogue).tumor
    assert 0.2 < tumor.mean() < 0.5
    np.testing.assert_array_equal(TumorModel(scenario, rng=1).tissue.matrix, np.where(tumor, 0.25, 1.0))


def test_what_the_protocol_adds_comes_on_top(scenario: Scenario) -> None:
    added = load("from_slide", {**SETTINGS, "protocol": [{"do": "add", "cell": "NK", "count": 7}]})
    model = TumorModel(added, rng=1)
    assert len(where(model, "NK")) == 7
    assert where(model, "CD8") == where(TumorModel(scenario, rng=1), "CD8")


def test_no_site_holds_two_cells_of_a_layer_and_the_index_agrees(scenario: Scenario) -> None:
    tissue = TumorModel(scenario, rng=1).tissue
    for layer in (TISSUE, IMMUNE):
        rows = np.flatnonzero(tissue.layer == layer)
        assert len(set(tissue.cells.site[rows].tolist())) == len(rows)
        np.testing.assert_array_equal(tissue.lattice.occupant[layer, tissue.cells.site[rows]], rows)


def test_who_finds_no_site_is_told_in_the_log_and_in_the_manifest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scenario = load("from_slide", {**SETTINGS, "slide.reach": "0 um", "lattice.spacing": "30 um"})
    with caplog.at_level(logging.WARNING):
        run(scenario, out=tmp_path / "a", days=0.05)
    told = [record.getMessage() for record in caplog.records]
    assert any("synthetic_biopsy.csv: cells without a free site" in one for one in told)
    assert any("lattice.spacing" in one for one in told)
    noted = {one["name"]: one for one in read_manifest(tmp_path / "a")["slide"]["classes"]}
    assert noted["tumor"]["left_out"] > 0
    assert noted["tumor"]["kept"] + noted["tumor"]["left_out"] == noted["tumor"]["measured"] == 180
    assert noted["other"] == {
        "name": "other", "cell": "skip", "measured": 60, "kept": 0, "moved": 0, "farthest": 0.0, "left_out": 0,
    }


def test_a_run_goes_on_and_runs_again_when_the_table_is_gone(tmp_path: Path) -> None:
    here = tmp_path / "mine"
    (here / "slides").mkdir(parents=True)
    shipped = find("from_slide")
    shutil.copy(shipped, here / "from_slide.toml")
    shutil.copy(shipped.parent / "slides/synthetic_biopsy.csv", here / "slides")
    scenario = load(here / "from_slide.toml", SETTINGS)
    run(scenario, out=tmp_path / "whole", days=0.4)
    run(scenario, out=tmp_path / "part", days=0.2)
    shutil.rmtree(here)
    resume(tmp_path / "part", days=0.4)
    run(load(tmp_path / "whole" / RESOLVED), out=tmp_path / "again", days=0.4)
    for name in ("series.csv", RESOLVED):
        whole = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "part" / name).read_bytes() == whole
        assert (tmp_path / "again" / name).read_bytes() == whole
