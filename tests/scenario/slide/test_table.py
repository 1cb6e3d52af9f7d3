from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tme_abm.core.errors import InputError
from tme_abm.scenario.slide import Columns, read_table

COLUMNS = Columns(x="x", y="y", kind="class")


def written(tmp_path: Path, text: str, name: str = "slide.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def test_cells_come_by_class_and_sorted_whatever_the_order_of_the_rows(tmp_path: Path) -> None:
    one = read_table(written(tmp_path, "x,y,class\n5,1,b\n2,3,a\n1,9,b\n"), COLUMNS, 1.0)
    other = read_table(written(tmp_path, "class,y,x,note\nb,9,1,\nb,1,5,x\na,3,2,\n", "b.csv"), COLUMNS, 1.0)
    assert one.places == other.places == {"a": ((2.0, 3.0),), "b": ((1.0, 9.0), (5.0, 1.0))}
    assert list(one.places) == ["a", "b"]


def test_coordinates_in_pixels_become_micrometers(tmp_path: Path) -> None:
    found = read_table(written(tmp_path, "x,y,class\n10,3,a\n"), COLUMNS, 0.497)
    assert found.places == {"a": ((4.97, 1.491),)}


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_a_mark_of_byte_order_and_spaces_are_understood(tmp_path: Path, separator: str) -> None:
    text = "\ufeffx,y,class\r\n1,2, CD8+ \r\n".replace(",", separator)
    assert read_table(written(tmp_path, text), COLUMNS, 1.0).places == {"CD8+": ((1.0, 2.0),)}


def test_a_cell_without_a_class_has_the_empty_one(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, "x,y,class\n1,2,\n"), COLUMNS, 1.0).places == {"": ((1.0, 2.0),)}


def test_the_fingerprint_is_that_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y,class\n1,2,a\n")
    assert read_table(path, COLUMNS, 1.0).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("X,y,class\n1,2,a\n", r"no column 'x', which slide.x names. Allowed: X, y, class. Did you mean 'X'"),
        ("x,y,klass\n1,2,a\n", r"no column 'class', which slide.class names.*Did you mean 'klass'"),
        ("x,y,class\n1,2,a\n3,,a\n", r"line 3: y should be a number, not 'empty'"),
        ("x,y,class\n1,far,a\n", r"line 2: y should be a number, not 'far'"),
        ("x,y,class\n1,nan,a\n", r"line 2: the cell has no place"),
        ("x,y,class\n", r"holds no cells"),
        ("", r"no column 'x'"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_table(written(tmp_path, text), COLUMNS, 1.0)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "slide.csv"
    path.write_bytes(b"x,y,class\n1,2,\xff\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_table(path, COLUMNS, 1.0)


def test_an_anndata_gives_the_same_cells_as_a_csv(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata", reason="the extra 'anndata' is not installed")
    pandas = pytest.importorskip("pandas")
    import numpy as np

    obs = pandas.DataFrame({"class": ["b", "a", None], "u": [1.0, 2.0, 3.0], "v": [7.0, 8.0, 9.0]}, index=list("pqr"))
    table = anndata.AnnData(obs=obs, obsm={"spatial": np.array([[5.0, 1.0], [2.0, 3.0], [4.0, 4.0]])})
    table.write_h5ad(tmp_path / "slide.h5ad")
    found = read_table(tmp_path / "slide.h5ad", Columns(x=None, y=None, kind="class"), 1.0)
    assert found.places == {"": ((4.0, 4.0),), "a": ((2.0, 3.0),), "b": ((5.0, 1.0),)}
    named = read_table(tmp_path / "slide.h5ad", Columns(x="u", y="v", kind="class"), 1.0)
    assert named.places == {"": ((3.0, 9.0),), "a": ((2.0, 8.0),), "b": ((1.0, 7.0),)}
    with pytest.raises(InputError, match=r"no column 'kind', which slide\.class names"):
        read_table(tmp_path / "slide.h5ad", Columns(x=None, y=None, kind="kind"), 1.0)
    del table.obsm["spatial"]
    table.write_h5ad(tmp_path / "bare.h5ad")
    with pytest.raises(InputError, match="name the columns of obs"):
        read_table(tmp_path / "bare.h5ad", Columns(x=None, y=None, kind="class"), 1.0)


def test_without_the_extra_an_anndata_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "anndata", None)
    with pytest.raises(InputError, match=r"pip install 'tme_abm\[anndata\]'"):
        read_table(written(tmp_path, "", "slide.h5ad"), COLUMNS, 1.0)


def test_a_file_that_is_no_anndata_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("anndata", reason="the extra 'anndata' is not installed")
    with pytest.raises(InputError, match="not an AnnData"):
        read_table(written(tmp_path, "x,y,class\n1,2,a\n", "slide.h5ad"), COLUMNS, 1.0)
