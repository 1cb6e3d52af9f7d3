"""How a field lies in memory while it is transformed or summed changes its speed and not a bit of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dctn

from tme_abm.kernels.fields import Problem, implicit_step, spectral, spectral_step, stencil

SHAPES = [(2, 21, 16), (1, 20, 37), (1, 18, 1024), (2, 5, 6, 9)]
STEPS = {"spectral": spectral_step, "implicit": implicit_step}


def field(shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(5).random(shape).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(STEPS))
def test_rows_with_room_give_the_same_bytes(
    name: str, dtype: type, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    c, source = field(shape, dtype), field(shape, dtype)[..., ::-1].copy()
    uptake = 4.0 * (field(shape, dtype) > 0.9) if name == "implicit" else 0.0
    given = Problem(dt=10.0, diffusivity=900.0, decay=0.02, uptake=uptake, source=source, spacing=15.0, ndim=c.ndim - 1)
    kept = c.copy()
    usual = STEPS[name](c, given)
    monkeypatch.setattr(spectral, "_LONG", 1)
    assert STEPS[name](c, given).tobytes() == usual.tobytes()
    assert c.tobytes() == kept.tobytes()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_room_lets_every_row_begin_a_line_and_none_compete(shape: tuple[int, ...], dtype: type) -> None:
    c = field(shape, dtype)
    roomy = spectral._with_room(c)
    assert np.array_equal(roomy, c)
    distance = roomy.strides[-2]
    assert distance % 64 == 0
    assert distance % 4096 != 0
    assert distance <= c.strides[-2] + 128


def test_only_long_columns_are_given_room(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    room = spectral._with_room
    monkeypatch.setattr(spectral, "_with_room", lambda c: given.append(c.shape) or room(c))
    for shape in [(1, 60, 60), (1, 8, 1100), (1, 1023, 4), (1, 1024, 4), (1, 1100)]:
        spectral.to_modes(field(shape))
    assert given == [(1, 1024, 4)]


@pytest.mark.parametrize("shape", [(2, 7, 9), (1, 1, 6), (1, 6, 1), (1, 5), (2, 3, 4, 5), (1, 4, 1, 3)])
def test_neighbors_summed_along_all_rows_as_one_are_those_of_each_row(shape: tuple[int, ...]) -> None:
    c = field(shape, np.float64)
    sparse = np.zeros((*shape[:-1], 2 * shape[-1]))[..., ::2]  # not in one piece, so that rows are taken one by one
    sparse[...] = c
    as_one = stencil.neighbor_sum(c, np.empty_like(c))
    assert as_one.tobytes() == stencil.neighbor_sum(sparse, np.empty_like(c)).tobytes()
    padded = np.pad(c, [(0, 0), *[(1, 1)] * (c.ndim - 1)], mode="edge")
    expected = np.zeros_like(c)
    for axis in range(1, c.ndim):
        for first in (0, 2):
            window = [slice(None), *[slice(1, -1)] * (c.ndim - 1)]
            window[axis] = slice(first, first + c.shape[axis])
            expected += padded[tuple(window)]
    np.testing.assert_allclose(as_one, expected, rtol=1e-13)


@pytest.mark.parametrize(("shape", "kept"), [
    ((3, 24, 20), (24, 20)), ((2, 90, 70), (31, 17)), ((2, 40, 48, 36), (40, 48, 36)),
])  # fmt: skip
def test_products_of_matrices_come_in_pieces_for_one_thread(
    shape: tuple[int, ...], kept: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the pieces together are the transform."""
    sizes = []
    product = np.matmul

    def look(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
        sizes.append(a.shape[-2] * a.shape[-1] * b.shape[-1])
        return product(a, b, out=out)

    monkeypatch.setattr(spectral.np, "matmul", look)
    c = field(shape, np.float64)
    modes = spectral._slow_modes(c, kept)
    assert 0 < max(sizes) <= 2**18
    expected = dctn(c, type=2, norm="ortho", axes=range(1, c.ndim))[(slice(None), *map(slice, kept))]
    np.testing.assert_allclose(modes, expected, atol=1e-12)
