"""The solvers against closed forms: decaying modes, steady gradients, point sources."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import k0

from tme_abm.kernels.fields import Problem, implicit_step, sdirk2_step, spectral_step, stencil_step
from tme_abm.kernels.fields.spectral import eigenvalues
from tme_abm.kernels.fields.stencil import neighbor_sum

H = 15.0
SHAPES = [(24, 32), (8, 12, 16)]


def mode(shape: tuple[int, ...], wave: tuple[int, ...]) -> tuple[np.ndarray, float]:
    """A cosine mode of the lattice and its discrete eigenvalue -q^2."""
    c, eigenvalue = np.ones(shape), 0.0
    for axis, (n, m) in enumerate(zip(shape, wave, strict=True)):
        along = np.cos(np.pi * m * (np.arange(n) + 0.5) / n)
        c *= along.reshape([n if a == axis else 1 for a in range(len(shape))])
        eigenvalue -= 4 / H**2 * math.sin(math.pi * m / (2 * n)) ** 2
    return c, eigenvalue


@pytest.mark.parametrize("shape", SHAPES)
def test_the_stencil_has_the_eigenvalues_of_the_modes(shape):
    wave = (2, 3, 5)[: len(shape)]
    c, eigenvalue = mode(shape, wave)
    laplacian = (neighbor_sum(c[None], np.empty_like(c[None]))[0] - 2 * len(shape) * c) / H**2
    np.testing.assert_allclose(laplacian, eigenvalue * c, atol=1e-14)
    assert eigenvalues(shape, H, "d")[wave] == pytest.approx(eigenvalue, rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cosine_mode_decays_as_it_should(shape):
    """The exact solver exactly, backward Euler by its own factor, SDIRK2 and the stencil nearly."""
    ripple, eigenvalue = mode(shape, (1, 2, 3)[: len(shape)])
    c = 2.0 + ripple
    given = Problem(dt=1.0, diffusivity=300.0, decay=0.15, spacing=H)
    rate = 0.15 - 300.0 * eigenvalue
    exact = 2.0 * math.exp(-0.15) + math.exp(-rate) * ripple
    np.testing.assert_allclose(spectral_step(c, given), exact, rtol=1e-12)
    backward = 2.0 / 1.15 + ripple / (1 + rate)
    np.testing.assert_allclose(implicit_step(c, given), backward, rtol=1e-12)
    np.testing.assert_allclose(sdirk2_step(c, given), exact, rtol=2e-2)
    np.testing.assert_allclose(stencil_step(c, given, substeps=4000), exact, rtol=1e-3)


@pytest.mark.parametrize("step", [implicit_step, spectral_step, sdirk2_step, stencil_step])
def test_steady_gradient_of_a_wall_source(step):
    """c ~ exp(-x / sqrt(D / k)) away from a plane source at a wall."""
    length, decay = 90.0, 0.1
    source = np.zeros((3, 80))
    source[:, 0] = 1.0
    c = np.zeros_like(source)
    dt = 5.0 if step is stencil_step else 60.0
    given = Problem(dt=dt, diffusivity=decay * length**2, decay=decay, source=source, spacing=H)
    for _ in range(40):
        c = step(c, given, tolerance=1e-4)
    x = H * np.arange(80)
    near = x < 4 * length
    np.testing.assert_allclose(c[1, near] / c[1, 0], np.exp(-x / length)[near], rtol=0.02)
    assert c.sum() * decay == pytest.approx(source.sum(), rel=1e-3)


@pytest.mark.parametrize("step", [implicit_step, spectral_step])
def test_point_source_in_2d(step):
    """c = s h^2 K0(r / L) / (2 pi D)."""
    length, decay = 75.0, 0.1
    source = np.zeros((101, 101))
    source[50, 50] = 1.0
    c = np.zeros_like(source)
    given = Problem(dt=60.0, diffusivity=decay * length**2, decay=decay, source=source, spacing=H)
    for _ in range(30):
        c = step(c, given, tolerance=1e-4)
    y, x = np.indices(c.shape)
    r = H * np.hypot(y - 50, x - 50)
    ring = (r > 4 * H) & (r < 3 * length)
    theory = H**2 * k0(r[ring] / length) / (2 * math.pi * decay * length**2)
    np.testing.assert_allclose(c[ring], theory, rtol=0.03)


@pytest.mark.parametrize("step", [implicit_step, spectral_step])
def test_point_source_in_3d(step):
    """c = s h^3 exp(-r / L) / (4 pi D r)."""
    length, decay = 60.0, 0.1
    source = np.zeros((41, 41, 41))
    source[20, 20, 20] = 1.0
    c = np.zeros_like(source)
    given = Problem(dt=60.0, diffusivity=decay * length**2, decay=decay, source=source, spacing=H)
    for _ in range(12):
        c = step(c, given, tolerance=1e-4)
    z, y, x = np.indices(c.shape)
    r = H * np.sqrt((z - 20.0) ** 2 + (y - 20.0) ** 2 + (x - 20.0) ** 2)
    shell = (r > 4 * H) & (r < 2.5 * length)
    theory = H**3 * np.exp(-r[shell] / length) / (4 * math.pi * decay * length**2 * r[shell])
    np.testing.assert_allclose(c[shell], theory, rtol=0.04)


def test_exact_without_diffusion_of_a_uniform_field():
    """c' = s - k c has a closed form that the exact solver must hit for any dt."""
    c = np.full((6, 7), 3.0)
    new = spectral_step(c, Problem(dt=7.0, diffusivity=0.0, decay=0.2, source=0.5, spacing=H))
    np.testing.assert_allclose(new, 2.5 + 0.5 * math.exp(-1.4), rtol=1e-13)
