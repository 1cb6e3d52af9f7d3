"""The cell table: every column is treated alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tme_abm.core.errors import InputError
from tme_abm.tissue import COLUMNS, Cells, Column


def filled(count: int) -> Cells:
    cells = Cells([Column(name="expression X", dtype=np.float64, default=0.25, meaning="", inherited=True)], capacity=2)
    rng = np.random.default_rng(0)
    for name, column in cells.columns.items():
        values = rng.integers(1, 100, count).astype(column.dtype)
        if name == COLUMNS[0].name:
            cells.append(count, **{name: values})
        else:
            cells[name] = values
    return cells


def test_growing_keeps_every_column() -> None:
    cells = filled(5)
    before = cells.arrays()
    cells.append(1000)
    for name, values in before.items():
        np.testing.assert_array_equal(cells[name][:5], values)
        np.testing.assert_array_equal(cells[name][5:], np.full(1000, cells.columns[name].default, cells[name].dtype))


@pytest.mark.parametrize("gone", [[0], [1999], [0, 1, 700], [5, 900, 1998, 1999], [], range(3, 2000, 7), range(2000)])
def test_the_last_cells_take_the_places_of_those_that_go(gone: Sequence[int]) -> None:
    cells = filled(2000)
    cells.key[:] = np.arange(2000)
    before = cells.arrays()
    moved = cells.drop(np.array(gone, dtype=np.int64))
    assert sorted(cells.key) == sorted({*range(2000)} - {*gone})
    for name in before:
        np.testing.assert_array_equal(cells[name], before[name][cells.key.astype(int)], err_msg=name)
    np.testing.assert_array_equal(np.flatnonzero(cells.key != np.arange(len(cells))), moved)


def test_daughters_inherit_what_is_inherited() -> None:
    cells = filled(6)
    rows = cells.divide(np.array([4, 1]), key=np.array([7, 8], dtype=np.uint64))
    np.testing.assert_array_equal(rows, [6, 7])
    for name, column in cells.columns.items():
        others = cells[name][[4, 1]] if column.inherited else [column.default] * 2
        expected = [7, 8] if name == "key" else others
        np.testing.assert_array_equal(cells[name][6:], np.asarray(expected).astype(column.dtype))


def test_views_are_live_both_ways() -> None:
    cells = filled(3)
    cells.damage += 1.5
    view = cells.damage
    cells["damage"] = 4.0
    np.testing.assert_array_equal(view, [4.0, 4.0, 4.0])


def test_saving_and_loading_is_exact_and_complete() -> None:
    cells, other = filled(9), filled(2)
    other.load(cells.arrays())
    for name in cells.columns:
        np.testing.assert_array_equal(other[name], cells[name])
    incomplete = cells.arrays()
    del incomplete["phase"]
    with pytest.raises(InputError, match="same columns: phase"):
        other.load(incomplete)


def test_several_columns_are_read_at_once() -> None:
    """Also when there is room for more cells, and with whole numbers as row numbers."""
    cells = filled(9)
    cells.append(1)
    rows, names = np.array([7, 2, 2, 9]), ("expression X", "born", "damage")
    np.testing.assert_array_equal(cells.table(names, rows), [cells[name][rows] for name in names])
    assert cells.defaults(names).tolist() == [[0.25], [0.0], [0.0]]


def test_sorting_keeps_every_cell_whole() -> None:
    cells = filled(40)
    cells.key[:] = np.arange(40)
    cells.site[:] = np.random.default_rng(1).permutation(40)
    cells.kind[:] = np.arange(40) % 3
    before = cells.arrays()
    cells.sort()
    np.testing.assert_array_equal(cells.kind, np.sort(before["kind"]))
    for kind in range(3):
        assert (np.diff(cells.site[cells.kind == kind]) > 0).all()
    for name, values in before.items():
        np.testing.assert_array_equal(cells[name], values[cells.key.astype(int)], err_msg=name)
