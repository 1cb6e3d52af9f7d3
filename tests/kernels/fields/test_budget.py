"""Nothing is lost, nothing is invented, nothing is negative."""

from __future__ import annotations

import numpy as np
import pytest

from tme_abm.kernels.fields import (
    METHODS,
    Problem,
    budget,
    implicit_solve,
    linear,
    sdirk2_step,
    spectral_step,
    stencil_step,
)

from .accuracy import problem

H = 15.0
CONSUMING = ["stencil", "implicit", "sdirk2"]
SHAPES = [(24, 32), (8, 12, 16)]


def hard(shape: tuple[int, ...], dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Concentration, uptake up to 1e3 /min and source, each on single voxels, the worst a tissue can offer."""
    rng = np.random.default_rng(3)
    c = np.where(rng.random(shape) < 0.02, 1e4 * rng.random(shape), 0.0)
    uptake = np.where(rng.random(shape) < 0.05, 10.0 ** rng.uniform(-1, 3, shape), 0.0)
    source = np.where(rng.random(shape) < 0.02, 1e3 * rng.random(shape), 0.0)
    return c.astype(dtype), uptake.astype(dtype), source.astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "roundoff"), [(np.float64, 1e-11), (np.float32, 2e-5)])
@pytest.mark.parametrize("number", [1.0, 50.0])
@pytest.mark.parametrize("name", CONSUMING)
def test_budget_closes_with_uptake_even_when_hardly_iterated(name, number, dtype, roundoff, shape):
    c, uptake, source = hard(shape, dtype)
    given = Problem(dt=10.0, diffusivity=number * H**2 / 10, decay=0.03, uptake=uptake, source=source, spacing=H)
    mean = np.empty_like(c)
    new = METHODS[name](c, given, tolerance=0.5, mean=mean)
    flows = budget(c, new, mean, given)
    assert abs(flows.excess) <= roundoff * (flows.secreted + H**3 * float(c.sum()))
    assert flows.taken_up > 0
    assert new.dtype == dtype


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "roundoff"), [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("decay", [0.0, 0.03])
@pytest.mark.parametrize("name", ["spectral", *CONSUMING])
def test_budget_closes_without_uptake(name, decay, dtype, roundoff, shape):
    c, _, source = hard(shape, dtype)
    given = Problem(dt=10.0, diffusivity=1125.0, decay=decay, source=source, spacing=H)
    mean = np.empty_like(c)
    new = METHODS[name](c, given, mean=mean)
    flows = budget(c, new, mean, given)
    assert abs(flows.excess) <= roundoff * (flows.secreted + H**3 * float(c.sum()))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("tolerance", [0.5, 1e-2])
@pytest.mark.parametrize("name", ["spectral", *CONSUMING])
def test_never_negative_beside_hard_sinks_and_sources(name, tolerance, dtype, shape):
    c, uptake, source = hard(shape, dtype)
    sink = 0.0 if name == "spectral" else uptake
    for _ in range(4):
        given = Problem(dt=10.0, diffusivity=1125.0, decay=0.03, uptake=sink, source=source, spacing=H)
        c = METHODS[name](c, given, tolerance=tolerance)
        assert np.isfinite(c).all()
        assert c.min() >= 0
        source = np.roll(source, 3, axis=0)


def test_polish_moves_no_voxel_further_off_than_the_worst_one(monkeypatch):
    """The reason why cutting and the Jacobi step are harmless: neither enlarges the largest error."""
    c, uptake, source = hard((24, 32))
    given = Problem(dt=10.0, diffusivity=1125.0, decay=0.03, uptake=uptake, source=source, spacing=H)
    exact = implicit_solve(c, given, tolerance=1e-13).c
    seen = []

    def spy(operator, b, x, out):
        seen.append(x.copy())
        seen.append(original(operator, b, x, out).copy())
        return seen[-1].copy()

    original = linear._polish
    monkeypatch.setattr(linear, "_polish", spy)
    implicit_solve(c, given, tolerance=10.0)
    raw, polished = (wells[0] for wells in seen)
    assert raw.min() < 0, "the case must be hard enough to show something"
    assert polished.min() >= 0
    assert np.abs(polished - exact).max() <= np.abs(raw - exact).max()
    at_sinks = uptake > 10
    assert np.abs(polished - exact)[at_sinks].max() < 0.5 * np.abs(raw - exact)[at_sinks].max()


def test_sdirk2_stays_positive_where_its_own_formula_is_negative():
    """At k dt = 10 one SDIRK2 step multiplies by -0.2; two halves of backward Euler multiply by 1/36."""
    c = np.full((8, 8), 2.0)
    mean = np.empty_like(c)
    given = Problem(dt=10.0, diffusivity=1125.0, decay=1.0, spacing=H)
    new = sdirk2_step(c, given, mean=mean)
    np.testing.assert_allclose(new, 2.0 / 36.0, rtol=1e-10)
    assert budget(c, new, mean, given).excess == pytest.approx(0.0, abs=1e-6)


def test_mean_of_the_exact_solver_is_the_time_average():
    c, _, source = hard((24, 32))
    given = Problem(dt=10.0, diffusivity=100.0, decay=0.03, source=source, spacing=H)
    exact, fine = np.empty_like(c), np.empty_like(c)
    spectral_step(c, given, mean=exact)
    stencil_step(c, given, mean=fine, substeps=4000)
    np.testing.assert_allclose(exact, fine, rtol=2e-3, atol=1e-3 * exact.max())


@pytest.mark.parametrize("name", list(METHODS))
def test_empty_stays_empty_and_dust_vanishes(name):
    given = Problem(dt=10.0, diffusivity=1125.0, decay=0.1, spacing=H)
    assert not METHODS[name](np.zeros((6, 5), np.float32), given).any()
    assert not METHODS[name](np.full((6, 5), 1e-37, np.float32), given).any()


@pytest.mark.parametrize("name", list(METHODS))
def test_arguments_are_left_alone(name):
    case = problem((12, 12), number=2.0)
    c, source = np.ones((12, 12)), case.source.copy()
    METHODS[name](c, Problem(dt=10.0, diffusivity=case.diffusivity, decay=0.1, source=source, spacing=H))
    assert (c == 1).all()
    assert (source == case.source).all()
