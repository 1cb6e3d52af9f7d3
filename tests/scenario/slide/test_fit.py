from __future__ import annotations

import math

import numpy as np
import pytest

from tme_abm.scenario.slide import SKIP, Fitted, advised_spacing, crowded, fit, shape_for

Places = dict[str, tuple[tuple[float, float], ...]]

IMMUNE, TUMOR = {"CD8", "TAM"}, {"tumor"}
FRAME = ((0.0, 0.0), (100.0, 60.0))  # two cells that are left out, so that the slide has this size


def fitted(places: Places, *, reach: float = 30.0, shape: tuple[int, ...] = (6, 10), spacing: float = 10.0) -> Fitted:
    names = {"t": "tumor", "c": "CD8", "m": "TAM", "frame": SKIP, "o": SKIP}
    return fit(places, names, immune=IMMUNE, tumor=TUMOR, shape=shape, spacing=spacing, reach=reach)


def scattered(count: int, size: tuple[float, float], seed: int = 1) -> tuple[tuple[float, float], ...]:
    draw = np.random.default_rng(seed).uniform((0, 0), size, (count, 2)).round(3)
    return tuple(sorted((float(x), float(y)) for x, y in draw))


def test_cells_stand_where_they_were_measured() -> None:
    found = fitted({"t": ((34.0, 21.0), (99.0, 59.0)), "c": ((34.0, 22.0),), "frame": FRAME})
    assert found.sites["tumor"].tolist() == [2 * 10 + 3, 5 * 10 + 9]
    assert found.sites["CD8"].tolist() == [2 * 10 + 3]  # a layer of its own
    assert not found.left_out
    assert not found.shared


def test_a_slide_lies_in_the_middle_of_a_larger_lattice() -> None:
    found = fitted({"t": ((4.0, 1.0),), "frame": FRAME}, shape=(10, 16))
    assert found.sites["tumor"].tolist() == [2 * 16 + 3]


def test_where_the_slide_was_cut_out_does_not_matter() -> None:
    cells = {"t": scattered(40, (100, 60)), "c": scattered(30, (100, 60), 2), "frame": FRAME}
    moved = {name: tuple((x + 7000.0, y - 300.0) for x, y in places) for name, places in cells.items()}
    here, there = fitted(cells), fitted(moved)
    assert {name: sites.tolist() for name, sites in here.sites.items()} == {
        name: sites.tolist() for name, sites in there.sites.items()
    }
    assert here.classes == there.classes


def test_of_two_in_one_site_the_nearer_to_its_center_stays_and_the_other_takes_the_nearest_free_one() -> None:
    found = fitted({"c": ((33.0, 25.0),), "m": ((36.0, 25.0),), "frame": FRAME})
    assert found.sites["TAM"].tolist() == [23]
    assert found.sites["CD8"].tolist() == [22]
    (told,) = (one for one in found.classes if one.name == "c")
    assert (told.kept, told.moved, told.left_out) == (0, 1, 0)
    assert told.farthest == pytest.approx(8.0)


def test_nobody_is_moved_beyond_reach_and_who_finds_no_site_is_counted() -> None:
    many = tuple((35.0 + n / 100, 25.0) for n in range(12))
    near = fitted({"c": many, "frame": FRAME}, reach=12.0)
    (told,) = (one for one in near.classes if one.name == "c")
    assert (told.kept, told.moved, told.left_out) == (1, 4, 7)  # its own site, and the four beside it
    assert told.farthest <= 12.0
    assert near.left_out == 7
    assert fitted({"c": many, "frame": FRAME}).left_out == 0


def test_no_cell_is_lost_and_no_site_holds_two() -> None:
    places = {"t": scattered(70, (100, 60)), "c": scattered(50, (100, 60), 2), "m": scattered(40, (100, 60), 3),
              "o": scattered(30, (100, 60), 4)}
    found = fitted(places, reach=8.0, shape=shape_for(places, 10.0))
    for one in found.classes:
        assert one.measured == len(places[one.name])
        assert one.kept + one.moved + one.left_out == (0 if one.cell == SKIP else one.measured)
    for cells in (("tumor",), ("CD8", "TAM")):
        sites = np.concatenate([found.sites[name] for name in cells])
        assert len(np.unique(sites)) == len(sites)
    placed = {one.name: one.kept + one.moved for one in found.classes}
    assert [len(found.sites[name]) for name in ("tumor", "CD8", "TAM")] == [placed["t"], placed["c"], placed["m"]]
    assert found.left_out  # or the test says little


def test_tumor_tissue_is_where_most_of_the_cells_around_are_tumor() -> None:
    nest = tuple((5.0 + 10 * x, 5.0 + 10 * y) for x in range(5) for y in range(6))
    rest = tuple((55.0 + 10 * x, 5.0 + 10 * y) for x in range(5) for y in range(6))
    tumor = fitted({"t": nest, "o": rest, "frame": FRAME}).tumor.reshape(6, 10)
    assert tumor[:, :4].all()
    assert not tumor[:, 6:].any()
    # a hole between tumor cells belongs to them, and a lone tumor cell among others does not
    holed = tuple(place for place in nest if place != (25.0, 25.0))
    assert fitted({"t": holed, "o": rest, "frame": FRAME}).tumor.reshape(6, 10)[2, 2]
    assert not fitted({"t": ((55.0, 25.0),), "o": rest, "frame": FRAME}).tumor.any()
    assert not fitted({"o": rest, "frame": FRAME}).tumor.any()


def test_a_slide_that_is_larger_than_the_lattice_is_refused() -> None:
    with pytest.raises(ValueError, match="larger"):
        fitted({"t": ((4.0, 1.0),), "frame": FRAME}, shape=(6, 9))


def test_the_shape_that_is_chosen_is_the_smallest_that_holds_the_slide() -> None:
    places = {"frame": ((3.0, 8.0), (103.0, 68.0))}
    assert shape_for(places, 12.0) == (6, 9)
    assert shape_for(places, 10.0) == (7, 11)  # a site for each of the cells at 0, 10, …, 100 um
    assert shape_for({"t": ((3.0, 8.0),)}, 10.0) == (1, 1)


def test_the_advised_spacing_is_the_largest_that_does() -> None:
    places = {"t": scattered(400, (300, 300)), "c": scattered(100, (300, 300), 2), "o": scattered(300, (300, 300), 3)}
    names = {"t": "tumor", "c": "CD8", "o": SKIP}

    def at(spacing: float) -> Fitted:
        shape = shape_for(places, spacing)
        return fit(places, names, immune=IMMUNE, tumor=TUMOR, shape=shape, spacing=spacing, reach=30.0)

    assert crowded(at(15.0))
    found = advised_spacing(places, names, immune=IMMUNE, below=15.0)
    assert found is not None
    spacing, share = found
    assert 2.0 < spacing < 15.0
    assert share == pytest.approx(at(spacing).shared)
    assert not crowded(at(spacing))
    assert all(crowded(at(coarser)) for coarser in np.arange(spacing + 0.5, 15.0, 0.5))
    stacked = {"t": ((1.0, 1.0),) * 5}
    assert advised_spacing(stacked, {"t": "tumor"}, immune=IMMUNE, below=15.0) is None


def test_cells_that_lie_on_one_point_are_told_apart_by_their_class() -> None:
    found = fitted({"c": ((35.0, 25.0),), "m": ((35.0, 25.0),), "frame": FRAME})
    assert found.sites["CD8"].tolist() == [23]
    assert math.isclose(found.shared, 0.5)
