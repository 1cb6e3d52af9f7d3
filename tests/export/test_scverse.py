"""AnnData and SpatialData, read back, and used by squidpy as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tme_abm.core.errors import InputError
from tme_abm.export import export
from tme_abm.export.source import Picture, Source

REASON = "the extra '{}' is not installed"
anndata = pytest.importorskip("anndata", reason=REASON.format("anndata"))


@pytest.fixture(scope="module")
def cells(run_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    (place,) = export(run_directory, "anndata", out=tmp_path_factory.mktemp("a") / "one.h5ad")
    return anndata.read_h5ad(place)


def test_cells_are_observations_with_places_and_types(cells: Any, picture: Picture) -> None:
    assert cells.obs_names.tolist() == picture.ids
    np.testing.assert_allclose(cells.obsm["spatial"], picture.places)
    kind = cells.obs["cell_type"]
    assert kind.tolist() == picture.described["cell_type"].tolist()
    assert kind.cat.categories.tolist() == list(picture.kinds)  # all of the catalogue, seen or not
    assert set(kind.cat.categories) > set(kind)
    for name in ("phase", "damage", "activation", "exhaustion", "polarization", "surface_PDL1"):
        assert cells.obs[name].dtype.kind == "f"
    np.testing.assert_allclose(cells.obs["activation"], picture.states["activation"])


def test_x_is_what_cells_show_and_sense_with_units(cells: Any, picture: Picture) -> None:
    assert list(cells.var_names) == [*picture.surface, *picture.sensed]
    np.testing.assert_allclose(cells[:, "PDL1"].X.ravel(), picture.surface["PDL1"])
    np.testing.assert_allclose(cells[:, "TNF"].X.ravel(), picture.sensed["TNF"])
    assert cells.var.loc["TNF", ["kind", "unit"]].tolist() == ["concentration", "nM"]
    assert cells.var.loc["PDL1", ["kind", "unit"]].tolist() == ["surface", "1"]
    assert cells.var["name"].str.len().min() > 0


def test_where_it_comes_from_goes_along(cells: Any, source: Source) -> None:
    told = cells.uns["provenance"]
    assert told["scenario_hash"] == source.manifest["scenario_hash"]
    assert told["seed"] == 3
    assert told["day"] == pytest.approx(2 / 3)
    assert told["state"] in {"hot", "cold", "excluded", "none"}
    assert told["resolved_scenario"] == source.scenario.resolved_toml()
    assert told["versions"]["numpy"] == np.__version__


def test_images_lie_under_the_cells(cells: Any, picture: Picture) -> None:
    library = cells.uns["spatial"]["tme_abm"]
    np.testing.assert_allclose(library["images"]["CXCL10"][..., 0], picture.fields["CXCL10"])
    column, row = (cells.obsm["spatial"] * library["scalefactors"]["tissue_CXCL10_scalef"]).astype(int).T
    level = library["images"]["CXCL10"][row, column, 0]
    np.testing.assert_allclose(level, cells[:, "CXCL10"].X.ravel(), rtol=1e-6)
    np.testing.assert_allclose(cells.uns["fields"]["images"]["OXYGEN"], picture.fields["OXYGEN"])


def test_every_picture_goes_to_a_file_of_its_own(run_directory: Path, tmp_path: Path) -> None:
    places = export(run_directory, "anndata", every=True, out=tmp_path)
    assert [place.name for place in places] == [
        "day_000.00000_step_000000000.h5ad",
        "day_000.33333_step_000000024.h5ad",
        "day_000.66667_step_000000048.h5ad",
    ]
    assert anndata.read_h5ad(places[0]).uns["provenance"]["day"] == 0.0
    with pytest.raises(InputError, match="--all writes several files"):
        export(run_directory, "anndata", every=True, out=tmp_path / "one.h5ad")


def test_an_export_can_be_the_slide_of_another_run(run_directory: Path, tmp_path: Path, picture: Picture) -> None:
    from tme_abm.scenario import load

    export(run_directory, "anndata", out=tmp_path / "slide.h5ad")
    settings = {f"slide.cells.{name}": name for name in picture.kinds}
    scenario = load("base", {"slide.file": str(tmp_path / "slide.h5ad"), **settings})
    assert scenario.slide is not None
    fitted = scenario.slide.fitted(scenario.lattice, scenario.catalogue)
    assert not fitted.shared  # a site a cell, as it was
    assert scenario.tumor.cells == (picture.described["cell_type"] == "tumor").sum()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # its score of a type without cells
def test_squidpy_takes_it_unchanged(cells: Any, picture: Picture) -> None:
    squidpy = pytest.importorskip("squidpy", reason=REASON.format("interop"))
    table = cells.copy()
    squidpy.gr.spatial_neighbors(table)
    squidpy.gr.nhood_enrichment(table, cluster_key="cell_type", n_perms=100, seed=1, show_progress_bar=False)
    score = table.uns["cell_type_nhood_enrichment"]["zscore"]
    kinds = list(picture.kinds)
    assert score.shape == (len(kinds), len(kinds))
    tumor, cd8 = kinds.index("tumor"), kinds.index("CD8")
    assert score[tumor, tumor] > 5  # tumor cells lie beside each other
    assert score[tumor, tumor] > score[tumor, cd8]


@pytest.mark.slow
def test_a_store_is_read_back_with_cells_where_the_fields_say(
    run_directory: Path, tmp_path: Path, picture: Picture
) -> None:
    spatialdata = pytest.importorskip("spatialdata", reason=REASON.format("spatialdata"))
    (place,) = export(run_directory, "spatialdata", out=tmp_path / "one.zarr")
    store = spatialdata.read_zarr(place)
    assert list(store["fields"].c.values) == list(picture.fields)
    np.testing.assert_allclose(store["fields"].sel(c="CXCL10").to_numpy(), picture.fields["CXCL10"])
    for element in ("fields", "cells"):
        extent = spatialdata.get_extent(store[element], coordinate_system="global")
        low, high = np.array([extent["x"], extent["y"]]).T
        assert (low >= 0).all()
        assert (high <= [44 * 15, 30 * 15]).all()
    assert spatialdata.get_extent(store["fields"])["x"] == pytest.approx((0, 44 * 15))
    elements, table = spatialdata.match_element_to_table(store, "cells", "table")
    assert table.n_obs == len(picture.ids) == len(elements["cells"])
    centers = elements["cells"].geometry
    np.testing.assert_allclose(np.column_stack([centers.x, centers.y]), table.obsm["spatial"])
    assert len(store["vessels"]) == len(picture.vessels)
    export(run_directory, "spatialdata", out=place, overwrite=True)
