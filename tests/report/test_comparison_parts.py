"""The parts of a report, one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.report.synthetic import CELLS, write_synthetic
from tme_abm.compare.comparison import read_comparison
from tme_abm.core.files import npz_bytes, read_npz
from tme_abm.report.comparison.pictures import gallery, typical_seed
from tme_abm.report.style.palette import DEAD, EMPTY, cell_color, rgb
from tme_abm.report.style.raster import Window
from tme_abm.report.style.settings import Glossary, differences
from tme_abm.report.style.tissue import Snapshot, busiest_edge, common_window, read_picture, tissue_image


def snapshot(tissue: list[list[int]], immune: list[list[int]], dead: list[list[int]] | None = None) -> Snapshot:
    kinds = np.array(tissue)
    return Snapshot(
        day=1.0,
        spacing=15.0,
        sliced=False,
        tissue_kind=kinds,
        immune_kind=np.array(immune),
        dead=np.array(dead or np.zeros_like(kinds), dtype=bool),
        vessel=np.zeros_like(kinds, dtype=bool),
        core=kinds >= 0,
        cell_names=CELLS,
        fields={},
    )


def test_each_site_is_a_block_with_its_leukocyte_as_a_smaller_dot() -> None:
    k = 11
    image = tissue_image(
        snapshot([[0, -1], [0, -1]], [[1, -1], [-1, 7]], [[0, 0], [1, 0]]), Window(top=0, bottom=2, left=0, right=2), k
    )
    assert image.shape == (2 * k, 2 * k, 3)
    corners, centers = image[::k, ::k], image[k // 2 :: k, k // 2 :: k]
    assert corners.tolist() == [[list(rgb(cell_color("tumor"))), list(rgb(EMPTY))], [list(rgb(DEAD)), list(rgb(EMPTY))]]
    assert centers[0, 0].tolist() == list(rgb(cell_color("CD8")))
    assert centers[1, 1].tolist() == list(rgb(cell_color("TAM")))
    assert centers[0, 1].tolist() == list(rgb(EMPTY))


def test_window_holds_every_tumor_with_its_margin() -> None:
    kinds = np.full((80, 80), -1)
    kinds[30:50, 30:50] = 0
    nothing = np.full((80, 80), -1)
    window = common_window([snapshot(kinds.tolist(), nothing.tolist())], around=150.0)
    assert window == Window(top=20, bottom=60, left=20, right=60)
    everywhere = common_window([snapshot(kinds.tolist(), nothing.tolist())], around=600.0)
    assert everywhere == Window(top=0, bottom=80, left=0, right=80)


def test_close_up_straddles_the_border_where_the_leukocytes_are() -> None:
    kinds, immune = np.full((60, 60), -1), np.full((60, 60), -1)
    kinds[20:40, 20:40] = 0
    immune[28:32, 38:44] = 1
    window = busiest_edge(snapshot(kinds.tolist(), immune.tolist()), 10)
    assert (window.of(immune) == 1).sum() == 24
    assert 0.25 < (window.of(kinds) == 0).mean() < 0.75


def test_the_seed_shown_is_the_most_typical(tmp_path: Path) -> None:
    comparison = read_comparison(write_synthetic(tmp_path, ("hot",), replicates=5, side=40, days=(0.0, 1.0)))
    values = comparison.tumors["hot"].metrics["CD8 core"].values
    assert typical_seed(comparison) == 1 + int(np.argsort(values)[2])


def test_a_cleared_tumor_in_three_dimensions_is_shown_by_its_middle_slice(tmp_path: Path) -> None:
    directory = write_synthetic(tmp_path, ("hot",), replicates=1, side=40, days=(0.0, 1.0))
    for path in (directory / "runs/hot/seed_001/snapshots").glob("*.npz"):
        arrays = read_npz(path)
        arrays["tissue_kind"][:], arrays["core"][:] = -1, False
        lattice = {k: v for k, v in arrays.items() if v.ndim == 2}
        path.write_bytes(npz_bytes(arrays | {k: np.stack([v * 0, v, v * 0]) for k, v in lattice.items()}))
    comparison = read_comparison(directory)
    shown = read_picture(comparison.tumors["hot"].runs[0].snapshots[1.0], 1.0)
    assert shown.sliced
    assert shown.fields["CXCL10"].max() > 0
    pictures = gallery(comparison)
    assert pictures.sliced
    assert len(pictures.close_ups) == 1


def test_damaged_pictures_are_left_out(tmp_path: Path) -> None:
    directory = write_synthetic(tmp_path, replicates=1, side=40, days=(0.0, 1.0))
    (directory / "runs/cold/seed_001/snapshots/day_001.000.npz").write_bytes(b"half a file")
    pictures = gallery(read_comparison(directory))
    assert (pictures.scenarios, pictures.missing) == (("hot",), ("cold",))


@pytest.mark.parametrize(
    ("texts", "unit", "shown"),
    [
        (["0.35 pM/min", "0.168 nM/h", ""], "nM/h", ("0.021", "0.168", "–")),
        (["80 /mm^2", "145 /mm^2"], "/mm²", ("80", "145")),
        (["float32", "float64"], "", ("float32", "float64")),
    ],
)
def test_quantities_in_a_row_share_a_unit(texts: list[str], unit: str, shown: tuple[str, ...]) -> None:
    a, b = ({"stroma.secretion.X": text} for text in texts[:2])
    found = differences({"a": a, "b": b, **({"c": {}} if len(texts) > 2 else {})}, Glossary())
    assert [(line.unit, line.values) for line in found] == [(unit, shown)]
