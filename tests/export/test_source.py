"""What is exported is what the model was: checked against the model's own state after the same steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tme_abm.core.errors import InputError
from tme_abm.core.files import npz_bytes, read_npz
from tme_abm.export.source import Picture, Source
from tme_abm.model import TumorModel
from tme_abm.observe.snapshot import FIELD_BITS, snapshot
from tme_abm.observe.state import classify
from tme_abm.processes import free_level


@pytest.fixture(scope="module")
def model(source: Source) -> TumorModel:
    model = TumorModel(source.scenario, rng=3)
    model.run_until(day=2 / 3)
    return model


def test_cells_are_those_of_the_model(model: TumorModel, picture: Picture) -> None:
    cells, lattice = model.tissue.cells, model.tissue.lattice
    rows = np.argsort(cells.key)
    assert picture.ids == [f"{key:016x}" for key in sorted(cells.key.tolist())]
    np.testing.assert_allclose(picture.places, lattice.coordinates(cells.site[rows])[:, ::-1])
    assert picture.described["cell_type"].tolist() == [model.biology.cells[kind] for kind in cells.kind[rows]]
    np.testing.assert_array_equal(picture.described["fate"] == "alive", cells.fate[rows] == 0)
    assert {"alive", "apoptotic"} <= set(picture.described["fate"])
    np.testing.assert_array_equal(picture.described["bound"], cells.partner[rows] != 0)
    assert picture.described["bound"].any()
    np.testing.assert_allclose(picture.surface["PDL1"], cells["expression PDL1"][rows], rtol=1e-6)


def test_states_are_there_for_the_cells_that_have_them(model: TumorModel, picture: Picture) -> None:
    kind = picture.described["cell_type"]
    activation = picture.states["activation"]
    assert np.isnan(activation[kind == "tumor"]).all()
    assert not np.isnan(activation[kind == "CD8"]).any()
    assert np.isnan(picture.states["polarization"][kind == "CD8"]).all()
    assert not np.isnan(picture.states["polarization"][kind == "TAM"]).any()
    rows = np.argsort(model.tissue.cells.key)
    np.testing.assert_allclose(
        activation[kind == "CD8"], model.tissue.cells.activation[rows][kind == "CD8"], rtol=1e-6
    )


def test_concentrations_are_what_the_cells_sense(model: TumorModel, picture: Picture) -> None:
    site = model.tissue.cells.site[np.argsort(model.tissue.cells.key)]
    for name in (*picture.fields, "TNF"):
        level = free_level(model.tissue, name, site)
        np.testing.assert_allclose(picture.sensed[name], level, rtol=2**-FIELD_BITS, err_msg=name)
    inside = picture.fields["TGFB"].ravel()[site]
    # Three quarters are neutralized.
    np.testing.assert_allclose(picture.sensed["TGFB"], 0.25 * inside, rtol=2**-FIELD_BITS)
    assert picture.sensed["TNF"].min() >= 2.0  # what the medium holds


def test_fields_and_vessels_are_those_of_the_model(model: TumorModel, picture: Picture) -> None:
    assert set(picture.fields) == set(model.tissue.fields)
    np.testing.assert_allclose(picture.fields["OXYGEN"], model.tissue.fields["OXYGEN"], rtol=2**-FIELD_BITS)
    assert len(picture.vessels) == len(model.tissue.vessels) > 0
    at = model.tissue.lattice.coordinates(np.sort(model.tissue.vessels))[:, ::-1]
    np.testing.assert_allclose(picture.vessels, at)


def test_the_same_tissue_makes_the_same_bytes_whatever_the_order_of_its_rows(model: TumorModel) -> None:
    before = npz_bytes(snapshot(model))
    state = model.state()
    turn = np.arange(len(model.tissue.cells))[::-1]
    turned = {name: values[turn] if name.startswith("cells/") else values for name, values in state.items()}
    other = TumorModel.from_state(model.scenario, 3, turned)
    other.tissue.controls = model.tissue.controls
    assert npz_bytes(snapshot(other)) == before


def test_pictures_are_chosen_by_day(source: Source) -> None:
    every = source.pictures(every=True)
    assert [source.open(file).day for file in every] == pytest.approx([0, 1 / 3, 2 / 3])
    assert source.pictures() == every[-1:]
    for asked in (1 / 3, 0.333):
        assert source.pictures(asked) == every[1:2]
    with pytest.raises(InputError, match=r"no snapshot of day 0.5; it has those of 0, 0.33333, 0.66667"):
        source.pictures(0.5)


def test_pictures_of_earlier_versions_are_read(source: Source, picture: Picture, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "plain.npz", **picture.arrays)
    plain = source.open(tmp_path / "plain.npz")
    assert plain.arrays.keys() == picture.arrays.keys()
    assert all(np.array_equal(plain.arrays[name], values) for name, values in picture.arrays.items())


def test_the_verdict_is_that_of_the_day(source: Source) -> None:
    from tme_abm.runs.results import read_series

    series = read_series(source.directory)
    for day in (0.0, 2 / 3):
        row = series.row(day)
        assert row is not None
        found = source.verdict(day)
        assert found["state"] == classify(row)
        assert found["measures"]["tumor cells"] == row["tumor cells"]


def test_a_picture_without_cells_is_refused(source: Source, tmp_path: Path) -> None:
    arrays = read_npz(source.pictures()[0])
    path = tmp_path / "day_001.000.npz"
    path.write_bytes(npz_bytes({name: values for name, values in arrays.items() if not name.startswith("cell/")}))
    with pytest.raises(InputError, match="holds no cells"):
        source.open(path)
    path.write_bytes(npz_bytes({**arrays, "cell_names": arrays["cell_names"][::-1]}))
    with pytest.raises(InputError, match="another catalogue"):
        source.open(path)
