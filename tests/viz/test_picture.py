"""Pictures: every site has the color of what lies there, and the scales mean what they say."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tme_abm.report.style.palette import DEAD, EMPTY, cell_color, rgb
from viz.colorings import COLORINGS, View, bars, cell_colors, field_colors, field_end, ramp
from viz.frame import Frame
from viz.picture import block_size, crop, full_png, paint, png, scale_bar, window_of

PLAIN = View(vessels=False, outline=False)


def middle(pixels: np.ndarray, k: int, row: int, column: int) -> tuple[int, ...]:
    return tuple(pixels[row * k + k // 2, column * k + k // 2].tolist())


def test_every_site_has_the_color_of_what_lies_on_top(frame: Frame) -> None:
    frame = replace(frame, living=np.arange(len(frame.kind)) % 3 > 0)
    pixels, k = paint(frame, PLAIN), block_size(frame.shape)
    assert pixels.shape == (frame.shape[0] * k, frame.shape[1] * k, 3)
    expected = {(row, column): rgb(EMPTY) for row in range(frame.shape[0]) for column in range(frame.shape[1])}
    for layer in (False, True):
        for number in np.flatnonzero(frame.immune == layer):
            color = cell_color(frame.cell_names[frame.kind[number]]) if frame.living[number] else DEAD
            expected[int(frame.row[number]), int(frame.column[number])] = rgb(color)
    assert len(set(expected.values())) > 5
    for (row, column), color in expected.items():
        assert middle(pixels, k, row, column) == color


def test_the_tumor_shows_around_a_leukocyte_that_lies_in_it(frame: Frame) -> None:
    inside = set(zip(frame.row[~frame.immune & frame.living], frame.column[~frame.immune & frame.living], strict=True))
    row, column = next(
        (r, c) for r, c in zip(frame.row[frame.immune], frame.column[frame.immune], strict=True) if (r, c) in inside
    )
    k = block_size(frame.shape)
    assert tuple(paint(frame, PLAIN)[row * k, column * k].tolist()) == rgb(cell_color("tumor"))


def test_a_crop_is_that_part_of_the_whole(frame: Frame) -> None:
    view = replace(PLAIN, zoom=2.0, x=0.3, y=0.7)
    window = window_of(frame.shape, view)
    assert window.shape == (16, 16)
    part = crop(frame, window)
    whole = {
        (r - window.top, c - window.left, k)
        for r, c, k in zip(frame.row, frame.column, frame.kind, strict=True)
        if window.top <= r < window.bottom and window.left <= c < window.right
    }
    assert set(zip(part.row, part.column, part.kind, strict=True)) == whole
    pixels, k = paint(frame, view), block_size(part.shape)
    far = paint(frame, PLAIN)
    small = block_size(frame.shape)
    for row in range(16):
        for column in range(16):
            there = middle(far, small, row + window.top, column + window.left)
            assert middle(pixels, k, row, column) == there


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)])
def test_a_window_stays_on_the_lattice(x: float, y: float) -> None:
    window = window_of((40, 60), View(zoom=3.0, x=x, y=y))
    assert 0 <= window.top < window.bottom <= 40
    assert 0 <= window.left < window.right <= 60
    assert window.shape == (13, 20)


def test_state_colors_follow_the_state_and_gray_out_the_rest(frame: Frame) -> None:
    score = COLORINGS["M1–M2 score"]
    macrophage = frame.living & (frame.kind == frame.cell_names.index("TAM"))
    value = np.linspace(0, 1, int(macrophage.sum()))
    columns = dict(frame.columns) | {"polarization": frame.columns["polarization"].copy()}
    columns["polarization"][macrophage] = value
    colors = cell_colors(replace(frame, columns=columns), score.name)
    map_ = ramp(score.colors)
    np.testing.assert_array_equal(colors[macrophage], map_[(value * 255).astype(int)])
    others = frame.living & ~macrophage & (frame.kind != frame.cell_names.index("TAN"))
    assert len(np.unique(colors[others], axis=0)) == 1


def test_the_scale_of_a_field_is_in_nanomolar_and_holds_it(frame: Frame) -> None:
    field = np.full(frame.shape, 0.002, dtype=np.float32)
    field[0, 0] = 0.0041
    field[1:4] = 0.004
    shown = replace(frame, fields={"IFNG": field})
    (bar,) = bars(shown, View(field="IFNG"))
    assert (bar.name, bar.low, bar.high) == ("IFNG", "0", "0.004 nM")
    colors = field_colors(field, field_end(shown, "IFNG"))
    map_ = ramp("magma_r")
    assert tuple(colors[0, 0]) == tuple(map_[255])  # above the top: the color of the top
    assert tuple(colors[-1, -1]) == tuple(map_[127])


def test_no_state_has_the_colors_of_a_field_that_may_lie_below() -> None:
    assert "magma_r" not in {coloring.colors for coloring in COLORINGS.values()}


def test_an_empty_field_has_a_scale(frame: Frame) -> None:
    field = np.zeros(frame.shape, dtype=np.float32)
    assert field_end(replace(frame, fields={"IFNG": field}), "IFNG") == 1.0
    assert tuple(field_colors(field, 1.0)[0, 0]) == tuple(ramp("magma_r")[0])


def test_a_field_lies_under_the_cells(frame: Frame) -> None:
    pixels, k = paint(frame, replace(PLAIN, field="OXYGEN")), block_size(frame.shape)
    number = np.flatnonzero(frame.immune & frame.living)[0]
    color = rgb(cell_color(frame.cell_names[frame.kind[number]]))
    assert middle(pixels, k, int(frame.row[number]), int(frame.column[number])) == color
    assert tuple(pixels[0, 0].tolist()) != rgb(EMPTY)


def test_a_dark_cell_stands_out_from_a_dark_field(frame: Frame) -> None:
    deep = replace(frame, fields={"IFNG": np.full(frame.shape, 1.0, dtype=np.float32)})
    pixels, k = paint(deep, replace(PLAIN, field="IFNG")), block_size(frame.shape)
    for number in np.flatnonzero(frame.immune):
        row, column = int(frame.row[number]), int(frame.column[number])
        block = pixels[row * k : (row + 1) * k, column * k : (column + 1) * k]
        assert block.min(axis=2).max() > 180  # its rim, on a ground of at most
        assert block[0, 0].max() < 120


def test_vessels_and_core_can_be_hidden(frame: Frame) -> None:
    plain = paint(frame, PLAIN)
    assert not np.array_equal(paint(frame, replace(PLAIN, vessels=True)), plain)
    assert not np.array_equal(paint(frame, replace(PLAIN, outline=True)), plain)


def test_the_scale_bar_is_as_long_as_it_says(frame: Frame) -> None:
    for zoom in (1.0, 2.0):
        share, text = scale_bar(frame, View(zoom=zoom))
        shown = window_of(frame.shape, View(zoom=zoom)).shape[1] * frame.spacing
        assert text == f"{share * shown:g} µm"
        assert share <= 0.25


def test_pictures_are_png_and_a_saved_one_has_its_legend(frame: Frame) -> None:
    pixels = paint(frame, PLAIN)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)
    full = Image.open(io.BytesIO(full_png(frame, View(coloring="PD-L1", field="IFNG"), "Hot")))
    assert full.width > pixels.shape[1] + 200
    assert full.height > pixels.shape[0]
