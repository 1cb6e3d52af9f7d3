"""Sections of real runs: what is cut and measured, where it lies, the page and the JSON, and squidpy on an export."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from tests.support.page import Page
from tme_abm.compare.finished import compare_runs
from tme_abm.core.errors import InputError
from tme_abm.export.source import read_source
from tme_abm.observe.real_sections import main_sections, real_sections
from tme_abm.observe.sections import STATISTICS, border_fields, definitions, field_width
from tme_abm.observe.state import criteria
from tme_abm.report.comparison import write_comparison
from tme_abm.report.spatial import GROUPS, Sections, measure_runs, placed, render, write_sections
from tme_abm.report.spatial.charts import statistic_plot
from tme_abm.report.spatial.found import _section
from tme_abm.runs.run import run
from tme_abm.scenario import load
from tme_abm.tissue import ALIVE

SMALL = {
    "lattice.shape": [68, 76],
    "tumor.cells": 700,
    "clock.dt": "20 min",
    "record.snapshots": "8 h",
    "immune.CD8": "400 /mm^2",
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("spatial") / "hot"
    run(load("hot", SMALL), out=out, seed=3, days=1 / 3)
    return out


@pytest.fixture(scope="module")
def found(directory: Path) -> Sections:
    (one,) = measure_runs([directory])
    return one


# ------------------------------------------------------------------ cut


def test_four_fields_at_the_border_one_in_the_center_and_the_whole(found: Sections, directory: Path) -> None:
    assert [field.name for field in found.fields] == [*(f"border {n}" for n in (1, 2, 3, 4)), "center", "whole section"]
    assert (found.heading, found.seed, found.sliced) == ("hot, seed 3, day 0.333333", 3, False)
    source = read_source(directory)
    picture = source.open(source.pictures()[0])
    np.testing.assert_allclose(found.whole.box, [[0, 0], [76 * picture.spacing, 68 * picture.spacing]])
    for field in found.border:
        assert 0 < field.measured.tumor_area < field.measured.area <= 0.4951**2
        inside, outside = field["CD8 in tumor"], field["CD8 in stroma"]
        assert inside / outside == pytest.approx(field["CD8 tumor over stroma"])
    assert found.whole.measured.cells == (picture.cell("fate") == ALIVE).sum()
    kinds = picture.described["cell_type"][picture.described["layer"] == "immune"]
    assert set(found.densities) == set(kinds)


def test_the_tumor_is_the_one_of_the_model(directory: Path, found: Sections) -> None:
    source = read_source(directory)
    picture = source.open(source.pictures()[0])
    section, inside = _section(picture, seed=3)
    core = ndimage.distance_transform_edt(inside) * picture.spacing > criteria().border
    assert (core == picture.arrays["core"]).all()
    # And the pixels by which sections are told apart agree with it but for its rim.
    centers = (definitions()["pixel"] * (np.arange(count) + 0.5) for count in section.mask.shape)
    x, y = (np.floor(at / picture.spacing).astype(int) for at in centers)
    assert (inside.T[np.ix_(x, y)] != section.mask).mean() < 0.06
    (rows, columns), *_ = border_fields(inside, field_width(picture.spacing))
    np.testing.assert_allclose(found.border[0].box[0], np.multiply([columns.start, rows.start], picture.spacing))
    np.testing.assert_allclose(found.border[0].box[1], np.multiply([columns.stop, rows.stop], picture.spacing))
    sites = np.floor(section.places / picture.spacing).astype(int)
    assert (sites[:, 1] * picture.shape[1] + sites[:, 0] == picture.cell("site")).all()


def test_of_a_solid_tissue_the_middle_slice_is_cut(tmp_path: Path) -> None:
    solid = {"lattice.shape": [13, 40, 44], "lattice.margin": "20 um", "tumor.cells": 400}
    run(load("hot", SMALL | solid), out=tmp_path / "solid", seed=1, days=0.02)
    (one,) = measure_runs([tmp_path / "solid"])
    source = read_source(tmp_path / "solid")
    picture = source.open(source.pictures()[0])
    here = picture.cell("site") // (40 * 44) == 6
    assert one.sliced
    assert one.whole.measured.cells == (here & (picture.cell("fate") == ALIVE)).sum()
    assert len(one.border) == 4
    assert one.whole.measured.area == pytest.approx(40 * 44 * (picture.spacing / 1000) ** 2)
    assert "The middle slice" in Page(render([one])).text


def test_without_a_tumor_there_are_no_fields(tmp_path: Path) -> None:
    cleared = {"do": "deplete", "cells": ["tumor"], "rate": "1000 /day"}
    clear = {"do": "fix", "behavior": "clearance", "value": "10 /min", "cells": ["tumor"]}
    run(load("hot", SMALL | {"protocol": [cleared, clear]}), out=tmp_path / "gone", seed=1, days=1 / 3)
    (one,) = measure_runs([tmp_path / "gone"])
    assert (one.border, one.center, one.state) == ((), None, "none")
    assert math.isnan(one.at_border("mixing score")[0])
    assert placed(one, "mixing score") == ""
    assert one.whole["leukocytes in stroma"] > 0
    said = Page(render([one])).text
    assert "no tumor in which a field could be cut" in said
    assert "nan" not in said.lower().split()
    write_sections([one], tmp_path / "spatial.json", command="")
    table = json.loads((tmp_path / "spatial.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert table["sections"][0]["fields"][0]["statistics"]["CD8 to tumor cell"] is None


def test_days_are_chosen_and_missing_ones_refused(directory: Path, tmp_path: Path) -> None:
    assert [one.day for one in measure_runs([directory], [0.0])] == [0.0]
    assert [one.day for one in measure_runs([directory], [1 / 3, 0.0, 0.0])] == [pytest.approx(1 / 3), 0.0]
    with pytest.raises(InputError, match="has no snapshot of day 5; it has those of 0, "):
        measure_runs([directory], [5.0])
    with pytest.raises(InputError, match="is not the directory of a run"):
        measure_runs([tmp_path])


# ------------------------------------------------------------------ what is said


def test_every_statistic_is_placed_among_real_sections(found: Sections) -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(STATISTICS)
    for name in STATISTICS:
        middle, least, largest = found.at_border(name)
        assert least <= middle <= largest
        main = main_sections(name)
        assert main is not None
        where = main.place(name, middle), main.place(name, found.center[name])  # type: ignore[index]
        words = f"both {where[0]}" if where[0] == where[1] else f"border {where[0]}, center {where[1]}"
        assert placed(found, name) == f"{words} percentile of {main.count} {main.noun}"


def test_the_page_shows_all_and_needs_nothing(found: Sections) -> None:
    raw = render([found], command="tme-abm spatial results/hot")
    page = Page(raw)
    for one in STATISTICS.values():
        assert one.title in page.text
    for real in real_sections():
        assert f"{real.count} {real.noun}" in page.text
        assert real.source in page.text
    assert page.count("svg") > len(STATISTICS)
    assert page.count("script") == page.count("link") == 0
    assert all((attributes.get("src") or "data:").startswith("data:") for _, attributes in page.tags)
    assert "tme-abm spatial results/hot" in page.text
    assert placed(found, "immune share") in page.text
    assert render([found], command="tme-abm spatial results/hot") == raw


def test_several_sections_stand_side_by_side(directory: Path) -> None:
    both = measure_runs([directory], [0.0, 1 / 3])
    text = Page(render(both)).text
    assert "2 sections" in text
    assert "hot, seed 3, day 0 " in text
    assert "percentile " in text


def test_a_picture_marks_fields_medians_and_real_sections(found: Sections) -> None:
    drawn = str(statistic_plot(STATISTICS["CD8 depth"], [(found, "#0072B2")]))
    assert drawn.count('class="field"') == 4
    assert drawn.count('class="median"') == sum("CD8 depth" in one.quantiles for one in real_sections())
    width = float(re.search(r'viewBox="0 0 (\d+)', drawn)[1])  # type: ignore[index]
    assert all(0 <= float(x) <= width for x in re.findall(r'(?:cx|x)="([\d.-]+)"', drawn))


def test_json_has_the_same_numbers(found: Sections, tmp_path: Path) -> None:
    write_sections([found], tmp_path / "spatial.json", command="")
    table = json.loads((tmp_path / "spatial.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    (one,) = table["sections"]
    assert [field["name"] for field in one["fields"]] == [field.name for field in found.fields]
    for name, value in found.whole.measured.statistics.items():
        assert one["fields"][-1]["statistics"][name] == (None if math.isnan(value) else pytest.approx(value))
    assert one["border"]["immune share"]["median"] == pytest.approx(found.at_border("immune share")[0])
    main = main_sections("immune share")
    assert main is not None
    assert one["border"]["immune share"]["lies"][0] == main.lies("immune share", found.at_border("immune share")[0])
    assert table["definitions"]["disc"] == 25.0
    assert len(table["real"]) == len(real_sections())


def test_a_comparison_has_the_same_statistics(directory: Path, found: Sections, tmp_path: Path) -> None:
    run(load("cold", SMALL), out=tmp_path / "cold", seed=3, days=1 / 3)
    compared = compare_runs([directory, tmp_path / "cold"], out=tmp_path / "both", command="")
    text = Page(write_comparison(compared.directory).read_text(encoding="utf-8")).text
    section = text[text.index("What a pathologist would measure") : text.index("Over time")]
    assert "Normalized mixing score" in section
    median = found.at_border("immune share")[0]
    assert f"{median:.3g}" in section


# ------------------------------------------------------------------ squidpy


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_squidpy_agrees_on_an_export(directory: Path, found: Sections, tmp_path: Path) -> None:
    squidpy = pytest.importorskip("squidpy", reason="the extra 'interop' is not installed")
    anndata = pytest.importorskip("anndata")
    from tme_abm.export import export

    (place,) = export(directory, "anndata", out=tmp_path / "one.h5ad")
    source = read_source(directory)
    picture = source.open(source.pictures()[0])
    section, _ = _section(picture, seed=3)
    cells: Any = anndata.read_h5ad(place)
    assert cells.obs["cell_type"].tolist() == section.kind.tolist()
    cells.obsm["spatial"] = section.places  # not the centers of sites, where two cells stand on one point
    cells = cells[section.living].copy()
    immune = (cells.obs["layer"] == "immune").to_numpy()
    cells.obs["class"] = np.where(immune, "immune", cells.obs["cell_type"].astype(str))
    cells.obs["class"] = cells.obs["class"].astype("category")
    names = cells.obs["class"].cat.categories.tolist()
    i, t = names.index("immune"), names.index("tumor")

    squidpy.gr.spatial_neighbors(cells, coord_type="generic", delaunay=True, radius=(0, 30))
    squidpy.gr.interaction_matrix(cells, cluster_key="class")
    contacts = np.asarray(cells.uns["class_interactions"])
    assert found.whole["mixing score"] == pytest.approx(contacts[i, t] / (contacts[i, i] / 2))
    permutations = 2000
    squidpy.gr.nhood_enrichment(
        cells, cluster_key="class", n_perms=permutations, seed=1, show_progress_bar=False, n_jobs=1
    )
    score = cells.uns["class_nhood_enrichment"]["zscore"][i, t]
    error = math.sqrt((1 + score**2 / 2) / permutations)
    assert found.whole["leukocyte enrichment z"] == pytest.approx(score, abs=5 * error)

    squidpy.gr.spatial_neighbors(cells, coord_type="generic", radius=20.0)
    squidpy.gr.interaction_matrix(cells, cluster_key="class")
    near = np.asarray(cells.uns["class_interactions"])
    tumor, leukocytes = (cells.obs["class"] == "tumor").sum(), immune.sum()
    expected = 0.5 * near[i, t] / (near[t, t] / 2) * (tumor - 1) / leukocytes
    assert found.whole["normalized mixing score"] == pytest.approx(expected)
