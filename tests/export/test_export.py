"""The tables that need no extra, where exports go, and the command."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import io

from tme_abm.cli import main
from tme_abm.core.errors import InputError
from tme_abm.export import FORMATS, export
from tme_abm.export.source import Picture, Source
from tme_abm.runs.run import run
from tme_abm.scenario import load

Rows = list[dict[str, str]]


def table(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tables(run_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (place,) = export(run_directory, "csv", every=True, out=tmp_path_factory.mktemp("csv") / "tables")
    return place


@pytest.fixture(scope="module")
def physicell(run_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (place,) = export(run_directory, "physicell", every=True, out=tmp_path_factory.mktemp("p") / "output")
    return place


# ---------------------------------------------------------------- CSV


def test_every_cell_of_every_day_has_a_row(tables: Path, source: Source, picture: Picture) -> None:
    rows = table(tables / "cells.csv")
    counts = [len(source.open(file).ids) for file in source.pictures(every=True)]
    assert len(rows) == sum(counts)
    last = [row for row in rows if float(row["day"]) == pytest.approx(2 / 3)]
    assert [row["cell_id"] for row in last] == picture.ids
    assert [float(row["x_um"]) for row in last] == pytest.approx(picture.places[:, 0])
    assert [float(row["y_um"]) for row in last] == pytest.approx(picture.places[:, 1])
    assert [row["activation"] == "" for row in last] == np.isnan(picture.states["activation"]).tolist()
    assert [float(row["surface_PDL1"]) for row in last] == pytest.approx(picture.surface["PDL1"], rel=1e-5)
    assert [float(row["sensed_TNF_nM"]) for row in last] == pytest.approx(picture.sensed["TNF"], rel=1e-5)


def test_the_columns_are_explained(tables: Path) -> None:
    told = json.loads((tables / "metadata.json").read_text())
    (header,) = {tuple(row) for row in table(tables / "cells.csv")[:1]}
    assert list(told["columns"]) == list(header)
    assert all(one["meaning"] for one in told["columns"].values())
    assert told["columns"]["sensed_TNF_nM"]["unit"] == "nM"
    assert told["molecules"]["TNF"]
    assert [one["day"] for one in told["days"]] == pytest.approx([0, 1 / 3, 2 / 3])
    assert told["seed"] == 3


def test_fields_are_grids_by_day(tables: Path, picture: Picture) -> None:
    files = {path.stem for path in (tables / "fields").glob("*.csv")}
    assert files == set(picture.fields)
    with (tables / "fields/OXYGEN.csv").open() as file:
        header, *rows = csv.reader(file)
    assert [float(x) for x in header[2:]] == [15 * (n + 0.5) for n in range(44)]
    last = [row for row in rows if float(row[0]) == pytest.approx(2 / 3)]
    assert [float(row[1]) for row in last] == [15 * (n + 0.5) for n in range(30)]
    np.testing.assert_allclose([[float(v) for v in row[2:]] for row in last], picture.fields["OXYGEN"], rtol=1e-5)


def test_the_resolved_scenario_goes_along(tables: Path, run_directory: Path) -> None:
    assert (tables / "scenario.resolved.toml").read_bytes() == (run_directory / "scenario.resolved.toml").read_bytes()
    assert len(table(tables / "vessels.csv")) > 0


# ---------------------------------------------------------------- PhysiCell


def labeled(place: Path, name: str) -> dict[str, np.ndarray]:
    """The cells of an output as its own labels say they are to be read."""
    root = ElementTree.parse(place / f"{name}.xml").getroot()
    data = root.find("cellular_information/cell_populations/cell_population/custom/simplified_data")
    assert data is not None
    cells = io.loadmat(place / str(data.findtext("filename")))["cells"]
    found, size = {}, 0
    for label in data.iterfind("labels/label"):
        first, size = int(label.attrib["index"]), int(label.attrib["size"])
        found[str(label.text)] = cells[first : first + size]
    assert first + size == len(cells)
    types = {int(one.attrib["ID"]): one.text for one in data.iterfind("cell_types/type")}
    found["type"] = np.array([types[int(number)] for number in found["cell_type"][0]])
    return found


def test_initial_cells_have_the_form_that_physicell_loads(physicell: Path, picture: Picture) -> None:
    lines = (physicell / "cells.csv").read_text().splitlines()
    assert lines[0] == "x,y,z,type"
    rows = table(physicell / "cells.csv")
    assert [row["type"] for row in rows] == picture.described["cell_type"].tolist()
    places = np.array([[float(row[axis]) for axis in "xyz"] for row in rows])
    middle = np.array([44, 30]) * 15 / 2
    assert np.abs(places[:, :2] - (picture.places - middle)).max() <= 15 / 8 + 1e-9
    assert (places[:, 2] == 0).all()
    assert len({tuple(place) for place in places.tolist()}) == len(places)  # no two on one point


def test_the_cells_of_an_output_are_read_by_its_own_labels(physicell: Path, picture: Picture) -> None:
    found = labeled(physicell, "output00000002")
    assert found["type"].tolist() == picture.described["cell_type"].tolist()
    assert found["position"].shape == (3, len(picture.ids))
    dead = picture.described["fate"] != "alive"
    np.testing.assert_array_equal(found["dead"][0] == 1, dead)
    np.testing.assert_array_equal(found["cycle_model"][0][~dead], 5)
    np.testing.assert_array_equal(found["cycle_model"][0][picture.described["fate"] == "apoptotic"], 100)
    np.testing.assert_allclose(found["surface_PDL1"][0], picture.surface["PDL1"])


def test_a_cell_has_the_same_number_in_every_output(physicell: Path) -> None:
    names = {row["ID"]: row["cell_id"] for row in table(physicell / "cell_ids.csv")}
    first, last = (labeled(physicell, f"output0000000{n}")["ID"][0].astype(int).tolist() for n in (0, 2))
    assert len(set(first) & set(last)) > 20
    assert len(set(names.values())) == len(names)
    assert {str(number) for number in (*first, *last)} <= set(names)


def test_the_microenvironment_holds_the_fields_x_fastest(physicell: Path, picture: Picture) -> None:
    data = io.loadmat(physicell / "output00000002_microenvironment0.mat")["multiscale_microenvironment"]
    root = ElementTree.parse(physicell / "output00000002.xml").getroot()
    names = [one.attrib["name"] for one in root.iterfind("microenvironment/domain/variables/variable")]
    assert data.shape == (4 + len(names), 30 * 44)
    assert (np.diff(data[0, :44]) == 15).all()
    assert np.ptp(data[1, :44]) == 0
    assert (data[3] == 15.0**3).all()
    np.testing.assert_allclose(data[4 + names.index("CXCL10")].reshape(30, 44), picture.fields["CXCL10"])
    mesh = io.loadmat(physicell / "initial_mesh0.mat")["mesh"]
    np.testing.assert_array_equal(mesh, data[:4])
    assert float(str(root.findtext("metadata/current_time"))) == pytest.approx(960.0)


def test_neighbors_are_the_cells_in_contact(physicell: Path, picture: Picture) -> None:
    numbers = labeled(physicell, "output00000002")["ID"][0].astype(int)
    lines = (physicell / "output00000002_cell_neighbor_graph.txt").read_text().splitlines()
    graph = {int(one.split(":")[0]): {int(n) for n in one.split(":")[1].split(",") if n.strip()} for one in lines}
    apart = np.abs(picture.places[:, None] - picture.places[None]).max(axis=2)
    for row in range(0, len(numbers), 7):
        near = np.flatnonzero((apart[row] < 15.5) & (np.arange(len(numbers)) != row))
        assert graph[int(numbers[row])] == set(numbers[near].tolist())


def test_the_loader_of_physicell_reads_it(physicell: Path, picture: Picture) -> None:
    pcdl = pytest.importorskip("pcdl", reason="the extra 'interop' is not installed")
    step = pcdl.TimeStep(str(physicell / "output00000002.xml"), verbose=False)
    cells = step.get_cell_df()
    assert len(cells) == len(picture.ids)
    assert cells["cell_type"].value_counts().to_dict() == {
        name: int(n) for name, n in zip(*np.unique(picture.described["cell_type"], return_counts=True), strict=True)
    }
    assert step.get_time() == pytest.approx(960.0)
    field = step.get_conc_df().pivot(index="mesh_center_n", columns="mesh_center_m", values="CXCL10")
    np.testing.assert_allclose(field.to_numpy(), picture.fields["CXCL10"])
    assert len(pcdl.TimeSeries(str(physicell), verbose=False).get_mcds_list()) == 3


# ---------------------------------------------------------------- in 3D


def test_a_tissue_in_3d_keeps_its_third_axis(tmp_path: Path) -> None:
    settings = {"lattice.shape": [6, 10, 12], "lattice.spacing": "15 um", "lattice.margin": "0 um", "tumor.cells": 20,
                "clock.dt": "20 min", "record.every": "20 min", "record.snapshots": "20 min"}
    run(load("base", settings), out=tmp_path / "run", days=0.01)
    (tables,) = export(tmp_path / "run", "csv")
    (physicell,) = export(tmp_path / "run", "physicell")
    assert tables == tmp_path / "run/export/csv"
    rows = table(tables / "cells.csv")
    at = np.array([[float(row[f"{axis}_um"]) for axis in "xyz"] for row in rows])
    assert (at.max(axis=0) <= np.array([12, 10, 6]) * 15 - 7.5).all()
    assert (at.max(axis=0) > np.array([10, 8, 4]) * 15).all()  # cells stand all over
    grid = table(tables / "fields/OXYGEN.csv")
    assert len(grid) == 6 * 10
    assert {float(row["z_um"]) for row in grid} == {15 * (n + 0.5) for n in range(6)}
    positions = labeled(physicell, "output00000000")["position"]
    moved = np.abs(positions.T - (at - np.array([12, 10, 6]) * 7.5))
    assert moved[:, 1:].max() < 1e-3
    assert moved[:, 0].max() <= 15 / 8 + 1e-3
    mesh = io.loadmat(physicell / "initial_mesh0.mat")["mesh"]
    assert [len(np.unique(axis)) for axis in mesh[:3]] == [12, 10, 6]


# ---------------------------------------------------------------- places and the command


@pytest.fixture
def tme(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(one) for one in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return call


def test_the_command_says_where_and_replaces_only_when_asked(
    tme: Callable[..., tuple[int, str, str]], run_directory: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tables"
    code, said, _ = tme("export", run_directory, "--to", "csv", "--day", "0", "--out", out)
    assert (code, said) == (0, f"{out}\n")
    assert {row["day"] for row in table(out / "cells.csv")} == {"0.0"}
    code, _, complained = tme("export", run_directory, "--to", "csv", "--out", out)
    assert code == 2
    assert "is there already; replace it with --overwrite" in complained
    assert {row["day"] for row in table(out / "cells.csv")} == {"0.0"}
    assert tme("export", run_directory, "--to", "csv", "--out", out, "--overwrite")[0] == 0
    assert {round(float(row["day"]), 6) for row in table(out / "cells.csv")} == {0.666667}
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]  # no left-overs


def test_a_directory_that_is_no_export_is_never_replaced(run_directory: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for metadata in (None, '{"written_by": "me"}', "not JSON"):
        if metadata is not None:
            (tmp_path / "metadata.json").write_text(metadata)
        with pytest.raises(InputError, match="holds no export, so it is not replaced"):
            export(run_directory, "csv", out=tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_broken_export_leaves_what_was_there(
    run_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place,) = export(run_directory, "csv", out=tmp_path / "tables")
    before = (place / "cells.csv").read_bytes()

    def breaks(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tme_abm.export.csv_tables._append", breaks)
    with pytest.raises(InputError, match="No space left on device"):
        export(run_directory, "csv", out=place, overwrite=True)
    assert (place / "cells.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--to", "h5ad"), "no format 'h5ad'. Allowed: anndata, spatialdata, csv, physicell"),
        (("--to", "csv", "--day", "3"), "no snapshot of day 3; it has those of 0, 0.33333, 0.66667"),
        (("--to", "csv", "--day", "0", "--all"), "choose one of --day and --all"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    tme: Callable[..., tuple[int, str, str]], run_directory: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, _, complained = tme("export", run_directory, *arguments)
    assert code == 2
    assert says in " ".join(complained.split())


def test_a_directory_that_is_no_run_is_refused(tme: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, _, complained = tme("export", tmp_path, "--to", "csv")
    assert code == 2
    assert "is not the directory of a run" in complained


@pytest.mark.parametrize("to", ["anndata", "spatialdata"])
def test_without_the_extra_its_name_is_told(to: str, run_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, to, None)
    with pytest.raises(InputError, match=rf"pip install 'tme_abm\[{to}\]'"):
        export(run_directory, to)
    assert not (run_directory / "export").exists()


def test_the_formats_are_those_of_the_help() -> None:
    from tme_abm.cli.export import export as command

    assert all(f"[bold]{name}[/bold]" in str(command.__doc__) for name in FORMATS)
