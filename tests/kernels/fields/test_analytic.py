"""Single steps of the solvers against closed forms; steady fields are checks of `verification`."""

from __future__ import annotations

import math

import numpy as np
import pytest

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
    assert eigenvalues(shape, H, "float64")[wave] == pytest.approx(eigenvalue, rel=1e-12)


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


def test_exact_without_diffusion_of_a_uniform_field():
    """c' = s - k c has a closed form that the exact solver must hit for any dt."""
    c = np.full((6, 7), 3.0)
    new = spectral_step(c, Problem(dt=7.0, diffusivity=0.0, decay=0.2, source=0.5, spacing=H))
    np.testing.assert_allclose(new, 2.5 + 0.5 * math.exp(-1.4), rtol=1e-13)
