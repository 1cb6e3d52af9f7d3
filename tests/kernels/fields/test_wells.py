"""Several wells in one call: each gets what it would get alone, whatever the others hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tme_abm.kernels.fields import (
    METHODS,
    Method,
    Problem,
    budget,
    implicit_solve,
    implicit_step,
    linear,
    spectral_step,
)
from tme_abm.kernels.fields.stencil import neighbor_sum

H = 15.0
SHAPES = [(14, 18), (6, 8, 10)]
WELLS = 4
DIFFUSIVITY, DECAY = np.array([6000.0, 600.0, 60000.0, 1e5]), np.array([0.01, 0.0, 0.1, 1.0])


def stack(shape: tuple[int, ...], dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Concentration, uptake and source (wells, *shape): a busy well, an empty one, a calm one, one without uptake."""
    rng = np.random.default_rng(4)
    full = (WELLS, *shape)
    scale = np.array([1e3, 0.0, 1e-3, 1.0]).reshape(-1, *(1,) * len(shape))
    c = scale * rng.random(full)
    source = scale * np.where(rng.random(full) < 0.1, rng.random(full), 0.0)
    strength = np.array([1e3, 10.0, 0.1, 0.0]).reshape(scale.shape)
    uptake = strength * np.where(rng.random(full) < 0.1, rng.random(full), 0.0)
    return c.astype(dtype), uptake.astype(dtype), source.astype(dtype)


def given_to(name: str, uptake: np.ndarray, source: np.ndarray) -> Problem:
    number = 3.0 if name == "stencil" else 50.0
    return Problem(
        dt=10.0, diffusivity=number * H**2 / 10, decay=0.03, uptake=0.01 if name == "spectral" else uptake,
        source=source, spacing=H, ndim=source.ndim - 1,
    )  # fmt: skip


def of_well(given: Problem, well: int) -> Problem:
    uptake = given.uptake[well] if np.ndim(given.uptake) else given.uptake
    return replace(given, uptake=uptake, source=given.source[well])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", list(METHODS))
def test_a_stack_is_solved_like_each_well_alone(name: str, dtype: type, shape: tuple[int, ...]) -> None:
    c, uptake, source = stack(shape, dtype)
    given = given_to(name, uptake, source)
    mean = np.empty_like(c)
    together = METHODS[name](c, given, mean=mean)
    assert together.shape == c.shape
    assert together.dtype == dtype
    for well in range(WELLS):
        average = np.empty_like(c[well])
        alone = METHODS[name](c[well], of_well(given, well), mean=average)
        # Not a tolerance of the solver: roundoff at most.
        roundoff = 20 * np.finfo(dtype).eps
        np.testing.assert_allclose(together[well], alone, rtol=roundoff, atol=roundoff * alone.max())
        np.testing.assert_allclose(mean[well], average, rtol=roundoff, atol=roundoff * average.max())


@pytest.mark.parametrize("name", list(METHODS))
def test_what_a_well_holds_does_not_reach_the_others(name: str) -> None:
    c, uptake, source = stack((14, 18), np.float32)
    before = METHODS[name](c, given_to(name, uptake, source))
    c[0], source[0], uptake[0] = 7e4, 3e3, 50.0
    c[2, 3, 3] = 1e6
    after = METHODS[name](c, given_to(name, uptake, source))
    for well in (1, 3):
        assert before[well].tobytes() == after[well].tobytes()
    for well in (0, 2):
        assert not np.allclose(before[well], after[well])


@pytest.mark.parametrize("name", list(METHODS))
def test_nothing_crosses_from_well_to_well(name: str) -> None:
    """A source in the last row of one well, beside the first row of the next."""
    c = np.zeros((3, 8, 9))
    source = np.zeros_like(c)
    source[1, 0], source[1, -1] = 1.0, 1.0
    new = METHODS[name](c, given_to(name, np.zeros_like(c), source))
    assert (new[1] > 0).all()
    assert not new[[0, 2]].any()


@pytest.mark.parametrize("tolerance", [0.5, 1e-3])
@pytest.mark.parametrize("name", list(METHODS))
def test_the_budget_closes_in_every_well(name: str, tolerance: float) -> None:
    c, uptake, source = stack((14, 18))
    given = given_to(name, uptake, source)
    mean = np.empty_like(c)
    new = METHODS[name](c, given, tolerance=tolerance, mean=mean)
    for well in range(WELLS):
        flows = budget(c[well], new[well], mean[well], of_well(given, well))
        assert abs(flows.excess) <= 1e-11 * (flows.secreted + H**3 * float(c[well].sum()))
    assert abs(budget(c, new, mean, given).excess) <= 1e-11 * H**3 * float(c.sum())


def test_each_well_takes_its_own_way_out_of_sdirk2() -> None:
    """At k dt = 10 the formula is negative and two halves are taken instead; the calm well beside it keeps SDIRK2."""
    c, uptake = np.full((2, 8, 8), 2.0), np.zeros((2, 8, 8))
    uptake[0] = 1.0
    new = METHODS["sdirk2"](c, Problem(dt=10.0, diffusivity=1125.0, decay=0.0, uptake=uptake, spacing=H, ndim=2))
    np.testing.assert_allclose(new[0], 2.0 / 36.0, rtol=1e-10)
    np.testing.assert_allclose(new[1], 2.0, rtol=1e-12)


def test_a_hard_well_costs_the_easy_ones_no_accuracy() -> None:
    c, uptake, source = stack((14, 18))
    given = given_to("implicit", uptake, source)
    solved = implicit_solve(c, given)
    alone = [implicit_solve(c[well], of_well(given, well)) for well in range(WELLS)]
    assert solved.iterations == max(one.iterations for one in alone)
    assert solved.error == pytest.approx(max(one.error for one in alone))
    assert len({one.iterations for one in alone}) > 2, "the wells must differ to show something"


def test_the_sum_of_neighbors_stays_in_its_well() -> None:
    c = np.random.default_rng(1).random((3, 5, 6))
    wells = neighbor_sum(c, np.empty_like(c))
    for well in range(3):
        alone = c[well : well + 1]
        np.testing.assert_array_equal(wells[well], neighbor_sum(alone, np.empty_like(alone))[0])


@pytest.mark.parametrize("name", list(METHODS))
@pytest.mark.parametrize(("shape", "ndim", "message"), [
    ((2, 3, 4, 5), 2, "c must have 2 axes of space and at most one of lattices before them, not 4 axes"),
    ((4, 5), 3, "c must have 3 axes of space"),
    ((2, 2, 2, 2), 4, "c must be a float32 or float64 array of 1 to 3 axes, not float64 of 4"),
])  # fmt: skip
def test_axes_that_make_no_sense_are_refused(name: str, shape: tuple[int, ...], ndim: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        METHODS[name](np.ones(shape), Problem(dt=1.0, diffusivity=1.0, decay=0.1, spacing=H, ndim=ndim))


@pytest.mark.parametrize("shape", [(12, 9), (6, 5, 4), (70, 66)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_several_fields_at_once_are_the_same_fields_to_the_bit(shape: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(1)
    ndim = len(shape)
    c, source = (rng.random((4, *shape)).astype(dtype) for _ in range(2))
    source[2] = 0
    given = Problem(dt=10.0, diffusivity=DIFFUSIVITY, decay=DECAY, source=source, spacing=H, ndim=ndim)
    mean, average = np.empty_like(c), np.empty_like(c[0])
    together = spectral_step(c, given, mean=mean)
    for field in range(4):
        alone = replace(given, diffusivity=float(DIFFUSIVITY[field]), decay=float(DECAY[field]), source=source[field])
        assert np.array_equal(together[field], spectral_step(c[field], alone, mean=average))
        assert np.array_equal(mean[field], average)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_several_implicit_steps_at_once_are_the_same_steps_to_the_bit(shape: tuple[int, ...], dtype: type) -> None:
    """With constants of their own, however hard they are: some need many transforms, some one pair."""
    c, uptake, source = stack(shape, dtype)
    given = Problem(
        dt=10.0, diffusivity=DIFFUSIVITY, decay=DECAY, uptake=uptake, source=source, spacing=H, ndim=len(shape)
    )
    for name in ("implicit", "sdirk2"):
        together = METHODS[name](c, given)
        assert together.dtype == dtype
        for n in range(WELLS):
            alone = Problem(
                dt=10.0, diffusivity=float(DIFFUSIVITY[n]), decay=float(DECAY[n]), uptake=uptake[n], source=source[n],
                spacing=H,
            )  # fmt: skip
            np.testing.assert_array_equal(together[n], METHODS[name](c[n], alone))


@pytest.mark.parametrize("method", ["implicit", "sdirk2"])
@pytest.mark.parametrize("level", [1e-15, 10**-17.85, 10**-19.4, 10**-19.7, 10**-19.8, 1e-25, 1e-30, 1e-36])
def test_a_field_that_fades_away_stays_finite(method: Method, level: float) -> None:
    rng = np.random.default_rng(3)
    c = (rng.random((2, 12, 9)) * level).astype(np.float32)
    c[1] = rng.random((12, 9))
    uptake = (rng.random((2, 12, 9)) < 0.2).astype(np.float32)
    given = Problem(dt=10.0, diffusivity=6000.0, decay=0.01, uptake=uptake, spacing=H, ndim=2)
    new = METHODS[method](c, given, tolerance=1e-6)
    assert np.isfinite(new).all()
    assert (new >= 0).all()
    assert new[0].max() <= c[0].max()
    assert np.array_equal(new[1], METHODS[method](c[1], replace(given, uptake=uptake[1]), tolerance=1e-6))


@pytest.mark.parametrize("name", ["diffusivity", "decay"])
@pytest.mark.parametrize("bad", [-1.0, np.inf, np.nan])
def test_one_bad_number_among_many_lattices_is_refused(name: str, bad: float) -> None:
    numbers = {"diffusivity": np.array([600.0, 700.0, 800.0]), "decay": np.array([0.1, 0.2, 0.3])}
    numbers[name][1] = bad
    with pytest.raises(ValueError, match=f"{name} must be finite and >= 0, not {bad}"):
        Problem(dt=1.0, **numbers, spacing=H)


def test_a_well_that_is_done_leaves_the_iterations_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calm well, one of some and one of strong consumers: together they take what each takes alone, and no more."""
    rng = np.random.default_rng(8)
    consumers = rng.random((12, 14)) < 0.1
    uptake = np.array([0.0, 1.0, 300.0])[:, None, None] * consumers + 0.01
    c, source = rng.random(uptake.shape), rng.random(uptake.shape)
    transformed: list[int] = []
    there = linear.to_modes

    def counted(r: np.ndarray, *, overwrite: bool = False) -> np.ndarray:
        if not overwrite:  # those of the iterations
            transformed.append(len(r))
        return there(r, overwrite=overwrite)

    monkeypatch.setattr(linear, "to_modes", counted)

    def steps(wells: list[int]) -> np.ndarray:
        given = Problem(
            dt=10.0, diffusivity=900.0, decay=0.02, uptake=uptake[wells], source=source[wells], spacing=H, ndim=2
        )
        return implicit_step(c[wells], given, tolerance=1e-6)

    alone, taken = [], []
    for well in range(3):
        alone.append(steps([well])[0])
        taken.append(len(transformed))
        transformed.clear()
    assert taken[0] < taken[1] < taken[2]
    together = steps([0, 1, 2])
    assert sum(transformed) == sum(taken)
    assert transformed == sorted(transformed, reverse=True)
    assert together.tobytes() == np.stack(alone).tobytes()
